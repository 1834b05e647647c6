//! Is the row for this patient and this order? One "no" silences it, however much else is unknown;
//! otherwise what is unknown leaves the row open.

use super::{Change, Gap, Missing, Question, Verdict};
use crate::facts::renal::within_months;
use crate::facts::{Evidence, Indication, Known, Role, Since, Value};
use crate::knowledge::{Action, Applies, Limit};
use crate::terminology::decimal::{Inside, Range};
use rust_decimal::Decimal;
use std::borrow::Cow;

/// What was learnt on the way through the conditions of a row.
#[derive(Default)]
pub(super) struct Scope {
    /// What is not known.
    pub missing: Vec<Missing>,
    /// The row is not for this patient.
    pub excluded: bool,
    /// What was looked at.
    pub found: Vec<Evidence>,
    /// What was searched to the end and is not there.
    pub not_found: Vec<String>,
    /// What would silence the row.
    pub clears: Vec<Change>,
    /// Tests (ids of `labs.toml`) whose order would settle it.
    pub tests: Vec<String>,
    /// The labelled dose in words.
    pub labelled_dose: Option<String>,
    /// The order may be the labelled share of another dose already.
    pub perhaps_reduced: bool,
}

impl Scope {
    /// Something is not known. Of a row that is silent nobody asks.
    pub fn gap(&mut self, gap: Gap, what: &str, reason: impl Into<Cow<'static, str>>) {
        if self.excluded {
            return;
        }
        let (what, reason) = (what.to_owned(), reason.into());
        self.missing.push(Missing { what, reason, gap });
    }

    /// A part of the chart could not be looked at.
    pub fn open(&mut self, what: &str, reason: impl Into<Cow<'static, str>>) {
        self.gap(Gap::Chart, what, reason);
    }

    /// Something was searched to the end and is not on record.
    pub fn lacks(&mut self, what: &str) {
        self.gap(Gap::NoneOnRecord, what, "none on record");
    }

    /// This would silence the row, if it is not silent already.
    pub fn cleared_by(&mut self, change: impl FnOnce() -> Change) {
        if !self.excluded {
            self.clears.push(change());
        }
    }

    /// Is a value inside the band of the row?
    pub fn answer(&mut self, inside: Inside, what: &str, reason: &'static str) {
        match inside {
            Inside::Yes => {}
            Inside::No => self.excluded = true,
            Inside::Perhaps => self.gap(Gap::Value, what, reason),
        }
    }

    /// The row's answer. An order that may be the labelled share already is only told of it.
    pub fn verdict(&mut self, action: Action) -> Verdict {
        let action = if self.perhaps_reduced { Action::Monitor } else { action };
        match (self.excluded, self.missing.is_empty()) {
            (true, _) => Verdict::Silent,
            (false, true) => Verdict::Fires(action),
            (false, false) => Verdict::CannotTell(action, std::mem::take(&mut self.missing)),
        }
    }

    /// Is the order above the limit? Without a limit the dose does not matter, and neither does it to a row
    /// that is silent.
    pub fn dose(&mut self, question: Question<'_>, limits: Limits<'_>, words: Option<&String>) {
        if self.excluded {
            return;
        }
        let (limit, relative) = match limits.continuing {
            // The words of the row tell the dose at first: no new order is made of the later one.
            Some(continuing) if question.on_it_for(limits.continuing_days) => {
                (Some(continuing), true)
            }
            _ => (limits.first, limits.relative),
        };
        let Some(limit) = limit else { return };
        match exceeds(question, limit) {
            Some(true) => {}
            Some(false) => self.excluded = true,
            None => {
                let why = "dose or frequency cannot be read from the order";
                self.gap(Gap::Dose, "ordered dose", why);
            }
        }
        // What is taken when the other medicine is added was not reduced for it.
        let already = limits.already.filter(|_| question.order.role != Role::Beside);
        let within = already.and_then(|already| exceeds(question, already));
        self.perhaps_reduced = within == Some(false);
        if let Some(words) = words.filter(|_| !self.excluded) {
            self.labelled_dose = Some(words.clone());
            self.clears.push(Change::Dose { limit: *limit, words: words.clone(), relative });
        }
    }

