//! A mistake in the settings stops the start with the key and what was expected (E15): every setting is
//! made wrong in every way, in the file and in the environment.

mod support;

use jakcard::auth::Gate;
use jakcard::config::{Config, SETTINGS};
use std::fmt::Write;
use std::path::PathBuf;
use support::issuer::{Issuer, uuid};

/// Values that are wrong for most settings, and right for some.
const VALUES: [&str; 14] = [
    "\"\"",
    "\" \"",
    "\"x y\"",
    "\"https://user:pw@ehr.example.org/?q#f\"",
    "\"ftp://ehr.example.org\"",
    "\"é\\u0000\"",
    "-1",
    "0",
    "1.5",
    "true",
    "[]",
    "{ a = 1 }",
    "99999999999999999999",
    "9223372036854775807",
];

/// Members of `[[client]]`, each with a value that is right.
const CLIENT: [(&str, &str); 11] = [
    ("name", "\"hospital\""),
    ("iss", "\"https://ehr.example.org\""),
    ("algorithms", "[\"ES384\", \"RS384\"]"),
    ("jwks_file", "JWKS"),
    ("audiences", "[\"jakcard\"]"),
    ("tenants", "[\"north\"]"),
    ("fhir_servers", "[\"https://ehr.example.org/fhir\"]"),
    ("open_fhir_servers", "[\"https://open.example.org/fhir\"]"),
    ("jurisdiction", "\"EU\""),
    ("deadline_ms", "800"),
    ("selection_behavior", "\"at-most-one\""),
];

/// A file of settings with one client, and these lines in its sections.
struct File {
    jwks: PathBuf,
}

impl File {
    fn new() -> File {
        let jwks = std::env::temp_dir().join(format!("jakcard-settings-{}.json", uuid()));
        let keys = Issuer::new("https://ehr.example.org").jwks();
        std::fs::write(&jwks, keys.to_string()).expect("written");
        File { jwks }
    }

    /// The file with a setting changed; the `client`'s settings are in no section of [`SETTINGS`].
    fn with(&self, section: &str, key: &str, value: &str) -> String {
        let mut text = String::new();
        let is_top = section.is_empty();
        if !(is_top && key == "public_url") {
            text.push_str("public_url = \"https://cds.example.org\"\n");
        }
        match is_top {
            true => writeln!(text, "{key} = {value}"),
            false if section == "client" => Ok(()),
            false => writeln!(text, "[{section}]\n{key} = {value}"),
        }
        .expect("written");
        text.push_str("[[client]]\n");
        for (name, good) in CLIENT {
            let value = if section == "client" && name == key { value } else { good };
            let value = value.replace("JWKS", &format!("'{}'", self.jwks.display()));
            writeln!(text, "{name} = {value}").expect("written");
        }
        if section == "client" && !CLIENT.iter().any(|(name, _)| *name == key) {
            writeln!(text, "{key} = {value}").expect("written");
        }
        text
    }
}

/// What `check-config` says of it.
fn verdict(text: &str, environment: &[(&str, &str)]) -> Result<(), String> {
    let file = std::env::temp_dir().join(format!("jakcard-settings-{}.toml", uuid()));
    std::fs::write(&file, text).expect("written");
    let environment = environment.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
    let config = Config::load(Some(&file), environment).map_err(|e| e.to_string());
    std::fs::remove_file(&file).expect("removed");
    let config = config?;
    config.check().map_err(|e| e.to_string())?;
    Gate::of(&config, None).map(|_| ())
}

#[test]
fn every_setting_that_is_wrong_is_refused_with_its_key_and_what_was_expected() {
    let file = File::new();
    verdict(&file.with("client", "name", "\"hospital\""), &[]).expect("the file is sound");
    let (mut tried, mut refused, mut wrong) = (0, 0, Vec::new());
    let scalars = SETTINGS.iter().map(|(_, section, key, _)| (*section, *key));
    let of_clients = CLIENT.iter().map(|(key, _)| ("client", *key));
    let lists = [
        ("cors", "origins"),
        ("fetch", "servers"),
        ("fetch", "open_servers"),
        ("client", "jwks_url"),
    ];
    for (section, key) in scalars.chain(of_clients).chain(lists) {
        let mut mutants: Vec<(String, String)> =
            VALUES.iter().map(|value| (key.to_owned(), (*value).to_owned())).collect();
        mutants.extend([(format!("{key}x"), "1".to_owned()), (key.to_uppercase(), "1".to_owned())]);
        mutants.push((key.replace('_', "-") + "-", "1".to_owned()));
        mutants.extend(
            ["", "\"open", "[1 2]", "not quoted", "= 1"]
                .map(|bad| (key.to_owned(), bad.to_owned())),
        );
        for (name, value) in mutants {
            tried += 1;
            if let Err(error) = verdict(&file.with(section, &name, &value), &[]) {
                refused += 1;
                if !error.contains(name.as_str())
                    || !(error.contains("expected") || error.contains("missing"))
                {
                    wrong.push(format!("{section}.{name} = {value}: {error}"));
                }
            }
        }
    }
    for section in ["limit", "fetches", "clients", "Auth", "tls.certificate"] {
        tried += 1;
        let error = verdict(&file.with(section, "key", "1"), &[]).expect_err("no such section");
        refused += 1;
        if !error.contains(section.split('.').next_back().expect("a name")) {
            wrong.push(format!("[{section}]: {error}"));
        }
    }
    println!("{tried} files with a mistake: {refused} refused, the others are sound");
    assert!(wrong.is_empty(), "{} say too little:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried >= 100 && refused * 10 > tried * 7, "{refused} of {tried}");
}

#[test]
fn every_variable_that_is_wrong_is_refused_by_its_name() {
    let file = File::new();
    let text = file.with("client", "name", "\"hospital\"");
    let (mut refused, mut wrong) = (0, Vec::new());
    for (variable, _, key, _) in SETTINGS {
        for value in
            ["", " ", "x y", "-1", "0", "1.5", "true", "[]", "99999999999999999999", "é\u{1}"]
        {
            let Err(error) = verdict(&text, &[(variable, value)]) else { continue };
            refused += 1;
            if !(error.contains(variable) || error.contains(key)) || !error.contains("expected") {
                wrong.push(format!("{variable}={value}: {error}"));
            }
        }
        let mistyped = format!("{variable}S");
        let error = verdict(&text, &[(&mistyped, "1")]).expect_err("no such variable");
        assert!(error.contains(&mistyped) && error.contains("expected one of"), "{error}");
    }
    assert!(wrong.is_empty(), "{} say too little:\n{}", wrong.len(), wrong.join("\n"));
    assert!(refused >= 100, "{refused}");
}

#[test]
fn a_client_without_what_it_needs_is_refused_by_what_is_missing() {
    let file = File::new();
    let whole = file.with("client", "name", "\"hospital\"");
    for key in ["name", "iss", "jwks_file"] {
        let start = format!("{key} = ");
        let lines = whole.lines().filter(|line| !line.starts_with(&start));
        let error = verdict(&lines.collect::<Vec<_>>().join("\n"), &[]).expect_err(key);
        assert!(error.contains(&key.replace("file", "url")), "{key}: {error}");
    }
    let without = whole.replace("public_url", "#");
    let error = verdict(&without, &[]).expect_err("no public URL");
    assert!(error.contains("`public_url` is missing, expected"), "{error}");
}
