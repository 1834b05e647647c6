//! What happened in the course of one call?
//!
//! [`super::invoke()`] writes it down, and the door tells it, to the metrics and the trace. Of a call that
//! nobody made (the self-test) nothing is told.

use super::metrics;
use crate::ehr::Orders;
use crate::knowledge::Knowledge;
use crate::rules::{Gap, Outcome, Verdict};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A part of a call, in the order in which they follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Who is calling.
    Admit,
    /// The body arrives.
    Body,
    /// The request is read.
    Read,
    /// The orders are looked at.
    Orders,
    /// The EHR's FHIR server is asked.
    Fetch,
    /// The chart is sorted, and the facts are read.
    Facts,
    /// Every row is asked.
    Rules,
    /// The cards are written.
    Cards,
}

impl Phase {
    /// All of them.
    pub const ALL: [Phase; 8] = [
        Phase::Admit,
        Phase::Body,
        Phase::Read,
        Phase::Orders,
        Phase::Fetch,
        Phase::Facts,
        Phase::Rules,
        Phase::Cards,
    ];

    /// Its name in metrics and traces.
    pub fn word(self) -> &'static str {
        match self {
            Phase::Admit => "admit",
            Phase::Body => "body",
            Phase::Read => "read",
            Phase::Orders => "orders",
            Phase::Fetch => "fetch",
            Phase::Facts => "facts",
            Phase::Rules => "rules",
            Phase::Cards => "cards",
        }
    }
}

/// What happened.
#[derive(Debug)]
pub struct Course {
    begun: Instant,
    ended: Vec<(Phase, Instant)>,
    /// What told the drug of each order of a JAK inhibitor.
    pub identified: Vec<&'static str>,
    /// Names that look like a JAK inhibitor and that no table knows.
    pub look_alike: Vec<String>,
    /// Orders whose drug stands in a resource that was not sent.
    pub unreadable: usize,
    /// Orders of another patient.
    pub foreign: usize,
    /// The orders were looked at.
    pub looked: bool,
    /// Nothing of the chart was sent, and there is no server that could be asked.
    pub stripped: bool,
    /// The medication list that decides whether anything is said could not be read.
    pub unread_list: bool,
    /// Rows that fired, and how loud.
    pub fired: Vec<(String, &'static str)>,
    /// Topics that could not be checked, and what was wanting.
    pub open: BTreeSet<(&'static str, &'static str)>,
    /// Cards, by their indicator.
    pub cards: Vec<&'static str>,
}

impl Course {
    /// A call begins.
    pub fn begin() -> Course {
        Course {
            begun: Instant::now(),
            ended: Vec::with_capacity(Phase::ALL.len() + 1),
            identified: Vec::new(),
            look_alike: Vec::new(),
            unreadable: 0,
            foreign: 0,
            looked: false,
            stripped: false,
            unread_list: false,
            fired: Vec::new(),
            open: BTreeSet::new(),
            cards: Vec::new(),
        }
    }

    /// When it began.
    pub fn begun(&self) -> Instant {
        self.begun
    }

    /// A part is done.
    pub fn did(&mut self, phase: Phase) {
        self.ended.push((phase, Instant::now()));
    }

    /// Each part, with its begin and its end.
    pub fn phases(&self) -> impl Iterator<Item = (Phase, Instant, Instant)> {
        let begins = std::iter::once(self.begun).chain(self.ended.iter().map(|(_, end)| *end));
        self.ended.iter().zip(begins).map(|((phase, end), begin)| (*phase, begin, *end))
    }

    /// How long it took until now.
    pub fn took(&self) -> Duration {
        self.begun.elapsed()
    }

    /// What the orders are.
    pub fn saw(&mut self, orders: &Orders<'_>) {
        self.looked = true;
        self.identified.extend(orders.jak.iter().map(|order| order.drug.by.word()));
        self.look_alike.extend(orders.look_alike.iter().cloned());
        self.unreadable = orders.unreadable.len();
        self.foreign = orders.foreign;
    }

    /// What the rows said.
    pub fn heard(&mut self, outcomes: &[Outcome<'_>], knowledge: &Knowledge) {
        for outcome in outcomes {
            match &outcome.verdict {
                Verdict::Fires(action) => {
                    let level = crate::cards::indicator(knowledge.policy.level(*action));
                    self.fired.push((outcome.row.id().get_ref().clone(), level.word()));
                }
                Verdict::CannotTell(_, missing) => {
                    let topic = outcome.row.topic().word();
                    self.open.extend(missing.iter().map(|m| (topic, wanting(m.gap))));
                }
                Verdict::Silent => {}
            }
        }
    }

    /// Tells the metrics, and the log what somebody should look into.
    pub fn tell(&self, service: &str, client: &str) {
        metrics::told(self, service, client);
        for word in &self.look_alike {
            // A name that ends like those of the class, or a class or stem of our tables.
            tracing::warn!(
                name = &*crate::cards::markdown::plain(word),
                "an order looks like a JAK inhibitor that no table knows"
            );
        }
    }
}

/// What is wanting, in a word.
fn wanting(gap: Gap) -> &'static str {
    match gap {
        Gap::Chart => "not-available",
        Gap::NoneOnRecord => "none-on-record",
        Gap::Value => "value",
        Gap::Order => "order",
        Gap::Dose => "dose",
    }
}
