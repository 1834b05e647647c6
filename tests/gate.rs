//! Who is let in: the attacks on the authentication of clients, by name (A1 to A18).

mod support;

use jakcard::auth::{Denied, Gate, Refusal};
use jakcard::config::{Algorithm, Client, Config};
use jakcard::store::{Shelf, Store};
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::fake_ehr::{FakeEhr, Reply};
use support::issuer::{ALGORITHMS, Issuer, Signer, b64, uuid};
use support::wait;

const NOW: i64 = 1_800_000_000;
const PATH: &str = "/cds-services/jak-inhibitor-order-sign";
const HERE: &str = "https://cds.example.org/cds-services/jak-inhibitor-order-sign";
const EHR: &str = "https://ehr.example.org";

/// Settings with one client, whose keys are in a file.
fn config(jwks: &Value) -> Config {
    let file = std::env::temp_dir().join(format!("jakcard-gate-{}.json", uuid()));
    std::fs::write(&file, jwks.to_string()).expect("written");
    let public_url = Some("https://cds.example.org".to_owned());
    Config { public_url, clients: vec![client(Some(file), None)], ..Config::default() }
}

fn client(jwks_file: Option<PathBuf>, jwks_url: Option<String>) -> Client {
    Client {
        name: "hospital".to_owned(),
        iss: EHR.to_owned(),
        algorithms: vec![Algorithm::ES384, Algorithm::RS384],
        jwks_url,
        jwks_file,
        audiences: Vec::new(),
        tenants: Vec::new(),
        fhir_servers: Vec::new(),
        open_fhir_servers: Vec::new(),
        jurisdiction: None,
        deadline_ms: None,
        selection_behavior: None,
    }
}

fn gate(config: &Config) -> Gate {
    Gate::of(config, None).expect("the keys can be read").expect("a client")
}

fn of(issuer: &Issuer) -> Gate {
    gate(&config(&issuer.jwks()))
}

fn at(gate: &Gate, token: &str, now: i64) -> Result<String, Refusal> {
    let header = format!("Bearer {token}");
    admit(gate, &[header.as_bytes()], now)
}

fn knock(gate: &Gate, token: &str) -> Result<String, Refusal> {
    at(gate, token, NOW)
}

fn admit(gate: &Gate, headers: &[&[u8]], now: i64) -> Result<String, Refusal> {
    match wait(gate.admit(headers, &[PATH.to_owned()], now)) {
        Ok(client) => Ok(client.name.clone()),
        Err(Denied::Refused(refusal)) => Err(refusal),
        Err(Denied::Busy) => panic!("busy"),
    }
}

/// A value with some members set, or taken away where they are `null`.
fn with(mut value: Value, change: Value) -> Value {
    let members = value.as_object_mut().expect("an object");
    for (key, changed) in change.as_object().expect("an object") {
        match changed.is_null() {
            true => members.remove(key),
            false => members.insert(key.clone(), changed.clone()),
        };
    }
    value
}

#[test]
fn a_good_token_is_let_in() {
    for signer in [Signer::p384(), Signer::rsa()] {
        let issuer = Issuer { signer, ..Issuer::new(EHR) };
        assert_eq!(knock(&of(&issuer), &issuer.good(HERE, NOW)), Ok("hospital".to_owned()));
    }
}

#[test]
fn a1_no_algorithm_is_no_signature() {
    let issuer = Issuer::new(EHR);
    let gate = of(&issuer);
    for alg in ["none", "None", "nOnE", "NONE", ""] {
        let header = with(issuer.header(), json!({ "alg": alg }));
        let signed = issuer.token(&header, &issuer.claims(HERE, NOW));
        let bare = format!("{}.", signed.rsplit_once('.').expect("parts").0);
        assert_eq!(knock(&gate, &signed), Err(Refusal::Algorithm), "{alg}");
        assert_eq!(knock(&gate, &bare), Err(Refusal::Algorithm), "{alg}");
    }
    let header = with(issuer.header(), json!({ "alg": null }));
    assert!(knock(&gate, &issuer.token(&header, &issuer.claims(HERE, NOW))).is_err());
}

