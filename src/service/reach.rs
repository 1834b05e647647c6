//! What does this call need from the EHR's FHIR server, and in which order?
//!
//! Nothing, when no order needs it. For an order of a JAK inhibitor everything at once. For another
//! order, and for an open chart, the medication list first: nobody who takes none is asked about.

use super::caller::Caller;
use super::house::House;
use crate::cds_hooks::{BadRequest, Request};
use crate::ehr::server::permitted;
use crate::ehr::{Chart, Door, Fetched, Orders, gather, needs, orders};
use crate::facts::Facts;
use crate::knowledge::ServiceFile;

/// The prefetch key of the medication list.
const LIST: &str = "medications";

/// The way of one call to the EHR's FHIR server.
pub struct Reach<'h> {
    door: Option<Result<Door<'h>, &'static str>>,
    service: &'h ServiceFile,
}

impl<'h> Reach<'h> {
    /// Whether there is a server that may be asked.
    pub fn of(
        request: &Request<'_>,
        service: &'h ServiceFile,
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
    pub async fn medications_of_drafts(&self, request: &Request<'_>) -> Vec<Fetched> {
        let Some(Ok(door)) = &self.door else { return Vec::new() };
        let missing = orders::missing_medications(request);
        door.ask(needs::by_reference(missing.into_iter(), &door.server)).await
    }

    /// What is missing of the chart.
    ///
    /// # Errors
    /// The prefetched Patient is another's.
    pub async fn chart(
        &self,
        request: &Request<'_>,
        orders: &Orders<'_>,
        read: impl Fn(&Chart<'_>) -> Facts,
    ) -> Result<Vec<Fetched>, BadRequest> {
        let mut fetched = Vec::new();
        let Some(Ok(door)) = &self.door else { return Ok(fetched) };
        let patient = &request.context.patient_id;
        let release = orders.release();
        let prefetch = request.prefetch();
        let questions = |fetched: &[Fetched], only: Option<&str>| {
            let chart = gather(&prefetch, fetched, patient)?;
            let templates = &self.service.prefetch;
            let mut all = needs::questions(&chart, templates, only, patient, release, &door.server);
            all.extend(needs::medications(&chart, &door.server));
            Ok::<_, BadRequest>(all)
        };
        let mut asked = Vec::new();
        let only: &[Option<&str>] = match orders.jak.is_empty() {
            true => &[Some(LIST), Some(LIST), None, None],
            false => &[None, None],
        };
        // Each round asks what the one before has shown to be missing: the Medications of the list.
        for (round, only) in only.iter().enumerate() {
            if round == 2 && read(&gather(&prefetch, &fetched, patient)?).orders.is_empty() {
                break;
            }
            let mut open = questions(&fetched, *only)?;
            open.retain(|question| !asked.contains(&question.url));
            asked.extend(open.iter().map(|question| question.url.clone()));
            if !open.is_empty() {
                fetched.extend(door.ask(open).await);
            }
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
