//! Does every row still fire where it must?
//!
//! `fixtures/self-test.json` holds made-up calls and the rows that must fire in each, and every code by
//! which a drug or a test is recognised. It stands outside of `hooks/`, so that what is lost from a table
//! there is found. The calls take the way of all calls, through [`invoke`]; nobody is told of them.

use super::caller::Caller;
use super::course::Course;
use super::house::{Calendar, House};
use super::in_force::InForce;
use super::invoke::invoke;
use super::readiness::Readiness;
use crate::cards::mute::Mute;
use crate::config::Config;
use crate::knowledge::{Jurisdiction, Knowledge, Topic};
use crate::terminology::System;
use crate::terminology::products::TextMatch;
use actix_web::web::Data;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What must be, as it is written down.
const EXPECTED: &str = include_str!("../../fixtures/self-test.json");

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected<'a> {
    /// The day of all calls.
    today: String,
    /// Codes by which a drug is recognised.
    products: Vec<Product>,
    /// Names by which one is recognised.
    names: BTreeMap<String, Vec<String>>,
    /// LOINC codes by which a test is recognised.
    labs: BTreeMap<String, String>,
    #[serde(borrow)]
    calls: Vec<Call<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Product {
    system: System,
    code: String,
    /// Drug files.
    drugs: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call<'a> {
    service: String,
    jurisdiction: Jurisdiction,
    drug: String,
    /// Rows that must fire.
    fires: BTreeMap<Topic, Vec<String>>,
    #[serde(borrow)]
    request: &'a RawValue,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Rows that do not fire where they must.
    pub mutes: Arc<[Mute]>,
    /// Codes that are not recognised any more, or as something else.
    pub lost_codes: Vec<String>,
    /// Drugs that no code and no name tells any more.
    pub lost_drugs: Vec<String>,
    /// Calls that were made.
    pub calls: usize,
    /// How long it took.
    pub took: Duration,
}

impl Verdict {
    /// Is everything as it must be?
    pub fn passed(&self) -> bool {
        self.mutes.is_empty() && self.lost_codes.is_empty() && self.lost_drugs.is_empty()
    }

    /// Says it to the log.
    pub fn log(&self) {
        for mute in self.mutes.iter() {
            let topic = mute.topic.word();
            tracing::error!(
                rule = mute.rule,
                drug = mute.drug,
                topic,
                "a row does not fire any more"
            );
        }
        for code in &self.lost_codes {
            tracing::error!(code, "a code is not recognised any more");
        }
        for drug in &self.lost_drugs {
            tracing::error!(drug, "no code and no name tells this drug any more");
        }
        let took_ms = self.took.as_secs_f64() * 1000.0;
        tracing::info!(
            calls = self.calls,
            silent_rows = self.mutes.len(),
            lost_codes = self.lost_codes.len(),
            lost_drugs = self.lost_drugs.len(),
            took_ms,
            "self-test"
        );
    }
}

/// Tests the knowledge in force: now, and again and again. Until the first time nobody is ready.
pub async fn keep(house: Data<House>, readiness: Data<Readiness>) {
    let every = Duration::from_secs(house.config.self_test.every_s);
    loop {
        let knowledge = house.knowledge.now();
        // What readiness depends on is looked up in a moment; the calls take longer.
        let lost = match serde_json::from_str::<Expected<'_>>(EXPECTED) {
            Ok(expected) if !every.is_zero() => recognised(&expected, &knowledge).1,
            _ => Vec::new(),
        };
        readiness.looked(lost.is_empty());
        let verdict = of_house(&knowledge, &house).await;
        house.knowledge.judge(&knowledge, verdict);
        if every.is_zero() {
            return;
        }
        tokio::time::sleep(every).await;
    }
}

