//! How well does the liver work, in Child-Pugh points?
//!
//! A class that somebody stated wins. Otherwise the points are added up out of bilirubin, albumin,
//! INR, ascites and encephalopathy, and what is not known leaves a span of points. They are only
//! added up in liver disease: a low albumin alone is no cirrhosis.

use super::known::{Evidence, Known};
use super::lab::Value;
use super::{Facts, Standing};
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
}

static STATED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)child[- ]pugh(?:\s+(?:class|grade|score|stage))?[\s:]*([abc])\b|child[- ]([abc])\b",
    )
    .expect("a constant pattern")
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
        // Of several that are stated, the newest; of one day, the worst.
        let stated = on_record.iter().filter_map(|(_, c)| Some((c.date, stated(&c.stage)?)));
        if let Some((_, class)) = stated.max() {
            let (classes, missing) = (vec![class], Vec::new());
            return Known::Is(LiverFunction { classes, points: None, missing, basis });
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
            let here = self.conditions.all(id).any(|c| c.standing != Standing::Past);
            let (low, high) = match (here, self.conditions.state.why_open()) {
                (true, _) => (2, 3),
                (false, None) => (1, 1),
                (false, Some(_)) => (1, 3),
            };
            (least, most) = (least + low, most + high);
        }
        let classes = policy.classes.iter().filter(|c| c.from <= most && least <= c.to);
        let classes = classes.map(|c| c.class).collect();
        LiverFunction { classes, points: Some((least, most)), missing, basis }
    }
}

/// The class that words state.
fn stated(words: &[String]) -> Option<ChildPugh> {
    let letters = words.iter().filter_map(|text| {
        let found = STATED.captures(text)?;
        found.get(1).or(found.get(2)).map(|m| m.as_str().to_uppercase())
    });
    letters
        .filter_map(|letter| match letter.as_str() {
            "A" => Some(ChildPugh::A),
            "B" => Some(ChildPugh::B),
            "C" => Some(ChildPugh::C),
            _ => None,
        })
        .max()
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

    #[test]
    fn a_class_is_read_out_of_the_words_of_a_stage() {
        let said = |text: &str| stated(&[text.to_owned()]);
        assert_eq!(said("Child-Pugh class B"), Some(ChildPugh::B));
        assert_eq!(said("Cirrhosis, Child-Pugh C (11 points)"), Some(ChildPugh::C));
        assert_eq!(said("Child Pugh score: A"), Some(ChildPugh::A));
        assert_eq!(said("Child B cirrhosis"), Some(ChildPugh::B));
        assert_eq!(said("child abuse"), None);
        assert_eq!(said("cirrhosis"), None);
    }
}
