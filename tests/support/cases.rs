//! From the words of the ward to a request, and from the request to verdicts.

use super::project;
use jakcard::cards::indicator;
use jakcard::cds_hooks::{self, Bounds, Indicator, Request};
use jakcard::ehr;
use jakcard::facts::{Facts, result::written_number};
use jakcard::knowledge::{Drug, Jurisdiction, Knowledge, Topic};
use jakcard::rules::{self, Verdict};
use jakcard::terminology::System;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One case of `fixtures/cases/`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    pub today: toml::value::Datetime,
    #[serde(default = "us")]
    pub jurisdiction: Jurisdiction,
    #[serde(default)]
    pub order: String,
    /// `patient-view`: no order; the drug stands in `takes`.
    #[serde(default)]
    pub hook: Option<String>,
    #[serde(default)]
    pub sig: Option<String>,
    #[serde(default, rename = "for")]
    pub reason: Option<String>,
    #[serde(default)]
    pub born: Option<toml::value::Datetime>,
    #[serde(default)]
    pub sex: Option<String>,
    #[serde(default)]
    pub conditions: Vec<String>,
    #[serde(default)]
    pub labs: BTreeMap<String, OneOrMany>,
    #[serde(default)]
    pub takes: Vec<String>,
    /// Other drafts of the same call.
    #[serde(default)]
    pub also_ordered: Vec<String>,
    #[serde(default)]
    pub vaccines: Vec<String>,
    /// A stage on the first condition.
    #[serde(default)]
    pub child_pugh: Option<String>,
    #[serde(default)]
    pub not_asked: Vec<String>,
    #[serde(default)]
    pub fires: Vec<String>,
    #[serde(default)]
    pub silent: Vec<String>,
    #[serde(default)]
    pub cannot_tell: Vec<String>,
    /// How loud a row is that fires or cannot tell.
    #[serde(default)]
    pub loud: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn all(&self) -> Vec<&String> {
        match self {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many.iter().collect(),
        }
    }
}

fn us() -> Jurisdiction {
    Jurisdiction::Us
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[allow(dead_code)]
    drug: String,
    case: Vec<Case>,
}

/// All cases, with the name of their file.
pub fn cases() -> Vec<(String, Case)> {
    let mut all = Vec::new();
    let mut paths: Vec<_> = std::fs::read_dir(project("fixtures/cases"))
        .expect("fixtures/cases")
        .map(|e| e.expect("entry").path())
        .collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().expect("name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("text");
        let file: File = toml::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        all.extend(file.case.into_iter().map(|case| (name.clone(), case)));
    }
    all
}

impl Case {
    /// The numbers of a lab that the case names.
    pub fn numbers(&self, lab: &str) -> Vec<Decimal> {
        let texts = self.labs.get(lab).map(OneOrMany::all).unwrap_or_default();
        texts.into_iter().filter_map(|t| Some(written_number(t)?.1)).collect()
    }

    /// Completed years.
    pub fn age(&self) -> Option<Decimal> {
        let born: Date = self.born.as_ref()?.to_string().parse().ok()?;
        let span = self.today().since((jiff::Unit::Year, born)).ok()?;
        Some(Decimal::from(span.get_years()))
    }

    fn today(&self) -> Date {
        self.today.to_string().parse().expect("a date")
    }
}

/// The verdict of every row that was asked.
pub fn verdicts(case: &Case, knowledge: &Knowledge) -> BTreeMap<String, Verdict> {
    facts(case, knowledge, |facts, knowledge| {
        let outcomes = rules::evaluate(facts, knowledge).into_iter().filter(|o| o.order == 0);
        outcomes.map(|o| (o.row.id().get_ref().clone(), o.verdict)).collect()
    })
}

/// Looks at the facts of a case.
pub fn facts<T>(
    case: &Case,
    knowledge: &Knowledge,
    look: impl FnOnce(&Facts, &Knowledge) -> T,
) -> T {
    let body = request(case, knowledge).to_string();
    evaluate(&body, case.jurisdiction, case.today(), knowledge, look)
        .unwrap_or_else(|| panic!("{}: `{}` is no JAK inhibitor", case.name, case.order))
}

