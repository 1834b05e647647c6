//! The shapes of a drug file: one table, one statement from one source.

use crate::terminology::decimal::{Number, Range};
use crate::terminology::products::Form;
use serde::Deserialize;
use toml::Spanned;

use super::kinds::{
    Baseline, Combination, Hepatic, Interaction, LabLimit, MaxDose, Monitoring, Phenotype,
    PregnancyRow, RenalDose, RiskRow, Screening, VaccineRow,
};
use super::policy::Action;

/// Whose labels speak.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, clap::ValueEnum,
)]
pub enum Jurisdiction {
    /// United States: the FDA prescribing information.
    #[serde(rename = "US")]
    #[value(name = "US", alias = "us")]
    Us,
    /// European Union: the EMA summary of product characteristics.
    #[serde(rename = "EU")]
    #[value(name = "EU", alias = "eu")]
    Eu,
}

impl Jurisdiction {
    /// `US` or `EU`.
    pub fn code(self) -> &'static str {
        match self {
            Jurisdiction::Us => "US",
            Jurisdiction::Eu => "EU",
        }
    }
}

/// A source that the rows of a file cite.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Short name used by `cite.source`.
    pub id: String,
    /// Where its words hold.
    pub jurisdiction: Jurisdiction,
    /// Title as cards print it.
    pub title: String,
    /// Where a reader finds it.
    pub url: String,
    /// Which revision was read, in words.
    #[serde(default)]
    pub revision: Option<String>,
}

/// How well a fact is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Confidence {
    /// Read in a source.
    A,
    /// Solid knowledge of the label, not read again.
    B,
    /// Unsure: the row stays silent and is listed as ignored.
    C,
}

/// Where a statement is from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cite {
    /// Id of a `[[label]]` of the same file.
    pub source: Spanned<String>,
    /// Section of the label.
    pub section: String,
    /// The fewest words that prove the row; only where they were read.
    #[serde(default)]
    pub quote: Option<String>,
    /// How well the fact is known.
    pub confidence: Confidence,
    /// Where the fact was read, when not in the label itself.
    #[serde(default)]
    pub read_in: Option<String>,
}

/// A row that no pharmacist has signed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Review {
    /// Not signed.
    Draft,
    /// Signed.
    Signed,
}

/// Why and since when a row no longer speaks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawn {
    /// First day on which it is silent.
    pub on: toml::value::Datetime,
    /// The reason.
    pub reason: String,
}

/// Part of a course of treatment that has a dose of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The first weeks.
    Induction,
    /// What follows.
    Maintenance,
}

/// To whom a row applies; what is absent does not restrict.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Applies {
    /// Ids of `conditions.toml`, one of which is what the drug is ordered for.
    #[serde(default)]
    pub indication: Vec<Spanned<String>>,
    /// Part of the course.
    #[serde(default)]
    pub phase: Option<Phase>,
    /// Forms of the product.
    #[serde(default)]
    pub form: Vec<Form>,
    /// Age in completed years.
    #[serde(default)]
    pub age: Option<Range>,
    /// Body weight, kg.
    #[serde(default)]
    pub weight: Option<Range>,
    /// Platelet count, 10*9/L.
    #[serde(default)]
    pub platelets: Option<Range>,
    /// On dialysis, or not.
    #[serde(default)]
    pub dialysis: Option<bool>,
}

/// The label's own warning at the top (US), or its wording for special populations (EU).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoxedWarning {
    /// Never changed, never used again.
    pub id: Spanned<String>,
    /// Title of the box, as printed.
    pub title: String,
    /// What the box says, one sentence per component.
    pub component: Vec<Component>,
    /// Risk groups of `policy.toml` that raise the reminder.
    #[serde(default)]
    pub raised_by: Vec<Spanned<String>>,
    /// Risk groups that are shown and do not raise it.
    #[serde(default)]
    pub noted: Vec<Spanned<String>>,
    /// Risk groups that are no risk when the drug is ordered for these indications.
    #[serde(default)]
    pub except: Vec<Exception>,
    /// How loud without a risk.
    pub action: Action,
    /// How loud with one.
    pub raised_action: Action,
    /// One imperative sentence that names the drug.
    pub advice: String,
    /// Signed by a pharmacist?
    #[serde(default)]
    pub review: Option<Review>,
    /// No longer true.
    #[serde(default)]
    pub withdrawn: Option<Withdrawn>,
    /// Where it is from.
    pub cite: Cite,
}

