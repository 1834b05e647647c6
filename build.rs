//! Before the program is built: the knowledge that is part of it, and the order that it suggests.
//!
//! A new file in `hooks/` is a reason to build again. The order for a laboratory test is written here, by
//! fhirbolt's typed models of FHIR R4, with stand-ins for what a call fills in (`src/cards/order_form.rs`):
//! so the program sends what the models write and does not carry them.

use fhir_models::{Code, LabOrder, service_request};
use std::path::Path;

/// What a call fills in, in the order of the text. Each stands for a whole JSON string.
const STAND_INS: [&str; 6] = [
    "the system",
    "the code",
    "the display",
    "the words",
    "Patient/the-patient",
    "Encounter/the-encounter",
];

fn main() {
    println!("cargo:rerun-if-changed=hooks");
    println!("cargo:rerun-if-changed=build.rs");
    let [system, code, display, text, _, _] = STAND_INS;
    let code = Code { system, code, display };
    let order = LabOrder { code, text, patient: "the-patient", encounter: None };
    let within = LabOrder { encounter: Some("the-encounter"), ..order };
    let forms =
        [("ALONE", around(&order, &STAND_INS[..5])), ("WITHIN", around(&within, &STAND_INS))];
    let code: Vec<String> = forms
        .iter()
        .map(|(name, parts)| format!("const {name}: [&str; {}] = {parts:?};\n", parts.len()))
        .collect();
    let folder = std::env::var_os("OUT_DIR").expect("Cargo names the folder");
    let path = Path::new(&folder).join("order_form.rs");
    std::fs::write(&path, code.concat()).expect("the folder of the build can be written");
}

/// The text of the order around the stand-ins.
fn around(order: &LabOrder<'_>, stand_ins: &[&str]) -> Vec<String> {
    let json = service_request(order).expect("the models write an order");
    let (mut parts, mut rest) = (Vec::new(), json.get());
    for stand_in in stand_ins {
        let (before, after) =
            rest.split_once(&format!("\"{stand_in}\"")).expect("each stand-in, in its order");
        parts.push(before.to_owned());
        rest = after;
    }
    parts.push(rest.to_owned());
    let told = |part: &String| STAND_INS.iter().any(|stand_in| part.contains(stand_in));
    assert!(!parts.iter().any(told), "a stand-in stands twice: {parts:?}");
    parts
}
