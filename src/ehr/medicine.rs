//! Which medicines and vaccines of our tables does an order or an entry of the list hold?
//!
//! What stays on the skin, in the eye or in the ear is no medicine to the rules: ketoconazole
//! shampoo is no interaction.

use super::drug::{MedicationSource, ordered, read_medication};
use crate::fhir::Json;
use crate::fhir::types::CodeableConcept;
use crate::fhir::views::{Dosage, MedicationOrder};
use crate::terminology::medicines::Absorption;
use crate::terminology::products::{Form, Route, Strength, strength_in_words};
use crate::terminology::{Products, System, Terminology};
use std::cell::LazyCell;

/// What an entry holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Ids of `medicines.toml`, of what reaches the blood.
    pub substances: Vec<String>,
    /// Ids of `vaccines.toml`.
    pub vaccines: Vec<String>,
    /// Amount per tablet, where words tell it; not looked for in what no table knows.
    pub strength: Option<Strength>,
    /// Nothing but a reference to a Medication that was not sent tells what it is.
    pub unread: bool,
}

impl Held {
    /// Nothing that a table knows.
    pub fn is_empty(&self) -> bool {
        self.substances.is_empty() && self.vaccines.is_empty()
    }
}

/// Reads the codes and words of an entry.
pub fn held<'a>(
    view: &MedicationOrder<'a>,
    source: &dyn MedicationSource<'a>,
    terminology: &Terminology,
) -> Held {
    let ordered = ordered(view, source);
    let mut concepts = ordered.concepts;
    let mut forms: Vec<String> = Vec::new();
    if let Some(medication) = ordered.medication {
        read_medication(medication, &mut concepts, &mut forms);
    }
    let named = concepts.iter().any(|c| c.label().is_some());
    let mut held = Held { unread: ordered.unresolved && !named, ..Held::default() };
    // Most entries hold nothing of the tables: of those nobody asks where they are applied.
    let local = LazyCell::new(|| is_local(view, &concepts, &forms, &terminology.products));
    for concept in &concepts {
        held.add(concept, || *local, terminology);
    }
    if !held.is_empty() {
        held.strength =
            concepts.iter().flat_map(CodeableConcept::words).find_map(strength_in_words);
    }
    held
}

/// Does the medicine stay where it is applied? Told by route, form and name. A sig names the skin that
/// is treated, too: it tells only where the medicine is applied.
fn is_local(
    view: &MedicationOrder<'_>,
    concepts: &[CodeableConcept<'_>],
    forms: &[String],
    products: &Products,
) -> bool {
    let dosages: Vec<Dosage<'_>> = view.dosages().collect();
    let routes = dosages.iter().filter_map(Dosage::route).map(CodeableConcept::read);
    let mut words: Vec<String> = forms.to_vec();
    for concept in concepts.iter().cloned().chain(routes) {
        words.extend(concept.words().map(str::to_owned));
    }
    let sigs = dosages.iter().filter_map(Dosage::text).filter_map(Json::string);
    words.extend(sigs.filter(|sig| is_applied(sig)).map(|sig| sig.into_owned()));
    // A solution may be for the eye.
    let swallowed = words.iter().any(|w| {
        let form = products.form_in(w);
        matches!(form, Some(Form::ImmediateRelease | Form::ExtendedRelease))
            || products.route_in(w) == Some(Route::Oral)
    });
    let applied = words.iter().any(|w| {
        products.form_in(w) == Some(Form::Topical) || products.route_in(w) == Some(Route::Topical)
    });
    applied && !swallowed
}

/// Does the sig say that the medicine is put on something?
fn is_applied(sig: &str) -> bool {
    let sig = sig.to_lowercase();
    let mut words = sig.split(|c: char| !c.is_alphabetic());
    words.any(|w| ["apply", "applied", "instill", "instil"].contains(&w))
}

impl Held {
    fn add(
        &mut self,
        concept: &CodeableConcept<'_>,
        local: impl Fn() -> bool,
        terminology: &Terminology,
    ) {
        let mut coded = false;
        for coding in &concept.codings {
            let (Some(system), Some(code)) = (&coding.system, &coding.code) else { continue };
            let Some(system) = System::of(system) else { continue };
            for (substance, route) in terminology.medicines.by_code(system, code) {
                coded = true;
                let counts = match route {
                    Absorption::Systemic => true,
                    Absorption::Local => false,
                    Absorption::Unknown => !local(),
                };
                if counts {
                    push(&mut self.substances, &substance.id);
                }
            }
            if let Some(vaccine) = terminology.vaccines.by_code(system, code) {
                push(&mut self.vaccines, &vaccine.id);
            }
        }
        for words in concept.words() {
            // Words add what no code tells; a code that says "on the skin" is believed.
            for substance in terminology.medicines.by_text(words) {
                if !coded && !local() {
                    push(&mut self.substances, &substance.id);
                }
            }
            for vaccine in terminology.vaccines.by_text(words) {
                push(&mut self.vaccines, &vaccine.id);
            }
        }
    }
}

fn push(list: &mut Vec<String>, id: &str) {
    if !list.iter().any(|known| known == id) {
        list.push(id.to_owned());
    }
}