/// One component of a boxed warning.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Its short name, as cards print it.
    pub name: String,
    /// What it says, in one sentence.
    pub says: String,
}

/// A risk that an indication takes away (COVID-19 is no reason against the drug that treats it).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// The indication.
    pub indication: Spanned<String>,
    /// The concept that is then no risk.
    pub concept: Spanned<String>,
}

/// What a screening row asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScreeningTest {
    /// Latent and active tuberculosis.
    Tuberculosis,
    /// Hepatitis B.
    HepatitisB,
    /// Hepatitis C.
    HepatitisC,
    /// HIV.
    Hiv,
}

/// The measure of renal function that a label names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RenalMeasure {
    /// Creatinine clearance (Cockcroft–Gault), mL/min.
    CreatinineClearance,
    /// Estimated glomerular filtration rate, mL/min/1.73 m².
    Egfr,
}

/// The most that the label gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Milligrams per dose; absent when the dose itself is not limited.
    #[serde(default)]
    pub mg: Option<Number>,
    /// Doses per day.
    pub times_per_day: Number,
}

/// The drug has no label where we are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoLabel {
    /// Never changed, never used again.
    pub id: Spanned<String>,
    /// Where there is none.
    pub jurisdiction: Jurisdiction,
    /// How loud.
    pub action: Action,
    /// One sentence that names the drug.
    pub advice: String,
    /// Signed by a pharmacist?
    #[serde(default)]
    pub review: Option<Review>,
    /// No longer true.
    #[serde(default)]
    pub withdrawn: Option<Withdrawn>,
    /// Where that is from.
    pub cite: Cite,
}

/// One file of `hooks/drugs/`.
#[derive(Clone, Debug)]
pub struct Drug {
    /// Stem of the file, and `drug` in findings.
    pub drug: String,
    /// Name in sentences.
    pub name: String,
    /// The active ingredient: two files with one ingredient are the same medicine in other forms.
    pub ingredient: String,
    /// What the drug is ordered for, as ids of `conditions.toml`.
    pub indications: Vec<Spanned<String>>,
    /// The sources that rows cite.
    pub labels: Vec<Label>,
    /// Boxed warnings.
    pub boxed_warning: Vec<BoxedWarning>,
    /// Tests before the start.
    pub screening: Vec<Screening>,
    /// Renal dose limits.
    pub renal_dose: Vec<RenalDose>,
    /// Hepatic dose limits.
    pub hepatic: Vec<Hepatic>,
    /// The most that the label gives for an indication.
    pub max_dose: Vec<MaxDose>,
    /// Blood counts and liver enzymes.
    pub lab_limit: Vec<LabLimit>,
    /// Other medicines.
    pub interaction: Vec<Interaction>,
    /// Genes that make the drug stay longer.
    pub phenotype: Vec<Phenotype>,
    /// A second JAK inhibitor.
    pub combination: Vec<Combination>,
    /// The patient's own risks.
    pub risk_group: Vec<RiskRow>,
    /// Pregnancy and breast-feeding.
    pub pregnancy: Vec<PregnancyRow>,
    /// Vaccines.
    pub vaccine: Vec<VaccineRow>,
    /// Results that the label wants before the start.
    pub baseline: Vec<Baseline>,
    /// Checks that the label schedules.
    pub monitoring: Vec<Monitoring>,
    /// Where there is no label.
    pub no_label: Vec<NoLabel>,
}

impl Drug {
    /// The source that a row cites.
    pub fn label(&self, cite: &Cite) -> Option<&Label> {
        self.labels.iter().find(|l| l.id == *cite.source.get_ref())
    }
}
