//! Names for cards and suggestions: the same call gives the same names, another call others.

use super::Call;
use super::kind::Kind;
use std::fmt::Write;
use std::sync::LazyLock;
use uuid::Uuid;

/// Names within one order of one call.
pub struct Ids {
    base: String,
}

/// The namespace of our names: UUID v5 of the URL of the project's topics.
static NAMESPACE: LazyLock<Uuid> = LazyLock::new(|| {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, b"https://jakcard.org/CodeSystem/card-topic")
});

impl Ids {
    /// Names for one order of a call.
    pub fn new(call: &Call<'_>, order: &str) -> Ids {
        Ids { base: joined(&[call.client, call.service, call.hook_instance, order]) }
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
        let name = [&*self.base, &joined(parts)].concat();
        Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string()
    }
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
