//! The kinds of rows whose question depends on the patient: one struct each.
//!
//! What all of them have (id, whom they are for, advice, review, citation) is written once, in the
//! macro; what makes a kind is the rest.

use super::drug::{
    Applies, Cite, Exception, Limit, RenalMeasure, Review, ScreeningTest, Withdrawn,
};
use super::policy::Action;
use super::rows::{Row, Topic};
use crate::terminology::decimal::{Number, Range};
use serde::Deserialize;
use toml::Spanned;

macro_rules! kind {
    (
        $(#[$doc:meta])*
        $name:ident, $topic:expr, { $( $(#[$inner:meta])* $field:ident: $type:ty, )* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Never changed, never used again.
            pub id: Spanned<String>,
            /// For whom; absent means for everybody.
            #[serde(default)]
            pub applies: Applies,
            $( $(#[$inner])* pub $field: $type, )*
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

        impl Row for $name {
            fn id(&self) -> &Spanned<String> {
                &self.id
            }
            fn topic(&self) -> Topic {
                let topic: fn(&$name) -> Topic = $topic;
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
            fn applies(&self) -> Option<&Applies> {
                Some(&self.applies)
            }
        }
    };
}

kind! {
    /// A test that the label asks for before the start.
    Screening, |row| row.test.topic(), {
        /// The test.
        test: ScreeningTest,
        /// Ordered for one of these, the label does not ask.
        #[serde(default)]
        except_indication: Vec<Spanned<String>>,
        /// How loud when the test is missing, too old or indeterminate.
        missing: Action,
        /// The loudest that any result of this test may be on this drug's card.
        #[serde(default)]
        at_most: Option<Action>,
        /// The quietest that any finding of this test may be on this drug's card.
        #[serde(default)]
        at_least: Option<Action>,
    }
}

kind! {
    /// A dose limit at a renal function.
    RenalDose, |_| Topic::RenalDose, {
        /// The measure that the label compares.
        measure: RenalMeasure,
        /// The band, in the unit of the measure.
        value: Range,
        /// What the label asks for.
        action: Action,
        /// The most that the label gives here; absent when it gives nothing.
        #[serde(default)]
        limit: Option<Limit>,
        /// The most that the label gives to somebody who has been on the drug for weeks, where it
        /// lets the reduced dose be raised.
        #[serde(default)]
        continuing_limit: Option<Limit>,
        /// Days on the drug after which `continuing_limit` holds.
        #[serde(default)]
        continuing_days: Option<u16>,
        /// The labelled dose is given after a dialysis session: a daily dose is another one, however
        /// small.
        #[serde(default)]
        after_dialysis: bool,
        /// The labelled dose in words; with every `limit`.
        #[serde(default)]
        labelled_dose: Option<String>,
        /// The labelled dose is a share of the dose otherwise given: no new order is suggested.
        #[serde(default)]
        relative: bool,
        /// With `relative`: an order up to this one may be the share already.
        #[serde(default)]
        already: Option<Limit>,
    }
}

/// Child-Pugh class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub enum ChildPugh {
    /// 5 or 6 points.
    A,
    /// 7 to 9 points.
    B,
    /// 10 to 15 points.
    C,
}

kind! {
    /// A dose limit in hepatic impairment.
    Hepatic, |_| Topic::Hepatic, {
        /// The Child-Pugh classes.
        class: Vec<ChildPugh>,
        /// What the label asks for.
        action: Action,
        /// The most that the label gives here; absent when it gives nothing.
        #[serde(default)]
        limit: Option<Limit>,
        /// The labelled dose in words; with every `limit`.
        #[serde(default)]
        labelled_dose: Option<String>,
        /// The labelled dose is a share of the dose otherwise given: no new order is suggested.
        #[serde(default)]
        relative: bool,
    }
}

kind! {
    /// The most that the label gives, whatever the organs do.
    MaxDose, |_| Topic::MaxDose, {
        /// What the label asks for.
        action: Action,
        /// The most; absent where the label gives no dose at all (under age, under weight).
        #[serde(default)]
        limit: Option<Limit>,
        /// The most that the label gives to somebody who has been on the drug for weeks, where it
        /// lets the reduced dose be raised.
        #[serde(default)]
        continuing_limit: Option<Limit>,
        /// Days on the drug after which `continuing_limit` holds.
        #[serde(default)]
        continuing_days: Option<u16>,
        /// The labelled dose in words; with every `limit`.
        #[serde(default)]
        labelled_dose: Option<String>,
    }
}

/// For whom a limit holds: somebody who starts, or somebody who is on the drug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Before the first dose.
    Start,
    /// On the drug.
    Continuing,
}

kind! {
    /// A limit of a blood count, a liver enzyme or bilirubin.
    LabLimit, |row| match row.times_upper_limit {
        true => Topic::Hepatic,
        false => Topic::Cytopenia,
    }, {
        /// Id of `labs.toml`.
        lab: Spanned<String>,
        /// The band in the lab's unit, or in multiples of the upper limit of normal.
        #[serde(default)]
        value: Option<Range>,
        /// The band is in multiples of the upper limit of normal.
        #[serde(default)]
        times_upper_limit: bool,
        /// In place of `value`: how far the result has fallen since the start, in the lab's unit.
        #[serde(default)]
        fall: Option<Range>,
        /// For whom.
        when: When,
        /// What the label asks for.
        action: Action,
        /// How loud when there is no result; absent where the label does not ask for one.
        #[serde(default)]
        missing: Option<Action>,
    }
}

/// A medicine that a row does not mean up to a daily dose.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpTo {
    /// Id of `medicines.toml`.
    pub medicine: Spanned<String>,
    /// Milligrams a day, inclusive.
    pub mg_per_day: Number,
}

kind! {
    /// Another medicine that the label names.
    Interaction, |_| Topic::Interaction, {
        /// Groups or ids of `medicines.toml`; any one of them.
        with: Vec<Spanned<String>>,
        /// Groups or ids, one of which must be there too; it may be the same medicine.
        #[serde(default)]
        and_with: Vec<Spanned<String>>,
        /// Not these, groups or ids.
        #[serde(default)]
        without: Vec<Spanned<String>>,
        /// Not these up to a dose.
        #[serde(default)]
        except: Vec<UpTo>,
        /// Only when the daily dose of the other medicine is in this band, milligrams.
        #[serde(default)]
        mg_per_day: Option<Range>,
        /// Only in the first days of treatment.
        #[serde(default)]
        first_days: Option<u16>,
        /// Only for somebody who starts, or who is on the drug.
        #[serde(default)]
        when: Option<When>,
        /// What the label asks for.
        action: Action,
        /// The most that the label gives beside it; absent when it gives nothing.
        #[serde(default)]
        limit: Option<Limit>,
        /// The most that the label gives to somebody who has been on the drug for weeks, where it
        /// lets the reduced dose be raised.
        #[serde(default)]
        continuing_limit: Option<Limit>,
        /// Days on the drug after which `continuing_limit` holds.
        #[serde(default)]
        continuing_days: Option<u16>,
        /// The labelled dose in words; with every `limit`.
        #[serde(default)]
        labelled_dose: Option<String>,
        /// The labelled dose is a share of the dose otherwise given: no new order is suggested.
        #[serde(default)]
        relative: bool,
        /// With `relative`: an order up to this one may be the share already.
        #[serde(default)]
        already: Option<Limit>,
    }
}

kind! {
    /// A gene that changes how long the drug stays.
    Phenotype, |_| Topic::Interaction, {
        /// Id of `labs.toml`.
        lab: Spanned<String>,
        /// Concepts of `conditions.toml` that the row is about.
        concepts: Vec<Spanned<String>>,
        /// What the label asks for.
        action: Action,
        /// How loud when the gene was not tested; absent where the label does not ask for the test.
        #[serde(default)]
        missing: Option<Action>,
        /// The most that the label gives; absent when it gives nothing.
        #[serde(default)]
        limit: Option<Limit>,
        /// The most that the label gives to somebody who has been on the drug for weeks, where it
        /// lets the reduced dose be raised.
        #[serde(default)]
        continuing_limit: Option<Limit>,
        /// Days on the drug after which `continuing_limit` holds.
        #[serde(default)]
        continuing_days: Option<u16>,
        /// The labelled dose in words; with every `limit`.
        #[serde(default)]
        labelled_dose: Option<String>,
        /// The labelled dose is a share of the dose otherwise given: no new order is suggested.
        #[serde(default)]
        relative: bool,
    }
}

kind! {
    /// A second JAK inhibitor.
    Combination, |_| Topic::DuplicateTherapy, {
        /// What the label asks for.
        action: Action,
    }
}

/// Topics of the patient's own risks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RiskTopic {
    /// Heart and vessels.
    Cardiovascular,
    /// Cancer.
    Malignancy,
    /// Clots.
    Thrombosis,
    /// An infection now.
    ActiveInfection,
    /// Age.
    #[serde(rename = "age-65")]
    Age65,
    /// Low blood sugar in treated diabetes.
    Hypoglycemia,
}

kind! {
    /// A risk of the patient that the label names.
    RiskRow, |row| match row.topic {
        RiskTopic::Cardiovascular => Topic::Cardiovascular,
        RiskTopic::Malignancy => Topic::Malignancy,
        RiskTopic::Thrombosis => Topic::Thrombosis,
        RiskTopic::ActiveInfection => Topic::ActiveInfection,
        RiskTopic::Age65 => Topic::Age65,
        RiskTopic::Hypoglycemia => Topic::Hypoglycemia,
    }, {
        /// What its findings are about.
        topic: RiskTopic,
        /// Ids of `policy.toml`'s risks; any one of them. None where a medicine alone decides.
        #[serde(default)]
        risk: Vec<Spanned<String>>,
        /// Groups or ids of `medicines.toml`, one of which must be taken too.
        #[serde(default)]
        takes: Vec<Spanned<String>>,
        /// Not when one of these is taken.
        #[serde(default)]
        without: Vec<Spanned<String>>,
        /// Concepts that are no risk when the drug is ordered for an indication.
        #[serde(default)]
        except: Vec<Exception>,
        /// What the label asks for.
        action: Action,
    }
}

/// What a pregnancy row asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PregnancyState {
    /// Pregnant.
    Pregnant,
    /// Breast-feeding.
    BreastFeeding,
    /// The label wants the status before the start, and none is known.
    Unknown,
}

kind! {
    /// Pregnancy and breast-feeding.
    PregnancyRow, |_| Topic::Pregnancy, {
        /// What the row asks.
        state: PregnancyState,
        /// What the label asks for.
        action: Action,
    }
}

/// What a vaccine row asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VaccineKind {
    /// A live vaccine, given or ordered.
    Live,
    /// Recombinant zoster vaccine, not given.
    Zoster,
}

kind! {
    /// A vaccine that the label names.
    VaccineRow, |row| match row.vaccine {
        VaccineKind::Live => Topic::LiveVaccine,
        VaccineKind::Zoster => Topic::ZosterVaccine,
    }, {
        /// Which.
        vaccine: VaccineKind,
        /// What the label asks for.
        action: Action,
    }
}

/// What a baseline is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BaselineTopic {
    /// Lipids.
    #[default]
    Lipids,
    /// Blood counts.
    Cytopenia,
    /// Liver enzymes.
    Hepatic,
}