/// Tests this knowledge for whoever may call; nothing is tested when it is switched off.
pub async fn of_house(knowledge: &Arc<Knowledge>, house: &House) -> Verdict {
    if house.config.self_test.every_s == 0 {
        return Verdict::default();
    }
    let own = std::iter::once(house.config.jurisdiction);
    let clients = house.config.clients.iter().filter_map(|client| client.jurisdiction);
    match run(knowledge, &own.chain(clients).collect()).await {
        Ok(verdict) => {
            verdict.log();
            verdict
        }
        Err(why) => {
            tracing::error!(why, "the self-test cannot be read");
            Verdict::default()
        }
    }
}

/// Tests this knowledge, for these jurisdictions. Others are let in between two calls.
///
/// # Errors
/// The expectations cannot be read: a mistake of the program.
pub async fn run(
    knowledge: &Arc<Knowledge>,
    jurisdictions: &BTreeSet<Jurisdiction>,
) -> Result<Verdict, String> {
    let begun = Instant::now();
    let expected: Expected<'_> = serde_json::from_str(EXPECTED).map_err(|e| e.to_string())?;
    let today = expected.today.parse().map_err(|e: jiff::Error| e.to_string())?;
    let (lost_codes, lost_drugs) = recognised(&expected, knowledge);
    let house = House {
        config: Config::default(),
        knowledge: InForce::of(knowledge.clone()),
        calendar: Calendar::Fixed(today),
        gate: None,
        client: None,
        shelf: None,
        audit: None,
        metrics: None,
    };
    let (mut mutes, mut calls) = (BTreeSet::new(), 0);
    for call in expected.calls.iter().filter(|call| jurisdictions.contains(&call.jurisdiction)) {
        let fired = fired(call, &house).await;
        for (topic, rules) in &call.fires {
            let silent = rules.iter().filter(|rule| !fired.contains(*rule));
            mutes.extend(silent.map(|rule| Mute {
                drug: call.drug.clone(),
                jurisdiction: call.jurisdiction,
                topic: *topic,
                rule: rule.clone(),
            }));
        }
        calls += 1;
        tokio::task::yield_now().await;
    }
    let mutes = mutes.into_iter().collect();
    Ok(Verdict { mutes, lost_codes, lost_drugs, calls, took: begun.elapsed() })
}

/// The rows that fire in a call; none when it is not answered.
async fn fired(call: &Call<'_>, house: &House) -> Vec<String> {
    let Some(service) = house.service(&call.service) else { return Vec::new() };
    let mut caller = Caller::sandbox(&house.config);
    caller.jurisdiction = call.jurisdiction;
    let body = call.request.get().as_bytes();
    let mut course = Course::begin();
    match invoke(body, &service, &caller, house, &mut course).await {
        Ok(_) => course.fired.into_iter().map(|(rule, _)| rule).collect(),
        Err(_) => Vec::new(),
    }
}

/// Codes that are lost, and drugs of which all are.
fn recognised(expected: &Expected<'_>, knowledge: &Knowledge) -> (Vec<String>, Vec<String>) {
    let terminology = &knowledge.terminology;
    let (mut lost, mut named, mut known) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for (name, drugs) in &expected.names {
        let same = match terminology.products.by_text(name) {
            TextMatch::Drug(found) => drugs.iter().all(|drug| found.drugs.contains(drug)),
            _ => false,
        };
        if !same {
            lost.push(format!("the name {name}"));
        }
        named.extend(drugs);
        if same && drugs.iter().all(|drug| knowledge.drug(drug).is_some()) {
            known.extend(drugs);
        }
    }
    for product in &expected.products {
        let found = terminology.products.by_code(product.system, &product.code);
        let same = found.is_some_and(|found| found.drugs == product.drugs);
        if !same {
            lost.push(format!("{} {}", product.system.uri(), product.code));
        }
        named.extend(&product.drugs);
        if same && product.drugs.iter().all(|drug| knowledge.drug(drug).is_some()) {
            known.extend(&product.drugs);
        }
    }
    for (code, lab) in &expected.labs {
        if terminology.labs.by_loinc(code).is_none_or(|found| found.id != *lab) {
            lost.push(format!("{} {code}", System::Loinc.uri()));
        }
    }
    (lost, named.difference(&known).map(|drug| (*drug).clone()).collect())
}
