//! What users did with cards, as clients report it.
//!
//! <https://cds-hooks.hl7.org/#feedback>. Real clients write the reason in several ways: under
//! `overrideReason` with `reason` (CDS Hooks 2.0) or with code and system directly (before 2020), under
//! the plural `overrideReasons` (Epic), or in an extension with that name. All of them are read.

use super::request::{BadRequest, Bounds, kind_of, object};
use crate::fhir::Json;
use crate::fhir::views::view;
use jiff::Timestamp;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

view! {
    /// The body of a feedback call.
    struct Batch { feedback }
}
view! {
    /// One report.
    struct Report {
        card, outcome, outcome_timestamp as "outcomeTimestamp",
        accepted_suggestions as "acceptedSuggestions", override_reason as "overrideReason",
        override_reasons as "overrideReasons", extension,
    }
}
view! {
    /// An accepted suggestion.
    struct Accepted { id }
}
view! {
    /// A reason, whole or as a Coding.
    struct Override { reason, user_comment as "userComment", coding, code, system, display }
}

/// Reports in one call.
pub const MOST_REPORTS: usize = 1000;
/// Characters of an id, a code or a display.
pub const LONGEST_ID: usize = 256;
/// Characters of a comment that are kept.
pub const LONGEST_COMMENT: usize = 2000;
/// Suggestions of one report, and reasons.
pub const MOST_ITEMS: usize = 100;

/// What became of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A suggestion was taken.
    Accepted,
    /// The card was dismissed.
    Overridden,
}

impl Outcome {
    /// The word of the specification.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Accepted => "accepted",
            Outcome::Overridden => "overridden",
        }
    }
}

/// Why a card was dismissed. Some clients send no system, none sends the display as we wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Reason {
    /// Code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// System.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
}

/// Free text of a user. It may hold anything, a patient too: it is kept, and never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Comment {
    /// At most [`LONGEST_COMMENT`] characters.
    pub text: String,
    /// Characters that were sent.
    pub sent: usize,
}

impl Comment {
    /// Characters that were sent.
    pub fn characters(&self) -> i64 {
        i64::try_from(self.sent).unwrap_or(i64::MAX)
    }
}

impl std::fmt::Debug for Comment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Comment({} characters)", self.sent)
    }
}

/// One report of what a user did with a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// `uuid` of the card, as the client says it.
    pub card: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Ids of the suggestions that were taken.
    pub suggestions: Vec<String>,
    /// Why it was dismissed.
    pub reasons: Vec<Reason>,
    /// What the user wrote.
    pub comment: Option<Comment>,
    /// When.
    pub at: Timestamp,
}

impl Feedback {
    /// Reads the body of a feedback call, all of it or nothing.
    ///
    /// # Errors
    /// What is missing or wrong, and where. Nothing of what a user wrote.
    pub fn read(body: &[u8], bounds: Bounds) -> Result<Vec<Feedback>, BadRequest> {
        let body = object(body, bounds)?;
        let Some(list) = Batch::read(body.root()).and_then(|batch| batch.feedback()) else {
            return Err(BadRequest::at("feedback", "the body has no `feedback`, expected a list"));
        };
        if !list.is_array() {
            let message = format!("`feedback` is {}, expected a list", kind_of(list));
            return Err(BadRequest::at("feedback", message));
        }
        let count = list.all_items().count();
        if count > MOST_REPORTS {
            let message = format!(
                "`feedback` holds {count} reports, expected at most {MOST_REPORTS} in one call; none was kept"
            );
            return Err(BadRequest::at("feedback", message));
        }
        list.all_items().enumerate().map(|(i, json)| one(Place::report(i), json)).collect()
    }
}

/// Where in the body something stands.
#[derive(Clone)]
struct Place(String);

impl Place {
    fn report(index: usize) -> Place {
        Place(format!("feedback[{index}]"))
    }