fn evaluate<T>(
    body: &str,
    jurisdiction: Jurisdiction,
    today: Date,
    knowledge: &Knowledge,
    look: impl FnOnce(&Facts, &Knowledge) -> T,
) -> Option<T> {
    let body = cds_hooks::open(body.as_bytes(), Bounds::default()).expect("JSON");
    let request = Request::read(&body).expect("a request");
    let orders = ehr::orders(&request, &[], &knowledge.terminology).expect("a drug");
    let labs = &knowledge.terminology.labs;
    let chart = ehr::gather(&request.prefetch(), &[], "p1", labs).expect("one patient");
    let facts = Facts::read(&orders, &chart, knowledge, jurisdiction, today);
    (!facts.orders.is_empty()).then(|| look(&facts, knowledge))
}

/// The loudest renal finding of the drug's highest dose at a renal function, without any other data.
pub fn renal_level(
    drug: &Drug,
    indication: &str,
    jurisdiction: Jurisdiction,
    value: Decimal,
    knowledge: &Knowledge,
) -> Option<Indicator> {
    let text = format!("{value} mL/min on 2026-11-01");
    let labs = ["egfr", "creatinine-clearance"]
        .map(|lab| (lab.to_owned(), OneOrMany::One(text.clone())))
        .into_iter()
        .collect();
    let case = Case {
        name: "monotony".into(),
        today: "2026-11-22".parse().expect("a date"),
        jurisdiction,
        order: format!("{} tablet", drug.name),
        sig: Some("1000 mg twice daily".into()),
        reason: Some(indication.to_owned()),
        born: Some("1970-01-01".parse().expect("a date")),
        sex: Some("female".into()),
        hook: None,
        conditions: Vec::new(),
        labs,
        takes: Vec::new(),
        also_ordered: Vec::new(),
        vaccines: Vec::new(),
        child_pugh: None,
        not_asked: Vec::new(),
        fires: Vec::new(),
        silent: Vec::new(),
        cannot_tell: Vec::new(),
        loud: BTreeMap::new(),
    };
    let body = request(&case, knowledge).to_string();
    evaluate(&body, jurisdiction, case.today(), knowledge, |facts, knowledge| {
        rules::evaluate(facts, knowledge)
            .into_iter()
            .filter(|o| o.row.topic() == Topic::RenalDose)
            .filter_map(|o| match o.verdict {
                Verdict::Silent => None,
                Verdict::Fires(action) | Verdict::CannotTell(action, _) => {
                    Some(indicator(knowledge.policy.level(action)))
                }
            })
            .max()
    })?
}

/// The case as a hook call.
pub fn request(case: &Case, knowledge: &Knowledge) -> Value {
    let mut order = json!({
        "resourceType": "MedicationRequest", "id": "order-1", "status": "draft", "intent": "order",
        "subject": {"reference": "Patient/p1"},
        "medicationCodeableConcept": {"text": case.order},
    });
    if let Some(sig) = &case.sig {
        order["dosageInstruction"] = json!([{"text": sig}]);
    }
    if let Some(reason) = &case.reason {
        order["reasonCode"] = json!([{"coding": [coding(reason, knowledge)]}]);
    }
    let mut entries = vec![order];
    for (i, text) in case.also_ordered.iter().enumerate() {
        let (name, sig) = with_sig(text);
        let mut other = json!({
            "resourceType": "MedicationRequest", "id": format!("also-{i}"), "status": "draft",
            "intent": "order", "subject": {"reference": "Patient/p1"},
            "medicationCodeableConcept": {"text": name},
        });
        if let Some(sig) = sig {
            other["dosageInstruction"] = json!([{"text": sig}]);
        }
        entries.push(other);
    }
    let mut prefetch = serde_json::Map::new();
    let mut add = |key: &str, value: Value| {
        if !case.not_asked.iter().any(|k| k == key) {
            prefetch.insert(key.to_owned(), value);
        }
    };
    add("patient", patient(case));
    let mut conditions: Vec<Value> =
        case.conditions.iter().map(|c| condition(c, knowledge)).collect();
    if let (Some(class), Some(first)) = (&case.child_pugh, conditions.first_mut()) {
        first["stage"] = json!([{"summary": {"text": format!("Child-Pugh class {class}")}}]);
    }
    add("conditions", bundle(conditions));
    let mut groups: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for (lab, texts) in &case.labs {
        let row = knowledge.terminology.labs.get(lab);
        let row = row.unwrap_or_else(|| panic!("{}: `{lab}` is no lab", case.name));
        for text in texts.all() {
            let code = &row.codes[0].code;
            let coded = row.result == jakcard::terminology::labs::ResultKind::Coded;
            let mut seen = observation(lab, code, text);
            let concept = text.split(" on ").next().unwrap_or_default();
            if coded && knowledge.terminology.conditions.get(concept).is_some() {
                seen["valueCodeableConcept"] = json!({"coding": [coding(concept, knowledge)]});
                seen.as_object_mut().expect("object").remove("valueString");
            }
            groups.entry(row.group.key()).or_default().push(seen);
        }
    }
    for key in ["infection-tests", "labs", "vitals", "genotypes"] {
        add(key, bundle(groups.remove(key).unwrap_or_default()));
    }
    add(
        "medications",
        bundle(case.takes.iter().enumerate().map(|(i, t)| medicine(i, t)).collect()),
    );
    add(
        "immunizations",
        bundle(case.vaccines.iter().enumerate().map(|(i, t)| vaccine(i, t, knowledge)).collect()),
    );
    let hook = case.hook.as_deref().unwrap_or("order-sign");
    let mut context = json!({"patientId": "p1", "userId": "Practitioner/1"});
    if hook == "order-sign" {
        let entries: Vec<Value> = entries.into_iter().map(|o| json!({"resource": o})).collect();
        context["draftOrders"] = json!({"resourceType": "Bundle", "entry": entries});
    }
    json!({
        "hook": hook, "hookInstance": "00000000-0000-0000-0000-000000000000",
        "context": context, "prefetch": prefetch,
    })
}

