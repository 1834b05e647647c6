//! What does a token say, before anything of it is believed?
//!
//! A JSON Web Token in compact serialisation (RFC 7519, RFC 7515 section 7.1) with the header and the
//! claims that CDS Hooks asks for (<https://cds-hooks.hl7.org/#trusting-cds-clients>).

use super::Refusal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// Longest token, bytes: those of EHRs are near 1,000.
pub const LONGEST_TOKEN: usize = 8 * 1024;
/// Longest `kid` and `jti`, bytes.
const LONGEST_ID: usize = 512;

/// What was signed, and how (RFC 7515, compact serialisation).
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
    #[serde(default, deserialize_with = "given")]
    crit: bool,
    #[serde(default, deserialize_with = "given")]
    b64: bool,
    #[serde(default, deserialize_with = "given")]
    jwk: bool,
    #[serde(default, deserialize_with = "given")]
    x5u: bool,
    #[serde(default, deserialize_with = "given")]
    x5c: bool,
    #[serde(default, deserialize_with = "given")]
    zip: bool,
    #[serde(default, deserialize_with = "given")]
    enc: bool,
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

/// A token that is shown can be used: only its header is.
impl fmt::Debug for Signed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed").field("header", &self.header).finish_non_exhaustive()
    }
}

impl Header {
    fn check(&self) -> Result<(), Refusal> {
        if self.crit || self.b64 || self.zip || self.enc {
            return Err(Refusal::Critical);
        }
        if self.jwk || self.x5u || self.x5c {
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

/// It is there, whatever it says, `null` too.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(from).map(|_| true)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_shown_whole() {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES384","kid":"key-1","typ":"JWT"}"#);
        let claims = URL_SAFE_NO_PAD.encode(r#"{"iss":"https://ehr.example.org","jti":"one"}"#);
        let text = format!("{header}.{claims}.c2lnbmF0dXJl");
        let token = Token::read(&text).unwrap();
        let shown = format!("{token:?} {token:#?}");
        assert!(shown.contains("key-1") && shown.contains("https://ehr.example.org"), "{shown}");
        for part in text.split('.') {
            assert!(!shown.contains(part), "{shown}");
        }
    }
}
