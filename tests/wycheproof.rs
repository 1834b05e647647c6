//! Signatures and keys that others wrote to break verifiers: Wycheproof's JSON Web Signature, Key and
//! Crypto vectors, read from where `JAKCARD_EXTERNAL` says.

mod support;

use base64::Engine;
use jakcard::auth::Refusal;
use jakcard::auth::keys::KeySet;
use jakcard::auth::token::Signed;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use support::issuer::ALGORITHMS;

/// Why something that is valid for others is refused here.
fn stricter(jws: &str, refusal: Refusal) -> Option<&'static str> {
    if jws.is_empty() {
        return Some("the JSON serialisation is no token of HTTP");
    }
    let header = jws.split('.').next().unwrap_or_default();
    let Ok(header) = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header) else {
        return Some("base64url has no other signs");
    };
    let header: Value = serde_json::from_slice(&header).unwrap_or_default();
    match (header["alg"].as_str(), refusal) {
        (Some("HS256" | "HS384" | "HS512"), _) => Some("a shared secret signs nothing here"),
        (Some("PS384"), Refusal::Algorithm) => Some("the key says that it is for PS256"),
        (Some("ES512"), _) => Some("P-521 is no algorithm of ours"),
        (_, Refusal::NoKeys | Refusal::UnknownKey) if header["kid"].is_null() => {
            Some("a token names its key")
        }
        _ => None,
    }
}

fn verdict(group: &Value, jws: &Value) -> Result<(), Refusal> {
    let keys = if group["public"].is_null() { &group["private"] } else { &group["public"] };
    let set = match keys["keys"].is_array() {
        true => keys.clone(),
        false => serde_json::json!({ "keys": [keys] }),
    };
    // The JSON serialisation is no token of HTTP.
    let text = jws.as_str().map_or_else(|| jws.to_string(), str::to_owned);
    let signed = Signed::read(&text)?;
    let keys = KeySet::read(&set.to_string()).map_err(|_| Refusal::NoKeys)?;
    keys.verify(&signed, &ALGORITHMS)
}

#[test]
fn no_vector_that_is_invalid_gets_in_and_what_is_valid_and_refused_has_a_reason() {
    let Some(folder) = std::env::var_os("JAKCARD_EXTERNAL") else {
        println!("JAKCARD_EXTERNAL is not set: no vector was read");
        return;
    };
    let folder = PathBuf::from(folder).join("vectors/wycheproof");
    let (mut table, mut wrong) = (BTreeMap::new(), Vec::new());
    for name in ["signature", "key", "crypto"] {
        let text = std::fs::read_to_string(folder.join(format!("json_web_{name}_test.json")));
        let vectors: Value = serde_json::from_str(&text.expect("the vectors")).expect("JSON");
        for group in vectors["testGroups"].as_array().expect("groups") {
            for test in group["tests"].as_array().expect("tests") {
                let text = test["jws"].as_str().unwrap_or_default();
                let row = match (test["result"] == "valid", verdict(group, &test["jws"])) {
                    (true, Ok(())) => "valid, let in".to_owned(),
                    (false, Err(_)) => "invalid, refused".to_owned(),
                    (true, Err(refusal)) => match stricter(text, refusal) {
                        Some(reason) => format!("valid, refused: {reason}"),
                        None => {
                            let what = format!("{name} {}: {}", test["tcId"], test["comment"]);
                            wrong.push(format!("{what}: valid, and refused as {refusal:?}"));
                            continue;
                        }
                    },
                    (false, Ok(())) => {
                        let what = format!("{name} {}: {}", test["tcId"], test["comment"]);
                        wrong.push(format!("{what}: invalid, and let in {}", test["flags"]));
                        continue;
                    }
                };
                *table.entry((name, row)).or_insert(0) += 1;
            }
        }
    }
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/SECURITY.md"));
    let page = page.expect("the page");
    for ((name, row), n) in &table {
        let line = format!("| {name} | {row} | {n} |");
        println!("{line}");
        if !page.contains(&line) {
            wrong.push(format!("SECURITY.md does not say `{line}`"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let all: i32 = table.values().sum();
    assert!(all >= 510, "the vectors are gone: {all}");
}
