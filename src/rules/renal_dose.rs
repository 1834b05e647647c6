//! Is the ordered dose above what the label allows at this renal function?
//!
//! A row applies when its indication, phase, form, age, weight, platelets and dialysis do, the renal
//! function is in its band, and the order exceeds its limit. One "no" silences it, however much else
//! is unknown; otherwise what is unknown leaves the row open.

use super::{Because, Missing, Outcome, Question, Verdict};
use crate::facts::{Evidence, Indication, Known, RenalFunction, Since, Value};
use crate::knowledge::{Action, Applies, Limit, RenalDose, RenalMeasure};
use crate::terminology::decimal::{Inside, Range};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// What the verdict of a row rests on.
#[derive(Clone, Debug)]
pub struct RenalVerdict {
    /// The measure of the row.
    pub measure: RenalMeasure,
    /// The band of the row.
    pub band: Range,
    /// The patient's renal function, when it is known.
    pub function: Option<RenalFunction>,
    /// The labelled dose in words; absent when the label gives none.
    pub labelled_dose: Option<String>,
    /// To whom the row applies.
    pub applies: Applies,
    /// Only the age of the result is worth a word.
    pub only_stale: bool,
    /// All ends of all bands of the drug: a printed value must not seem to lie across one of them.
    pub ends: Vec<Decimal>,
}

/// One outcome for every renal row of the drug.
pub fn check(question: Question<'_>) -> Vec<Outcome<'_>> {
    let rows: Vec<&RenalDose> = question.rows(&question.drug.renal_dose).collect();
    let mut functions = BTreeMap::new();
    for row in &rows {
        functions
            .entry(row.measure)
            .or_insert_with(|| question.facts.renal_function(row.measure, question.knowledge));
    }
    let ends: Vec<Decimal> = rows.iter().flat_map(|r| ends(&r.value)).collect();
    let mut outcomes: Vec<Outcome<'_>> =
        rows.iter().map(|row| check_row(question, row, &functions[&row.measure], &ends)).collect();
    say_stale(&mut outcomes);
    outcomes
}

fn check_row<'k>(
    question: Question<'k>,
    row: &'k RenalDose,
    function: &Known<RenalFunction>,
    ends: &[Decimal],
) -> Outcome<'k> {
    let mut seen = Seen { missing: Vec::new(), excluded: false, found: Vec::new() };
    seen.renal(row, function);
    applies(question, &row.applies, &mut seen);
    seen.dose(question, row);
    let because = Because::Renal(Box::new(RenalVerdict {
        measure: row.measure,
        band: row.value,
        function: function.known().cloned(),
        labelled_dose: row.labelled_dose.clone(),
        applies: row.applies.clone(),
        only_stale: false,
        ends: ends.to_vec(),
    }));
    let verdict = match (seen.excluded, seen.missing.is_empty()) {
        (true, _) => Verdict::Silent,
        (false, true) => Verdict::Fires(row.action),
        (false, false) => Verdict::CannotTell(row.action, seen.missing),
    };
    let not_found = match function {
        Known::NoneOnRecord => vec!["creatinine and eGFR".to_owned()],
        _ => Vec::new(),
    };
    Outcome { found: seen.found, not_found, ..question.outcome(row, verdict, because) }
}

