//! Which FHIR server may be asked, and with which token?
//!
//! `fhirServer` comes from the caller: it is asked only when it is listed, or on this machine in
//! sandbox mode. The token goes to that origin and to no other (CDS Hooks 2.0.1, FHIR resource
//! access).

use crate::cds_hooks::Request;
use secrecy::SecretString;
use std::net::{IpAddr, Ipv6Addr};
use url::{Host, Url};

/// Whom the house may ask.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// Servers on this machine, with or without a token: sandbox mode.
    pub loopback: bool,
    /// Bases that are listed.
    pub listed: Vec<Url>,
    /// Bases that are listed and open: asked without a token.
    pub open: Vec<Url>,
}

/// A server that may be asked.
#[derive(Clone, Debug)]
pub struct FhirServer {
    /// Its base, with a slash at the end.
    pub base: Url,
    /// What is presented to it.
    pub token: Option<SecretString>,
    /// Seconds that the token still lives, where the request says so.
    pub token_seconds: Option<u64>,
}

/// The server of a call: `None` without one, else whether it may be asked or why not.
pub fn permitted(
    request: &Request<'_>,
    allowed: &Allowed,
) -> Option<Result<FhirServer, &'static str>> {
    let text = request.fhir_server.as_deref()?;
    Some(check(text, request, allowed))
}

fn check(text: &str, request: &Request<'_>, allowed: &Allowed) -> Result<FhirServer, &'static str> {
    let base = base(text).ok_or("the request names a FHIR server that is no base URL")?;
    let here = is_loopback(&base);
    if base.scheme() != "https" && !here {
        return Err("the FHIR server is asked over https only");
    }
    let sandbox = here && allowed.loopback;
    if !sandbox && !allowed.listed.contains(&base) && !allowed.open.contains(&base) {
        return Err("the FHIR server is not one that may be asked");
    }
    let token = match &request.authorization {
        Some(given) if given.expires_in.is_some_and(|seconds| seconds <= 0) => {
            return Err("the token for the FHIR server has expired");
        }
        Some(given) => Some(given.access_token.clone()),
        None if sandbox || allowed.open.contains(&base) => None,
        None => return Err("the request brings no token for the FHIR server"),
    };
    let seconds = request.authorization.as_ref().and_then(|given| given.expires_in);
    let token_seconds = seconds.and_then(|s| u64::try_from(s).ok());
    Ok(FhirServer { base, token, token_seconds })
}

/// A base URL: http or https, a host, no user, no query, no fragment; with a slash at the end.
pub fn base(text: &str) -> Option<Url> {
    let mut url = Url::parse(text.trim()).ok()?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.host().is_some();
    if !plain {
        return None;
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Some(url)
}

/// A host on this machine, by its address or as `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// An address that no public server has: this machine, private networks, link-local (cloud
/// metadata), and their IPv6 spellings.
pub fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_loopback()
                || ip.is_private()
                || ip.is_link_local()
                || ip.is_unspecified()
                || ip.is_broadcast()
                || ip.is_multicast()
                || ip.is_documentation()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(ip) => match embedded(ip) {
            Some(inner) => is_private(inner),
            None => {
                let first = ip.segments()[0];
                ip.is_loopback()
                    || ip.is_unspecified()
                    || ip.is_multicast()
                    || (first & 0xfe00) == 0xfc00
                    || (first & 0xffc0) == 0xfe80
            }
        },
    }
}

/// The IPv4 address inside an IPv6 one: mapped, or behind NAT64.
fn embedded(ip: Ipv6Addr) -> Option<IpAddr> {
    let mapped = ip.to_ipv4_mapped().map(IpAddr::V4);
    mapped.or_else(|| {
        let octets = ip.octets();
        let nat64 = octets[..12] == [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0];
        nat64.then(|| IpAddr::from([octets[12], octets[13], octets[14], octets[15]]))
    })
}

/// An address below the base, on the same origin: what a `next` link or a reference may lead to.
pub fn below(base: &Url, text: &str) -> Option<Url> {
    let url = base.join(text).ok()?;
    let tail = url.path().strip_prefix(base.path())?.to_ascii_lowercase();
    // A server may take them for what they stand for, and leave the base: `/`, `\`, `.`.
    let hidden = ["%2f", "%5c", "%2e", "%00"].iter().any(|sign| tail.contains(sign));
    let same = url.origin() == base.origin()
        && !hidden
        && url.username().is_empty()
        && url.password().is_none();
    same.then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_has_no_user_no_query_and_a_slash() {
        let text = |given: &str| base(given).map(|u| u.to_string());
        assert_eq!(text("https://ehr.example.org/fhir").unwrap(), "https://ehr.example.org/fhir/");
        assert_eq!(
            text("https://EHR.example.org:443/fhir/").unwrap(),
            "https://ehr.example.org/fhir/"
        );
        for bad in [
            "ftp://ehr.example.org/",
            "https://user@ehr.example.org/",
            "https://e.org/?a=b",
            "https://e.org/#x",
            "ehr.example.org",
            "file:///etc/passwd",
            "",
            "https://",
        ] {
            assert_eq!(base(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_spelling_of_this_machine_is_this_machine_and_private() {
        for host in
            ["127.0.0.1", "127.1", "0x7f.0.0.1", "2130706433", "017700000001", "localhost", "[::1]"]
        {
            let url = base(&format!("http://{host}:8080/fhir")).unwrap();
            assert!(is_loopback(&url), "{host}");
        }
        for host in [
            "169.254.169.254",
            "10.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "100.64.0.1",
            "0.0.0.0",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "fd00::1",
            "fe80::1",
            "64:ff9b::a00:1",
            "::1",
            "::",
        ] {
            assert!(is_private(host.parse().unwrap()), "{host}");
        }
        for host in ["8.8.8.8", "100.128.0.1", "2001:4860:4860::8888"] {
            assert!(!is_private(host.parse().unwrap()), "{host}");
        }
    }

    #[test]
    fn a_link_leads_below_the_base_or_nowhere() {
        let base = base("https://ehr.example.org/fhir").unwrap();
        assert!(below(&base, "Observation?page=2").is_some());
        assert!(below(&base, "https://ehr.example.org/fhir/Observation?page=2").is_some());
        for bad in [
            "https://evil.example.org/fhir/Observation",
            "//evil.example.org/fhir/",
            "https://ehr.example.org/other/Observation",
            "/admin",
            "../admin",
            "http://ehr.example.org/fhir/Observation",
            "https://ehr.example.org:8443/fhir/x",
            "https://a@ehr.example.org/fhir/x",
            "..%2fadmin",
            "x/%2E%2e/%2E%2e/admin",
            "..%5Cadmin",
            "javascript:alert(1)",
        ] {
            assert_eq!(below(&base, bad), None, "{bad}");
        }
    }
}
