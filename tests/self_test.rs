//! What the self-test of the service expects: made of the cases, kept outside of `hooks/`.
//!
//! `UPDATE_GOLDEN=1 cargo test --test self_test` writes `fixtures/self-test.json` anew: read the
//! difference before you keep it. A row that is gone from there is watched by nobody.

mod support;

use jakcard::knowledge::{Jurisdiction, Topic};
use jakcard::rules::Verdict;
use jakcard::service::self_test::{Verdict as Tested, run};
use jakcard::terminology::products::TextMatch;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use support::cases::{Case, cases, request, verdicts};
use support::{knowledge, project, wait};

const TODAY: &str = "2026-11-22";

/// One made-up patient, put together from cases.
struct Patient {
    case: Case,
    fires: BTreeSet<String>,
}

/// Rows of one drug and jurisdiction, with their topics.
type Rows = BTreeMap<String, Topic>;

fn fires(case: &Case, rows: &Rows) -> BTreeSet<String> {
    let verdicts = verdicts(case, knowledge()).into_iter();
    let fires = verdicts.filter(|(id, v)| rows.contains_key(id) && matches!(v, Verdict::Fires(_)));
    fires.map(|(id, _)| id).collect()
}

/// Patients for whom every row fires at least once that fires in a case: cases that go together become
/// one patient.
fn patients(cases: &[Case], rows: &Rows) -> Vec<Patient> {
    let mut patients: Vec<Patient> = Vec::new();
    let mut covered = BTreeSet::new();
    for case in cases {
        let new: BTreeSet<&String> =
            case.fires.iter().filter(|r| rows.contains_key(*r) && !covered.contains(*r)).collect();
        if new.is_empty() {
            continue;
        }
        let new: BTreeSet<String> = new.into_iter().cloned().collect();
        let joined = patients.iter_mut().find_map(|patient| {
            let case = patient.case.and(case)?;
            let fires = fires(&case, rows);
            let keeps = patient.fires.is_subset(&fires) && new.is_subset(&fires);
            keeps.then(|| *patient = Patient { case, fires: fires.clone() })?;
            Some(fires)
        });
        let fires = joined.unwrap_or_else(|| {
            let fires = fires(case, rows);
            patients.push(Patient { case: case.clone(), fires: fires.clone() });
            fires
        });
        covered.extend(fires);
    }
    patients
}

/// Rows that speak, by drug and jurisdiction.
fn rows() -> BTreeMap<(String, Jurisdiction), Rows> {
    let mut all: BTreeMap<(String, Jurisdiction), Rows> = BTreeMap::new();
    for drug in &knowledge().drugs {
        for row in drug.rows().filter(|row| row.speaks()) {
            let Some(jurisdiction) = row.jurisdiction(drug) else { continue };
            let rows = all.entry((drug.drug.clone(), jurisdiction)).or_default();
            rows.insert(row.id().get_ref().clone(), row.topic());
        }
    }
    all
}

fn expected() -> Value {
    let cases = cases();
    let mut calls = Vec::new();
    for ((drug, jurisdiction), rows) in rows() {
        let file = format!("{drug}.toml");
        let of_drug: Vec<Case> = cases
            .iter()
            .filter(|(f, c)| *f == file && c.jurisdiction == jurisdiction)
            .map(|(_, c)| c.clone())
            .filter(|c| c.today.to_string() == TODAY)
            .collect();
        for patient in patients(&of_drug, &rows) {
            let hook = patient.case.hook.as_deref().unwrap_or("order-sign");
            let mut by_topic: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
            for rule in &patient.fires {
                by_topic.entry(rows[rule].word()).or_default().push(rule);
            }
            calls.push(json!({
                "drug": drug,
                "jurisdiction": jurisdiction.code(),
                "service": format!("jak-inhibitor-{hook}"),
                "fires": by_topic,
                "request": request(&patient.case, knowledge()),
            }));
        }
    }
    json!({ "today": TODAY, "products": products(), "names": names(), "labs": labs(), "calls": calls })
}

/// Every code of `codes/products.toml`, and the drugs that it names.
fn products() -> Vec<Value> {
    let text = std::fs::read_to_string(project("hooks/codes/products.toml")).expect("the table");
    let table: toml::Table = toml::from_str(&text).expect("TOML");
    let rows = ["product", "ingredient"].iter().flat_map(|k| table[*k].as_array().expect("rows"));
    let codes =
        rows.flat_map(|row| row.get("codes").and_then(|c| c.as_array()).into_iter().flatten());
    let mut all: Vec<Value> = codes
        .map(|code| {
            let (system, code) = (&code["system"], code["code"].as_str().expect("a code"));
            let known = toml::Value::try_into(system.clone()).expect("a system");
            let named = knowledge().terminology.products.by_code(known, code).expect("a product");
            json!({ "system": system.as_str(), "code": code, "drugs": named.drugs })
        })
        .collect();
    all.sort_by_key(ToString::to_string);
    all.dedup();
    all
}

/// Every name of an ingredient, and the drugs that it names.
fn names() -> BTreeMap<String, Vec<String>> {
    let text = std::fs::read_to_string(project("hooks/codes/products.toml")).expect("the table");
    let table: toml::Table = toml::from_str(&text).expect("TOML");
    let rows = table["ingredient"].as_array().expect("rows").iter();
    let names = rows.flat_map(|row| row["names"].as_array().expect("names"));
    names
        .map(|name| {
            let name = name.as_str().expect("a name").to_owned();
            match knowledge().terminology.products.by_text(&name) {
                TextMatch::Drug(named) => (name, named.drugs),
                _ => panic!("{name} names nothing"),
            }
        })
        .collect()
}