#[test]
fn a2_a_public_key_is_no_shared_secret() {
    use aws_lc_rs::hmac;
    for signer in [Signer::p384(), Signer::rsa()] {
        let issuer = Issuer { signer, ..Issuer::new(EHR) };
        let gate = of(&issuer);
        let jwk = issuer.signer.jwk("key-1");
        let mut secrets =
            vec![jwk.to_string().into_bytes(), issuer.jwks().to_string().into_bytes()];
        for member in ["x", "y", "n", "e"] {
            let Some(text) = jwk[member].as_str() else { continue };
            use base64::Engine;
            let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text);
            secrets.extend([text.as_bytes().to_vec(), bytes.expect("base64url")]);
        }
        if let Signer::P384(key) = &issuer.signer {
            use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
            use aws_lc_rs::signature::KeyPair;
            let der: PublicKeyX509Der<'_> = key.public_key().as_der().expect("DER");
            let lines = base64_lines(der.as_ref());
            let pem = format!("-----BEGIN PUBLIC KEY-----\n{lines}-----END PUBLIC KEY-----\n");
            secrets.extend([der.as_ref().to_vec(), pem.clone().into_bytes()]);
            secrets.push(pem.trim_end().as_bytes().to_vec());
        }
        for (alg, hash) in [
            ("HS256", hmac::HMAC_SHA256),
            ("HS384", hmac::HMAC_SHA384),
            ("HS512", hmac::HMAC_SHA512),
        ] {
            for secret in &secrets {
                let header = with(issuer.header(), json!({ "alg": alg }));
                let claims = issuer.claims(HERE, NOW);
                let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
                let tag = hmac::sign(&hmac::Key::new(hash, secret), signed.as_bytes());
                let token = format!("{signed}.{}", b64(tag));
                assert_eq!(knock(&gate, &token), Err(Refusal::Algorithm), "{alg}");
            }
        }
    }
}

fn base64_lines(bytes: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    let lines = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line) + "\n");
    lines.collect()
}

#[test]
fn a3_an_algorithm_is_let_in_only_with_its_own_key_and_where_the_client_has_it() {
    let names = [
        "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA",
        "HS256", "HS384", "HS512", "ES256K", "es384", "none",
    ];
    let mut tried = 0;
    for signer in [Signer::p256(), Signer::p384(), Signer::rsa(), Signer::ed25519()] {
        let issuer = Issuer { signer, ..Issuer::new(EHR) };
        let own: &[&str] = match &issuer.signer {
            Signer::P256(_) => &["ES256"],
            Signer::P384(_) => &["ES384"],
            Signer::Ed25519(_) => &["EdDSA"],
            Signer::Rsa(_) => &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
        };
        let mut config = config(&issuer.jwks());
        let recommended = gate(&config);
        config.clients[0].algorithms = ALGORITHMS.to_vec();
        let every = gate(&config);
        for name in names {
            let header = with(issuer.header(), json!({ "alg": name }));
            let token = || issuer.token(&header, &issuer.claims(HERE, NOW));
            assert_eq!(knock(&every, &token()).is_ok(), own.contains(&name), "{name}");
            let usual = own.contains(&name) && ["ES384", "RS384"].contains(&name);
            assert_eq!(knock(&recommended, &token()).is_ok(), usual, "{name}");
            tried += 2;
        }
    }
    assert!(tried >= 60, "{tried}");
    // The key says which algorithm it is for.
    let issuer = Issuer { signer: Signer::rsa(), ..Issuer::new(EHR) };
    let jwk = with(issuer.signer.jwk("key-1"), json!({ "alg": "RS256" }));
    let gate = gate(&config(&json!({ "keys": [jwk] })));
    assert_eq!(knock(&gate, &issuer.good(HERE, NOW)), Err(Refusal::Algorithm));
}

#[test]
fn a4_a_token_does_not_bring_its_own_key() {
    let (issuer, thief) = (Issuer::new(EHR), Issuer::new(EHR));
    let recorder = FakeEhr::start(|_| Reply::Json(json!({})));
    let gate = of(&issuer);
    let jwk = thief.signer.jwk("key-1");
    let url = format!("http://{}/keys", recorder.address);
    for change in [
        json!({ "jwk": jwk }),
        json!({ "jwk": jwk, "kid": null }),
        json!({ "x5c": ["MIIB"] }),
        json!({ "x5u": url }),
        json!({ "jku": url }),
        json!({ "kid": url }),
        json!({ "jku": url, "kid": "another" }),
    ] {
        let header = with(thief.header(), change.clone());
        assert!(knock(&gate, &thief.token(&header, &thief.claims(HERE, NOW))).is_err(), "{change}");
    }
    assert!(recorder.asked().is_empty(), "nobody was called");
}

