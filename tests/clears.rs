//! What a finding says would clear it does clear it: the change is made to the facts, and the same
//! row is asked again.

mod support;

use jakcard::facts::{
    Condition, DoseLine, Facts, LabResult, Medicine, Standing, Vaccination, Value,
};
use jakcard::fhir::FhirDate;
use jakcard::knowledge::{Action, ChildPugh, Knowledge, RenalMeasure, Topic, VaccineKind};
use jakcard::rules::{self, Change, Outcome, Verdict};
use jakcard::terminology::decimal::{Number, Range};
use jakcard::terminology::results::Meaning;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use support::cases::{cases, facts};
use support::knowledge;

#[test]
fn every_change_that_a_finding_names_clears_it() {
    let mut tried: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (file, case) in cases() {
        facts(&case, knowledge(), |facts, knowledge| {
            for outcome in rules::evaluate(facts, knowledge) {
                for change in &outcome.clears {
                    let id = outcome.row.id().get_ref();
                    *tried.entry(kind(change)).or_default() += 1;
                    let action = match &outcome.verdict {
                        Verdict::Fires(action) | Verdict::CannotTell(action, _) => *action,
                        Verdict::Silent => continue,
                    };
                    if speaks(&changed(facts, &outcome, change), id, action, knowledge) {
                        wrong.push(format!("{file}: {}\n    {id}: {change:?}", case.name));
                    }
                }
            }
        });
    }
    assert!(wrong.is_empty(), "{} do not clear:\n{}", wrong.len(), wrong.join("\n"));
    for kind in [
        "Dose",
        "RenalFunction",
        "LiverClass",
        "Result",
        "Fall",
        "Phenotype",
        "Recorded",
        "Negative",
        "NegativeTuberculosisTest",
        "TuberculosisTreated",
        "Stopped",
        "Resolved",
        "NotPregnant",
        "PregnancyKnown",
        "NotBreastFeeding",
        "Vaccinated",
        "Waited",
    ] {
        assert!(tried.contains_key(kind), "no case tries `{kind}`: {tried:?}");
    }
}

#[test]
fn only_age_the_past_and_the_box_itself_have_nothing_that_clears_them() {
    let mut bare: BTreeMap<&str, String> = BTreeMap::new();
    for (_, case) in cases() {
        facts(&case, knowledge(), |facts, knowledge| {
            for outcome in rules::evaluate(facts, knowledge) {
                let fires = matches!(outcome.verdict, Verdict::Fires(_));
                if fires && outcome.clears.is_empty() {
                    bare.insert(outcome.row.topic().word(), outcome.row.id().get_ref().clone());
                }
            }
        });
    }
    // The box and the missing label; age; what once was; a gene; a known infection, which treatment
    // and not the chart decides; a live vaccine given and another one ordered.
    let allowed = [
        Topic::BoxedWarning,
        Topic::NoLabel,
        Topic::Age65,
        Topic::Cardiovascular,
        Topic::Malignancy,
        Topic::Thrombosis,
        Topic::Interaction,
        Topic::TbScreening,
        Topic::HepatitisBScreening,
        Topic::HepatitisCScreening,
        Topic::HivScreening,
        Topic::LiveVaccine,
        Topic::RenalDose,
        // No labelled dose at this age or weight.
        Topic::MaxDose,
    ];
    for (topic, row) in bare {
        assert!(allowed.iter().any(|t| t.word() == topic), "{row} has nothing that clears it");
    }
}

fn kind(change: &Change) -> String {
    let text = format!("{change:?}");
    text.split([' ', '(']).next().unwrap_or_default().to_owned()
}

/// Does the row still ask for the same? (A dose row may go on to say that its creatinine is old.)
fn speaks(facts: &Facts, id: &str, action: Action, knowledge: &Knowledge) -> bool {
    let outcomes = rules::evaluate(facts, knowledge);
    let mut same = outcomes.iter().filter(|o| o.order == 0 && o.row.id().get_ref() == id);
    same.any(|o| match &o.verdict {
        Verdict::Fires(asked) => *asked == action,
        Verdict::CannotTell(..) => true,
        Verdict::Silent => false,
    })
}

