//! From the chart to the facts: the only place that hands JSON to the readers of facts.

use super::{Conditions, Facts, Labs, Medicines, Order, Person};
use crate::ehr::orders::by_id;
use crate::ehr::{Chart, Orders};
use crate::knowledge::{Jurisdiction, Knowledge};
use jiff::civil::Date;

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