kind! {
    /// Results that the label wants before the start and sets no limit for.
    Baseline, |row| match row.topic {
        BaselineTopic::Lipids => Topic::Lipids,
        BaselineTopic::Cytopenia => Topic::Cytopenia,
        BaselineTopic::Hepatic => Topic::Hepatic,
    }, {
        /// What its findings are about.
        #[serde(default)]
        topic: BaselineTopic,
        /// Ids of `labs.toml`; any one of them is enough.
        labs: Vec<Spanned<String>>,
        /// Id of the lab to order.
        order: Spanned<String>,
        /// How loud when there is none.
        missing: Action,
    }
}

kind! {
    /// Checks that the label schedules for somebody who is on the drug.
    Monitoring, |_| Topic::Monitoring, {
        /// Ids of `labs.toml`; the check is as old as the oldest of them.
        labs: Vec<Spanned<String>>,
        /// Any one of them is the check.
        #[serde(default)]
        any_of: bool,
        /// Id of the lab to order.
        order: Spanned<String>,
        /// Weeks after the start by which the first check is due.
        first_weeks: u16,
        /// Weeks after a check by which the next is due; absent when one check is enough.
        #[serde(default)]
        every_weeks: Option<u16>,
        /// Weeks after the start from which nothing more is due.
        #[serde(default)]
        until_weeks: Option<u16>,
        /// How loud when it is due.
        action: Action,
    }
}
