//! The certificate, its key, and who signs those of clients: read at the start, and again when a file
//! has changed.
//!
//! A new file that cannot be used leaves the old one in place, and says so.

use crate::config::Tls;
use metrics::counter;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig, SignatureScheme,
};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

/// Time between two looks at the files.
const LOOK: Duration = Duration::from_secs(2);

/// What is shown to clients now, and where it comes from.
#[derive(Debug)]
pub struct Keys {
    files: Tls,
    current: RwLock<Loaded>,
    /// Digest of the files as they were last read, whether they could be used or not.
    seen: Mutex<[u8; 32]>,
}

#[derive(Clone, Debug)]
struct Loaded {
    own: Arc<CertifiedKey>,
    clients: Option<Arc<dyn ClientCertVerifier>>,
}

/// The bytes of the files.
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

impl Keys {
    /// Reads the files.
    ///
    /// # Errors
    /// The key of the settings whose file cannot be used, and why.
    pub fn load(files: &Tls) -> Result<Keys, String> {
        let bytes = Files::read(files)?;
        let current = RwLock::new(bytes.load(files)?);
        Ok(Keys { files: files.clone(), current, seen: Mutex::new(bytes.digest()) })
    }

    /// How TLS is spoken: 1.2 or 1.3, with what `self` holds at the time of each handshake.
    ///
    /// # Errors
    /// The TLS library does not start.
    pub fn server_config(self: &Arc<Self>) -> Result<ServerConfig, String> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|e| format!("TLS cannot be started: {e}"))?;
        if self.files.client_ca.is_none() {
            return Ok(builder.with_no_client_auth().with_cert_resolver(self.clone()));
        }
        let mut config =
            builder.with_client_cert_verifier(self.clone()).with_cert_resolver(self.clone());
        // A session that is taken up again is not verified again.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    /// Looks at the files again and again.
    pub async fn keep_fresh(self: Arc<Self>) {
        loop {
            actix_web::rt::time::sleep(LOOK).await;
            let keys = self.clone();
            // A file system may be slow; nobody waits for it.
            _ = actix_web::rt::task::spawn_blocking(move || keys.refresh()).await;
        }
    }

    fn refresh(&self) {
        let read = Files::read(&self.files);
        let digest = read.as_ref().map_or([0; 32], Files::digest);
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if *seen == digest {
                return;
            }
            *seen = digest;
        }
        match read.and_then(|bytes| bytes.load(&self.files)) {
            Ok(loaded) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = loaded;
                counter!("jakcard_tls_reloads_total", "outcome" => "loaded").increment(1);
                tracing::info!("a new certificate is shown from now on");
            }
            Err(why) => {
                counter!("jakcard_tls_reloads_total", "outcome" => "refused").increment(1);
                tracing::error!(why, "the new TLS files cannot be used, the old ones stay");
            }
        }
    }

    fn current(&self) -> Loaded {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn clients(&self) -> Result<Arc<dyn ClientCertVerifier>, Error> {
        self.current().clients.ok_or_else(|| Error::General("no client authority".to_owned()))
    }
}

impl Files {
    fn read(files: &Tls) -> Result<Files, String> {
        let read = |key: &str, path: &Path| {
            std::fs::read(path)
                .map_err(|e| format!("`{key}`: {} cannot be read: {e}", path.display()))
        };
        Ok(Files {
            certificate: read("tls.certificate", &files.certificate)?,
            key: read("tls.key", &files.key)?,
            client_ca: files.client_ca.as_deref().map(|p| read("tls.client_ca", p)).transpose()?,
        })
    }

    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()] {
            let part = part.map(Vec::as_slice).unwrap_or_default();
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    fn load(&self, files: &Tls) -> Result<Loaded, String> {
        let chain = certificates("tls.certificate", &self.certificate, &files.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| {
            let path = files.key.display();
            format!("`tls.key`: {path} holds no private key, expected one in PEM, not encrypted")
        })?;
        let own = CertifiedKey::from_der(chain, key, &provider()).map_err(|_| {
            let (key, certificate) = (files.key.display(), files.certificate.display());
            format!("`tls.key`: {key} is not the key of the first certificate in {certificate}")
        })?;
        let clients = match (&self.client_ca, &files.client_ca) {
            (Some(pem), Some(path)) => Some(authority(pem, path)?),
            _ => None,
        };
        Ok(Loaded { own: Arc::new(own), clients })
    }
}

fn authority(pem: &[u8], path: &Path) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let unusable = |e: &dyn std::fmt::Display| {
        format!("`tls.client_ca`: {} cannot be used: {e}", path.display())
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates("tls.client_ca", pem, path)? {
        roots.add(certificate).map_err(|e| unusable(&e))?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
    verifier.build().map_err(|e| unusable(&e))
}

fn certificates(
    key: &str,
    pem: &[u8],
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(format!("`{key}`: {} holds no certificate, expected PEM", path.display())),
    }
}

impl ResolvesServerCert for Keys {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current().own)
    }
}

impl ClientCertVerifier for Keys {
    /// None: they could not be those of a file that is read later.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.clients()?.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.clients()?.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.clients()?.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
