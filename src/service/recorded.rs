//! What of a call is written down: see `audit/record.rs` for what each member means.

use super::caller::Caller;
use super::house::House;
use super::in_force::Served;
use crate::audit::{
    CardRecord, Evaluation, Kind, NotChecked, RuleRecord, hook_instance, patient, sha256,
};
use crate::cds_hooks::{Card, CdsResponse, Request};
use crate::facts::{Facts, unique};
use crate::rules::{Gap, Outcome, Verdict};
use crate::store::Entry;
use std::time::Duration;

/// The record of an answer about an identified JAK inhibitor.
pub fn entry(
    (body, request): (&[u8], &Request<'_>),
    (facts, outcomes): (&Facts, &[Outcome<'_>]),
    (response, json): (&CdsResponse, &[u8]),
    service: &Served,
    caller: &Caller,
    house: &House,
    took: Duration,
) -> Entry {
    let now = jiff::Timestamp::now();
    let key = house.config.audit.patient_key.as_ref();
    let id = &request.context.patient_id;
    let drugs = facts.orders.iter().flat_map(|order| order.drug.drugs.iter().map(|d| d.into()));
    let evaluation = Evaluation {
        kind: Kind::Evaluation,
        at: now.to_string().into(),
        client: (&*caller.name).into(),
        service: (&*service.id).into(),
        hook_instance: hook_instance(&request.hook_instance).into(),
        knowledge: (&*service.knowledge.digest).into(),
        jurisdiction: facts.jurisdiction.code().into(),
        as_of: facts.today.to_string().into(),
        duration_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        input: sha256(body).into(),
        output: sha256(json).into(),
        drugs: unique(drugs.collect()),
        cards: response.cards.iter().map(card).collect(),
        not_checked: unique(outcomes.iter().flat_map(not_checked).collect()),
        patient: key.map(|key| patient(key.expose(), &caller.name, id).into()),
    };
    evaluation.entry(now)
}

fn not_checked<'a>(outcome: &'a Outcome<'_>) -> impl Iterator<Item = NotChecked<'a>> {
    let missing = match &outcome.verdict {
        Verdict::CannotTell(_, missing) => missing.as_slice(),
        _ => &[],
    };
    missing.iter().map(|missing| NotChecked {
        rule: outcome.row.id().get_ref().into(),
        topic: outcome.row.topic().word().into(),
        why: word(missing.gap).into(),
    })
}

/// What is missing, in a word: what a row says of it may hold what the chart says.
fn word(gap: Gap) -> &'static str {
    match gap {
        Gap::Chart => "not-read",
        Gap::NoneOnRecord => "none-on-record",
        Gap::Value => "unclear",
        Gap::Order => "not-in-order",
        Gap::Dose => "dose-unreadable",
    }
}

fn card(card: &Card) -> CardRecord<'_> {
    let rules = card.grounds.iter().map(|ground| RuleRecord {
        id: (&*ground.id).into(),
        indicator: ground.indicator.word().into(),
        open: ground.open,
    });
    CardRecord {
        uuid: (&*card.uuid).into(),
        topic: (&*card.source.topic.code).into(),
        indicator: card.indicator.word().into(),
        rules: rules.collect(),
        suggestions: card.suggestions.iter().map(|s| (&*s.uuid).into()).collect(),
    }
}
