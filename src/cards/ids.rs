//! Names for cards and suggestions: the same call gives the same names, another call others.

use super::Call;
use super::kind::Kind;
use std::fmt::Write;
use std::sync::LazyLock;
use uuid::Uuid;

/// Names within one order of one call.
pub struct Ids {
    base: Vec<String>,
}

/// The namespace of our names: UUID v5 of the URL of the project's topics.
static NAMESPACE: LazyLock<Uuid> = LazyLock::new(|| {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, b"https://jakcard.org/CodeSystem/card-topic")
});

impl Ids {
    /// Names for one order of a call.
    pub fn new(call: &Call<'_>, order: &str) -> Ids {
        let parts = [call.client, call.service, call.hook_instance, order];
        Ids { base: parts.map(str::to_owned).to_vec() }
    }

    /// The card of a kind that rests on these rules.
    pub fn card(&self, kind: Kind, rules: &[&str]) -> String {
        let mut parts: Vec<&str> = self.base.iter().map(String::as_str).collect();
        parts.push(kind.word());
        parts.extend(rules);
        name(&parts)
    }

    /// The suggestion to order a test, or to change the draft.
    pub fn suggestion(&self, test: &str) -> String {
        let mut parts: Vec<&str> = self.base.iter().map(String::as_str).collect();
        parts.extend(["suggestion", test]);
        name(&parts)
    }
}

/// Parts are joined with their lengths, so that no two lists give one name.
fn name(parts: &[&str]) -> String {
    let mut joined = String::new();
    for part in parts {
        _ = write!(joined, "{}:{part};", part.len());
    }
    Uuid::new_v5(&NAMESPACE, joined.as_bytes()).to_string()
}