#[test]
fn a5_keys_are_read_at_the_url_of_the_settings_and_nowhere_else() {
    let issuer = Arc::new(Issuer::new(EHR));
    let keys = issuer.jwks();
    let server = FakeEhr::start(move |_| Reply::Json(keys.clone()));
    let own = format!("http://{}/keys/jwks.json", server.address);
    let mut config = config(&issuer.jwks());
    config.clients = vec![client(None, Some(own.clone()))];
    let gate = gate(&config);
    wait(gate.warm_up());
    let port = server.address.port();
    let mut urls: Vec<String> = [
        "http://evil.example.org/keys/jwks.json",
        "https://127.0.0.1/keys/jwks.json",
        "file:///etc/passwd",
        "data:application/json,{}",
        "",
        " ",
        "javascript:alert(1)",
        "ftp://127.0.0.1/keys/jwks.json",
        "gopher://127.0.0.1/_GET",
        "//127.0.0.1/keys/jwks.json",
        "http://169.254.169.254/latest/meta-data/",
    ]
    .map(str::to_owned)
    .to_vec();
    for authority in [
        format!("127.0.0.1:{port}@evil.example.org"),
        format!("user@127.0.0.1:{port}"),
        format!("user:word@127.0.0.1:{port}"),
        format!("127.0.0.1.evil.example.org:{port}"),
        format!("evil127.0.0.1:{port}"),
        format!("127.0.0.1:{}", port ^ 1),
        format!("127.0.0.1.:{port}"),
        format!("127.1:{port}"),
        format!("0x7f000001:{port}"),
        format!("2130706433:{port}"),
        format!("0177.0.0.1:{port}"),
        format!("[::ffff:127.0.0.1]:{port}"),
        format!("localhost:{port}"),
        format!("LOCALHOST:{port}"),
        format!("①27.0.0.1:{port}"),
        format!("127。0。0。1:{port}"),
    ] {
        urls.push(format!("http://{authority}/keys/jwks.json"));
    }
    for path in [
        "/keys/jwks.json/",
        "/keys/jwks.json?x=1",
        "/keys/jwks.json#x",
        "/keys/../keys/jwks.json",
        "/keys/./jwks.json",
        "/keys/%2e%2e/keys/jwks.json",
        "/keys/%6awks.json",
        "/keys//jwks.json",
        "/KEYS/jwks.json",
        "/keys/jwks.json%00",
        "/keys/jwks.json%0d%0aX:1",
        "/keys\\jwks.json",
        "/other.json",
        "/",
        "",
    ] {
        urls.push(format!("http://127.0.0.1:{port}{path}"));
    }
    urls.extend([own.to_uppercase(), format!(" {own}"), format!("{own} "), format!("{own}\t")]);
    urls.extend([own.replace("http:", "HTTP:"), own.replace("http:", "https:")]);
    urls.push(own.replace("//", "/"));
    urls.push(own.replace("//", "///"));
    urls.push(format!("{own}{}", "x".repeat(2000)));
    assert!(urls.len() >= 50, "{}", urls.len());
    let before = server.asked().len();
    for url in &urls {
        let header = with(issuer.header(), json!({ "jku": url }));
        let token = issuer.token(&header, &issuer.claims(HERE, NOW));
        assert_eq!(knock(&gate, &token), Err(Refusal::KeyUrl), "{url}");
    }
    assert_eq!(server.asked().len(), before, "nothing was read for them");
    let header = with(issuer.header(), json!({ "jku": own }));
    assert!(knock(&gate, &issuer.token(&header, &issuer.claims(HERE, NOW))).is_ok());
}

#[test]
fn a6_a_key_id_is_looked_up_and_nothing_else() {
    let mut issuer = Issuer::new(EHR);
    let gate = of(&issuer);
    for kid in [
        "../../etc/passwd",
        "' OR 1=1 --",
        "key-1\0",
        "KEY-1",
        "key-1 ",
        "",
        &"k".repeat(513),
        "/dev/null",
        "http://127.0.0.1/",
    ] {
        let header = with(issuer.header(), json!({ "kid": kid }));
        let token = issuer.token(&header, &issuer.claims(HERE, NOW));
        assert!(knock(&gate, &token).is_err(), "{kid}");
    }
    let header = with(issuer.header(), json!({ "kid": null }));
    let token = issuer.token(&header, &issuer.claims(HERE, NOW));
    assert_eq!(knock(&gate, &token), Err(Refusal::KeyId));
    let header = with(issuer.header(), json!({ "kid": "k".repeat(1 << 20) }));
    let token = issuer.token(&header, &issuer.claims(HERE, NOW));
    assert_eq!(knock(&gate, &token), Err(Refusal::TooLong));
    // What Epic sends: base64 with all its signs.
    issuer.kid = "aB+/cD==".to_owned();
    assert!(knock(&of(&issuer), &issuer.good(HERE, NOW)).is_ok());
    // The same id twice: either key is the client's.
    let other = Issuer { kid: issuer.kid.clone(), ..Issuer::new(EHR) };
    let keys = json!({ "keys": [other.signer.jwk(&other.kid), issuer.signer.jwk(&issuer.kid)] });
    let both = self::gate(&config(&keys));
    for one in [&issuer, &other] {
        assert!(knock(&both, &one.good(HERE, NOW)).is_ok());
    }
}

