//! What the tests share.
#![allow(dead_code)]

pub mod cases;
pub mod fake_ehr;
pub mod issuer;

use jakcard::knowledge::{Knowledge, embedded, read};
use std::path::PathBuf;
use std::sync::OnceLock;

/// The knowledge of the binary.
pub fn knowledge() -> &'static Knowledge {
    static KNOWLEDGE: OnceLock<Knowledge> = OnceLock::new();
    KNOWLEDGE.get_or_init(|| read::read(&embedded::embedded()).expect("the knowledge is sound"))
}

/// Waits for an answer.
pub fn wait<T>(future: impl std::future::Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(future)
}

/// A path below the project.
pub fn project(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}
