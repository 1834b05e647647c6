//! From the chart to the facts: the only place that hands JSON to the readers of facts.

use super::{Conditions, Facts, Labs, Medicines, Order, Person};
use crate::ehr::{Chart, Orders};
use crate::knowledge::{Jurisdiction, Knowledge};
use jiff::civil::Date;

impl Facts {
    /// The patient as the rules see them.
    pub fn read(
        orders: &Orders<'_>,
        chart: &Chart<'_>,
        knowledge: &Knowledge,
        jurisdiction: Jurisdiction,
        today: Date,
    ) -> Facts {
        let terminology = &knowledge.terminology;
        let mut beside = orders.beside.clone();
        beside.extend(&chart.conditions.resources);
        Facts {
            today,
            jurisdiction,
            person: Person::read(&chart.patient),
            orders: orders.jak.iter().map(|o| Order::read(o, &beside, terminology)).collect(),
            labs: Labs::read(chart, terminology, today),
            conditions: Conditions::read(&chart.conditions, &terminology.conditions),
            medicines: Medicines::read(chart, terminology),
            dropped: chart.dropped,
            unreadable_orders: orders.unreadable.clone(),
        }
    }
}
