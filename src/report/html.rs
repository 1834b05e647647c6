//! The report as one page: tables and plots, no script, nothing from elsewhere.

use super::plot::{Bar, Series, bars, lines, stacks};
use super::table::{counted, percent, said, summary};
use super::tally::{Count, Row};
use super::{Report, Text};
use maud::{DOCTYPE, Markup, html};
use std::collections::BTreeMap;

/// Rules that a plot shows; the table has all of them.
const MOST_BARS: usize = 30;

const STYLE: &str = "
body { font: 15px/1.45 system-ui, sans-serif; color: #1c2430; margin: 2rem auto; max-width: 1100px; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem }
table { border-collapse: collapse; width: 100%; font-size: 13px }
th, td { text-align: left; padding: .3rem .5rem; border-bottom: 1px solid #d8dde5; vertical-align: top }
th { background: #f2f4f8; position: sticky; top: 0 } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
td { overflow-wrap: break-word } td.n, td.id { white-space: nowrap }
tr.loud td { background: #fdeaea } .warn { background: #fdeaea; border-left: 4px solid #b3261e; padding: .6rem 1rem }
svg { width: 100%; height: auto; display: block } svg text { font-size: 12px; fill: #1c2430 }
svg.key { width: 12px; height: 12px; display: inline-block; margin: 0 .3rem 0 .9rem } .legend { font-size: 13px; margin: .3rem 0 }
.bar { fill: #5b7fb5 } .loud { fill: #b3261e } .accepted { fill: #2e7d5b; stroke: #2e7d5b }
.overridden { fill: #d9822b; stroke: #d9822b } .none { fill: #c3cad6; stroke: #c3cad6 }
.p50 { fill: #5b7fb5; stroke: #5b7fb5 } .p95 { fill: #7a3e9d; stroke: #7a3e9d } .line { fill: none; stroke-width: 2 }
.grid { stroke: #e3e7ee } .limit { stroke: #b3261e; stroke-dasharray: 4 3 }
.small { color: #5a6472; font-size: 13px }
blockquote { border-left: 3px solid #d8dde5; margin: .4rem 0; padding-left: .8rem; white-space: pre-wrap }
";

/// The page. `made` says when.
pub fn html(report: &Report, made: &str) -> String {
    let loud: Vec<&Row> = report.rules.iter().filter(|row| row.stands_out).collect();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { "jakcard: what fires, and what becomes of it" }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                h1 { "What fires, and what becomes of it" }
                p { (summary(report)) "." }
                @if !loud.is_empty() {
                    div class="warn" {
                        strong { "Dismissed more than nine times of ten" }
                        ul { @for row in loud { li { (said(row)) } } }
                    }
                }
                (weeks(report))
                h2 { "How often a rule is dismissed" }
                (dismissed(&report.rules))
                h2 { "Why" }
                (reasons(&report.clients))
                h2 { "Clients" }
                (table(&report.clients, "cards"))
                h2 { "Rules" }
                (table(&report.rules, "fired"))
                @if !report.texts.is_empty() { (texts(&report.texts)) }
                h2 { "How this is counted" }
                p class="small" {
                    "A card counts once, however often its call was repeated, and its last outcome counts. \
                     What a user did with a card counts for each rule that fired on it. The override rate is \
                     dismissed / (accepted + dismissed): EHRs report nothing of cards that were ignored. \
                     Weeks are ISO weeks, UTC; a card belongs to the week in which it was shown. Not checked: \
                     answers in which the rule could not tell. Made " (made) "."
                }
            }
        }
    };
    page.into_string()
}

fn weeks(report: &Report) -> Markup {
    let rows = &report.totals;
    let names: Vec<String> = rows.iter().filter_map(|row| row.week.clone()).collect();
    let series = |name, class, value: fn(&Row) -> Option<f64>| Series {
        name,
        class,
        values: rows.iter().map(value).collect(),
    };
    html! {
        @if rows.is_empty() {
            p { "Nothing was recorded in this time." }
        } @else {
            h2 { "Cards by week" }
            (stacks("Cards by week and what became of them", &names, &[
                series("accepted", "accepted", |row| Some(row.accepted as f64)),
                series("dismissed", "overridden", |row| Some(row.overridden as f64)),
                series("nothing reported", "none", |row| Some(row.unanswered as f64)),
            ]))
            h2 { "Milliseconds to an answer" }
            (lines("Milliseconds to an answer by week", &names, &[
                series("half of the answers (p50)", "p50", |row| row.p50_ms),
                series("95 of 100 (p95)", "p95", |row| row.p95_ms),
            ]))
        }
    }
}

fn dismissed(rules: &[Row]) -> Markup {
    let mut rows: Vec<&Row> = rules.iter().filter(|row| row.override_rate.is_some()).collect();
    rows.sort_by(|a, b| {
        let rate = |row: &Row| row.override_rate.unwrap_or_default();
        rate(b).total_cmp(&rate(a)).then(b.overridden.cmp(&a.overridden))
    });
    let bar = |row: &&Row| Bar {
        label: [&row.rule, &row.client].map(|n| n.as_deref().unwrap_or_default()).join(" · "),
        share: row.override_rate.unwrap_or_default(),
        value: format!(
            "{} ({} of {})",
            percent(row.override_rate),
            row.overridden,
            row.accepted + row.overridden
        ),
        loud: row.stands_out,
    };
    let drawn: Vec<Bar> = rows.iter().take(MOST_BARS).map(bar).collect();
    html! {
        @if drawn.is_empty() {
            p { "Nothing was reported." }
        } @else {
            (bars("Share of dismissed cards by rule", &drawn, Some(0.9)))
            @if rows.len() > MOST_BARS { p class="small" { (rows.len() - MOST_BARS) " more in the table." } }
        }
    }
}

fn reasons(clients: &[Row]) -> Markup {
    let mut all: BTreeMap<String, u64> = BTreeMap::new();
    for Count { code, display, count } in clients.iter().flat_map(|row| &row.reasons) {
        *all.entry(display.clone().unwrap_or_else(|| code.clone())).or_default() += count;
    }
    let mut all: Vec<(String, u64)> = all.into_iter().collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let most = all.first().map_or(1, |(_, count)| *count).max(1);
    let bar = |(label, count): &(String, u64)| Bar {
        label: short(label),
        share: *count as f64 / most as f64,
        value: count.to_string(),
        loud: false,
    };
    let drawn: Vec<Bar> = all.iter().take(MOST_BARS).map(bar).collect();
    html! {
        @if drawn.is_empty() {
            p { "No card was dismissed." }
        } @else {
            (bars("Reasons for dismissing a card", &drawn, None))
        }
    }
}

/// What fits beside a bar.
fn short(text: &str) -> String {
    match text.char_indices().nth(48) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn table(rows: &[Row], fired: &str) -> Markup {
    let number = |number: Option<f64>| number.map(|n| format!("{n:.2}")).unwrap_or_default();
    let rules = rows.iter().any(|row| row.rule.is_some());
    html! {
        table {
            thead {
                tr {
                    th { "client" }
                    @if rules { th { "rule" } }
                    @for name in [fired, "critical", "warning", "info", "accepted", "dismissed", "no report",
                        "override rate", "not checked", "p50 ms", "p95 ms"] { th class="n" { (name) } }
                    th { "why dismissed" }
                }
            }
            tbody {
                @for row in rows {
                    tr class=[row.stands_out.then_some("loud")] {
                        td { (row.client.as_deref().unwrap_or_default()) }
                        @if rules { td class="id" { (row.rule.as_deref().unwrap_or_default()) } }
                        @for value in [row.fired, row.critical, row.warning, row.info, row.accepted,
                            row.overridden, row.unanswered] { td class="n" { (value) } }
                        td class="n" { (percent(row.override_rate)) }
                        td class="n" title=(counted(&row.not_checked_why)) { (row.not_checked) }
                        td class="n" { (number(row.p50_ms)) }
                        td class="n" { (number(row.p95_ms)) }
                        td { (counted(&row.reasons)) }
                    }
                }
            }
        }
    }
}

fn texts(texts: &[Text]) -> Markup {
    html! {
        h2 { "What users wrote" }
        p class="warn" { "Free text of users: it may name patients. Treat this page like a chart." }
        @for comment in texts {
            p class="small" { (comment.at) " · " (comment.client) " · " (comment.rules.join(", ")) }
            blockquote {
                (comment.text)
                @if comment.cut > 0 { " … (" (comment.cut) " characters were cut off)" }
            }
        }
    }
}
