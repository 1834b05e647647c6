//! Which of the diagnoses that rules ask about does a Condition code name?

use super::{Code, Match, System};
use serde::Deserialize;
use std::collections::HashMap;

/// One row of `hooks/codes/conditions.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concept {
    /// Name of the concept in rules, policies and cases.
    pub id: String,
    /// Name on cards.
    pub title: String,
    /// A finding or a history, which has no end: an inactive status does not take it away.
    #[serde(default)]
    pub lasting: bool,
    /// ICD-10-CM, ICD-10 and SNOMED codes.
    pub codes: Vec<Code>,
}

/// The lookups over the rows of `conditions.toml`.
#[derive(Debug, Default)]
pub struct Conditions {
    rows: Vec<Concept>,
    by_id: HashMap<String, usize>,
    exact: HashMap<(System, String), Vec<usize>>,
    prefix: HashMap<(System, String), Vec<usize>>,
}

impl Conditions {
    /// Builds the lookups.
    pub fn new(rows: Vec<Concept>) -> Conditions {
        let mut conditions = Conditions::default();
        for (index, row) in rows.iter().enumerate() {
            conditions.by_id.insert(row.id.clone(), index);
            for code in &row.codes {
                let table = match code.matching {
                    Match::Exact => &mut conditions.exact,
                    Match::Prefix => &mut conditions.prefix,
                };
                table.entry((code.system, undotted(&code.code))).or_default().push(index);
            }
        }
        conditions.rows = rows;
        conditions
    }

    /// The concepts that a code names: those of the longest code that matches, so that C44 is skin
    /// cancer and not any cancer.
    pub fn by_code(&self, system: System, code: &str) -> Vec<&Concept> {
        let code = undotted(code);
        if let Some(hits) = self.exact.get(&(system, code.clone())) {
            return self.resolve(hits);
        }
        let ends = code.char_indices().map(|(i, c)| i + c.len_utf8()).rev();
        for end in ends {
            if let Some(hits) = self.prefix.get(&(system, code[..end].to_owned())) {
                return self.resolve(hits);
            }
        }
        Vec::new()
    }

    fn resolve(&self, indices: &[usize]) -> Vec<&Concept> {
        indices.iter().map(|&i| &self.rows[i]).collect()
    }

    /// The row with this id.
    pub fn get(&self, id: &str) -> Option<&Concept> {
        self.by_id.get(id).map(|&i| &self.rows[i])
    }

    /// All rows, in the order of the file.
    pub fn rows(&self) -> &[Concept] {
        &self.rows
    }
}

/// Claims and value sets write ICD codes without the dot.
fn undotted(code: &str) -> String {
    code.trim().replace('.', "").to_uppercase()
}
