//! Who is calling, and may they?
//!
//! In the order of the best practices of CDS Hooks, before the body is read: issuer, audience, time,
//! tenant, signature, first use. What costs nothing comes first.

use super::replay::Replay;
use super::source::KeySource;
use super::token::Token;
use super::{Refusal, claims};
use crate::config::{Client, Config};
use crate::store::Shelf;
use metrics::counter;
use std::sync::Arc;

/// The clients that may call.
#[derive(Debug)]
pub struct Gate {
    known: Vec<Known>,
    public_url: String,
    auth: crate::config::Auth,
    replay: Replay,
}

#[derive(Debug)]
struct Known {
    client: Arc<Client>,
    keys: Arc<KeySource>,
}

/// Why nobody is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// 401
    Refused(Refusal),
    /// 503: whether the token was used before cannot be told now.
    Busy,
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Denied {
        Denied::Refused(refusal)
    }
}

impl Gate {
    /// The gate that these settings ask for; `None` in sandbox mode. With a store, tokens are used
    /// once over restarts and replicas.
    ///
    /// # Errors
    /// A file of keys that cannot be used.
    pub fn of(config: &Config, store: Option<Arc<Shelf>>) -> Result<Option<Gate>, String> {
        if config.is_sandbox() {
            return Ok(None);
        }
        let known = config.clients.iter().map(|client| {
            let keys = Arc::new(KeySource::of(client, &config.auth)?);
            Ok(Known { client: Arc::new(client.clone()), keys })
        });
        Ok(Some(Gate {
            known: known.collect::<Result<_, String>>()?,
            public_url: config.public_url.clone().unwrap_or_default(),
            auth: config.auth,
            replay: Replay::new(config, store),
        }))
    }

    /// Reads the keys of all clients, so that the first call need not wait.
    pub async fn warm_up(&self) {
        let readings = self.known.iter().map(|known| known.keys.read_again());
        futures_util::future::join_all(readings).await;
    }

    /// Forgets tokens that have expired.
    pub async fn forget_expired(&self, now: i64) {
        self.replay.forget_expired(now).await;
    }

    /// The client whose token this is.
    ///
    /// `authorization` holds the `Authorization` headers, `paths` the endpoint as clients may write
    /// it in `aud`, `now` seconds since 1970.
    ///
    /// # Errors
    /// Why nobody is let in; it is counted and logged here, and nowhere else.
    pub async fn admit(
        &self,
        authorization: &[&[u8]],
        paths: &[String],
        now: i64,
    ) -> Result<Arc<Client>, Denied> {
        let text = match bearer(authorization) {
            Ok(text) => text,
            Err(refusal) => return Err(denied(refusal.into(), None, None)),
        };
        let token = match Token::read(text) {
            Ok(token) => token,
            Err(refusal) => return Err(denied(refusal.into(), None, None)),
        };
        let known = match self.of_issuer(&token) {
            Ok(known) => known,
            Err(refusal) => return Err(denied(refusal.into(), None, Some(&token))),
        };
        match self.check(known, &token, paths, now).await {
            Ok(()) => Ok(Arc::clone(&known.client)),
            Err(why) => Err(denied(why, Some(&known.client), Some(&token))),
        }
    }

    /// The client of this issuer; where several share one, that of the tenant.
    fn of_issuer(&self, token: &Token<'_>) -> Result<&Known, Refusal> {
        let issuer = token.claims.iss.as_deref().ok_or(Refusal::Issuer)?;
        let of_issuer: Vec<&Known> =
            self.known.iter().filter(|known| known.client.iss == issuer).collect();
        match (&of_issuer[..], &token.claims.tenant) {
            ([], _) => Err(Refusal::Issuer),
            ([one], _) => Ok(one),
            (_, None) => Err(Refusal::Tenant),
            (several, Some(tenant)) => {
                let of_tenant = several.iter().find(|known| known.client.tenants.contains(tenant));
                of_tenant.copied().ok_or(Refusal::Tenant)
            }
        }
    }

    async fn check(
        &self,
        known: &Known,
        token: &Token<'_>,
        paths: &[String],
        now: i64,
    ) -> Result<(), Denied> {
        let client = &known.client;
        let own = self.public_url.trim_end_matches('/');
        let mut audiences: Vec<String> = paths.iter().map(|path| format!("{own}{path}")).collect();
        audiences.extend(client.audiences.iter().cloned());
        let until = claims::check(&token.claims, &audiences, &client.tenants, &self.auth, now)?;
        // A file was exchanged out of band: where the token says that its keys are is not looked at.
        let elsewhere = |jku: &String| client.jwks_url.as_ref().is_some_and(|own| own != jku);
        if token.signed.header.jku.as_ref().is_some_and(elsewhere) {
            return Err(Refusal::KeyUrl.into());
        }
        let algorithm = client.algorithms.iter().any(|a| a.name() == token.signed.header.alg);
        if !algorithm {
            return Err(Refusal::Algorithm.into());
        }
        let keys = known.keys.keys(token.signed.kid()).await.ok_or(Refusal::NoKeys)?;
        keys.verify(&token.signed, &client.algorithms)?;
        // Only a token that is genuine is remembered: nobody else can fill the memory.
        match self.replay.first_use(&client.iss, token.jti(), until, now).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Refusal::Replay.into()),
            Err(_) => Err(Denied::Busy),
        }
    }
}

/// The one token of a call.
fn bearer<'h>(authorization: &[&'h [u8]]) -> Result<&'h str, Refusal> {
    let value = match authorization {
        [] => return Err(Refusal::NoToken),
        [one] => one,
        _ => return Err(Refusal::TwoTokens),
    };
    let token = value.strip_prefix(b"Bearer ").ok_or(Refusal::NoToken)?;
    if token.len() > super::token::LONGEST_TOKEN {
        return Err(Refusal::TooLong);
    }
    std::str::from_utf8(token).map_err(|_| Refusal::Malformed)
}

/// Counts and logs. Of a token only what names it is logged: issuer, tenant and `jti`.
fn denied(why: Denied, client: Option<&Client>, token: Option<&Token<'_>>) -> Denied {
    let reason = match why {
        Denied::Refused(refusal) => refusal.word(),
        Denied::Busy => "replay-memory-full",
    };
    let name = client.map_or("none", |client| &client.name).to_owned();
    counter!("jakcard_denied_total", "client" => name.clone(), "reason" => reason).increment(1);
    let claims = token.map(|token| &token.claims);
    let short = |text: Option<&String>| {
        let plain = |c: &char| c.is_ascii_graphic();
        text.map(|text| text.chars().filter(plain).take(80).collect::<String>())
    };
    tracing::info!(
        client = name,
        reason,
        iss = short(claims.and_then(|c| c.iss.as_ref())),
        tenant = short(claims.and_then(|c| c.tenant.as_ref())),
        jti = short(claims.and_then(|c| c.jti.as_ref())),
        "not let in"
    );
    why
}