/// `aspirin 325 mg tablet (325 mg once daily)`: the name, and the sig in parentheses.
fn with_sig(text: &str) -> (&str, Option<&str>) {
    match text.split_once(" (").and_then(|(name, rest)| Some((name, rest.rsplit_once(')')?.0))) {
        Some((name, sig)) => (name, Some(sig)),
        None => (text, None),
    }
}

/// `live.mmr on 2026-11-10`.
fn vaccine(index: usize, text: &str, knowledge: &Knowledge) -> Value {
    let (id, date) = text.rsplit_once(" on ").unwrap_or((text, ""));
    let row = knowledge.terminology.vaccines.get(id);
    let row = row.unwrap_or_else(|| panic!("`{id}` is no vaccine"));
    let code = match row.codes.first() {
        Some(code) => json!({"coding": [{"system": System::Cvx.uri(), "code": code.code}]}),
        None => json!({"text": row.names[0]}),
    };
    let mut given = json!({
        "resourceType": "Immunization", "id": format!("vaccine-{index}"), "status": "completed",
        "patient": {"reference": "Patient/p1"}, "vaccineCode": code,
    });
    if !date.is_empty() {
        given["occurrenceDateTime"] = json!(date);
    }
    given
}

fn bundle(resources: Vec<Value>) -> Value {
    let entries: Vec<Value> = resources.into_iter().map(|r| json!({"resource": r})).collect();
    json!({"resourceType": "Bundle", "type": "searchset", "entry": entries})
}

fn patient(case: &Case) -> Value {
    let mut patient = json!({"resourceType": "Patient", "id": "p1"});
    if let Some(born) = &case.born {
        patient["birthDate"] = json!(born.to_string());
    }
    if let Some(sex) = &case.sex {
        patient["gender"] = json!(sex);
    }
    patient
}

/// The first code of a concept that names this concept and, where one does, no other.
fn coding(concept: &str, knowledge: &Knowledge) -> Value {
    let table = &knowledge.terminology.conditions;
    let row = table.get(concept).unwrap_or_else(|| panic!("`{concept}` is no concept"));
    let names = |c: &&jakcard::terminology::Code| table.by_code(c.system, &c.code);
    let mut codes: Vec<_> = row.codes.iter().collect();
    codes.retain(|c| names(c).iter().any(|hit| hit.id == concept));
    codes.sort_by_key(|c| (names(c).len(), c.system == System::Icd10));
    let code = codes.first().unwrap_or_else(|| panic!("`{concept}` has no code of its own"));
    json!({"system": code.system.uri(), "code": code.code})
}

