//! How does a result in one unit read in another?
//!
//! The alias table comes first: UCUM takes `K/uL` for kelvin per microlitre. Only a unit that the
//! table does not know goes to the UCUM library; what neither knows is unknown, not one to one.

use super::decimal::Number;
use hashbrown::HashMap;
use rust_decimal::Decimal;
use serde::Deserialize;

/// One row of `hooks/codes/units.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitRow {
    /// The analytes for which the row holds.
    pub analytes: Vec<String>,
    /// What EHRs write, code or text.
    pub spelled: Vec<String>,
    /// UCUM unit of the result of the conversion.
    pub to: String,
    /// Multiply by this …
    #[serde(default)]
    pub multiply: Option<Number>,
    /// … and divide by this.
    #[serde(default)]
    pub divide: Option<Number>,
    /// What a reader of the table should know.
    #[serde(default)]
    pub note: Option<String>,
}

#[derive(Clone, Debug)]
struct Factor {
    to: String,
    multiply: Decimal,
    divide: Decimal,
}

impl Factor {
    fn apply(&self, value: Decimal, to: &str) -> Option<Decimal> {
        if self.to != to {
            return None;
        }
        value.checked_mul(self.multiply)?.checked_div(self.divide)
    }
}

/// The unit as it would be typed: micro as `u`, powers as `10*9`, no times sign before them.
fn plain(unit: &str) -> String {
    let mut plain = String::new();
    for c in unit.chars() {
        match c {
            'µ' | 'μ' => plain.push('u'),
            '^' => plain.push('*'),
            '×' => {}
            '¹' => plain.push('1'),
            '²' => plain.push_str("*2"),
            '³' => plain.push_str("*3"),
            '⁶' => plain.push_str("*6"),
            '⁹' => plain.push_str("*9"),
            c if c.is_whitespace() => {}
            c => plain.push(c),
        }
    }
    match plain.strip_prefix(['x', 'X']) {
        Some(rest) if rest.starts_with("10") => rest.to_owned(),
        _ => plain,
    }
}

/// The lookups over the rows of `units.toml`.
#[derive(Debug, Default)]
pub struct Units {
    /// By analyte, then by spelling.
    exact: HashMap<String, HashMap<String, Factor>>,
    /// The same in lower case.
    folded: HashMap<String, HashMap<String, Factor>>,
}

impl Units {
    /// Builds the lookups.
    pub fn new(rows: Vec<UnitRow>) -> Units {
        let mut units = Units::default();
        for row in rows {
            let factor = Factor {
                to: row.to,
                multiply: row.multiply.map_or(Decimal::ONE, |n| n.0),
                divide: row.divide.map_or(Decimal::ONE, |n| n.0),
            };
            for analyte in &row.analytes {
                let exact = units.exact.entry(analyte.clone()).or_default();
                let folded = units.folded.entry(analyte.clone()).or_default();
                for spelled in &row.spelled {
                    exact.insert(spelled.clone(), factor.clone());
                    folded.insert(spelled.to_ascii_lowercase(), factor.clone());
                }
            }
        }
        units
    }

    /// The value in the unit `to`; `None` when the unit is not known to convert.
    pub fn convert(&self, analyte: &str, value: Decimal, from: &str, to: &str) -> Option<Decimal> {
        let from = from.trim();
        let factor = self.exact.get(analyte).and_then(|units| units.get(from));
        if let Some(factor) = factor {
            return factor.apply(value, to);
        }
        // EHRs write units in any case, and `Mg` is a tonne to UCUM.
        let factor = self.folded.get(analyte).and_then(|u| u.get(&from.to_ascii_lowercase()));
        if let Some(factor) = factor {
            return factor.apply(value, to);
        }
        let plain = plain(from);
        if plain != from {
            return self.convert(analyte, value, &plain, to);
        }
        // Annotations are dropped by UCUM, and with them the body surface of an eGFR: only units
        // without one are left to the library.
        if from.is_empty() || from.contains('{') || to.contains('{') {
            return None;
        }
        let factor = octofhir_ucum::convert(1.0, from, to).ok()?;
        super::decimal::parse(&factor.to_string()).and_then(|f| value.checked_mul(f))
    }
}
