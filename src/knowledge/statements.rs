//! What the project's source documents say, and what became of each statement: a rule, text on a
//! card, or context with the reason.

use super::Knowledge;
use serde::Deserialize;
use std::fmt::Write;
use toml::Spanned;

/// `hooks/statements.toml`.
#[derive(Clone, Debug, Default)]
pub struct Statements {
    /// The documents.
    pub source: Vec<StatementSource>,
    /// Their statements, in their order.
    pub statement: Vec<Statement>,
}

/// A document.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementSource {
    /// Short name.
    pub id: String,
    /// Title and date.
    pub title: String,
}

/// What became of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disposition {
    /// Rows speak.
    Rule,
    /// The words stand on a card, as part of a row.
    Text,
    /// Not said when a drug is ordered.
    Context,
}

/// One statement.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// `S1` to `S102`.
    pub id: Spanned<String>,
    /// Id of the document.
    pub source: String,
    /// What it says, in our words.
    pub says: String,
    /// What became of it.
    pub disposition: Disposition,
    /// Ids of rows.
    #[serde(default)]
    pub rules: Vec<Spanned<String>>,
    /// Why it is only context, or what the label says instead.
    #[serde(default)]
    pub note: Option<String>,
}

/// The page of all statements, Markdown.
pub fn page(knowledge: &Knowledge) -> String {
    let statements = &knowledge.statements;
    let mut page = "# What became of every source statement\n\n\
        Written by `jakcard statements` from `statements.toml` and the drug files; a test keeps it so. A \
        statement is a **rule** (rows speak), **text** (its words stand on a card as part of a row) or \
        **context** (not said when a drug is ordered, with the reason). Where a statement and a label \
        differ, the label speaks.\n"
        .to_owned();
    for source in &statements.source {
        let _ = write!(
            page,
            "\n## {} – {}\n\n| # | statement | became | rows | note |\n|---|---|---|---|---|\n",
            source.id, source.title
        );
        for row in statements.statement.iter().filter(|s| s.source == source.id) {
            let became = match row.disposition {
                Disposition::Rule => "rule",
                Disposition::Text => "text",
                Disposition::Context => "context",
            };
            let rules: Vec<String> =
                row.rules.iter().map(|r| format!("`{}`", r.get_ref())).collect();
            let note = row.note.as_deref().unwrap_or_default();
            let cell = |text: &str| text.replace('|', "\\|");
            let _ = writeln!(
                page,
                "| {} | {} | {became} | {} | {} |",
                row.id.get_ref(),
                cell(&row.says),
                rules.join(" "),
                cell(note)
            );
        }
    }
    page
}
