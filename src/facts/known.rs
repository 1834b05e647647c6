//! Unknown is a value.

use crate::fhir::FhirDate;
use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// A fact from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known<T> {
    /// On record.
    Is(T),
    /// Searched to the end, and there is none.
    NoneOnRecord,
    /// Could not be told.
    NotAvailable {
        /// Why, in words for the card.
        why: Cow<'static, str>,
    },
}

impl<T> Known<T> {
    /// Not available, for this reason.
    pub fn not_available(why: impl Into<Cow<'static, str>>) -> Known<T> {
        Known::NotAvailable { why: why.into() }
    }

    /// The fact, when it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Known::Is(value) => Some(value),
            _ => None,
        }
    }

    /// Why it is not known, in words for the card.
    pub fn why_unknown(&self) -> Option<Cow<'static, str>> {
        match self {
            Known::Is(_) => None,
            Known::NoneOnRecord => Some("none on record".into()),
            Known::NotAvailable { why } => Some(why.clone()),
        }
    }
}

/// Different items that are compared one by one.
const FEW: usize = 16;

/// The items in their order, each once; linear, because charts can be long.
pub fn unique<T: Eq + std::hash::Hash>(mut items: Vec<T>) -> Vec<T> {
    let (mut kept, mut at) = (0, 0);
    while at < items.len() && kept < FEW {
        if !items[..kept].contains(&items[at]) {
            items.swap(kept, at);
            kept += 1;
        }
        at += 1;
    }
    items.drain(kept..at);
    if kept < items.len() {
        let mut seen = std::collections::HashSet::with_capacity(items.len());
        let first: Vec<bool> = items.iter().map(|item| seen.insert(item)).collect();
        let mut first = first.into_iter();
        items.retain(|_| first.next() == Some(true));
    }
    items
}

/// One thing that the chart shows: what a finding rests on. Many rows rest on the same, so a copy is
/// only another way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence(Arc<Shown>);

impl Hash for Evidence {
    /// Everything but the code: entries without an id differ in their date or value alone.
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.what, &self.reference, &self.value, &self.date).hash(state);
    }
}

impl From<Shown> for Evidence {
    fn from(shown: Shown) -> Evidence {
        Evidence(Arc::new(shown))
    }
}

impl Deref for Evidence {
    type Target = Shown;

    fn deref(&self) -> &Shown {
        &self.0
    }
}

/// What [`Evidence`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// What it is, in the words of the terminology tables.
    pub what: String,
    /// Its value as the EHR wrote it, when it has one.
    pub value: Option<String>,
    /// When.
    pub date: Option<FhirDate>,
    /// `Type/id`, when the resource has an id.
    pub reference: Option<String>,
    /// The code that told it.
    pub code: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::BuildHasher;

    #[test]
    fn evidence_that_differs_in_one_thing_is_hashed_apart() {
        let shown = |value: Option<&str>, date: &str, reference: Option<&str>| {
            Evidence::from(Shown {
                what: "ketoconazole".to_owned(),
                value: value.map(str::to_owned),
                date: FhirDate::parse(date),
                reference: reference.map(str::to_owned),
                code: None,
            })
        };
        let all = [
            shown(None, "2026-01-01", None),
            shown(None, "2026-01-02", None),
            shown(Some("200 mg"), "2026-01-01", None),
            shown(None, "2026-01-01", Some("MedicationStatement/1")),
        ];
        let state = std::hash::RandomState::new();
        let hashes: std::collections::HashSet<u64> =
            all.iter().map(|e| state.hash_one(e)).collect();
        assert_eq!(hashes.len(), all.len());
    }

    #[test]
    fn items_keep_their_order_and_stand_once_however_many_there_are() {
        for different in [0, 1, 15, 16, 17, 100] {
            let once: Vec<usize> = (0..different).collect();
            for again in [1, 2, 5] {
                let items: Vec<usize> = once.iter().flat_map(|n| vec![*n; again]).collect();
                assert_eq!(unique(items), once, "{different} in a row, {again} times");
                assert_eq!(unique(once.repeat(again)), once, "{different}, {again} rounds");
            }
        }
        assert_eq!(unique(vec![1, 2, 1, 1, 3, 2, 4]), [1, 2, 3, 4]);
    }
}
