//! How well does the liver work, in Child-Pugh points?
//!
//! A class that somebody stated wins. Otherwise the points are added up out of bilirubin, albumin,
//! INR, ascites and encephalopathy, and what is not known leaves a span of points. They are only
//! added up in liver disease: a low albumin alone is no cirrhosis.

use super::known::{Evidence, Known};
use super::lab::Value;
use super::renal::within_months;
use super::{Facts, Standing};
use crate::fhir::FhirDate;
use crate::knowledge::policy::ChildPughTable;
use crate::knowledge::{ChildPugh, Knowledge};
use crate::terminology::decimal::{Inside, Range};
use regex::Regex;
use std::sync::LazyLock;

/// The liver function of somebody with liver disease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiverFunction {
    /// The classes that are possible.
    pub classes: Vec<ChildPugh>,
    /// Added up by us, not stated on the chart: fewest and most points.
    pub points: Option<(u16, u16)>,
    /// What is missing for the sum.
    pub missing: Vec<String>,
    /// What it rests on.
    pub basis: Vec<Evidence>,
    /// A result of the sum is older than the policy lets count as current.
    pub stale: bool,
}

/// Words that speak of the score, and the letter or the points that follow.
static SCORE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?:child(?:'?s)?(?:[ -]turcotte)?(?:[ -]pugh)?|\bctp\b|\bpugh\b)((?:[ :-]|class|grade|score|stage|classification|cirrhosis|is|of|=)*)(?:([abc](?:/[abc])?)\s*\d*\b|(\d{1,2})\b)",
    )
    .expect("a constant pattern")
});
static MENTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"child[ -](?:turcotte|pugh)|\bctp\b|child'?s class").expect("a constant pattern")
});

impl Facts {
    /// The liver function; none on record when the problem list names no liver disease.
    pub fn liver_function(&self, knowledge: &Knowledge) -> Known<LiverFunction> {
        let diseases = &knowledge.policy.child_pugh.diseases;
        let on_record: Vec<_> = diseases
            .iter()
            .flat_map(|id| self.conditions.all(id.get_ref()).map(move |c| (id.get_ref(), c)))
            .filter(|(_, c)| c.standing != Standing::Past)
            .collect();
        let basis: Vec<Evidence> =
            super::unique(on_record.iter().map(|(id, c)| c.evidence(id)).collect());
        let table = &knowledge.policy.child_pugh;
        let stated: Vec<(Option<FhirDate>, Vec<ChildPugh>)> = on_record
            .iter()
            .filter_map(|(_, c)| Some((c.told, stated(&c.stage, table)?)))
            .collect();
        // The newest decides, and beside it whatever has no date: of those the worst.
        let newest = stated.iter().filter_map(|(date, _)| *date).max();
        let current = stated.into_iter().filter(|(date, _)| date.is_none() || *date == newest);
        if let Some((_, classes)) = current.max_by_key(|(_, classes)| classes.iter().max().copied())
        {
            let missing = match classes.len() {
                1 => Vec::new(),
                _ => vec!["the class, which is written and leaves several".to_owned()],
            };
            let stale = false;
            return Known::Is(LiverFunction { classes, points: None, missing, basis, stale });
        }
        match (on_record.is_empty(), self.conditions.state.why_open()) {
            (false, _) => Known::Is(self.added_up(knowledge, basis)),
            (true, None) => Known::NoneOnRecord,
            (true, Some(why)) => Known::not_available(format!("the problem list: {why}")),
        }
    }

