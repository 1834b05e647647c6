//! Whom a row is for, and what the label says of the drug there: shared by the words of all limits.

use super::{listed, values};
use crate::knowledge::{Action, Applies, Knowledge, Phase};

/// Whom a row is for: `for ulcerative colitis (induction)`.
pub fn whom(applies: &Applies, knowledge: &Knowledge) -> String {
    let titles: Vec<String> = applies
        .indication
        .iter()
        .map(|i| {
            let concept = knowledge.terminology.conditions.get(i.get_ref());
            concept.map_or_else(|| i.get_ref().clone(), |c| c.title.clone())
        })
        .collect();
    let mut notes = Vec::new();
    if let Some(phase) = applies.phase {
        notes.push(match phase {
            Phase::Induction => "induction".to_owned(),
            Phase::Maintenance => "maintenance".to_owned(),
        });
    }
    if let Some(platelets) = &applies.platelets {
        notes.push(format!("platelets {}", values::band(platelets, "×10⁹/L")));
    }
    if let Some(age) = &applies.age {
        notes.push(format!("age {}", values::band(age, "years")));
    }
    if let Some(weight) = &applies.weight {
        notes.push(format!("weight {}", values::band(weight, "kg")));
    }
    match applies.dialysis {
        Some(true) => notes.push("on dialysis".to_owned()),
        Some(false) => notes.push("not on dialysis".to_owned()),
        None => {}
    }
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    match titles.is_empty() {
        true => notes.trim().to_owned(),
        false => format!("for {}{notes}", listed(&titles)),
    }
}

/// What the label says of the drug here, in a few words.
pub fn short_verb(action: Action) -> &'static str {
    match action {
        Action::NotRecommended => "not recommended by the label",
        Action::Avoid => "label says avoid",
        Action::Contraindicated => "contraindicated",
        Action::NotStudied => "not studied, no labelled dose",
        Action::DoNotStart => "do not start",
        Action::Interrupt => "interrupt",
        Action::Discontinue => "label says discontinue",
        Action::TreatFirst => "treat first",
        Action::Monitor => "watch closely",
        Action::Remind => "named in the label's warnings",
        Action::WeighRisk => "weigh the risk",
        Action::ReduceDose => "reduce the dose",
        Action::CheckLiver => "interrupt and look for liver injury",
        _ => "restricted by the label",
    }
}

/// The labelled dose without what follows in parentheses.
pub fn brief(dose: &str) -> &str {
    dose.split(" (").next().unwrap_or(dose)
}
