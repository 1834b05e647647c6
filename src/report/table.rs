//! The report for a terminal.

use super::tally::{Count, Row};
use super::{By, Report};
use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, Table};

/// Tables with a heading each.
pub fn table(report: &Report, by: By) -> String {
    let mut text = format!("{}\n", summary(report));
    if by != By::Client && !report.clients.is_empty() {
        text.push_str(&format!("\nClients\n{}\n", rows(&report.clients)));
    }
    let heading = match by {
        By::Client => "Clients",
        By::Rule => "Rules",
        By::Week => "Weeks",
    };
    if !report.rows(by).is_empty() {
        text.push_str(&format!("\n{heading}\n{}\n", rows(report.rows(by))));
    }
    let loud: Vec<&Row> = report.rules.iter().filter(|row| row.stands_out).collect();
    if !loud.is_empty() {
        text.push_str("\nDismissed more than nine times of ten:\n");
    }
    for row in loud {
        text.push_str(&format!("  {}\n", said(row)));
    }
    for comment in &report.texts {
        let lines = comment.text.replace('\n', "\n    ");
        text.push_str(&format!("\n  {} {}\n    {lines}\n", comment.at, comment.client));
    }
    text
}

/// The numbers of all together.
pub fn summary(report: &Report) -> String {
    let Report { answers, feedback, unknown_cards, lost, comments, .. } = report;
    let time = match (&report.since, &report.until) {
        (None, None) => "All records".to_owned(),
        (Some(since), None) => format!("Since {since}"),
        (None, Some(until)) => format!("Until {until}"),
        (Some(since), Some(until)) => format!("{since} to {until}"),
    };
    let mut text = format!(
        "{time}: {answers} answers about a JAK inhibitor, {feedback} reports of what users did"
    );
    for (count, what) in [
        (comments, "with a comment"),
        (unknown_cards, "about cards that no record tells of"),
        (lost, "answers whose record was lost while the store was down"),
    ] {
        if *count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    text
}

/// A rule that stands out, with its numbers.
pub fn said(row: &Row) -> String {
    let [client, rule] = [&row.client, &row.rule].map(|n| n.as_deref().unwrap_or_default());
    let answered = row.accepted + row.overridden;
    format!("{rule} ({client}): {} of {answered}; {}", row.overridden, counted(&row.reasons))
}

/// The most frequent of something.
pub fn counted(counts: &[Count]) -> String {
    let one = |count: &Count| {
        let words = count.display.as_ref().unwrap_or(&count.code);
        format!("{words} {}", count.count)
    };
    let mut words: Vec<String> = counts.iter().take(3).map(one).collect();
    if counts.len() > 3 {
        words.push(format!("{} others", counts.len() - 3));
    }
    words.join(", ")
}

/// A share of a hundred.
pub fn percent(rate: Option<f64>) -> String {
    rate.map(|rate| format!("{:.1} %", rate * 100.0)).unwrap_or_default()
}

fn rows(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    let weeks = rows.iter().any(|row| row.week.is_some());
    let rules = rows.iter().any(|row| row.rule.is_some());
    let names = [("week", weeks), ("client", true), ("rule", rules)];
    let names = names.into_iter().filter(|(_, there)| *there).map(|(name, _)| name);
    let numbers = [
        if rules { "fired" } else { "cards" },
        "accepted",
        "overridden",
        "no report",
        "override rate",
        "",
        "not checked",
        "p50 ms",
        "p95 ms",
    ];
    table.set_header(names.chain(numbers).chain(["reasons"]));
    for row in rows {
        let names = [(&row.week, weeks), (&row.client, true), (&row.rule, rules)];
        let names = names.into_iter().filter(|(_, there)| *there);
        let mut cells: Vec<Cell> =
            names.map(|(name, _)| Cell::new(name.as_deref().unwrap_or_default())).collect();
        let number = |number: Option<f64>| number.map(|n| format!("{n:.2}")).unwrap_or_default();
        let numbers = [
            row.fired.to_string(),
            row.accepted.to_string(),
            row.overridden.to_string(),
            row.unanswered.to_string(),
            percent(row.override_rate),
            if row.stands_out { "!!" } else { "" }.to_owned(),
            row.not_checked.to_string(),
            number(row.p50_ms),
            number(row.p95_ms),
        ];
        let right = |text| Cell::new(text).set_alignment(CellAlignment::Right);
        cells.extend(numbers.into_iter().map(right));
        cells.push(Cell::new(counted(&row.reasons)));
        table.add_row(cells);
    }
    table.trim_fmt()
}
