//! Do the settings fit together? Every complaint names the key, what was given and what was expected.

use super::{Client, Config, ConfigError};
use crate::ehr::server::{base, is_loopback};
use std::collections::BTreeSet;
use url::Url;

/// Whose private key everybody can read: the client that people try a service with.
const SANDBOX_ISSUER: &str = "https://sandbox.cds-hooks.org";

impl Config {
    /// Nobody is authenticated: no client is configured.
    pub fn is_sandbox(&self) -> bool {
        self.clients.is_empty()
    }

    /// Whether the settings fit together.
    ///
    /// # Errors
    /// Every complaint, one a line.
    pub fn check(&self) -> Result<(), ConfigError> {
        let mut complaints = Vec::new();
        self.check_listeners(&mut complaints);
        self.check_audit(&mut complaints);
        self.check_public_url(&mut complaints);
        self.check_clients(&mut complaints);
        self.check_numbers(&mut complaints);
        for origin in &self.cors.origins {
            let same = |u: &Url| u.origin().ascii_serialization() == *origin;
            if !Url::parse(origin).is_ok_and(|u| u.has_host() && same(&u)) {
                complaints.push(format!(
                    "`cors.origins` holds `{origin}`, expected an origin like `https://app.example.org`"
                ));
            }
        }
        let servers = self.fetch.servers.iter().chain(&self.fetch.open_servers);
        check_bases("fetch.servers", servers, &mut complaints);
        if complaints.is_empty() { Ok(()) } else { Err(ConfigError(complaints.join("\n"))) }
    }

    fn check_listeners(&self, complaints: &mut Vec<String>) {
        if let Some(text) = &self.otel.endpoint
            && !base(text).is_some_and(|url| ["http", "https"].contains(&url.scheme()))
        {
            complaints.push(format!(
                "`otel.endpoint` is `{text}`, expected like `http://127.0.0.1:4318`"
            ));
        }
        if self.otel.percent > 100 {
            complaints
                .push(format!("`otel.percent` is {}, expected at most 100", self.otel.percent));
        }
        if self.is_sandbox() && !self.bind.ip().is_loopback() {
            complaints.push(format!(
                "`bind` is {}, expected a loopback address: without a `[[client]]` nobody is authenticated",
                self.bind
            ));
        }
        if let Some(operations) = self.operations.bind
            && self.is_sandbox()
            && !operations.ip().is_loopback()
        {
            complaints.push(format!(
                "`operations.bind` is {operations}, expected a loopback address: without a `[[client]]` \
                 only this machine can connect"
            ));
        }
        if let Some(operations) = self.operations.bind
            && operations == self.bind
            && operations.port() != 0
        {
            complaints.push(format!(
                "`operations.bind` is {operations} like `bind`, expected another port, or none"
            ));
        }
        for (key, file) in self.tls.iter().flat_map(|tls| {
            let ca = tls.client_ca.as_ref().map(|f| ("tls.client_ca", f));
            [("tls.certificate", &tls.certificate), ("tls.key", &tls.key)].into_iter().chain(ca)
        }) {
            if !file.is_file() {
                complaints.push(format!("`{key}` is `{}`, expected a PEM file", file.display()));
            }
        }
        if let Some(url) = &self.store.url
            && !["sqlite:", "postgres://", "postgresql://"].iter().any(|s| url.starts_with(s))
        {
            // It may hold a password.
            complaints.push(
                "`store.url` begins with no known scheme, expected `sqlite:FILE` or `postgres://…`"
                    .to_owned(),
            );
        }
    }

    fn check_audit(&self, complaints: &mut Vec<String>) {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if let Some(name) = &self.audit.replica
            && (name.is_empty() || name.len() > 64 || !name.chars().all(plain))
        {
            complaints.push(format!(
                "`audit.replica` is `{name}`, expected up to 64 letters, digits, `-`, `.` and `_`"
            ));
        }
        if let Some(key) = &self.audit.patient_key
            && key.expose().chars().count() < 32
        {
            complaints.push(
                "`audit.patient_key` is short, expected 32 characters or more that nobody can guess"
                    .to_owned(),
            );
        }
        if self.audit.strict && !self.audit.enabled {
            complaints
                .push("`audit.strict` is true and `audit.enabled` false, expected both".to_owned());
        }
    }