#[test]
fn a7_the_audience_is_an_endpoint_of_ours() {
    let issuer = Issuer::new(EHR);
    let mut config = config(&issuer.jwks());
    let good = |gate: &Gate, aud: Value| {
        let claims = with(issuer.claims(HERE, NOW), json!({ "aud": aud }));
        knock(gate, &issuer.token(&issuer.header(), &claims)).is_ok()
    };
    let plain = gate(&config);
    assert!(good(&plain, json!(HERE)));
    assert!(good(&plain, json!([HERE])));
    assert!(good(&plain, json!(["https://other.example.org", HERE])));
    assert!(good(&plain, json!(format!("{HERE}/"))));
    for wrong in [
        json!(null),
        json!([]),
        json!({}),
        json!(1),
        json!([[HERE]]),
        json!("https://cds.example.org"),
        json!("https://cds.example.org/cds-services"),
        json!("https://cds.example.org/cds-services/jak-inhibitor-order-select"),
        json!("https://cds.example.org.evil.example.org/cds-services/jak-inhibitor-order-sign"),
        json!(HERE.to_uppercase()),
        json!(format!("{HERE}?x")),
        json!("jakcard-at-the-hospital"),
    ] {
        assert!(!good(&plain, wrong.clone()), "{wrong}");
    }
    config.clients[0].audiences = vec!["jakcard-at-the-hospital".to_owned()];
    assert!(good(&gate(&config), json!("jakcard-at-the-hospital")));
    config.public_url = Some("https://cds.example.org/".to_owned());
    assert!(good(&gate(&config), json!(HERE)), "a slash at the end of `public_url`");
}

#[test]
fn a8_an_issuer_is_known_and_two_of_one_name_are_told_apart_by_tenant() {
    let issuer = Issuer::new(EHR);
    let mut config = config(&issuer.jwks());
    let claims = |change: Value| with(issuer.claims(HERE, NOW), change);
    let plain = gate(&config);
    for iss in [json!(null), json!("https://evil.example.org"), json!(format!("{EHR}/")), json!(1)]
    {
        let token = issuer.token(&issuer.header(), &claims(json!({ "iss": iss })));
        assert!(knock(&plain, &token).is_err(), "{iss}");
    }
    let mut south = config.clients[0].clone();
    south.name = "south".to_owned();
    south.tenants = vec!["s".to_owned()];
    config.clients[0].tenants = vec!["n".to_owned(), "n2".to_owned()];
    config.clients.push(south);
    config.check().expect("told apart");
    let both = gate(&config);
    let of = |tenant: Value| {
        let claims = claims(json!({ "tenant": tenant }));
        knock(&both, &issuer.token(&issuer.header(), &claims))
    };
    assert_eq!(of(json!("n2")), Ok("hospital".to_owned()));
    assert_eq!(of(json!("s")), Ok("south".to_owned()));
    assert_eq!(of(json!("west")), Err(Refusal::Tenant));
    assert_eq!(of(json!(null)), Err(Refusal::Tenant));
}

#[test]
fn a9_a_token_lives_an_hour_at_most_and_a_minute_of_skew() {
    let issuer = Issuer::new(EHR);
    let gate = of(&issuer);
    let knock = |change: Value| {
        let claims = with(issuer.claims(HERE, NOW), change);
        knock(&gate, &issuer.token(&issuer.header(), &claims))
    };
    for (change, refusal) in [
        (json!({ "exp": null }), Refusal::Expired),
        (json!({ "exp": "1800000300" }), Refusal::Malformed),
        (json!({ "exp": -1 }), Refusal::Expired),
        (json!({ "exp": 1e308 }), Refusal::Expired),
        (json!({ "exp": NOW - 60, "iat": NOW - 300 }), Refusal::Expired),
        (json!({ "exp": NOW + 3601 }), Refusal::Lifetime),
        (json!({ "exp": NOW + 315_360_000 }), Refusal::Lifetime),
        (json!({ "iat": null }), Refusal::NotYet),
        (json!({ "iat": NOW + 61 }), Refusal::NotYet),
        (json!({ "nbf": NOW + 61 }), Refusal::NotYet),
        (json!({ "iat": NOW + 61, "nbf": NOW - 300 }), Refusal::NotYet),
        (json!({ "nbf": NOW + 600 }), Refusal::NotYet),
    ] {
        assert_eq!(knock(change.clone()), Err(refusal), "{change}");
    }
    for change in [
        json!({ "exp": NOW - 59, "iat": NOW - 300 }),
        json!({ "exp": NOW + 3600 }),
        json!({ "exp": NOW as f64 + 10.25 }),
        json!({ "iat": NOW + 60, "exp": NOW + 100 }),
        json!({ "nbf": NOW - 300 }),
        json!({ "nbf": NOW + 60 }),
    ] {
        assert!(knock(change.clone()).is_ok(), "{change}");
    }
}

#[test]
fn a10_a_token_is_used_once() {
    let issuer = Issuer::new(EHR);
    let gate = of(&issuer);
    let token = issuer.good(HERE, NOW);
    assert!(knock(&gate, &token).is_ok());
    for later in [0, 1, 300, 359] {
        assert_eq!(at(&gate, &token, NOW + later), Err(Refusal::Replay), "{later}");
    }
    assert_eq!(at(&gate, &token, NOW + 360), Err(Refusal::Expired));
    for (jti, refusal) in [
        (json!(null), Refusal::TokenId),
        (json!(""), Refusal::TokenId),
        (json!(7), Refusal::Malformed),
        (json!("j".repeat(513)), Refusal::TokenId),
    ] {
        let claims = with(issuer.claims(HERE, NOW), json!({ "jti": jti }));
        let token = issuer.token(&issuer.header(), &claims);
        assert_eq!(knock(&gate, &token), Err(refusal), "{jti}");
    }
    // A token that was refused is not remembered: the good one with its `jti` comes in.
    let claims = with(issuer.claims(HERE, NOW), json!({ "jti": "the-same" }));
    let forged = Issuer::new(EHR).token(&issuer.header(), &claims);
    assert_eq!(knock(&gate, &forged), Err(Refusal::Signature));
    assert!(knock(&gate, &issuer.token(&issuer.header(), &claims)).is_ok());
}

