//! What does it mean when a kind of data holds nothing?
//!
//! Five states: answered, searched and none on record, not asked, failed, incomplete. Only the
//! second may lead to "none found"; a positive finding counts in every state.

use crate::fhir::Json;

/// Does an absence mean anything?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Searched to the end: what is not here is not on record.
    Complete,
    /// Not part of the request.
    NotAsked,
    /// Asked, and not answered.
    Failed(&'static str),
    /// Answered in part.
    Incomplete(&'static str),
}

impl State {
    /// Why an absence means nothing; `None` when it does mean something.
    pub fn why_open(&self) -> Option<&'static str> {
        match self {
            State::Complete => None,
            State::NotAsked => Some("not part of the request"),
            State::Failed(why) | State::Incomplete(why) => Some(why),
        }
    }
}

/// Resources of one kind, and what their absence means.
#[derive(Clone, Debug)]
pub struct Collected<'a> {
    /// What was found.
    pub resources: Vec<Json<'a>>,
    /// What it means that there is no more.
    pub state: State,
}

impl Default for Collected<'_> {
    fn default() -> Self {
        Collected { resources: Vec::new(), state: State::NotAsked }
    }
}
