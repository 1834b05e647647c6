//! Which other medicine that a rule asks about does a code or a name tell?

use super::{Code, System};
use serde::Deserialize;
use std::collections::HashMap;

/// One row of `hooks/codes/medicines.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Substance {
    /// Name in rules and cases, and on cards.
    pub id: String,
    /// What it is to the rules: `tuberculosis-treatment` …
    pub groups: Vec<String>,
    /// Names in free text, lower case.
    pub names: Vec<String>,
    /// RxNorm ingredient and products, ATC.
    pub codes: Vec<Code>,
}

/// The lookups over the rows of `medicines.toml`.
#[derive(Debug, Default)]
pub struct Medicines {
    rows: Vec<Substance>,
    by_code: HashMap<(System, String), usize>,
}

impl Medicines {
    /// Builds the lookups.
    pub fn new(rows: Vec<Substance>) -> Medicines {
        let mut by_code = HashMap::new();
        for (index, row) in rows.iter().enumerate() {
            for code in &row.codes {
                by_code.insert((code.system, code.code.clone()), index);
            }
        }
        Medicines { rows, by_code }
    }

    /// The substance that a code names.
    pub fn by_code(&self, system: System, code: &str) -> Option<&Substance> {
        self.by_code.get(&(system, code.trim().to_owned())).map(|&i| &self.rows[i])
    }

    /// The substances that words name.
    pub fn by_text(&self, text: &str) -> Vec<&Substance> {
        let text = text.to_lowercase();
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
        let named = |row: &&Substance| row.names.iter().any(|n| words.contains(&n.as_str()));
        self.rows.iter().filter(named).collect()
    }

    /// All rows, in the order of the file.
    pub fn rows(&self) -> &[Substance] {
        &self.rows
    }
}