fn labs() -> BTreeMap<&'static str, &'static str> {
    let rows = knowledge().terminology.labs.rows().iter();
    rows.flat_map(|lab| lab.codes.iter().map(|c| (c.code.as_str(), lab.id.as_str()))).collect()
}

/// One call a line, so that a difference can be read.
fn text(expected: &Value) -> String {
    let line = |value: &Value| value.to_string();
    let lines = |values: &Value| {
        let values = values.as_array().expect("a list").iter().map(line);
        values.collect::<Vec<_>>().join(",\n")
    };
    format!(
        "{{\"today\":{},\n\"products\":[\n{}\n],\n\"names\":{},\n\"labs\":{},\n\"calls\":[\n{}\n]}}\n",
        expected["today"],
        lines(&expected["products"]),
        expected["names"],
        expected["labs"],
        lines(&expected["calls"])
    )
}

#[test]
fn what_must_fire_is_what_fires_and_covers_every_row_and_every_code() {
    let expected = expected();
    let file = project("fixtures/self-test.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, text(&expected)).expect("written");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = text(&expected)
        .lines()
        .zip(kept.lines())
        .position(|(new, old)| new != old)
        .map(|line| line + 1);
    assert!(
        text(&expected) == kept,
        "fixtures/self-test.json is another at line {differs:?}; \
         UPDATE_GOLDEN=1 cargo test --test self_test writes it anew"
    );
    let calls = expected["calls"].as_array().expect("calls");
    let watched: BTreeSet<&str> = calls
        .iter()
        .flat_map(|call| call["fires"].as_object().expect("topics").values())
        .flat_map(|rules| rules.as_array().expect("rules").iter().filter_map(Value::as_str))
        .collect();
    let rows = rows();
    let unwatched: Vec<&String> =
        rows.values().flat_map(BTreeMap::keys).filter(|r| !watched.contains(r.as_str())).collect();
    println!("{} calls watch {} rows", calls.len(), watched.len());
    assert!(unwatched.is_empty(), "nobody watches {unwatched:?}");
}

#[test]
fn sound_knowledge_passes() {
    let files = jakcard::knowledge::embedded::embedded();
    let knowledge = Arc::new(jakcard::knowledge::read::read(&files).expect("sound"));
    let all = BTreeSet::from([Jurisdiction::Us, Jurisdiction::Eu]);
    let verdict = wait(run(&knowledge, &all)).expect("readable");
    assert!(verdict.passed(), "{verdict:?}");
    assert!(verdict.calls > 30, "{}", verdict.calls);
}

/// What the self-test says of knowledge in which one file is another.
fn verdict_with(path: &str, change: impl Fn(&str) -> String) -> Tested {
    let mut files = jakcard::knowledge::embedded::embedded();
    let text = String::from_utf8(files[path].clone()).expect("text");
    let changed = change(&text);
    assert_ne!(text, changed, "{path}: nothing was changed");
    files.insert(path.to_owned(), changed.into_bytes());
    let knowledge = jakcard::knowledge::read::read(&files).expect("it reads well, and knows less");
    let us = BTreeSet::from([Jurisdiction::Us]);
    wait(run(&Arc::new(knowledge), &us)).expect("readable")
}

#[test]
fn e10_a_code_that_is_lost_from_a_table_is_found() {
    let verdict =
        verdict_with("codes/products.toml", |t| t.replace("\"1357541\"", "\"135754100\""));
    assert_eq!(
        verdict.lost_codes,
        ["http://www.nlm.nih.gov/research/umls/rxnorm 1357541"],
        "{verdict:?}"
    );
    assert!(verdict.lost_drugs.is_empty(), "other codes name the drug");
    let verdict = verdict_with("codes/labs.toml", |t| t.replace("\"35591-7\"", "\"35591-70\""));
    assert!(verdict.lost_codes.contains(&"http://loinc.org 35591-7".to_owned()), "{verdict:?}");
    let silent = verdict.mutes.iter().any(|mute| mute.topic == Topic::RenalDose);
    assert!(silent, "rows that rest on it do not fire: {verdict:?}");
}

#[test]
fn e10_a_drug_that_nothing_tells_any_more_is_named() {
    let verdict = verdict_with("codes/products.toml", |text| {
        let start = text.find("drugs = [\"peficitinib\"]").expect("the ingredient");
        let end = start + text[start..].find("\n[[").expect("another");
        let block = text[start..end].replace("peficitinib\", \"smyraf", "pefi");
        let block = block.replace("code = \"", "code = \"9");
        format!("{}{block}{}", &text[..start], &text[end..])
    });
    assert_eq!(verdict.lost_drugs, ["peficitinib"], "{verdict:?}");
}

#[test]
fn e10_a_row_that_is_lost_is_found() {
    let verdict = verdict_with("drugs/tofacitinib.toml", |text| {
        let line = text.lines().find(|l| l.starts_with("id") && l.ends_with("tuberculosis.us\""));
        let line = line.expect("the row");
        let gone = "withdrawn = { on = 2026-01-01, reason = \"gone\" }";
        text.replacen(line, &format!("{line}\n{gone}"), 1)
    });
    let rules: Vec<&str> = verdict.mutes.iter().map(|mute| mute.rule.as_str()).collect();
    assert_eq!(rules, ["tofacitinib.tuberculosis.us"]);
}
