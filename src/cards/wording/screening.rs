//! The words of screening findings: what is missing, what was found, what to do.

use super::{ORDER, Words, listed, values};
use crate::knowledge::{Knowledge, ScreeningState, ScreeningTest, Topic};
use crate::rules::screening::Standing;
use crate::rules::{Missing, Outcome};

/// The words of one screening finding.
pub fn words<'a>(
    outcome: &'a Outcome<'a>,
    standing: &'a Standing,
    missing: &[&'a Missing],
    knowledge: &'a Knowledge,
) -> Words<'a> {
    let Some(test) = test_of(outcome.row.topic()) else { return Words::default() };
    let found: Vec<String> = outcome.found.iter().map(values::evidence).collect();
    let first = found.first().cloned().unwrap_or_default();
    let found = listed(&found);
    let name = disease(test);
    let title = |id: &String| {
        knowledge.terminology.labs.get(id).map_or_else(|| id.clone(), |l| l.title.clone())
    };
    let advice = outcome.row.advice();
    let names = |ids: &'a Vec<String>| -> Vec<&'a str> { ids.iter().map(|id| &**id).collect() };
    let (text, short, tests) = match standing {
        Standing::Missing(ids) if test == ScreeningTest::Tuberculosis => {
            let text = format!("Tuberculosis test (IGRA or skin test): none on record. {advice}");
            (text, format!("{ORDER}TB test"), names(ids))
        }
        Standing::Missing(ids) => {
            let lacking = listed(&ids.iter().map(title).collect::<Vec<_>>());
            let beside =
                if found.is_empty() { String::new() } else { format!(" On record: {found}.") };
            let text = format!("{lacking}: none on record.{beside} {advice}");
            (text, format!("{ORDER}{lacking}"), names(ids))
        }
        Standing::TooOld(months) => {
            let dated = outcome.found.iter().any(|e| e.date.is_some());
            let age = if dated { format!("older than {months} months") } else { "undated".into() };
            let text = format!("{found}: {age}. {advice}");
            (text, format!("{first} is too old, repeat {}", first_test(test)), test.labs().to_vec())
        }
        Standing::Indeterminate => {
            let text = format!("{found}: no verdict, so the patient is not screened. {advice}");
            (text, format!("{first}, repeat {}", first_test(test)), test.labs().to_vec())
        }
        Standing::Found(state) => {
            let (says, short, tests) = state_words(*state, test);
            let advice = state_advice(*state, test, &outcome.drug.name);
            let open = missing.first().map_or_else(String::new, |gap| {
                format!(" {} could not be checked ({}).", super::capitalised(&gap.what), gap.reason)
            });
            (format!("{found}: {says}.{open} {advice}"), format!("{first}, {short}"), tests)
        }
        Standing::Unknown => {
            let why = missing.first().map_or("", |m| &*m.reason);
            let text = format!("{name} screening could not be checked ({why}). {advice}");
            (text, format!("{} not checked", lower(name)), Vec::new())
        }
        Standing::Complete | Standing::Exempt(_) => Default::default(),
    };
    Words { text, short, tests, ..Words::default() }
}

fn test_of(topic: Topic) -> Option<ScreeningTest> {
    use ScreeningTest::{HepatitisB, HepatitisC, Hiv, Tuberculosis};
    [Tuberculosis, HepatitisB, HepatitisC, Hiv].into_iter().find(|t| t.topic() == topic)
}

/// The disease, as a sentence names it.
fn disease(test: ScreeningTest) -> &'static str {
    match test {
        ScreeningTest::Tuberculosis => "Tuberculosis",
        ScreeningTest::HepatitisB => "Hepatitis B",
        ScreeningTest::HepatitisC => "Hepatitis C",
        ScreeningTest::Hiv => "HIV",
    }
}

/// The disease inside a sentence.
fn lower(name: &str) -> String {
    match name {
        "HIV" => name.to_owned(),
        _ => name.replacen(|c: char| c.is_uppercase(), &name[..1].to_lowercase(), 1),
    }
}

