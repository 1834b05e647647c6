//! Asking the EHR's own FHIR server: all questions at once, one deadline, pages followed below the
//! base and nowhere else.

use super::client::{Budget, Client, Why};
use super::fetched::Fetched;
use super::needs::Question;
use super::server::{FhirServer, below};
use crate::fhir::views::{Bundle, Link};
use crate::fhir::{Document, Json, Release};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
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
    /// Opens the door: the deadline, in milliseconds, runs from now, and ends with the token.
    pub fn open(client: &'h Client, server: FhirServer, deadline_ms: u64) -> Door<'h> {
        let lives_ms = server.token_seconds.map_or(u64::MAX, |s| s.saturating_mul(1000));
        Door { client, budget: client.budget(deadline_ms.min(lives_ms)), server }
    }

    /// The release that the server speaks, as its CapabilityStatement says.
    pub async fn release(&self) -> Option<Release> {
        self.client.release(&self.server, &self.budget).await
    }

    /// Asks all questions at once. What an answer shows to be missing (`then`) is asked while the
    /// others are still on their way: nobody waits for an answer that is not needed for the question.
    ///
    /// Answers stand in the order of the questions, each followed by what it asked for.
    pub async fn ask(
        &self,
        questions: Vec<Question>,
        then: impl Fn(&Fetched) -> Vec<Question>,
    ) -> Vec<Fetched> {
        let mut asked: HashSet<Url> = questions.iter().map(|q| q.url.clone()).collect();
        let mut running = FuturesUnordered::new();
        let at = |place, question| async move { (place, self.answer(question).await) };
        for (index, question) in questions.into_iter().enumerate() {
            running.push(at((index, 0), question));
        }
        let mut answers = Vec::new();
        while let Some(((index, rank), fetched)) = running.next().await {
            if rank == 0 {
                let mut next = then(&fetched);
                next.retain(|question| asked.insert(question.url.clone()));
                for (rank, question) in next.into_iter().enumerate() {
                    running.push(at((index, rank + 1), question));
                }
            }
            answers.push(((index, rank), fetched));
        }
        answers.sort_by_key(|(place, _)| *place);
        answers.into_iter().map(|(_, fetched)| fetched).collect()
    }

    /// One answer, page by page.
    async fn answer(&self, question: Question) -> Fetched {
        let mut fetched = Fetched { keys: question.keys, ..Fetched::default() };
        let (mut visited, mut entries, mut bytes) = (HashSet::new(), 0, 0);
        let limits = &self.client.limits;
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
            let read = Page::read(&page);
            entries += read.entries;
            bytes += page.text().len();
            fetched.pages.push(page);
            let Some(next) = read.next else { return fetched };
            let Some(next) = below(&self.server.base, &next) else {
                fetched.open = Some("the EHR's next page is on another server");
                return fetched;
            };
            if visited.contains(&next) {
                fetched.open = Some("the EHR's pages go round in a circle");
                return fetched;
            }
            if fetched.pages.len() >= limits.pages {
                fetched.open = Some("the EHR has more pages than are read");
                return fetched;
            }
            if entries >= limits.entries || bytes >= limits.bytes {
                fetched.open = Some("the EHR has more entries than are read");
                return fetched;
            }
            url = next;
        }
    }

    /// One page. A DSTU2 server knows MedicationOrder and no MedicationRequest.
    async fn page(&self, url: &Url) -> Result<Document<'static>, Why> {
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

/// What decides whether another page is asked for.
#[derive(Default)]
struct Page {
    /// Its address.
    next: Option<String>,
    /// Entries of this one.
    entries: usize,
}

impl Page {
    fn read(page: &Document<'_>) -> Page {
        let Some(bundle) = Bundle::read(page.root()) else {
            return Page::default();
        };
        let links = bundle.link().into_iter().flat_map(Json::items);
        let next = links.filter_map(Link::read).find_map(|link| {
            let relation = link.relation().and_then(Json::string)?;
            let url = (relation == "next").then(|| link.url().and_then(Json::string))?;
            url.map(|u| u.into_owned())
        });
        // Counted only where it decides something.
        let entries = match &next {
            Some(_) => bundle.entry().into_iter().flat_map(Json::items).count(),
            None => 0,
        };
        Page { next, entries }
    }
}
