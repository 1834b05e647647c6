//! One hook call, as it was sent: CDS Hooks 1.0, 2.0, and the drafts that real clients still speak.
//!
//! <https://cds-hooks.hl7.org/#calling-a-cds-service>

use super::context::Context;
use crate::fhir::document::{DEEPEST, NotRead};
use crate::fhir::scan::Shape;
use crate::fhir::views::view;
use crate::fhir::{Document, Json};
use secrecy::SecretString;
use simdutf8::basic;
use std::borrow::Cow;

view! {
    /// Members of a hook call.
    struct CallView {
        hook, hook_instance as "hookInstance", fhir_server as "fhirServer",
        fhir_authorization as "fhirAuthorization", context, prefetch,
        patient, user,
    }
}

/// The hook whose context holds no orders.
const PATIENT_VIEW: &str = "patient-view";

view! {
    /// Members of `fhirAuthorization`.
    struct AuthorizationView {
        access_token as "access_token", expires_in as "expires_in",
    }
}

/// What the client lets the service read with.
/// <https://cds-hooks.hl7.org/#passing-the-access-token-to-the-cds-service>
#[derive(Clone, Debug)]
pub struct Authorization {
    /// Shown to the FHIR server and to nobody else.
    pub access_token: SecretString,
    /// Seconds that it still lives.
    pub expires_in: Option<i64>,
}

/// Why a request cannot be answered: what was given, what was expected, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadRequest {
    /// For the client; holds no patient data.
    pub message: String,
    /// The member that is wrong, as a path from the request.
    pub expression: Option<Cow<'static, str>>,
}

impl BadRequest {
    /// A complaint about one member.
    pub fn at(expression: impl Into<Cow<'static, str>>, message: impl Into<String>) -> BadRequest {
        BadRequest { message: message.into(), expression: Some(expression.into()) }
    }

    /// A complaint about the text itself.
    pub fn text(message: impl Into<String>) -> BadRequest {
        BadRequest { message: message.into(), expression: None }
    }
}

/// What a body may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Deepest nesting.
    pub depth: usize,
    /// Most items of all lists together.
    pub entries: usize,
}

impl Bounds {
    fn most(self) -> Shape {
        Shape { depth: self.depth, entries: self.entries }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { depth: DEEPEST, entries: 500_000 }
    }
}

/// Data sent along, by key, in the order sent.
#[derive(Debug, Default)]
pub struct Prefetch<'a>(pub Vec<(Cow<'a, str>, Json<'a>)>);

/// A hook call.
#[derive(Debug)]
pub struct Request<'a> {
    /// Name of the hook.
    pub hook: Cow<'a, str>,
    /// Id of this call; a UUID, and not always one.
    pub hook_instance: Cow<'a, str>,
    /// The EHR's FHIR server, as the caller names it.
    pub fhir_server: Option<Cow<'a, str>>,
    /// What it may be asked with.
    pub authorization: Option<Authorization>,
    /// What the user is doing.
    pub context: Context<'a>,
    /// Data sent along. Not looked into before an order needs it.
    prefetch: Option<Json<'a>>,
}

impl<'a> Request<'a> {
    /// Reads the body of a call. A member that stands twice has two meanings, and another reader of
    /// the same body may take the other one: it is refused. In the data sent along, a chart as the EHR
    /// holds it, only the resource that it stands in is not read, and that is said.
    ///
    /// # Errors
    /// What is missing or wrong, and where. No patient data.
    pub fn read(body: &'a Document<'_>) -> Result<Request<'a>, BadRequest> {
        let view = CallView::read(body.root());
        let prefetch = view.as_ref().and_then(CallView::prefetch);
        if let Some(place) = body.twin_outside(values(prefetch).map(|(_, value)| value)) {
            return Err(twice(place));
        }
        let view = view.ok_or_else(|| BadRequest::text("the request cannot be read"))?;
        let hook = required(view.hook(), "hook")?;
        let hook_instance = required(view.hook_instance(), "hookInstance")?;
        let context = match view.context() {
            None => return Err(BadRequest::at("context", "the request has no `context`")),
            Some(context) => Context::read(context, view.patient(), hook != PATIENT_VIEW)?,
        };
        Ok(Request {
            hook,
            hook_instance,
            fhir_server: view.fhir_server().and_then(Json::string),
            authorization: view.fhir_authorization().and_then(authorization),
            context,
            prefetch,
        })
    }

    /// Nothing of the chart was sent along, and no server is named: a middleman may have taken it away.
    pub fn brings_nothing(&self) -> bool {
        let empty = |prefetch: Json<'_>| {
            prefetch.text().bytes().all(|b| b.is_ascii_whitespace() || b"{}".contains(&b))
        };
        self.prefetch.is_none_or(empty) && self.fhir_server.is_none()
    }

    /// The data sent along; a `prefetch` that is no object tells nothing.
    pub fn prefetch(&self) -> Prefetch<'a> {
        Prefetch(values(self.prefetch).collect())
    }
}

