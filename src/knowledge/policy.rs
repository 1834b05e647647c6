//! The shape of `hooks/policy.toml`: what no label fixes, decided once for the whole service.

use super::drug::ScreeningTest;
use super::kinds::ChildPugh;
use crate::terminology::Range;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use toml::Spanned;

/// What a row asks the prescriber to do. The table `[levels]` says how loud that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Know the warning.
    Remind,
    /// Know the warning: this patient has one of its risks.
    WeighRisk,
    /// Test before the first dose.
    TestBeforeStart,
    /// The label says consider, or a guideline asks and the label does not.
    ConsiderTest,
    /// A positive test that nobody has followed up on record.
    WorkUp,
    /// Treat first, then start.
    TreatFirst,
    /// Do not start.
    DoNotStart,
    /// Give less.
    ReduceDose,
    /// The label does not recommend the drug here.
    NotRecommended,
    /// The label says avoid.
    Avoid,
    /// The label contraindicates.
    Contraindicated,
    /// The label has no data here.
    NotStudied,
    /// Stop for now.
    Interrupt,
    /// Stop.
    Discontinue,
    /// Liver enzymes are high: stop for now, and look for the cause.
    CheckLiver,
    /// A check that the label schedules is due.
    TestDue,
    /// Start and watch.
    Monitor,
    /// There is no label to go by.
    NoLabel,
}

/// CDS Hooks card indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// To know.
    Info,
    /// To act on.
    Warning,
    /// To stop at.
    Critical,
}

/// What the chart says about a screening test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScreeningState {
    /// Active disease.
    Active,
    /// Latent infection, not treated long enough.
    LatentUntreated,
    /// Positive, and not followed up on record.
    Positive,
    /// Surface antigen positive, or a chronic infection on the problem list.
    SurfaceAntigenPositive,
    /// Nucleic acid detectable.
    NucleicAcidDetectable,
    /// Core antibody positive, nucleic acid not tested.
    CorePositiveUntested,
    /// Core antibody positive, nucleic acid undetectable.
    CorePositiveUndetectable,
    /// Antibody positive, nucleic acid not tested.
    AntibodyPositiveUntested,
    /// Known infection.
    Known,
}

/// What a state of a test asks for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateRow {
    /// The test.
    pub test: ScreeningTest,
    /// The state.
    pub state: ScreeningState,
    /// What to do.
    pub action: Action,
    /// Where the level is from.
    pub source: String,
}

/// A risk of the boxed warnings, found in the chart.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskGroup {
    /// Name in drug files.
    pub id: Spanned<String>,
    /// Name on cards.
    pub title: String,
    /// Age in completed years from which everybody is at risk.
    #[serde(default)]
    pub age_from: Option<u16>,
    /// Conditions that are the risk, now or in the past.
    #[serde(default)]
    pub history: Vec<Spanned<String>>,
    /// Conditions that are the risk while they are active.
    #[serde(default)]
    pub active: Vec<Spanned<String>>,
    /// Labs whose coded answer is one of the concepts (smoking status).
    #[serde(default)]
    pub answers: Vec<Spanned<String>>,
}

/// How long things count; calendar months or days, the last day included.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Windows {
    /// A tuberculosis test counts for a new start.
    pub tuberculosis_test_months: u16,
    /// Creatinine and eGFR count as current.
    pub renal_months: u16,
    /// Body weight and height count for estimates.
    pub weight_months: u16,
    /// Days of preventive treatment after which latent tuberculosis counts as treated.
    pub tuberculosis_treatment_days: u16,
    /// The same ingredient on the list this long makes the order a continuation.
    pub continuing_days: u16,
    /// Days between two entries of one drug that still are one course.
    pub renewal_gap_days: u16,
    /// An entry without an end may have lasted so many days until it was renewed.
    pub renewal_days: u16,
    /// An infection without status counts as active this long after its date.
    pub infection_days: u16,
    /// Blood counts, liver enzymes and what Child-Pugh is computed from count as current.
    pub blood_months: u16,
    /// Lipids count as a baseline.
    pub lipids_months: u16,
    /// A live vaccine counts this long.
    pub live_vaccine_days: u16,
    /// A pregnancy counts this long after it was recorded.
    pub pregnancy_days: u16,
    /// A negative pregnancy test counts this long.
    pub pregnancy_test_days: u16,
    /// Breast-feeding counts this long after it was recorded.
    pub breast_feeding_days: u16,
    /// Completed years between which somebody may become pregnant.
    pub childbearing_age: Range,
    /// Doses of recombinant zoster vaccine that make it complete.
    pub zoster_doses: u16,
}

