//! An EHR that signs every call: keys made for this run, and the settings that trust them.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA384, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use std::path::{Path, PathBuf};

const AUDIENCE: &str = "https://cds.example.org";

/// The keys of the EHR.
pub struct Keys {
    ec: EcdsaKeyPair,
    rsa: RsaKeyPair,
}

impl Keys {
    pub fn new() -> Keys {
        let ec = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).expect("a key");
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        Keys { ec, rsa }
    }

    /// Writes settings that let this EHR in, with this store (SQLite file) or without.
    pub fn settings(&self, folder: &Path, store: Option<&str>) -> PathBuf {
        let point = &self.ec.public_key().as_ref()[1..];
        let (x, y) = point.split_at(point.len() / 2);
        let (n, e) = (self.rsa.public_key().modulus(), self.rsa.public_key().exponent());
        let (n, e) = (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
        let keys = json!({ "keys": [
            { "kty": "EC", "crv": "P-384", "x": base64(x), "y": base64(y), "kid": "ES384" },
            { "kty": "RSA", "n": base64(n), "e": base64(e), "kid": "RS384" },
        ]});
        let jwks = folder.join("jwks.json");
        std::fs::write(&jwks, keys.to_string()).expect("a file");
        let store =
            store.map(|s| format!("[store]\nurl = \"sqlite:{}\"\n", folder.join(s).display()));
        let text = format!(
            "bind = \"127.0.0.1:0\"\npublic_url = \"{AUDIENCE}\"\n{}\n[[client]]\nname = \"hospital\"\n\
             iss = \"https://ehr.example.org\"\njwks_file = \"{}\"\n",
            store.as_deref().unwrap_or_default(),
            jwks.display(),
        );
        let file = folder.join(if store.is_some() { "stored.toml" } else { "jakcard.toml" });
        std::fs::write(&file, text).expect("a file");
        file
    }

    /// A token for one call of the service at this path; `ES384` or `RS384`.
    pub fn token(&self, algorithm: &str, path: &str, number: usize) -> String {
        let now = jiff::Timestamp::now().as_second();
        let header = json!({ "alg": algorithm, "kid": algorithm, "typ": "JWT" });
        let claims = json!({
            "iss": "https://ehr.example.org", "aud": format!("{AUDIENCE}{path}"),
            "iat": now, "exp": now + 1800, "jti": format!("{}-{algorithm}-{number}", std::process::id()),
        });
        let signed = format!("{}.{}", base64(header.to_string()), base64(claims.to_string()));
        let random = SystemRandom::new();
        let signature = match algorithm {
            "ES384" => self.ec.sign(&random, signed.as_bytes()).expect("signed").as_ref().to_vec(),
            _ => {
                let mut signature = vec![0; self.rsa.public_modulus_len()];
                let message = signed.as_bytes();
                self.rsa.sign(&RSA_PKCS1_SHA384, &random, message, &mut signature).expect("signed");
                signature
            }
        };
        format!("{signed}.{}", base64(signature))
    }
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
