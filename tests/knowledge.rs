//! Every kind of mistake in a knowledge file is answered with file, line, column and what was
//! expected; nothing is half loaded.
//!
//! A file of `fixtures/wrong/` says what to change in the sound knowledge, and the complaints that
//! must come of it: the file, the text at which the complaint points, and words of it.

mod support;

use jakcard::config::Config;
use jakcard::knowledge::embedded::{Files, embedded};
use jakcard::knowledge::{Complaint, read};
use jakcard::service::course::Course;
use jakcard::service::{Calendar, Caller, House, invoke};
use serde::Deserialize;
use support::{project, wait};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrong {
    change: Vec<Change>,
    complaint: Vec<Expected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    file: String,
    replace: String,
    by: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    file: String,
    place: String,
    says: String,
}

fn wrong() -> Vec<(String, Wrong)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(project("fixtures/wrong")).expect("fixtures/wrong") {
        let path = entry.expect("entry").path();
        let name = path.file_stem().expect("name").to_string_lossy().into_owned();
        if path.extension().is_none_or(|e| e != "toml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("text");
        all.push((name, toml::from_str(&text).expect("a description")));
    }
    assert!(all.len() >= 20, "the fixtures are gone");
    all
}

fn changed(changes: &[Change]) -> Files {
    let mut files = embedded();
    for change in changes {
        let bytes = files.get(&change.file).expect("the file");
        let text = String::from_utf8(bytes.clone()).expect("text");
        assert!(text.contains(&change.replace), "{} has no `{}`", change.file, change.replace);
        let text = text.replacen(&change.replace, &change.by, 1);
        files.insert(change.file.clone(), text.into_bytes());
    }
    files
}

/// Line and column of a text in a file.
fn place(files: &Files, expected: &Expected) -> (usize, usize) {
    let text = std::str::from_utf8(&files[&expected.file]).expect("text");
    let offset = text.find(&expected.place).expect("the place");
    let complaint = Complaint::at(&expected.file, text, offset, "");
    (complaint.line, complaint.column)
}

#[test]
fn every_kind_of_mistake_is_answered_with_its_place_and_the_legal_words() {
    for (name, wrong) in wrong() {
        let files = changed(&wrong.change);
        let error = read::read(&files).map(|_| ()).expect_err(&name);
        for expected in &wrong.complaint {
            let (line, column) = place(&files, expected);
            let hit = error.complaints.iter().any(|c| {
                c.file == expected.file
                    && c.message.contains(&expected.says)
                    && (expected.place.is_empty() || (c.line, c.column) == (line, column))
            });
            assert!(
                hit,
                "{name}: nothing says `{}` at {}:{line}:{column}; said was\n{error}",
                expected.says, expected.file
            );
        }
    }
}

#[test]
fn all_mistakes_of_all_files_are_reported_at_once() {
    let changes: Vec<Change> = wrong()
        .into_iter()
        .filter(|(name, _)| {
            ["an-unknown-field", "an-unknown-table", "a-service-for-an-unknown-hook"]
                .contains(&name.as_str())
        })
        .flat_map(|(_, wrong)| wrong.change)
        .collect();
    let error = read::read(&changed(&changes)).map(|_| ()).expect_err("three mistakes");
    let text = error.to_string();
    for says in
        ["unknown field `tests`", "unknown table `renal_doses`", "unknown hook `order-signed`"]
    {
        assert!(text.contains(says), "{text}");
    }
}

#[test]
fn a_missing_or_an_unexpected_file_is_named() {
    let mut files = embedded();
    files.remove("policy.toml");
    files.insert("drugs.toml".into(), b"x = 1\n".to_vec());
    files.insert("drugs/broken.toml".into(), vec![0xff]);
    let text = read::read(&files).map(|_| ()).expect_err("three mistakes").to_string();
    assert!(text.contains("policy.toml:1:1: the file is missing"), "{text}");
    assert!(text.contains("drugs.toml:1:1: no such file is expected"), "{text}");
    assert!(text.contains("drugs/broken.toml:1:1: is not UTF-8"), "{text}");
}

/// All files, each cut where `end` says.
fn cut(end: impl Fn(&str) -> usize) -> Files {
    let cut = |(path, bytes): (String, Vec<u8>)| {
        let text = String::from_utf8(bytes).expect("text");
        (path, text.as_bytes()[..end(text.trim_end())].to_vec())
    };
    embedded().into_iter().map(cut).collect()
}

