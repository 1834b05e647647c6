//! From the chart to the facts: the only place that hands JSON to the readers of facts.

use super::order::Role;
use super::{Conditions, Facts, Labs, Medicines, Order, Person, Vaccinations};
use crate::ehr::orders::by_id;
use crate::ehr::{Chart, Orders};
use crate::knowledge::{Jurisdiction, Knowledge};
use jiff::civil::Date;

/// Orders of one call that are asked about: no prescriber signs more at once, and every one is asked
/// every row.
const MOST_ORDERS: usize = 50;

impl Facts {
    /// The patient as the rules see them.
    pub fn read<'a>(
        orders: &Orders<'a>,
        chart: &Chart<'a>,
        knowledge: &Knowledge,
        jurisdiction: Jurisdiction,
        today: Date,
    ) -> Facts {
        let terminology = &knowledge.terminology;
        let beside = orders.beside.iter().chain(&chart.conditions.resources);
        let beside = by_id(beside.copied());
        let read = |draft| Order::read(draft, Role::Ordered, &beside, terminology);
        let ordered: Vec<Order> = orders.jak.iter().map(read).collect();
        let medicines = Medicines::read(chart, &orders.others, &beside, knowledge);
        let mut orders_asked = match (ordered.is_empty(), orders.others.is_empty()) {
            (false, _) => ordered,
            (true, false) => beside_taken(orders, &medicines, knowledge, today),
            (true, true) => taken(&medicines, today),
        };
        let unasked = orders_asked.len().saturating_sub(MOST_ORDERS);
        orders_asked.truncate(MOST_ORDERS);
        // Nobody takes one and nobody orders one: the results of this patient are not looked at.
        let labs = match orders_asked.is_empty() {
            true => Labs::default(),
            false => Labs::read(chart, terminology, today),
        };
        let conditions = Conditions::read(&chart.conditions, &terminology.conditions);
        for order in &mut orders_asked {
            order.find_indications(&conditions, knowledge);
        }
        Facts {
            today,
            jurisdiction,
            person: Person::read(&chart.patient),
            orders: orders_asked,
            labs,
            conditions,
            medicines,
            vaccinations: Vaccinations::read(&chart.immunizations, terminology),
            dropped: chart.dropped,
            unreadable_orders: orders.unreadable.clone(),
            unasked_orders: unasked,
        }
    }
}

/// The JAK inhibitors on the medication list, each once: the entry that began last tells the dose.
fn taken(medicines: &Medicines, today: Date) -> Vec<Order> {
    let mut taken: Vec<(&super::Medicine, &Order)> = Vec::new();
    for medicine in medicines.current(today).filter(|m| !m.draft) {
        let Some(order) = medicine.jak.as_deref() else { continue };
        match taken.iter_mut().find(|(_, known)| known.drug.drugs == order.drug.drugs) {
            Some(known) if known.0.start < medicine.start => *known = (medicine, order),
            Some(_) => {}
            None => taken.push((medicine, order)),
        }
    }
    taken.into_iter().map(|(_, order)| order.clone()).collect()
}

/// The other direction: every selected draft of a medicine that a row names, beside every JAK
/// inhibitor that the patient takes.
fn beside_taken(
    orders: &Orders<'_>,
    medicines: &Medicines,
    knowledge: &Knowledge,
    today: Date,
) -> Vec<Order> {
    let taken = taken(medicines, today);
    let named = orders
        .others
        .iter()
        .filter(|o| o.selected && knowledge.names(&o.held.substances, &o.held.vaccines));
    let pairs = named.flat_map(|other| taken.iter().map(move |order| (other, order)));
    pairs
        .map(|(other, order)| Order {
            role: Role::Beside,
            reference: other.reference.clone(),
            release: other.release,
            ..order.clone()
        })
        .collect()
}
