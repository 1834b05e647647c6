//! Which public keys does a client have, and did one of them sign this?
//!
//! A JSON Web Key Set (RFC 7517). Only public keys that sign are kept; a set with one odd key keeps
//! the others.

use super::Refusal;
use super::token::Signed;
use crate::config::Algorithm;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::crypto::verify;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// Keys of one set, at most.
const MOST_KEYS: usize = 100;
/// Bits of an RSA modulus (NIST SP 800-131A at least; more costs too much).
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// Keys whose private half everybody can read: those of the CDS Hooks sandbox, by their id and by
/// their point, whatever they are called (<https://github.com/cds-hooks/sandbox>).
const PUBLIC_KNOWLEDGE: [&str; 4] = [
    "44823f3d-0b01-4a6c-a80e-b9d3e8a7226f",
    "dw_JGR8nB2I6XveNxUOl2qk699ZPLM2nYI5STSdiEl9avAkrm3CkfYMbrrjr8laB",
    "d9cd3c4f-eb08-4304-b973-44f352fd2ca2",
    "QWI9fI8TcNtdikhVs_M1N_Szb7BOj19etvIKfrQMa9k",
];

/// The keys of a client.
#[derive(Debug, Default)]
pub struct KeySet {
    keys: Vec<Key>,
    /// Keys of the set that are not used.
    pub left_out: usize,
}

#[derive(Debug)]
struct Key {
    kid: String,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

/// A set that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKeySet {
    /// Not a set.
    #[error("it is no JSON Web Key Set, expected an object with `keys`")]
    NoSet,
    /// Nothing in it.
    #[error(
        "it has no key that can be used, expected EC P-256 or P-384, RSA of 2048 bits or more, or \
         Ed25519, each with a `kid`"
    )]
    NoKey,
    /// Anybody can sign with a key of the sandbox.
    #[error(
        "it holds a key of the CDS Hooks sandbox, expected none: its private half is public. Leave \
         out every `[[client]]` to try the sandbox on this machine"
    )]
    Sandbox,
    /// Whoever reads the set can sign.
    #[error("it holds a private key (`d`), expected public keys only")]
    Private,
    /// Too many.
    #[error("it has {0} keys, expected at most {MOST_KEYS}")]
    TooMany(usize),
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Box<RawValue>>,
}

/// What tells a key that everybody can sign with, of whatever kind it is.
#[derive(Deserialize)]
struct Known {
    kid: Option<String>,
    x: Option<String>,
    d: Option<IgnoredAny>,
}

impl KeySet {
    /// Reads a JSON Web Key Set.
    ///
    /// # Errors
    /// It is none, or holds no key that can be used.
    pub fn read(text: &str) -> Result<KeySet, BadKeySet> {
        let set: Set = serde_json::from_str(text).map_err(|_| BadKeySet::NoSet)?;
        if set.keys.len() > MOST_KEYS {
            return Err(BadKeySet::TooMany(set.keys.len()));
        }
        for known in set.keys.iter().filter_map(|raw| serde_json::from_str(raw.get()).ok()) {
            let Known { kid, x, d } = known;
            let public = |text: &String| PUBLIC_KNOWLEDGE.contains(&text.as_str());
            if kid.iter().chain(&x).any(public) {
                return Err(BadKeySet::Sandbox);
            }
            if d.is_some() {
                return Err(BadKeySet::Private);
            }
        }
        let all = set.keys.len();
        let keys: Vec<Key> = set.keys.iter().filter_map(|raw| Key::read(raw.get())).collect();
        if keys.is_empty() {
            return Err(BadKeySet::NoKey);
        }
        Ok(KeySet { left_out: all - keys.len(), keys })
    }

    /// Is there a key with this id?
    pub fn knows(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid == kid)
    }

    /// Whether a key of the name that it gives signed it, with an algorithm that the client may use.
    ///
    /// # Errors
    /// It did not, or there is none.
    pub fn verify(&self, signed: &Signed<'_>, algorithms: &[Algorithm]) -> Result<(), Refusal> {
        // By exact name: `none` and everything symmetric has none.
        let algorithm = algorithms.iter().find(|a| a.name() == signed.header.alg);
        let algorithm = *algorithm.ok_or(Refusal::Algorithm)?;
        let mut named = self.keys.iter().filter(|key| key.kid == signed.kid()).peekable();
        named.peek().ok_or(Refusal::UnknownKey)?;
        let mut fitting = named.filter(|key| key.algorithms.contains(&algorithm)).peekable();
        fitting.peek().ok_or(Refusal::Algorithm)?;
        let verified = |key: &Key| {
            let message = signed.message.as_bytes();
            verify(signed.signature, message, &key.key, library(algorithm)).unwrap_or(false)
        };
        // Two keys of one id are rare; every one of the set is the client's.
        if fitting.any(verified) { Ok(()) } else { Err(Refusal::Signature) }
    }
}

