//! An answer for people: the cards as a terminal shows them.

use crate::cds_hooks::{Card, CdsResponse, Indicator};
use anstyle::{AnsiColor, Color, Style};
use std::fmt::Write;

/// The cards, with colour codes that the writer strips where there is no terminal.
pub fn render(response: &CdsResponse) -> String {
    if response.cards.is_empty() {
        return "No card: no JAK inhibitor is ordered, or nothing is to be said of it.\n"
            .to_owned();
    }
    response.cards.iter().map(card).collect::<Vec<_>>().join("\n")
}

fn card(card: &Card) -> String {
    let colour = match card.indicator {
        Indicator::Info => AnsiColor::Blue,
        Indicator::Warning => AnsiColor::Yellow,
        Indicator::Critical => AnsiColor::Red,
    };
    let head = Style::new().bold().fg_color(Some(Color::Ansi(colour)));
    let mut out = String::new();
    let word = card.indicator.word().to_uppercase();
    _ = writeln!(out, "{head}{word}  {}{head:#}", card.summary);
    for line in card.detail.lines() {
        _ = writeln!(out, "  {}", unmarked(line));
    }
    for suggestion in &card.suggestions {
        _ = writeln!(out, "  [ ] {}", suggestion.label);
    }
    _ = writeln!(out, "  Source: {} <{}>", card.source.label, card.source.url);
    out
}

/// Markdown of our own making, read as plain text.
fn unmarked(line: &str) -> String {
    let mut text = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.extend(chars.next()),
            '*' => {}
            c => text.push(c),
        }
    }
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&#47;", "/"), ("&#46;", "."), ("&#64;", "@")];
    for (entity, letter) in entities {
        text = text.replace(entity, letter);
    }
    text.replace("&amp;", "&")
}