/// The JSON object that a body is, within its bounds; a member may stand twice in it.
///
/// # Errors
/// What is wrong with it. No patient data.
pub fn open(body: &[u8], bounds: Bounds) -> Result<Document<'_>, BadRequest> {
    // The quick look does not tell the place.
    let text = basic::from_utf8(body).or_else(|_| std::str::from_utf8(body)).map_err(|e| {
        let at = e.valid_up_to();
        BadRequest::text(format!("the body is not UTF-8: byte {at} starts no character"))
    })?;
    // Taking a text apart takes any depth; nothing behind the bounds should.
    let document = Document::within(text, bounds.most()).map_err(|why| {
        BadRequest::text(match why {
            NotRead::NotJson(error) => not_json(&error),
            NotRead::Beyond(shape) => beyond(shape, bounds),
        })
    })?;
    if !document.root().is_object() {
        let found = kind_of(document.root());
        return Err(BadRequest::text(format!("the body is {found}, expected an object")));
    }
    Ok(document)
}

/// The same; no member of any object stands twice.
pub(super) fn object(body: &[u8], bounds: Bounds) -> Result<Document<'_>, BadRequest> {
    let document = open(body, bounds)?;
    match document.root().twin() {
        None => Ok(document),
        Some(place) => Err(twice(place)),
    }
}

/// The members of the object that the data sent along is.
fn values<'a>(prefetch: Option<Json<'a>>) -> impl Iterator<Item = (Cow<'a, str>, Json<'a>)> {
    prefetch.into_iter().flat_map(Json::members)
}

fn twice(place: usize) -> BadRequest {
    BadRequest::text(format!("a member of an object stands twice: at byte {place} of the body"))
}

fn beyond(shape: Shape, bounds: Bounds) -> String {
    if shape.depth > bounds.depth {
        return format!(
            "the body is nested {} deep, expected at most {}",
            shape.depth, bounds.depth
        );
    }
    let (found, most) = (shape.entries, bounds.entries);
    format!("the lists of the body hold {found} items, expected at most {most}")
}

fn authorization(json: Json<'_>) -> Option<Authorization> {
    let view = AuthorizationView::read(json)?;
    let token = view.access_token().and_then(Json::string).filter(|t| !t.is_empty())?;
    let seconds = view.expires_in().and_then(Json::decimal).map(|d| d.trunc());
    Some(Authorization {
        access_token: SecretString::from(token.into_owned()),
        expires_in: seconds.and_then(|d| i64::try_from(d).ok()),
    })
}

fn required<'a>(value: Option<Json<'a>>, name: &'static str) -> Result<Cow<'a, str>, BadRequest> {
    let Some(value) = value else {
        return Err(BadRequest::at(name, format!("the request has no `{name}`")));
    };
    match value.string() {
        Some(text) if !text.trim().is_empty() => Ok(text),
        Some(_) => Err(BadRequest::at(name, format!("`{name}` is empty"))),
        None if value.text().starts_with('"') => {
            let message = format!("`{name}` holds half a surrogate pair, expected characters");
            Err(BadRequest::at(name, message))
        }
        None => {
            let found = kind_of(value);
            Err(BadRequest::at(name, format!("`{name}` is {found}, expected a string")))
        }
    }
}

/// The kind of a JSON value in words.
pub(super) fn kind_of(json: Json<'_>) -> &'static str {
    match json.text().bytes().next() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

fn not_json(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    format!("the body is not JSON: {} at line {line} column {column}", first_clause(error))
}

/// The error without its place, and without any text of the request.
fn first_clause(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}
