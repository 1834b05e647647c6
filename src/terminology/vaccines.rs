//! Which vaccine does a code or a name tell, and is it live?

use super::names::Names;
use super::{Code, Codes, System};
use hashbrown::HashMap;
use serde::Deserialize;

/// One row of `hooks/codes/vaccines.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vaccine {
    /// Name in rules and cases.
    pub id: String,
    /// Name on cards.
    pub title: String,
    /// A live vaccine.
    pub live: bool,
    /// The code does not tell whether it is live.
    #[serde(default)]
    pub may_be_live: bool,
    /// Names in free text, lower case.
    pub names: Vec<String>,
    /// CVX codes.
    pub codes: Vec<Code>,
}

/// The lookups over the rows of `vaccines.toml`.
#[derive(Debug, Default)]
pub struct Vaccines {
    rows: Vec<Vaccine>,
    by_id: HashMap<String, usize>,
    by_code: Codes<usize>,
    names: Names,
}

impl Vaccines {
    /// Builds the lookups.
    pub fn new(rows: Vec<Vaccine>) -> Vaccines {
        let mut by_code = Codes::default();
        let mut by_id = HashMap::new();
        for (index, row) in rows.iter().enumerate() {
            by_id.insert(row.id.clone(), index);
            for code in &row.codes {
                by_code.insert(code.system, unpadded(&code.code), index);
            }
        }
        let names = Names::new(rows.iter().map(|r| r.names.as_slice()));
        Vaccines { rows, by_id, by_code, names }
    }

    /// The vaccine that a code names; CVX is written with and without leading zeros.
    pub fn by_code(&self, system: System, code: &str) -> Option<&Vaccine> {
        self.by_code.get(system, unpadded(code)).map(|&i| &self.rows[i])
    }

    /// The vaccines that words name.
    pub fn by_text(&self, text: &str) -> Vec<&Vaccine> {
        self.names.find(text).into_iter().map(|i| &self.rows[i]).collect()
    }

    /// The row with this id.
    pub fn get(&self, id: &str) -> Option<&Vaccine> {
        self.by_id.get(id).map(|&index| &self.rows[index])
    }

    /// All rows, in the order of the file.
    pub fn rows(&self) -> &[Vaccine] {
        &self.rows
    }
}

fn unpadded(code: &str) -> &str {
    code.trim().trim_start_matches('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_zero_of_cvx_may_be_left_out() {
        let code = Code {
            system: System::Cvx,
            code: "03".into(),
            matching: Default::default(),
            source: String::new(),
            confidence: super::super::CodeConfidence::A,
            note: None,
        };
        let mmr = Vaccine {
            id: "live.mmr".into(),
            title: "MMR".into(),
            live: true,
            may_be_live: false,
            names: vec!["m-m-r ii".into()],
            codes: vec![code],
        };
        let table = Vaccines::new(vec![mmr]);
        assert!(table.by_code(System::Cvx, "3").is_some());
        assert!(table.by_code(System::Cvx, "03").is_some());
        assert_eq!(table.by_text("M-M-R II vaccine, 0.5 mL").len(), 1);
        assert!(table.by_text("mr").is_empty());
    }
}
