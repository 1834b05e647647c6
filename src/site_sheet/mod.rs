//! THE SITE BUILD SHEET: what an EHR analyst types in by hand, for one client.
//!
//! Some EHRs read no discovery document (Epic's CDS Hooks tutorial: the endpoint, `aud`, `iss` and the
//! prefetch are entered by the health system). Nothing on the sheet is written twice: addresses come
//! from the settings, queries from the templates that discovery serves, topics and reasons from the
//! knowledge, and what the test call should bring from asking the service itself.

mod access;
mod markdown;
mod topics;

pub use access::Scope;
pub use markdown::render;
pub use topics::TopicEntry;

use crate::cards::override_reason;
use crate::cds_hooks::{Coding, Indicator, SelectionBehavior};
use crate::config::{Client, Config};
use crate::ehr::needs::in_release;
use crate::fhir::Release;
use crate::knowledge::{Knowledge, ServiceFile};
use crate::service::course::Course;
use crate::service::{Caller, House, ServiceError, invoke, invoke::selection_behavior};
use serde::Serialize;
use std::collections::BTreeMap;

/// The request of the test call: an order of a drug that every jurisdiction has rows for.
const EXAMPLE: &str = include_str!("example.json");
/// Hook of the test call.
const EXAMPLE_HOOK: &str = "order-sign";

/// FHIR releases in which the queries are given.
const RELEASES: [(&str, Release); 3] =
    [("R4", Release::R4), ("STU3", Release::Stu3), ("DSTU2", Release::Dstu2)];

/// The sheet of one client.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SiteSheet {
    /// Name of the client in the settings.
    pub client: String,
    /// Version of the program.
    pub version: &'static str,
    /// Digest of the knowledge.
    pub knowledge: String,
    /// Whose labels speak: `US` or `EU`.
    pub jurisdiction: &'static str,
    /// What is not settled yet.
    pub remarks: Vec<String>,
    /// URL of the discovery document.
    pub discovery_url: String,
    /// The services.
    pub services: Vec<ServiceEntry>,
    /// How calls are signed.
    pub trust: Trust,
    /// What the service may read.
    pub access: Access,
    /// How cards behave.
    pub cards: CardBehaviour,
    /// Why a prescriber may dismiss a card.
    pub override_reasons: Vec<Coding>,
    /// Every `source.topic` that can occur.
    pub topics: Vec<TopicEntry>,
    /// A call to try, and what it brings.
    pub test_call: TestCall,
}

/// One service.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceEntry {
    /// Its id.
    pub id: String,
    /// The hook.
    pub hook: String,
    /// Exact URL of a call.
    pub url: String,
    /// Exact URL of feedback.
    pub feedback_url: String,
    /// Values of `aud` that a call may have.
    pub audiences: Vec<String>,
    /// Values of `aud` that feedback may have.
    pub feedback_audiences: Vec<String>,
    /// Where the orders stand in `context`; none for an open chart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orders: Option<&'static str>,
    /// How many suggestions a user may take.
    pub selection_behavior: SelectionBehavior,
    /// Queries by FHIR release and key.
    pub prefetch: BTreeMap<&'static str, BTreeMap<String, String>>,
}

/// How calls are signed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trust {
    /// The `iss` of the tokens.
    pub iss: String,
    /// Signature algorithms.
    pub algorithms: Vec<&'static str>,
    /// Where the keys are read, which is what a `jku` must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<String>,
    /// The file with the keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_file: Option<String>,
    /// Values of `tenant`; absent: it is not looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<String>,
    /// Longest `exp` − `iat`, seconds.
    pub longest_lifetime_seconds: u64,
    /// How far clocks may differ, seconds.
    pub clock_skew_seconds: u64,
}

/// What the service may read of the EHR.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// FHIR servers that are asked with the token of the call.
    pub fhir_servers: Vec<String>,
    /// FHIR servers that are asked without a token.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub open_fhir_servers: Vec<String>,
    /// Milliseconds for all questions of a call together.
    pub deadline_ms: u64,
    /// What the token of the call must allow.
    pub scopes: Vec<Scope>,
}

/// How cards behave.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CardBehaviour {
    /// The values of `indicator`, and what each says.
    pub indicators: BTreeMap<&'static str, &'static str>,
    /// Hosts of links: an EHR that lists allowed links needs them.
    pub link_hosts: Vec<String>,
}

/// A call to try.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TestCall {
    /// Where it is sent.
    pub url: String,
    /// Its body.
    pub body: serde_json::Value,
    /// The status of the answer with a good token.
    pub status: u16,
    /// The status without a token.
    pub status_without_token: u16,
    /// The cards of the answer.
    pub cards: Vec<ExpectedCard>,
}

/// A card that the test call brings.
#[derive(Debug, Serialize)]
pub struct ExpectedCard {
    /// Its indicator.
    pub indicator: Indicator,
    /// `source.topic.code`.
    pub topic: String,
    /// Its summary.
    pub summary: String,
}