fn stored(config: &Config, url: &str) -> Gate {
    let store = wait(Store::open(url)).expect("a store");
    Gate::of(config, Some(Shelf::holding(store))).expect("the keys can be read").expect("a client")
}

#[test]
fn a10_a_token_is_used_once_over_restarts_and_replicas() {
    let issuer = Issuer::new(EHR);
    let config = config(&issuer.jwks());
    let file = std::env::temp_dir().join(format!("jakcard-gate-{}.db", uuid()));
    let url = format!("sqlite:{}", file.display());
    let (one, other) = (stored(&config, &url), stored(&config, &url));
    let token = issuer.good(HERE, NOW);
    assert!(knock(&one, &token).is_ok());
    assert_eq!(knock(&other, &token), Err(Refusal::Replay), "another replica");
    assert_eq!(knock(&stored(&config, &url), &token), Err(Refusal::Replay), "a restart");
    // What has expired is forgotten, and what has not is kept.
    wait(one.forget_expired(NOW + 300));
    assert_eq!(at(&stored(&config, &url), &token, NOW + 300), Err(Refusal::Replay));
}

#[test]
fn a10_a_store_that_is_down_leaves_the_memory_or_lets_nobody_in() {
    let issuer = Issuer::new(EHR);
    let mut config = config(&issuer.jwks());
    for strict in [false, true] {
        config.store.strict = strict;
        let file = std::env::temp_dir().join(format!("jakcard-gate-{}.db", uuid()));
        let url = format!("sqlite:{}", file.display());
        let gate = stored(&config, &url);
        // Somebody else writes and does not end.
        let elsewhere = actix_web::rt::System::new();
        let mut other = elsewhere.block_on(SqliteConnection::connect(&url)).expect("open");
        let lock = elsewhere.block_on(sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other));
        lock.expect("the lock is had");
        let token = issuer.good(HERE, NOW);
        let header = format!("Bearer {token}");
        let knock = || wait(gate.admit(&[header.as_bytes()], &[PATH.to_owned()], NOW));
        match strict {
            true => assert_eq!(knock().expect_err("nobody"), Denied::Busy),
            false => {
                assert!(knock().is_ok());
                let again = knock().expect_err("the memory knows it");
                assert_eq!(again, Denied::Refused(Refusal::Replay));
            }
        }
    }
}

#[test]
fn a10_a_full_memory_lets_nobody_in() {
    let issuer = Issuer::new(EHR);
    let mut config = config(&issuer.jwks());
    config.auth.replay_entries = 2;
    let gate = gate(&config);
    assert!(knock(&gate, &issuer.good(HERE, NOW)).is_ok());
    assert!(knock(&gate, &issuer.good(HERE, NOW)).is_ok());
    let header = format!("Bearer {}", issuer.good(HERE, NOW));
    let third = wait(gate.admit(&[header.as_bytes()], &[PATH.to_owned()], NOW));
    assert_eq!(third.expect_err("full"), Denied::Busy);
}

#[test]
fn a11_what_is_critical_and_unknown_is_refused() {
    let issuer = Issuer::new(EHR);
    let gate = of(&issuer);
    for change in [
        json!({ "crit": ["exp"] }),
        json!({ "crit": ["x"], "x": 1 }),
        json!({ "crit": [] }),
        json!({ "b64": false }),
        json!({ "b64": true }),
        json!({ "b64": false, "crit": ["b64"] }),
        json!({ "zip": "DEF" }),
        json!({ "enc": "A256GCM" }),
    ] {
        let header = with(issuer.header(), change.clone());
        let token = issuer.token(&header, &issuer.claims(HERE, NOW));
        assert_eq!(knock(&gate, &token), Err(Refusal::Critical), "{change}");
    }
    // A member that says nothing was still put there.
    for (member, refusal) in [
        ("crit", Refusal::Critical),
        ("b64", Refusal::Critical),
        ("jwk", Refusal::EmbeddedKey),
        ("x5u", Refusal::EmbeddedKey),
    ] {
        let mut header = issuer.header();
        header[member] = Value::Null;
        let token = issuer.token(&header, &issuer.claims(HERE, NOW));
        assert_eq!(knock(&gate, &token), Err(refusal), "{member}");
    }
}