fn first_test(test: ScreeningTest) -> &'static str {
    match test {
        ScreeningTest::Tuberculosis => "TB test",
        ScreeningTest::HepatitisB => "hepatitis B tests",
        ScreeningTest::HepatitisC => "HCV antibody",
        ScreeningTest::Hiv => "HIV test",
    }
}

/// What a state means, what to do in short, and which test would settle it.
fn state_words(
    state: ScreeningState,
    test: ScreeningTest,
) -> (&'static str, &'static str, Vec<&'static str>) {
    match state {
        ScreeningState::Active => {
            ("active tuberculosis", "do not start in active tuberculosis", Vec::new())
        }
        ScreeningState::LatentUntreated => (
            "latent tuberculosis without a month of treatment on record",
            "treat latent tuberculosis first",
            Vec::new(),
        ),
        ScreeningState::Positive if test == ScreeningTest::Tuberculosis => {
            ("no work-up or treatment is on record", "work up the positive TB test", Vec::new())
        }
        ScreeningState::Positive => ("positive", "confirm the positive test", Vec::new()),
        ScreeningState::SurfaceAntigenPositive => (
            "current hepatitis B infection",
            "involve hepatology first: hepatitis B infection",
            Vec::new(),
        ),
        ScreeningState::NucleicAcidDetectable => {
            ("the virus is detectable", "involve hepatology first: virus detectable", Vec::new())
        }
        ScreeningState::CorePositiveUntested => (
            "past or occult hepatitis B, and HBV DNA is not on record",
            "order HBV DNA",
            vec!["hbv-dna"],
        ),
        ScreeningState::CorePositiveUndetectable => (
            "past hepatitis B with undetectable HBV DNA",
            "past hepatitis B: monitor HBV DNA",
            Vec::new(),
        ),
        ScreeningState::AntibodyPositiveUntested => {
            ("without HCV RNA the test is incomplete", "order HCV RNA", vec!["hcv-rna"])
        }
        ScreeningState::Known if test == ScreeningTest::HepatitisC => (
            "a diagnosis that does not tell whether the infection is active",
            "order HCV RNA",
            vec!["hcv-rna"],
        ),
        ScreeningState::Known => {
            ("a known infection", "weigh the known infection and its medicines", Vec::new())
        }
    }
}

/// What to do in a state, with the drug's name.
fn state_advice(state: ScreeningState, test: ScreeningTest, drug: &str) -> String {
    match state {
        ScreeningState::Active => {
            format!("Do not start {drug} in active tuberculosis; treat it first.")
        }
        ScreeningState::LatentUntreated => {
            format!("Treat latent tuberculosis for at least a month before starting {drug}.")
        }
        ScreeningState::Positive if test == ScreeningTest::Tuberculosis => format!(
            "Rule out active disease, and treat latent tuberculosis before starting {drug}."
        ),
        ScreeningState::Positive => format!("Confirm the result before starting {drug}."),
        ScreeningState::SurfaceAntigenPositive => {
            format!("Do not start {drug} without hepatology.")
        }
        ScreeningState::NucleicAcidDetectable => {
            format!("Do not start {drug} before the infection is treated; involve hepatology.")
        }
        ScreeningState::CorePositiveUntested => {
            format!("Order HBV DNA before starting {drug}.")
        }
        ScreeningState::CorePositiveUndetectable => {
            format!("Monitor HBV DNA during {drug}, or give antiviral prophylaxis.")
        }
        ScreeningState::AntibodyPositiveUntested => {
            format!("Order HCV RNA before starting {drug}.")
        }
        ScreeningState::Known if test == ScreeningTest::HepatitisC => {
            format!("Order HCV RNA before starting {drug}.")
        }
        ScreeningState::Known => format!(
            "Weigh the infection, and the interactions of its medicines, before starting {drug}."
        ),
    }
}
