//! An EHR that signs tokens, with keys made for this run; and everybody who would like to be it.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jakcard::config::Algorithm;
use serde_json::{Value, json};

/// Every algorithm that a client may be given.
pub const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::EdDSA,
];

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A private key.
pub enum Signer {
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    pub fn p256() -> Signer {
        Signer::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    pub fn p384() -> Signer {
        Signer::P384(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).expect("a key"))
    }

    pub fn rsa() -> Signer {
        Signer::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"))
    }

    pub fn ed25519() -> Signer {
        Signer::Ed25519(Ed25519KeyPair::generate().expect("a key"))
    }

    /// The algorithm that CDS Hooks would use with it.
    pub fn native(&self) -> &'static str {
        match self {
            Signer::P256(_) => "ES256",
            Signer::P384(_) => "ES384",
            Signer::Rsa(_) => "RS384",
            Signer::Ed25519(_) => "EdDSA",
        }
    }

    /// The public half.
    pub fn jwk(&self, kid: &str) -> Value {
        match self {
            Signer::P256(key) | Signer::P384(key) => {
                let point = &key.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({ "kty": "EC", "crv": curve, "x": b64(x), "y": b64(y), "kid": kid })
            }
            Signer::Rsa(key) => {
                let public = key.public_key();
                let n = public.modulus().big_endian_without_leading_zero();
                let e = public.exponent().big_endian_without_leading_zero();
                json!({ "kty": "RSA", "n": b64(n), "e": b64(e), "kid": kid })
            }
            Signer::Ed25519(key) => json!({
                "kty": "OKP", "crv": "Ed25519", "x": b64(key.public_key().as_ref()), "kid": kid,
            }),
        }
    }

    /// Signs; an algorithm of another kind of key becomes the native one.
    pub fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Signer::P256(key) | Signer::P384(key) => {
                key.sign(&random, message).expect("signed").as_ref().to_vec()
            }
            Signer::Ed25519(key) => key.sign(message).as_ref().to_vec(),
            Signer::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                match algorithm {
                    "RS256" => key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature),
                    "RS512" => key.sign(&RSA_PKCS1_SHA512, &random, message, &mut signature),
                    "PS256" => key.sign(&RSA_PSS_SHA256, &random, message, &mut signature),
                    "PS384" => key.sign(&RSA_PSS_SHA384, &random, message, &mut signature),
                    "PS512" => key.sign(&RSA_PSS_SHA512, &random, message, &mut signature),
                    _ => key.sign(&RSA_PKCS1_SHA384, &random, message, &mut signature),
                }
                .expect("signed");
                signature
            }
        }
    }
}

/// The EHR.
pub struct Issuer {
    pub iss: String,
    pub kid: String,
    pub signer: Signer,
}

impl Issuer {
    pub fn new(iss: &str) -> Issuer {
        Issuer { iss: iss.to_owned(), kid: "key-1".to_owned(), signer: Signer::p384() }
    }

    /// Its JSON Web Key Set.
    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.signer.jwk(&self.kid)] })
    }

    pub fn header(&self) -> Value {
        json!({ "alg": self.signer.native(), "kid": self.kid, "typ": "JWT" })
    }

    /// What a good token claims, five minutes long.
    pub fn claims(&self, aud: &str, now: i64) -> Value {
        let jti = uuid();
        json!({ "iss": self.iss, "aud": aud, "exp": now + 300, "iat": now, "jti": jti })
    }

    /// A token with this header and these claims, signed.
    pub fn token(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let algorithm = header["alg"].as_str().unwrap_or_default();
        format!("{signed}.{}", b64(self.signer.sign(algorithm, signed.as_bytes())))
    }

    /// A good token.
    pub fn good(&self, aud: &str, now: i64) -> String {
        self.token(&self.header(), &self.claims(aud, now))
    }
}

/// Some text that was not there before.
pub fn uuid() -> String {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("random");
    b64(bytes)
}
