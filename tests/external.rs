//! Requests that others wrote, replayed. They are not part of the project: the folder that holds
//! them is named by `JAKCARD_EXTERNAL`, and without it there is nothing to replay.
//!
//! `JAKCARD_EXTERNAL=… cargo test --test external -- --nocapture` prints the table.

mod support;

use actix_web::ResponseError;
use jakcard::service::course::Course;
use jakcard::service::{Caller, invoke};
use std::collections::BTreeMap;
use std::path::PathBuf;
use support::{house, wait};

fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("JAKCARD_EXTERNAL")?).join("real-requests");
    folder.is_dir().then_some(folder)
}

/// What the contract asks for: the reason of each answer that is not 200.
const ASKED_FOR: &[(u16, &str)] = &[
    (400, "no `hook`"),
    (400, "no `hookInstance`"),
    (400, "no `context`"),
    (400, "context.patientId"),
    (400, "draftOrders"),
    (400, "not the patient of"),
    (412, "a Medication that was not sent"),
];

#[test]
fn requests_that_others_wrote_never_break_the_service() {
    let Some(folder) = folder() else {
        println!("JAKCARD_EXTERNAL is not set: no request was replayed");
        return;
    };
    let house = house();
    let caller = Caller::sandbox(&house.config);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the folder")
        .map(|e| e.expect("entry").path())
        .filter(|p| p.extension().is_some_and(|e| e == "json"))
        .collect();
    paths.sort();
    let mut table: BTreeMap<(String, u16, String), usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for path in &paths {
        let body = std::fs::read(path).expect("a request");
        let hook = hook(&body);
        let Some(service) = house.knowledge.find(|s| s.hook == hook) else {
            *table.entry((hook, 0, "no service for this hook".into())).or_default() += 1;
            // The nearest service must still refuse it politely.
            for service in &house.knowledge.now().services {
                let service = house.service(&service.id).expect("a service");
                let error = wait(invoke(&body, &service, &caller, &house, &mut Course::begin()))
                    .expect_err("another hook");
                assert_eq!(error.status_code(), 400, "{}", path.display());
            }
            continue;
        };
        let (status, says) =
            match wait(invoke(&body, &service, &caller, &house, &mut Course::begin())) {
                Ok(answer) => (200, format!("{} cards", answer.response.cards.len())),
                Err(error) => (error.status_code().as_u16(), error.to_string()),
            };
        let asked_for = |(code, words): &&(u16, &str)| *code == status && says.contains(words);
        if status != 200 && ASKED_FOR.iter().find(asked_for).is_none() {
            wrong.push(format!("{}: {status} {says}", path.display()));
        }
        let says = match status {
            412 => "its drug is told only by a Medication that was not sent".to_owned(),
            _ => says,
        };
        *table.entry((hook, status, says)).or_default() += 1;
    }
    println!("{} requests", paths.len());
    for ((hook, status, says), count) in &table {
        println!("{count:4}  {hook:<22} {status:3}  {says}");
    }
    assert!(wrong.is_empty(), "answers that the contract does not ask for:\n{}", wrong.join("\n"));
    assert!(paths.len() >= 100, "only {} requests", paths.len());
}

fn hook(body: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    value["hook"].as_str().unwrap_or("none").to_owned()
}
