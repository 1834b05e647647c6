//! HIV: a known infection, or a test on record?

use super::super::Question;
use super::reading::{Told, current, evidence, gap, newest, title};
use super::{Reading, Standing};
use crate::knowledge::ScreeningState;
use crate::terminology::results::Meaning;

/// Where the screening stands.
pub(super) fn read(question: Question<'_>) -> Reading {
    if let Some((_, shown)) = current(question, &["hiv"]) {
        return Reading::new(Standing::Found(ScreeningState::Known)).with(vec![shown]);
    }
    if let Told::Meaning(Meaning::Positive, result) = newest(question, "hiv-rna") {
        let found = evidence(question, "hiv-rna", result).into_iter().collect();
        return Reading::new(Standing::Found(ScreeningState::Known)).with(found);
    }
    match newest(question, "hiv") {
        Told::Meaning(meaning, result) => {
            let standing = match meaning {
                Meaning::Positive => Standing::Found(ScreeningState::Positive),
                Meaning::Negative => Standing::Complete,
                _ => Standing::Indeterminate,
            };
            let found = evidence(question, "hiv", result).into_iter().collect();
            Reading::new(standing).with(found)
        }
        Told::None => {
            let mut reading = Reading::new(Standing::Missing(vec!["hiv".to_owned()]));
            reading.not_found.push(title(question, "hiv"));
            reading
        }
        Told::Unreadable(why, result) => {
            let mut reading = Reading::new(Standing::Unknown);
            reading.found.extend(evidence(question, "hiv", result));
            reading.missing.push(gap(title(question, "hiv"), why));
            reading
        }
        Told::NotAvailable(why) => {
            let mut reading = Reading::new(Standing::Unknown);
            reading.missing.push(gap(title(question, "hiv"), why));
            reading
        }
    }
}
