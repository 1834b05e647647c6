//! The real application on a real port, called as an EHR calls it.

#[path = "../support/mod.rs"]
mod support;

mod app;
mod audit;
mod bad_input;
mod charts;
mod clients;
mod drafts;
mod feedback;
mod fetching;
mod openapi;
mod protocol;
mod site_sheet;
mod traps;
mod whole_label;
