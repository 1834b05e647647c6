//! The words of findings and summaries: values first, then the limit, then what to do.

mod boxed_warning;
mod clears;
mod general;
mod limits;
mod open;
mod renal;
mod screening;
mod shown;
pub mod values;

use super::finding::Finding;
use super::kind::{Kind, capitalised};
use crate::facts::Facts;
use crate::knowledge::{Component, Knowledge, Level};
use crate::rules::{Because, Missing, Outcome};
use std::borrow::Borrow;
use std::fmt::Write;

/// Longest summary: fewer than 140 characters (CDS Hooks 2.0.1, card attributes).
pub const LONGEST_SUMMARY: usize = 139;

/// What is said of one finding.
#[derive(Clone, Debug, Default)]
pub struct Words<'a> {
    /// One or two sentences.
    pub text: String,
    /// A few words for the summary, without the drug.
    pub short: String,
    /// What would clear it.
    pub clears: Option<String>,
    /// Tests whose order would settle it.
    pub tests: Vec<&'a str>,
    /// Sentences of the label that belong to it.
    pub says: &'a [Component],
    /// Nothing but that this could not be looked at: cards say such things in one breath.
    pub unread: Option<(&'static str, &'a str)>,
}

/// The words of a group of outcomes that make one finding.
pub fn of<'a>(
    group: &[&'a Outcome<'a>],
    missing: &[&'a Missing],
    facts: &'a Facts,
    knowledge: &'a Knowledge,
) -> Words<'a> {
    let outcome = group[0];
    let mut words = match &outcome.because {
        Because::Boxed(risks) => boxed_warning::words(outcome, risks, missing),
        Because::Screening(standing) => screening::words(outcome, standing, missing, knowledge),
        Because::Renal(_) => renal::words(group, missing, facts, knowledge),
        Because::Hepatic(_)
        | Because::Check { .. }
        | Because::Baseline
        | Because::Stale(_)
        | Because::Doses(_)
        | Because::Row => general::words(group, missing, facts, knowledge),
        Because::NoLabel => Words {
            text: outcome.row.advice().to_owned(),
            short: format!(
                "no {} limits of it are known here, read its own label",
                facts.jurisdiction.code()
            ),
            ..Words::default()
        },
    };
    words.text = capitalised(&words.text);
    words.clears = clears::of_group(group, knowledge).or(words.clears);
    words
}

/// Between a check and the day by which it was due.
pub const DUE: &str = " due since ";

/// How the short words of a missing test begin: several are said in one breath.
pub const ORDER: &str = "order ";

/// One sentence for the head of a card: the drug, what its own findings say, and what could not be
/// checked.
pub fn summary(kind: Kind, findings: &[Finding<'_>]) -> String {
    let lead = &findings[0];
    // A card of another kind stands in where nothing opened their own.
    let kind = if findings.iter().any(|f| f.kind == kind) { kind } else { lead.kind };
    let own = findings.iter().filter(|f| f.kind == kind && f.drug == lead.drug);
    let own: Vec<&Finding<'_>> = own.filter(|f| f.level == lead.level).collect();
    let own = if own.is_empty() { vec![lead] } else { own };
    let shorts = || own.iter().map(|f| f.short.as_str());
    let tests: Vec<&str> = shorts().filter_map(|short| short.strip_prefix(ORDER)).collect();
    let tests = tests.join(", ").replace(" and ", ", ");
    let order = format!("{ORDER}{}", listed(&tests.split(", ").collect::<Vec<_>>()));
    let spoken = shorts().filter(|short| !short.starts_with(ORDER));
    let mut parts: Vec<&str> = spoken.chain((!tests.is_empty()).then_some(&*order)).collect();
    let guests = findings.iter().filter(|f| f.kind != kind && f.level > Level::Info);
    let mut guests = guests.map(|f| f.short.as_str()).filter(|short| !short.is_empty()).peekable();
    if lead.level == Level::Info && guests.peek().is_some() {
        // What was not checked matters more than the parts of the warning.
        for part in &mut parts {
            *part = part.find([';', '(']).map_or(*part, |end| part[..end].trim_end());
        }
    }
    parts.extend(guests);
    let mut parts = crate::facts::unique(parts);
    parts.retain(|part| !part.is_empty());
    // What another part ends with is said already.
    let all = parts.clone();
    parts.retain(|part| !all.iter().any(|other| other != part && other.ends_with(part)));
    // Of one check that is due by several rows, the day that passed first.
    let mut due: Vec<&str> = Vec::new();
    parts.sort_by_key(|part| part.split_once(DUE));
    parts.retain(|part| match part.split_once(DUE) {
        Some((test, _)) if due.contains(&test) => false,
        Some((test, _)) => {
            due.push(test);
            true
        }
        None => true,
    });
    let mut text = format!("{}: ", capitalised(lead.drug_name));
    for (i, part) in parts.iter().enumerate() {
        let between = if i == 0 { "" } else { "; " };
        let more = parts.len() - i;
        // Room for "; and 2 more" while others follow.
        let reserve = if more > 1 { 12 } else { 0 };
        let length = text.chars().count() + between.len() + part.chars().count();
        if i > 0 && length + reserve > LONGEST_SUMMARY {
            _ = write!(text, "; and {more} more");
            break;
        }
        text.push_str(between);
        text.push_str(part);
    }
    cut(&text, LONGEST_SUMMARY)
}

/// At most so many characters, cut between words and never between a number and its unit.
pub fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut length = 0;
    let words: Vec<&str> = text.split(' ').collect();
    for word in &words {
        let more = word.chars().count() + usize::from(length > 0);
        if length + more > longest - 2 {
            break;
        }
        if length > 0 {
            kept.push(' ');
        }
        kept.push_str(word);
        length += more;
    }
    // A number at the end has lost its unit.
    while kept.split(' ').next_back().is_some_and(|w| w.starts_with(|c: char| c.is_ascii_digit())) {
        let end = kept.rfind(' ').unwrap_or(0);
        kept.truncate(end);
    }
    format!("{} …", kept.trim_end_matches([',', ';', ':']))
}

/// Joins items as a sentence does: `a`, `a and b`, `a, b and c`.
pub fn listed<T: Borrow<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.borrow().to_owned(),
        [first @ .., last] => [&first.join(", "), last.borrow()].join(" and "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_cut_at_a_word_and_keeps_units_with_numbers() {
        let text = "Tofacitinib: creatinine clearance 44 mL/min and more words that fill the line";
        for longest in 20..text.len() {
            let short = cut(text, longest);
            assert!(short.chars().count() <= longest, "{short}");
            let before = short.trim_end_matches(" …");
            assert!(!before.ends_with("44"), "{short}");
        }
        assert_eq!(cut("short", 139), "short");
    }

    #[test]
    fn lists_read_as_sentences_do() {
        let items = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
        assert_eq!(listed(&items(1)), "0");
        assert_eq!(listed(&items(2)), "0 and 1");
        assert_eq!(listed(&items(3)), "0, 1 and 2");
    }
}
