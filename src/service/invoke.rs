//! One hook call from the first byte to the last: the table of contents of the house.

use super::caller::Caller;
use super::course::{Course, Phase};
use super::error::ServiceError;
use super::house::House;
use super::in_force::Served;
use super::reach::Reach;
use super::recorded;
use crate::cards::{self, Call};
use crate::cds_hooks::{self, BadRequest, CdsResponse, Request, SelectionBehavior};
use crate::ehr::{self, Orders};
use crate::facts::Facts;
use crate::knowledge::ServiceFile;
use crate::rules;
use crate::store::Entry;
use futures_util::FutureExt;
use metrics::counter;
use std::panic::AssertUnwindSafe;

/// An answer, with what the log says of it.
#[derive(Debug)]
pub struct Answer {
    /// The body, UTF-8.
    pub json: Vec<u8>,
    /// The same, not yet written.
    pub response: CdsResponse,
    /// `hookInstance`, when it is a UUID.
    hook_instance: Option<uuid::Uuid>,
    digest: String,
    /// What is written down beside the answer, of an identified JAK inhibitor.
    record: Option<Entry>,
}

/// Answers one hook call. <https://cds-hooks.hl7.org/#calling-a-cds-service>
///
/// # Errors
/// Why there is no answer.
pub async fn invoke(
    body: &[u8],
    service: &Served,
    caller: &Caller,
    house: &House,
    course: &mut Course,
) -> Result<Answer, ServiceError> {
    // A panic ends this request and nothing else.
    let answer =
        AssertUnwindSafe(evaluate(body, service, caller, house, course)).catch_unwind().await;
    answer.unwrap_or_else(|_| {
        counter!("jakcard_panics_total").increment(1);
        Err(ServiceError::Broken)
    })
}

async fn evaluate(
    body: &[u8],
    service: &Served,
    caller: &Caller,
    house: &House,
    course: &mut Course,
) -> Result<Answer, ServiceError> {
    let knowledge = &*service.knowledge; // one knowledge from the first line to the last
    let body = cds_hooks::open(body, house.config.limits.bounds())?; // protocol in
    let request = Request::read(&body)?;
    check_hook(&request, service)?;
    course.did(Phase::Read);
    let reach = Reach::of(&request, service, caller, house);
    course.stripped = request.brings_nothing();
    let medications = reach.medications_of_drafts(&request, course).await;
    let orders = ehr::orders(&request, &medications, &knowledge.terminology)?;
    course.saw(&orders);
    course.did(Phase::Orders);
    if !may_speak(&orders, service) {
        return Ok(Answer::new(CdsResponse::default(), &request, service)); // most calls
    }
    let today = house.calendar.today();
    let read =
        |chart: &ehr::Chart<'_>| Facts::read(&orders, chart, knowledge, caller.jurisdiction, today);
    let prefetch = request.prefetch();
    let gather = |fetched| {
        let labs = &knowledge.terminology.labs;
        ehr::gather(&prefetch, fetched, &request.context.patient_id, labs)
    };
    let sent = gather(&[])?;
    let fetched = reach.chart(&request, (&prefetch, &sent), &orders, read, course).await?;
    let mut chart = match fetched.is_empty() {
        true => sent,
        false => gather(&fetched)?,
    };
    reach.explain(&mut chart);
    let facts = read(&chart);
    course.did(Phase::Facts);
    if facts.orders.is_empty() {
        // Nothing is said of an order of something else, or every clarithromycin order would alert.
        course.unread_list = facts.medicines.state.why_open().is_some();
        return Ok(Answer::new(CdsResponse::default(), &request, service));
    }
    let outcomes = rules::evaluate(&facts, knowledge); // fires, silent, cannot tell
    course.heard(&outcomes, knowledge);
    course.did(Phase::Rules);
    let call = Call {
        client: &caller.name,
        service: &service.id,
        hook_instance: &request.hook_instance,
        patient_id: &request.context.patient_id,
        encounter_id: request.context.encounter_id.as_deref(),
        selection_behavior: caller
            .selection_behavior
            .unwrap_or_else(|| selection_behavior(&service.hook)),
        mutes: &service.mutes,
    };
    let response = cards::write(&outcomes, &facts, knowledge, &call); // protocol out
    course.cards.extend(response.cards.iter().map(|card| card.indicator.word()));
    let mut answer = Answer::new(response, &request, service);
    course.did(Phase::Cards);
    if house.audit.is_some() {
        let (asked, seen) = ((body.text().as_bytes(), &request), (&facts, &*outcomes));
        let (said, took) = ((&answer.response, &*answer.json), course.took());
        answer.record = Some(recorded::entry(asked, seen, said, service, caller, house, took));
    }
    Ok(answer)
}

/// Is there anything that a row could speak of? Told by the orders alone; an open chart is always
/// looked into.
fn may_speak(orders: &Orders<'_>, service: &Served) -> bool {
    let named = |o: &ehr::BesideOrder<'_>| {
        o.selected && service.knowledge.names(&o.held.substances, &o.held.vaccines)
    };
    service.hook == PATIENT_VIEW || !orders.jak.is_empty() || orders.others.iter().any(named)
}

/// The hook of an open chart.
const PATIENT_VIEW: &str = "patient-view";

fn check_hook(request: &Request<'_>, service: &ServiceFile) -> Result<(), BadRequest> {
    if request.hook == service.hook {
        return Ok(());
    }
    let message = format!(
        "`hook` is `{}`, expected `{}` at this service",
        crate::cards::markdown::plain(&request.hook),
        service.hook
    );
    Err(BadRequest::at("hook", message))
}

/// CDS Hooks 1.0 knows only `at-most-one`.
pub fn selection_behavior(hook: &str) -> SelectionBehavior {
    match hook {
        "medication-prescribe" => SelectionBehavior::AtMostOne,
        _ => SelectionBehavior::Any,
    }
}

impl Answer {
    fn new(response: CdsResponse, request: &Request<'_>, service: &Served) -> Answer {
        Answer {
            json: response.to_json(),
            response,
            hook_instance: request.hook_instance.parse().ok(),
            digest: service.knowledge.digest.clone(),
            record: None,
        }
    }

    /// Writes it down, when it is about a JAK inhibitor. In strict mode it must not go out before that.
    ///
    /// # Errors
    /// 503 in strict mode, when the record could not be written.
    pub async fn record(&mut self, house: &House) -> Result<(), ServiceError> {
        let (Some(audit), Some(record)) = (&house.audit, self.record.take()) else { return Ok(()) };
        audit.keep(record).await.map_err(|_| ServiceError::NotKept)
    }

    /// One line per call: names that we gave, counts and times; nothing of the patient.
    pub fn log(&self, service: &ServiceFile, caller: &Caller, course: &Course) {
        let rules: Vec<&str> = course.fired.iter().map(|(rule, _)| rule.as_str()).collect();
        tracing::info!(
            client = caller.name,
            service = service.id,
            hook = service.hook,
            hook_instance = self.hook_instance.map(tracing::field::display),
            cards = self.response.cards.len(),
            rules = rules.join(" "),
            knowledge = &self.digest[..12],
            duration_ms = course.took().as_secs_f64() * 1000.0,
            "answered"
        );
    }
}
