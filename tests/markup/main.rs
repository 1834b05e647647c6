//! Cards are safe to show (C9): whatever an EHR sends in a text, what is shown of it is letters.
//!
//! Cards are rendered as the CDS Hooks sandbox does, GitHub-flavoured Markdown that lets raw HTML
//! through, by two libraries, and the HTML is read as a browser reads it. Suggested resources are data
//! and are not looked at.

#[allow(dead_code)]
#[path = "../service/app.rs"]
mod app;
mod payloads;
#[path = "../support/mod.rs"]
mod support;

use app::{App, SELECT, SIGN, VIEW, fixture};
use regex::Regex;
use scraper::{Html, Node};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::LazyLock;

/// Requests that show as much as possible of what was sent.
const RICH: [(&str, &str); 8] = [
    (SIGN, "pregnant-anaemic-and-on-another"),
    (SIGN, "hepatitis-b-and-end-stage-kidney"),
    (SIGN, "latent-tuberculosis-under-treatment"),
    (SIGN, "cirrhosis-added-up"),
    (SIGN, "codings-disagree"),
    (SIGN, "strong-inhibitor-on-the-list"),
    (SELECT, "two-orders-one-test"),
    (VIEW, "limits-crossed"),
];

/// Members whose text is not for people: changed one by one only, or the order is none any more.
const STRUCTURE: [&str; 17] = [
    "resourceType",
    "system",
    "code",
    "status",
    "intent",
    "hook",
    "hookInstance",
    "patientId",
    "userId",
    "id",
    "reference",
    "fullUrl",
    "type",
    "periodUnit",
    "periodUnits",
    "birthDate",
    "gender",
];

/// Elements that a card may hold, all without attributes.
const ELEMENTS: [&str; 6] = ["html", "p", "ul", "li", "strong", "em"];
const TITLES: [&str; 5] = ["The label warns of", "Found", "Not found", "Not checked", "Ignored"];

/// What remark-gfm makes links of after everything else is parsed, so that no escaping helps: looser
/// than <https://github.com/syntax-tree/mdast-util-gfm-autolink-literal>.
static LINKED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)//|www\.|[-.\w+]@[-\w]").expect("a pattern"));

/// Looks at answers, and remembers texts that it has seen.
#[derive(Default)]
struct Eye {
    seen: HashSet<String>,
    cards: usize,
    longest: usize,
    urls: HashSet<String>,
    wrong: Vec<String>,
}

impl Eye {
    fn new() -> Eye {
        let labels = support::knowledge().drugs.iter().flat_map(|drug| drug.labels.iter());
        Eye { urls: labels.map(|label| label.url.clone()).collect(), ..Eye::default() }
    }

    fn answer(&mut self, answer: &Value, with: &str) {
        for card in answer["cards"].as_array().expect("cards") {
            self.cards += 1;
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            let summary = text(&card["summary"]);
            assert!((1..=139).contains(&summary.chars().count()), "{summary}: {with}");
            let mut plain = vec![
                summary,
                text(&card["source"]["label"]),
                text(&card["source"]["topic"]["display"]),
            ];
            for reason in list(&card["overrideReasons"]) {
                plain.push(text(&reason["display"]));
            }
            for link in list(&card["links"]) {
                plain.push(text(&link["label"]));
                assert!(self.urls.contains(link["url"].as_str().expect("a URL")), "{link}: {with}");
            }
            assert!(self.urls.contains(card["source"]["url"].as_str().expect("a URL")), "{with}");
            for suggestion in list(&card["suggestions"]) {
                plain.push(text(&suggestion["label"]));
                let actions = list(&suggestion["actions"]);
                assert_eq!(actions.len(), 1, "some EHRs take one action of a suggestion: {with}");
                plain.push(text(&actions[0]["description"]));
            }
            for finding in list(&card["extension"]["org.jakcard.findings"]) {
                plain.push(text(&finding["text"]));
                plain.extend(finding["clears"].as_str().map(str::to_owned));
                for gap in list(&finding["unchecked"]) {
                    plain.extend([text(&gap["what"]), text(&gap["reason"])]);
                }
                for basis in list(&finding["basis"]) {
                    plain.extend(
                        ["what", "value", "code"]
                            .iter()
                            .filter_map(|m| basis[m].as_str())
                            .map(str::to_owned),
                    );
                }
            }
            for text in plain {
                self.plain(&text, with);
            }
            self.detail(card["detail"].as_str().expect("a text"), with);
        }
        let ledger = answer["extension"].to_string();
        assert!(!LINKED.is_match(&ledger), "{ledger}: {with}");
    }

    /// A text that clients show as it is, and some as HTML.
    fn plain(&mut self, text: &str, with: &str) {
        if !self.seen.insert(text.to_owned()) {
            return;
        }
        let html = Html::parse_fragment(text);
        let letters = html.tree.root().descendants().all(|node| match node.value() {
            Node::Element(element) => element.name() == "html",
            Node::Text(_) | Node::Fragment | Node::Document => true,
            _ => false,
        });
        if !letters {
            self.wrong.push(format!("`{text}` is more than letters: {with:?}"));
        }
        self.harmless(text, with);
    }

