//! Which JAK inhibitor, in which form and strength, do a code or some words name?

use super::decimal::Number;
use super::{Code, Codes, System, ndc};
use hashbrown::HashMap;
use serde::Deserialize;
use std::collections::BTreeMap;

/// How a product is made, as far as labels draw a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Tablet or capsule that is not extended-release.
    ImmediateRelease,
    /// Extended-release tablet.
    ExtendedRelease,
    /// Oral solution.
    OralSolution,
    /// Cream or ointment.
    Topical,
}

/// The amount of drug in one tablet, one capsule, or one mL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strength {
    /// Milligrams.
    pub mg: Number,
    /// `mL` for a solution; absent for a tablet or capsule.
    #[serde(default)]
    pub per: Option<PerVolume>,
}

/// The volume that a solution's strength is given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum PerVolume {
    /// Millilitre.
    #[serde(rename = "mL")]
    Ml,
    /// Gram of cream.
    #[serde(rename = "g")]
    Gram,
}

/// One product, or a group of products that share form and strength.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Stem of the drug file.
    pub drug: String,
    /// The product's name, for people.
    pub name: String,
    /// Absent when the codes do not tell.
    #[serde(default)]
    pub form: Option<Form>,
    /// Absent when the codes do not tell.
    #[serde(default)]
    pub strength: Option<Strength>,
    /// RxNorm products and NDCs.
    pub codes: Vec<Code>,
}

/// Codes and names that tell the ingredient, and not the product.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ingredient {
    /// Every drug file that the code may mean when the form is not told.
    pub drugs: Vec<String>,
    /// The drug file that it means when the form is told, where the form decides.
    #[serde(default)]
    pub by_form: BTreeMap<Form, String>,
    /// RxNorm ingredient, ATC, SNOMED.
    #[serde(default)]
    pub codes: Vec<Code>,
    /// Generic and brand names, lower case.
    #[serde(default)]
    pub names: Vec<String>,
}

/// How a medicine enters the body, as far as it tells one drug file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// By mouth.
    Oral,
    /// On the skin.
    Topical,
}

/// Words that tell the route.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteWords {
    /// The route.
    pub route: Route,
    /// Words of a route, lower case.
    pub words: Vec<String>,
}

/// Words that tell the form.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormWords {
    /// The form.
    pub form: Form,
    /// Words of a name, a display or a sig, lower case.
    pub words: Vec<String>,
}

/// Names that must never match, and stems that look like a JAK inhibitor.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookalikes {
    /// Veterinary JAK inhibitors, lower case.
    #[serde(default)]
    pub veterinary: Vec<String>,
    /// Ends of names (INN stems) of the class, lower case.
    #[serde(default)]
    pub stems: Vec<String>,
    /// ATC prefixes and other codes of the class.
    #[serde(default)]
    pub codes: Vec<Code>,
}

/// `hooks/codes/products.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductTables {
    /// Products.
    #[serde(default)]
    pub product: Vec<Product>,
    /// Ingredients.
    #[serde(default)]
    pub ingredient: Vec<Ingredient>,
    /// Words for forms.
    #[serde(default)]
    pub form: Vec<FormWords>,
    /// Words for routes.
    #[serde(default)]
    pub route: Vec<RouteWords>,
    /// What must not match, and what only looks alike.
    #[serde(default)]
    pub lookalike: Lookalikes,
}

/// What a code or a text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Candidate drug files, in the order of the table; one unless the name is ambiguous.
    pub drugs: Vec<String>,
    /// The drug file by form, where the form decides.
    pub by_form: BTreeMap<Form, String>,
    /// The form, where it is told.
    pub form: Option<Form>,
    /// The strength, where it is told.
    pub strength: Option<Strength>,
    /// Name of the product, when the code names one.
    pub product: Option<String>,
}

impl Named {
    /// The candidates that are left when form or route are known.
    pub fn narrowed(&self, form: Option<Form>, route: Option<Route>) -> Vec<String> {
        if let Some(drug) = form.and_then(|f| self.by_form.get(&f)) {
            return vec![drug.clone()];
        }
        let topical = self.by_form.get(&Form::Topical);
        match (route, topical) {
            (Some(Route::Topical), Some(drug)) => vec![drug.clone()],
            (Some(Route::Oral), Some(drug)) => {
                self.drugs.iter().filter(|d| *d != drug).cloned().collect()
            }
            _ => self.drugs.clone(),
        }
    }
}

/// What words name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextMatch {
    /// A JAK inhibitor that the tables know.
    Drug(Named),
    /// A medicine for animals.
    Veterinary,
    /// Looks like a JAK inhibitor; no table knows it.
    LooksAlike(String),
    /// Nothing of ours.
    Nothing,
}

/// The lookups over [`ProductTables`].
#[derive(Debug, Default)]
pub struct Products {
    by_code: Codes<Named>,
    class_prefixes: Vec<(System, String)>,
    named: Vec<Named>,
    /// What a name means, in the order of the table.
    by_name: HashMap<String, Vec<usize>>,
    /// Words of a form, each between spaces.
    forms: Vec<FormWords>,
    routes: Vec<RouteWords>,
    veterinary: Vec<String>,
    stems: Vec<String>,
}

