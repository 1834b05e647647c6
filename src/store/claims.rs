//! Tokens that come at the same time are written down together.
//!
//! SQLite has one writer, and every transaction costs it changes of threads and a write to its journal,
//! however many rows it has. While one transaction is under way, the tokens that come wait for the next:
//! nobody waits who comes alone.

use super::error::{Trouble, trouble};
use super::pool::Held;
use sqlx::{QueryBuilder, SqlitePool};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

const WRITE: &str = "INSERT INTO used_tokens (key, expires) ";

const FIRST: &str = " ON CONFLICT (key) DO NOTHING RETURNING key";

/// Rows of one statement: SQLite binds only so many values.
const ROWS: usize = 200;

/// 32 bytes that stand for a token.
pub type Key = [u8; 32];

/// Somebody wants to be the first to use a token.
struct Claim {
    key: Key,
    expires: i64,
    answer: oneshot::Sender<Result<bool, Trouble>>,
}

/// The tokens that wait to be written.
#[derive(Default)]
pub struct Claims(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    claims: Vec<Claim>,
    /// Somebody writes, and will take what waits.
    writing: bool,
}

impl Claims {
    /// Whether this is the first use of the token. Runs on the runtime of the store.
    ///
    /// # Errors
    /// The database did not take the transaction that held it, within that time or at all.
    pub async fn first_use(
        self: Arc<Self>,
        pool: SqlitePool,
        (key, expires): (Key, i64),
        within: Duration,
    ) -> Result<bool, Trouble> {
        let (answer, told) = oneshot::channel();
        let writing = {
            let mut waiting = self.waiting();
            waiting.claims.push(Claim { key, expires, answer });
            std::mem::replace(&mut waiting.writing, true)
        };
        if !writing {
            tokio::spawn(self.write(pool, within));
        }
        told.await.unwrap_or(Err(Trouble::Late { within }))
    }

    /// Writes until nobody waits.
    async fn write(self: Arc<Self>, pool: SqlitePool, within: Duration) {
        while let Some(claims) = self.next() {
            let written = tokio::time::timeout(within, insert(&pool, &claims)).await;
            let written = written.unwrap_or(Err(Trouble::Late { within }));
            answer(claims, written);
        }
    }

    /// What waits; when nothing does, nobody writes any more.
    fn next(&self) -> Option<Vec<Claim>> {
        let mut waiting = self.waiting();
        let rows = waiting.claims.len().min(ROWS);
        waiting.writing = rows > 0;
        (rows > 0).then(|| waiting.claims.drain(..rows).collect())
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the tokens, and says which of them nobody has used.
async fn insert(pool: &SqlitePool, claims: &[Claim]) -> Result<HashSet<Vec<u8>>, Trouble> {
    let mut held = Held::take(pool).await.map_err(trouble)?;
    let mut write = QueryBuilder::new(WRITE);
    write.push_values(claims, |mut row, claim| {
        row.push_bind(claim.key.as_slice()).push_bind(claim.expires);
    });
    write.push(FIRST);
    let connection = held.connection().map_err(trouble)?;
    let first = write.build_query_scalar::<Vec<u8>>().fetch_all(connection).await;
    let first = first.map_err(trouble)?;
    held.give_back();
    Ok(first.into_iter().collect())
}

/// Of two that want the same token, the first gets it. Who gave up meanwhile is told nothing.
fn answer(claims: Vec<Claim>, mut written: Result<HashSet<Vec<u8>>, Trouble>) {
    for Claim { key, answer, .. } in claims {
        let first = match &mut written {
            Ok(first) => Ok(first.remove(key.as_slice())),
            Err(trouble) => Err(trouble.clone()),
        };
        _ = answer.send(first);
    }
}
