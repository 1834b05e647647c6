//! The account of an evaluation: what was found, not found, not checked and left out, by order.
//!
//! It goes out with every answer to an identified JAK inhibitor, also when there is no card.

use super::mute::Mute;
use crate::facts::{Evidence, Facts, unique};
use crate::knowledge::{Confidence, Knowledge, Row};
use crate::rules::{Outcome, Verdict};
use serde::Serialize;
use std::borrow::Cow;

/// `org.jakcard.evaluation`.
#[derive(Serialize)]
pub struct Evaluation<'a> {
    knowledge: &'a str,
    jurisdiction: &'static str,
    #[serde(rename = "asOf")]
    as_of: String,
    orders: Vec<OrderLedger<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OrderLedger<'a> {
    order: &'a str,
    drug: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other_candidates: Vec<&'a str>,
    identified_by: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    found: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_found: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_checked: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<Item<'a>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
struct Item<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<&'static str>,
    what: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
}

/// Writes the account.
pub fn write<'a>(
    outcomes: &'a [Outcome<'_>],
    facts: &'a Facts,
    knowledge: &'a Knowledge,
    mutes: &'a [Mute],
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

fn order<'a>(
    index: usize,
    outcomes: &'a [Outcome<'_>],
    facts: &'a Facts,
    knowledge: &'a Knowledge,
    mutes: &'a [Mute],
) -> OrderLedger<'a> {
    let order = &facts.orders[index];
    let (mut found, mut not_found, mut not_checked) = (Vec::new(), Vec::new(), Vec::new());
    for outcome in outcomes.iter().filter(|o| o.order == index) {
        let topic = Some(outcome.row.topic().word());
        // Many rows rest on the same: it is written once, below.
        found.extend(outcome.found.iter().map(|evidence| (topic, evidence)));
        for what in &outcome.not_found {
            let what = Cow::Borrowed(what.as_str());
            not_found.push(Item { topic, what, reason: None, reference: None });
        }
        if let Verdict::CannotTell(_, missing) = &outcome.verdict {
            for gap in missing {
                let (what, reason) = (Cow::Borrowed(gap.what.as_str()), Some(&*gap.reason));
                not_checked.push(Item { topic, what, reason, reference: None });
            }
        }
    }
    for mute in super::mute::of_order(mutes, order, facts.jurisdiction) {
        not_checked.push(Item {
            topic: Some(mute.topic.word()),
            what: Cow::Borrowed(&mute.rule),
            reason: Some(super::mute::REASON),
            reference: None,
        });
    }
    for reference in &facts.unreadable_orders {
        not_checked.push(Item {
            topic: None,
            what: Cow::Borrowed("an order whose drug could not be read"),
            reason: Some("its Medication was not sent"),
            reference: Some(reference),
        });
    }
    if facts.unasked_orders > 0 {
        not_checked.push(Item {
            topic: None,
            what: Cow::Owned(format!("further orders of this call: {}", facts.unasked_orders)),
            reason: Some("there are too many of them for one call"),
            reference: None,
        });
    }
    let found = unique(found).into_iter().map(|(topic, evidence)| evidence_item(topic, evidence));
    let mut drugs = order.drug.drugs.iter().map(String::as_str);
    OrderLedger {
        order: &order.reference,
        drug: drugs.next().unwrap_or_default(),
        other_candidates: drugs.collect(),
        identified_by: order.drug.by.word(),
        found: unique(found.collect()).into_iter().take(MOST_FOUND).collect(),
        not_found: unique(not_found),
        not_checked: unique(not_checked),
        ignored: ignored(index, facts, knowledge),
    }
}

fn evidence_item<'a>(topic: Option<&'static str>, evidence: &'a Evidence) -> Item<'a> {
    let what = Cow::Owned(super::wording::values::evidence(evidence));
    Item { topic, what, reason: None, reference: evidence.reference.as_deref() }
}

/// Rows that stay silent for what they are, and data that was not used.
fn ignored<'a>(index: usize, facts: &'a Facts, knowledge: &'a Knowledge) -> Vec<Item<'a>> {
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
                what: Cow::Borrowed(row.id().get_ref()),
                reason: Some(reason),
                reference: None,
            });
        }
    }
    for aside in &facts.labs.set_aside {
        let lab = knowledge.terminology.labs.get(&aside.lab);
        items.push(Item {
            topic: None,
            what: Cow::Borrowed(lab.map_or(aside.lab.as_str(), |lab| lab.title.as_str())),
            reason: Some(aside.reason),
            reference: aside.reference.as_deref(),
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
        let what = Cow::Owned(format!("resources not used: {count}"));
        items.push(Item { topic: None, what, reason: Some(reason), reference: None });
    }
    let mut items = unique(items);
    items.truncate(MOST_IGNORED);
    items
}

/// Most items of data found that the account names.
const MOST_FOUND: usize = 200;

/// Most items of data left out that the account names.
const MOST_IGNORED: usize = 100;
