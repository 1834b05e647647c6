//! Which of the diagnoses that rules ask about does a Condition name, by its code or in its words?

use super::names::{Names, starts, words};
use super::{Code, Codes, Match, System};
use hashbrown::HashMap;
use serde::Deserialize;

/// One row of `hooks/codes/conditions.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concept {
    /// Name of the concept in rules, policies and cases.
    pub id: String,
    /// Name on cards.
    pub title: String,
    /// A finding or a history, which has no end: an inactive status does not take it away.
    #[serde(default)]
    pub lasting: bool,
    /// Names in free text beside the title, lower case.
    #[serde(default)]
    pub words: Vec<String>,
    /// ICD-10-CM, ICD-10 and SNOMED codes.
    pub codes: Vec<Code>,
}

/// Words around a name that change what it says; lower case.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Around {
    /// Before the name in its clause: it is not the patient's, or it is not there.
    pub before: Vec<String>,
    /// Among the first words after the name: the same.
    pub after: Vec<String>,
    /// At either of these places: it is over.
    pub past: Vec<String>,
    /// Names of something else that hold a name of the table.
    pub other: Vec<String>,
}

/// A concept that words name.
#[derive(Clone, Copy, Debug)]
pub struct Said<'t> {
    /// The concept.
    pub concept: &'t Concept,
    /// The words say that it is over.
    pub past: bool,
}

/// The lookups over the rows of `conditions.toml`.
#[derive(Debug, Default)]
pub struct Conditions {
    rows: Vec<Concept>,
    by_id: HashMap<String, usize>,
    exact: Codes<Vec<usize>>,
    prefix: Codes<Vec<usize>>,
    names: Names,
    around: [Vec<Vec<String>>; 3],
}

/// Words after a name in which [`Around::after`] is looked for.
const NEAR: usize = 3;

impl Conditions {
    /// Builds the lookups.
    pub fn new(rows: Vec<Concept>, around: &Around) -> Conditions {
        let mut conditions = Conditions::default();
        for (index, row) in rows.iter().enumerate() {
            conditions.by_id.insert(row.id.clone(), index);
            for code in &row.codes {
                let table = match code.matching {
                    Match::Exact => &mut conditions.exact,
                    Match::Prefix => &mut conditions.prefix,
                };
                table.push(code.system, undotted(&code.code), index);
            }
        }
        let named =
            |row: &Concept| [row.words.as_slice(), std::slice::from_ref(&row.title)].concat();
        let mut names: Vec<Vec<String>> = rows.iter().map(named).collect();
        // A row beyond the table: what only sounds like one of ours.
        names.push(around.other.clone());
        conditions.names = Names::new(names.iter().map(Vec::as_slice));
        conditions.around = [&around.before, &around.after, &around.past]
            .map(|list| list.iter().map(|w| words(w).map(str::to_owned).collect()).collect());
        conditions.rows = rows;
        conditions
    }

    /// The concepts that words name: whole words, the longest name at each place, and nothing around
    /// it that takes it away. "No history of stroke" names none.
    pub fn by_words(&self, text: &str) -> Vec<Said<'_>> {
        let text = text.to_lowercase();
        let mut all: Vec<&str> = Vec::new();
        let mut clause_of: Vec<usize> = Vec::new();
        for (number, clause) in text.split([',', ';', '.']).enumerate() {
            all.extend(words(clause));
            clause_of.resize(all.len(), number);
        }
        let holds = |words: &[&str], list: &[Vec<String>]| {
            (0..words.len()).any(|at| list.iter().any(|w| starts(&words[at..], w)))
        };
        let [before, after, past] = &self.around;
        let mut found: Vec<Said<'_>> = Vec::new();
        for (row, start, end) in self.names.longest(&all) {
            let Some(concept) = self.rows.get(row) else { continue };
            let clause = clause_of.partition_point(|number| *number < clause_of[start]);
            let (ahead, near) = (&all[clause..start], &all[end..all.len().min(end + NEAR)]);
            let known = found.iter().any(|said| said.concept.id == concept.id);
            if !known && !holds(ahead, before) && !holds(near, after) {
                let past = holds(ahead, past) || holds(near, past);
                found.push(Said { concept, past });
            }
        }
        found
    }

    /// The concepts that a code names: those of the longest code that matches, so that C44 is skin
    /// cancer and not any cancer.
    pub fn by_code(&self, system: System, code: &str) -> Vec<&Concept> {
        let code = undotted(code);
        if let Some(hits) = self.exact.get(system, &code) {
            return self.resolve(hits);
        }
        let ends = code.char_indices().map(|(i, c)| i + c.len_utf8()).rev();
        for end in ends {
            if let Some(hits) = self.prefix.get(system, &code[..end]) {
                return self.resolve(hits);
            }
        }
        Vec::new()
    }

    fn resolve(&self, indices: &[usize]) -> Vec<&Concept> {
        indices.iter().map(|&i| &self.rows[i]).collect()
    }

    /// The row with this id.
    pub fn get(&self, id: &str) -> Option<&Concept> {
        self.by_id.get(id).map(|&i| &self.rows[i])
    }

    /// All rows, in the order of the file.
    pub fn rows(&self) -> &[Concept] {
        &self.rows
    }
}

/// Claims and value sets write ICD codes without the dot.
fn undotted(code: &str) -> String {
    code.trim().replace('.', "").to_uppercase()
}

#[cfg(test)]
mod tests {
    use crate::knowledge::{Knowledge, embedded, read};

    fn said(text: &str, knowledge: &Knowledge) -> Vec<String> {
        let said = knowledge.terminology.conditions.by_words(text);
        said.iter()
            .map(|s| format!("{}{}", s.concept.id, if s.past { " past" } else { "" }))
            .collect()
    }

    #[test]
    fn the_longest_name_counts_and_what_stands_around_it() {
        let knowledge = read::read(&embedded::embedded()).expect("the knowledge is sound");
        for (text, concepts) in [
            ("Myocardial infarction 2019", "mace.mi"),
            ("Chronic kidney disease, stage 3b", "kidney.stage-3b"),
            ("CKD stage 4", "kidney.stage-4"),
            ("CKD", "kidney.unstaged"),
            ("Basal cell carcinoma of nose", "cancer.skin-not-melanoma"),
            ("Squamous cell carcinoma", "cancer"),
            ("Breast cancer, no evidence of disease", "cancer"),
            ("Latent TB", "tuberculosis.latent"),
            ("Chronic hepatitis B", "hepatitis-b"),
            ("Hepatitis B (resolved)", "hepatitis-b past"),
            ("History of sepsis", "infection.sepsis past"),
            ("Juvenile rheumatoid arthritis", "juvenile-idiopathic-arthritis"),
            ("Crohn's disease", "crohns-disease"),
            ("No MI; stroke in 2020", "mace.stroke"),
        ] {
            assert_eq!(said(text, &knowledge), [concepts], "{text}");
        }
        for nothing in [
            "Family history of breast cancer",
            "No history of stroke",
            "Hepatitis B vaccination",
            "Hepatitis B immune",
            "HIV negative",
            "Encounter for screening for malignant neoplasm of colon",
            "Contact with and (suspected) exposure to tuberculosis",
            "Carcinoma in situ of cervix",
            "Pulmonary hypertension",
            "Prediabetes",
            "Pregnancy test",
            "Ankle sprain",
        ] {
            let said = said(nothing, &knowledge);
            assert!(said.is_empty(), "{nothing}: {said:?}");
        }
    }
}
