//! What was answered, and can it be proved afterwards?
//!
//! One record for each evaluation of an identified JAK inhibitor, in a chain in which every change
//! shows. Writing never holds up an answer, unless the settings ask for no answer without a record.

mod record;
mod verify;
mod writer;

pub use record::{
    CardRecord, Evaluation, Kind, NotChecked, RuleRecord, Signs, hex, hook_instance, patient,
    sha256,
};
pub use verify::{Verdict, verify};
pub use writer::{Audit, NotRecorded, Settings, forget};
