//! Hepatitis C: the antibody, and the RNA where the antibody asks for it.

use super::super::Question;
use super::reading::{Told, before_positive, current, evidence, gap, newest, title};
use super::{Reading, Standing};
use crate::knowledge::ScreeningState;
use crate::terminology::results::Meaning;

/// Where the screening stands.
pub(super) fn read(question: Question<'_>) -> Reading {
    let rna = newest(question, "hcv-rna");
    let antibody = newest(question, "anti-hcv");
    let diagnosis = current(question, &["hepatitis-c"]).map(|(_, shown)| shown);
    let mut found = Vec::new();
    for (id, told) in [("anti-hcv", &antibody), ("hcv-rna", &rna)] {
        if let Told::Meaning(_, result) | Told::Unreadable(_, result) = told {
            found.extend(evidence(question, id, result));
        }
    }
    found.extend(diagnosis.clone());
    let standing = match (&rna, &antibody) {
        (Told::Meaning(Meaning::Positive, _), _) => {
            Standing::Found(ScreeningState::NucleicAcidDetectable)
        }
        (Told::Meaning(Meaning::Negative, result), _)
            if before_positive(question, "anti-hcv", result) =>
        {
            Standing::Found(ScreeningState::AntibodyPositiveUntested)
        }
        // No current infection: resolved, or a false positive antibody.
        (Told::Meaning(Meaning::Negative, _), _) => Standing::Complete,
        (_, Told::Meaning(Meaning::Positive, _)) => {
            Standing::Found(ScreeningState::AntibodyPositiveUntested)
        }
        _ if diagnosis.is_some() => Standing::Found(ScreeningState::Known),
        (_, Told::Meaning(Meaning::Negative, _)) => Standing::Complete,
        (Told::Meaning(..), _) | (_, Told::Meaning(..)) => Standing::Indeterminate,
        (_, Told::None) => Standing::Missing(vec!["anti-hcv".to_owned()]),
        (_, Told::Unreadable(..) | Told::NotAvailable(_)) => Standing::Unknown,
    };
    // What tells it stands first.
    if standing == Standing::Found(ScreeningState::Known) {
        found.rotate_right(1);
    }
    let mut reading = Reading::new(standing).with(found);
    match antibody {
        Told::None => reading.not_found.push(title(question, "anti-hcv")),
        Told::Unreadable(why, _) => reading.missing.push(gap(title(question, "anti-hcv"), why)),
        Told::NotAvailable(why) => reading.missing.push(gap(title(question, "anti-hcv"), why)),
        Told::Meaning(..) => {}
    }
    reading
}
