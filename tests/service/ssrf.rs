//! Nobody makes the service ask elsewhere (B1): addresses in `fhirServer`, in references and in the
//! links of pages that mean another server than the one that is agreed on with the client.

use crate::app::{App, SIGN, fixture};
use crate::clients::{call, client, config, token};
use crate::support::fake_ehr::{FakeEhr, Reply, held};
use crate::support::issuer::Issuer;
use jakcard::config::{Client, Config, Fetch};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A server that must not be called: it counts connections.
struct Forbidden {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Forbidden {
    fn start(on: &str) -> Forbidden {
        let listener = TcpListener::bind((on, 0)).expect("a free port");
        let (address, connections) = (listener.local_addr().expect("one"), Arc::default());
        let count: Arc<AtomicUsize> = Arc::clone(&connections);
        std::thread::spawn(move || {
            for _ in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Forbidden { address, connections }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Ways to write an address that is not the agreed one, of a server at `port` of this machine, and of
/// others that no EHR is at.
fn elsewhere(agreed: u16, port: u16) -> Vec<String> {
    let mut all = Vec::new();
    // This machine.
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "127.000.000.001",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "127.0.0.1.",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "localhost.localdomain",
        "127.0.0.2",
        "127.255.255.254",
        "0.0.0.0",
        "0",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::]",
        "[64:ff9b::7f00:1]",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "１２７.0.0.1",
        "%31%32%37.0.0.1",
        "127.0.0.1%00",
        "127.0.0.1%2eevil.example.org",
    ] {
        all.push(format!("http://{host}:{port}/fhir"));
        all.push(format!("https://{host}:{port}/fhir"));
    }
    // The agreed server in front, and another behind it.
    for authority in [
        format!("127.0.0.1:{agreed}@127.0.0.1:{port}"),
        format!("127.0.0.1:{agreed}%40127.0.0.1:{port}"),
        format!("user@127.0.0.1:{port}"),
        format!("user:word@127.0.0.1:{port}"),
        format!("@127.0.0.1:{port}"),
        format!(":@127.0.0.1:{port}"),
        format!("127.0.0.1:{agreed}#@127.0.0.1:{port}"),
        format!("127.0.0.1:{agreed}?@127.0.0.1:{port}"),
        format!("127.0.0.1:{agreed}\\@127.0.0.1:{port}"),
        format!("127.0.0.1:{agreed} @127.0.0.1:{port}"),
        format!("127.0.0.1:{port}#127.0.0.1:{agreed}"),
        format!("127.0.0.1:{agreed}:{port}"),
        format!("127.0.0.1:{agreed}.127.0.0.1:{port}"),
    ] {
        all.push(format!("http://{authority}/fhir"));
    }
    // The agreed server, and another place on it.
    for path in [
        "/",
        "",
        "/admin",
        "/fhirx",
        "/fhir2/",
        "/fhir/../admin",
        "/fhir/%2e%2e/admin",
        "/fhir/..%2fadmin",
        "/fhir/.%2e/",
        "/fhir\\..\\admin",
        "/FHIR",
        "/fhir?x=1",
        "/fhir#x",
        "/fhir/x",
        "//fhir",
        "/fhir;x",
        "/fhir%00",
        "/fhir%0d%0aX-Evil: 1",
    ] {
        all.push(format!("http://127.0.0.1:{agreed}{path}"));
    }
    // Clouds, networks and other protocols.
    for other in [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/",
        "http://metadata.google.internal/",
        "http://100.100.100.200/",
        "http://0251.0376.0251.0376/",
        "http://2852039166/",
        "https://[::ffff:a9fe:a9fe]/",
        "http://10.0.0.1/fhir",
        "https://10.0.0.1/fhir",
        "https://192.168.0.1/fhir",
        "https://172.16.0.1/fhir",
        "https://100.64.0.1/fhir",
        "https://[fe80::1%25lo]/fhir",
        "https://[fd12::1]/fhir",
        "https://ehr.example.org/fhir",
        "http://127.0.0.1.nip.io/fhir",
        "file:///etc/passwd",
        "ftp://127.0.0.1/fhir",
        "gopher://127.0.0.1:6379/_INFO",
        "dict://127.0.0.1:11211/stats",
        "ldap://127.0.0.1/",
        "unix:/var/run/docker.sock",
        "data:application/json,{}",
        "javascript:alert(1)",
        "jar:http://127.0.0.1!/",
        "",
        " ",
        "/fhir",
        "//127.0.0.1/fhir",
        "http:127.0.0.1/fhir",
        "http:/127.0.0.1/fhir",
        "http://",
        "http://:80/fhir",
        "http://[",
        "\u{0}",
    ] {
        all.push(other.to_owned());
    }
    all
}

/// A call of a client that agreed on this server, with a change.
fn ask(app: &App, issuer: &Issuer, server: &str, change: impl Fn(&mut Value)) -> (u16, String) {
    let mut body = fixture(SIGN, "fully-screened-and-healthy");
    body.as_object_mut().expect("an object").shift_remove("prefetch");
    body["fhirServer"] = json!(server);
    body["fhirAuthorization"] = json!({
        "access_token": "of-this-call", "token_type": "Bearer", "expires_in": 300,
        "scope": "patient/*.read", "subject": "jakcard",
    });
    change(&mut body);
    let answer = call(app, SIGN, &format!("Bearer {}", token(issuer, SIGN)), &body);
    (answer.status().as_u16(), answer.text().expect("text"))
}

fn trusting(issuer: &Issuer, base: String, fetch: Fetch) -> App {
    let client = Client { fhir_servers: vec![base], ..client("hospital", issuer) };
    App::of(Config { fetch, ..config(vec![client]) })
}

#[test]
fn b1_only_the_agreed_server_is_asked_whatever_fhir_server_says() {
    let issuer = Issuer::new("https://ehr.example.org");
    let whole = fixture(SIGN, "fully-screened-and-healthy");
    let (ehr, forbidden) = (FakeEhr::holding(&whole["prefetch"]), Forbidden::start("127.0.0.1"));
    let app = trusting(&issuer, ehr.base(), Fetch { deadline_ms: 300, ..Fetch::default() });
    let urls = elsewhere(ehr.address.port(), forbidden.address.port());
    assert!(urls.len() >= 100, "{}", urls.len());
    for url in &urls {
        let (status, text) = ask(&app, &issuer, url, |_| {});
        assert_eq!(status, 200, "{url}: {text}");
        assert!(
            text.contains("not one that may be asked")
                || text.contains("no base URL")
                || text.contains("https only"),
            "{url}: {text}"
        );
        assert!(!text.contains("of-this-call"), "{url}");
    }
    assert_eq!((forbidden.connections(), ehr.asked().len()), (0, 0));
    let (_, text) = ask(&app, &issuer, &ehr.base(), |_| {});
    assert!(!text.contains("may be asked") && !ehr.asked().is_empty(), "the agreed one is asked");
    println!("{} addresses, none of them asked", urls.len());
}

#[test]
fn b1_no_reference_and_no_page_leads_to_another_server() {
    let issuer = Issuer::new("https://ehr.example.org");
    let forbidden = Forbidden::start("127.0.0.1");
    let whole = fixture(SIGN, "fully-screened-and-healthy");
    let next: Arc<std::sync::Mutex<String>> = Arc::default();
    let (prefetch, link) = (whole["prefetch"].clone(), next.clone());
    let ehr = FakeEhr::start(move |path| match held(&prefetch, path) {
        Reply::Json(mut bundle) if bundle["resourceType"] == "Bundle" => {
            let url = link.lock().expect("a link").clone();
            bundle["link"] = json!([{ "relation": "next", "url": url }]);
            Reply::Json(bundle)
        }
        other => other,
    });
    let app = trusting(&issuer, ehr.base(), Fetch { deadline_ms: 2_000, ..Fetch::default() });
    for url in elsewhere(ehr.address.port(), forbidden.address.port()) {
        *next.lock().expect("a link") = url.clone();
        let (status, text) = ask(&app, &issuer, &ehr.base(), |body| {
            let order = &mut body["context"]["draftOrders"]["entry"][0]["resource"];
            order["medicationReference"] = json!({ "reference": format!("{url}/Medication/1") });
        });
        assert_eq!(status, 200, "{url}: {text}");
    }
    assert_eq!(forbidden.connections(), 0);
    for asked in ehr.asked() {
        let path = asked.path.to_lowercase();
        let way_out =
            ["%2e", "%2f", "%5c", "..", "admin", "@"].iter().any(|sign| path.contains(sign));
        assert!(path.starts_with("/fhir/") && !way_out, "{}", asked.path);
        assert_eq!(asked.authorization.as_deref(), Some("Bearer of-this-call"));
    }
    assert!(ehr.asked().len() > 100, "the agreed server is asked");
}

#[test]
fn b1_a_name_that_leads_to_a_private_address_is_connected_to_only_by_leave() {
    let name = std::fs::read_to_string("/etc/hostname").unwrap_or_default().trim().to_owned();
    let addresses = (name.as_str(), 0).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
    let private = |a: &SocketAddr| jakcard::ehr::server::is_private(a.ip());
    if !addresses.is_ok_and(|all| !all.is_empty() && all.iter().all(private)) {
        println!("no name leads to a private address of this machine: nothing was tried");
        return;
    }
    let issuer = Issuer::new("https://ehr.example.org");
    for leave in [false, true] {
        let server = Forbidden::start("0.0.0.0");
        let base = format!("https://{name}:{}/fhir", server.address.port());
        let fetch = Fetch { private_networks: leave, deadline_ms: 1_000, ..Fetch::default() };
        let app = trusting(&issuer, base.clone(), fetch);
        let (status, _) = ask(&app, &issuer, &base, |_| {});
        assert_eq!((status, server.connections() > 0), (200, leave));
    }
}