/// `mace.mi past on 2020-01-01`, or words without a code: `'heart attack' past`.
fn condition(text: &str, knowledge: &Knowledge) -> Value {
    let words = text.strip_prefix('\'').and_then(|rest| rest.split_once('\''));
    let (text, date) = match words {
        Some((_, rest)) => (rest.trim(), ""),
        None => text.split_once(" on ").unwrap_or((text, "")),
    };
    let (concept, standing) = match words {
        Some((words, _)) => (words, if text.is_empty() { "active" } else { text }),
        None => text.split_once(' ').unwrap_or((text, "active")),
    };
    let code = match words {
        Some((words, _)) => json!({"text": words}),
        None => json!({"coding": [coding(concept, knowledge)]}),
    };
    let mut condition = json!({
        "resourceType": "Condition", "id": concept.replace(['.', ' '], "-"),
        "subject": {"reference": "Patient/p1"},
        "code": code,
    });
    if !date.is_empty() {
        condition["onsetDateTime"] = json!(date);
    }
    let status = match standing {
        "active" => Some("active"),
        "past" => Some("resolved"),
        "untold" => None,
        other => panic!("`{other}` is no standing, expected active, past or untold"),
    };
    if let Some(status) = status {
        condition["clinicalStatus"] = json!({"coding": [{"code": status}]});
    }
    condition
}

fn observation(lab: &str, code: &str, text: &str) -> Value {
    let (value, date) = text.rsplit_once(" on ").unwrap_or((text, ""));
    let mut observation = json!({
        "resourceType": "Observation", "id": format!("{lab}-{date}"), "status": "final",
        "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": System::Loinc.uri(), "code": code}]},
    });
    if !date.is_empty() {
        observation["effectiveDateTime"] = json!(date);
    }
    let plain_number = written_number(value).filter(|_| !value.contains("detected"));
    match plain_number {
        Some((comparator, number, unit)) => {
            let number: serde_json::Number =
                serde_json::from_str(&number.to_string()).expect("a number");
            let mut quantity = json!({"value": number, "unit": unit});
            if let Some(comparator) = comparator {
                quantity["comparator"] = json!(comparator);
            }
            observation["valueQuantity"] = quantity;
        }
        None => observation["valueString"] = json!(value),
    }
    observation
}

fn medicine(index: usize, text: &str) -> Value {
    let (name, rest) = text.split_once(" since ").unwrap_or((text, ""));
    let (name, sig) = with_sig(name);
    let (since, until) = rest.split_once(" until ").unwrap_or((rest, ""));
    let mut medicine = json!({
        "resourceType": "MedicationStatement", "id": format!("medicine-{index}"),
        "status": if until.is_empty() { "active" } else { "stopped" },
        "subject": {"reference": "Patient/p1"},
        "medicationCodeableConcept": {"text": name},
        "effectivePeriod": {},
    });
    if let Some(sig) = sig {
        medicine["dosage"] = json!([{"text": sig}]);
    }
    for (key, date) in [("start", since), ("end", until)] {
        if !date.is_empty() {
            medicine["effectivePeriod"][key] = json!(date);
        }
    }
    medicine
}

impl Case {
    /// Both in one patient; `None` where they speak against one another.
    pub fn and(&self, other: &Case) -> Option<Case> {
        fn same<T: PartialEq + Clone>(one: &Option<T>, other: &Option<T>) -> Option<Option<T>> {
            match (one, other) {
                (Some(one), Some(other)) => (one == other).then(|| Some(one.clone())),
                (one, other) => Some(one.clone().or(other.clone())),
            }
        }
        let text = |date: &Option<toml::value::Datetime>| date.as_ref().map(ToString::to_string);
        let alike = self.jurisdiction == other.jurisdiction
            && self.order == other.order
            && self.hook == other.hook
            && self.today.to_string() == other.today.to_string()
            && self.not_asked == other.not_asked
            && (self.child_pugh.is_none() || other.child_pugh.is_none());
        if !alike {
            return None;
        }
        same(&text(&self.born), &text(&other.born))?;
        let mut both = self.clone();
        both.born = self.born.or(other.born);
        both.sig = same(&self.sig, &other.sig)?;
        both.reason = same(&self.reason, &other.reason)?;
        both.sex = same(&self.sex, &other.sex)?;
        both.child_pugh = same(&self.child_pugh, &other.child_pugh)?;
        // A stage stands on the first condition.
        let (first, last) = if other.child_pugh.is_some() { (other, self) } else { (self, other) };
        let join = |one: &[String], other: &[String]| {
            let mut all = one.to_vec();
            all.extend(other.iter().filter(|text| !one.contains(text)).cloned());
            all
        };
        both.conditions = join(&first.conditions, &last.conditions);
        both.takes = join(&self.takes, &other.takes);
        both.also_ordered = join(&self.also_ordered, &other.also_ordered);
        both.vaccines = join(&self.vaccines, &other.vaccines);
        for (lab, value) in &other.labs {
            let known = both.labs.entry(lab.clone()).or_insert_with(|| value.clone());
            if known.all() != value.all() {
                return None;
            }
        }
        Some(both)
    }
}