    fn check_public_url(&self, complaints: &mut Vec<String>) {
        match &self.public_url {
            None if self.is_sandbox() => {}
            None => complaints.push(
                "`public_url` is missing, expected the URL at which clients reach the service, like \
                 `https://cds.example.org`: the `aud` of a token is compared with it"
                    .to_owned(),
            ),
            Some(text) => {
                let secure = |url: &Url| url.scheme() == "https" || is_loopback(url);
                if !base(text).is_some_and(|url| secure(&url)) {
                    complaints.push(format!(
                        "`public_url` is `{}`, expected https://host/path without user, query or fragment",
                        shown(text)
                    ));
                }
            }
        }
    }

    fn check_clients(&self, complaints: &mut Vec<String>) {
        let mut names = BTreeSet::new();
        for (index, client) in self.clients.iter().enumerate() {
            let before = complaints.len();
            client.check(complaints);
            if !names.insert(&client.name) {
                complaints
                    .push("`name` is that of another client, expected one of its own".to_owned());
            }
            let shared = self.clients[..index].iter().filter(|other| other.iss == client.iss);
            for other in shared {
                let apart = !client.tenants.is_empty()
                    && !other.tenants.is_empty()
                    && client.tenants.iter().all(|tenant| !other.tenants.contains(tenant));
                if !apart {
                    complaints.push(format!(
                        "`iss` is that of client `{}` too, expected `tenants` that tell them apart",
                        other.name
                    ));
                }
            }
            for complaint in &mut complaints[before..] {
                *complaint = format!("client {} (`{}`): {complaint}", index + 1, client.name);
            }
        }
    }

    fn check_numbers(&self, complaints: &mut Vec<String>) {
        let (limits, fetch, auth) = (&self.limits, &self.fetch, &self.auth);
        let positive = [
            ("limits.body_bytes", limits.body_bytes as u64),
            ("limits.body_seconds", limits.body_seconds),
            ("limits.body_rate", limits.body_rate),
            ("limits.head_bytes", limits.head_bytes as u64),
            ("limits.depth", limits.depth as u64),
            ("limits.entries", limits.entries as u64),
            ("limits.in_flight", limits.in_flight as u64),
            ("limits.connections", limits.connections as u64),
            ("fetch.deadline_ms", fetch.deadline_ms),
            ("fetch.in_flight", fetch.in_flight as u64),
            ("fetch.per_call", fetch.per_call as u64),
            ("fetch.pages", fetch.pages as u64),
            ("fetch.entries", fetch.entries as u64),
            ("fetch.answer_bytes", fetch.answer_bytes as u64),
            ("auth.lifetime_s", auth.lifetime_s),
            ("auth.keys_refresh_s", auth.keys_refresh_s),
            ("auth.replay_entries", auth.replay_entries as u64),
            ("audit.queue", self.audit.queue as u64),
        ];
        for (key, _) in positive.iter().filter(|(_, value)| *value == 0) {
            complaints.push(format!("`{key}` is 0, expected 1 or more"));
        }
        // Best practices of CDS Hooks: tokens live an hour at most.
        let at_most = [
            ("auth.lifetime_s", auth.lifetime_s, 3600),
            ("auth.skew_s", auth.skew_s, 300),
            // Deeper values cannot be decoded.
            ("limits.depth", limits.depth as u64, 128),
        ];
        for (key, value, most) in at_most.iter().filter(|(_, value, most)| value > most) {
            complaints.push(format!("`{key}` is {value}, expected at most {most}"));
        }
        if auth.keys_stale_s < auth.keys_refresh_s {
            complaints.push(format!(
                "`auth.keys_stale_s` is {}, expected at least `auth.keys_refresh_s`, {}",
                auth.keys_stale_s, auth.keys_refresh_s
            ));
        }
    }
}

