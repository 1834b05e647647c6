//! What does a token say, before anything of it is believed?
//!
//! A JSON Web Token in compact serialisation (RFC 7519, RFC 7515 section 7.1) with the header and the
//! claims that CDS Hooks asks for (<https://cds-hooks.hl7.org/#trusting-cds-clients>).

use super::Refusal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};

/// Longest token, bytes: those of EHRs are near 1,000.
pub const LONGEST_TOKEN: usize = 8 * 1024;
/// Longest `kid` and `jti`, bytes.
const LONGEST_ID: usize = 512;

/// What was signed, and how (RFC 7515, compact serialisation).
#[derive(Debug)]
pub struct Signed<'t> {
    /// What was signed: header and payload, as they were sent.
    pub message: &'t str,
    /// The signature, in base64url.
    pub signature: &'t str,
    /// The header.
    pub header: Header,
    payload: &'t str,
}

/// A token, taken apart.
#[derive(Debug)]
pub struct Token<'t> {
    /// What was signed, and how.
    pub signed: Signed<'t>,
    /// The claims.
    pub claims: Claims,
}

/// The header of a token (RFC 7515, section 4.1).
#[derive(Debug, Deserialize)]
pub struct Header {
    /// The algorithm that the token claims.
    pub alg: String,
    /// The key that it claims.
    pub kid: Option<String>,
    typ: Option<String>,
    /// Where it says that its keys are.
    pub jku: Option<String>,
    crit: Option<IgnoredAny>,
    b64: Option<IgnoredAny>,
    jwk: Option<IgnoredAny>,
    x5u: Option<IgnoredAny>,
    x5c: Option<IgnoredAny>,
    zip: Option<IgnoredAny>,
    enc: Option<IgnoredAny>,
}

/// The claims of a token; times in seconds since 1970, possibly with a fraction.
#[derive(Debug, Deserialize)]
pub struct Claims {
    /// Who signed it.
    pub iss: Option<String>,
    /// For which endpoints: one, or several.
    #[serde(default, deserialize_with = "one_or_several")]
    pub aud: Vec<String>,
    /// Until when.
    pub exp: Option<f64>,
    /// Since when.
    pub iat: Option<f64>,
    /// Not before when.
    pub nbf: Option<f64>,
    /// Its own id.
    pub jti: Option<String>,
    /// Part of the EHR.
    pub tenant: Option<String>,
}

impl<'t> Signed<'t> {
    /// Takes it apart; the payload is not opened.
    ///
    /// # Errors
    /// It is none, or its header asks for what nobody agreed on.
    pub fn read(text: &'t str) -> Result<Signed<'t>, Refusal> {
        if text.len() > LONGEST_TOKEN {
            return Err(Refusal::TooLong);
        }
        let (message, signature) = text.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(Refusal::Malformed)?;
        let header: Header = part(header)?;
        header.check()?;
        Ok(Signed { message, signature, header, payload })
    }

    /// The id of its key.
    pub fn kid(&self) -> &str {
        self.header.kid.as_deref().unwrap_or_default()
    }
}

impl<'t> Token<'t> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// It is none, or none as CDS Hooks asks for.
    pub fn read(text: &'t str) -> Result<Token<'t>, Refusal> {
        let signed = Signed::read(text)?;
        // An access token is `at+jwt` (RFC 9068).
        if !signed.header.typ.as_ref().is_some_and(|typ| typ.eq_ignore_ascii_case("JWT")) {
            return Err(Refusal::Type);
        }
        if !(1..=LONGEST_ID).contains(&signed.kid().len()) {
            return Err(Refusal::KeyId);
        }
        let claims: Claims = part(signed.payload)?;
        let token = Token { signed, claims };
        match &token.claims.jti {
            Some(jti) if (1..=LONGEST_ID).contains(&jti.len()) => Ok(token),
            _ => Err(Refusal::TokenId),
        }
    }

    /// Its own id.
    pub fn jti(&self) -> &str {
        self.claims.jti.as_deref().unwrap_or_default()
    }
}

impl Header {
    fn check(&self) -> Result<(), Refusal> {
        if self.crit.is_some() || self.b64.is_some() || self.zip.is_some() || self.enc.is_some() {
            return Err(Refusal::Critical);
        }
        if self.jwk.is_some() || self.x5u.is_some() || self.x5c.is_some() {
            return Err(Refusal::EmbeddedKey);
        }
        Ok(())
    }
}

/// One part: base64url without padding, JSON in it, no member twice.
fn part<T: DeserializeOwned>(text: &str) -> Result<T, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Refusal::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| Refusal::Malformed)
}

/// `aud` is a text, or an array of texts (RFC 7519, section 4.1.3).
fn one_or_several<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Audience {
        One(String),
        Several(Vec<String>),
    }
    Ok(match Audience::deserialize(from)? {
        Audience::One(one) => vec![one],
        Audience::Several(several) => several,
    })
}
