//! Does the patient take, or is about to take, a second JAK inhibitor?

use super::scope::Scope;
use super::{Because, Change, Outcome, Question};
use crate::facts::{Evidence, Identified, Medicine, Order, Role, Shown};
use crate::terminology::products::Form;

/// One outcome for every row against a second JAK inhibitor.
pub fn check(question: Question<'_>) -> Vec<Outcome<'_>> {
    let rows = question.rows(&question.drug.combination);
    rows.map(|row| {
        let facts = question.facts;
        let mut scope = Scope::default();
        scope.applies(question, &row.applies);
        let others: Vec<&Medicine> =
            facts.medicines.current(facts.today).filter(|m| other(question, m)).collect();
        let orders = facts.orders.iter().enumerate();
        let drafts = orders.filter(|(i, o)| {
            *i != question.index && o.role == Role::Ordered && is_other(question, &o.drug)
        });
        scope.found.extend(others.iter().map(|m| m.evidence()));
        scope.found.extend(drafts.map(|(_, order)| draft(question, order)));
        if scope.found.is_empty() {
            match facts.medicines.state.why_open() {
                Some(why) => scope.open("medicines on record", why),
                None => scope.excluded = true,
            }
        }
        scope.clears.push(Change::Stopped(scope.found.iter().map(|e| e.what.clone()).collect()));
        question.weighed(row, scope, row.action, Because::Row)
    })
    .collect()
}

/// Another drug, whatever the order leaves open: another ingredient, or the same one on the skin and
/// by mouth. A change of tablets is no second drug.
fn is_other(question: Question<'_>, other: &Identified) -> bool {
    let ours = &question.order.drug;
    let ingredient = |id: &String| question.knowledge.drug(id).map(|d| d.ingredient.as_str());
    let same =
        other.drugs.iter().any(|id| ours.drugs.iter().any(|our| ingredient(our) == ingredient(id)));
    let topical = |drug: &Identified| drug.form == Some(Form::Topical);
    !same
        || (topical(other) != topical(ours) && !other.drugs.iter().any(|d| ours.drugs.contains(d)))
}

fn other(question: Question<'_>, medicine: &Medicine) -> bool {
    medicine.jak.as_ref().is_some_and(|order| is_other(question, &order.drug))
}

fn draft(question: Question<'_>, order: &Order) -> Evidence {
    let drugs = order.drug.drugs.iter().filter_map(|id| question.knowledge.drug(id));
    let names: Vec<&str> = drugs.map(|d| d.name.as_str()).collect();
    Evidence::from(Shown {
        what: format!("{}, ordered with it", names.join(" or ")),
        value: None,
        date: None,
        reference: Some(order.reference.clone()),
        code: None,
    })
}
