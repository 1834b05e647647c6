//! Where do a client's keys come from, and how old may they be?
//!
//! A JSON Web Key Set at a URL or in a file. It is read at start, again when it is old, and once when
//! a token names a key that it does not hold; many callers share one reading. Keys that cannot be
//! read again are used until they are too old.

use super::keys::KeySet;
use crate::config::{Auth, Client};
use metrics::{counter, gauge};
use reqwest::{StatusCode, redirect};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Shortest time between two readings: whatever callers send, no more than two a minute.
const PAUSE: Duration = Duration::from_secs(30);
/// Longest time of one reading.
const PATIENCE: Duration = Duration::from_secs(3);
/// Largest set, bytes.
const LARGEST: usize = 256 * 1024;

/// The keys of one client.
#[derive(Debug)]
pub struct KeySource {
    client: String,
    place: Place,
    refresh: Duration,
    stale: Duration,
    state: RwLock<State>,
    reading: Mutex<()>,
}

#[derive(Debug)]
enum Place {
    File(PathBuf),
    Url { http: reqwest::Client, url: String },
}

#[derive(Clone, Debug, Default)]
struct State {
    keys: Option<Arc<KeySet>>,
    read_at: Option<Instant>,
    tried_at: Option<Instant>,
}

impl KeySource {
    /// Where the keys of this client are. A file must be readable now; a URL may come up later.
    ///
    /// # Errors
    /// The file, and what is wrong with it.
    pub fn of(client: &Client, auth: &Auth) -> Result<KeySource, String> {
        let place = match (&client.jwks_file, &client.jwks_url) {
            (Some(file), _) => Place::File(file.clone()),
            (None, url) => Place::Url {
                http: http().map_err(|e| e.to_string())?,
                url: url.clone().unwrap_or_default(),
            },
        };
        let source = KeySource {
            client: client.name.clone(),
            place,
            refresh: Duration::from_secs(auth.keys_refresh_s),
            stale: Duration::from_secs(auth.keys_stale_s),
            state: RwLock::default(),
            reading: Mutex::default(),
        };
        if let Place::File(file) = &source.place {
            let keys = read_file(file).map_err(|why| {
                format!("client `{}`: `jwks_file` `{}`: {why}", client.name, file.display())
            })?;
            source.keep(Ok(keys));
        }
        Ok(source)
    }

    /// The keys, among which the one with this id is if the client has it; `None` when they are too
    /// old or were never read.
    pub async fn keys(self: &Arc<Self>, kid: &str) -> Option<Arc<KeySet>> {
        let state = self.state();
        let known = state.keys.as_ref().is_some_and(|keys| keys.knows(kid));
        if !known || self.is_old(&state, self.stale) {
            self.read_again().await;
        } else if self.is_old(&state, self.refresh) && may_try(&state) {
            // Nobody waits for keys that are merely old.
            let source = Arc::clone(self);
            tokio::spawn(async move { source.read_again().await });
        }
        let state = self.state();
        if self.is_old(&state, self.stale) { None } else { state.keys }
    }

    /// Reads the keys, unless that was tried a moment ago, by this caller or by another.
    pub async fn read_again(&self) {
        let _one_at_a_time = self.reading.lock().await;
        if may_try(&self.state()) {
            let keys = match &self.place {
                Place::File(file) => read_file(file),
                Place::Url { http, url } => fetch(http, url).await,
            };
            self.keep(keys);
        }
    }

    fn keep(&self, keys: Result<KeySet, String>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let now = Some(Instant::now());
        state.tried_at = now;
        let outcome = match keys {
            Ok(keys) => {
                if keys.left_out > 0 {
                    tracing::warn!(client = self.client, left_out = keys.left_out, "keys left out");
                }
                state.read_at = now;
                state.keys = Some(Arc::new(keys));
                "read"
            }
            Err(why) => {
                tracing::warn!(client = self.client, why, "the keys could not be read");
                "failed"
            }
        };
        let client = self.client.clone();
        counter!("jakcard_jwks_reads_total", "client" => client.clone(), "outcome" => outcome)
            .increment(1);
        let usable = if self.is_old(&state, self.stale) { 0.0 } else { 1.0 };
        gauge!("jakcard_jwks_usable", "client" => client).set(usable);
    }

