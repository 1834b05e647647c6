//! CDS Hooks 2.0.1 as types: what a client sends and what a service answers.
//!
//! No clinical word stands here. <https://cds-hooks.hl7.org/>

pub mod card;
pub mod context;
pub mod feedback;
pub mod request;

pub use card::{
    Action, ActionType, Card, CdsResponse, Coding, Ground, Indicator, SelectionBehavior, Source,
    Suggestion,
};
pub use context::Context;
pub use request::{Authorization, BadRequest, Bounds, Prefetch, Request, open};
