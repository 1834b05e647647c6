//! Names for cards and suggestions: the same call gives the same names, another call others.

use super::Call;
use super::kind::Kind;
use sha1::{Digest, Sha1};
use std::fmt::Write;
use uuid::{Builder, Uuid, uuid};

/// Names within one order of one call: UUID v5 (RFC 9562, section 5.5).
pub struct Ids {
    /// Of the namespace and what all names of the order begin with.
    base: Sha1,
}

/// The namespace of our names: UUID v5 of the URL of the project's topics.
const NAMESPACE: Uuid = uuid!("c8be9884-74b7-54d7-84a8-bb13e4c6087b");

impl Ids {
    /// Names for one order of a call.
    pub fn new(call: &Call<'_>, order: &str) -> Ids {
        let base = joined(&[call.client, call.service, call.hook_instance, order]);
        Ids { base: Sha1::new().chain_update(NAMESPACE).chain_update(base) }
    }

    /// The card of a kind that rests on these rules.
    pub fn card(&self, kind: Kind, rules: &[&str]) -> String {
        self.name(&[&[kind.word()], rules].concat())
    }

    /// The suggestion to order a test, or to change the draft.
    pub fn suggestion(&self, test: &str) -> String {
        self.name(&["suggestion", test])
    }

    fn name(&self, parts: &[&str]) -> String {
        named(self.base.clone().chain_update(joined(parts))).to_string()
    }
}

/// UUID v5 of what was hashed: a namespace and a name in it.
fn named(hash: Sha1) -> Uuid {
    let hash: [u8; 20] = hash.finalize().into();
    let [first @ .., _, _, _, _] = hash;
    Builder::from_sha1_bytes(first).into_uuid()
}

/// Parts are joined with their lengths, so that no two lists give one name.
fn joined(parts: &[&str]) -> String {
    let length: usize = parts.iter().map(|part| part.len() + 8).sum();
    let mut joined = String::with_capacity(length);
    for part in parts {
        _ = write!(joined, "{}:{part};", part.len());
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_namespace_is_the_name_of_our_topics() {
        let topics = "https://jakcard.org/CodeSystem/card-topic";
        let hash = Sha1::new().chain_update(Uuid::NAMESPACE_URL).chain_update(topics);
        assert_eq!(named(hash), NAMESPACE);
    }
}
