//! The few FHIR datatypes that facts are made of, read tolerantly.

use super::json::Json;
use super::views::view;
use rust_decimal::Decimal;
use std::borrow::Cow;

view! {
    /// Members of a Coding.
    struct CodingView { system, code, display }
}
view! {
    /// Members of a CodeableConcept; `concept` and `reference` are R5's CodeableReference.
    struct ConceptView { coding, text, concept, reference }
}
view! {
    /// Members of a Reference.
    struct ReferenceView { reference, display, identifier }
}
view! {
    /// Members of a Quantity.
    struct QuantityView { value, comparator, unit, system, code }
}

/// A FHIR Coding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coding<'a> {
    /// Code system, as sent.
    pub system: Option<Cow<'a, str>>,
    /// Code.
    pub code: Option<Cow<'a, str>>,
    /// Display.
    pub display: Option<Cow<'a, str>>,
}

/// A FHIR CodeableConcept; DSTU2's bare codes are one Coding without a system.
#[derive(Clone, Debug, Default)]
pub struct CodeableConcept<'a> {
    /// Codings, in the order sent.
    pub codings: Vec<Coding<'a>>,
    /// Text.
    pub text: Option<Cow<'a, str>>,
}

impl<'a> CodeableConcept<'a> {
    /// Reads a concept, a list of concepts (taken together), R5's CodeableReference or a bare code.
    pub fn read(json: Json<'a>) -> CodeableConcept<'a> {
        let mut concept = CodeableConcept::default();
        for item in json.items() {
            if let Some(code) = item.string() {
                concept.codings.push(Coding { code: Some(code), ..Coding::default() });
                continue;
            }
            let Some(view) = ConceptView::read(item) else { continue };
            if let Some(inner) = view.concept() {
                let inner = CodeableConcept::read(inner);
                concept.codings.extend(inner.codings);
                concept.text = concept.text.or(inner.text);
            }
            for coding in view.coding().map(Json::items).unwrap_or_default() {
                if let Some(c) = CodingView::read(coding) {
                    concept.codings.push(Coding {
                        system: c.system().and_then(Json::string),
                        code: c.code().and_then(Json::string),
                        display: c.display().and_then(Json::string),
                    });
                }
            }
            concept.text = concept.text.or(view.text().and_then(Json::string));
        }
        concept
    }

    /// The first coding of which something can be told, by its system and its code; nothing else of the concept
    /// is decoded. In the order of [`CodeableConcept::read`].
    pub fn find_coding<T>(
        json: Json<'_>,
        tells: &impl Fn(Option<&str>, &str) -> Option<T>,
    ) -> Option<T> {
        json.items().find_map(|item| {
            if let Some(code) = item.string() {
                return tells(None, &code);
            }
            let view = ConceptView::read(item)?;
            let inner = view.concept().and_then(|inner| CodeableConcept::find_coding(inner, tells));
            inner.or_else(|| {
                view.coding().map(Json::items).unwrap_or_default().find_map(|coding| {
                    let view = CodingView::read(coding)?;
                    let system = view.system().and_then(Json::string);
                    tells(system.as_deref(), &view.code()?.string()?)
                })
            })
        })
    }

    /// All words: the text and the displays that say something else.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let displays = self.codings.iter().filter_map(|c| c.display.as_deref());
        let text = self.text.as_deref();
        text.into_iter().chain(displays.filter(move |display| Some(*display) != text))
    }

    /// The text, else the first display, else the first code.
    pub fn label(&self) -> Option<&str> {
        let code = self.codings.iter().find_map(|c| c.code.as_deref());
        self.words().find(|w| !w.trim().is_empty()).or(code)
    }

    /// Does one of the codings have this code, whatever the system?
    pub fn has_code(&self, codes: &[&str]) -> bool {
        self.codings.iter().filter_map(|c| c.code.as_deref()).any(|c| codes.contains(&c))
    }
}

/// A FHIR Reference.
#[derive(Clone, Debug, Default)]
pub struct Reference<'a> {
    /// `Patient/1`, an absolute URL, `#contained`, or `urn:uuid:…`.
    pub reference: Option<Cow<'a, str>>,
    /// Display.
    pub display: Option<Cow<'a, str>>,
}

