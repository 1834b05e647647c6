//! TLS as a client meets it: real handshakes with certificates made for the test.

use crate::app::{App, SIGN, fixture};
use jakcard::config::{Config, Tls};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};
use reqwest::blocking::Client;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut about = CertificateParams::new(Vec::new()).expect("parameters");
    about.distinguished_name.push(DnType::CommonName, name);
    about.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(about, KeyPair::generate().expect("a key")).expect("signed")
}

/// Certificate and key, in PEM.
fn signed(by: &Authority, for_clients: bool) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let mut about = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
    about.extended_key_usages = vec![match for_clients {
        true => ExtendedKeyUsagePurpose::ClientAuth,
        false => ExtendedKeyUsagePurpose::ServerAuth,
    }];
    let certificate = about.signed_by(&key, by).expect("signed");
    (certificate.pem(), key.serialize_pem())
}

/// The files of a server, in a folder of their own.
struct Files(PathBuf);

impl Files {
    fn new((certificate, key): &(String, String)) -> Files {
        let folder =
            std::env::temp_dir().join(format!("jakcard-{}", crate::support::issuer::uuid()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let files = Files(folder);
        files.write(certificate, key);
        files
    }

    fn write(&self, certificate: &str, key: &str) {
        std::fs::write(self.0.join("certificate.pem"), certificate).expect("written");
        std::fs::write(self.0.join("key.pem"), key).expect("written");
    }

    fn tls(&self, client_ca: Option<&Authority>) -> Tls {
        let ca = client_ca.map(|authority| {
            let file = self.0.join("ca.pem");
            std::fs::write(&file, authority.pem()).expect("written");
            file
        });
        Tls {
            certificate: self.0.join("certificate.pem"),
            key: self.0.join("key.pem"),
            client_ca: ca,
        }
    }
}

fn serving(tls: Tls) -> App {
    App::of(Config { tls: Some(tls), ..Config::default() })
}

/// Somebody who trusts this authority, and may show a certificate.
fn somebody(trusts: &Authority, shows: Option<&(String, String)>) -> Client {
    let root = reqwest::Certificate::from_pem(trusts.pem().as_bytes()).expect("a certificate");
    let client =
        Client::builder().no_proxy().timeout(Duration::from_secs(10)).tls_certs_only([root]);
    let client = match shows {
        None => client,
        Some((certificate, key)) => {
            let pem = format!("{certificate}{key}");
            client.identity(reqwest::Identity::from_pem(pem.as_bytes()).expect("an identity"))
        }
    };
    client.build().expect("a client")
}

fn asks(app: &App, client: &Client) -> Result<u16, reqwest::Error> {
    let answer = client.get(format!("https://{}/cds-services", app.address)).send()?;
    Ok(answer.status().as_u16())
}

/// Until it is so, or half a minute has gone.
fn soon(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(30), "{what}: not so after 30 s");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn calls_are_answered_over_tls_to_whom_the_certificate_is_trusted() {
    let (own, other) = (authority("own"), authority("other"));
    let app = serving(Files::new(&signed(&own, false)).tls(None));
    let client = somebody(&own, None);
    assert_eq!(asks(&app, &client).expect("an answer"), 200);
    let url = format!("https://{}/cds-services/{SIGN}", app.address);
    let body = fixture(SIGN, "nothing-on-record").to_string();
    let request = client.post(url).header("content-type", "application/json").body(body);
    let answer: serde_json::Value =
        serde_json::from_str(&request.send().expect("an answer").text().expect("text"))
            .expect("JSON");
    assert_eq!(answer["cards"].as_array().expect("cards").len(), 4);
    assert!(asks(&app, &somebody(&other, None)).is_err(), "the certificate was not looked at");
}

#[test]
fn plain_http_on_the_port_of_tls_is_refused() {
    let own = authority("own");
    let app = serving(Files::new(&signed(&own, false)).tls(None));
    let mut stream = TcpStream::connect(app.address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    stream.write_all(b"GET /cds-services HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
    let mut answer = Vec::new();
    _ = stream.read_to_end(&mut answer);
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP/"), "{answer:?}");
}

/// A ClientHello of an old version of TLS, as its clients sent it.
fn client_hello(minor: u8) -> Vec<u8> {
    let mut body = vec![3, minor];
    body.extend([7; 32]);
    body.push(0);
    // TLS_ECDHE_RSA and _ECDSA with AES-128-CBC-SHA, and both with AES-128-GCM-SHA256.
    body.extend([0, 8, 0xc0, 0x13, 0xc0, 0x09, 0xc0, 0x2f, 0xc0, 0x2b, 1, 0]);
    // Groups (secp256r1), point formats, signature algorithms (ECDSA with P-256).
    let extensions = [0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0, 0, 13, 0, 4, 0, 2, 4, 3];
    body.extend([0, extensions.len() as u8]);
    body.extend(extensions);
    let mut handshake = vec![1, 0, 0, body.len() as u8];
    handshake.extend(body);
    let mut record = vec![22, 3, 1, 0, handshake.len() as u8];
    record.extend(handshake);
    record
}

#[test]
fn tls_1_1_and_older_are_refused_and_1_2_and_1_3_are_spoken() {
    let own = authority("own");
    let app = serving(Files::new(&signed(&own, false)).tls(None));
    let answer = |minor: u8| {
        let mut stream = TcpStream::connect(app.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        stream.write_all(&client_hello(minor)).expect("sent");
        let mut head = [0; 7];
        stream.read_exact(&mut head).expect("an answer");
        head
    };
    for old in [0, 1, 2] {
        let [kind, _, _, _, _, level, alert] = answer(old);
        // A fatal alert: protocol_version.
        assert_eq!((kind, level, alert), (21, 2, 70), "TLS 1.{}", i16::from(old) - 1);
    }
    assert_eq!(answer(3)[0], 22, "the same hello in TLS 1.2 is answered by a hello");
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let spoken = handshake(&app, &own, version, b"http/1.1").expect("a handshake");
        assert_eq!(spoken, (version.version, Some(b"http/1.1".to_vec())));
    }
}

/// Version and protocol of a handshake that offers one version and one protocol.
fn handshake(
    app: &App,
    trusts: &Authority,
    version: &'static rustls::SupportedProtocolVersion,
    protocol: &[u8],
) -> Result<(rustls::ProtocolVersion, Option<Vec<u8>>), String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusts.der().clone()).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .expect("a version");
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let name = "127.0.0.1".try_into().expect("a name");
    let mut tls = rustls::ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut stream = TcpStream::connect(app.address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    while tls.is_handshaking() {
        tls.complete_io(&mut stream).map_err(|e| e.to_string())?;
    }
    Ok((tls.protocol_version().expect("a version"), tls.alpn_protocol().map(<[u8]>::to_vec)))
}

#[test]
fn c10_http_2_is_not_spoken_over_tls_either() {
    let own = authority("own");
    let app = serving(Files::new(&signed(&own, false)).tls(None));
    let why = handshake(&app, &own, &rustls::version::TLS13, b"h2").expect_err("h2 was agreed");
    assert!(why.contains("NoApplicationProtocol"), "{why}");
}

#[test]
fn a_handshake_that_does_not_come_ends() {
    let own = authority("own");
    let app = serving(Files::new(&signed(&own, false)).tls(None));
    let mut stream = TcpStream::connect(app.address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    stream.write_all(&client_hello(3)[..20]).expect("sent");
    let started = Instant::now();
    let mut answer = Vec::new();
    _ = stream.read_to_end(&mut answer);
    let took = started.elapsed();
    assert!(took > Duration::from_secs(1) && took < Duration::from_secs(15), "{took:?}");
    assert_eq!(asks(&app, &somebody(&own, None)).expect("an answer"), 200);
}

#[test]
fn a_new_certificate_is_shown_to_new_connections_without_a_restart() {
    let (old, new) = (authority("old"), authority("new"));
    let files = Files::new(&signed(&old, false));
    let app = serving(files.tls(None));
    // This connection stays as it is.
    let before = somebody(&old, None);
    assert_eq!(asks(&app, &before).expect("an answer"), 200);
    assert!(asks(&app, &somebody(&new, None)).is_err());
    let (certificate, key) = signed(&new, false);
    files.write(&certificate, &key);
    soon("the new certificate", || asks(&app, &somebody(&new, None)).is_ok());
    assert!(asks(&app, &somebody(&old, None)).is_err(), "the old one is shown too");
}

fn reloads(app: &App, client: &Client, outcome: &str) -> u64 {
    let url = format!("https://{}/metrics", app.address);
    let text = client.get(url).send().expect("an answer").text().expect("text");
    let name = format!("jakcard_tls_reloads_total{{outcome=\"{outcome}\"}}");
    let line = text.lines().find(|line| line.starts_with(&name));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
}

#[test]
fn files_that_cannot_be_used_leave_the_old_certificate_and_are_counted() {
    let (own, other) = (authority("own"), authority("other"));
    let (certificate, key) = signed(&own, false);
    let (new, its_key) = signed(&other, false);
    let files = Files::new(&(certificate.clone(), key.clone()));
    let app = serving(files.tls(None));
    let half = &certificate[..certificate.len() / 2];
    for (what, certificate, key) in [
        ("no PEM", "hello", &*key),
        ("half a certificate", half, &*key),
        ("another's key", &*new, &*key),
        ("an empty key", &*certificate, ""),
        ("an empty certificate", "", &*key),
    ] {
        let before = reloads(&app, &somebody(&own, None), "refused");
        files.write(certificate, key);
        soon(what, || reloads(&app, &somebody(&own, None), "refused") > before);
        assert_eq!(asks(&app, &somebody(&own, None)).expect("an answer"), 200, "{what}");
    }
    let before = reloads(&app, &somebody(&own, None), "refused");
    std::fs::remove_file(files.0.join("key.pem")).expect("removed");
    soon("no file", || reloads(&app, &somebody(&own, None), "refused") > before);
    // And the next good ones are taken.
    files.write(&new, &its_key);
    soon("good files", || asks(&app, &somebody(&other, None)).is_ok());
}

#[test]
fn with_an_authority_for_clients_only_its_clients_get_in() {
    let (own, hospital, stranger) =
        (authority("own"), authority("hospital"), authority("stranger"));
    let files = Files::new(&signed(&own, false));
    let app = serving(files.tls(Some(&hospital)));
    assert!(asks(&app, &somebody(&own, None)).is_err(), "without a certificate");
    let wrong = signed(&stranger, true);
    assert!(asks(&app, &somebody(&own, Some(&wrong))).is_err(), "with a stranger's");
    let of_a_server = signed(&hospital, false);
    assert!(asks(&app, &somebody(&own, Some(&of_a_server))).is_err(), "with one for servers");
    let right = signed(&hospital, true);
    let client = somebody(&own, Some(&right));
    assert_eq!(asks(&app, &client).expect("an answer"), 200);
    // The authority is read again as the certificate is.
    std::fs::write(files.0.join("ca.pem"), stranger.pem()).expect("written");
    soon("the new authority", || asks(&app, &somebody(&own, Some(&wrong))).is_ok());
    assert!(asks(&app, &somebody(&own, Some(&right))).is_err(), "the old authority counts still");
}

#[test]
fn a_start_with_files_that_cannot_be_used_names_the_key_of_the_settings() {
    let (own, other) = (authority("own"), authority("other"));
    let (certificate, key) = signed(&own, false);
    let (_, others_key) = signed(&other, false);
    let good = Files::new(&(certificate, key));
    let says = |tls: &Tls| {
        jakcard::service::tls::Keys::load(tls).map(|_| ()).expect_err("files that cannot be used")
    };
    let write = |name: &str, text: &str| -> PathBuf {
        let file = good.0.join(name);
        std::fs::write(&file, text).expect("written");
        file
    };
    let tls = good.tls(None);
    assert!(jakcard::service::tls::Keys::load(&tls).is_ok());
    let none = Path::new("no-such-file.pem").to_owned();
    for (tls, key, words) in [
        (Tls { certificate: none.clone(), ..tls.clone() }, "tls.certificate", "cannot be read"),
        (Tls { certificate: tls.key.clone(), ..tls.clone() }, "tls.certificate", "no certificate"),
        (Tls { key: none.clone(), ..tls.clone() }, "tls.key", "cannot be read"),
        (Tls { key: tls.certificate.clone(), ..tls.clone() }, "tls.key", "no private key"),
        (Tls { key: write("other.pem", &others_key), ..tls.clone() }, "tls.key", "not the key of"),
        (Tls { client_ca: Some(none), ..tls.clone() }, "tls.client_ca", "cannot be read"),
        (
            Tls { client_ca: Some(tls.key.clone()), ..tls.clone() },
            "tls.client_ca",
            "no certificate",
        ),
    ] {
        let says = says(&tls);
        assert!(says.contains(&format!("`{key}`")) && says.contains(words), "{says}");
    }
}