/// An old result that silences every row is named, once.
fn say_stale(outcomes: &mut [Outcome<'_>]) {
    if outcomes.iter().any(|o| o.verdict != Verdict::Silent) {
        return;
    }
    for outcome in outcomes {
        let Because::Renal(renal) = &mut outcome.because else { continue };
        if renal.function.as_ref().is_some_and(|f| f.stale) {
            renal.only_stale = true;
            outcome.verdict = Verdict::Fires(Action::Monitor);
            return;
        }
    }
}

struct Seen {
    missing: Vec<Missing>,
    excluded: bool,
    found: Vec<Evidence>,
}

impl Seen {
    fn open(&mut self, what: &str, reason: impl Into<String>) {
        let (what, reason) = (what.to_owned(), reason.into());
        self.missing.push(Missing { what, reason, none_on_record: false });
    }

    fn answer(&mut self, inside: Inside, what: &str, reason: &str) {
        match inside {
            Inside::Yes => {}
            Inside::No => self.excluded = true,
            Inside::Perhaps => self.open(what, reason),
        }
    }

    fn renal(&mut self, row: &RenalDose, function: &Known<RenalFunction>) {
        match function {
            Known::Is(function) => {
                self.found.extend(function.basis.clone());
                let inside = row.value.holds(&function.value);
                self.answer(inside, "renal function", "the value on record leaves the band open");
            }
            Known::NoneOnRecord => self.missing.push(Missing {
                what: "renal function".to_owned(),
                reason: "none on record".to_owned(),
                none_on_record: true,
            }),
            Known::NotAvailable { why } => self.open("renal function", why.as_str()),
        }
    }

    fn dose(&mut self, question: Question<'_>, row: &RenalDose) {
        let Some(limit) = &row.limit else { return };
        if row.after_dialysis && question.order.dose.after_dialysis() == Some(false) {
            return;
        }
        let limit = match &row.continuing_limit {
            Some(continuing) if long_enough(question, row) => continuing,
            _ => limit,
        };
        match exceeds(question, limit) {
            Some(true) => {}
            Some(false) => self.excluded = true,
            None => self.open("ordered dose", "dose or frequency cannot be read from the order"),
        }
    }
}

/// Has the patient been on the drug long enough for the limit of a continuing order?
fn long_enough(question: Question<'_>, row: &RenalDose) -> bool {
    let facts = question.facts;
    let since =
        question.order.since(question.drug, &facts.medicines, question.knowledge, facts.today);
    match (since, row.continuing_days) {
        (Since::Continuing(_), None) => true,
        (Since::Continuing(start), Some(days)) => {
            let span = start.latest.until((jiff::Unit::Day, facts.today));
            span.is_ok_and(|s| s.get_days() >= i32::from(days))
        }
        _ => false,
    }
}

/// Is the order above the limit? `None` when the order cannot be read.
fn exceeds(question: Question<'_>, limit: &Limit) -> Option<bool> {
    let dose = &question.order.dose;
    match limit.mg {
        Some(mg) => Some(dose.most_per_day()? > mg.0 * limit.times_per_day.0),
        None => Some(dose.most_times()? > limit.times_per_day.0),
    }
}

/// Whom the row is for.
fn applies(question: Question<'_>, applies: &Applies, seen: &mut Seen) {
    let facts = question.facts;
    indication(question, applies, seen);
    if let Some(phase) = applies.phase {
        match question.order.phase {
            Some(ordered) if ordered == phase => {}
            Some(_) => seen.excluded = true,
            None => seen.open("induction or maintenance", "the order does not say"),
        }
    }
    if !applies.form.is_empty() {
        match question.order.drug.form {
            Some(form) if applies.form.contains(&form) => {}
            Some(_) => seen.excluded = true,
            None => seen.open("form of the product", "the order does not say"),
        }
    }
    if let Some(band) = &applies.age {
        let years = |n: u16| band.contains(Decimal::from(n));
        match facts.person.age(facts.today) {
            Some((least, most)) => match (years(least), years(most)) {
                (true, true) => {}
                (false, false) => seen.excluded = true,
                _ => seen.open("age", "only partly on record"),
            },
            None => seen.open("age", facts.person.birth.why_unknown().unwrap_or("unreadable")),
        }
    }
    for (band, lab) in [(&applies.weight, "weight"), (&applies.platelets, "platelets")] {
        if let Some(band) = band {
            measured(question, band, lab, seen);
        }
    }
    if let Some(on) = applies.dialysis {
        match facts.dialysis() {
            Known::Is(dialysis) if dialysis == on => {}
            Known::Is(_) => seen.excluded = true,
            other => seen.open("dialysis", other.why_unknown().unwrap_or_default()),
        }
    }
}

fn indication(question: Question<'_>, applies: &Applies, seen: &mut Seen) {
    if applies.indication.is_empty() {
        return;
    }
    let ours = |id: &String| applies.indication.iter().any(|i| i.get_ref() == id);
    match question.order.indication(question.drug, &question.facts.conditions) {
        Indication::Is(id, evidence) if ours(&id) => seen.found.extend(evidence),
        Indication::Is(..) => seen.excluded = true,
        Indication::OneOf(ids) if ids.iter().all(ours) => {}
        Indication::OneOf(ids) if !ids.iter().any(ours) => seen.excluded = true,
        Indication::OneOf(_) => {
            seen.open("indication", "several that fit the label are on record");
        }
        Indication::NotTold(why) => seen.open("indication", why),
    }
}

fn measured(question: Question<'_>, band: &Range, id: &str, seen: &mut Seen) {
    let Some(lab) = question.knowledge.terminology.labs.get(id) else { return };
    match question.facts.labs.newest(lab) {
        Known::Is(result) => {
            seen.found.push(result.evidence(lab));
            match &result.value {
                Value::Number(value) => {
                    seen.answer(band.holds(value), &lab.title, "the value leaves the band open");
                }
                Value::Unreadable(why) => seen.open(&lab.title, *why),
                _ => seen.open(&lab.title, "it is no number"),
            }
        }
        other => seen.open(&lab.title, other.why_unknown().unwrap_or_default()),
    }
}

fn ends(range: &Range) -> impl Iterator<Item = Decimal> {
    [range.from, range.above, range.to, range.below].into_iter().flatten().map(|n| n.0)
}
