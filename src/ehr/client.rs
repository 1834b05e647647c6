//! One question to a FHIR server: bounded in time and size, repeated at most once, never redirected.

use super::breaker::Breakers;
use super::release::{Releases, told_release};
use super::server::{FhirServer, is_private};
use crate::fhir::document::DEEPEST;
use crate::fhir::scan::Shape;
use crate::fhir::{Document, Release};
use metrics::counter;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER,
};
use reqwest::{Response, StatusCode, redirect};
use secrecy::ExposeSecret;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

/// Bounds of one call's questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Questions at once.
    pub in_flight: usize,
    /// Questions in all.
    pub per_call: usize,
    /// Pages of one search.
    pub pages: usize,
    /// Entries of one search.
    pub entries: usize,
    /// Bytes of one answer, and of one search.
    pub bytes: usize,
    /// May a name lead to a private address?
    pub private_networks: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            in_flight: 8,
            per_call: 32,
            pages: 10,
            entries: 5000,
            bytes: 8 * 1024 * 1024,
            private_networks: false,
        }
    }
}

/// 404 and 410.
pub const NOTHING_THERE: Why = "the EHR has nothing there (404)";

/// Why there is no answer, in words for the card.
pub type Why = &'static str;

/// Asks FHIR servers.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    /// Its bounds.
    pub limits: Limits,
    breakers: Breakers,
    releases: Releases,
}

/// What one call may still spend.
#[derive(Debug)]
pub struct Budget {
    /// When everything must be there.
    pub deadline: Instant,
    left: AtomicUsize,
    slots: Semaphore,
}

impl Client {
    /// A client with these bounds.
    ///
    /// # Errors
    /// The TLS library cannot be started.
    pub fn new(limits: Limits) -> Result<Client, String> {
        let http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .retry(reqwest::retry::never())
            .dns_resolver(Arc::new(Checked { private: limits.private_networks }))
            .pool_idle_timeout(Duration::from_secs(30))
            .user_agent(concat!("jakcard/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| e.to_string())?;
        let (breakers, releases) = (Breakers::default(), Releases::default());
        Ok(Client { http, limits, breakers, releases })
    }

    /// What a call that starts now may spend, with so many milliseconds.
    pub fn budget(&self, deadline_ms: u64) -> Budget {
        Budget {
            deadline: Instant::now() + Duration::from_millis(deadline_ms),
            left: AtomicUsize::new(self.limits.per_call),
            slots: Semaphore::new(self.limits.in_flight.max(1)),
        }
    }

    /// The release that a server speaks: asked once (`GET metadata`) and kept. It takes at most half
    /// of the time that is left, for the chart is still to come.
    pub async fn release(&self, server: &FhirServer, budget: &Budget) -> Option<Release> {
        let origin = server.base.as_str();
        if let Some(kept) = self.releases.kept(origin) {
            return kept;
        }
        let url = server.base.join("metadata").ok()?;
        let left = budget.deadline.saturating_duration_since(Instant::now());
        let told = tokio::time::timeout(left / 2, self.get(server, &url, budget)).await;
        let release = told.ok().and_then(Result::ok).and_then(|statement| told_release(&statement));
        self.releases.keep(origin, release);
        release
    }

    /// Asks one question.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn get(
        &self,
        server: &FhirServer,
        url: &Url,
        budget: &Budget,
    ) -> Result<Document<'static>, Why> {
        let origin = server.base.as_str();
        if !self.breakers.may_ask(origin) {
            counter!("jakcard_fhir_requests_total", "outcome" => "breaker").increment(1);
            return Err("the EHR's server failed again and again and is not asked for now");
        }
        let mut tries = 0;
        let answer = loop {
            tries += 1;
            let spent = budget
                .left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
            if spent.is_err() {
                break Err(Trouble::for_good("too many questions for one call"));
            }
            let once = async {
                let _slot = budget.slots.acquire().await;
                self.once(server, url).await
            };
            let trouble = match timeout_at(budget.deadline, once).await {
                Err(_) => break Err(Trouble::of_server("the time was up")),
                Ok(Ok(body)) => break Ok(body),
                Ok(Err(trouble)) => trouble,
            };
            let again =
                trouble.again.filter(|wait| tries < 2 && Instant::now() + *wait < budget.deadline);
            match again {
                Some(wait) => sleep(wait).await,
                None => break Err(trouble),
            }
        };
        let failed = answer.as_ref().is_err_and(|t| t.of_server);
        self.breakers.report(origin, failed);
        let outcome = match &answer {
            Ok(_) => "answered",
            Err(trouble) => trouble.why,
        };
        counter!("jakcard_fhir_requests_total", "outcome" => outcome).increment(1);
        answer.map_err(|trouble| trouble.why)
    }

