//! Which rules fire, what do users do with their cards, and how long does an answer take?
//!
//! Everything is counted from the records of the audit and from feedback. Feedback names a card, and a card
//! can rest on several rules: what a user did with it counts for each of them that fired. A card is
//! counted once, however often its call was repeated; its last outcome counts.

mod csv;
mod html;
mod plot;
mod read;
mod table;
mod tally;

pub use csv::csv;
pub use html::html;
pub use read::{Wanted, read};
pub use table::table;
pub use tally::{Row, Tally};

use serde::Serialize;

/// What happened in a time.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// First day, when one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Last day, when one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Answers about a JAK inhibitor.
    pub answers: u64,
    /// Answers whose record was lost while the store was down.
    pub lost: u64,
    /// Reports of what users did.
    pub feedback: u64,
    /// Reports about cards that no record tells of.
    pub unknown_cards: u64,
    /// Reports with a comment.
    pub comments: u64,
    /// By client.
    pub clients: Vec<Row>,
    /// By client and rule.
    pub rules: Vec<Row>,
    /// By week, client and rule.
    pub weeks: Vec<Row>,
    /// By week alone.
    pub totals: Vec<Row>,
    /// What users wrote, when it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<Text>,
}

/// What a user wrote. It may hold anything, a patient too.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Text {
    /// Name of the client.
    pub client: String,
    /// When, RFC 3339.
    pub at: String,
    /// Rules of the card that fired; none when the card is unknown.
    pub rules: Vec<String>,
    /// The comment.
    pub text: String,
    /// Characters that were cut off.
    pub cut: i64,
}

/// How rows are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// One row for each client.
    Client,
    /// One row for each client and rule.
    Rule,
    /// One row for each week, client and rule.
    Week,
}

impl Report {
    /// The rows of one cut.
    pub fn rows(&self, by: By) -> &[Row] {
        match by {
            By::Client => &self.clients,
            By::Rule => &self.rules,
            By::Week => &self.weeks,
        }
    }
}
