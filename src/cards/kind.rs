//! Which card does a finding belong to, and what is the card called?

use crate::cds_hooks::Coding;
use crate::facts::{Facts, Role};
use crate::knowledge::{BoxedWarning, Level, Row, Topic};
use crate::rules::Outcome;

/// The kinds of cards, in the order in which they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The label's warning, as it applies to this patient.
    BoxedWarning,
    /// Tests before the start.
    Screening,
    /// The dose.
    Dose,
    /// Everything else.
    Safety,
    /// Checks that are due.
    Monitoring,
}

impl Kind {
    /// The kind of an outcome. The patient's own risks stand beside the box; where the product has
    /// none, and in an open chart, they are a matter of safety.
    pub fn of(outcome: &Outcome<'_>, facts: &Facts) -> Kind {
        let boxed = || {
            let here = |row: &&BoxedWarning| {
                row.speaks() && row.jurisdiction(outcome.drug) == Some(facts.jurisdiction)
            };
            let ordered = facts.orders[outcome.order].role == Role::Ordered;
            ordered && outcome.drug.boxed_warning.iter().any(|row| here(&row))
        };
        match (Kind::of_topic(outcome.row.topic()), outcome.row.topic()) {
            (
                Kind::Safety,
                Topic::Age65
                | Topic::Cardiovascular
                | Topic::Malignancy
                | Topic::Thrombosis
                | Topic::ActiveInfection,
            ) if boxed() => Kind::BoxedWarning,
            (kind, _) => kind,
        }
    }

    /// The kind of a topic, where the product has no box.
    pub fn of_topic(topic: Topic) -> Kind {
        match topic {
            Topic::BoxedWarning => Kind::BoxedWarning,
            Topic::TbScreening
            | Topic::HepatitisBScreening
            | Topic::HepatitisCScreening
            | Topic::HivScreening => Kind::Screening,
            Topic::RenalDose | Topic::Hepatic | Topic::MaxDose => Kind::Dose,
            Topic::Monitoring => Kind::Monitoring,
            _ => Kind::Safety,
        }
    }

    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Kind::BoxedWarning => "boxed-warning",
            Kind::Screening => "screening",
            Kind::Dose => "dose",
            Kind::Safety => "safety",
            Kind::Monitoring => "monitoring",
        }
    }

    /// Title for people.
    pub fn title(self) -> &'static str {
        match self {
            Kind::BoxedWarning => "boxed warning",
            Kind::Screening => "screening before the first dose",
            Kind::Dose => "dose",
            Kind::Safety => "safety",
            Kind::Monitoring => "checks that are due",
        }
    }

    /// `source.topic`: static, letters and digits only; EHRs remember overrides by it, so that a
    /// dismissed reminder never hides a critical card.
    pub fn topic(self, drug: &str, level: Level) -> Coding {
        let kind = match self {
            Kind::BoxedWarning => "boxedWarning",
            Kind::Screening => "screening",
            Kind::Dose => "dose",
            Kind::Safety => "safety",
            Kind::Monitoring => "monitoring",
        };
        let mut code = kind.to_owned();
        for word in drug.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()) {
            code.push_str(&capitalised(word));
        }
        if level == Level::Critical {
            code.push_str("Critical");
        }
        let critical = if level == Level::Critical { ", critical" } else { "" };
        Coding {
            system: "https://jakcard.org/CodeSystem/card-topic",
            code,
            display: format!("{}: {}{critical}", capitalised(drug), self.title()),
        }
    }
}

/// The text with a capital first letter.
pub fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next();
    match first {
        // eGFR keeps its small letter.
        Some(_) if chars.clone().next().is_some_and(char::is_uppercase) => text.to_owned(),
        Some(first) => {
            let mut capitalised = String::with_capacity(text.len());
            capitalised.extend(first.to_uppercase());
            capitalised.push_str(chars.as_str());
            capitalised
        }
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_letters_and_digits_and_tells_critical_apart() {
        let quiet = Kind::Screening.topic("tofacitinib", Level::Warning);
        assert_eq!(quiet.code, "screeningTofacitinib");
        let loud = Kind::Screening.topic("tofacitinib", Level::Critical);
        assert_eq!(loud.code, "screeningTofacitinibCritical");
        let cream = Kind::BoxedWarning.topic("ruxolitinib cream", Level::Info);
        assert_eq!(cream.code, "boxedWarningRuxolitinibCream");
    }
}
