//! Which `source.topic` can a card of this service have?

use crate::cards::Kind;
use crate::knowledge::{Jurisdiction, Knowledge, Level};
use serde::Serialize;
use std::collections::BTreeSet;

/// A `source.topic`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicEntry {
    /// System of the code.
    pub system: &'static str,
    /// Code while the card is `info` or `warning`.
    pub code: String,
    /// Code when it is `critical`.
    pub critical_code: String,
    /// Words.
    pub display: String,
    /// What such a card is about.
    pub meaning: &'static str,
}

/// Every topic, drug by drug. A kind that has no row for a drug has no card; a safety card can always
/// be: it says what could not be checked.
pub fn of(knowledge: &Knowledge, jurisdiction: Jurisdiction) -> Vec<TopicEntry> {
    let mut topics = Vec::new();
    for drug in &knowledge.drugs {
        let here = drug.rows().filter(|r| r.speaks() && r.jurisdiction(drug) == Some(jurisdiction));
        let mut kinds: BTreeSet<Kind> = here.map(|row| Kind::of_topic(row.topic())).collect();
        kinds.insert(Kind::Safety);
        for kind in kinds {
            let topic = kind.topic(&drug.name, Level::Warning);
            topics.push(TopicEntry {
                system: topic.system,
                code: topic.code,
                critical_code: kind.topic(&drug.name, Level::Critical).code,
                display: topic.display,
                meaning: meaning(kind),
            });
        }
    }
    topics
}

fn meaning(kind: Kind) -> &'static str {
    match kind {
        Kind::BoxedWarning => "the label's boxed warning, and this patient's risks under it",
        Kind::Screening => "tuberculosis, hepatitis B and C and HIV tests before the start",
        Kind::Dose => "the dose against kidney, liver and the label's maximum",
        Kind::Safety => "interactions, blood counts, pregnancy, vaccines, and all else",
        Kind::Monitoring => "checks that the label schedules and that are due",
    }
}