    fn at(&self, member: &str) -> Place {
        Place(format!("{}.{member}", self.0))
    }

    fn wrong(self, found: &str, expected: &str) -> BadRequest {
        let message = format!("`{}` is {found}, expected {expected}", self.0);
        BadRequest::at(self.0, message)
    }

    fn missing(self, expected: &str) -> BadRequest {
        let message = format!("`{}` is missing, expected {expected}", self.0);
        BadRequest::at(self.0, message)
    }
}

fn one(place: Place, json: Json<'_>) -> Result<Feedback, BadRequest> {
    let report = Report::read(json).ok_or_else(|| {
        let found = kind_of(json);
        place.clone().wrong(found, "an object")
    })?;
    let card = place.at("card");
    let card = match present(report.card()) {
        None => return Err(card.missing("the `uuid` of a card")),
        Some(json) => name(&card, json)?,
    };
    let mut feedback = Feedback {
        card,
        outcome: outcome(place.at("outcome"), report.outcome())?,
        suggestions: suggestions(&place.at("acceptedSuggestions"), report.accepted_suggestions())?,
        reasons: Vec::new(),
        comment: None,
        at: timestamp(place.at("outcomeTimestamp"), report.outcome_timestamp())?,
    };
    let reasons = [
        (place.at("overrideReason"), report.override_reason()),
        (place.at("overrideReasons"), report.override_reasons()),
    ];
    let extension: BTreeMap<Cow<'_, str>, Json<'_>> =
        report.extension().into_iter().flat_map(Json::members).collect();
    let named = |key: &str| key.ends_with("overrideReason") || key.ends_with("overrideReasons");
    let extended = extension
        .iter()
        .filter(|(key, _)| named(key))
        .map(|(_, json)| (place.at("extension"), Some(*json)));
    for (place, json) in reasons.into_iter().chain(extended) {
        let Some(json) = present(json) else { continue };
        for item in bounded(&place, json)? {
            override_reason(&place, item, &mut feedback)?;
        }
    }
    feedback.reasons.sort();
    feedback.reasons.dedup();
    Ok(feedback)
}

fn present(json: Option<Json<'_>>) -> Option<Json<'_>> {
    json.filter(|json| !json.is_null())
}

fn outcome(place: Place, json: Option<Json<'_>>) -> Result<Outcome, BadRequest> {
    const EXPECTED: &str = "`accepted` or `overridden`";
    let Some(json) = present(json) else { return Err(place.missing(EXPECTED)) };
    match json.string().as_deref() {
        Some("accepted") => Ok(Outcome::Accepted),
        Some("overridden") => Ok(Outcome::Overridden),
        Some(_) => Err(place.wrong("another word", EXPECTED)),
        None => Err(place.wrong(kind_of(json), EXPECTED)),
    }
}

fn timestamp(place: Place, json: Option<Json<'_>>) -> Result<Timestamp, BadRequest> {
    const EXPECTED: &str = "a time like `2026-11-22T10:05:31Z` (RFC 3339)";
    let Some(json) = present(json) else { return Err(place.missing(EXPECTED)) };
    match json.string().map(|text| text.parse()) {
        Some(Ok(time)) => Ok(time),
        Some(Err(_)) => Err(place.wrong("another text", EXPECTED)),
        None => Err(place.wrong(kind_of(json), EXPECTED)),
    }
}

fn suggestions(place: &Place, json: Option<Json<'_>>) -> Result<Vec<String>, BadRequest> {
    let Some(json) = present(json) else { return Ok(Vec::new()) };
    if !json.is_array() {
        return Err(place.clone().wrong(kind_of(json), "a list"));
    }
    let mut ids = Vec::new();
    for (index, item) in bounded(place, json)?.into_iter().enumerate() {
        let place = Place(format!("{}[{index}].id", place.0));
        match present(Accepted::read(item).and_then(|accepted| accepted.id())) {
            None => return Err(place.missing("the `uuid` of a suggestion")),
            Some(id) => ids.push(name(&place, id)?),
        }
    }
    Ok(ids)
}

/// The items of a list, or the one value.
fn bounded<'a>(place: &Place, json: Json<'a>) -> Result<Vec<Json<'a>>, BadRequest> {
    let items: Vec<Json<'_>> = json.items().collect();
    if items.len() > MOST_ITEMS {
        let found = format!("a list of {}", items.len());
        return Err(place.clone().wrong(&found, &format!("at most {MOST_ITEMS}")));
    }
    Ok(items)
}