    fn state(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_old(&self, state: &State, age: Duration) -> bool {
        state.read_at.is_none_or(|at| at.elapsed() >= age)
    }
}

fn may_try(state: &State) -> bool {
    state.tried_at.is_none_or(|at| at.elapsed() >= PAUSE)
}

fn http() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .retry(reqwest::retry::never())
        .timeout(PATIENCE)
        .user_agent(concat!("jakcard/", env!("CARGO_PKG_VERSION")))
        .build()
}

fn read_file(file: &PathBuf) -> Result<KeySet, String> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("cannot be read: {e}"))?;
    KeySet::read(&text).map_err(|e| e.to_string())
}

async fn fetch(http: &reqwest::Client, url: &str) -> Result<KeySet, String> {
    let broken = |e: reqwest::Error| if e.is_timeout() { "no answer in time" } else { "no answer" };
    let mut response = http.get(url).send().await.map_err(broken)?;
    if response.status() != StatusCode::OK {
        return Err(format!("the answer is {}, expected 200", response.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > LARGEST {
            return Err(format!("the answer is larger than {LARGEST} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(body).map_err(|_| "the answer is no UTF-8")?;
    KeySet::read(&text).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::path::Path;
    use tokio::time::advance;

    /// Points of P-256 that differ only in their names: nothing is signed here.
    fn write(file: &Path, kids: &[&str]) {
        let x = "WTLPQyWhb8bxGRvitANjaAyoLwrHJ-eAPqpp3ywAVe4";
        let y = "60BorkPXgIZ7SQtSgXHf90ZWvipgnElVHp2MXN1VZeU";
        let key = |kid: &&str| {
            format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","kid":"{kid}"}}"#)
        };
        let keys: Vec<String> = kids.iter().map(key).collect();
        std::fs::write(file, format!(r#"{{"keys":[{}]}}"#, keys.join(","))).unwrap();
    }

    fn source(name: &str, kids: &[&str]) -> (Arc<KeySource>, PathBuf) {
        let file = std::env::temp_dir().join(format!("jakcard-{name}-{}", std::process::id()));
        write(&file, kids);
        let text = format!(
            "[[client]]\nname='a'\niss='i'\njwks_file='{}'\n[auth]\nkeys_refresh_s=600\nkeys_stale_s=3600",
            file.display()
        );
        let config: Config = toml::from_str(&text).unwrap();
        (Arc::new(KeySource::of(&config.clients[0], &config.auth).unwrap()), file)
    }

    async fn knows(source: &Arc<KeySource>, kid: &str) -> Option<bool> {
        let keys = source.keys(kid).await.map(|keys| keys.knows(kid));
        // What was started for later is done now.
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        keys
    }

    #[tokio::test(start_paused = true)]
    async fn a16_a_new_key_is_known_after_the_pause_and_a_removed_one_is_not_after_the_refresh() {
        let (source, file) = source("rotation", &["old"]);
        assert_eq!(knows(&source, "old").await, Some(true));
        write(&file, &["old", "new"]);
        advance(Duration::from_secs(29)).await;
        assert_eq!(knows(&source, "new").await, Some(false), "read a moment ago");
        advance(Duration::from_secs(1)).await;
        assert_eq!(knows(&source, "new").await, Some(true));
        write(&file, &["new"]);
        advance(Duration::from_secs(599)).await;
        assert_eq!(knows(&source, "old").await, Some(true), "not yet old");
        advance(Duration::from_secs(1)).await;
        // Nobody waits: this caller still meets the old keys, the next one the new.
        assert_eq!(knows(&source, "old").await, Some(true));
        assert_eq!(knows(&source, "old").await, Some(false));
        assert_eq!(knows(&source, "new").await, Some(true));
    }

    #[tokio::test(start_paused = true)]
    async fn a15_the_last_good_keys_are_used_until_they_are_too_old() {
        let (source, file) = source("stale", &["one"]);
        std::fs::write(&file, "<html>").unwrap();
        for _ in 0..5 {
            advance(Duration::from_secs(719)).await;
            assert_eq!(knows(&source, "one").await, Some(true));
        }
        advance(Duration::from_secs(5)).await;
        assert_eq!(knows(&source, "one").await, None, "3,600 s");
        write(&file, &["one"]);
        advance(Duration::from_secs(30)).await;
        assert_eq!(knows(&source, "one").await, Some(true), "and again when they can be read");
    }
}