#[test]
fn a12_another_kind_of_token_is_not_this_one() {
    let issuer = Issuer::new(EHR);
    let gate = of(&issuer);
    for typ in [json!("at+jwt"), json!("application/at+jwt"), json!("JWE"), json!(null), json!("")]
    {
        let header = with(issuer.header(), json!({ "typ": typ }));
        let token = issuer.token(&header, &issuer.claims(HERE, NOW));
        assert_eq!(knock(&gate, &token), Err(Refusal::Type), "{typ}");
    }
    let lower = with(issuer.header(), json!({ "typ": "jwt" }));
    assert!(knock(&gate, &issuer.token(&lower, &issuer.claims(HERE, NOW))).is_ok());
    // The access token of the same EHR, and an id token: for somebody else.
    for aud in ["https://ehr.example.org/fhir", "jakcard-client-id"] {
        assert_eq!(knock(&gate, &issuer.good(aud, NOW)), Err(Refusal::Audience));
    }
    // Not of three parts, not base64url, not JSON, a member twice.
    let good = issuer.good(HERE, NOW);
    let (signed, signature) = good.rsplit_once('.').expect("parts");
    let (header, claims) = signed.split_once('.').expect("parts");
    let twice = format!(r#"{{"iss":"{EHR}","iss":"{EHR}"}}"#);
    for bad in [
        "".to_owned(),
        ".".to_owned(),
        "..".to_owned(),
        signed.to_owned(),
        format!("{good}.x"),
        format!("{good}.x.y"),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}\n.{signature}"),
        format!("{header}.{}.{signature}", b64("not json")),
        format!("{header}.{}.{signature}", b64(twice)),
        format!("{header}.{}.{signature}", b64("[]")),
        format!("{header}.{}.{signature}", b64([0xff, 0xfe])),
    ] {
        assert_eq!(knock(&gate, &bad), Err(Refusal::Malformed), "{bad}");
    }
    assert_eq!(knock(&gate, &format!("{good}=")), Err(Refusal::Signature));
    assert_eq!(knock(&gate, &format!(" {good}")), Err(Refusal::Malformed));
}

#[test]
fn a13_weak_and_degenerate_signatures_and_keys_are_refused() {
    let issuer = Issuer::new(EHR);
    let gate = of(&issuer);
    let good = issuer.good(HERE, NOW);
    let signed = good.rsplit_once('.').expect("parts").0.to_owned();
    for signature in [vec![], vec![0; 96], vec![0xff; 96], vec![0; 95], vec![0; 97], vec![1; 48]] {
        let token = format!("{signed}.{}", b64(&signature));
        assert_eq!(knock(&gate, &token), Err(Refusal::Signature), "{}", signature.len());
    }
    let usable = |key: Value| Gate::of(&config(&json!({ "keys": [key] })), None).is_ok();
    let rsa = Signer::rsa().jwk("key-1");
    assert!(usable(rsa.clone()));
    let modulus = |bits: usize| {
        let mut n = vec![0xa5; bits / 8];
        n[bits / 8 - 1] |= 1;
        b64(n)
    };
    for (bits, good) in [(1024, false), (2040, false), (2048, true), (8192, true), (8200, false)] {
        assert_eq!(usable(with(rsa.clone(), json!({ "n": modulus(bits) }))), good, "{bits}");
    }
    for (e, good) in [("AQ", false), ("Ag", false), ("AA", false), ("", false), ("Aw", true)] {
        assert_eq!(usable(with(rsa.clone(), json!({ "e": e }))), good, "{e}");
    }
    let ec = issuer.signer.jwk("key-1");
    for change in [
        json!({ "kid": null }),
        json!({ "kid": "" }),
        json!({ "use": "enc" }),
        json!({ "key_ops": ["sign"] }),
        json!({ "crv": "P-256" }),
        json!({ "crv": "P-521" }),
        json!({ "x": "AA" }),
        json!({ "alg": "ES256" }),
        json!({ "kty": "oct", "k": "c2VjcmV0" }),
    ] {
        assert!(!usable(with(ec.clone(), change.clone())), "{change}");
    }
    for change in
        [json!({ "use": "sig" }), json!({ "key_ops": ["verify"] }), json!({ "x": ec["x"] })]
    {
        assert!(usable(with(ec.clone(), change.clone())), "{change}");
    }
}

