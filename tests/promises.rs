//! SECURITY.md is true: its tests exist, and the log says only what it lists.

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use support::project;

fn page() -> String {
    std::fs::read_to_string(project("SECURITY.md")).expect("the page")
}

/// What stands between back-ticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// All Rust files below a folder, as text.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            all.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).expect("text");
            all.push((path.display().to_string(), text));
        }
    }
    all
}

/// The names of all tests, by the attribute above them.
fn tests() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (_, text) in ["src", "tests"].iter().flat_map(|folder| sources(&project(folder))) {
        let mut is_test = false;
        for line in text.lines().map(str::trim_start) {
            if line.starts_with("#[") {
                is_test |= line.contains("test]") || line.contains("test(");
            } else {
                let name = line.trim_start_matches("async ").strip_prefix("fn ");
                if let Some(name) = name.filter(|_| is_test) {
                    all.insert(name.split('(').next().unwrap_or_default().to_owned());
                }
                is_test &= line.starts_with("//");
            }
        }
    }
    all
}

#[test]
fn every_test_that_is_named_exists_and_every_attack_has_one() {
    let (page, tests) = (page(), tests());
    let promised = page.split("## What is promised").nth(1).expect("the section");
    let promised = promised.split("## What is not promised").next().expect("its end");
    let mut named = 0;
    for row in promised.lines().filter(|line| line.starts_with("| ") && !line.contains("| tests |"))
    {
        let names = quoted(row.split('|').nth(2).expect("two columns"));
        assert!(!names.is_empty(), "no test: {row}");
        for name in names {
            assert!(tests.contains(name), "there is no test `{name}`");
            named += 1;
        }
    }
    assert!(named >= 40, "{named}");
    for (letter, rows) in [('a', 1..=20), ('b', 1..=1), ('c', 1..=14)] {
        for row in rows {
            let name = format!("{letter}{row}_");
            assert!(tests.iter().any(|test| test.starts_with(&name)), "no test for {name}");
        }
    }
}

/// The names of the fields in every line of the log that the code writes, with the line.
fn logged() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (path, text) in sources(&project("src")) {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let macros = [
            "info!",
            "warn!",
            "error!",
            "debug!",
            "trace!",
            "info_span!",
            "event!",
            "span!",
            "record(",
        ];
        for name in macros {
            for after in code.split(&format!("tracing::{name}(")).skip(1) {
                for argument in arguments(after) {
                    let field = argument.split('=').next().unwrap_or_default();
                    let field = field.trim().trim_start_matches(['%', '?']);
                    let field = field.rsplit('.').next().unwrap_or_default();
                    let is_message = argument.trim_start().starts_with('"');
                    let is_level = argument.trim_start().starts_with("tracing::Level");
                    if !is_message
                        && !is_level
                        && !field.is_empty()
                        && !field.starts_with("target:")
                    {
                        all.push((field.to_owned(), path.clone()));
                    }
                }
            }
        }
    }
    all
}

/// The arguments of a call whose text begins behind its bracket.
fn arguments(text: &str) -> Vec<String> {
    let (mut depth, mut in_text, mut all, mut now) = (0, false, Vec::new(), String::new());
    for c in text.chars() {
        match c {
            '"' => in_text = !in_text,
            '(' | '[' | '{' if !in_text => depth += 1,
            ')' | ']' | '}' if !in_text && depth == 0 => break,
            ')' | ']' | '}' if !in_text => depth -= 1,
            ',' if !in_text && depth == 0 => {
                all.push(std::mem::take(&mut now));
                continue;
            }
            _ => {}
        }
        now.push(c);
    }
    all.push(now);
    all
}

#[test]
fn the_log_says_only_what_this_page_lists() {
    let page = page();
    let section = page.split("## What is logged").nth(1).expect("the section");
    let list = section.split("\n\n").nth(2).expect("the list");
    let listed: BTreeSet<&str> = quoted(list).into_iter().collect();
    let logged = logged();
    assert!(logged.len() > 20, "the log is gone: {logged:?}");
    for (field, path) in &logged {
        assert!(
            listed.contains(field.as_str()),
            "{path}: the log says `{field}`, and the page does not"
        );
    }
    // Nothing is said around the log.
    for (path, text) in sources(&project("src")) {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let is_library = !path.contains("/src/cli/") && !path.ends_with("main.rs");
        for never in ["println!(", "eprintln!(", "dbg!(", "print!("] {
            assert!(!is_library || !code.contains(never), "{path}: {never}");
        }
    }
}
