//! By which id is a request known, in the log, in the answer and to whoever sent it?

use actix_web::http::header::{HeaderMap, HeaderValue};
use std::fmt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The header, in and out.
pub const HEADER: &str = "x-request-id";
/// Longest id that is taken over.
const LONGEST: usize = 64;

/// The id of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The sender's, where it is one and harmless; else one of our own.
    pub fn of(headers: &HeaderMap) -> RequestId {
        let mut given = headers.get_all(HEADER);
        match (given.next(), given.next()) {
            (Some(id), None) if is_harmless(id.as_bytes()) => RequestId(id.clone()),
            _ => RequestId::made(),
        }
    }

    /// Another in every process, and another for every request of a process.
    fn made() -> RequestId {
        static PROCESS: LazyLock<u64> = LazyLock::new(|| uuid::Uuid::new_v4().as_u64_pair().0);
        static COUNT: AtomicU64 = AtomicU64::new(1);
        let text = format!("{:016x}-{:x}", *PROCESS, COUNT.fetch_add(1, Ordering::Relaxed));
        // Hexadecimal digits are fit for a header.
        RequestId(HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("none")))
    }

    /// For the answer.
    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// What ids are made of everywhere (UUID, ULID, base64url, nginx, Envoy): nothing that a log, a terminal
/// or a page could take for something else.
fn is_harmless(id: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.:".contains(b);
    (1..=LONGEST).contains(&id.len()) && id.iter().all(plain)
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderName;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_str(value).unwrap();
            headers.append(HeaderName::from_static(HEADER), value);
        }
        headers
    }

    #[test]
    fn a_harmless_id_is_kept_and_any_other_is_replaced() {
        let long = "a".repeat(64);
        for good in ["a", "0f3c-Q_.:9", &long] {
            assert_eq!(RequestId::of(&headers(&[good])).to_string(), *good);
        }
        let longer = "a".repeat(65);
        for bad in ["", "a b", "a\"b", "<a>", "a/b", "a\tb", "a,b", &longer] {
            let id = RequestId::of(&headers(&[bad])).to_string();
            assert_ne!(id, *bad);
            assert!(is_harmless(id.as_bytes()), "{id}");
        }
        assert_ne!(RequestId::of(&headers(&["a", "b"])).to_string(), "a", "two are none");
    }

    #[test]
    fn no_two_requests_without_an_id_have_the_same() {
        let none = headers(&[]);
        let ids: std::collections::BTreeSet<String> =
            (0..1000).map(|_| RequestId::of(&none).to_string()).collect();
        assert_eq!(ids.len(), 1000);
    }
}
