//! What does this call need from the EHR's FHIR server, and in which order?
//!
//! Nothing, when no order needs it. For an order of a JAK inhibitor everything at once. For another
//! order, and for an open chart, the medication list first: nobody who takes none is asked about.

use super::caller::Caller;
use super::course::{Course, Phase};
use super::house::House;
use super::in_force::Served;
use crate::cds_hooks::{BadRequest, Prefetch, Request};
use crate::ehr::server::permitted;
use crate::ehr::{Chart, Door, Fetched, Orders, gather, needs, orders};
use crate::facts::Facts;

/// The prefetch key of the medication list.
const LIST: &str = "medications";

/// The way of one call to the EHR's FHIR server.
pub struct Reach<'h> {
    door: Option<Result<Door<'h>, &'static str>>,
    service: &'h Served,
}

impl<'h> Reach<'h> {
    /// Whether there is a server that may be asked.
    pub fn of(
        request: &Request<'_>,
        service: &'h Served,
        caller: &Caller,
        house: &'h House,
    ) -> Reach<'h> {
        let door = house.client.as_ref().and_then(|client| {
            let server = permitted(request, &caller.servers)?;
            Some(server.map(|server| Door::open(client, server, caller.deadline_ms)))
        });
        Reach { door, service }
    }

    /// The Medications that drafts refer to and that were not sent.
    pub async fn medications_of_drafts(
        &self,
        request: &Request<'_>,
        course: &mut Course,
    ) -> Vec<Fetched> {
        let Some(Ok(door)) = &self.door else { return Vec::new() };
        let missing = orders::missing_medications(request);
        if missing.is_empty() {
            return Vec::new();
        }
        let questions = needs::by_reference(missing.into_iter(), &door.server);
        let fetched = door.ask(questions, |_| Vec::new()).await;
        course.did(Phase::Fetch);
        fetched
    }

    /// What is missing of the chart that was sent.
    ///
    /// # Errors
    /// The Patient is another's.
    pub async fn chart(
        &self,
        request: &Request<'_>,
        sent: (&Prefetch<'_>, &Chart<'_>),
        orders: &Orders<'_>,
        read: impl Fn(&Chart<'_>) -> Facts,
        course: &mut Course,
    ) -> Result<Vec<Fetched>, BadRequest> {
        let Some(Ok(door)) = &self.door else { return Ok(Vec::new()) };
        let fetched = self.fetch(door, request, sent, orders, read).await;
        course.did(Phase::Fetch);
        fetched
    }

    async fn fetch(
        &self,
        door: &Door<'_>,
        request: &Request<'_>,
        (prefetch, sent): (&Prefetch<'_>, &Chart<'_>),
        orders: &Orders<'_>,
        read: impl Fn(&Chart<'_>) -> Facts,
    ) -> Result<Vec<Fetched>, BadRequest> {
        let patient = &request.context.patient_id;
        let missing = |chart: &Chart<'_>, only: Option<&str>, release| {
            let templates = &self.service.prefetch;
            needs::questions(chart, templates, only, patient, release, &door.server)
        };
        let labs = &self.service.knowledge.terminology.labs;
        // The list that was fetched names Medications: they are asked as soon as it is there.
        let of_list = |answer: &Fetched| {
            let is_list = answer.keys.iter().any(|key| key == LIST);
            let list = std::slice::from_ref(answer);
            let list = is_list.then(|| gather(prefetch, list, patient, labs).ok()).flatten();
            list.map(|list| needs::medications(&list, &door.server)).unwrap_or_default()
        };
        let of_sent = needs::medications(sent, &door.server);
        let mut release = orders.release().or_else(|| sent.release());
        let mut fetched = Vec::new();
        if orders.jak.is_empty() {
            let mut first = missing(sent, Some(LIST), release);
            if release.is_none() && !first.is_empty() {
                release = door.release().await;
                first = missing(sent, Some(LIST), release);
            }
            first.extend(of_sent);
            fetched = door.ask(first, of_list).await;
            let chart = gather(prefetch, &fetched, patient, labs)?;
            if read(&chart).orders.is_empty() {
                return Ok(fetched);
            }
            let mut rest = missing(&chart, None, release.or_else(|| chart.release()));
            // What was asked and not answered is not asked again.
            rest.retain(|question| question.keys.iter().all(|key| key != LIST));
            fetched.extend(door.ask(rest, |_| Vec::new()).await);
        } else {
            let mut all = missing(sent, None, release);
            all.extend(of_sent);
            fetched.extend(door.ask(all, of_list).await);
        }
        Ok(fetched)
    }

    /// Why nothing could be asked, where nothing could.
    pub fn explain(&self, chart: &mut Chart<'_>) {
        if let Some(Err(why)) = &self.door {
            chart.not_asked_because(why);
        }
    }
}
