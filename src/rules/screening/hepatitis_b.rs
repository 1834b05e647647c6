//! Hepatitis B: HBsAg and total anti-HBc, and HBV DNA where the core antibody asks for it.
//!
//! HBV DNA stands in for HBsAg. Anti-HBs is read and shown, and decides nothing. Who was once positive,
//! or has the diagnosis beside a negative HBsAg, has had the infection, whatever a later test says.

use super::super::Question;
use super::reading::{Told, before_positive, current, evidence, gap, newest, once_positive, title};
use super::{Reading, Standing};
use crate::facts::Evidence;
use crate::knowledge::ScreeningState;
use crate::terminology::results::Meaning;

/// Where the screening stands.
pub(super) fn read(question: Question<'_>) -> Reading {
    let mut found: Vec<Evidence> = Vec::new();
    let mut missing = Vec::new();
    let mut told = |id: &str| match newest(question, id) {
        Told::Meaning(meaning, result) => {
            found.extend(evidence(question, id, result));
            let outdated = id == "hbv-dna"
                && meaning == Meaning::Negative
                && ["anti-hbc", "hbsag"].iter().any(|id| before_positive(question, id, result));
            if outdated { Answer::None } else { Answer::Is(meaning) }
        }
        Told::Unreadable(why, result) => {
            found.extend(evidence(question, id, result));
            missing.push(gap(title(question, id), why));
            Answer::Open
        }
        Told::NotAvailable(why) => {
            missing.push(gap(title(question, id), why));
            Answer::Open
        }
        Told::None => Answer::None,
    };
    let surface = told("hbsag");
    let core = told("anti-hbc");
    let dna = told("hbv-dna");
    told("anti-hbs");
    missing.retain(|gap| gap.what != title(question, "anti-hbs"));
    let diagnosis = current(question, &["hepatitis-b"]);
    found.extend(diagnosis.as_ref().map(|(_, shown)| shown.clone()));
    let once = |id: &&str| once_positive(question, id);
    let mut telling: Vec<Evidence> = ["hbsag", "anti-hbc"].iter().filter_map(once).collect();
    let infected =
        !telling.is_empty() || (surface == Answer::Is(Meaning::Negative) && diagnosis.is_some());
    for shown in &telling {
        if !found.contains(shown) {
            found.push(shown.clone());
        }
    }
    telling.extend(diagnosis.as_ref().map(|(_, shown)| shown.clone()));

    use Answer::Is;
    use Meaning::{Indeterminate, Negative, Positive};
    let state = match (surface, dna) {
        (_, Is(Positive)) => Some(ScreeningState::NucleicAcidDetectable),
        (Is(Positive), _) => Some(ScreeningState::SurfaceAntigenPositive),
        (_, Is(Negative)) if infected => Some(ScreeningState::CorePositiveUndetectable),
        _ if infected => Some(ScreeningState::CorePositiveUntested),
        _ if diagnosis.is_some() => Some(ScreeningState::SurfaceAntigenPositive),
        _ => None,
    };
    if let Some(state) = state {
        // What tells it stands first.
        if state == ScreeningState::NucleicAcidDetectable {
            telling = once_positive(question, "hbv-dna").into_iter().collect();
        }
        found.sort_by_key(|shown| !telling.contains(shown));
        return Reading::new(Standing::Found(state)).with(found);
    }
    let surface_done = surface == Is(Negative) || dna == Is(Negative);
    let core_done = core == Is(Negative);
    let mut lacking = Vec::new();
    let mut not_found = Vec::new();
    for (id, done, answer) in [("hbsag", surface_done, surface), ("anti-hbc", core_done, core)] {
        if !done && answer == Answer::None {
            lacking.push(id.to_owned());
            not_found.push(title(question, id));
        }
    }
    let open = |done: bool, answer| !done && answer == Answer::Open;
    let standing = if surface_done && core_done {
        Standing::Complete
    } else if !lacking.is_empty() {
        Standing::Missing(lacking)
    } else if open(surface_done, surface) || open(core_done, core) {
        Standing::Unknown
    } else if surface == Is(Indeterminate) || core == Is(Indeterminate) {
        Standing::Indeterminate
    } else {
        Standing::Unknown
    };
    Reading { standing, found, not_found, missing }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Is(Meaning),
    Open,
    None,
}
