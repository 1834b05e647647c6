//! The patient as the rules see them: orders, labs, conditions, medicines, person. No JSON.
//!
//! Every fact from outside is known, none on record, or not available with a reason.

pub mod condition;
pub mod dose;
pub mod estimate;
pub mod hepatic;
pub mod known;
pub mod lab;
pub mod medicine;
pub mod order;
pub mod person;
pub mod pregnancy;
pub mod qualitative;
pub mod read;
pub mod renal;
pub mod result;
pub mod sig;
pub mod vaccine;

pub use condition::{Condition, Conditions, Standing};
pub use dose::{Dose, DoseLine};
pub use hepatic::LiverFunction;
pub use known::{Evidence, Known, Shown, unique};
pub use lab::{LabResult, Labs, SetAside, Value};
pub use medicine::{Medicine, Medicines};
pub use order::{Indication, Order, Role, Since};
pub use person::{Person, Sex};
pub use pregnancy::Pregnancy;
pub use renal::{RenalFunction, RenalSource};
pub use vaccine::{Vaccination, Vaccinations};

pub use crate::ehr::Identified;
use crate::ehr::chart::Dropped;
use crate::knowledge::Jurisdiction;
use jiff::civil::Date;

/// Everything that rules may ask about.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The day on which the question is asked.
    pub today: Date,
    /// Whose labels speak.
    pub jurisdiction: Jurisdiction,
    /// Age and sex.
    pub person: Person,
    /// The JAK inhibitors that are being ordered or taken.
    pub orders: Vec<Order>,
    /// Test results and measurements.
    pub labs: Labs,
    /// Diagnoses.
    pub conditions: Conditions,
    /// Medicines on record, and the other drafts of the call.
    pub medicines: Medicines,
    /// Vaccines given.
    pub vaccinations: Vaccinations,
    /// What was not used.
    pub dropped: Dropped,
    /// Orders whose drug could not be told, beside one that could.
    pub unreadable_orders: Vec<String>,
    /// Orders beyond what one call may ask.
    pub unasked_orders: usize,
}
