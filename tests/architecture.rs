//! The arrows of the house: which room may use which.

mod support;

use std::path::{Path, PathBuf};
use support::project;

/// Each module and what of ours it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("terminology", &[]),
    ("fhir", &["terminology"]),
    ("cds_hooks", &["fhir"]),
    ("knowledge", &["terminology"]),
    ("ehr", &["cds_hooks", "fhir", "terminology"]),
    ("facts", &["cds_hooks", "ehr", "fhir", "terminology", "knowledge"]),
    // Rules see dates and bands as types; they read no JSON and no resource.
    ("rules", &["facts", "knowledge", "terminology", "fhir"]),
    ("cards", &["rules", "knowledge", "facts", "cds_hooks", "ehr", "fhir", "terminology"]),
    ("config", &["cds_hooks", "ehr", "knowledge"]),
    ("store", &[]),
    ("audit", &["store"]),
    ("report", &["audit", "store"]),
    ("auth", &["config", "store"]),
    ("text", &["cds_hooks"]),
    ("site_sheet", &["cards", "cds_hooks", "config", "ehr", "fhir", "knowledge", "service"]),
    (
        "service",
        &[
            "audit",
            "auth",
            "cards",
            "cds_hooks",
            "config",
            "ehr",
            "facts",
            "knowledge",
            "rules",
            "store",
            "terminology",
        ],
    ),
];

fn sources(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).expect("a folder") {
        files.extend(sources(&entry.expect("entry").path()));
    }
    files.retain(|f| f.extension().is_some_and(|e| e == "rs"));
    files.sort();
    files
}

fn module(name: &str) -> Vec<PathBuf> {
    let file = project("src").join(format!("{name}.rs"));
    if file.is_file() { vec![file] } else { sources(&project("src").join(name)) }
}

/// The code without comments and without its tests.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("text");
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn data_flows_one_way() {
    for (name, may_use) in ARROWS {
        for path in module(name) {
            for part in code(&path).split("crate::").skip(1) {
                let used: String =
                    part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let is_ours = ARROWS.iter().any(|(n, _)| *n == used);
                assert!(
                    !is_ours || used == *name || may_use.contains(&used.as_str()),
                    "{}: `{name}` uses `{used}`",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn every_module_is_in_the_plan() {
    for entry in std::fs::read_dir(project("src")).expect("src") {
        let path = entry.expect("entry").path();
        let name = path.file_stem().expect("name").to_string_lossy().into_owned();
        let known = ["lib", "main", "cli"].contains(&name.as_str());
        assert!(known || ARROWS.iter().any(|(n, _)| *n == name), "`{name}` has no arrows");
    }
}

#[test]
fn rules_hold_no_number_no_drug_and_no_clock() {
    let drugs: Vec<&str> =
        support::knowledge().drugs.iter().map(|d| d.ingredient.as_str()).collect();
    for path in module("rules") {
        let code = code(&path);
        for drug in &drugs {
            assert!(!code.contains(drug), "{}: {drug}", path.display());
        }
        for never in ["now(", "SystemTime", "Instant", "serde_json", "unwrap_or_default(); //"] {
            assert!(!code.contains(never), "{}: {never}", path.display());
        }
        for token in code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')) {
            let number = token.trim_end_matches('.').parse::<f64>().ok();
            let small = number.is_none_or(|n| n == 0.0 || n == 1.0);
            assert!(small, "{}: the number {token}", path.display());
        }
    }
}

#[test]
fn only_the_calendar_and_the_door_read_a_clock() {
    // Waiting for an EHR is measured; no fact and no rule sees it.
    // So is how long ago a store could not be opened.
    let waits = [
        "ehr/breaker.rs",
        "ehr/client.rs",
        "ehr/release.rs",
        "auth/source.rs",
        "store/shelf.rs",
        "audit/writer.rs",
    ]
    .map(|file| project("src").join(file));
    for (name, _) in ARROWS.iter().filter(|(n, _)| *n != "service") {
        for path in module(name).into_iter().filter(|path| !waits.contains(path)) {
            let code = code(&path);
            for never in ["Timestamp::now", "Instant::now", "SystemTime::now", "Zoned::now"] {
                assert!(!code.contains(never), "{}: {never}", path.display());
            }
        }
    }
}

#[test]
fn only_config_reads_the_environment() {
    for (name, _) in ARROWS.iter().filter(|(n, _)| *n != "config") {
        for path in module(name) {
            let code = code(&path);
            assert!(!code.contains("std::env"), "{}", path.display());
        }
    }
}

#[test]
fn only_one_crate_names_fhirbolt() {
    for path in sources(&project("src")) {
        assert!(!code(&path).contains("fhirbolt"), "{}", path.display());
    }
}

#[test]
fn no_file_grows_past_five_hundred_lines() {
    for path in sources(&project("src")) {
        let lines = std::fs::read_to_string(&path).expect("text").lines().count();
        assert!(lines <= 500, "{}: {lines} lines: what is it really about?", path.display());
    }
}