    async fn once(&self, server: &FhirServer, url: &Url) -> Result<Document<'static>, Trouble> {
        let mut request = self.http.get(url.clone());
        request = request.header(ACCEPT, "application/fhir+json, application/json;q=0.9");
        if let Some(token) = &server.token {
            let bearer = format!("Bearer {}", token.expose_secret());
            let mut bearer = HeaderValue::from_str(&bearer)
                .map_err(|_| Trouble::for_good("the token for the FHIR server is no token"))?;
            bearer.set_sensitive(true);
            request = request.header(AUTHORIZATION, bearer);
        }
        let unreachable = |_| Trouble::again("the EHR's server could not be reached");
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        if status != StatusCode::OK {
            return Err(refusal(status, &response));
        }
        self.body(response).await
    }

    /// The body: FHIR JSON, as it is, not larger than the bound.
    async fn body(&self, mut response: Response) -> Result<Document<'static>, Trouble> {
        let header = |name| response.headers().get(name).and_then(|v| v.to_str().ok());
        let packed = header(CONTENT_ENCODING).is_some_and(|e| !e.eq_ignore_ascii_case("identity"));
        if packed {
            return Err(Trouble::for_good(
                "the EHR sent a compressed answer that nobody asked for",
            ));
        }
        let media_type = header(CONTENT_TYPE).unwrap_or("application/json").to_ascii_lowercase();
        if !media_type.contains("json") {
            return Err(Trouble::for_good("the EHR sent something that is no FHIR"));
        }
        let too_large = || Trouble::for_good("the EHR's answer is too large");
        if response.content_length().is_some_and(|n| n > self.limits.bytes as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > self.limits.bytes => {
                    return Err(too_large());
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(_) => return Err(Trouble::again("the EHR's answer broke off")),
            }
        }
        let nonsense = || Trouble::for_good("the EHR sent something that is no FHIR");
        let text = String::from_utf8(body).map_err(|_| nonsense())?;
        let most = Shape { depth: DEEPEST, entries: usize::MAX };
        Document::within(text, most).map_err(|_| nonsense())
    }
}

/// Why one try failed, and whether another may help.
struct Trouble {
    why: Why,
    again: Option<Duration>,
    /// It is the server that is in trouble, not the question.
    of_server: bool,
}

/// How long to wait before the second try, when the server does not say.
const PAUSE: Duration = Duration::from_millis(50);

impl Trouble {
    fn for_good(why: Why) -> Trouble {
        Trouble { why, again: None, of_server: false }
    }

    fn of_server(why: Why) -> Trouble {
        Trouble { why, again: None, of_server: true }
    }

    fn again(why: Why) -> Trouble {
        Trouble { why, again: Some(PAUSE), of_server: true }
    }
}

fn refusal(status: StatusCode, response: &Response) -> Trouble {
    let after = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok());
    let after = after.and_then(|s| s.trim().parse().ok()).map(Duration::from_secs);
    match status.as_u16() {
        401 => Trouble::for_good("the EHR refused the token (401)"),
        403 => Trouble::for_good("the EHR does not allow it (403)"),
        404 | 410 => Trouble::for_good(NOTHING_THERE),
        429 => Trouble { again: after, ..Trouble::of_server("the EHR is busy (429)") },
        502..=504 => {
            let again = after.or(Some(PAUSE));
            Trouble { again, ..Trouble::of_server("the EHR failed (5xx)") }
        }
        500..=599 => Trouble::of_server("the EHR failed (5xx)"),
        300..=399 => Trouble::for_good("the EHR sent us elsewhere, and we do not go"),
        _ => Trouble::for_good("the EHR refused the question"),
    }
}

/// Resolves names, and hands on only addresses that may be connected to: what is checked is what is
/// connected to.
struct Checked {
    private: bool,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        Box::pin(async move {
            let local = name.as_str() == "localhost";
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let good: Vec<_> = found
                .filter(|a| private || !is_private(a.ip()) || (local && a.ip().is_loopback()))
                .collect();
            if good.is_empty() {
                return Err("the name leads to no public address".into());
            }
            Ok(Box::new(good.into_iter()) as Addrs)
        })
    }
}
