//! One JSON value of a request, borrowed and not yet decoded.
//!
//! Real EHRs send an object where FHIR wants a list, a list where it wants an object, and `null`
//! where it wants nothing. Reading is tolerant: a value of the wrong kind is no value.

use super::shape::Shape;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Text of exactly one valid JSON value.
#[derive(Clone, Copy, Debug)]
pub struct Json<'a>(&'a RawValue);

impl<'a> From<&'a RawValue> for Json<'a> {
    fn from(raw: &'a RawValue) -> Self {
        Json(raw)
    }
}

impl<'a> Json<'a> {
    /// The value's text.
    pub fn text(self) -> &'a str {
        self.0.get()
    }

    fn first(self) -> u8 {
        self.text().bytes().next().unwrap_or(b'n')
    }

    /// Is it `{…}`?
    pub fn is_object(self) -> bool {
        self.first() == b'{'
    }

    /// Is it `[…]`?
    pub fn is_array(self) -> bool {
        self.first() == b'['
    }

    /// Is it `null`?
    pub fn is_null(self) -> bool {
        self.first() == b'n'
    }

    /// Does a member stand twice in any of its objects? Which of the two is meant cannot be told.
    pub fn has_twin_members(self) -> bool {
        Shape::of(self.text()).twin.is_some()
    }

    /// Reads it as one type; `None` when it is not that.
    pub fn read<T: Deserialize<'a>>(self) -> Option<T> {
        serde_json::from_str(self.text()).ok()
    }

    /// The string; only strings with escapes are copied.
    pub fn string(self) -> Option<Cow<'a, str>> {
        let text = self.text();
        let inner = text.strip_prefix('"')?.strip_suffix('"')?;
        if inner.contains('\\') {
            serde_json::from_str(text).ok().map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(inner))
        }
    }

    /// The number, also when it stands in quotation marks.
    pub fn decimal(self) -> Option<Decimal> {
        match self.first() {
            b'"' => crate::terminology::decimal::parse(&self.string()?),
            b'-' | b'0'..=b'9' => crate::terminology::decimal::parse(self.text()),
            _ => None,
        }
    }

    /// `true` or `false`.
    pub fn boolean(self) -> Option<bool> {
        match self.text() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The items of a list; one value is a list of one, `null` a list of none.
    pub fn items(self) -> Vec<Json<'a>> {
        match self.first() {
            b'[' => {
                let raw: Vec<&RawValue> = self.read().unwrap_or_default();
                raw.into_iter().map(Json).filter(|j| !j.is_null()).collect()
            }
            b'n' => Vec::new(),
            _ => vec![self],
        }
    }

    /// The first item of a list, or the one value.
    pub fn one(self) -> Option<Json<'a>> {
        self.items().into_iter().next()
    }
}