impl Products {
    /// Builds the lookups.
    pub fn new(tables: ProductTables) -> Products {
        let mut forms = tables.form;
        for word in forms.iter_mut().flat_map(|form| &mut form.words) {
            *word = format!(" {word} ");
        }
        let mut products = Products {
            forms,
            routes: tables.route,
            veterinary: tables.lookalike.veterinary,
            stems: tables.lookalike.stems,
            ..Products::default()
        };
        for code in tables.lookalike.codes {
            products.class_prefixes.push((code.system, code.code));
        }
        for product in tables.product {
            let named = Named {
                drugs: vec![product.drug],
                by_form: BTreeMap::new(),
                form: product.form,
                strength: product.strength,
                product: Some(product.name),
            };
            for code in product.codes {
                products.insert(code, &named);
            }
        }
        for ingredient in tables.ingredient {
            let named = Named {
                drugs: ingredient.drugs,
                by_form: ingredient.by_form,
                form: None,
                strength: None,
                product: None,
            };
            for code in ingredient.codes {
                products.insert(code, &named);
            }
            for name in ingredient.names {
                let of_name = products.by_name.entry(name).or_default();
                of_name.push(products.named.len());
                products.named.push(named.clone());
            }
        }
        products
    }

    fn insert(&mut self, code: Code, named: &Named) {
        let keys = match code.system {
            System::Ndc => ndc::labeler_products(&code.code),
            _ => vec![code.code],
        };
        for key in keys {
            self.by_code.insert(code.system, key, named.clone());
        }
    }

    /// The drug that a code names.
    pub fn by_code(&self, system: System, code: &str) -> Option<&Named> {
        if system == System::Ndc {
            let mut hits = ndc::labeler_products(code)
                .into_iter()
                .filter_map(|key| self.by_code.get(system, &key));
            return hits.next();
        }
        self.by_code.get(system, code.trim())
    }

    /// The class that a code belongs to, when no table tells its members apart.
    pub fn class_code(&self, system: System, code: &str) -> Option<&str> {
        let mut prefixes = self.class_prefixes.iter().filter(|(s, _)| *s == system);
        prefixes.find_map(|(_, prefix)| code.starts_with(prefix).then_some(&**prefix))
    }

    /// The drug that words name: a text, a display, a brand. Words, not parts of words.
    pub fn by_text(&self, text: &str) -> TextMatch {
        let text = text.to_lowercase();
        let words: Vec<&str> = words(&text).collect();
        if self.veterinary.iter().any(|name| words.contains(&name.as_str())) {
            return TextMatch::Veterinary;
        }
        let mut hits: Vec<usize> =
            words.iter().filter_map(|word| self.by_name.get(*word)).flatten().copied().collect();
        hits.sort_unstable();
        hits.dedup();
        let mut hit: Option<Named> = None;
        for named in hits.into_iter().map(|index| &self.named[index]) {
            match &mut hit {
                None => hit = Some(named.clone()),
                // A generic and a brand name of one drug: the narrower of the two decides.
                Some(first) if first.drugs.iter().any(|d| named.drugs.contains(d)) => {
                    first.drugs.retain(|d| named.drugs.contains(d));
                    first.by_form.retain(|form, _| named.by_form.contains_key(form));
                }
                Some(first) => first.drugs.extend(named.drugs.iter().cloned()),
            }
        }
        let Some(named) = hit else {
            let alike = words.iter().find_map(|word| {
                let stem = self.stems.iter().find(|stem| word.ends_with(stem.as_str()))?;
                // A name is letters; of anything else the stem alone is told.
                let name = word.bytes().all(|b| b.is_ascii_alphabetic());
                Some(if name { (*word).to_owned() } else { stem.clone() })
            });
            return alike.map_or(TextMatch::Nothing, TextMatch::LooksAlike);
        };
        TextMatch::Drug(Named { form: self.form_in(&text), strength: strength_in(&text), ..named })
    }

    /// The form that words tell, if they tell one.
    pub fn form_in(&self, text: &str) -> Option<Form> {
        let text = text.to_lowercase();
        let mut padded = " ".to_owned();
        for word in words(&text) {
            padded.push_str(word);
            padded.push(' ');
        }
        self.forms
            .iter()
            .find(|f| f.words.iter().any(|w| padded.contains(w.as_str())))
            .map(|f| f.form)
    }

    /// The route that words tell, if they tell one.
    pub fn route_in(&self, text: &str) -> Option<Route> {
        let text = text.to_lowercase();
        let words: Vec<&str> = words(&text).collect();
        let told = |row: &&RouteWords| row.words.iter().any(|w| words.contains(&w.as_str()));
        self.routes.iter().find(told).map(|row| row.route)
    }
}

/// The words of a lower-case text: letters, digits and inner dots.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '.'))
        .map(|w| w.trim_matches('.'))
        .filter(|w| !w.is_empty())
}

/// The milligrams in a name, whatever its case.
pub fn strength_in_words(text: &str) -> Option<Strength> {
    strength_in(&text.to_lowercase())
}

/// The milligrams in a name such as `tofacitinib 5 MG Oral Tablet`; `1 MG/ML` is per mL.
fn strength_in(text: &str) -> Option<Strength> {
    static SHAPE: std::sync::LazyLock<regex::Regex> = std::sync::LazyLock::new(|| {
        regex::Regex::new(r"(\d+(?:\.\d+)?)\s*mg(?:\s*/\s*(ml|g)\b|\s*per\s*(ml|g)\b)?")
            .expect("constant")
    });
    let mut found = SHAPE.captures_iter(text);
    let first = found.next()?;
    // Two strengths in one text ("4 mL (4 mg)", "5 mg or 10 mg"): none is the product's.
    if found.next().is_some() {
        return None;
    }
    let per = first.get(2).or(first.get(3)).map(|m| match m.as_str() {
        "g" => PerVolume::Gram,
        _ => PerVolume::Ml,
    });
    // Nothing is no strength.
    let mg = super::decimal::parse(&first[1]).filter(|mg| !mg.is_zero())?;
    Some(Strength { mg: Number(mg), per })
}
