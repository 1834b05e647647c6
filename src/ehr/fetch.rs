//! Asking the EHR's own FHIR server: all questions at once, one deadline, pages followed below the
//! base and nowhere else.

use super::client::{Budget, Client, Why};
use super::fetched::Fetched;
use super::needs::Question;
use super::server::{FhirServer, below};
use crate::fhir::Json;
use crate::fhir::views::{Bundle, Link};
use futures_util::StreamExt;
use futures_util::stream::iter;
use serde_json::value::RawValue;
use std::collections::HashSet;
use url::Url;

/// The server of one call, and what the call may still spend.
pub struct Door<'h> {
    client: &'h Client,
    /// The server.
    pub server: FhirServer,
    budget: Budget,
}

impl<'h> Door<'h> {
    /// Opens the door: the deadline, in milliseconds, runs from now.
    pub fn open(client: &'h Client, server: FhirServer, deadline_ms: u64) -> Door<'h> {
        Door { client, server, budget: client.budget(deadline_ms) }
    }

    /// Asks all questions at once, and answers in their order.
    pub async fn ask(&self, questions: Vec<Question>) -> Vec<Fetched> {
        let asked = questions.into_iter().map(|question| self.answer(question));
        iter(asked).buffered(self.client.limits.in_flight.max(1)).collect().await
    }

    /// One answer, page by page.
    async fn answer(&self, question: Question) -> Fetched {
        let mut fetched = Fetched { keys: question.keys, ..Fetched::default() };
        let mut visited = HashSet::new();
        let mut url = question.url;
        loop {
            visited.insert(url.clone());
            let page = match self.page(&url).await {
                Ok(page) => page,
                Err(why) => {
                    fetched.open = Some(why);
                    return fetched;
                }
            };
            let next = next(&page);
            fetched.pages.push(page);
            let Some(next) = next else { return fetched };
            let Some(next) = below(&self.server.base, &next) else {
                fetched.open = Some("the EHR's next page is on another server");
                return fetched;
            };
            if visited.contains(&next) {
                fetched.open = Some("the EHR's pages go round in a circle");
                return fetched;
            }
            if fetched.pages.len() >= self.client.limits.pages {
                fetched.open = Some("the EHR has more pages than are read");
                return fetched;
            }
            url = next;
        }
    }

    /// One page. A DSTU2 server knows MedicationOrder and no MedicationRequest.
    async fn page(&self, url: &Url) -> Result<String, Why> {
        match self.client.get(&self.server, url, &self.budget).await {
            Err(why) => match earlier(url).filter(|_| why == super::client::NOTHING_THERE) {
                Some(earlier) => self.client.get(&self.server, &earlier, &self.budget).await,
                None => Err(why),
            },
            page => page,
        }
    }
}

/// The same search by the name of DSTU2.
fn earlier(url: &Url) -> Option<Url> {
    let path = url.path().strip_suffix("/MedicationRequest")?;
    let mut url = url.clone();
    url.set_path(&format!("{path}/MedicationOrder"));
    Some(url)
}

/// The address of the next page.
fn next(page: &str) -> Option<String> {
    let raw: &RawValue = serde_json::from_str(page).ok()?;
    let bundle = Bundle::read(Json::from(raw))?;
    let links = bundle.link().map(Json::items).unwrap_or_default();
    links.into_iter().filter_map(Link::read).find_map(|link| {
        let relation = link.relation().and_then(Json::string)?;
        (relation == "next").then(|| link.url().and_then(Json::string))?.map(|u| u.into_owned())
    })
}
