//! The body of a card: findings with their label, then found, not found, not checked.
//!
//! GitHub-flavoured Markdown without raw HTML; every text from the chart is escaped.

use super::Account;
use super::finding::{Finding, Unchecked};
use super::markdown::{escaped, from_chart};
use super::wording::listed;
use crate::cds_hooks::card::Link;
use crate::ehr::IdentifiedBy;
use crate::facts::{Condition, Evidence, Facts, Role, SetAside, unique};
use crate::knowledge::Knowledge;
use std::fmt::Write;

/// Writes the body.
pub fn write(
    findings: &[Finding<'_>],
    account: &Account<'_>,
    facts: &Facts,
    knowledge: &Knowledge,
    index: usize,
) -> String {
    let mut text = String::with_capacity(ROOM);
    let mut next = "";
    for finding in findings.iter().filter(|f| f.unread.is_none()) {
        text.push_str(next);
        bullet(&mut text, finding);
        next = "\n";
    }
    for line in unread(findings) {
        text.push_str(next);
        text.push_str(&line);
        next = "\n";
    }
    for finding in findings.iter().filter(|f| !f.says.is_empty()) {
        text.push_str("\n\n**The label warns of**\n");
        for component in finding.says {
            _ = write!(text, "\n- {}: {}", escaped(&component.name), escaped(&component.says));
        }
    }
    section(&mut text, "Found", account.found.iter().copied().map(evidence_line));
    section(&mut text, "Not found", account.not_found.iter().map(|what| escaped(what)));
    section(&mut text, "Not checked", unchecked(findings, &account.not_found).into_iter());
    section(&mut text, "Ignored", ignored(facts, knowledge).into_iter());
    let notes = notes(facts, knowledge, index, &account.found);
    if !notes.is_empty() {
        text.push_str("\n\n");
        text.push_str(&notes.join("\n"));
    }
    capped(text)
}

/// Room for most bodies, in bytes.
const ROOM: usize = 4096;

/// Longest body, in characters: the loudest comes first, and everything is in the data of the card.
const LONGEST: usize = 16_000;

/// At most so much, cut between lines.
fn capped(text: String) -> String {
    let Some((end, _)) = text.char_indices().nth(LONGEST) else { return text };
    let end = text[..end].rfind('\n').unwrap_or(0);
    format!("{}\n\nThere is more, in the data of this card.", text[..end].trim_end())
}

/// Lines that a section of a card shows; the ledger holds them all.
const LONGEST_SECTION: usize = 20;

/// A section of the body, of so many lines; none without lines.
fn section<T: AsRef<str>>(text: &mut String, title: &str, lines: impl ExactSizeIterator<Item = T>) {
    let more = lines.len().saturating_sub(LONGEST_SECTION);
    if lines.len() > 0 {
        _ = write!(text, "\n\n**{title}**\n");
    }
    for line in lines.take(LONGEST_SECTION) {
        text.push_str("\n- ");
        text.push_str(line.as_ref());
    }
    if more > 0 {
        _ = write!(text, "\n- and {more} more");
    }
}

/// Where to read on: each label once.
pub fn links(findings: &[Finding<'_>]) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    for finding in findings {
        let (label, url) = (finding.cite.source, finding.cite.url);
        if !url.is_empty() && !links.iter().any(|known| known.label == label && known.url == url) {
            links.push(Link { label: label.to_owned(), url: url.to_owned(), kind: "absolute" });
        }
    }
    links
}

/// One finding: its words, the quoted sentence, the section.
fn bullet(text: &mut String, finding: &Finding<'_>) {
    _ = write!(text, "- {}", escaped(&finding.text));
    if let Some(quote) = finding.cite.quote {
        _ = write!(text, " “{}”", escaped(quote));
    }
    let draft = if finding.draft { "; not yet reviewed by a pharmacist" } else { "" };
    let (source, section) = (escaped(finding.cite.source), escaped(finding.cite.section));
    let word = if section.starts_with(|c: char| c.is_ascii_digit()) { "section " } else { "" };
    _ = write!(text, " — *{source}, {word}{section}{draft}*");
}

/// What could not be looked at and needs no more words: one line for each reason.
fn unread(findings: &[Finding<'_>]) -> Vec<String> {
    let mut by_reason: Vec<(&str, Vec<String>)> = Vec::new();
    for finding in findings {
        let Some((title, reason)) = &finding.unread else { continue };
        let reason = reason.rsplit(": ").next().unwrap_or(reason);
        let titles = match by_reason.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, titles)) => titles,
            None => {
                by_reason.push((reason, Vec::new()));
                &mut by_reason.last_mut().expect("just added").1
            }
        };
        if !titles.iter().any(|t| t == title) {
            titles.push((*title).to_owned());
        }
    }
    by_reason
        .iter()
        .map(|(reason, titles)| format!("- Not checked: {} ({}).", listed(titles), escaped(reason)))
        .collect()
}