/// Makes the sheet of a client.
///
/// # Errors
/// The service does not answer its own example.
pub async fn make(client: &Client, house: &House) -> Result<SiteSheet, ServiceError> {
    let caller = Caller::of(client, &house.config);
    let own = house.config.public_url.as_deref().unwrap_or_default().trim_end_matches('/');
    let knowledge = house.knowledge.now();
    let services = &knowledge.services;
    let entries = services.iter().map(|service| entry(service, client, &caller, own)).collect();
    Ok(SiteSheet {
        client: client.name.clone(),
        version: env!("CARGO_PKG_VERSION"),
        knowledge: knowledge.digest.clone(),
        jurisdiction: caller.jurisdiction.code(),
        remarks: remarks(client, &caller),
        discovery_url: format!("{own}/cds-services"),
        services: entries,
        trust: trust(client, &house.config),
        access: Access {
            fhir_servers: client.fhir_servers.clone(),
            open_fhir_servers: client.open_fhir_servers.clone(),
            deadline_ms: caller.deadline_ms,
            scopes: access::scopes(services),
        },
        cards: CardBehaviour {
            indicators: indicators(),
            link_hosts: link_hosts(&caller, &knowledge),
        },
        override_reasons: knowledge.policy.override_reason.iter().map(override_reason).collect(),
        topics: topics::of(&knowledge, caller.jurisdiction),
        test_call: test_call(&caller, house, own).await?,
    })
}

fn entry(service: &ServiceFile, client: &Client, caller: &Caller, own: &str) -> ServiceEntry {
    let url = format!("{own}/cds-services/{}", service.id);
    let feedback_url = format!("{url}/feedback");
    let with_aliases = |urls: &[&String]| {
        urls.iter().copied().chain(&client.audiences).cloned().collect::<Vec<String>>()
    };
    let queries = |release: Release| {
        let query = |(key, template): (&String, &String)| {
            (key.clone(), in_release(template, Some(release)))
        };
        service.prefetch.iter().map(query).collect()
    };
    ServiceEntry {
        id: service.id.clone(),
        hook: service.hook.clone(),
        audiences: with_aliases(&[&url]),
        feedback_audiences: with_aliases(&[&feedback_url, &url]),
        url,
        feedback_url,
        orders: match &*service.hook {
            "medication-prescribe" => Some("context.medications"),
            "order-select" => Some("context.draftOrders, those in context.selections"),
            "order-sign" => Some("context.draftOrders"),
            _ => None,
        },
        selection_behavior: caller
            .selection_behavior
            .unwrap_or_else(|| selection_behavior(&service.hook)),
        prefetch: RELEASES.map(|(name, release)| (name, queries(release))).into(),
    }
}

fn trust(client: &Client, config: &Config) -> Trust {
    Trust {
        iss: client.iss.clone(),
        algorithms: client.algorithms.iter().map(|a| a.name()).collect(),
        jwks_url: client.jwks_url.clone(),
        jwks_file: client.jwks_file.as_ref().map(|file| file.display().to_string()),
        tenants: client.tenants.clone(),
        longest_lifetime_seconds: config.auth.lifetime_s,
        clock_skew_seconds: config.auth.skew_s,
    }
}

/// What the settings leave open, in the order in which an analyst meets it.
fn remarks(client: &Client, caller: &Caller) -> Vec<String> {
    let mut remarks = Vec::new();
    if !client.algorithms.iter().any(|a| a.name() == "RS384") {
        remarks.push(
            "RS384 is not among the algorithms, and Epic signs with it unless told otherwise."
                .to_owned(),
        );
    }
    if client.jwks_file.is_some() {
        remarks.push(
            "The keys are in a file: when the EHR changes its keys, the file has to be exchanged \
             first, or every call is refused with 401."
                .to_owned(),
        );
    }
    if client.fhir_servers.is_empty() && client.open_fhir_servers.is_empty() {
        remarks.push(
            "No FHIR server is listed: what the prefetch leaves out is not looked up, and is said on \
             the cards as not checked. Put the base of the EHR's FHIR server into `fhir_servers`."
                .to_owned(),
        );
    }
    if caller.selection_behavior.is_none() {
        remarks.push(
            "`selection_behavior` is not set: `any`, but `at-most-one` for medication-prescribe. Epic \
             documents `any` only."
                .to_owned(),
        );
    }
    remarks
}

fn indicators() -> BTreeMap<&'static str, &'static str> {
    [
        ("info", "good to know; nothing has to be done before signing"),
        ("warning", "a test is missing, a dose is above the label, a risk has to be weighed"),
        ("critical", "the label says not to start, not to combine, or to stop"),
    ]
    .into()
}

/// The hosts of every source that speaks here.
fn link_hosts(caller: &Caller, knowledge: &Knowledge) -> Vec<String> {
    let labels = knowledge.drugs.iter().flat_map(|drug| &drug.labels);
    let here = labels.filter(|label| label.jurisdiction == caller.jurisdiction);
    let urls = here.filter_map(|label| url::Url::parse(&label.url).ok());
    let mut hosts: Vec<String> = urls.filter_map(|u| u.host_str().map(str::to_owned)).collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

async fn test_call(caller: &Caller, house: &House, own: &str) -> Result<TestCall, ServiceError> {
    let service =
        house.knowledge.find(|s| s.hook == EXAMPLE_HOOK).ok_or(ServiceError::NoService)?;
    let answer = invoke(EXAMPLE.as_bytes(), &service, caller, house, &mut Course::begin()).await?;
    let cards = answer.response.cards.into_iter().map(|card| ExpectedCard {
        indicator: card.indicator,
        topic: card.source.topic.code,
        summary: card.summary,
    });
    Ok(TestCall {
        url: format!("{own}/cds-services/{}", service.id),
        body: serde_json::from_str(EXAMPLE).unwrap_or_default(),
        status: 200,
        status_without_token: 401,
        cards: cards.collect(),
    })
}