/// The facts after one change.
fn changed(before: &Facts, outcome: &Outcome<'_>, change: &Change) -> Facts {
    let mut facts = before.clone();
    let today = FhirDate::day(facts.today);
    match change {
        Change::Dose { limit, .. } => {
            let order = &mut facts.orders[outcome.order];
            let old = order.dose.lines.first().cloned().unwrap_or_default();
            let times_per_day = Some(limit.times_per_day.0);
            let mg = limit.mg.map(|mg| mg.0).or(old.mg);
            order.dose.lines = vec![DoseLine { mg, times_per_day, after_dialysis: true, ..old }];
        }
        Change::RenalFunction { measure, band } => {
            facts.conditions.list.retain(|c| !c.concepts.iter().any(|(id, _)| is_kidney(id)));
            for id in ["creatinine", "egfr", "egfr-race-specific", "creatinine-clearance"] {
                facts.labs.results.remove(id);
            }
            let lab = match measure {
                RenalMeasure::Egfr => "egfr",
                RenalMeasure::CreatinineClearance => "creatinine-clearance",
            };
            put(&mut facts, lab, Value::Number(Range::exactly(above(band))), today);
        }
        Change::LiverClass(classes) => {
            let left = [ChildPugh::A, ChildPugh::B, ChildPugh::C]
                .into_iter()
                .find(|class| classes.iter().all(|worse| class < worse));
            let is_liver =
                |c: &Condition| c.concepts.iter().any(|(id, _)| id.starts_with("liver."));
            match left {
                None => facts.conditions.list.retain(|c| !is_liver(c)),
                Some(class) => {
                    for condition in facts.conditions.list.iter_mut().filter(|c| is_liver(c)) {
                        condition.stage = vec![format!("Child-Pugh class {class:?}")];
                    }
                }
            }
        }
        Change::Result { lab, band, .. } => {
            let value = match (band.below.or(band.to), band.above.or(band.from)) {
                (Some(_), _) => above(band),
                (None, Some(low)) if band.from.is_some() => low.0 - Decimal::new(1, 1),
                (None, Some(low)) => low.0,
                (None, None) => panic!("a band without an end"),
            };
            put(&mut facts, lab, Value::Number(Range::exactly(value)), today);
            let newest = &mut facts.labs.results.get_mut(lab).expect("just put")[0];
            newest.upper_limit = Some(Decimal::ONE);
        }
        Change::Phenotype { lab, .. } => {
            put(&mut facts, lab, Value::Concepts(vec!["metabolizer.normal".into()]), today);
        }
        Change::Fall { lab, .. } => {
            let values = facts.labs.results[lab].iter().filter_map(|r| match &r.value {
                Value::Number(value) => value.exact(),
                _ => None,
            });
            let highest = values.max().expect("a baseline");
            put(&mut facts, lab, Value::Number(Range::exactly(highest)), today);
        }
        Change::Recorded(ids) => {
            for id in ids {
                put(&mut facts, id, Value::Number(Range::exactly(Decimal::ONE)), today);
            }
        }
        Change::Negative(ids) => {
            for id in ids {
                put(&mut facts, id, Value::Meaning(Meaning::Negative), today);
            }
        }
        Change::NegativeTuberculosisTest(_) => {
            put(&mut facts, "igra", Value::Meaning(Meaning::Negative), today);
        }
        Change::TuberculosisTreated(days) => {
            let first = facts.today.checked_sub(jiff::Span::new().days(i64::from(*days)));
            facts.medicines.list.push(Medicine {
                title: "isoniazid".into(),
                substances: vec!["isoniazid".into()],
                vaccines: Vec::new(),
                jak: None,
                dose: Default::default(),
                active: true,
                sure: true,
                completed: false,
                start: first.ok().map(FhirDate::day),
                end: None,
                reference: None,
                draft: false,
            });
        }
        Change::Stopped(names) => {
            let named = |title: &str| {
                names.iter().any(|n| n.trim_end_matches(", ordered with it") == title)
            };
            facts.medicines.list.retain(|m| !named(&m.title));
            facts.orders.truncate(1);
        }
        Change::Resolved(concepts) => {
            for condition in &mut facts.conditions.list {
                if concepts.iter().any(|id| condition.is(id)) {
                    condition.standing = Standing::Past;
                }
            }
        }
        Change::NotPregnant | Change::PregnancyKnown => {
            put(&mut facts, "pregnancy-test", Value::Meaning(Meaning::Negative), today);
        }
        Change::NotBreastFeeding => {
            let none = Value::Concepts(vec!["breast-feeding.none".to_owned()]);
            put(&mut facts, "breast-feeding", none, today);
        }
        Change::Vaccinated(VaccineKind::Zoster, doses) => {
            for dose in 0..*doses {
                let day = facts.today.checked_sub(jiff::Span::new().days(i64::from(dose)));

                facts.vaccinations.list.push(Vaccination {
                    vaccine: "zoster.recombinant".into(),
                    title: "recombinant zoster vaccine".into(),
                    live: false,
                    may_be_live: false,
                    date: day.ok().map(FhirDate::day),
                    reference: None,
                    code: None,
                });
            }
        }
        Change::Vaccinated(VaccineKind::Live, _) => panic!("a live vaccine clears nothing"),
        Change::Waited(day) => facts.today = *day,
    }
    facts
}

fn is_kidney(id: &str) -> bool {
    id.starts_with("kidney.")
}

/// Just across the upper end of a band.
fn above(band: &Range) -> Decimal {
    match (band.to, band.below) {
        (Some(Number(to)), _) => to + Decimal::new(1, 1),
        (None, Some(Number(below))) => below,
        (None, None) => panic!("a band without an upper end"),
    }
}

/// A new result of today, before all others.
fn put(facts: &mut Facts, lab: &str, value: Value, date: FhirDate) {
    let result = LabResult {
        value,
        date: Some(date),
        moment: None,
        printed: "new".into(),
        code: "new".into(),
        reference: None,
        upper_limit: None,
        shown: Default::default(),
    };
    facts.labs.results.entry(lab.to_owned()).or_default().insert(0, result);
}
