//! Knowledge that changes under a running service.

use crate::program::{Program, folder};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const SIGN: &str = "jak-inhibitor-order-sign";
const CASE: &str = "nothing-on-record";
const DRUG: &str = "drugs/tofacitinib.toml";

fn digest(answer: &Value) -> String {
    let evaluation = &answer["extension"]["org.jakcard.evaluation"];
    evaluation["knowledge"].as_str().expect("a digest").to_owned()
}

/// The editions that the titles of the cited labels name; 0 where there is none.
fn editions(answer: &Value) -> BTreeSet<usize> {
    let cards = answer["cards"].as_array().expect("cards").iter();
    let findings =
        cards.flat_map(|c| c["extension"]["org.jakcard.findings"].as_array().expect("findings"));
    let titles = findings.map(|f| f["cite"]["source"].as_str().expect("a title"));
    titles.map(|t| t.split_once(MARK).map_or(0, |(_, n)| n.parse().expect("a number"))).collect()
}

const MARK: &str = ", edition ";

/// Writes the number of an edition behind every title of the drug's file.
fn publish(program: &Program, edition: usize) {
    let marked = |line: &str| match line.strip_suffix('"').filter(|l| l.starts_with("title")) {
        Some(title) => {
            let title = title.split(MARK).next().expect("a title");
            format!("{title}{MARK}{edition}\"\n")
        }
        None => format!("{line}\n"),
    };
    program.edit(DRUG, |text| text.lines().map(marked).collect());
}

/// Reloads so many times under four callers; how many editions answered, and how many answers came.
fn reload_under_load(count: usize, pause: Duration) -> (usize, usize) {
    let program = Program::start(&[("JAKCARD_KNOWLEDGE_POLL_S", "0")]);
    let (over, answers) = (AtomicBool::new(false), AtomicUsize::new(0));
    let seen: Mutex<BTreeMap<String, BTreeSet<usize>>> = Mutex::default();
    let loaded = "jakcard_knowledge_reloads_total{outcome=\"loaded\"}";
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let answer = program.answer(SIGN, CASE);
                    let found = editions(&answer);
                    assert_eq!(found.len(), 1, "two editions in one answer: {found:?}");
                    let mut seen = seen.lock().expect("nobody failed");
                    let known = seen.entry(digest(&answer)).or_insert_with(|| found.clone());
                    assert_eq!(*known, found, "one digest, two contents");
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for edition in 1..=count {
            publish(&program, edition);
            program.signal(Signal::SIGHUP);
            let so_far = edition as f64;
            program.wait_for("a reload", || program.metric(loaded) == Some(so_far));
            std::thread::sleep(pause);
        }
        over.store(true, Ordering::Relaxed);
    });
    let seen = seen.into_inner().expect("nobody failed");
    let contents: BTreeSet<_> = seen.values().collect();
    assert_eq!(contents.len(), seen.len(), "two digests for one content");
    (seen.len(), answers.into_inner())
}

#[test]
fn e3_every_answer_under_reloads_belongs_to_one_knowledge_and_names_it() {
    let (editions, answers) = reload_under_load(12, Duration::from_millis(50));
    assert!(editions >= 10, "only {editions} editions answered");
    assert!(answers > 100, "only {answers} answers");
}

#[test]
#[ignore = "long: 1,000 reloads"]
fn e3_a_thousand_reloads_mix_nothing() {
    let (editions, answers) = reload_under_load(1000, Duration::ZERO);
    println!("{editions} editions, {answers} answers, none mixed");
    assert!(editions > 500);
}

#[test]
fn a_broken_set_is_refused_with_every_complaint_and_the_old_one_goes_on() {
    let program = Program::start(&[("JAKCARD_KNOWLEDGE_POLL_S", "0")]);
    let before = digest(&program.answer(SIGN, CASE));
    assert_eq!(program.metric("jakcard_knowledge_refused"), Some(0.0));
    program.edit("policy.toml", |text| text.replacen("renal_months", "renal_month", 1));
    program.edit(DRUG, |text| text.replacen("[[label]]", "[[labels]]", 1));
    program.signal(Signal::SIGHUP);
    program.wait_for("the refusal", || program.metric("jakcard_knowledge_refused") == Some(1.0));
    assert_eq!(digest(&program.answer(SIGN, CASE)), before, "the old one goes on");
    let refused = "jakcard_knowledge_reloads_total{outcome=\"refused\"}";
    program.wait_for("the count", || program.metric(refused) == Some(1.0));
    program.wait_for("the log", || program.log().contains("were refused"));
    let log = program.log();
    for says in ["policy.toml:", "`renal_month`", "drugs/tofacitinib.toml:", "`labels`"] {
        assert!(log.contains(says), "`{says}` is not in\n{log}");
    }

    program.edit("policy.toml", |text| text.replacen("renal_month", "renal_months", 1));
    program.edit(DRUG, |text| text.replacen("[[labels]]", "[[label]]", 1));
    program.signal(Signal::SIGHUP);
    program.wait_for("what is sound", || program.metric("jakcard_knowledge_refused") == Some(0.0));
    assert_eq!(digest(&program.answer(SIGN, CASE)), before, "the same files, the same digest");
}

#[test]
fn a_changed_file_is_read_without_a_signal_and_the_digest_is_told() {
    let program = Program::start(&[("JAKCARD_KNOWLEDGE_POLL_S", "1")]);
    let before = digest(&program.answer(SIGN, CASE));
    let info = |digest: &str| format!("jakcard_knowledge_info{{digest=\"{digest}\"}}");
    assert_eq!(program.metric(&info(&before)), Some(1.0));
    publish(&program, 7);
    program.wait_for("the new file", || digest(&program.answer(SIGN, CASE)) != before);
    let answer = program.answer(SIGN, CASE);
    assert_eq!(editions(&answer), BTreeSet::from([7]));
    assert_eq!(program.metric(&info(&digest(&answer))), Some(1.0));
    assert_eq!(program.metric(&info(&before)), None, "one knowledge at a time");
}

#[test]
fn a_hangup_without_a_folder_changes_nothing_and_ends_nothing() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_jakcard"));
    command.args(["serve", "--bind", "127.0.0.1:0"]);
    let mut program = Program::of(command, folder());
    program.signal(Signal::SIGHUP);
    program.wait_for("the log", || program.log().contains("not read anew"));
    assert_eq!(program.get("/healthz").0, 200);
    program.signal(Signal::SIGTERM);
    assert_eq!(program.ended().code(), Some(0));
}
