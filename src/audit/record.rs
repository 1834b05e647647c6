//! What a record says: our names, counts and hashes. Nothing of a patient, but a keyed hash when the
//! settings ask for one.

use crate::store::Entry;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What the records of a chain are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An answer.
    Evaluation,
    /// A program began to write.
    Started,
    /// It ended, and everything it had to write was written.
    Stopped,
    /// Records that were lost, and how many.
    Lost,
    /// Records that were forgotten for their age, up to that one.
    Pruned,
}

/// The members that every record has.
#[derive(Debug, Serialize, Deserialize)]
pub struct Signs {
    /// What it is about.
    pub kind: Kind,
    /// Of a start and a stop: which run of the program.
    pub run: Option<String>,
    /// How many were lost.
    pub count: Option<u64>,
    /// The last that was forgotten.
    pub last: Option<i64>,
    /// Its hash, hexadecimal.
    pub hash: Option<String>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluation<'a> {
    /// [`Kind::Evaluation`].
    pub kind: Kind,
    /// When the answer was ready, RFC 3339.
    pub at: Cow<'a, str>,
    /// Name of the client.
    pub client: Cow<'a, str>,
    /// Id of the service.
    pub service: Cow<'a, str>,
    /// `hookInstance`; one that is no UUID may be anything, and is its SHA-256.
    pub hook_instance: Cow<'a, str>,
    /// Digest of the knowledge.
    pub knowledge: Cow<'a, str>,
    /// Whose labels spoke.
    pub jurisdiction: Cow<'a, str>,
    /// The day that was today.
    pub as_of: Cow<'a, str>,
    /// From the first byte of the request to the answer, microseconds.
    pub duration_us: u64,
    /// SHA-256 of the body of the request, hexadecimal.
    pub input: Cow<'a, str>,
    /// SHA-256 of the answer, hexadecimal.
    pub output: Cow<'a, str>,
    /// Drugs that were identified.
    pub drugs: Vec<Cow<'a, str>>,
    /// Cards, in their order.
    pub cards: Vec<CardRecord<'a>>,
    /// What could not be checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_checked: Vec<NotChecked<'a>>,
    /// HMAC-SHA-256 of the client and the patient's id, hexadecimal, under the key of the settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<Cow<'a, str>>,
}

/// One card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardRecord<'a> {
    /// What feedback will name.
    pub uuid: Cow<'a, str>,
    /// Code of its topic.
    pub topic: Cow<'a, str>,
    /// How urgent.
    pub indicator: Cow<'a, str>,
    /// The rules behind it.
    pub rules: Vec<RuleRecord<'a>>,
    /// Ids of its suggestions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<Cow<'a, str>>,
}

/// One rule on a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRecord<'a> {
    /// Id of the row.
    pub id: Cow<'a, str>,
    /// How urgent.
    pub indicator: Cow<'a, str>,
    /// It did not fire: it could not tell, and says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
}

/// One row that could not tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NotChecked<'a> {
    /// Id of the row.
    pub rule: Cow<'a, str>,
    /// Its topic.
    pub topic: Cow<'a, str>,
    /// Why, in a word of ours.
    pub why: Cow<'a, str>,
}

impl Evaluation<'_> {
    /// As the store takes it.
    pub fn entry(&self, at: Timestamp) -> Entry {
        let cards = self.cards.iter().map(|card| card.uuid.to_string()).collect();
        entry(self, at, self.client.to_string(), cards)
    }
}

/// A record as the store takes it, with the client and the cards that feedback may name.
pub(super) fn entry(
    record: &impl Serialize,
    at: Timestamp,
    client: String,
    cards: Vec<String>,
) -> Entry {
    let id = uuid::Uuid::new_v4().into_bytes();
    let record = serde_json::to_string(record).unwrap_or_default();
    Entry { id, at: at.as_millisecond(), record, client, cards }
}

/// SHA-256, hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// Hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digits =
        |byte: &u8| [byte >> 4, byte & 15].map(|n| char::from(b"0123456789abcdef"[usize::from(n)]));
    bytes.iter().flat_map(digits).collect()
}

/// A UUID as it is, anything else as its hash.
pub fn hook_instance(text: &str) -> String {
    match text.parse::<uuid::Uuid>() {
        Ok(uuid) => uuid.to_string(),
        Err(_) => format!("sha256:{}", sha256(text.as_bytes())),
    }
}

/// The patient under a key: the same patient is the same text, and nobody finds the id without the key.
pub fn patient(key: &str, client: &str, id: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let mut mac = hmac::Context::with_key(&key);
    // The length keeps `a` + `bc` apart from `ab` + `c`.
    mac.update(&(client.len() as u64).to_be_bytes());
    mac.update(client.as_bytes());
    mac.update(id.as_bytes());
    hex(mac.sign().as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_instance_that_is_no_uuid_tells_nothing() {
        let uuid = "D1577C69-DFBE-44AD-BA6D-3E05E953B2EA";
        assert_eq!(hook_instance(uuid), uuid.to_lowercase());
        let other = hook_instance("Mrs Smith");
        assert!(other.starts_with("sha256:") && other.len() == 71, "{other}");
    }

    #[test]
    fn a_patient_is_the_same_under_one_key_and_client_only() {
        let one = patient("key", "hospital", "1");
        assert_eq!(patient("key", "hospital", "1"), one);
        for (key, client, id) in
            [("yek", "hospital", "1"), ("key", "other", "1"), ("key", "hospital", "2")]
        {
            assert_ne!(patient(key, client, id), one);
        }
        assert_ne!(patient("key", "a", "bc"), patient("key", "ab", "c"));
    }
}
