//! One hook call, as it was sent: CDS Hooks 1.0, 2.0, and the drafts that real clients still speak.
//!
//! <https://cds-hooks.hl7.org/#calling-a-cds-service>

use super::context::Context;
use crate::fhir::Json;
use crate::fhir::shape::{DEEPEST, Shape};
use crate::fhir::views::view;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

view! {
    /// Members of a hook call.
    struct Envelope {
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

impl Default for Bounds {
    fn default() -> Self {
        Bounds { depth: DEEPEST, entries: 500_000 }
    }
}

/// Data sent along, by key, in the order sent.
#[derive(Debug, Default)]
pub struct Prefetch<'a> {
    /// Key and value.
    pub entries: Vec<(Cow<'a, str>, Json<'a>)>,
    /// Somewhere in a value a member of an object stands twice.
    pub twins: bool,
}

impl<'a> Prefetch<'a> {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<Json<'a>> {
        self.entries.iter().find(|(k, _)| k == key).map(|(_, v)| *v)
    }
}

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
    /// Somewhere in the body a member of an object stands twice: then it is in the data sent along.
    twins: bool,
}

impl<'a> Request<'a> {
    /// Reads the body of a call. A member that stands twice has two meanings, and another reader of
    /// the same body may take the other one: it is refused. In the data sent along, a chart as the EHR
    /// holds it, only the resource that it stands in is not read, and that is said.
    ///
    /// # Errors
    /// What is missing or wrong, and where. No patient data.
    pub fn read(body: &'a [u8], bounds: Bounds) -> Result<Request<'a>, BadRequest> {
        let (raw, twin) = bounded(body, bounds)?;
        let envelope: Envelope<'a> = serde_json::from_str(raw.get()).map_err(|e| match twin {
            Some(place) => twice(place),
            None => BadRequest::text(format!("the request has a {}", first_clause(&e))),
        })?;
        let prefetch = envelope.prefetch();
        if let Some(place) = twin.and_then(|_| twin_beside(body, prefetch)) {
            return Err(twice(place));
        }
        let hook = required(envelope.hook(), "hook")?;
        let hook_instance = required(envelope.hook_instance(), "hookInstance")?;
        let context = match envelope.context() {
            None => return Err(BadRequest::at("context", "the request has no `context`")),
            Some(context) => Context::read(context, envelope.patient(), hook != PATIENT_VIEW)?,
        };
        Ok(Request {
            hook,
            hook_instance,
            fhir_server: envelope.fhir_server().and_then(Json::string),
            authorization: envelope.fhir_authorization().and_then(authorization),
            context,
            prefetch,
            twins: twin.is_some(),
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
        let entries = self.prefetch.map(values).unwrap_or_default();
        Prefetch { entries, twins: self.twins }
    }
}

/// The JSON object that a body is, within its bounds; no member of any object stands twice.
pub(super) fn object(body: &[u8], bounds: Bounds) -> Result<&RawValue, BadRequest> {
    match bounded(body, bounds)? {
        (raw, None) => Ok(raw),
        (_, Some(place)) => Err(twice(place)),
    }
}

/// The JSON object that a body is, within its bounds, and where in it a member stands twice.
fn bounded(body: &[u8], bounds: Bounds) -> Result<(&RawValue, Option<usize>), BadRequest> {
    let text = std::str::from_utf8(body).map_err(|e| {
        let at = e.valid_up_to();
        BadRequest::text(format!("the body is not UTF-8: byte {at} starts no character"))
    })?;
    // Splitting text into raw values takes any depth; nothing behind the bounds should.
    let raw: &RawValue = serde_json::from_str(text).map_err(|e| BadRequest::text(not_json(&e)))?;
    let shape = Shape::of(text);
    within(shape, bounds)?;
    if !Json::from(raw).is_object() {
        let found = kind_of(raw.into());
        return Err(BadRequest::text(format!("the body is {found}, expected an object")));
    }
    Ok((raw, shape.twin))
}

/// Where a member stands twice outside of the values sent along: they are blanked, and the text is
/// looked through again. Hardly any body comes to this.
fn twin_beside(body: &[u8], prefetch: Option<Json<'_>>) -> Option<usize> {
    let mut beside = body.to_vec();
    for (_, value) in prefetch.map(values).unwrap_or_default() {
        let value = value.text();
        let from = value.as_ptr() as usize - body.as_ptr() as usize;
        beside[from..from + value.len()].fill(b' ');
    }
    Shape::of(std::str::from_utf8(&beside).ok()?).twin
}

fn twice(place: usize) -> BadRequest {
    BadRequest::text(format!("a member of an object stands twice: at byte {place} of the body"))
}

fn within(shape: Shape, bounds: Bounds) -> Result<(), BadRequest> {
    let message = if shape.depth > bounds.depth {
        format!("the body is nested {} deep, expected at most {}", shape.depth, bounds.depth)
    } else if shape.entries > bounds.entries {
        let (found, most) = (shape.entries, bounds.entries);
        format!("the lists of the body hold {found} items, expected at most {most}")
    } else {
        return Ok(());
    };
    Err(BadRequest::text(message))
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
pub(super) fn first_clause(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

/// The members of an object in the order sent; of anything else none.
fn values(json: Json<'_>) -> Vec<(Cow<'_, str>, Json<'_>)> {
    json.read().map(|Members(members)| members).unwrap_or_default()
}

/// The members of an object in the order sent, also of one name.
struct Members<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut entries: Vec<(Cow<'de, str>, Json<'de>)> = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
                    entries.push((Cow::Owned(key), value.into()));
                }
                Ok(Members(entries))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