#[test]
fn a_file_that_is_cut_short_is_refused_wherever_it_is_cut() {
    // In the first table, at the end of one in the middle, before the last line, in it.
    let table = |text: &str| text[..text.len() / 2].rfind("\n\n").unwrap_or(text.len() / 3);
    let cuts: [&dyn Fn(&str) -> usize; 7] = [
        &|_| 0,
        &|_| 1,
        &|text| text.len() / 7,
        &|text| table(text) + 1,
        &|text| text.len() - 6,
        &|text| text.len() - 5,
        &|text| text.len() - 1,
    ];
    for (i, end) in cuts.iter().enumerate() {
        let files = cut(end);
        let error = read::read(&files).map(|_| ()).expect_err("every file is cut");
        for path in files.keys() {
            let refused = error.complaints.iter().any(|complaint| &complaint.file == path);
            assert!(refused, "{path}, cut {i}, is taken for whole");
        }
    }
    assert!(read::read(&cut(str::len)).is_ok(), "only the last line break is missing");
}

#[test]
fn the_program_tells_complaints_and_exits_with_1() {
    let folder = std::env::temp_dir().join(format!("jakcard-check-{}", std::process::id()));
    for (path, bytes) in embedded() {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, bytes).expect("written");
    }
    let check = || {
        std::process::Command::new(env!("CARGO_BIN_EXE_jakcard"))
            .arg("check")
            .arg(&folder)
            .output()
            .expect("the program runs")
    };
    let sound = check();
    assert_eq!(sound.status.code(), Some(0), "{sound:?}");
    let policy = folder.join("policy.toml");
    let text = std::fs::read_to_string(&policy).expect("text");
    std::fs::write(&policy, text.replace("renal_months", "renal_month")).expect("written");
    let broken = check();
    assert_eq!(broken.status.code(), Some(1));
    let said = String::from_utf8_lossy(&broken.stdout).into_owned();
    assert!(said.contains("policy.toml:") && said.contains("`renal_months`"), "{said}");
    std::fs::remove_dir_all(&folder).expect("removed");
    let gone = check();
    assert_eq!(gone.status.code(), Some(2), "a folder that is not there is a wrong call");
}

#[test]
fn every_row_is_cited_and_every_quote_was_read() {
    for drug in &support::knowledge().drugs {
        for row in drug.rows() {
            let id = row.id().get_ref();
            assert!(drug.label(row.cite()).is_some(), "{id}");
            let country = row.jurisdiction(drug).map(|j| j.code().to_lowercase());
            let ends = id.rsplit('.').next().map(str::to_owned);
            assert_eq!(ends, country, "{id} ends in the country of its label");
        }
    }
}

#[test]
fn the_readme_names_every_setting() {
    let readme = std::fs::read_to_string(project("README.md")).expect("README.md");
    for (variable, ..) in jakcard::config::SETTINGS {
        assert!(readme.contains(variable), "README.md does not name {variable}");
    }
}

#[test]
fn every_statement_of_the_sources_has_become_something() {
    let statements = &support::knowledge().statements;
    let ids: Vec<&str> = statements.statement.iter().map(|s| s.id.get_ref().as_str()).collect();
    let wanted: Vec<String> = (1..=102).map(|n| format!("S{n}")).collect();
    assert_eq!(ids, wanted);
}

#[test]
fn the_page_of_statements_is_the_one_that_the_program_writes() {
    let page = jakcard::knowledge::statements::page(support::knowledge());
    let file = project("hooks/STATEMENTS.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &page).expect("written");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(found, page, "UPDATE_GOLDEN=1 cargo test --test knowledge writes it anew");
}

#[test]
fn a_policy_without_reasons_leaves_them_out_of_the_cards() {
    let mut files = embedded();
    let policy = String::from_utf8(files["policy.toml"].clone()).expect("text");
    let (without, _) = policy.split_once("[[override_reason]]").expect("the reasons stand last");
    let policy = format!("override_reason = []\n{without}\n# end\n");
    files.insert("policy.toml".to_owned(), policy.into_bytes());
    let knowledge = read::read(&files).expect("sound");
    let config = Config::default();
    let caller = Caller::sandbox(&config);
    let calendar = Calendar::Fixed("2026-11-22".parse().expect("a day"));
    let house = House::offline(config, knowledge, calendar);
    let path = project("fixtures/wire/jak-inhibitor-order-sign/nothing-on-record/request.json");
    let body = std::fs::read(path).expect("the fixture");
    let service = house.service("jak-inhibitor-order-sign").expect("the service");
    let answer = wait(invoke(&body, &service, &caller, &house, &mut Course::begin()));
    let answer = String::from_utf8(answer.expect("an answer").json).expect("UTF-8");
    assert!(answer.contains("\"indicator\":\"warning\""), "{answer}");
    assert!(!answer.contains("overrideReasons"), "{answer}");
}
