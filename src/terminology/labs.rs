//! Which laboratory test, measurement or question does an Observation code name?

use super::decimal::Range;
use super::{Code, System};
use hashbrown::HashMap;
use serde::Deserialize;

/// What kind of answer the test gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResultKind {
    /// A number with a unit.
    Quantity,
    /// Positive, negative or indeterminate.
    Qualitative,
    /// A number that [`Lab::positive`] turns into positive or negative, or the words.
    Thresholded,
    /// A viral load: any number but zero is positive; "<10 detected" is positive.
    ViralLoad,
    /// A code out of a list of answers (smoking status).
    Coded,
}

/// The test as it is ordered.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orderable {
    /// LOINC code.
    pub code: String,
    /// The LOINC display of that code.
    pub display: String,
    /// The test in the words of the ward.
    pub text: String,
}

/// One row of `hooks/codes/labs.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lab {
    /// Name of the test in rules and cases.
    pub id: String,
    /// Name of the test on cards.
    pub title: String,
    /// The prefetch group that asks for it.
    pub group: Group,
    /// What kind of answer it gives.
    pub result: ResultKind,
    /// The analyte of `units.toml`.
    #[serde(default)]
    pub analyte: Option<String>,
    /// The unit that results are converted to (UCUM).
    #[serde(default)]
    pub unit: Option<String>,
    /// The unit as cards print it.
    #[serde(default)]
    pub unit_text: Option<String>,
    /// Numbers that mean positive.
    #[serde(default)]
    pub positive: Option<Range>,
    /// Numbers that mean neither.
    #[serde(default)]
    pub borderline: Option<Range>,
    /// Where `positive` and `borderline` are from.
    #[serde(default)]
    pub threshold_source: Option<String>,
    /// The upper limits of normal that laboratories print lie in this band, in `unit`: for a result
    /// that came without its own.
    #[serde(default)]
    pub upper_limit: Option<Range>,
    /// What answers in words mean, for a question with a list of answers.
    #[serde(default)]
    pub answers: Vec<Answer>,
    /// Numbers that a living patient can have, in `unit`: what lies outside was written wrongly.
    #[serde(default)]
    pub plausible: Option<Range>,
    /// Id of the panel to order when it is missing.
    #[serde(default)]
    pub panel: Option<String>,
    /// Tests of the same day that must be normal before a negative counts (mitogen, nil).
    #[serde(default)]
    pub controls: Vec<Control>,
    /// How to order it.
    #[serde(default)]
    pub order: Option<Orderable>,
    /// LOINC codes.
    pub codes: Vec<Code>,
}

/// What an answer in words means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Concept of `conditions.toml`.
    pub concept: String,
    /// Whole answers, lower case.
    pub words: Vec<String>,
    /// `true` or `false`, where that is how it is answered.
    #[serde(default)]
    pub boolean: Option<bool>,
}

/// A control that a result depends on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Id of the control's own row.
    pub lab: String,
    /// The control is adequate inside this band.
    pub adequate: Range,
    /// A positive result must also be at least this share of the control (percent).
    #[serde(default)]
    pub positive_share: Option<super::decimal::Number>,
    /// A negative result without this control proves nothing.
    #[serde(default)]
    pub needed_for_negative: bool,
}

/// The prefetch key under which a test is asked for; a search that was refused leaves all of its
/// tests unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Tuberculosis, hepatitis and HIV tests, of any age.
    InfectionTests,
    /// Chemistry and blood counts.
    Labs,
    /// Weight, height, smoking, pregnancy.
    Vitals,
    /// Genes, of any age.
    Genotypes,
}

impl Group {
    /// All groups.
    pub const ALL: [Group; 4] =
        [Group::InfectionTests, Group::Labs, Group::Vitals, Group::Genotypes];

    /// The prefetch key.
    pub fn key(self) -> &'static str {
        match self {
            Group::InfectionTests => "infection-tests",
            Group::Labs => "labs",
            Group::Vitals => "vitals",
            Group::Genotypes => "genotypes",
        }
    }
}

/// The lookups over the rows of `labs.toml`.
#[derive(Debug, Default)]
pub struct Labs {
    rows: Vec<Lab>,
    by_code: HashMap<String, usize>,
    by_id: HashMap<String, usize>,
}

impl Labs {
    /// Builds the lookups.
    pub fn new(rows: Vec<Lab>) -> Labs {
        let mut labs = Labs::default();
        for (index, row) in rows.iter().enumerate() {
            labs.by_id.insert(row.id.clone(), index);
            for code in row.codes.iter().filter(|c| c.system == System::Loinc) {
                labs.by_code.insert(code.code.clone(), index);
            }
        }
        labs.rows = rows;
        labs
    }

    /// The test that a LOINC code names.
    pub fn by_loinc(&self, code: &str) -> Option<&Lab> {
        self.by_code.get(code.trim()).map(|&i| &self.rows[i])
    }

    /// The row with this id.
    pub fn get(&self, id: &str) -> Option<&Lab> {
        self.by_id.get(id).map(|&i| &self.rows[i])
    }

    /// All rows, in the order of the file.
    pub fn rows(&self) -> &[Lab] {
        &self.rows
    }
}
