//! Reading the files of `hooks/`: every mistake in every file is reported, not only the first.

use super::complaint::{Complaint, LoadError};
use super::drug::Drug;
use super::embedded::Files;
use super::policy::Policy;
use super::statements::{Statement, StatementSource, Statements};
use super::{Knowledge, Named, ServiceFile, check};
use crate::terminology::conditions::{Around, Concept};
use crate::terminology::labs::Lab;
use crate::terminology::medicines::Substance;
use crate::terminology::products::{
    FormWords, Ingredient, Lookalikes, Product, ProductTables, RouteWords,
};
use crate::terminology::results::ResultRow;
use crate::terminology::units::UnitRow;
use crate::terminology::vaccines::Vaccine;
use crate::terminology::{
    Conditions, Labs, Medicines, Products, Results, Terminology, Units, Vaccines,
};
use serde::de::{DeserializeOwned, IntoDeserializer};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The raw tables, before the lookups are built: what [`check`] looks at.
#[derive(Debug, Default)]
pub struct Tables {
    /// `drugs/*.toml`
    pub drugs: Vec<(String, Drug)>,
    /// `codes/products.toml`
    pub products: ProductTables,
    /// `codes/labs.toml`
    pub labs: Vec<Lab>,
    /// `codes/conditions.toml`
    pub conditions: Vec<Concept>,
    /// `codes/conditions.toml`, the words around a name
    pub around: Around,
    /// `codes/medicines.toml`
    pub medicines: Vec<Substance>,
    /// `codes/vaccines.toml`
    pub vaccines: Vec<Vaccine>,
    /// `statements.toml`
    pub statements: Statements,
    /// `codes/results.toml`
    pub results: Vec<ResultRow>,
    /// `codes/units.toml`
    pub units: Vec<UnitRow>,
    /// `policy.toml`
    pub policy: Option<Policy>,
    /// `services/*.json`
    pub services: Vec<ServiceFile>,
}

/// Reads and checks all files.
///
/// # Errors
/// Every complaint about every file.
pub fn read(files: &Files) -> Result<Knowledge, LoadError> {
    let mut complaints = Vec::new();
    let texts = texts(files, &mut complaints);
    let mut tables = Tables::default();
    for (path, text) in &texts {
        read_file(path, text, &mut tables, &mut complaints);
    }
    for needed in NEEDED {
        if !texts.contains_key(*needed) {
            complaints.push(Complaint::at(needed, "", 0, "the file is missing"));
        }
    }
    check::check(&tables, &texts, &mut complaints);
    let results = Results::new(tables.results).unwrap_or_else(|why| {
        complaints.push(Complaint::at("codes/results.toml", "", 0, why));
        Results::default()
    });
    let (Some(policy), true) = (tables.policy, complaints.is_empty()) else {
        complaints.sort();
        complaints.dedup();
        return Err(LoadError { complaints });
    };
    let mut drugs: Vec<Drug> = tables.drugs.into_iter().map(|(_, drug)| drug).collect();
    drugs.sort_by(|a, b| a.drug.cmp(&b.drug));
    let medicines = Medicines::new(tables.medicines);
    Ok(Knowledge {
        named: Named::of(&drugs, &medicines),
        drugs,
        terminology: Terminology {
            products: Products::new(tables.products),
            labs: Labs::new(tables.labs),
            conditions: Conditions::new(tables.conditions, &tables.around),
            medicines,
            vaccines: Vaccines::new(tables.vaccines),
            results,
            units: Units::new(tables.units),
        },
        policy,
        services: tables.services,
        statements: tables.statements,
        digest: digest(files),
    })
}

const NEEDED: &[&str] = &[
    "policy.toml",
    "codes/conditions.toml",
    "codes/labs.toml",
    "codes/medicines.toml",
    "codes/products.toml",
    "codes/results.toml",
    "codes/units.toml",
    "codes/vaccines.toml",
];

fn texts<'a>(files: &'a Files, complaints: &mut Vec<Complaint>) -> BTreeMap<&'a str, &'a str> {
    let mut texts = BTreeMap::new();
    for (path, bytes) in files {
        match std::str::from_utf8(bytes) {
            Ok(text) => _ = texts.insert(path.as_str(), text),
            Err(error) => {
                let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned();
                complaints.push(Complaint::at(path, &valid, valid.len(), "is not UTF-8 text"));
            }
        }
    }
    texts
}