#[test]
fn a14_ten_thousand_tokens_with_random_key_ids_cost_two_readings_at_most() {
    let issuer = Arc::new(Issuer::new(EHR));
    let (keys, readings) = (issuer.jwks(), Arc::new(AtomicUsize::new(0)));
    let counted = readings.clone();
    let server = FakeEhr::start(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        Reply::Later(std::time::Duration::from_millis(100), Box::new(Reply::Json(keys.clone())))
    });
    let mut config = config(&issuer.jwks());
    config.clients = vec![client(None, Some(format!("http://{}/jwks", server.address)))];
    let gate = Arc::new(gate(&config));
    let system = actix_web::rt::System::new();
    let signature = issuer.good(HERE, NOW).rsplit_once('.').expect("parts").1.to_owned();
    system.block_on(async {
        let knocks = (0..10_000).map(|n| {
            let header = with(issuer.header(), json!({ "kid": format!("random-{n}") }));
            let claims = issuer.claims(HERE, NOW);
            let (header, claims) = (b64(header.to_string()), b64(claims.to_string()));
            let header = format!("Bearer {header}.{claims}.{signature}");
            let gate = gate.clone();
            async move { gate.admit(&[header.as_bytes()], &[PATH.to_owned()], NOW).await }
        });
        for answer in futures_util::future::join_all(knocks).await {
            assert_eq!(answer.expect_err("no key"), Denied::Refused(Refusal::UnknownKey));
        }
        // Who has a key is not kept out by them.
        let header = format!("Bearer {}", issuer.good(HERE, NOW));
        assert!(gate.admit(&[header.as_bytes()], &[PATH.to_owned()], NOW).await.is_ok());
    });
    assert!(readings.load(Ordering::SeqCst) <= 2, "{}", readings.load(Ordering::SeqCst));
}

