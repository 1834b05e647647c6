//! Which JAK inhibitor does an order or a medicine on record name?
//!
//! Codes first, words last. Codings that disagree leave every drug they name a candidate: the rows
//! of each speak, so that the stricter limit is on the card.

use crate::fhir::Json;
use crate::fhir::types::{CodeableConcept, Reference};
use crate::fhir::views::{Medication, MedicationIngredient, MedicationOrder};
use crate::terminology::products::{Form, Named, Route, Strength, TextMatch};
use crate::terminology::{Products, System};

/// What told the drug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IdentifiedBy {
    /// RxNorm.
    Rxnorm,
    /// NDC.
    Ndc,
    /// ATC.
    Atc,
    /// SNOMED CT.
    Snomed,
    /// Words: weak, and said so.
    Text,
}

impl IdentifiedBy {
    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            IdentifiedBy::Rxnorm => "rxnorm",
            IdentifiedBy::Ndc => "ndc",
            IdentifiedBy::Atc => "atc",
            IdentifiedBy::Snomed => "snomed",
            IdentifiedBy::Text => "text",
        }
    }
}

/// A JAK inhibitor, as far as the order tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// Drug files whose rows speak; more than one when the order leaves it open.
    pub drugs: Vec<String>,
    /// Tablet, extended-release, solution, cream.
    pub form: Option<Form>,
    /// Amount per tablet, capsule or mL.
    pub strength: Option<Strength>,
    /// What told it.
    pub by: IdentifiedBy,
    /// Codings or words name different drugs.
    pub conflict: bool,
}

/// What an order's medication is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A JAK inhibitor.
    Jak(Identified),
    /// Looks like one; no table knows it. Its name, or the class or stem
    /// that told it.
    LooksAlike(String),
    /// Something else, or nothing at all.
    Other,
    /// Told only by a resource that was not sent.
    Unreadable,
}

/// Where a referenced Medication may stand.
pub trait MedicationSource<'a> {
    /// The Medication with this id.
    fn medication(&self, id: &str) -> Option<Json<'a>>;
}

/// Identifies the medication of an order or a medicine on record.
pub fn identify<'a>(
    order: &MedicationOrder<'a>,
    source: &dyn MedicationSource<'a>,
    products: &Products,
) -> Identity {
    let Ordered { mut concepts, medication, unresolved } = ordered(order, source);
    let mut form_words: Vec<String> = Vec::new();
    if let Some(medication) = medication {
        read_medication(medication, &mut concepts, &mut form_words);
    }
    let route = || {
        let mut routes = order.dosages().filter_map(|d| d.route()).map(CodeableConcept::read);
        routes.find_map(|route| route.words().find_map(|w| products.route_in(w)))
    };
    decide(&concepts, &form_words, route, products).unwrap_or(if unresolved {
        Identity::Unreadable
    } else {
        Identity::Other
    })
}

/// What an order says of its drug.
pub struct Ordered<'a> {
    /// In its own codes and words.
    pub concepts: Vec<CodeableConcept<'a>>,
    /// The Medication that it refers to, where it was sent.
    pub medication: Option<Json<'a>>,
    /// It refers to one that was not sent.
    pub unresolved: bool,
}

/// Reads what an order says of its drug, itself and by reference.
pub fn ordered<'a>(order: &MedicationOrder<'a>, source: &dyn MedicationSource<'a>) -> Ordered<'a> {
    let concept = order.medication_codeable_concept().or(order.medication());
    let mut concepts: Vec<_> = concept.map(CodeableConcept::read).into_iter().collect();
    let reference = order.medication_reference().or(order.medication()).and_then(Reference::read);
    let display = reference.as_ref().and_then(|r| r.display.clone());
    concepts.extend(display.map(|d| CodeableConcept { text: Some(d), ..Default::default() }));
    let medication = reference.as_ref().and_then(|r| resolve(r, order, source));
    let unresolved = medication.is_none() && reference.is_some_and(|r| r.reference.is_some());
    Ordered { concepts, medication, unresolved }
}

/// The reference to a Medication that was not sent.
pub fn unresolved<'a>(
    order: &MedicationOrder<'a>,
    source: &dyn MedicationSource<'a>,
) -> Option<String> {
    let missing = ordered(order, source).unresolved;
    let reference = order.medication_reference().or(order.medication()).and_then(Reference::read);
    reference.filter(|_| missing)?.reference.map(|r| r.into_owned())
}

