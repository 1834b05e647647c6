//! What the house found out about itself: rows that should have spoken and did not.
//!
//! The self-test asks made-up patients for whom a row must fire. Where it does not, the cards of its
//! drug say that this could not be checked: an order that looks fine may be one that nobody looked at.

use super::finding::{Citation, Finding, Unchecked};
use super::kind::Kind;
use crate::facts::{Facts, Order, Role};
use crate::knowledge::{Jurisdiction, Knowledge, Level, Topic};
use std::collections::BTreeMap;

/// Why, on cards and in the ledger.
pub const REASON: &str =
    "the self-test failed: on a test patient for whom it must, this did not speak";

/// A row that does not fire where it must.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mute {
    /// Id of the drug file.
    pub drug: String,
    /// Whose label.
    pub jurisdiction: Jurisdiction,
    /// What the row is about.
    pub topic: Topic,
    /// Its id.
    pub rule: String,
}

/// Those that concern an order.
pub fn of_order<'m>(
    mutes: &'m [Mute],
    order: &Order,
    jurisdiction: Jurisdiction,
) -> impl Iterator<Item = &'m Mute> {
    let drugs = order.drug.drugs.clone();
    mutes.iter().filter(move |m| m.jurisdiction == jurisdiction && drugs.contains(&m.drug))
}

/// What the cards of an order say of them: one finding for a topic.
pub fn findings<'a>(
    mutes: &'a [Mute],
    index: usize,
    facts: &'a Facts,
    knowledge: &'a Knowledge,
) -> Vec<Finding<'a>> {
    let order = &facts.orders[index];
    if order.role != Role::Ordered {
        return Vec::new();
    }
    let mut by_topic: BTreeMap<(&str, &str), Vec<&Mute>> = BTreeMap::new();
    for mute in of_order(mutes, order, facts.jurisdiction) {
        by_topic.entry((&mute.drug, mute.topic.word())).or_default().push(mute);
    }
    by_topic
        .into_values()
        .filter_map(|of_topic| finding(&of_topic, index, facts, knowledge))
        .collect()
}

fn finding<'a>(
    mutes: &[&'a Mute],
    index: usize,
    facts: &'a Facts,
    knowledge: &'a Knowledge,
) -> Option<Finding<'a>> {
    let first = mutes.first()?;
    let drug = knowledge.drug(&first.drug)?;
    let label = drug.labels.iter().find(|label| label.jurisdiction == first.jurisdiction)?;
    let word = first.topic.word();
    Some(Finding {
        rule: &first.rule,
        also: mutes[1..].iter().map(|mute| &*mute.rule).collect(),
        topic: first.topic,
        level: Level::Info,
        drug: &drug.drug,
        drug_name: &drug.name,
        order: &facts.orders[index].reference,
        text: format!(
            "{}: {word} was not checked reliably, the self-test of this service failed. Check it by hand.",
            super::kind::capitalised(&drug.name)
        ),
        short: format!("{word} not checked"),
        basis: Vec::new(),
        clears: None,
        cite: Citation {
            source: &label.title,
            section: "whole label",
            quote: None,
            url: &label.url,
        },
        draft: false,
        unchecked: mutes
            .iter()
            .map(|mute| Unchecked { what: &mute.rule, reason: REASON, searched: false })
            .collect(),
        kind: Kind::of_topic(first.topic),
        opens: false,
        tests: Vec::new(),
        says: &[],
        limit: None,
        stops: false,
        unread: Some((word, REASON)),
    })
}