#[test]
fn a15_whatever_a_key_server_sends_is_bounded_and_lets_nobody_in() {
    let issuer = Arc::new(Issuer::new(EHR));
    let many = (0..100_000).map(|n| issuer.signer.jwk(&format!("key-{n}")));
    let many = json!({ "keys": many.collect::<Vec<_>>() }).to_string().into_bytes();
    let good = issuer.jwks().to_string().into_bytes();
    let raw = |status: u16, body: Vec<u8>| {
        let headers = vec![("content-type", "application/json".to_owned())];
        Reply::Raw(status, headers, body)
    };
    let moved = |location: String| Reply::Raw(302, vec![("location", location)], Vec::new());
    let healthy = {
        let good = good.clone();
        FakeEhr::start(move |_| raw(200, good.clone()))
    };
    let elsewhere = format!("http://{}/jwks", healthy.address);
    type Faulty = Box<dyn Fn() -> Reply + Send + Sync>;
    let faults: Vec<(&str, Faulty)> = vec![
        ("ten megabytes with a good set in front", {
            let padded = [good.clone(), vec![b' '; 10 << 20]].concat();
            Box::new(move || raw(200, padded.clone()))
        }),
        ("100,000 keys", Box::new(move || raw(200, many.clone()))),
        ("a redirect", Box::new(move || moved(elsewhere.clone()))),
        ("a page", Box::new(move || raw(200, b"<html>".to_vec()))),
        ("nothing", Box::new(move || raw(200, Vec::new()))),
        ("an empty set", Box::new(move || raw(200, br#"{"keys":[]}"#.to_vec()))),
        (
            "500",
            Box::new({
                let good = good.clone();
                move || raw(500, good.clone())
            }),
        ),
        (
            "401",
            Box::new({
                let good = good.clone();
                move || raw(401, good.clone())
            }),
        ),
        ("half of it", Box::new(move || Reply::Truncated(good.clone()))),
        ("a byte now and then", Box::new(|| Reply::Drip)),
        ("a cut", Box::new(|| Reply::Reset)),
    ];
    for (name, fault) in faults {
        let server = FakeEhr::start(move |_| fault());
        let mut config = config(&issuer.jwks());
        config.clients = vec![client(None, Some(format!("http://{}/jwks", server.address)))];
        let started = std::time::Instant::now();
        let answer = knock(&gate(&config), &issuer.good(HERE, NOW));
        assert_eq!(answer, Err(Refusal::NoKeys), "{name}");
        assert!(started.elapsed().as_secs() < 10, "{name}: it hangs");
    }
    assert!(healthy.asked().is_empty(), "a redirect was followed");
}

/// Public keys whose private halves are published: <https://github.com/cds-hooks/sandbox>.
fn keys_of_the_sandbox() -> [Value; 2] {
    [
        json!({ "kty": "EC", "crv": "P-384",
            "x": "dw_JGR8nB2I6XveNxUOl2qk699ZPLM2nYI5STSdiEl9avAkrm3CkfYMbrrjr8laB",
            "y": "Sm3mLE-n1zYNla_aiE3cb3nZsL51RbC7ysw3q8aJLxGm-hx79RPMYpITDjp7kgzy" }),
        json!({ "kty": "EC", "crv": "P-256",
            "x": "QWI9fI8TcNtdikhVs_M1N_Szb7BOj19etvIKfrQMa9k",
            "y": "jDkhk_Z2RZZ5L5rN4vd1_i-RJLn3EfEhDcy7iFBg--I" }),
    ]
}

#[test]
fn a17_nobody_is_trusted_whose_private_key_is_public() {
    let issuer = Issuer::new(EHR);
    let refused = |keys: Vec<Value>| {
        let keys = json!({ "keys": keys });
        Gate::of(&config(&keys), None).expect_err("no start").to_owned()
    };
    let good = issuer.signer.jwk("key-1");
    for kid in ["44823f3d-0b01-4a6c-a80e-b9d3e8a7226f", "d9cd3c4f-eb08-4304-b973-44f352fd2ca2"] {
        let error = refused(vec![good.clone(), issuer.signer.jwk(kid)]);
        assert!(error.contains("a key of the CDS Hooks sandbox"), "{error}");
    }
    for key in keys_of_the_sandbox() {
        let error = refused(vec![good.clone(), with(key, json!({ "kid": "under-another-name" }))]);
        assert!(error.contains("a key of the CDS Hooks sandbox"), "{error}");
    }
    let error = refused(vec![with(good.clone(), json!({ "d": "c2VjcmV0" }))]);
    assert!(error.contains("a private key (`d`), expected public keys only"), "{error}");
    let mut config = config(&issuer.jwks());
    for iss in ["https://sandbox.cds-hooks.org", "https://sandbox.cds-hooks.org/"] {
        config.clients[0].iss = iss.to_owned();
        let error = config.check().expect_err("the sandbox").to_string();
        assert!(error.contains("private key of the CDS Hooks sandbox is public"), "{error}");
    }
    for url in [
        "https://sandbox.cds-hooks.org/.well-known/jwks.json",
        "https://SANDBOX.cds-hooks.org./.well-known/jwks.json",
    ] {
        config.clients = vec![client(None, Some(url.to_owned()))];
        let error = config.check().expect_err("the sandbox").to_string();
        assert!(error.contains("`jwks_url` is that of the CDS Hooks sandbox"), "{error}");
    }
}

#[test]
fn a17_the_program_does_not_start_when_it_would_trust_the_sandbox() {
    let folder = std::env::temp_dir().join(format!("jakcard-gate-{}", uuid()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (keys, settings) = (folder.join("jwks.json"), folder.join("jakcard.toml"));
    let [key, _] = keys_of_the_sandbox();
    let key = with(key, json!({ "kid": "ours" }));
    std::fs::write(&keys, json!({ "keys": [key] }).to_string()).expect("written");
    for (iss, jwks, says) in [
        (EHR, format!("jwks_file = '{}'", keys.display()), "a key of the CDS Hooks sandbox"),
        ("https://sandbox.cds-hooks.org", "jwks_url = 'https://x.example.org/'".into(), "`iss` is"),
        (EHR, "jwks_url = 'https://sandbox.cds-hooks.org/jwks'".into(), "`jwks_url` is that of"),
    ] {
        let text = format!(
            "public_url = 'https://cds.example.org'\n[[client]]\nname = 'a'\niss = '{iss}'\n{jwks}\n"
        );
        std::fs::write(&settings, text).expect("written");
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_jakcard"));
        let program = program.args(["serve", "--bind", "127.0.0.1:0", "--config"]).arg(&settings);
        let log = folder.join("said");
        let mut child = program
            .stdout(std::process::Stdio::null())
            .stderr(std::fs::File::create(&log).expect("a file"))
            .spawn()
            .expect("the program runs");
        let ended = (0..200).find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            child.try_wait().expect("a state")
        });
        // One that starts after all is ended.
        _ = child.kill();
        let said = std::fs::read_to_string(&log).expect("text");
        assert_eq!(ended.and_then(|status| status.code()), Some(2), "{said}");
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn a18_what_is_no_token_costs_nothing() {
    let issuer = Issuer::new(EHR);
    let gate = of(&issuer);
    let good = issuer.good(HERE, NOW);
    let bearer = format!("Bearer {good}");
    let long = format!("Bearer {}", "a".repeat(64 * 1024));
    for (headers, refusal) in [
        (vec![], Refusal::NoToken),
        (vec![bearer.clone(), bearer.clone()], Refusal::TwoTokens),
        (vec![bearer.clone(), "Basic eDp5".to_owned()], Refusal::TwoTokens),
        (vec![format!("bearer {good}")], Refusal::NoToken),
        (vec![format!("BEARER {good}")], Refusal::NoToken),
        (vec!["Bearer".to_owned()], Refusal::NoToken),
        (vec![format!("Bearer  {good}")], Refusal::Malformed),
        (vec![format!("Bearer\t{good}")], Refusal::NoToken),
        (vec![format!("Bearer {good} ")], Refusal::Signature),
        (vec![format!("Bearer {good},{good}")], Refusal::Malformed),
        (vec![good.clone()], Refusal::NoToken),
        (vec!["Basic eDp5".to_owned()], Refusal::NoToken),
        (vec![long], Refusal::TooLong),
        (vec!["Bearer \u{ff}".to_owned()], Refusal::Malformed),
    ] {
        let headers: Vec<&[u8]> = headers.iter().map(String::as_bytes).collect();
        assert_eq!(admit(&gate, &headers, NOW), Err(refusal));
    }
    assert!(admit(&gate, &[bearer.as_bytes()], NOW).is_ok(), "the good one is still good");
}