/// The Medication that a reference names: contained, beside, or in the chart.
fn resolve<'a>(
    reference: &Reference<'a>,
    order: &MedicationOrder<'a>,
    source: &dyn MedicationSource<'a>,
) -> Option<Json<'a>> {
    let text = reference.reference.as_deref()?;
    if let Some(id) = text.strip_prefix('#') {
        let contained = order.contained().map(Json::items).unwrap_or_default();
        return contained.into_iter().find(|r| {
            let found = Medication::read(*r).and_then(|m| m.id()).and_then(Json::string);
            found.as_deref() == Some(id)
        });
    }
    if let Some(uuid) = text.strip_prefix("urn:uuid:") {
        return source.medication(uuid);
    }
    let (_, id) = reference.type_and_id()?;
    source.medication(id)
}

/// The codes, words and ingredients of a Medication, and the words of its form.
pub(super) fn read_medication<'a>(
    json: Json<'a>,
    concepts: &mut Vec<CodeableConcept<'a>>,
    form_words: &mut Vec<String>,
) {
    let Some(medication) = Medication::read(json) else { return };
    if let Some(code) = medication.code() {
        concepts.push(CodeableConcept::read(code));
    }
    for form in [medication.form(), medication.dose_form()].into_iter().flatten() {
        form_words.extend(CodeableConcept::read(form).words().map(str::to_owned));
    }
    for item in medication.ingredient().map(Json::items).unwrap_or_default() {
        let Some(ingredient) = MedicationIngredient::read(item) else { continue };
        let item = ingredient.item_codeable_concept().or(ingredient.item());
        concepts.extend(item.map(CodeableConcept::read));
    }
}

/// Weighs all codings and words of one medication.
fn decide(
    concepts: &[CodeableConcept<'_>],
    form_words: &[String],
    route: impl FnOnce() -> Option<Route>,
    products: &Products,
) -> Option<Identity> {
    let mut coded: Vec<(IdentifiedBy, Named)> = Vec::new();
    let mut alike: Option<String> = None;
    for coding in concepts.iter().flat_map(|c| &c.codings) {
        let (Some(system), Some(code)) = (&coding.system, &coding.code) else { continue };
        let Some(system) = System::of(system) else { continue };
        if let Some(class) = products.class_code(system, code) {
            alike = Some(class.to_owned());
        }
        let by = match system {
            System::Rxnorm => IdentifiedBy::Rxnorm,
            System::Ndc => IdentifiedBy::Ndc,
            System::Atc => IdentifiedBy::Atc,
            System::Snomed => IdentifiedBy::Snomed,
            _ => continue,
        };
        coded.extend(products.by_code(system, code).map(|named| (by, named.clone())));
    }
    let mut written: Vec<Named> = Vec::new();
    for words in concepts.iter().flat_map(CodeableConcept::words) {
        match products.by_text(words) {
            TextMatch::Drug(named) => written.push(named),
            // Words never take away what a code says.
            TextMatch::Veterinary if coded.is_empty() => return Some(Identity::Other),
            TextMatch::Veterinary => {}
            TextMatch::LooksAlike(word) => alike = Some(word),
            TextMatch::Nothing => {}
        }
    }
    let by = coded
        .iter()
        .map(|(by, _)| *by)
        .min()
        .or((!written.is_empty()).then_some(IdentifiedBy::Text));
    let Some(by) = by else {
        return alike.map(Identity::LooksAlike);
    };
    let all: Vec<&Named> = coded.iter().map(|(_, n)| n).chain(&written).collect();
    let form = agreed(all.iter().filter_map(|n| n.form))
        .or_else(|| agreed(form_words.iter().filter_map(|w| products.form_in(w))));
    // A strength that a code tells outweighs one that is read out of words.
    let strength = match agreed(coded.iter().filter_map(|(_, n)| n.strength)) {
        Some(strength) => Some(strength),
        None if coded.iter().any(|(_, n)| n.strength.is_some()) => None,
        None => agreed(written.iter().filter_map(|n| n.strength)),
    };
    let (drugs, conflict) = candidates(&all, form, route());
    Some(Identity::Jak(Identified { drugs, form, strength, by, conflict }))
}

/// The one value that all give; `None` when they give none or differ.
fn agreed<T: PartialEq>(mut values: impl Iterator<Item = T>) -> Option<T> {
    let first = values.next()?;
    values.all(|v| v == first).then_some(first)
}

/// The drugs that all names allow; when there is none, the drugs that any of them allows.
fn candidates(named: &[&Named], form: Option<Form>, route: Option<Route>) -> (Vec<String>, bool) {
    let narrowed: Vec<Vec<String>> = named.iter().map(|n| n.narrowed(form, route)).collect();
    let mut all: Vec<String> = Vec::new();
    for drug in narrowed.iter().flatten() {
        if !all.contains(drug) {
            all.push(drug.clone());
        }
    }
    let common: Vec<String> =
        all.iter().filter(|d| narrowed.iter().all(|n| n.contains(d))).cloned().collect();
    if common.is_empty() { (all, true) } else { (common, false) }
}