    fn harmless(&mut self, text: &str, with: &str) {
        let unseen = |c: char| {
            (c.is_control() && c != '\n')
                || ('\u{200B}'..='\u{200F}').contains(&c)
                || ('\u{202A}'..='\u{202E}').contains(&c)
        };
        if LINKED.is_match(text) {
            self.wrong.push(format!("`{text}` becomes a link: {with:?}"));
        }
        if text.contains(unseen) {
            self.wrong.push(format!("`{text:?}` holds what nobody sees: {with:?}"));
        }
    }

    fn detail(&mut self, detail: &str, with: &str) {
        self.longest = self.longest.max(detail.chars().count());
        if !self.seen.insert(detail.to_owned()) {
            return;
        }
        self.harmless(detail, with);
        for html in [by_pulldown_cmark(detail), by_comrak(detail)] {
            let page = Html::parse_fragment(&html);
            for node in page.tree.root().descendants() {
                let ours = match node.value() {
                    Node::Element(element) => {
                        let texts = node.descendants().filter_map(|n| n.value().as_text());
                        let inner: String = texts.map(|text| &**text).collect();
                        let known =
                            ELEMENTS.contains(&element.name()) && element.attrs().count() == 0;
                        known
                            && match element.name() {
                                "strong" => TITLES.contains(&&*inner),
                                "em" => inner.contains(", "),
                                _ => true,
                            }
                    }
                    Node::Text(text) => {
                        self.harmless(text, with);
                        true
                    }
                    Node::Fragment | Node::Document => true,
                    _ => false,
                };
                if !ours {
                    self.wrong.push(format!("{:?} in {html}\n{with:?}", node.value()));
                }
            }
        }
    }

    /// The first complaints, if there are some.
    fn report(&self) {
        let first: Vec<&str> = self.wrong.iter().take(5).map(String::as_str).collect();
        assert!(
            first.is_empty(),
            "{} complaints, the first: {}",
            self.wrong.len(),
            first.join("\n\n")
        );
    }
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn by_pulldown_cmark(markdown: &str) -> String {
    let mut html = String::new();
    let parser = pulldown_cmark::Parser::new_ext(markdown, pulldown_cmark::Options::all());
    pulldown_cmark::html::push_html(&mut html, parser);
    html
}

/// Every extension that makes something of letters, and raw HTML.
fn by_comrak(markdown: &str) -> String {
    let mut options = comrak::Options::default();
    options.render.r#unsafe = true;
    let on = &mut options.extension;
    on.strikethrough = true;
    on.table = true;
    on.autolink = true;
    on.tasklist = true;
    on.superscript = true;
    on.subscript = true;
    on.footnotes = true;
    on.inline_footnotes = true;
    on.description_lists = true;
    on.multiline_block_quotes = true;
    on.alerts = true;
    on.math_dollars = true;
    on.math_code = true;
    on.wikilinks_title_after_pipe = true;
    on.underline = true;
    on.spoiler = true;
    on.greentext = true;
    options.parse.relaxed_autolinks = true;
    comrak::markdown_to_html(markdown, &options)
}

/// Changes every text for people.
fn plant(value: &mut Value, change: &dyn Fn(&str) -> String) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| plant(item, change)),
        Value::Object(members) => {
            for (key, member) in members.iter_mut() {
                let date = ["Date", "DateTime", "On", "start", "end", "issued"]
                    .iter()
                    .any(|end| key.ends_with(end));
                match member {
                    Value::String(_) if date || STRUCTURE.contains(&key.as_str()) => {}
                    Value::String(text) => *text = change(text),
                    other => plant(other, change),
                }
            }
        }
        Value::String(text) => *text = change(text),
        _ => {}
    }
}

/// Gives every resource the texts that it might have and has not.
fn enrich(value: &mut Value, payload: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| enrich(item, payload)),
        Value::Object(members) => {
            members.values_mut().for_each(|member| enrich(member, payload));
            let kind =
                members.get("resourceType").and_then(Value::as_str).unwrap_or_default().to_owned();
            if kind.is_empty() || kind == "Bundle" {
                return;
            }
            members.insert("text".into(), json!({ "status": "generated", "div": payload }));
            members.insert("note".into(), json!([{ "text": payload }]));
            let concept = json!({ "text": payload, "coding": [{ "display": payload, "code": payload, "system": payload }] });
            match kind.as_str() {
                "Observation" => {
                    members.insert("interpretation".into(), json!([concept]));
                    members.insert("referenceRange".into(), json!([{ "text": payload }]));
                    members.insert("method".into(), concept);
                }
                "MedicationRequest" | "MedicationOrder" | "MedicationStatement" => {
                    members.insert("reasonCode".into(), json!([concept]));
                    members.insert("requester".into(), json!({ "display": payload }));
                    let dosage = members.entry("dosageInstruction").or_insert(json!([{}]));
                    if let Some(dosage) = dosage.as_array_mut().and_then(|d| d.first_mut()) {
                        dosage["text"] = json!(payload);
                        dosage["route"] = concept;
                    }
                }
                "Condition" => {
                    members.insert("stage".into(), json!([{ "summary": concept }]));
                }
                "Patient" => {
                    members.insert("name".into(), json!([{ "text": payload, "family": payload }]));
                }
                _ => {}
            }
        }
        _ => {}
    }
}

