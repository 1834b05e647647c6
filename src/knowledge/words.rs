//! Do the words of a row lead somewhere: groups of medicines, tests, risks, concepts, limits?

use super::drug::{Drug, Exception, Limit};
use super::policy::Action;
use super::read::Tables;
use std::collections::BTreeSet;
use toml::Spanned;

/// What is said of a word that leads nowhere.
pub fn unknown(word: &Spanned<String>, what: &str, legal: &[&str]) -> String {
    let legal: Vec<String> = legal.iter().map(|w| format!("`{w}`")).collect();
    format!("`{}` is no {what}, expected one of {}", word.get_ref(), legal.join(", "))
}

/// Looks at every word of the kinds that name something of another file.
pub fn check(tables: &Tables, drug: &Drug, complain: &mut dyn FnMut(&Spanned<String>, String)) {
    let mut checker = Checker { tables, complain };
    for row in &drug.interaction {
        let excepted = row.except.iter().map(|e| &e.medicine);
        let words = row.with.iter().chain(&row.and_with).chain(&row.without).chain(excepted);
        words.for_each(|word| checker.medicine(word));
        checker.limit(&row.id, row.action, row.limit.as_ref(), row.labelled_dose.as_ref());
        if row.with.is_empty() {
            checker.say(&row.id, format!("`{}` names no medicine in `with`", row.id.get_ref()));
        }
    }
    for row in &drug.risk_group {
        row.takes.iter().chain(&row.without).for_each(|word| checker.medicine(word));
        row.risk.iter().for_each(|word| checker.risk(word));
        if row.risk.is_empty() && row.takes.is_empty() {
            let id = row.id.get_ref();
            checker.say(&row.id, format!("`{id}` names neither a `risk` nor what is taken"));
        }
        row.except.iter().for_each(|exception| checker.exception(exception));
    }
    for row in &drug.lab_limit {
        checker.lab(&row.lab);
        if row.value.is_some() == row.fall.is_some() {
            let id = row.id.get_ref();
            checker.say(&row.id, format!("`{id}` needs either `value` or `fall`"));
        }
        if row.times_upper_limit {
            checker.limited(&row.lab);
        }
    }
    for row in &drug.phenotype {
        checker.lab(&row.lab);
        row.concepts.iter().for_each(|word| checker.concept(word));
        checker.limit(&row.id, row.action, row.limit.as_ref(), row.labelled_dose.as_ref());
    }
    for row in &drug.baseline {
        row.labs.iter().chain([&row.order]).for_each(|word| checker.lab(word));
        checker.orderable(&row.order);
    }
    for row in &drug.monitoring {
        row.labs.iter().chain([&row.order]).for_each(|word| checker.lab(word));
        checker.orderable(&row.order);
    }
    for row in &drug.renal_dose {
        checker.limit(&row.id, row.action, row.limit.as_ref(), row.labelled_dose.as_ref());
    }
    for row in &drug.max_dose {
        checker.limit(&row.id, row.action, row.limit.as_ref(), row.labelled_dose.as_ref());
    }
    for row in &drug.hepatic {
        checker.limit(&row.id, row.action, row.limit.as_ref(), row.labelled_dose.as_ref());
        if row.class.is_empty() {
            checker.say(&row.id, format!("`{}` names no class", row.id.get_ref()));
        }
    }
}

struct Checker<'a, 'c> {
    tables: &'a Tables,
    complain: &'c mut dyn FnMut(&Spanned<String>, String),
}

impl Checker<'_, '_> {
    fn say(&mut self, place: &Spanned<String>, message: String) {
        (self.complain)(place, message);
    }

    fn known<'w>(
        &mut self,
        word: &Spanned<String>,
        what: &str,
        legal: impl Iterator<Item = &'w str>,
    ) {
        let legal: BTreeSet<&str> = legal.collect();
        if !legal.contains(word.get_ref().as_str()) {
            let legal: Vec<&str> = legal.into_iter().collect();
            self.say(word, unknown(word, what, &legal));
        }
    }

    fn medicine(&mut self, word: &Spanned<String>) {
        let rows = &self.tables.medicines;
        let groups = rows.iter().flat_map(|m| m.groups.iter().map(String::as_str));
        let legal = groups.chain(rows.iter().map(|m| m.id.as_str()));
        self.known(word, "group or medicine of codes/medicines.toml", legal);
    }

    fn risk(&mut self, word: &Spanned<String>) {
        let risks = self.tables.policy.iter().flat_map(|p| &p.risk);
        self.known(word, "risk", risks.map(|r| r.id.get_ref().as_str()));
    }

    fn lab(&mut self, word: &Spanned<String>) {
        let labs = self.tables.labs.iter().map(|l| l.id.as_str());
        self.known(word, "lab of codes/labs.toml", labs);
    }

    fn orderable(&mut self, word: &Spanned<String>) {
        let lab = self.tables.labs.iter().find(|l| l.id == *word.get_ref());
        if lab.is_some_and(|l| l.order.is_none()) {
            self.say(word, format!("`{}` has no `order` in codes/labs.toml", word.get_ref()));
        }
    }

    fn limited(&mut self, word: &Spanned<String>) {
        let lab = self.tables.labs.iter().find(|l| l.id == *word.get_ref());
        if lab.is_some_and(|l| l.upper_limit.is_none()) {
            let lab = word.get_ref();
            self.say(word, format!("`{lab}` has no `upper_limit` in codes/labs.toml"));
        }
    }

    fn concept(&mut self, word: &Spanned<String>) {
        let concepts = self.tables.conditions.iter().map(|c| c.id.as_str());
        self.known(word, "concept of codes/conditions.toml", concepts);
    }

    fn exception(&mut self, exception: &Exception) {
        self.concept(&exception.indication);
        self.concept(&exception.concept);
    }

    fn limit(
        &mut self,
        id: &Spanned<String>,
        action: Action,
        limit: Option<&Limit>,
        words: Option<&String>,
    ) {
        let needs = action == Action::ReduceDose;
        if needs != limit.is_some() || needs != words.is_some() {
            let message = format!(
                "`{}`: `limit` and `labelled_dose` go with `action = \"reduce-dose\"`, and only with it",
                id.get_ref()
            );
            self.say(id, message);
        }
    }
}