impl Client {
    fn check(&self, complaints: &mut Vec<String>) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || self.name.len() > 40 || !self.name.chars().all(plain) {
            complaints.push(format!(
                "`name` is `{}`, expected up to 40 lower-case letters, digits and `-`",
                self.name
            ));
        }
        if self.name == "sandbox" {
            complaints.push(
                "`name` is `sandbox`, expected another: calls without a client have it".to_owned(),
            );
        }
        if self.iss.trim_end_matches('/').eq_ignore_ascii_case(SANDBOX_ISSUER) {
            complaints.push(format!(
                "`iss` is `{}`, expected another: the private key of the CDS Hooks sandbox is public. \
                 Leave out every `[[client]]` to try the sandbox on this machine",
                self.iss
            ));
        } else if self.iss.is_empty() {
            complaints.push("`iss` is empty, expected the `iss` of the client's tokens".to_owned());
        }
        match (&self.jwks_url, &self.jwks_file) {
            (None, None) => {
                complaints.push("`jwks_url` is missing, expected it or `jwks_file`".to_owned())
            }
            (Some(_), Some(_)) => {
                complaints.push(
                    "`jwks_file` is given beside `jwks_url`, expected one of them".to_owned(),
                );
            }
            (Some(text), None) => {
                let nobody = |u: &Url| u.username().is_empty() && u.password().is_none();
                let url = Url::parse(text).ok().filter(|u| u.has_host() && nobody(u));
                let secure =
                    |u: &Url| u.scheme() == "https" || (u.scheme() == "http" && is_loopback(u));
                match url.filter(secure) {
                    None => complaints.push(format!(
                        "`jwks_url` is `{}`, expected an https URL without user; plain http on loopback only",
                        shown(text)
                    )),
                    Some(url) if is_of_the_sandbox(&url) => complaints.push(
                        "`jwks_url` is that of the CDS Hooks sandbox, expected another: its private key is public"
                            .to_owned(),
                    ),
                    Some(_) => {}
                }
            }
            (None, Some(file)) if !file.is_file() => complaints.push(format!(
                "`jwks_file` is `{}`, expected a file with a JSON Web Key Set",
                file.display()
            )),
            (None, Some(_)) => {}
        }
        if self.algorithms.is_empty() {
            complaints
                .push("`algorithms` is empty, expected like [\"ES384\", \"RS384\"]".to_owned());
        }
        if self.deadline_ms == Some(0) {
            complaints.push("`deadline_ms` is 0, expected 1 or more".to_owned());
        }
        for (key, list) in [("audiences", &self.audiences), ("tenants", &self.tenants)] {
            if list.iter().any(String::is_empty) {
                complaints.push(format!("`{key}` holds an empty text, expected none"));
            }
        }
        check_bases("fhir_servers", self.fhir_servers.iter(), complaints);
        check_bases("open_fhir_servers", self.open_fhir_servers.iter(), complaints);
    }
}

/// The host of the sandbox, however it is written.
fn is_of_the_sandbox(url: &Url) -> bool {
    url.host_str().is_some_and(|host| host.trim_end_matches('.') == "sandbox.cds-hooks.org")
}

/// A URL as it was given, without a user and a password.
fn shown(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => text.to_owned(),
    }
}

fn check_bases<'a>(
    key: &str,
    given: impl Iterator<Item = &'a String>,
    complaints: &mut Vec<String>,
) {
    for text in given {
        let secure = |url: &Url| url.scheme() == "https" || is_loopback(url);
        if !base(text).is_some_and(|url| secure(&url)) {
            complaints.push(format!(
                "`{key}` holds `{}`, expected https://host/path without user, query or fragment; \
                 plain http on loopback only",
                shown(text)
            ));
        }
    }
}