fn digest(files: &Files) -> String {
    let mut sha = Sha256::new();
    for (path, bytes) in files {
        sha.update((path.len() as u64).to_be_bytes());
        sha.update(path);
        sha.update((bytes.len() as u64).to_be_bytes());
        sha.update(bytes);
    }
    sha.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

fn read_file(path: &str, text: &str, tables: &mut Tables, complaints: &mut Vec<Complaint>) {
    if let Some(name) = path.strip_prefix("services/") {
        match read_service(name, text) {
            Ok(service) => tables.services.push(service),
            Err((offset, message)) => complaints.push(Complaint::at(path, text, offset, message)),
        }
        return;
    }
    let mut file = TomlFile::open(path, text, complaints);
    match path {
        "policy.toml" => tables.policy = file.whole(),
        "codes/products.toml" => {
            tables.products = ProductTables {
                product: file.rows::<Product>("product"),
                ingredient: file.rows::<Ingredient>("ingredient"),
                form: file.rows::<FormWords>("form"),
                route: file.rows::<RouteWords>("route"),
                lookalike: file.value::<Lookalikes>("lookalike").unwrap_or_default(),
            };
        }
        "codes/labs.toml" => tables.labs = file.rows("lab"),
        "codes/conditions.toml" => {
            tables.around = file.value("around").unwrap_or_default();
            tables.conditions = file.rows("concept");
        }
        "codes/medicines.toml" => tables.medicines = file.rows("medicine"),
        "codes/results.toml" => tables.results = file.rows("result"),
        "statements.toml" => {
            tables.statements = Statements {
                source: file.rows::<StatementSource>("source"),
                statement: file.rows::<Statement>("statement"),
            };
        }
        "codes/vaccines.toml" => tables.vaccines = file.rows("vaccine"),
        "codes/units.toml" => tables.units = file.rows("unit"),
        _ if path.starts_with("drugs/") => {
            let drug = Drug {
                drug: file.value("drug").unwrap_or_default(),
                name: file.value("name").unwrap_or_default(),
                ingredient: file.value("ingredient").unwrap_or_default(),
                indications: file.value("indications").unwrap_or_default(),
                labels: file.rows("label"),
                boxed_warning: file.rows("boxed_warning"),
                screening: file.rows("screening"),
                renal_dose: file.rows("renal_dose"),
                hepatic: file.rows("hepatic"),
                max_dose: file.rows("max_dose"),
                lab_limit: file.rows("lab_limit"),
                interaction: file.rows("interaction"),
                phenotype: file.rows("phenotype"),
                combination: file.rows("combination"),
                risk_group: file.rows("risk_group"),
                pregnancy: file.rows("pregnancy"),
                vaccine: file.rows("vaccine"),
                baseline: file.rows("baseline"),
                monitoring: file.rows("monitoring"),
                no_label: file.rows("no_label"),
            };
            tables.drugs.push((path.to_owned(), drug));
        }
        _ => file.complain(0, "no such file is expected in `hooks/`"),
    }
    file.close();
}

/// The last line of every TOML file.
const END: &str = "# end";

/// One TOML file, read table by table so that one mistake does not hide the next.
struct TomlFile<'a, 'c> {
    path: &'a str,
    text: &'a str,
    table: DeTable<'a>,
    asked: Vec<&'static str>,
    complaints: &'c mut Vec<Complaint>,
}

impl<'a, 'c> TomlFile<'a, 'c> {
    fn open(path: &'a str, text: &'a str, complaints: &'c mut Vec<Complaint>) -> Self {
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let offset = error.span().map_or(0, |s| s.start);
            complaints.push(Complaint::at(path, text, offset, error.message()));
        }
        TomlFile { path, text, table: table.into_inner(), asked: Vec::new(), complaints }
    }

    fn complain(&mut self, offset: usize, message: impl Into<String>) {
        self.complaints.push(Complaint::at(self.path, self.text, offset, message));
    }

    /// The whole file as one struct.
    fn whole<T: DeserializeOwned>(&mut self) -> Option<T> {
        let table = std::mem::take(&mut self.table);
        self.read(Spanned::new(0..0, DeValue::Table(table)))
    }

    /// One value of the file; `None` with a complaint when it is missing or wrong.
    fn value<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        self.asked.push(key);
        match self.table.remove(key) {
            Some(value) => self.read(value),
            None => {
                self.complain(0, format!("missing `{key}`"));
                None
            }
        }
    }

    /// The rows of an array of tables; an absent array has none.
    fn rows<T: DeserializeOwned>(&mut self, key: &'static str) -> Vec<T> {
        self.asked.push(key);
        let Some(value) = self.table.remove(key) else { return Vec::new() };
        let start = value.span().start;
        match value.into_inner() {
            DeValue::Array(rows) => rows.into_iter().filter_map(|row| self.read(row)).collect(),
            other => {
                let found = other.type_str();
                self.complain(start, format!("`{key}` is {found}, expected tables `[[{key}]]`"));
                Vec::new()
            }
        }
    }

    /// Reads a value; after a mistake, reads on without the part that is wrong.
    fn read<T: DeserializeOwned>(&mut self, mut value: Spanned<DeValue<'a>>) -> Option<T> {
        let mut taken_out: Vec<String> = Vec::new();
        loop {
            let error = match T::deserialize(value.clone().into_deserializer()) {
                Ok(read) if taken_out.is_empty() => return Some(read),
                Ok(_) => return None,
                Err(error) => error,
            };
            let message = error.message().to_owned();
            let by_us = taken_out.iter().any(|k| message == format!("missing field `{k}`"));
            let span = error.span().unwrap_or(value.span());
            if !by_us {
                self.complain(span.start, message);
            }
            match take_out(&mut value, span.start) {
                Some(key) if !by_us => taken_out.push(key),
                _ => return None,
            }
        }
    }

    /// Complains about every table that nobody asked for, and about a file that may be cut short: a
    /// part of it can be a sound file that knows less.
    fn close(mut self) {
        let last = self.text.trim_end().lines().next_back().unwrap_or_default();
        if last != END {
            self.complain(
                self.text.trim_end().len(),
                format!("the last line is not `{END}`, expected it: the file may be cut short"),
            );
        }
        let left: Vec<(usize, String)> = std::mem::take(&mut self.table)
            .into_iter()
            .map(|(key, _)| (key.span().start, key.into_inner().into_owned()))
            .collect();
        let legal: Vec<String> = self.asked.iter().map(|k| format!("`{k}`")).collect();
        for (offset, key) in left {
            let message = format!("unknown table `{key}`, expected one of {}", legal.join(", "));
            self.complain(offset, message);
        }
    }
}