fn override_reason(
    place: &Place,
    json: Json<'_>,
    feedback: &mut Feedback,
) -> Result<(), BadRequest> {
    // A word of its own.
    if json.string().is_some() {
        let display = Some(name(place, json)?);
        feedback.reasons.push(Reason { display, ..Reason::default() });
        return Ok(());
    }
    let Some(view) = Override::read(json) else {
        let found = kind_of(json);
        return Err(place.clone().wrong(found, "an object with `reason` or `userComment`"));
    };
    if let Some(json) = present(view.user_comment()) {
        let Some(text) = json.string() else {
            return Err(place.at("userComment").wrong(kind_of(json), "a string"));
        };
        if !text.trim().is_empty() {
            // A second comment goes below the first.
            let text = match &feedback.comment {
                Some(first) if first.text != *text => format!("{}\n{text}", first.text),
                _ => text.into_owned(),
            };
            feedback.comment = Some(comment(&text));
        }
    }
    // One inside the other: the reason of CDS Hooks 2.0, the coding of a CodeableConcept.
    for (inner, member) in [(view.reason(), "reason"), (view.coding(), "coding")] {
        let Some(json) = present(inner) else { continue };
        let place = place.at(member);
        for item in bounded(&place, json)? {
            override_reason(&place, item, feedback)?;
        }
    }
    let part = |json: Option<Json<'_>>, member: &str| match present(json) {
        None => Ok(None),
        Some(json) => name(&place.at(member), json).map(Some),
    };
    let reason = Reason {
        code: part(view.code(), "code")?,
        system: part(view.system(), "system")?,
        display: part(view.display(), "display")?,
    };
    if reason != Reason::default() {
        feedback.reasons.push(reason);
    }
    if feedback.reasons.len() > MOST_ITEMS {
        let found = format!("a list of {}", feedback.reasons.len());
        return Err(place.clone().wrong(&found, &format!("at most {MOST_ITEMS}")));
    }
    Ok(())
}

/// A short text without control characters.
fn name(place: &Place, json: Json<'_>) -> Result<String, BadRequest> {
    let wrong = |found: &str, expected: &str| Err(place.clone().wrong(found, expected));
    let Some(text) = json.string() else { return wrong(kind_of(json), "a string") };
    let text = text.trim();
    let length = text.chars().count();
    if text.is_empty() {
        return wrong("empty", "a text");
    }
    if length > LONGEST_ID {
        let found = format!("{length} characters long");
        return wrong(&found, &format!("at most {LONGEST_ID}"));
    }
    if text.chars().any(char::is_control) {
        return wrong("a text with control characters", "one without");
    }
    Ok(text.to_owned())
}

