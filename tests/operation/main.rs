//! The program as those meet it who run it: signals, files that change, what it tells of itself.

#[path = "../support/mod.rs"]
mod support;

mod lifecycle;
mod metrics;
mod program;
mod reload;
mod self_test;
mod traces;
