//! What every call shares: settings, knowledge, the calendar.

use super::in_force::{InForce, Served};
use crate::audit::Audit;
use crate::auth::Gate;
use crate::config::Config;
use crate::ehr::Client;
use crate::knowledge::Knowledge;
use crate::store::Shelf;
use jiff::civil::Date;
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;

/// Which day is it? The only clock of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calendar {
    /// The day of the system clock, UTC.
    System,
    /// A fixed day (`--as-of`).
    Fixed(Date),
}

impl Calendar {
    /// Today.
    pub fn today(self) -> Date {
        match self {
            Calendar::Fixed(date) => date,
            Calendar::System => jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date(),
        }
    }
}

/// What every call shares.
#[derive(Debug)]
pub struct House {
    /// The settings.
    pub config: Config,
    /// What labels say.
    pub knowledge: InForce,
    /// Which day it is.
    pub calendar: Calendar,
    /// Lets clients in; absent in sandbox mode and offline.
    pub gate: Option<Gate>,
    /// Asks the EHR's FHIR server; absent offline.
    pub client: Option<Client>,
    /// Where records are kept; absent offline.
    pub shelf: Option<Arc<Shelf>>,
    /// Writes down what was answered; absent offline, and when it is switched off.
    pub audit: Option<Arc<Audit>>,
    /// What `/metrics` shows; absent offline.
    pub metrics: Option<PrometheusHandle>,
}

impl House {
    /// A house that answers offline: nobody is let in, asked, counted or remembered.
    pub fn offline(config: Config, knowledge: Knowledge, calendar: Calendar) -> House {
        let knowledge = InForce::new(knowledge, None);
        let (gate, client, shelf, audit, metrics) = (None, None, None, None, None);
        House { config, knowledge, calendar, gate, client, shelf, audit, metrics }
    }

    /// The service with this id, with the knowledge of this moment.
    pub fn service(&self, id: &str) -> Option<Served> {
        self.knowledge.service(id)
    }
}