/// Removes the innermost entry at a byte offset and names its key.
fn take_out(value: &mut Spanned<DeValue<'_>>, offset: usize) -> Option<String> {
    match value.get_mut() {
        DeValue::Table(table) => {
            let key: Cow<'_, str> = table
                .iter()
                .find(|(k, v)| k.span().contains(&offset) || v.span().contains(&offset))
                .map(|(k, _)| Cow::Owned(k.get_ref().clone().into_owned()))?;
            let entry = table.get_mut(key.as_ref())?;
            let inner = take_out(entry, offset);
            if inner.is_some() {
                return inner;
            }
            table.remove(key.as_ref());
            Some(key.into_owned())
        }
        DeValue::Array(array) => {
            array.iter_mut().find(|v| v.span().contains(&offset)).and_then(|v| take_out(v, offset))
        }
        _ => None,
    }
}

/// The members of a discovery entry that the house relies on.
#[derive(serde::Deserialize)]
struct ServiceShape<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    hook: Cow<'a, str>,
    #[allow(dead_code)]
    #[serde(borrow)]
    description: Cow<'a, str>,
    #[serde(default)]
    prefetch: BTreeMap<String, String>,
}

fn read_service(name: &str, text: &str) -> Result<ServiceFile, (usize, String)> {
    let text = text.trim_end();
    let offset = |e: &serde_json::Error| {
        let lines = text.split_inclusive('\n').take(e.line().saturating_sub(1));
        lines.map(str::len).sum::<usize>() + e.column().saturating_sub(1)
    };
    let json: Box<serde_json::value::RawValue> =
        serde_json::from_str(text).map_err(|e| (offset(&e), e.to_string()))?;
    let shape: ServiceShape =
        serde_json::from_str(text).map_err(|e| (offset(&e), e.to_string()))?;
    let stem = name.trim_end_matches(".json");
    if shape.id != stem {
        let message = format!("`id` is `{}`, expected the file's name `{stem}`", shape.id);
        return Err((text.find("\"id\"").unwrap_or(0), message));
    }
    let (id, hook) = (shape.id.into_owned(), shape.hook.into_owned());
    Ok(ServiceFile { id, hook, prefetch: shape.prefetch, json })
}