/// Every result becomes a text.
fn results_in_words(value: &mut Value, words: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| results_in_words(item, words)),
        Value::Object(members) => {
            members.values_mut().for_each(|member| results_in_words(member, words));
            if members.get("resourceType").is_some_and(|t| t == "Observation") {
                members.retain(|key, _| !key.starts_with("value"));
                members.insert("valueString".into(), json!(words));
            }
        }
        _ => {}
    }
}

/// Paths of every text, structural ones too.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                leaves(item, &format!("{path}/{i}"), found);
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                leaves(
                    member,
                    &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")),
                    found,
                );
            }
        }
        Value::String(_) | Value::Number(_) => found.push(path.to_owned()),
        _ => {}
    }
}

/// Sends it; an answer that is no 200 is an OperationOutcome without the address.
fn send(app: &App, eye: &mut Eye, service: &str, body: &Value, with: &str) -> u16 {
    let response = app.post(service, body.to_string());
    let (status, text) = (response.status().as_u16(), response.text().expect("text"));
    match status {
        200 => eye.answer(&serde_json::from_str(&text).expect("JSON"), with),
        400 | 412 => {
            let body: Value = serde_json::from_str(&text).expect("JSON");
            eye.plain(body["issue"][0]["details"]["text"].as_str().expect("a text"), with);
        }
        _ => panic!("{status}: {text}: {with}"),
    }
    status
}

#[test]
fn c9_no_text_that_an_ehr_sends_becomes_more_than_letters_on_a_card() {
    let app = App::start();
    let mut eye = Eye::new();
    for (service, case) in RICH {
        send(&app, &mut eye, service, &fixture(service, case), "nothing");
    }
    let without = eye.seen.len();
    let payloads = payloads::all();
    assert!(payloads.len() >= 150, "{}", payloads.len());
    for (n, payload) in payloads.iter().enumerate() {
        // One of the requests for each, in turn.
        for (service, case) in RICH.into_iter().cycle().skip(n).take(1) {
            let whole = fixture(service, case);
            let mut bodies: Vec<Value> = Vec::new();
            let changes: [&dyn Fn(&str) -> String; 3] =
                [&|_| payload.clone(), &|text| format!("{text} {payload}"), &|text| {
                    format!("{payload} {text}")
                }];
            for change in changes {
                let mut body = whole.clone();
                plant(&mut body, change);
                bodies.push(body);
            }
            let mut body = whole.clone();
            enrich(&mut body, payload);
            bodies.push(body);
            for words in [
                payload.clone(),
                format!("Positive {payload}"),
                format!("1.2 {payload}"),
                format!("<{payload}"),
            ] {
                let mut body = whole.clone();
                results_in_words(&mut body, &words);
                bodies.push(body);
            }
            for body in bodies {
                let short: String = payload.chars().take(80).collect();
                assert_eq!(send(&app, &mut eye, service, &body, &short), 200, "{short}");
            }
        }
    }
    println!(
        "{} payloads, {} cards, {} texts, the longest detail {}",
        payloads.len(),
        eye.cards,
        eye.seen.len(),
        eye.longest
    );
    assert!(
        eye.seen.len() > without + 1000,
        "the texts did not reach the cards: {}",
        eye.seen.len()
    );
}

#[test]
fn c9_no_single_member_of_a_request_becomes_more_than_letters_on_a_card() {
    let app = App::start();
    let mut eye = Eye::new();
    let payload = "<img src=x onerror=alert(1)> [x](javascript:alert(1)) https://evil.example _www.evil.example a@evil.example **b** `c`";
    let mut statuses: std::collections::BTreeMap<u16, usize> = Default::default();
    for (service, case) in RICH {
        let whole = fixture(service, case);
        let mut paths = Vec::new();
        leaves(&whole, "", &mut paths);
        for (n, path) in paths.into_iter().enumerate() {
            let old = whole.pointer(&path).expect("there").clone();
            let old = old.as_str().map_or_else(|| old.to_string(), str::to_owned);
            let new = if n % 2 == 0 { payload.to_owned() } else { format!("{old}{payload}") };
            let mut body = whole.clone();
            *body.pointer_mut(&path).expect("there") = json!(new);
            let status = send(&app, &mut eye, service, &body, &path);
            *statuses.entry(status).or_default() += 1;
        }
    }
    eye.report();
    println!("{statuses:?}, {} texts", eye.seen.len());
    assert!(statuses[&200] > 1000, "{statuses:?}");
}
