//! Was this token used before?
//!
//! CDS Hooks best practices: a `jti` is accepted once per issuer, until the token expires.

use super::claims::Key;
use super::pool::{Pool, rows_changed};
use super::{Store, StoreError};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Rows that are forgotten in one statement: between two of them, others get their turn.
const BATCH: i64 = 1000;

const FIRST_USE: &str =
    "INSERT INTO used_tokens (key, expires) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";

const FORGET: &str = "DELETE FROM used_tokens WHERE key IN \
    (SELECT key FROM used_tokens WHERE expires < $1 LIMIT $2)";

/// The same beside replicas that forget at that moment: each takes rows that no other holds.
const FORGET_BESIDE_OTHERS: &str = "DELETE FROM used_tokens WHERE key IN \
    (SELECT key FROM used_tokens WHERE expires < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";

impl Store {
    /// Whether this is the first use of the token: true exactly once over all threads, processes and
    /// replicas that share the database. `expires` is the last second (Unix time, the caller's
    /// leeway included) in which the token may be accepted.
    ///
    /// # Errors
    ///
    /// The database did not answer. The use may have been written all the same: the caller must
    /// refuse the token, and the client comes back with a new one.
    pub async fn first_use(
        &self,
        issuer: &str,
        jti: &str,
        expires: i64,
    ) -> Result<bool, StoreError> {
        let key = key(issuer, jti);
        let Pool::Sqlite(pool) = &self.pool else {
            let rows = self.ask(|pool| async move {
                rows_changed!(pool, sqlx::query(FIRST_USE).bind(key.as_slice()).bind(expires))
            });
            return Ok(rows.await? == 1);
        };
        let (claims, within) = (Arc::clone(&self.claims), self.waits.answer);
        let first = claims.first_use(pool.clone(), (key, expires), within);
        let first = self.home.wait(&self.place, within, first).await?;
        first.map_err(|trouble| trouble.at(&self.place))
    }

    /// Forgets the tokens whose last second lies before `now` (Unix seconds), and says how many.
    ///
    /// # Errors
    ///
    /// The database did not answer; what was forgotten until then stays forgotten.
    pub async fn forget_expired(&self, now: i64) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        loop {
            let batch = self.ask(|pool| async move {
                let forget = match pool {
                    Pool::Sqlite(_) => FORGET,
                    Pool::Postgres(_) => FORGET_BESIDE_OTHERS,
                };
                rows_changed!(pool, sqlx::query(forget).bind(now).bind(BATCH))
            });
            match batch.await? {
                0 => return Ok(forgotten),
                rows => forgotten += rows,
            }
        }
    }
}

/// 32 bytes, however long the jti is. The length of the issuer goes first: no two pairs are written
/// alike.
fn key(issuer: &str, jti: &str) -> Key {
    let mut hash = Sha256::new();
    hash.update((issuer.len() as u64).to_be_bytes());
    hash.update(issuer);
    hash.update(jti);
    hash.finalize().into()
}
