//! One JSON value of a request, borrowed and not yet decoded.
//!
//! Real EHRs send an object where FHIR wants a list, a list where it wants an object, and `null`
//! where it wants nothing. Reading is tolerant: a value of the wrong kind is no value.

use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

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
        serde_json::from_str::<Twinless>(self.text()).is_err()
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

/// Any JSON value without twin members.
struct Twinless;

impl<'de> Deserialize<'de> for Twinless {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Twinless;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_bool<E>(self, _: bool) -> Result<Twinless, E> {
                Ok(Twinless)
            }
            fn visit_str<E>(self, _: &str) -> Result<Twinless, E> {
                Ok(Twinless)
            }
            fn visit_u64<E>(self, _: u64) -> Result<Twinless, E> {
                Ok(Twinless)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Twinless, E> {
                Ok(Twinless)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Twinless, E> {
                Ok(Twinless)
            }
            fn visit_unit<E>(self) -> Result<Twinless, E> {
                Ok(Twinless)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Twinless, A::Error> {
                while items.next_element::<Twinless>()?.is_some() {}
                Ok(Twinless)
            }
            // A number comes as a map of one member (serde_json/arbitrary_precision).
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Twinless, A::Error> {
                let mut seen = HashSet::new();
                while let Some(key) = map.next_key::<String>()? {
                    if !seen.insert(key) {
                        return Err(serde::de::Error::custom("twin members"));
                    }
                    map.next_value::<Twinless>()?;
                }
                Ok(Twinless)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twin_members_are_found_at_any_depth_and_only_they() {
        let twins = |text: &str| {
            let raw: &RawValue = serde_json::from_str(text).expect("JSON");
            Json::from(raw).has_twin_members()
        };
        assert!(twins(r#"{"a":1,"a":2}"#));
        assert!(twins(r#"{"a":[{"b":{"c":1,"d":[],"c":null}}]}"#));
        assert!(!twins(r#"{"a":1.50,"b":[1e3,-0.1,12345678901234567890],"c":{"a":true}}"#));
        let many: Vec<String> = (0..100).map(|i| format!("\"k{i}\":{i}")).collect();
        assert!(!twins(&format!("{{{}}}", many.join(","))));
        assert!(twins(&format!("{{{},\"k99\":1}}", many.join(","))));
        assert!(twins(&format!("{{{},\"k3\":1}}", many.join(","))));
    }
}
