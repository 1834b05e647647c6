//! The report for a spreadsheet.

use super::tally::{Count, Row};
use super::{By, Report};

const COLUMNS: [&str; 17] = [
    "week",
    "client",
    "rule",
    "answers",
    "fired",
    "info",
    "warning",
    "critical",
    "accepted",
    "overridden",
    "unanswered",
    "override_rate",
    "stands_out",
    "reasons",
    "not_checked",
    "p50_ms",
    "p95_ms",
];

/// One table with a line of names.
///
/// # Errors
/// It cannot be written.
pub fn csv(report: &Report, by: By) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for row in report.rows(by) {
        writer.write_record(cells(row))?;
    }
    writer.into_inner().map_err(|e| e.into_error().into())
}

fn cells(row: &Row) -> [String; 17] {
    let name = |name: &Option<String>| plain(name.as_deref().unwrap_or_default());
    let number = |number: Option<f64>| number.map(|n| n.to_string()).unwrap_or_default();
    let reason = |count: &Count| format!("{}={}", count.code, count.count);
    let reasons: Vec<String> = row.reasons.iter().map(reason).collect();
    [
        name(&row.week),
        name(&row.client),
        name(&row.rule),
        row.answers.to_string(),
        row.fired.to_string(),
        row.info.to_string(),
        row.warning.to_string(),
        row.critical.to_string(),
        row.accepted.to_string(),
        row.overridden.to_string(),
        row.unanswered.to_string(),
        row.override_rate.map(|rate| format!("{rate:.4}")).unwrap_or_default(),
        row.stands_out.to_string(),
        plain(&reasons.join("; ")),
        row.not_checked.to_string(),
        number(row.p50_ms),
        number(row.p95_ms),
    ]
}

/// A spreadsheet takes a text that begins like this for a formula; codes of reasons are what EHRs send.
fn plain(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}
