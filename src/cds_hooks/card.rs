//! What a service answers: cards, suggestions, actions.
//!
//! <https://cds-hooks.hl7.org/#cds-service-response>. Members without a value are absent.

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How urgent a card is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Indicator {
    /// To know.
    Info,
    /// To act on.
    Warning,
    /// To stop at.
    Critical,
}

impl Indicator {
    /// The word of the specification.
    pub fn word(self) -> &'static str {
        match self {
            Indicator::Info => "info",
            Indicator::Warning => "warning",
            Indicator::Critical => "critical",
        }
    }
}

/// How many suggestions a user may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SelectionBehavior {
    /// One or none (CDS Hooks 1.0).
    AtMostOne,
    /// Any number (CDS Hooks 2.0).
    Any,
}

/// The body of a 200.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CdsResponse {
    /// Cards, also when there are none.
    pub cards: Vec<Card>,
    /// Extensions by reverse domain name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extension: BTreeMap<&'static str, Box<RawValue>>,
}

impl CdsResponse {
    /// The body as it goes out, UTF-8.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::with_capacity(64 + self.cards.len() * ROOM);
        // Neither the serializer nor what it writes can fail here.
        _ = serde_json::to_writer(&mut json, self);
        json
    }
}

/// Room for most cards, in bytes.
const ROOM: usize = 8 << 10;

/// One card.
#[derive(Clone, Debug, Serialize)]
pub struct Card {
    /// Names the card in feedback.
    pub uuid: String,
    /// One sentence, at most 139 characters.
    pub summary: String,
    /// GitHub-flavoured Markdown without raw HTML.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// How urgent.
    pub indicator: Indicator,
    /// Who says so.
    pub source: Source,
    /// What the user may take over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<Suggestion>,
    /// Present with suggestions.
    #[serde(rename = "selectionBehavior", skip_serializing_if = "Option::is_none")]
    pub selection_behavior: Option<SelectionBehavior>,
    /// Why a user may dismiss the card.
    #[serde(rename = "overrideReasons", skip_serializing_if = "Option::is_none")]
    pub override_reasons: Option<Arc<[Coding]>>,
    /// Where to read on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Extensions by reverse domain name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extension: BTreeMap<&'static str, Box<RawValue>>,
    /// What the card rests on, for the audit; not sent.
    #[serde(skip)]
    pub grounds: Vec<Ground>,
}

/// Something that a card rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// Its id, by the service's own list.
    pub id: String,
    /// How urgent.
    pub indicator: Indicator,
    /// It could not be told.
    pub open: bool,
}

/// Who says so.
#[derive(Clone, Debug, Serialize)]
pub struct Source {
    /// Title of the source.
    pub label: String,
    /// Where it stands.
    pub url: String,
    /// What the card is about: static, so that EHRs can remember overrides.
    pub topic: Coding,
}

/// A code with its system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Coding {
    /// System.
    pub system: &'static str,
    /// Code.
    pub code: String,
    /// Words.
    pub display: String,
}

/// A link of a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Words.
    pub label: String,
    /// Absolute URL.
    pub url: String,
    /// Always `absolute` here.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// Something the user can take over with one click.
#[derive(Clone, Debug, Serialize)]
pub struct Suggestion {
    /// What it does.
    pub label: String,
    /// Names the suggestion in feedback.
    pub uuid: String,
    /// What is done; one action, because some EHRs allow only one.
    pub actions: Vec<Action>,
}

/// What an action does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionType {
    /// A new resource.
    Create,
    /// The whole resource, changed.
    Update,
    /// The draft is taken back.
    Delete,
}

/// One action of a suggestion.
#[derive(Clone, Debug, Serialize)]
pub struct Action {
    /// What it does.
    #[serde(rename = "type")]
    pub kind: ActionType,
    /// The words that some EHRs show instead of the label.
    pub description: String,
    /// The resource, whole; none to delete.
    #[serde(serialize_with = "raw", skip_serializing_if = "Option::is_none")]
    pub resource: Option<Box<RawValue>>,
    /// What is deleted: a relative reference.
    #[serde(rename = "resourceId", skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
}

fn raw<S: Serializer>(raw: &Option<Box<RawValue>>, serializer: S) -> Result<S::Ok, S::Error> {
    raw.serialize(serializer)
}