    fn added_up(&self, knowledge: &Knowledge, mut basis: Vec<Evidence>) -> LiverFunction {
        let policy = &knowledge.policy.child_pugh;
        let (mut least, mut most, mut missing) = (0, 0, Vec::new());
        let (months, mut stale) = (knowledge.policy.windows.blood_months, false);
        for part in &policy.result {
            let Some(lab) = knowledge.terminology.labs.get(part.lab.get_ref()) else { continue };
            let result = self.labs.decisive(&lab.id);
            let value = result.and_then(|r| match &r.value {
                Value::Number(value) => Some(value),
                _ => None,
            });
            match (value, result) {
                (Some(value), Some(result)) => {
                    basis.push(result.evidence(lab));
                    stale |= !within_months(result.date, months, self.today);
                    least += points(value, &part.two, &part.three, Inside::Yes);
                    most += points(value, &part.two, &part.three, Inside::Perhaps);
                }
                _ => {
                    missing.push(lab.title.clone());
                    (least, most) = (least + 1, most + 3);
                }
            }
        }
        for sign in &policy.signs {
            let id = sign.get_ref();
            let mut here = self.conditions.all(id).filter(|c| c.standing != Standing::Past);
            let here = here.next().map(|c| c.evidence(id));
            basis.extend(here.clone());
            let (low, high) = match (here.is_some(), self.conditions.state.why_open()) {
                (true, _) => (2, 3),
                (false, None) => (1, 1),
                (false, Some(_)) => (1, 3),
            };
            (least, most) = (least + low, most + high);
        }
        let classes = policy.classes.iter().filter(|c| c.from <= most && least <= c.to);
        let classes = classes.map(|c| c.class).collect();
        let (points, basis) = (Some((least, most)), super::unique(basis));
        LiverFunction { classes, points, missing, basis, stale }
    }
}

/// The classes that words state; every class when they speak of the score and cannot be read.
fn stated(words: &[String], table: &ChildPughTable) -> Option<Vec<ChildPugh>> {
    let all = || table.classes.iter().map(|c| c.class).collect::<Vec<_>>();
    words.iter().find_map(|text| {
        let text =
            text.to_lowercase().replace(['–', '—', '‑', '’'], "-").replace("child-s", "child's");
        if let Some(found) = SCORE.captures(&text) {
            if let Some(letters) = found.get(2) {
                let class = |letter: &str| match letter {
                    "a" => Some(ChildPugh::A),
                    "b" => Some(ChildPugh::B),
                    "c" => Some(ChildPugh::C),
                    _ => None,
                };
                return Some(letters.as_str().split('/').filter_map(class).collect());
            }
            let points: u16 = found.get(3)?.as_str().parse().ok()?;
            let hit = table.classes.iter().find(|c| (c.from..=c.to).contains(&points));
            return Some(hit.map_or_else(all, |c| vec![c.class]));
        }
        MENTION.is_match(&text).then(all)
    })
}

/// One, two or three points: of a value that is a band itself, the fewest or the most.
fn points(value: &Range, two: &Range, three: &Range, sure: Inside) -> u16 {
    let hit = |band: &Range| match band.holds(value) {
        Inside::Yes => true,
        Inside::Perhaps => sure == Inside::Perhaps,
        Inside::No => false,
    };
    match (hit(three), hit(two)) {
        (true, _) => 3,
        (false, true) => 2,
        (false, false) => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::policy::ChildPughClass;

    #[test]
    fn a_class_is_read_out_of_the_words_of_a_stage() {
        let class = |class, from, to| ChildPughClass { class, from, to };
        let table = ChildPughTable {
            diseases: Vec::new(),
            result: Vec::new(),
            signs: Vec::new(),
            classes: vec![
                class(ChildPugh::A, 5, 6),
                class(ChildPugh::B, 7, 9),
                class(ChildPugh::C, 10, 15),
            ],
        };
        let said = |text: &str| stated(&[text.to_owned()], &table);
        for text in [
            "Child-Pugh class C",
            "Cirrhosis, Child-Pugh C (11 points)",
            "Child Pugh score: C",
            "Child-Pugh C11",
            "Child–Pugh class C",
            "Child-Turcotte-Pugh class C",
            "CTP class C",
            "Child's class C",
            "Child’s class C",
            "Child-Pugh-C",
            "Child-Pugh: class C",
            "Child-Pugh classification C",
            "Child-Pugh score: 11",
            "Child C cirrhosis",
        ] {
            assert_eq!(said(text), Some(vec![ChildPugh::C]), "{text}");
        }
        assert_eq!(said("Child-Pugh B8"), Some(vec![ChildPugh::B]));
        assert_eq!(said("Child-Pugh class B/C"), Some(vec![ChildPugh::B, ChildPugh::C]));
        assert_eq!(said("Child-Pugh unclear").map(|c| c.len()), Some(3));
        assert_eq!(said("child abuse"), None);
        assert_eq!(said("cirrhosis"), None);
    }
}