/// No database keeps a NUL in a text; lines stay lines.
fn comment(text: &str) -> Comment {
    let plain = |c: char| if c.is_control() && c != '\n' && c != '\t' { ' ' } else { c };
    let kept = text.chars().take(LONGEST_COMMENT).map(plain).collect();
    Comment { text: kept, sent: text.chars().count() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(change: Value) -> Result<Feedback, BadRequest> {
        let mut report = json!({
            "card": "f6b95768-b1c8-40dc-8385-bf3504b82ffb",
            "outcome": "overridden",
            "outcomeTimestamp": "2026-11-22T10:05:31Z",
        });
        for (key, value) in change.as_object().expect("an object") {
            report[key] = value.clone();
        }
        let body = json!({ "feedback": [report] }).to_string();
        Feedback::read(body.as_bytes(), Bounds::default()).map(|mut all| all.remove(0))
    }

    fn reason(code: &str, system: Option<&str>) -> Reason {
        Reason { code: Some(code.to_owned()), system: system.map(str::to_owned), display: None }
    }

    #[test]
    fn the_example_of_the_specification_is_read() {
        let accepted = read(json!({
            "outcome": "accepted",
            "acceptedSuggestions": [{ "id": "e56e1945-20b3-4393-8503-a1a20fd73152" }],
        }));
        let accepted = accepted.expect("it is right");
        assert_eq!(accepted.outcome, Outcome::Accepted);
        assert_eq!(accepted.suggestions, ["e56e1945-20b3-4393-8503-a1a20fd73152"]);
        assert_eq!(accepted.at.to_string(), "2026-11-22T10:05:31Z");
        let overridden = read(json!({ "overrideReason": {
            "reason": { "code": "d7ecf885", "system": "https://example.com/reasons" },
            "userComment": "patient preference",
        } }));
        let overridden = overridden.expect("it is right");
        assert_eq!(overridden.reasons, [reason("d7ecf885", Some("https://example.com/reasons"))]);
        assert_eq!(overridden.comment.expect("a comment").text, "patient preference");
    }

    #[test]
    fn every_dialect_of_a_reason_says_the_same() {
        let same = [reason("a", Some("s"))];
        let coding = json!({ "code": "a", "system": "s" });
        for change in [
            json!({ "overrideReason": { "reason": coding } }),
            json!({ "overrideReason": coding }),
            json!({ "overrideReason": [{ "reason": coding }] }),
            json!({ "overrideReason": { "reason": { "coding": [coding] } } }),
            json!({ "overrideReasons": [{ "reason": coding }] }),
            json!({ "overrideReasons": { "reason": coding } }),
            json!({ "overrideReasons": [coding] }),
            json!({ "overrideReasons": [coding], "overrideReason": { "reason": coding } }),
            json!({ "extension": { "com.example.feedback.overrideReasons": [coding] } }),
        ] {
            assert_eq!(read(change.clone()).expect("it is right").reasons, same, "{change}");
        }
        let several = read(json!({ "overrideReasons": [
            { "reason": { "code": "b" }, "userComment": "one" },
            { "reason": coding, "userComment": "two" },
        ] }));
        let several = several.expect("it is right");
        assert_eq!(several.reasons, [reason("a", Some("s")), reason("b", None)]);
        assert_eq!(several.comment.expect("comments").text, "one\ntwo");
        for none in [
            json!({}),
            json!({ "overrideReason": null }),
            json!({ "overrideReason": {} }),
            json!({ "overrideReasons": [] }),
            json!({ "extension": { "com.example.other": 1 } }),
        ] {
            assert_eq!(read(none).expect("dismissed without a reason").reasons, []);
        }
    }

    #[test]
    fn a_wrong_report_is_refused_and_the_member_named() {
        let (long, deep) = ("x".repeat(LONGEST_ID + 1), vec![json!({ "id": "x" }); MOST_ITEMS + 1]);
        for (change, member) in [
            (json!({ "card": null }), "card"),
            (json!({ "card": 7 }), "card"),
            (json!({ "card": " " }), "card"),
            (json!({ "card": long }), "card"),
            (json!({ "card": "a\u{0}b" }), "card"),
            (json!({ "outcome": null }), "outcome"),
            (json!({ "outcome": "ignored" }), "outcome"),
            (json!({ "outcome": "Accepted" }), "outcome"),
            (json!({ "outcomeTimestamp": null }), "outcomeTimestamp"),
            (json!({ "outcomeTimestamp": "yesterday" }), "outcomeTimestamp"),
            (json!({ "outcomeTimestamp": "2026-11-22T10:05:31" }), "outcomeTimestamp"),
            (json!({ "outcomeTimestamp": 1_700_000_000 }), "outcomeTimestamp"),
            (json!({ "acceptedSuggestions": {} }), "acceptedSuggestions"),
            (json!({ "acceptedSuggestions": ["x"] }), "acceptedSuggestions[0].id"),
            (json!({ "acceptedSuggestions": [{ "id": 1 }] }), "acceptedSuggestions[0].id"),
            (json!({ "acceptedSuggestions": deep }), "acceptedSuggestions"),
            (json!({ "overrideReason": 5 }), "overrideReason"),
            (
                json!({ "overrideReason": { "reason": { "code": 5 } } }),
                "overrideReason.reason.code",
            ),
            (json!({ "overrideReason": { "userComment": [] } }), "overrideReason.userComment"),
        ] {
            let bad = read(change.clone()).expect_err(&change.to_string());
            let place = format!("feedback[0].{member}");
            assert_eq!(bad.expression.as_deref(), Some(place.as_str()), "{change}");
            assert!(bad.message.contains(&place) && bad.message.contains("expected"), "{bad}");
        }
        assert!(read(json!({ "card": "x".repeat(LONGEST_ID) })).is_ok());
        for (body, expression) in [
            ("", None),
            ("[]", None),
            (r#"{"feedback":[],"feedback":[]}"#, None),
            ("{}", Some("feedback")),
            (r#"{"feedback":{}}"#, Some("feedback")),
            (r#"{"card":"a","outcome":"accepted"}"#, Some("feedback")),
            (r#"{"feedback":[7]}"#, Some("feedback[0]")),
            (r#"{"feedback":[{"card":"a","card":"b"}]}"#, None),
        ] {
            let bad = Feedback::read(body.as_bytes(), Bounds::default()).expect_err(body);
            assert_eq!(bad.expression.as_deref(), expression, "{body}");
        }
        assert_eq!(
            Feedback::read(br#"{"feedback":[]}"#, Bounds::default()),
            Ok(Vec::new()),
            "nothing is no mistake"
        );
    }

    #[test]
    fn c14_a_batch_has_a_bound() {
        let report =
            r#"{"card":"a","outcome":"accepted","outcomeTimestamp":"2026-11-22T10:05:31Z"}"#;
        let batch = |n: usize| format!(r#"{{"feedback":[{}]}}"#, vec![report; n].join(","));
        let read = |n: usize| Feedback::read(batch(n).as_bytes(), Bounds::default());
        assert_eq!(read(MOST_REPORTS - 1).map(|all| all.len()), Ok(MOST_REPORTS - 1));
        assert_eq!(read(MOST_REPORTS).map(|all| all.len()), Ok(MOST_REPORTS));
        for n in [MOST_REPORTS + 1, 100_000] {
            let bad = read(n).expect_err("too many");
            assert!(bad.message.contains(&n.to_string()) && bad.message.contains("1000"), "{bad}");
        }
    }

    #[test]
    fn c14_a_comment_is_bounded_and_hides_itself() {
        let sent = |n: usize| {
            let report = read(json!({ "overrideReason": { "userComment": "ä".repeat(n) } }));
            report.expect("it is right").comment.expect("a comment")
        };
        for (n, kept) in [(1999, 1999), (2000, 2000), (2001, 2000), (100_000, 2000)] {
            assert_eq!((sent(n).text.chars().count(), sent(n).sent), (kept, n));
        }
        let secret = read(json!({ "overrideReason": { "userComment": "Mrs\u{0}Smith\n\tsays" } }));
        let secret = secret.expect("it is right");
        assert!(!format!("{secret:?}").contains("Smith"));
        assert_eq!(secret.comment.expect("a comment").text, "Mrs Smith\n\tsays");
    }
}
