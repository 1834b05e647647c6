//! One finding: what a card is made of, for people and for programs.

use super::kind::Kind;
use crate::facts::Evidence;
use crate::fhir::FhirDate;
use crate::knowledge::{Component, Level, Limit, Topic};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use std::borrow::Cow;

/// What a row says of this patient, in words and with everything that proves it.
#[derive(Clone, Debug)]
pub struct Finding<'a> {
    /// Id of the row.
    pub rule: &'a str,
    /// Other rows that say the same for want of the same fact.
    pub also: Vec<&'a str>,
    /// Topic.
    pub topic: Topic,
    /// How loud.
    pub level: Level,
    /// Id of the drug file.
    pub drug: &'a str,
    /// Name of the drug.
    pub drug_name: &'a str,
    /// The order.
    pub order: &'a str,
    /// One or two sentences, values first. Plain text.
    pub text: String,
    /// The same in a few words, for the summary of the card.
    pub short: String,
    /// What it rests on.
    pub basis: Vec<Evidence>,
    /// What would clear it.
    pub clears: Option<String>,
    /// Where it is from.
    pub cite: Citation<'a>,
    /// Not yet signed by a pharmacist.
    pub draft: bool,
    /// What could not be checked.
    pub unchecked: Vec<Unchecked<'a>>,
    /// The card it belongs to.
    pub kind: Kind,
    /// Does it open that card?
    pub opens: bool,
    /// Tests (ids of `labs.toml`) whose order would settle it.
    pub tests: Vec<&'a str>,
    /// The most that the label gives, and the ordered dose is above it.
    pub limit: Option<Limit>,
    /// The label says not to use the drug.
    pub stops: bool,
    /// Nothing but that this could not be looked at: cards say such things in one breath.
    pub unread: Option<(&'static str, &'a str)>,
    /// Sentences of the label that belong to it, for the detail of the card.
    pub says: &'a [Component],
}

/// Where a finding is from.
#[derive(Clone, Debug, Serialize)]
pub struct Citation<'a> {
    /// Title of the label.
    pub source: &'a str,
    /// Section.
    pub section: &'a str,
    /// Words that were read there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<&'a str>,
    /// Where the label is.
    pub url: &'a str,
}

/// Something that could not be checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unchecked<'a> {
    /// What.
    pub what: &'a str,
    /// Why.
    pub reason: &'a str,
    /// The chart was searched, and there is none.
    #[serde(skip)]
    pub searched: bool,
}

/// A piece of evidence, as findings print it.
#[derive(Serialize)]
struct Basis<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Cow<'a, str>>,
    what: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<FhirDate>,
}

impl<'a> From<&'a Evidence> for Basis<'a> {
    fn from(evidence: &'a Evidence) -> Self {
        Basis {
            reference: evidence.reference.as_deref(),
            code: evidence.code.as_deref().map(super::markdown::plain),
            what: &evidence.what,
            value: evidence.value.as_deref().map(super::markdown::plain).filter(|v| !v.is_empty()),
            date: evidence.date,
        }
    }
}

impl Serialize for Finding<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("rule", &self.rule)?;
        if !self.also.is_empty() {
            map.serialize_entry("alsoRules", &self.also)?;
        }
        map.serialize_entry("topic", &self.topic)?;
        map.serialize_entry("indicator", &super::indicator(self.level))?;
        map.serialize_entry("drug", &self.drug)?;
        map.serialize_entry("order", &self.order)?;
        map.serialize_entry("text", &self.text)?;
        if !self.basis.is_empty() {
            let basis: Vec<Basis<'_>> = self.basis.iter().map(Basis::from).collect();
            map.serialize_entry("basis", &basis)?;
        }
        if let Some(clears) = &self.clears {
            map.serialize_entry("clears", clears)?;
        }
        map.serialize_entry("cite", &self.cite)?;
        if self.draft {
            map.serialize_entry("review", "draft")?;
        }
        if !self.unchecked.is_empty() {
            map.serialize_entry("unchecked", &self.unchecked)?;
        }
        map.end()
    }
}
