//! What do all rows have in common, whatever their kind?

use super::drug::{
    BoxedWarning, Cite, Confidence, Drug, Jurisdiction, Label, NoLabel, RenalDose, Review,
    Screening, ScreeningTest, Withdrawn,
};
use serde::Serialize;
use toml::Spanned;

/// Topic of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
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
row!(Screening, |row| row.test.topic());
row!(RenalDose, |_| Topic::RenalDose);
row!(NoLabel, |_| Topic::NoLabel);

impl Drug {
    /// Every row of the file, in the order of the kinds.
    pub fn rows(&self) -> impl Iterator<Item = &dyn Row> {
        let boxed = self.boxed_warning.iter().map(|r| r as &dyn Row);
        let screening = self.screening.iter().map(|r| r as &dyn Row);
        let renal = self.renal_dose.iter().map(|r| r as &dyn Row);
        let none = self.no_label.iter().map(|r| r as &dyn Row);
        boxed.chain(screening).chain(renal).chain(none)
    }
}
