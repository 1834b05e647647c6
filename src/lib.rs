//! A CDS Hooks service for JAK inhibitors: what the label asks of this patient, when a drug is
//! ordered.
//!
//! A call comes in at one door, walks through five rooms in one direction, and leaves as cards:
//!
//! | room | question |
//! |---|---|
//! | [`cds_hooks`] | what did the client say? (protocol, no clinical word) |
//! | [`ehr`] | what did the EHR tell, and what did it not? |
//! | [`facts`] | what is known of the patient? (no JSON) |
//! | [`rules`] | what do the labels say of that? (fires, silent, cannot tell) |
//! | [`cards`] | how is it said? |
//!
//! Beside the way stand [`fhir`] (FHIR as it arrives), [`terminology`] (codes, units, words),
//! [`knowledge`] (the rows of `hooks/`), and around it [`service`] (HTTP) and [`config`].

pub mod audit;
pub mod auth;
pub mod cards;
pub mod cds_hooks;
pub mod config;
pub mod ehr;
pub mod facts;
pub mod fhir;
pub mod knowledge;
pub mod report;
pub mod rules;
pub mod service;
pub mod site_sheet;
pub mod store;
pub mod terminology;
pub mod text;
