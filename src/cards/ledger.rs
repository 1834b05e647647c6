//! The account of an evaluation: what was found, not found, not checked and left out, by order.
//!
//! It goes out with every answer to an identified JAK inhibitor, also when there is no card.

use super::mute::Mute;
use crate::facts::{Evidence, Facts, unique};
use crate::knowledge::{Confidence, Knowledge, Row};
use crate::rules::{Outcome, Verdict};
use serde::Serialize;

/// `org.jakcard.evaluation`.
#[derive(Serialize)]
pub struct Evaluation<'a> {
    knowledge: &'a str,
    jurisdiction: &'static str,
    #[serde(rename = "asOf")]
    as_of: String,
    orders: Vec<OrderLedger>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OrderLedger {
    order: String,
    drug: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other_candidates: Vec<String>,
    identified_by: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    found: Vec<Item>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_found: Vec<Item>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_checked: Vec<Item>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
struct Item {
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<&'static str>,
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
}

/// Writes the account.
pub fn write<'a>(
    outcomes: &[Outcome<'_>],
    facts: &Facts,
    knowledge: &'a Knowledge,
    mutes: &[Mute],
) -> Evaluation<'a> {
    Evaluation {
        knowledge: &knowledge.digest,
        jurisdiction: facts.jurisdiction.code(),
        as_of: facts.today.to_string(),
        orders: (0..facts.orders.len())
            .map(|i| order(i, outcomes, facts, knowledge, mutes))
            .collect(),
    }
}

fn order(
    index: usize,
    outcomes: &[Outcome<'_>],
    facts: &Facts,
    knowledge: &Knowledge,
    mutes: &[Mute],
) -> OrderLedger {
    let order = &facts.orders[index];
    let (mut found, mut not_found, mut not_checked) = (Vec::new(), Vec::new(), Vec::new());
    for outcome in outcomes.iter().filter(|o| o.order == index) {
        let topic = Some(outcome.row.topic().word());
        for evidence in &outcome.found {
            found.push(evidence_item(topic, evidence));
        }
        for what in &outcome.not_found {
            let item = Item { topic, what: what.clone(), reason: None, reference: None };
            not_found.push(item);
        }
        if let Verdict::CannotTell(_, missing) = &outcome.verdict {
            for gap in missing {
                let reason = Some(gap.reason.clone());
                let item = Item { topic, what: gap.what.clone(), reason, reference: None };
                not_checked.push(item);
            }
        }
    }
    for mute in super::mute::of_order(mutes, order, facts.jurisdiction) {
        not_checked.push(Item {
            topic: Some(mute.topic.word()),
            what: mute.rule.clone(),
            reason: Some(super::mute::REASON.to_owned()),
            reference: None,
        });
    }
    for reference in &facts.unreadable_orders {
        not_checked.push(Item {
            topic: None,
            what: "an order whose drug could not be read".to_owned(),
            reason: Some("its Medication was not sent".to_owned()),
            reference: Some(reference.clone()),
        });
    }
    if facts.unasked_orders > 0 {
        not_checked.push(Item {
            topic: None,
            what: format!("further orders of this call: {}", facts.unasked_orders),
            reason: Some("there are too many of them for one call".to_owned()),
            reference: None,
        });
    }
    let mut drugs = order.drug.drugs.iter();
    OrderLedger {
        order: order.reference.clone(),
        drug: drugs.next().cloned().unwrap_or_default(),
        other_candidates: drugs.cloned().collect(),
        identified_by: order.drug.by.word(),
        found: unique(found).into_iter().take(MOST_FOUND).collect(),
        not_found: unique(not_found),
        not_checked: unique(not_checked),
        ignored: ignored(index, facts, knowledge),
    }
}

fn evidence_item(topic: Option<&'static str>, evidence: &Evidence) -> Item {
    Item {
        topic,
        what: super::wording::values::evidence(evidence),
        reason: None,
        reference: evidence.reference.clone(),
    }
}

/// Rows that stay silent for what they are, and data that was not used.
fn ignored(index: usize, facts: &Facts, knowledge: &Knowledge) -> Vec<Item> {
    let mut items = Vec::new();
    let order = &facts.orders[index];
    for drug in order.drug.drugs.iter().filter_map(|id| knowledge.drug(id)) {
        let here = |row: &&dyn Row| row.jurisdiction(drug) == Some(facts.jurisdiction);
        for row in drug.rows().filter(here).filter(|row| !row.speaks()) {
            let reason = match row.cite().confidence {
                Confidence::C => "not sure enough to speak (confidence C)",
                _ => "withdrawn",
            };
            items.push(Item {
                topic: Some(row.topic().word()),
                what: row.id().get_ref().clone(),
                reason: Some(reason.to_owned()),
                reference: None,
            });
        }
    }
    for aside in &facts.labs.set_aside {
        let title = knowledge.terminology.labs.get(&aside.lab).map(|l| l.title.clone());
        items.push(Item {
            topic: None,
            what: title.unwrap_or_else(|| aside.lab.clone()),
            reason: Some(aside.reason.to_owned()),
            reference: aside.reference.clone(),
        });
    }
    let unread = facts.conditions.not_understood;
    let dropped = [
        (unread, "entries of the problem list in words that no table has"),
        (facts.dropped.foreign, "they belong to another patient"),
        (facts.dropped.ownerless, "they do not tell whose they are"),
        (facts.dropped.unreadable, "they could not be read"),
    ];
    for (count, reason) in dropped.into_iter().filter(|(count, _)| *count > 0) {
        items.push(Item {
            topic: None,
            what: format!("resources not used: {count}"),
            reason: Some(reason.to_owned()),
            reference: None,
        });
    }
    let mut items = unique(items);
    items.truncate(MOST_IGNORED);
    items
}

/// Most items of data found that the account names.
const MOST_FOUND: usize = 200;

/// Most items of data left out that the account names.
const MOST_IGNORED: usize = 100;
