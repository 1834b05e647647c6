//! From outcomes to cards: wording, indicator, suggestions, grouping, ledger.
//!
//! At most one card per order and kind, in the order of [`Kind`]; findings that open no card of
//! their own join the one that is open. Nothing here asks the patient anything.

pub mod detail;
pub mod draft;
pub mod finding;
pub mod findings;
pub mod ids;
pub mod kind;
pub mod ledger;
pub mod markdown;
pub mod mute;
mod order_form;
pub mod suggestions;
pub mod wording;

pub use finding::Finding;
pub use kind::Kind;

use crate::cds_hooks::{
    Card, CdsResponse, Coding, Ground, Indicator, SelectionBehavior, Source, Suggestion,
};
use crate::facts::{Evidence, Facts, unique};
use crate::knowledge::{Knowledge, Level};
use crate::rules::Outcome;
use ids::Ids;
use serde_json::value::to_raw_value;
use std::collections::{BTreeMap, BTreeSet};

/// Members of the response that hold our findings and our ledger.
const FINDINGS: &str = "org.jakcard.findings";
const EVALUATION: &str = "org.jakcard.evaluation";

/// What a call gives to its cards, beside facts and knowledge.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Name of the client; `sandbox` without one.
    pub client: &'a str,
    /// Id of the service.
    pub service: &'a str,
    /// `hookInstance` of the call.
    pub hook_instance: &'a str,
    /// Logical id of the Patient.
    pub patient_id: &'a str,
    /// Logical id of the Encounter.
    pub encounter_id: Option<&'a str>,
    /// How many suggestions the client lets a user take.
    pub selection_behavior: SelectionBehavior,
    /// Rows that do not fire where they must.
    pub mutes: &'a [mute::Mute],
}

/// Writes the response.
pub fn write(
    outcomes: &[Outcome<'_>],
    facts: &Facts,
    knowledge: &Knowledge,
    call: &Call<'_>,
) -> CdsResponse {
    let mut response = CdsResponse::default();
    let mut suggested = BTreeSet::new();
    for (index, order) in facts.orders.iter().enumerate() {
        let mut findings = findings::of_order(index, outcomes, facts, knowledge);
        findings.extend(mute::findings(call.mutes, index, facts, knowledge));
        let ids = Ids::new(call, &order.reference);
        let continuing = order.is_continuing(facts, knowledge);
        let change = draft::change(&findings, order, continuing);
        for (kind, findings, account) in group(index, findings, outcomes, facts) {
            let card = Draft { kind, findings, account, index, change: change.as_ref() };
            response.cards.push(card.write(facts, knowledge, call, &ids, &mut suggested));
        }
    }
    let ledger = ledger::write(outcomes, facts, knowledge, call.mutes);
    if let Ok(raw) = to_raw_value(&ledger) {
        response.extension.insert(EVALUATION, raw);
    }
    response
}

/// Sorts the findings of one order into its cards, and with them what their rules found.
fn group(
    index: usize,
    findings: Vec<Finding>,
    outcomes: &[Outcome<'_>],
    facts: &Facts,
) -> Vec<(Kind, Vec<Finding>, Account)> {
    let open: BTreeSet<Kind> = findings.iter().filter(|f| f.opens).map(|f| f.kind).collect();
    let card_of = |kind: Kind| match kind {
        kind if open.contains(&kind) => kind,
        _ if open.contains(&Kind::BoxedWarning) => Kind::BoxedWarning,
        _ => Kind::Safety,
    };
    let mut cards: BTreeMap<Kind, (Vec<Finding>, Account)> = BTreeMap::new();
    for finding in findings {
        cards.entry(card_of(finding.kind)).or_default().0.push(finding);
    }
    for outcome in outcomes.iter().filter(|o| o.order == index) {
        if let Some((_, account)) = cards.get_mut(&card_of(Kind::of(outcome, facts))) {
            account.add(outcome);
        }
    }
    let unique = |(kind, (findings, account)): (Kind, (Vec<Finding>, Account))| {
        let (found, not_found) = (unique(account.found), unique(account.not_found));
        (kind, findings, Account { found, not_found })
    };
    cards.into_iter().map(unique).collect()
}

/// What the rules of one card looked at, whether they fired or not.
#[derive(Debug, Default)]
pub struct Account {
    /// On record.
    pub found: Vec<Evidence>,
    /// Searched to the end, and not on record.
    pub not_found: Vec<String>,
}

impl Account {
    fn add(&mut self, outcome: &Outcome<'_>) {
        self.found.extend(outcome.found.iter().cloned());
        self.not_found.extend(outcome.not_found.iter().cloned());
    }
}

struct Draft<'c> {
    kind: Kind,
    findings: Vec<Finding>,
    account: Account,
    index: usize,
    /// The change of the order, on the card of the rule that asks for it.
    change: Option<&'c draft::Change>,
}

impl Draft<'_> {
    fn write(
        mut self,
        facts: &Facts,
        knowledge: &Knowledge,
        call: &Call<'_>,
        ids: &Ids,
        suggested: &mut BTreeSet<String>,
    ) -> Card {
        // What the card is about first, then the loudest, then the order of the rules.
        let kind = self.kind;
        self.findings.sort_by_key(|f| (f.kind != kind, std::cmp::Reverse(f.level)));
        let order = &facts.orders[self.index];
        let level = self.findings.iter().map(|f| f.level).max().unwrap_or(Level::Info);
        let rules: Vec<&str> = self.findings.iter().map(|f| f.rule.as_str()).collect();
        let mut suggestions: Vec<Suggestion> =
            suggestions::of_card(&self.findings, order, knowledge, call, ids, suggested);
        if let Some(change) = self.change.filter(|c| rules.contains(&c.rule.as_str())) {
            suggestions.insert(0, change.suggestion(ids));
        }
        let lead = &self.findings[0];
        let topic = self.kind.topic(&lead.drug_name, level);
        let override_reasons = match level {
            Level::Info => Vec::new(),
            _ => knowledge.policy.override_reason.iter().map(override_reason).collect(),
        };
        let mut extension = BTreeMap::new();
        if let Ok(raw) = to_raw_value(&self.findings) {
            extension.insert(FINDINGS, raw);
        }
        Card {
            uuid: ids.card(self.kind, &rules),
            summary: wording::summary(self.kind, &self.findings),
            detail: detail::write(&self.findings, &self.account, facts, knowledge, self.index),
            indicator: indicator(level),
            source: Source { label: lead.cite.source.clone(), url: lead.cite.url.clone(), topic },
            selection_behavior: (!suggestions.is_empty()).then_some(call.selection_behavior),
            suggestions,
            override_reasons,
            links: detail::links(&self.findings),
            extension,
            grounds: self.findings.iter().flat_map(grounds).collect(),
        }
    }
}

/// A reason as cards carry it.
pub fn override_reason(reason: &crate::knowledge::policy::OverrideReason) -> Coding {
    Coding {
        system: "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes".to_owned(),
        code: reason.code.clone(),
        display: reason.display.clone(),
    }
}

/// The rows behind a finding.
fn grounds(finding: &Finding) -> impl Iterator<Item = Ground> {
    let (indicator, open) = (indicator(finding.level), !finding.unchecked.is_empty());
    let rows = std::iter::once(&finding.rule).chain(&finding.also);
    rows.map(move |id| Ground { id: id.clone(), indicator, open })
}

/// The indicator of a level.
pub fn indicator(level: Level) -> Indicator {
    match level {
        Level::Info => Indicator::Info,
        Level::Warning => Indicator::Warning,
        Level::Critical => Indicator::Critical,
    }
}
