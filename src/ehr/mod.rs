//! THE DOOR: what did the EHR tell, and what did it not?
//!
//! [`orders()`] looks at the draft orders alone, because almost every call ends there. [`gather()`]
//! sorts what was sent along by what it is, drops what belongs to another patient, and says for
//! every kind of data whether an absence means anything.

pub mod answer;
pub mod breaker;
pub mod chart;
pub mod client;
pub mod drug;
pub mod fetch;
pub mod fetched;
pub mod medicine;
pub mod needs;
pub mod orders;
mod release;
pub mod server;
mod tested;

pub use answer::{Collected, State};
pub use chart::{Chart, gather};
pub use client::Client;
pub use drug::{Identified, IdentifiedBy, Identity};
pub use fetch::Door;
pub use fetched::Fetched;
pub use medicine::{Held, held};
pub use orders::{BesideOrder, DraftOrder, NoDrug, Orders, orders};
pub use tested::lab_of;
