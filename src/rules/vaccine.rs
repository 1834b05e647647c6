//! Was a live vaccine given inside the window, or is it being ordered, and is the zoster vaccine there?

use super::scope::Scope;
use super::{Because, Change, Gap, Outcome, Question};
use crate::facts::{Medicine, Role, Vaccination};
use crate::knowledge::{VaccineKind, VaccineRow};
use crate::terminology::Vaccines;
use jiff::ToSpan;

/// The vaccine whose doses are counted.
const ZOSTER: &str = "zoster.recombinant";

/// One outcome for every vaccine that the label names.
pub fn check(question: Question<'_>) -> Vec<Outcome<'_>> {
    let rows = question.rows(&question.drug.vaccine);
    let rows =
        rows.filter(|row| question.order.role != Role::Beside || row.vaccine == VaccineKind::Live);
    rows.map(|row| check_row(question, row)).collect()
}

fn check_row<'k>(question: Question<'k>, row: &'k VaccineRow) -> Outcome<'k> {
    let mut scope = Scope::default();
    scope.applies(question, &row.applies);
    let because = match row.vaccine {
        VaccineKind::Live => {
            live(&mut scope, question);
            Because::Row
        }
        VaccineKind::Zoster => Because::Doses(zoster(&mut scope, question)),
    };
    question.weighed(row, scope, row.action, because)
}

fn live(scope: &mut Scope, question: Question<'_>) {
    let facts = question.facts;
    let table = &question.knowledge.terminology.vaccines;
    let ordered = facts.medicines.list.iter().filter(|m| m.draft && is_live(m, table));
    if question.order.role == Role::Beside {
        let ours = |m: &&Medicine| m.reference.as_ref() == Some(&question.order.reference);
        scope.found.extend(ordered.filter(ours).map(Medicine::evidence));
        scope.excluded |= scope.found.is_empty();
        return;
    }
    let ordered: Vec<&Medicine> = ordered.collect();
    scope.found.extend(ordered.iter().map(|m| m.evidence()));
    let days = i64::from(question.knowledge.policy.windows.live_vaccine_days);
    let first = facts.today.checked_sub(days.days()).unwrap_or(facts.today);
    let perhaps =
        |v: &&Vaccination| v.date.is_none_or(|d| d.latest >= first && d.earliest <= facts.today);
    let surely = |v: &&Vaccination| v.live && v.date.is_some_and(|d| d.earliest >= first);
    let recent: Vec<&Vaccination> = facts
        .vaccinations
        .list
        .iter()
        .filter(|v| v.live || v.may_be_live)
        .filter(perhaps)
        .collect();
    let given: Vec<&Vaccination> = recent.iter().copied().filter(surely).collect();
    scope.found.extend(given.iter().map(|v| v.evidence()));
    let last = given.iter().filter_map(|v| v.date).map(|d| d.latest).max();
    let after = last.and_then(|day| day.checked_add((days + 1).days()).ok());
    match (ordered.is_empty(), after) {
        (true, Some(day)) => scope.clears.push(Change::Waited(day)),
        (false, None) => {
            scope.clears.push(Change::Stopped(ordered.iter().map(|m| m.title.clone()).collect()));
        }
        _ => {}
    }
    if !scope.found.is_empty() {
        return;
    }
    let drafted = facts.medicines.list.iter().find(|m| m.draft && may_be_live(m, table));
    match (recent.first(), drafted) {
        (Some(vaccine), _) => {
            scope.found.push(vaccine.evidence());
            let why = match vaccine.live {
                true => "when it was given is not on record, or only partly",
                false => "its code does not tell whether it is live",
            };
            scope.gap(Gap::Value, &vaccine.title, why);
        }
        (None, Some(order)) => {
            scope.found.push(order.evidence());
            scope.gap(Gap::Value, &order.title, "its code does not tell whether it is live");
        }
        (None, None) => nothing_found(scope, question),
    }
}

fn may_be_live(medicine: &Medicine, table: &Vaccines) -> bool {
    medicine.vaccines.iter().any(|id| table.get(id).is_some_and(|v| v.may_be_live))
}

fn is_live(medicine: &Medicine, table: &Vaccines) -> bool {
    medicine.vaccines.iter().any(|id| table.get(id).is_some_and(|v| v.live))
}

/// Looks for the doses, and counts them.
fn zoster(scope: &mut Scope, question: Question<'_>) -> usize {
    let needed = question.knowledge.policy.windows.zoster_doses;
    let facts = question.facts;
    // A dose is told once for its day, and not before it was given.
    let mut doses: Vec<&Vaccination> = Vec::new();
    for dose in facts.vaccinations.list.iter().filter(|v| v.vaccine == ZOSTER) {
        let future = dose.date.is_some_and(|d| d.earliest > facts.today);
        let again = dose.date.is_some() && doses.iter().any(|d| d.date == dose.date);
        if !future && !again {
            doses.push(dose);
        }
    }
    scope.found.extend(doses.iter().map(|v| v.evidence()));
    if doses.len() >= usize::from(needed) {
        scope.excluded = true;
        return doses.len();
    }
    match facts.vaccinations.state.why_open() {
        Some(why) => scope.open("vaccinations", why),
        None => scope.not_found.push("recombinant zoster vaccine".to_owned()),
    }
    scope.clears.push(Change::Vaccinated(VaccineKind::Zoster, needed));
    doses.len()
}

fn nothing_found(scope: &mut Scope, question: Question<'_>) {
    if scope.found.is_empty() {
        match question.facts.vaccinations.state.why_open() {
            Some(why) => scope.open("vaccinations", why),
            None => scope.excluded = true,
        }
    }
}
