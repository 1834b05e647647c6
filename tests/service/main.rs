//! The real application on a real port, called as an EHR calls it.

#[path = "../support/mod.rs"]
mod support;

mod app;
mod attacks;
mod audit;
mod bad_input;
mod charts;
mod clients;
mod drafts;
mod feedback;
mod fetching;
mod json_suite;
mod openapi;
mod process;
mod protocol;
mod reachable;
mod site_sheet;
mod sockets;
mod ssrf;
mod strict;
mod tls;
mod traps;
mod whole_label;
