//! One EHR that may call: one `[[client]]` table of the settings.

use crate::cds_hooks::SelectionBehavior;
use crate::knowledge::Jurisdiction;
use serde::Deserialize;
use std::path::PathBuf;

/// One EHR that may call.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Its name in logs, metrics and ids of cards: lower-case letters, digits and `-`.
    pub name: String,
    /// The `iss` of its tokens.
    pub iss: String,
    /// Signatures that are accepted (CDS Hooks recommends ES384 and RS384).
    #[serde(default = "recommended")]
    pub algorithms: Vec<Algorithm>,
    /// Where its JSON Web Key Set is read; a `jku` in a token must be this URL.
    pub jwks_url: Option<String>,
    /// File with its JSON Web Key Set, exchanged out of band.
    pub jwks_file: Option<PathBuf>,
    /// Other values of `aud` that its tokens may have, as typed in by the EHR's analyst.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// The `tenant` claims that may call; empty: it is not looked at.
    #[serde(default)]
    pub tenants: Vec<String>,
    /// Bases of FHIR servers that may be asked on its behalf, with the token of the call.
    #[serde(default)]
    pub fhir_servers: Vec<String>,
    /// Bases of FHIR servers that may be asked without a token.
    #[serde(default)]
    pub open_fhir_servers: Vec<String>,
    /// Whose labels speak to its prescribers; those of the service without it.
    pub jurisdiction: Option<Jurisdiction>,
    /// Milliseconds for all questions of a call to its FHIR server; those of `fetch` without it.
    pub deadline_ms: Option<u64>,
    /// How many suggestions its users may take; by the hook without it.
    pub selection_behavior: Option<SelectionBehavior>,
}

/// Signature algorithms that a client may use (RFC 7518, section 3.1): public keys only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[allow(missing_docs)]
pub enum Algorithm {
    ES256,
    ES384,
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    EdDSA,
}

/// <https://cds-hooks.hl7.org/#trusting-cds-clients>
fn recommended() -> Vec<Algorithm> {
    vec![Algorithm::ES384, Algorithm::RS384]
}

impl Algorithm {
    /// Its name in a token.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::ES256 => "ES256",
            Algorithm::ES384 => "ES384",
            Algorithm::RS256 => "RS256",
            Algorithm::RS384 => "RS384",
            Algorithm::RS512 => "RS512",
            Algorithm::PS256 => "PS256",
            Algorithm::PS384 => "PS384",
            Algorithm::PS512 => "PS512",
            Algorithm::EdDSA => "EdDSA",
        }
    }
}
