//! Does a coded or written result mean positive, negative or neither?
//!
//! "Non-reactive" contains "reactive": invalid words are read first, then negatives, then
//! indeterminates, positives last. Words that no list knows are unknown, never negative.

use super::{Code, System};
use regex::RegexSet;
use serde::Deserialize;
use std::collections::HashMap;

/// What a result says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// Cancelled, not done, specimen unsuitable: there is no result.
    Invalid,
    /// Negative, non-reactive, not detected.
    Negative,
    /// Indeterminate, equivocal, borderline.
    Indeterminate,
    /// Positive, reactive, detected.
    Positive,
}

/// One row of `hooks/codes/results.toml`: the rows stand in the order in which they are tried.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultRow {
    /// The meaning.
    pub meaning: Meaning,
    /// Regular expressions over the text, lower case, spaces and hyphens folded to one space.
    #[serde(default)]
    pub words: Vec<String>,
    /// The same, for viral loads only.
    #[serde(default)]
    pub viral_load_words: Vec<String>,
    /// Codes of the meaning.
    #[serde(default)]
    pub codes: Vec<Code>,
    /// Where the words are from.
    #[serde(default)]
    pub source: Option<String>,
}

/// The lookups over the rows of `results.toml`.
#[derive(Debug, Default)]
pub struct Results {
    by_code: HashMap<(System, String), Meaning>,
    words: Vec<(Meaning, RegexSet, RegexSet)>,
}

impl Results {
    /// Builds the lookups.
    ///
    /// # Errors
    /// The regular expression that cannot be read, and why.
    pub fn new(rows: Vec<ResultRow>) -> Result<Results, String> {
        let mut results = Results::default();
        for row in rows {
            let set = RegexSet::new(&row.words).map_err(|e| e.to_string())?;
            let loads = RegexSet::new(&row.viral_load_words).map_err(|e| e.to_string())?;
            results.words.push((row.meaning, set, loads));
            for code in row.codes {
                results.by_code.insert((code.system, code.code), row.meaning);
            }
        }
        Ok(results)
    }

    /// The meaning of a coded result or interpretation.
    pub fn by_code(&self, system: System, code: &str) -> Option<Meaning> {
        self.by_code.get(&(system, code.trim().to_owned())).copied()
    }

    /// The meaning of a written result.
    pub fn by_text(&self, text: &str, viral_load: bool) -> Option<Meaning> {
        let mut folded = String::with_capacity(text.len());
        for word in text.to_lowercase().split(|c: char| c.is_whitespace() || c == '-') {
            if !word.is_empty() {
                if !folded.is_empty() {
                    folded.push(' ');
                }
                folded.push_str(word);
            }
        }
        self.words.iter().find_map(|(meaning, words, loads)| {
            (words.is_match(&folded) || (viral_load && loads.is_match(&folded))).then_some(*meaning)
        })
    }
}
