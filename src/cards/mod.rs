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
use std::sync::Arc;

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
pub fn write<'a>(
    outcomes: &'a [Outcome<'a>],
    facts: &'a Facts,
    knowledge: &'a Knowledge,
    call: &Call<'a>,
) -> CdsResponse {
    let mut response = CdsResponse::default();
    let mut suggested = BTreeSet::new();
    let reasons = knowledge.policy.override_reason.iter().map(override_reason).collect();
    for (index, order) in facts.orders.iter().enumerate() {
        let mut findings = findings::of_order(index, outcomes, facts, knowledge);
        findings.extend(mute::findings(call.mutes, index, facts, knowledge));
        let ids = Ids::new(call, &order.reference);
        let continuing = order.is_continuing(facts, knowledge);
        let change = draft::change(&findings, order, continuing);
        for (kind, findings, account) in group(index, findings, outcomes, facts) {
            let change = change.as_ref();
            let card = Draft { kind, findings, account, index, change, reasons: &reasons };
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
fn group<'a>(
    index: usize,
    findings: Vec<Finding<'a>>,
    outcomes: &'a [Outcome<'a>],
    facts: &Facts,
) -> Vec<(Kind, Vec<Finding<'a>>, Account<'a>)> {
    let open: BTreeSet<Kind> = findings.iter().filter(|f| f.opens).map(|f| f.kind).collect();
    let card_of = |kind: Kind| match kind {
        kind if open.contains(&kind) => kind,
        _ if open.contains(&Kind::BoxedWarning) => Kind::BoxedWarning,
        _ => Kind::Safety,
    };
    let mut cards: BTreeMap<Kind, (Vec<Finding<'a>>, Account<'a>)> = BTreeMap::new();
    for finding in findings {
        cards.entry(card_of(finding.kind)).or_default().0.push(finding);
    }
    for outcome in outcomes.iter().filter(|o| o.order == index) {
        if let Some((_, account)) = cards.get_mut(&card_of(Kind::of(outcome, facts))) {
            account.add(outcome);
        }
    }
    let unique = |(kind, (findings, account)): (Kind, (Vec<Finding<'a>>, Account<'a>))| {
        let (found, not_found) = (unique(account.found), unique(account.not_found));
        (kind, findings, Account { found, not_found })
    };
    cards.into_iter().map(unique).collect()
}

/// What the rules of one card looked at, whether they fired or not.
#[derive(Debug, Default)]
pub struct Account<'a> {
    /// On record.
    pub found: Vec<&'a Evidence>,
    /// Searched to the end, and not on record.
    pub not_found: Vec<&'a str>,
}

impl<'a> Account<'a> {
    fn add(&mut self, outcome: &'a Outcome<'_>) {
        self.found.extend(&outcome.found);
        self.not_found.extend(outcome.not_found.iter().map(|what| &**what));
    }
}

struct Draft<'a, 'c> {
    kind: Kind,
    findings: Vec<Finding<'a>>,
    account: Account<'a>,
    index: usize,
    /// The change of the order, on the card of the rule that asks for it.
    change: Option<&'c draft::Change<'a>>,
    /// Why a user may dismiss the card.
    reasons: &'c Arc<[Coding]>,
}

impl<'a> Draft<'a, '_> {
    fn write(
        mut self,
        facts: &Facts,
        knowledge: &Knowledge,
        call: &Call<'_>,
        ids: &Ids,
        suggested: &mut BTreeSet<&'a str>,
    ) -> Card {
        // What the card is about first, then the loudest, then the order of the rules.
        let kind = self.kind;
        self.findings.sort_by_key(|f| (f.kind != kind, std::cmp::Reverse(f.level)));
        let order = &facts.orders[self.index];
        let level = self.findings.iter().map(|f| f.level).max().unwrap_or(Level::Info);
        let rules: Vec<&str> = self.findings.iter().map(|f| f.rule).collect();
        let mut suggestions: Vec<Suggestion> =
            suggestions::of_card(&self.findings, order, knowledge, call, ids, suggested);
        if let Some(change) = self.change.filter(|c| rules.contains(&c.rule)) {
            suggestions.insert(0, change.suggestion(ids));
        }
        let lead = &self.findings[0];
        let topic = self.kind.topic(lead.drug_name, level);
        let dismissed = level != Level::Info && !self.reasons.is_empty();
        let override_reasons = dismissed.then(|| Arc::clone(self.reasons));
        let mut extension = BTreeMap::new();
        if let Ok(raw) = to_raw_value(&self.findings) {
            extension.insert(FINDINGS, raw);
        }
        Card {
            uuid: ids.card(self.kind, &rules),
            summary: wording::summary(self.kind, &self.findings),
            detail: detail::write(&self.findings, &self.account, facts, knowledge, self.index),
            indicator: indicator(level),
            source: Source {
                label: lead.cite.source.to_owned(),
                url: lead.cite.url.to_owned(),
                topic,
            },
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
        system: "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes",
        code: reason.code.clone(),
        display: reason.display.clone(),
    }
}

/// The rows behind a finding.
fn grounds(finding: &Finding<'_>) -> impl Iterator<Item = Ground> {
    let (indicator, open) = (indicator(finding.level), !finding.unchecked.is_empty());
    let rows = std::iter::once(&finding.rule).chain(&finding.also);
    rows.map(move |id| Ground { id: (*id).to_owned(), indicator, open })
}

/// The indicator of a level.
pub fn indicator(level: Level) -> Indicator {
    match level {
        Level::Info => Indicator::Info,
        Level::Warning => Indicator::Warning,
        Level::Critical => Indicator::Critical,
    }
}
