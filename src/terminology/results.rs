//! Does a coded or written result mean positive, negative or neither?
//!
//! "Non-reactive" contains "reactive": invalid words are read first, then negatives, then
//! indeterminates, positives last. Words that no list knows are unknown, never negative.

use super::{Code, Codes, System};
use regex::RegexSet;
use serde::Deserialize;

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

impl Meaning {
    /// The meaning of a yes or a no.
    pub fn of(yes: bool) -> Meaning {
        if yes { Meaning::Positive } else { Meaning::Negative }
    }
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
    by_code: Codes<Meaning>,
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
                results.by_code.insert(code.system, code.code, row.meaning);
            }
        }
        Ok(results)
    }

    /// The meaning of a coded result or interpretation.
    pub fn by_code(&self, system: System, code: &str) -> Option<Meaning> {
        self.by_code.get(system, code.trim()).copied()
    }

    /// The meaning of a written result.
    pub fn by_text(&self, text: &str, viral_load: bool) -> Option<Meaning> {
        let mut folded = String::with_capacity(text.len());
        for word in text.to_lowercase().split(|c: char| {
            c.is_whitespace() || c == '-' || ('\u{2010}'..='\u{2015}').contains(&c)
        }) {
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

#[cfg(test)]
mod tests {
    use crate::knowledge::{embedded, read};
    use crate::terminology::results::Meaning::{self, Indeterminate, Invalid, Negative, Positive};

    fn told(text: &str, viral_load: bool) -> Option<Meaning> {
        let knowledge = read::read(&embedded::embedded()).expect("the knowledge is sound");
        knowledge.terminology.results.by_text(text, viral_load)
    }

    #[test]
    fn negatives_are_read_before_the_positives_that_they_contain() {
        for (text, meaning) in [
            ("Non-Reactive", Negative),
            ("NOT DETECTED", Negative),
            ("Non\u{2011}Reactive", Negative),
            ("Not Positive", Negative),
            ("Not detectable", Negative),
            ("Detectable", Positive),
            ("Reactive; confirmation pending", Positive),
            ("Positive; repeat testing recommended", Positive),
            ("Target not detected", Negative),
            ("none detected", Negative),
            ("No HCV RNA detected", Negative),
            ("Neg", Negative),
            ("NR", Negative),
            ("Not present", Negative),
            ("Reactive", Positive),
            ("POSITIVE (abnormal)", Positive),
            ("Positive, see note", Positive),
            ("Indeterminate", Indeterminate),
            ("gray zone", Indeterminate),
            ("cancelled", Invalid),
            ("specimen rejected", Invalid),
        ] {
            // NR may mean not reported: no list knows it.
            let wanted = (text != "NR").then_some(meaning);
            assert_eq!(told(text, false), wanted, "{text}");
        }
        for unknown in ["purple", "see note", "specimen hemolyzed"] {
            assert_eq!(told(unknown, false), None, "{unknown}");
        }
    }

    #[test]
    fn a_load_below_the_limit_that_was_detected_is_positive() {
        assert_eq!(told("<10 IU/mL, detected", true), Some(Positive));
        assert_eq!(told("Detected, below the limit of quantification", true), Some(Positive));
        assert_eq!(told("<10 IU/mL", true), Some(Negative));
        assert_eq!(told("Below the limit of detection", true), Some(Negative));
        assert_eq!(told("<10 IU/mL not detected", true), Some(Negative));
    }
}
