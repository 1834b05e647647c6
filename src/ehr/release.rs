//! Which release of FHIR does a server speak?
//!
//! Read off its CapabilityStatement (Conformance in DSTU2), once per server, and kept: asked only
//! where neither a draft nor a resource that was sent tells it.

use crate::fhir::views::Capability;
use crate::fhir::{Document, Json, Release};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an answer is kept: servers change their release with an upgrade.
const KNOWN: Duration = Duration::from_secs(24 * 60 * 60);
/// How long it is kept that there was none.
const UNKNOWN: Duration = Duration::from_secs(10 * 60);
/// Servers that are remembered.
const MOST: usize = 1000;

/// What servers have told.
#[derive(Debug, Default)]
pub struct Releases {
    by_server: Mutex<HashMap<String, (Option<Release>, Instant)>>,
}

impl Releases {
    /// What is kept of a server: its release, or that it tells none. `None` when it is to be asked.
    pub fn kept(&self, server: &str) -> Option<Option<Release>> {
        let all = self.by_server.lock().unwrap_or_else(PoisonError::into_inner);
        let (release, since) = all.get(server)?;
        let kept = if release.is_some() { KNOWN } else { UNKNOWN };
        (since.elapsed() < kept).then_some(*release)
    }

    /// Keeps what a server told.
    pub fn keep(&self, server: &str, release: Option<Release>) {
        let mut all = self.by_server.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST || all.contains_key(server) {
            all.insert(server.to_owned(), (release, Instant::now()));
        }
    }
}

/// The release in a CapabilityStatement; `None` when it tells none that we know.
pub fn told_release(statement: &Document<'_>) -> Option<Release> {
    let statement = Capability::read(statement.root())?;
    let version = statement.fhir_version().and_then(Json::string)?;
    match version.split('.').next()? {
        "1" => Some(Release::Dstu2),
        "3" => Some(Release::Stu3),
        "4" => Some(Release::R4),
        "5" => Some(Release::R5),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_its_release_with_its_version() {
        let told = |version: &str| {
            let text =
                format!(r#"{{"resourceType":"CapabilityStatement","fhirVersion":{version}}}"#);
            told_release(&Document::read(text).expect("JSON"))
        };
        assert_eq!(told(r#""1.0.2""#), Some(Release::Dstu2));
        assert_eq!(told(r#""3.0.2""#), Some(Release::Stu3));
        assert_eq!(told(r#""4.0.1""#), Some(Release::R4));
        assert_eq!(told(r#""4.3.0""#), Some(Release::R4), "R4B");
        assert_eq!(told(r#""5.0.0""#), Some(Release::R5));
        for other in [r#""0.5.0""#, r#""""#, r#""R4""#, "4", "null"] {
            assert_eq!(told(other), None, "{other}");
        }
    }
}
