//! Which other medicine that a rule asks about does a code or a name tell?

use super::names::Names;
use super::{Code, CodeConfidence, Codes, System};
use hashbrown::HashMap;
use serde::Deserialize;

/// One row of `hooks/codes/medicines.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Substance {
    /// Name in rules and cases.
    pub id: String,
    /// Name on cards.
    pub title: String,
    /// What it is to the rules: `tuberculosis-treatment`, `cyp3a4-inhibitor-strong` …
    pub groups: Vec<String>,
    /// Names in free text, lower case.
    pub names: Vec<String>,
    /// RxNorm ingredient, ATC.
    pub codes: Vec<Code>,
    /// Product codes, by the way in which the product enters the body.
    #[serde(default)]
    pub products: Vec<ProductCodes>,
}

/// Product codes that share a source.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductCodes {
    /// Their system.
    pub system: System,
    /// How the products enter the body.
    pub route: Absorption,
    /// Where the codes were seen.
    pub source: String,
    /// How sure we are of them.
    pub confidence: CodeConfidence,
    /// The codes.
    pub codes: Vec<String>,
}

/// Does a medicine reach the blood?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Absorption {
    /// By mouth, by injection.
    Systemic,
    /// On the skin, in the eye, the ear, the nose.
    Local,
    /// The code does not tell.
    Unknown,
}

impl Substance {
    /// Is the word its id or one of its groups?
    pub fn is(&self, word: &str) -> bool {
        self.id == word || self.groups.iter().any(|g| g == word)
    }
}

/// The lookups over the rows of `medicines.toml`.
#[derive(Debug, Default)]
pub struct Medicines {
    rows: Vec<Substance>,
    by_id: HashMap<String, usize>,
    by_code: Codes<Vec<(usize, Absorption)>>,
    prefixes: Vec<(System, String, usize)>,
    names: Names,
}

impl Medicines {
    /// Builds the lookups.
    pub fn new(rows: Vec<Substance>) -> Medicines {
        let mut medicines = Medicines::default();
        for (index, row) in rows.iter().enumerate() {
            medicines.by_id.insert(row.id.clone(), index);
            for code in &row.codes {
                if code.matching == super::Match::Prefix {
                    medicines.prefixes.push((code.system, code.code.clone(), index));
                }
                medicines.insert(code.system, &code.code, index, Absorption::Unknown);
            }
            for product in &row.products {
                for code in &product.codes {
                    medicines.insert(product.system, code, index, product.route);
                }
            }
        }
        medicines.names = Names::new(rows.iter().map(|r| r.names.as_slice()));
        medicines.rows = rows;
        medicines
    }

    fn insert(&mut self, system: System, code: &str, index: usize, route: Absorption) {
        self.by_code.push(system, code, (index, route));
    }

    /// The substances that a code names: a product may hold several.
    pub fn by_code(&self, system: System, code: &str) -> Vec<(&Substance, Absorption)> {
        let code = code.trim();
        let exact = self.by_code.get(system, code);
        let exact = exact.into_iter().flatten().map(|(i, route)| (&self.rows[*i], *route));
        let prefix = self.prefixes.iter().filter(|(s, prefix, _)| {
            *s == system && code.len() > prefix.len() && code.starts_with(prefix.as_str())
        });
        exact.chain(prefix.map(|(_, _, i)| (&self.rows[*i], Absorption::Unknown))).collect()
    }

    /// The substances that words name.
    pub fn by_text(&self, text: &str) -> Vec<&Substance> {
        self.names.find(text).into_iter().map(|i| &self.rows[i]).collect()
    }

    /// The row with this id.
    pub fn get(&self, id: &str) -> Option<&Substance> {
        self.by_id.get(id).map(|&index| &self.rows[index])
    }

    /// All rows, in the order of the file.
    pub fn rows(&self) -> &[Substance] {
        &self.rows
    }
}
