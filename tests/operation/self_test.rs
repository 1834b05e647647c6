//! Knowledge that lost something while it is in force: what those hear who run it, and who reads cards.

use crate::program::Program;
use nix::sys::signal::Signal;

const SIGN: &str = "jak-inhibitor-order-sign";

#[test]
fn e10_a_lost_code_is_a_metric_a_log_line_and_a_word_on_the_card() {
    let program =
        Program::start(&[("JAKCARD_SELF_TEST_EVERY_S", "3600"), ("JAKCARD_KNOWLEDGE_POLL_S", "0")]);
    program.wait_for("readiness", || program.get("/readyz").0 == 200);
    program.wait_for("the first self-test", || program.log().contains("\"self-test\""));
    let silent = || program.metric("jakcard_self_test_silent_rows").expect("the metric");
    assert_eq!(silent(), 0.0, "{}", program.log());
    assert!(!program.answer(SIGN, "nothing-on-record").to_string().contains("self-test"));

    program.edit("codes/labs.toml", |text| text.replace("\"35591-7\"", "\"35591-70\""));
    program.signal(Signal::SIGHUP);
    program.wait_for("the reload", || {
        program.metric("jakcard_knowledge_reloads_total{outcome=\"loaded\"}") == Some(1.0)
    });
    assert!(silent() > 0.0);
    assert_eq!(program.metric("jakcard_self_test_lost_codes"), Some(1.0));
    assert_eq!(program.get("/readyz").0, 200, "every drug is still recognised");
    let answer = program.answer(SIGN, "nothing-on-record");
    let details: Vec<&str> = answer["cards"]
        .as_array()
        .expect("cards")
        .iter()
        .filter_map(|c| c["detail"].as_str())
        .collect();
    assert!(
        details.iter().any(|d| d.contains("renal-dose") && d.contains("self-test failed")),
        "{details:?}"
    );
    let ledger = &answer["extension"]["org.jakcard.evaluation"]["orders"][0]["notChecked"];
    assert!(ledger.to_string().contains("self-test failed"), "{ledger}");
    program.wait_for("the log", || program.log().contains("http://loinc.org 35591-7"));
    assert_eq!(program.metric("jakcard_identified_total{by=\"rxnorm\"}"), Some(2.0), "ours only");

    program.edit("codes/products.toml", |text| {
        let start = text.find("drugs = [\"peficitinib\"]").expect("the ingredient");
        let end = start + text[start..].find("\n[[").expect("another");
        let block = text[start..end].replace("peficitinib\", \"smyraf", "pefi");
        let block = block.replace("code = \"", "code = \"9");
        format!("{}{block}{}", &text[..start], &text[end..])
    });
    program.signal(Signal::SIGHUP);
    let red = (503, "a drug can no longer be identified\n".to_owned());
    program.wait_for("a red readiness", || program.get("/readyz") == red);
}
