//! THE GATE: which EHR is calling, told by the token in its `Authorization` header.
//!
//! <https://cds-hooks.hl7.org/#trusting-cds-clients>. A call passes through the files in this order:
//! [`token`] takes the token apart, `claims` looks at audience and time, [`source`] has the
//! client's keys, [`keys`] verifies the signature, `replay` remembers the token, in memory (`seen`) and in the store; [`gate`] is the
//! order.

mod claims;
pub mod gate;
pub mod keys;
mod refusal;
mod replay;
mod seen;
pub mod source;
pub mod token;

pub use gate::{Denied, Gate};
pub use refusal::Refusal;
