//! What do all rows have in common, whatever their kind?

use super::drug::{
    Applies, BoxedWarning, Cite, Confidence, Drug, Jurisdiction, Label, NoLabel, Review,
    ScreeningTest, Withdrawn,
};
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// Topic of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// The label's box, or the EU wording for special populations.
    BoxedWarning,
    /// Tuberculosis test.
    TbScreening,
    /// Hepatitis B tests.
    HepatitisBScreening,
    /// Hepatitis C tests.
    HepatitisCScreening,
    /// HIV test.
    HivScreening,
    /// Dose at the patient's renal function.
    RenalDose,
    /// Dose at the patient's hepatic function.
    Hepatic,
    /// Blood counts.
    Cytopenia,
    /// Other medicines, and genes that act like one.
    Interaction,
    /// A second JAK inhibitor.
    DuplicateTherapy,
    /// Pregnancy and breast-feeding.
    Pregnancy,
    /// A live vaccine inside the window.
    LiveVaccine,
    /// No recombinant zoster vaccine.
    ZosterVaccine,
    /// An infection now.
    ActiveInfection,
    /// Cancer.
    Malignancy,
    /// Heart and vessels.
    Cardiovascular,
    /// Clots.
    Thrombosis,
    /// 65 years or older.
    #[serde(rename = "age-65")]
    Age65,
    /// Low blood sugar in treated diabetes.
    Hypoglycemia,
    /// Lipids before the start.
    Lipids,
    /// Dose above the label's maximum.
    MaxDose,
    /// A scheduled check that is due.
    Monitoring,
    /// No label in the jurisdiction.
    NoLabel,
}

impl Topic {
    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Topic::BoxedWarning => "boxed-warning",
            Topic::TbScreening => "tb-screening",
            Topic::HepatitisBScreening => "hepatitis-b-screening",
            Topic::HepatitisCScreening => "hepatitis-c-screening",
            Topic::HivScreening => "hiv-screening",
            Topic::RenalDose => "renal-dose",
            Topic::Hepatic => "hepatic",
            Topic::Cytopenia => "cytopenia",
            Topic::Interaction => "interaction",
            Topic::DuplicateTherapy => "duplicate-therapy",
            Topic::Pregnancy => "pregnancy",
            Topic::LiveVaccine => "live-vaccine",
            Topic::ZosterVaccine => "zoster-vaccine",
            Topic::ActiveInfection => "active-infection",
            Topic::Malignancy => "malignancy",
            Topic::Cardiovascular => "cardiovascular",
            Topic::Thrombosis => "thrombosis",
            Topic::Age65 => "age-65",
            Topic::Hypoglycemia => "hypoglycemia",
            Topic::Lipids => "lipids",
            Topic::MaxDose => "max-dose",
            Topic::Monitoring => "monitoring",
            Topic::NoLabel => "no-label",
        }
    }
}

impl ScreeningTest {
    /// The topic of findings about this test.
    pub fn topic(self) -> Topic {
        match self {
            ScreeningTest::Tuberculosis => Topic::TbScreening,
            ScreeningTest::HepatitisB => Topic::HepatitisBScreening,
            ScreeningTest::HepatitisC => Topic::HepatitisCScreening,
            ScreeningTest::Hiv => Topic::HivScreening,
        }
    }
}

/// A row of a drug file.
pub trait Row {
    /// Its id, with its place in the file.
    fn id(&self) -> &Spanned<String>;
    /// What its findings are about.
    fn topic(&self) -> Topic;
    /// Where it is from.
    fn cite(&self) -> &Cite;
    /// One imperative sentence that names the drug.
    fn advice(&self) -> &str;
    /// Signed by a pharmacist?
    fn review(&self) -> Option<Review>;
    /// No longer true.
    fn withdrawn(&self) -> Option<&Withdrawn>;
    /// Whom it is for; none where the kind is for everybody.
    fn applies(&self) -> Option<&Applies> {
        None
    }

    /// Where the row holds: the jurisdiction of the label that it cites.
    fn jurisdiction(&self, drug: &Drug) -> Option<Jurisdiction> {
        drug.label(self.cite()).map(|l: &Label| l.jurisdiction)
    }
    /// Rows of confidence C and withdrawn rows say nothing.
    fn speaks(&self) -> bool {
        self.withdrawn().is_none() && self.cite().confidence != Confidence::C
    }
    /// Not signed yet: findings say so.
    fn is_draft(&self) -> bool {
        self.review() == Some(Review::Draft)
    }
}

macro_rules! row {
    ($kind:ty, $topic:expr) => {
        impl Row for $kind {
            fn id(&self) -> &Spanned<String> {
                &self.id
            }
            fn topic(&self) -> Topic {
                let topic: fn(&$kind) -> Topic = $topic;
                topic(self)
            }
            fn cite(&self) -> &Cite {
                &self.cite
            }
            fn advice(&self) -> &str {
                &self.advice
            }
            fn review(&self) -> Option<Review> {
                self.review
            }
            fn withdrawn(&self) -> Option<&Withdrawn> {
                self.withdrawn.as_ref()
            }
        }
    };
}

row!(BoxedWarning, |_| Topic::BoxedWarning);
row!(NoLabel, |_| Topic::NoLabel);

impl Drug {
    /// Every row of the file, in the order of the kinds.
    pub fn rows(&self) -> impl Iterator<Item = &dyn Row> {
        fn all<R: Row>(rows: &[R]) -> impl Iterator<Item = &dyn Row> {
            rows.iter().map(|r| r as &dyn Row)
        }
        all(&self.boxed_warning)
            .chain(all(&self.risk_group))
            .chain(all(&self.screening))
            .chain(all(&self.renal_dose))
            .chain(all(&self.hepatic))
            .chain(all(&self.max_dose))
            .chain(all(&self.lab_limit))
            .chain(all(&self.interaction))
            .chain(all(&self.phenotype))
            .chain(all(&self.combination))
            .chain(all(&self.pregnancy))
            .chain(all(&self.vaccine))
            .chain(all(&self.baseline))
            .chain(all(&self.monitoring))
            .chain(all(&self.no_label))
    }
}