/// Results and resources that were sent and did not count.
fn ignored(facts: &Facts, knowledge: &Knowledge) -> Vec<String> {
    let line = |aside: &SetAside| {
        let lab = knowledge.terminology.labs.get(&aside.lab);
        let title = lab.map_or(aside.lab.as_str(), |l| l.title.as_str());
        format!("{}: {}", escaped(title), aside.reason)
    };
    let mut lines = unique(facts.labs.set_aside.iter().map(line).collect());
    let unread = facts.conditions.not_understood;
    if unread > 0 {
        lines.push(format!("entries of the problem list in words that no table has: {unread}"));
    }
    if facts.dropped.foreign > 0 {
        lines.push(format!("{} resources of another patient", facts.dropped.foreign));
    }
    if facts.dropped.ownerless > 0 {
        lines
            .push(format!("{} resources that do not tell whose they are", facts.dropped.ownerless));
    }
    if facts.dropped.unreadable > 0 {
        lines.push(format!("{} resources that could not be read", facts.dropped.unreadable));
    }
    lines
}

fn evidence_line(evidence: &Evidence) -> String {
    let mut line = escaped(&evidence.what).into_owned();
    if let Some(value) = &evidence.value {
        line.push_str(": ");
        line.push_str(&from_chart(value));
    }
    if let Some(date) = evidence.date {
        _ = write!(line, " ({date})");
    }
    line
}

fn unchecked(findings: &[Finding<'_>], not_found: &[&str]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let said = |gap: &&Unchecked<'_>| gap.searched && not_found.contains(&gap.what);
    for gap in findings.iter().flat_map(|f| &f.unchecked).filter(|gap| !said(gap)) {
        let line = format!("{}: {}", escaped(gap.what), from_chart(gap.reason));
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// How the drug was told, where that is weak, and what was left out.
fn notes(facts: &Facts, knowledge: &Knowledge, index: usize, found: &[&Evidence]) -> Vec<String> {
    let drug = &facts.orders[index].drug;
    let mut notes = Vec::new();
    let names: Vec<String> =
        drug.drugs.iter().filter_map(|id| knowledge.drug(id)).map(|d| d.name.clone()).collect();
    if drug.conflict {
        let names = listed(&names);
        notes.push(format!(
            "The codings of the order disagree ({names}): the limits of each are shown."
        ));
    } else if names.len() > 1 {
        let names = listed(&names);
        notes.push(format!("The order does not tell which product is meant ({names}): the limits of each are shown."));
    }
    if drug.by == IdentifiedBy::Text && facts.orders[index].role == Role::Ordered {
        notes.push(
            "The drug was recognised by its name only; no code of the order is known.".to_owned(),
        );
    }
    let named =
        |c: &Condition| found.iter().any(|e| c.reference.is_some() && e.reference == c.reference);
    let in_words = facts.conditions.list.iter().filter(|c| c.in_words() && named(c));
    let titles: Vec<String> = unique(in_words.map(|c| escaped(&c.title).into_owned()).collect());
    if !titles.is_empty() {
        let titles = listed(&titles);
        notes
            .push(format!("On the problem list in words, without a code that is known: {titles}."));
    }
    for order in &facts.unreadable_orders {
        notes.push(format!(
            "{}: its drug could not be read and was not checked.",
            from_chart(order)
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_cut_between_lines_and_says_so() {
        let short = "- x\n".repeat(LONGEST / 4);
        assert_eq!(capped(short.clone()), short);
        let long = capped(short + "- é");
        assert!(long.chars().count() < LONGEST + 60, "{}", long.chars().count());
        assert!(long.ends_with("- x\n\nThere is more, in the data of this card."), "{long}");
    }
}