impl<'a> Reference<'a> {
    /// Reads a reference, or R5's CodeableReference around one.
    pub fn read(json: Json<'a>) -> Option<Reference<'a>> {
        let item = json.one()?;
        let view = ReferenceView::read(item)?;
        match view.reference() {
            Some(inner) if inner.is_object() => Reference::read(inner),
            reference => Some(Reference {
                reference: reference.and_then(Json::string),
                display: view.display().and_then(Json::string),
            }),
        }
    }

    /// `Type/id` of a relative or absolute reference, without base and version.
    pub fn type_and_id(&self) -> Option<(&str, &str)> {
        type_and_id(self.reference.as_deref()?)
    }
}

/// `Type/id` of a relative or absolute reference, without base and version.
pub fn type_and_id(reference: &str) -> Option<(&str, &str)> {
    let version = if reference.contains('_') { reference.find("/_history/") } else { None };
    let text = &reference[..version.unwrap_or(reference.len())];
    // References are short: a wide search takes longer to begin.
    let slash = |text: &str| text.bytes().rposition(|b| b == b'/');
    let at = slash(text)?;
    let (before, id) = (&text[..at], &text[at + 1..]);
    let resource_type = &before[slash(before).map_or(0, |at| at + 1)..];
    (!id.is_empty() && resource_type.bytes().all(|b| b.is_ascii_alphabetic()))
        .then_some((resource_type, id))
}

/// FHIR's `id`: what may stand in a reference that we send.
pub fn is_id(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.' || b == b'_';
    !text.is_empty() && text.len() <= 128 && text.bytes().all(legal)
}

/// `Type/id`; what is no id is never echoed.
pub fn reference_to(resource_type: &str, id: &str) -> Option<String> {
    is_id(id).then(|| [resource_type, "/", id].concat())
}

/// The same, of a resource.
pub fn local_reference(resource_type: &str, id: Option<Json<'_>>) -> Option<String> {
    reference_to(resource_type, &id?.string()?)
}

/// A FHIR Quantity.
#[derive(Clone, Debug, Default)]
pub struct Quantity<'a> {
    /// The number, as printed.
    pub value: Option<Decimal>,
    /// `<`, `<=`, `>=`, `>`, `ad`.
    pub comparator: Option<Cow<'a, str>>,
    /// The unit in words.
    pub unit: Option<Cow<'a, str>>,
    /// The unit's code.
    pub code: Option<Cow<'a, str>>,
}

impl<'a> Quantity<'a> {
    /// Reads a quantity.
    pub fn read(json: Json<'a>) -> Option<Quantity<'a>> {
        let view = QuantityView::read(json.one()?)?;
        Some(Quantity {
            value: view.value().and_then(Json::decimal),
            comparator: view.comparator().and_then(Json::string),
            unit: view.unit().and_then(Json::string),
            code: view.code().and_then(Json::string),
        })
    }

    /// The unit's code, else its words; both may be sent, and either may be nonsense.
    pub fn units(&self) -> impl Iterator<Item = &str> {
        self.code.as_deref().into_iter().chain(self.unit.as_deref()).filter(|u| !u.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::Document;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn a_reference_names_its_resource_with_or_without_base_and_version() {
        for reference in [
            "Patient/a_1",
            "Patient/a_1/_history/2",
            "https://ehr.example.org/r4/Patient/a_1",
            "https://ehr.example.org/r4/Patient/a_1/_history/2",
        ] {
            assert_eq!(type_and_id(reference), Some(("Patient", "a_1")), "{reference}");
        }
        for reference in ["", "a_1", "Patient/", "urn:uuid:1", "1/a"] {
            assert_eq!(type_and_id(reference), None, "{reference}");
        }
    }

    /// A coding that may lack its system or its code, or be no coding at all.
    fn coding() -> impl Strategy<Value = Value> {
        let word =
            || prop_oneof![Just(json!("a")), Just(json!("b")), Just(json!(1)), Just(Value::Null)];
        prop_oneof![
            (word(), word()).prop_map(|(system, code)| json!({"system": system, "code": code})),
            word().prop_map(|code| json!({"code": code, "display": "x"})),
            Just(json!("a")),
        ]
    }

    /// Concepts as all releases write them, one or several, with R5's around another.
    fn concepts() -> impl Strategy<Value = Value> {
        let codings = || prop::collection::vec(coding(), 0..4);
        let one = prop_oneof![
            codings().prop_map(|codings| json!({"coding": codings, "text": "x"})),
            coding().prop_map(|coding| json!({"coding": coding})),
            (codings(), codings()).prop_map(|(inner, outer)| {
                json!({"concept": {"coding": inner}, "coding": outer})
            }),
            Just(json!("b")),
        ];
        prop_oneof![one.clone(), prop::collection::vec(one, 0..4).prop_map(Value::from)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn a_coding_is_found_where_reading_the_whole_concept_finds_it(concept in concepts(), code in "[ab]", bare: bool) {
            let document = Document::read(concept.to_string()).expect("JSON");
            let tells = |system: Option<&str>, found: &str| {
                (bare == system.is_none() && found == code).then(|| format!("{system:?} {found}"))
            };
            let whole = CodeableConcept::read(document.root());
            let expected = whole
                .codings
                .iter()
                .find_map(|c| tells(c.system.as_deref(), c.code.as_deref()?));
            prop_assert_eq!(CodeableConcept::find_coding(document.root(), &tells), expected);
        }
    }
}