/// The renal function that a diagnosis tells.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KidneyStage {
    /// The concept.
    pub concept: Spanned<String>,
    /// Its band, mL/min/1.73 m²; read for creatinine clearance too.
    pub gfr: Range,
    /// Dialysis and end-stage disease: no result can say otherwise.
    #[serde(default)]
    pub outweighs_results: bool,
}

/// How Child-Pugh points are added up: every part gives one point, two or three.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChildPughTable {
    /// Conditions, one of which must be on record.
    pub diseases: Vec<Spanned<String>>,
    /// Results.
    pub result: Vec<ChildPughResult>,
    /// Conditions that give two points or three when they are on record.
    pub signs: Vec<Spanned<String>>,
    /// Classes by points.
    pub classes: Vec<ChildPughClass>,
}

/// A result that gives points.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChildPughResult {
    /// Id of `labs.toml`.
    pub lab: Spanned<String>,
    /// Two points, in the lab's unit.
    pub two: Range,
    /// Three points.
    pub three: Range,
}

/// A class and its points.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChildPughClass {
    /// The class.
    pub class: ChildPugh,
    /// Fewest points.
    pub from: u16,
    /// Most points.
    pub to: u16,
}

/// `hooks/policy.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// How loud each action is.
    pub levels: BTreeMap<Action, Level>,
    /// How long things count.
    pub windows: Windows,
    /// How Child-Pugh points are added up.
    pub child_pugh: ChildPughTable,
    /// Renal function by diagnosis, the worst first.
    pub kidney_stage: Vec<KidneyStage>,
    /// Risks of the boxed warnings.
    pub risk: Vec<RiskGroup>,
    /// States of the screening tests.
    pub screening: Vec<StateRow>,
    /// Why prescribers override, out of HL7's list.
    pub override_reason: Vec<OverrideReason>,
}

/// A reason out of HL7's non-adherence reason codes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideReason {
    /// Code.
    pub code: String,
    /// Display.
    pub display: String,
}

impl Policy {
    /// How loud an action is; the check refuses a table that leaves one out.
    pub fn level(&self, action: Action) -> Level {
        self.levels.get(&action).copied().unwrap_or(Level::Critical)
    }

    /// What a state of a screening test asks for.
    pub fn state(&self, test: ScreeningTest, state: ScreeningState) -> Option<Action> {
        self.screening.iter().find(|r| r.test == test && r.state == state).map(|r| r.action)
    }

    /// The risk group with this id.
    pub fn risk(&self, id: &str) -> Option<&RiskGroup> {
        self.risk.iter().find(|r| r.id.get_ref() == id)
    }
}

impl Action {
    /// Every action.
    pub const ALL: &[Action] = &[
        Action::Remind,
        Action::WeighRisk,
        Action::TestBeforeStart,
        Action::ConsiderTest,
        Action::WorkUp,
        Action::TreatFirst,
        Action::DoNotStart,
        Action::ReduceDose,
        Action::NotRecommended,
        Action::Avoid,
        Action::Contraindicated,
        Action::NotStudied,
        Action::Interrupt,
        Action::Discontinue,
        Action::CheckLiver,
        Action::TestDue,
        Action::Monitor,
        Action::NoLabel,
    ];
}
