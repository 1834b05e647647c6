//! What of a call is written down: see `audit/record.rs` for what each member means.

use super::caller::Caller;
use super::error::ServiceError;
use super::house::House;
use crate::audit::{
    CardRecord, Evaluation, Kind, NotChecked, RuleRecord, hook_instance, patient, sha256,
};
use crate::cds_hooks::{Card, CdsResponse, Request};
use crate::facts::{Facts, unique};
use crate::knowledge::ServiceFile;
use crate::rules::{Gap, Outcome, Verdict};
use std::time::Duration;

/// What the rooms know and the answer does not say.
#[derive(Clone, Debug)]
pub struct Told {
    hook_instance: String,
    patient: Option<String>,
    jurisdiction: &'static str,
    as_of: String,
    drugs: Vec<String>,
    not_checked: Vec<NotChecked>,
}

impl Told {
    /// Of an identified JAK inhibitor.
    pub fn new(
        request: &Request<'_>,
        facts: &Facts,
        outcomes: &[Outcome<'_>],
        caller: &Caller,
        house: &House,
    ) -> Told {
        let key = house.config.audit.patient_key.as_ref();
        let drugs = facts.orders.iter().flat_map(|order| order.drug.drugs.iter().cloned());
        Told {
            hook_instance: hook_instance(&request.hook_instance),
            patient: key
                .map(|key| patient(key.expose(), &caller.name, &request.context.patient_id)),
            jurisdiction: facts.jurisdiction.code(),
            as_of: facts.today.to_string(),
            drugs: unique(drugs.collect()),
            not_checked: unique(outcomes.iter().flat_map(not_checked).collect()),
        }
    }
}

fn not_checked(outcome: &Outcome<'_>) -> Vec<NotChecked> {
    let Verdict::CannotTell(_, missing) = &outcome.verdict else { return Vec::new() };
    let one = |gap: Gap| NotChecked {
        rule: outcome.row.id().get_ref().clone(),
        topic: outcome.row.topic().word().to_owned(),
        why: word(gap).to_owned(),
    };
    missing.iter().map(|missing| one(missing.gap)).collect()
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

/// Writes down an answer; in strict mode it must not go out before that.
///
/// # Errors
/// 503 in strict mode, when the record could not be written.
pub async fn keep(
    (told, body): (&Told, &[u8]),
    (response, json): (&CdsResponse, &str),
    (service, knowledge): (&ServiceFile, &str),
    caller: &Caller,
    house: &House,
    took: Duration,
) -> Result<(), ServiceError> {
    let Some(audit) = &house.audit else { return Ok(()) };
    let now = jiff::Timestamp::now();
    let evaluation = Evaluation {
        kind: Kind::Evaluation,
        at: now.to_string(),
        client: caller.name.clone(),
        service: service.id.clone(),
        hook_instance: told.hook_instance.clone(),
        knowledge: knowledge.to_owned(),
        jurisdiction: told.jurisdiction.to_owned(),
        as_of: told.as_of.clone(),
        duration_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        input: sha256(body),
        output: sha256(json.as_bytes()),
        drugs: told.drugs.clone(),
        cards: response.cards.iter().map(card).collect(),
        not_checked: told.not_checked.clone(),
        patient: told.patient.clone(),
    };
    audit.keep(evaluation, now).await.map_err(|_| ServiceError::NotKept)
}

fn card(card: &Card) -> CardRecord {
    let rules = card.grounds.iter().map(|ground| RuleRecord {
        id: ground.id.clone(),
        indicator: ground.indicator.word().to_owned(),
        open: ground.open,
    });
    CardRecord {
        uuid: card.uuid.clone(),
        topic: card.source.topic.code.clone(),
        indicator: card.indicator.word().to_owned(),
        rules: rules.collect(),
        suggestions: card.suggestions.iter().map(|s| s.uuid.clone()).collect(),
    }
}
