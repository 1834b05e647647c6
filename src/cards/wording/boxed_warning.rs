//! The words of the label's warning: what it says, and which of its risks this patient has.

use super::{Words, listed, values};
use crate::knowledge::{Action, BoxedWarning, Jurisdiction};
use crate::rules::boxed_warning::Risk;
use crate::rules::{Missing, Outcome};

/// The words of one boxed-warning finding.
pub fn words<'a>(outcome: &'a Outcome<'a>, risks: &[Risk], missing: &[&Missing]) -> Words<'a> {
    let row = outcome.drug.boxed_warning.iter().find(|r| &r.id == outcome.row.id());
    let Some(row) = row else { return Words::default() };
    let european =
        outcome.drug.label(&row.cite).is_some_and(|l| l.jurisdiction == Jurisdiction::Eu);
    let raising: Vec<String> = shown(risks.iter().filter(|r| r.raises));
    let noted: Vec<String> = shown(risks.iter().filter(|r| !r.raises));
    let mut sentences = Vec::new();
    if !raising.is_empty() {
        sentences.push(format!("On this chart: {}.", raising.join("; ")));
    }
    if !noted.is_empty() {
        sentences.push(format!("Also noted: {}.", noted.join("; ")));
    }
    if risks.is_empty() {
        sentences.push(match missing.is_empty() {
            true => "No risk factor of the warning was found on this chart.".to_owned(),
            false => "No risk factor of the warning was found in what could be read.".to_owned(),
        });
    }
    sentences.push(format!("The label warns: {}.", title(row)));
    // What a risk asks for is said by the finding of that risk.
    if !raising.is_empty() && row.raised_action != Action::WeighRisk {
        sentences.push(row.advice.clone());
    }
    Words {
        text: sentences.join(" "),
        short: short(european, risks, missing, row),
        says: &row.component,
        ..Words::default()
    }
}

fn title(row: &BoxedWarning) -> String {
    row.title.trim_end_matches('.').to_owned()
}

fn short(european: bool, risks: &[Risk], missing: &[&Missing], row: &BoxedWarning) -> String {
    let name = if european { "special-population warning" } else { "boxed warning" };
    let titles: Vec<String> = risks.iter().filter(|r| r.raises).map(|r| r.title.clone()).collect();
    if !titles.is_empty() {
        return format!("{name}; on this chart: {}", listed(&titles));
    }
    let noted: Vec<String> = risks.iter().map(|r| r.title.clone()).collect();
    let names: Vec<String> = row.component.iter().map(|c| lower_first(&c.name)).collect();
    // The wording for special populations is a list of risks itself: none is on the chart.
    let names = if european { String::new() } else { format!(" ({})", listed(&names)) };
    match (missing.is_empty(), noted.is_empty()) {
        (true, true) => format!("{name}{names}; no risk factor on this chart"),
        (true, false) => format!("{name}{names}; noted: {}", listed(&noted)),
        (false, _) => format!("{name}{names}"),
    }
}

/// Lower case, except for abbreviations.
fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(a), Some(b)) if b.is_lowercase() => {
            a.to_lowercase().chain([b]).chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

/// `current or past smoker (smoking status Former smoker, 2026-01-03)`.
fn shown<'r>(risks: impl Iterator<Item = &'r Risk>) -> Vec<String> {
    risks
        .map(|risk| {
            let evidence: Vec<String> =
                risk.evidence.iter().take(3).map(values::evidence).collect();
            let more = risk.evidence.len().saturating_sub(evidence.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{}: {}{more}", risk.title, evidence.join(", "))
        })
        .collect()
}