    /// Whom the row is for.
    pub fn applies(&mut self, question: Question<'_>, applies: &Applies) {
        let facts = question.facts;
        self.indication(question, applies);
        if let Some(phase) = applies.phase {
            match question.order.phase {
                Some(ordered) if ordered == phase => {}
                Some(_) => self.excluded = true,
                None => {
                    self.gap(Gap::Order, "induction or maintenance", "the order does not say");
                }
            }
        }
        if !applies.form.is_empty() {
            match question.order.drug.form {
                Some(form) if applies.form.contains(&form) => {}
                Some(_) => self.excluded = true,
                None => self.gap(Gap::Order, "form of the product", "the order does not say"),
            }
        }
        if let Some(band) = &applies.age {
            let years = |n: u16| band.contains(Decimal::from(n));
            match facts.person.age(facts.today) {
                Some((least, most)) => match (years(least), years(most)) {
                    (true, true) => {}
                    (false, false) => self.excluded = true,
                    _ => self.open("age", "only partly on record"),
                },
                None => {
                    self.open(
                        "age",
                        facts.person.birth.why_unknown().unwrap_or("unreadable".into()),
                    );
                }
            }
        }
        for (band, lab) in [(&applies.weight, WEIGHT), (&applies.platelets, "platelets")] {
            if let Some(band) = band {
                self.measured(question, band, lab);
            }
        }
        if let Some(on) = applies.dialysis {
            match facts.dialysis() {
                Known::Is(dialysis) if dialysis == on => {}
                Known::Is(_) => self.excluded = true,
                other => self.open("dialysis", other.why_unknown().unwrap_or_default()),
            }
        }
    }

    fn indication(&mut self, question: Question<'_>, applies: &Applies) {
        if applies.indication.is_empty() {
            return;
        }
        let ours = |id: &String| applies.indication.iter().any(|i| i.get_ref() == id);
        match question.order.indication(question.drug) {
            Indication::Is(id, evidence) if ours(id) => self.found.extend(evidence.iter().cloned()),
            Indication::Is(..) => self.excluded = true,
            Indication::OneOf(ids) if ids.iter().all(ours) => {}
            Indication::OneOf(ids) if !ids.iter().any(ours) => self.excluded = true,
            Indication::OneOf(_) => {
                self.gap(Gap::Order, INDICATION, "several that fit the label are on record");
            }
            Indication::NotTold(why) => self.gap(Gap::Order, INDICATION, *why),
        }
    }

    fn measured(&mut self, question: Question<'_>, band: &Range, id: &str) {
        let Some(lab) = question.knowledge.terminology.labs.get(id) else { return };
        match question.facts.labs.newest(lab) {
            Known::Is(result) => {
                self.found.push(result.evidence(lab));
                let months = question.knowledge.policy.windows.weight_months;
                let today = question.facts.today;
                match &result.value {
                    Value::Number(_)
                        if id == WEIGHT && !within_months(result.date, months, today) =>
                    {
                        self.gap(Gap::Value, &lab.title, format!("older than {months} months"));
                    }
                    Value::Number(value) => {
                        self.answer(
                            band.holds(value),
                            &lab.title,
                            "the value leaves the band open",
                        );
                    }
                    Value::Unreadable(why) => self.gap(Gap::Value, &lab.title, *why),
                    _ => self.gap(Gap::Value, &lab.title, "it is no number"),
                }
            }
            Known::NoneOnRecord => self.lacks(&lab.title),
            other => self.open(&lab.title, other.why_unknown().unwrap_or_default()),
        }
    }
}

const INDICATION: &str = "indication";
const WEIGHT: &str = "weight";

/// The most that a row gives, at first and after weeks.
#[derive(Clone, Copy, Default)]
pub(super) struct Limits<'k> {
    /// At first.
    pub first: Option<&'k Limit>,
    /// After weeks on the drug, where the label lets the dose rise.
    pub continuing: Option<&'k Limit>,
    /// After so many days.
    pub continuing_days: Option<u16>,
    /// A share of the dose otherwise given.
    pub relative: bool,
    /// An order up to this one may be the share already.
    pub already: Option<&'k Limit>,
}

impl Question<'_> {
    /// Has the patient been on the drug for so many days, or long enough to be no new start?
    fn on_it_for(self, days: Option<u16>) -> bool {
        let facts = self.facts;
        let since = self.order.since(self.drug, &facts.medicines, self.knowledge, facts.today);
        match (since, days) {
            (_, None) => self.continuing(),
            (Since::Continuing(start), Some(days)) => {
                let span = start.latest.until((jiff::Unit::Day, facts.today));
                span.is_ok_and(|s| s.get_days() >= i32::from(days))
            }
            _ => false,
        }
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