impl Key {
    /// A public key for signatures that can be used.
    fn read(text: &str) -> Option<Key> {
        let jwk: Jwk = serde_json::from_str(text).ok()?;
        let common = &jwk.common;
        let kid = common.key_id.clone().filter(|kid| !kid.is_empty())?;
        let signs = common.public_key_use.as_ref().is_none_or(|u| *u == PublicKeyUse::Signature)
            && common.key_operations.as_ref().is_none_or(|o| o.contains(&KeyOperations::Verify));
        if !signs {
            return None;
        }
        let mut algorithms = algorithms(&jwk.algorithm)?;
        if let Some(only) = common.key_algorithm {
            algorithms.retain(|a| a.name() == only.to_string());
        }
        if algorithms.is_empty() {
            return None;
        }
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Key { kid, algorithms, key })
    }
}

/// What a key of this type and size can verify; `None` for keys that are too weak or no public keys.
fn algorithms(key: &AlgorithmParameters) -> Option<Vec<Algorithm>> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
    let coordinates = |x: &str, y: &str, n| {
        bytes(x).is_some_and(|x| x.len() == n) && bytes(y).is_some_and(|y| y.len() == n)
    };
    match key {
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 if coordinates(&key.x, &key.y, 32) => Some(vec![ES256]),
            EllipticCurve::P384 if coordinates(&key.x, &key.y, 48) => Some(vec![ES384]),
            _ => None,
        },
        AlgorithmParameters::RSA(key) => {
            let (n, e) = (bytes(&key.n)?, bytes(&key.e)?);
            let leading = n.iter().position(|byte| *byte != 0)?;
            let bits = (n.len() - leading) * 8 - n[leading].leading_zeros() as usize;
            let exponent = e.iter().try_fold(0u64, |sum, byte| {
                sum.checked_mul(256).map(|sum| sum + u64::from(*byte))
            })?;
            let odd = exponent >= 3 && exponent % 2 == 1;
            let sound = RSA_BITS.contains(&bits) && odd && !is_roca(&n);
            sound.then(|| vec![RS256, RS384, RS512, PS256, PS384, PS512])
        }
        AlgorithmParameters::OctetKeyPair(key) => match key.curve {
            EllipticCurve::Ed25519 if bytes(&key.x)?.len() == 32 => Some(vec![EdDSA]),
            _ => None,
        },
        // A shared secret signs nothing here.
        _ => None,
    }
}

/// Made by the library whose keys can be factored (CVE-2017-15361): such a modulus is a power of 65537
/// modulo every small prime, which another one is with a chance of less than one in a hundred million.
fn is_roca(modulus: &[u8]) -> bool {
    let is_prime = |n: &u64| (2..*n).all(|divisor| !n.is_multiple_of(divisor));
    (3..=167).filter(is_prime).all(|prime| {
        let rest = modulus.iter().fold(0, |rest, byte| (rest * 256 + u64::from(*byte)) % prime);
        let powers = std::iter::successors(Some(1), |power| Some(power * 65537 % prime));
        powers.take(prime as usize).any(|power| power == rest)
    })
}

/// The algorithm by the name of the library.
fn library(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::ES256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::ES384 => jsonwebtoken::Algorithm::ES384,
        Algorithm::RS256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::RS384 => jsonwebtoken::Algorithm::RS384,
        Algorithm::RS512 => jsonwebtoken::Algorithm::RS512,
        Algorithm::PS256 => jsonwebtoken::Algorithm::PS256,
        Algorithm::PS384 => jsonwebtoken::Algorithm::PS384,
        Algorithm::PS512 => jsonwebtoken::Algorithm::PS512,
        Algorithm::EdDSA => jsonwebtoken::Algorithm::EdDSA,
    }
}
