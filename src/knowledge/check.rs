//! Do the files agree with each other? What a shape alone cannot say.

use super::complaint::Complaint;
use super::drug::{Applies, Confidence, Drug, Review};
use super::kinds::RenalDose;
use super::policy::{Action, Policy};
use super::read::Tables;
use super::rows::Row;
use crate::terminology::System;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use toml::Spanned;

/// The hooks that the house answers.
const HOOKS: &[&str] = &["medication-prescribe", "order-select", "order-sign", "patient-view"];

/// Looks at all tables together and adds what is wrong.
pub fn check(tables: &Tables, texts: &BTreeMap<&str, &str>, complaints: &mut Vec<Complaint>) {
    let mut checker = Checker { tables, texts, complaints };
    checker.drugs();
    checker.policy();
    checker.codes();
    checker.statements();
    checker.services();
}

struct Checker<'a> {
    tables: &'a Tables,
    texts: &'a BTreeMap<&'a str, &'a str>,
    complaints: &'a mut Vec<Complaint>,
}

impl Checker<'_> {
    fn complain(&mut self, file: &str, offset: usize, message: String) {
        let text = self.texts.get(file).copied().unwrap_or_default();
        self.complaints.push(Complaint::at(file, text, offset, message));
    }

    fn at(&mut self, file: &str, place: &Spanned<String>, message: String) {
        self.complain(file, place.span().start, message);
    }

    fn drugs(&mut self) {
        let tables = self.tables;
        let mut ids: HashMap<&str, &str> = HashMap::new();
        for (file, drug) in &tables.drugs {
            let stem = file.trim_start_matches("drugs/").trim_end_matches(".toml");
            if drug.drug != stem {
                let found = &drug.drug;
                self.complain(
                    file,
                    0,
                    format!("`drug` is `{found}`, expected the file's name `{stem}`"),
                );
            }
            for indication in &drug.indications {
                self.concept(file, indication);
            }
            for row in drug.rows() {
                self.row(file, drug, row);
                if let Some(first) = ids.insert(row.id().get_ref(), file) {
                    let id = row.id().get_ref();
                    self.at(file, row.id(), format!("the id `{id}` is used already in `{first}`"));
                }
            }
            for row in &drug.boxed_warning {
                self.boxed_warning(file, row);
            }
            for row in drug.rows() {
                if let Some(applies) = row.applies() {
                    self.applies(file, drug, applies);
                }
            }
            for indication in drug.screening.iter().flat_map(|r| &r.except_indication) {
                self.indication(file, drug, indication);
            }
            for row in &drug.renal_dose {
                self.renal_dose(file, row);
            }
            super::words::check(self.tables, drug, &mut |place, message| {
                self.complaints.push(Complaint::at(
                    file,
                    self.texts.get(file.as_str()).copied().unwrap_or_default(),
                    place.span().start,
                    message,
                ));
            });
            for label in &drug.labels {
                if !label.url.starts_with("https://") {
                    let message = format!("`{}` is no absolute https URL", label.url);
                    self.complain(file, 0, message);
                }
            }
        }
    }

    fn row(&mut self, file: &str, drug: &Drug, row: &dyn Row) {
        let id = row.id().get_ref();
        if !id.starts_with(&format!("{}.", drug.drug)) {
            let message = format!("`{id}` does not start with the drug's name `{}.`", drug.drug);
            self.at(file, row.id(), message);
        }
        let cite = row.cite();
        if drug.label(cite).is_none() {
            let listed: Vec<String> = drug.labels.iter().map(|l| format!("`{}`", l.id)).collect();
            let message = format!(
                "`{id}` cites source `{}`, which this file does not have; it has {}",
                cite.source.get_ref(),
                if listed.is_empty() { "none".to_owned() } else { listed.join(", ") }
            );
            self.at(file, &cite.source, message);
        }
        if cite.confidence != Confidence::A && row.review() != Some(Review::Draft) {
            let message = format!(
                "`{id}` has confidence {:?}: it needs `review = \"draft\"`",
                cite.confidence
            );
            self.at(file, row.id(), message);
        }
        if cite.section.trim().is_empty() {
            self.at(file, row.id(), format!("`{id}` has no `cite.section`"));
        }
        if cite.quote.as_deref().is_some_and(|q| q.trim().is_empty()) {
            self.at(file, row.id(), format!("`{id}` has an empty `cite.quote`: leave it out"));
        }
        let advice = row.advice().to_lowercase();
        if !row.advice().ends_with('.') || !advice.contains(&drug.name.to_lowercase()) {
            let message =
                format!("the advice of `{id}` must be a sentence that names {}", drug.name);
            self.at(file, row.id(), message);
        }
    }

    fn boxed_warning(&mut self, file: &str, row: &super::BoxedWarning) {
        let tables = self.tables;
        let Some(policy) = &tables.policy else { return };
        for risk in row.raised_by.iter().chain(&row.noted) {
            if policy.risk(risk.get_ref()).is_none() {
                let known: Vec<&str> =
                    policy.risk.iter().map(|r| r.id.get_ref().as_str()).collect();
                self.unknown_word(file, risk, "risk", &known);
            }
        }
        for exception in &row.except {
            self.concept(file, &exception.indication);
            self.concept(file, &exception.concept);
        }
        if row.component.is_empty() {
            self.at(file, &row.id, format!("`{}` has no component", row.id.get_ref()));
        }
    }

    fn renal_dose(&mut self, file: &str, row: &RenalDose) {
        let id = row.id.get_ref();
        if row.value == Default::default() {
            self.at(
                file,
                &row.id,
                format!("`{id}`: `value` has no end, expected `from`, `above`, `to` or `below`"),
            );
        }
    }

    fn applies(&mut self, file: &str, drug: &Drug, applies: &Applies) {
        for indication in &applies.indication {
            self.indication(file, drug, indication);
        }
    }

    fn indication(&mut self, file: &str, drug: &Drug, word: &Spanned<String>) {
        let known: Vec<&str> = drug.indications.iter().map(|i| i.get_ref().as_str()).collect();
        if !known.contains(&word.get_ref().as_str()) {
            self.unknown_word(file, word, "indication of this file", &known);
        }
    }

    fn concept(&mut self, file: &str, word: &Spanned<String>) {
        let known: Vec<&str> = self.tables.conditions.iter().map(|c| c.id.as_str()).collect();
        if !known.contains(&word.get_ref().as_str()) {
            self.unknown_word(file, word, "concept of codes/conditions.toml", &known);
        }
    }

    fn unknown_word(&mut self, file: &str, word: &Spanned<String>, what: &str, legal: &[&str]) {
        self.at(file, word, super::words::unknown(word, what, legal));
    }

    fn policy(&mut self) {
        let tables = self.tables;
        let Some(policy) = &tables.policy else { return };
        let file = "policy.toml";
        for action in Action::ALL {
            if !policy.levels.contains_key(action) {
                let word = format!("{action:?}");
                self.complain(
                    file,
                    0,
                    format!("`levels` does not say how loud the action {word} is"),
                );
            }
        }
        for risk in &policy.risk {
            for concept in risk.history.iter().chain(&risk.active) {
                self.concept(file, concept);
            }
            for lab in &risk.answers {
                if !tables.labs.iter().any(|l| l.id == *lab.get_ref()) {
                    let known: Vec<&str> = tables.labs.iter().map(|l| l.id.as_str()).collect();
                    self.unknown_word(file, lab, "lab of codes/labs.toml", &known);
                }
            }
        }
        let table = &policy.child_pugh;
        for concept in table.diseases.iter().chain(&table.signs) {
            self.concept(file, concept);
        }
        for part in &table.result {
            if !tables.labs.iter().any(|l| l.id == *part.lab.get_ref()) {
                let known: Vec<&str> = tables.labs.iter().map(|l| l.id.as_str()).collect();
                self.unknown_word(file, &part.lab, "lab of codes/labs.toml", &known);
            }
        }
        self.states(policy);
    }

    fn states(&mut self, policy: &Policy) {
        let mut seen = BTreeSet::new();
        for row in &policy.screening {
            if !seen.insert((row.test, row.state)) {
                let message = format!("{:?} {:?} stands twice in `screening`", row.test, row.state);
                self.complain("policy.toml", 0, message);
            }
        }
    }

    fn codes(&mut self) {
        let tables = self.tables;
        let drugs: Vec<&str> = tables.drugs.iter().map(|(_, d)| d.drug.as_str()).collect();
        let file = "codes/products.toml";
        let named = tables.products.product.iter().map(|p| &p.drug);
        let named = named.chain(tables.products.ingredient.iter().flat_map(|i| &i.drugs));
        let named = named.chain(tables.products.ingredient.iter().flat_map(|i| i.by_form.values()));
        for drug in named.clone() {
            if !drugs.contains(&drug.as_str()) {
                self.complain(file, 0, format!("`{drug}` has no file in `drugs/`"));
            }
        }
        for drug in &drugs {
            if !named.clone().any(|n| n == drug) {
                self.complain(file, 0, format!("no code or name leads to the drug `{drug}`"));
            }
        }
        let mut seen: HashMap<(System, &str), &str> = HashMap::new();
        for lab in &tables.labs {
            for code in &lab.codes {
                if let Some(other) = seen.insert((code.system, &code.code), &lab.id) {
                    let message =
                        format!("the code `{}` stands in `{other}` and in `{}`", code.code, lab.id);
                    self.complain("codes/labs.toml", 0, message);
                }
            }
            for control in &lab.controls {
                if !tables.labs.iter().any(|l| l.id == control.lab) {
                    let message = format!(
                        "`{}` names the control `{}`, which is no lab",
                        lab.id, control.lab
                    );
                    self.complain("codes/labs.toml", 0, message);
                }
            }
        }
    }

    fn statements(&mut self) {
        let tables = self.tables;
        let file = "statements.toml";
        let rows: Vec<String> = tables
            .drugs
            .iter()
            .flat_map(|(_, drug)| drug.rows().map(|r| r.id().get_ref().clone()).collect::<Vec<_>>())
            .collect();
        for statement in &tables.statements.statement {
            for rule in statement.rules.iter().filter(|r| !rows.contains(r.get_ref())) {
                let message = format!("`{}` is no row of a drug file", rule.get_ref());
                self.at(file, rule, message);
            }
            let id = statement.id.get_ref();
            let context = statement.disposition == super::Disposition::Context;
            if context && statement.note.is_none() {
                self.at(file, &statement.id, format!("`{id}` is context and has no `note`"));
            }
            if context != statement.rules.is_empty() {
                let message =
                    format!("`{id}`: `rules` go with `rule` and `text`, and only with them");
                self.at(file, &statement.id, message);
            }
            if !tables.statements.source.iter().any(|s| s.id == statement.source) {
                let message = format!("`{id}` is from `{}`, which is no source", statement.source);
                self.at(file, &statement.id, message);
            }
        }
    }

    fn services(&mut self) {
        let tables = self.tables;
        for service in &tables.services {
            if !HOOKS.contains(&service.hook.as_str()) {
                let file = format!("services/{}.json", service.id);
                let legal: Vec<String> = HOOKS.iter().map(|h| format!("`{h}`")).collect();
                let message = format!(
                    "unknown hook `{}`, expected one of {}",
                    service.hook,
                    legal.join(", ")
                );
                let offset = self.texts.get(file.as_str()).and_then(|t| t.find("\"hook\""));
                self.complain(&file, offset.unwrap_or(0), message);
            }
        }
        if tables.services.is_empty() {
            self.complain("services", 0, "no service is described".to_owned());
        }
    }
}
