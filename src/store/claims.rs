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
        let broken = || Err(Trouble::Failed("the question was broken off".to_owned()));
        told.await.unwrap_or_else(|_| broken())
    }

    /// Writes until nobody waits.
    async fn write(self: Arc<Self>, pool: SqlitePool, within: Duration) {
        let _turn = Turn(&self);
        while let Some(claims) = self.next() {
            let written = tokio::time::timeout(within, insert(&pool, &claims)).await;
            let written = written.unwrap_or(Err(Trouble::Late { within }));
            answer(claims, written);
        }
    }

    /// What waits, without those who have given up; when nothing does, nobody writes any more.
    fn next(&self) -> Option<Vec<Claim>> {
        let mut waiting = self.waiting();
        waiting.claims.retain(|claim| !claim.answer.is_closed());
        let rows = waiting.claims.len().min(ROWS);
        waiting.writing = rows > 0;
        (rows > 0).then(|| waiting.claims.drain(..rows).collect())
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn of who writes. A panic ends it too: whoever comes next writes what waits.
struct Turn<'c>(&'c Claims);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.waiting().writing = false;
        }
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
    // A text for each number of rows would fill the memory of prepared statements.
    let first = write.build_query_scalar::<Vec<u8>>().persistent(claims.len() == 1);
    let first = first.fetch_all(connection).await.map_err(trouble)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn claim() -> (Claim, oneshot::Receiver<Result<bool, Trouble>>) {
        let (answer, told) = oneshot::channel();
        (Claim { key: [0; 32], expires: 0, answer }, told)
    }

    #[test]
    fn what_waits_is_taken_in_parts_and_without_those_who_have_given_up() {
        let claims = Claims::default();
        let mut told = Vec::new();
        for _ in 0..ROWS + 3 {
            let (claim, one) = claim();
            claims.waiting().claims.push(claim);
            told.push(one);
        }
        // Two of them have given up.
        told.truncate(ROWS + 1);
        assert_eq!(claims.next().map(|some| some.len()), Some(ROWS));
        assert!(claims.waiting().writing);
        assert_eq!(claims.next().map(|some| some.len()), Some(1));
        assert_eq!(claims.next().map(|some| some.len()), None);
        assert!(!claims.waiting().writing);
    }

    #[test]
    fn a_panic_ends_the_turn_and_a_turn_that_ends_well_leaves_it_as_it_is() {
        let claims = Claims::default();
        claims.waiting().writing = true;
        drop(Turn(&claims));
        assert!(claims.waiting().writing, "`next` has the last word");
        let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _turn = Turn(&claims);
            panic!("as a driver might");
        }));
        assert!(broken.is_err() && !claims.waiting().writing);
    }
}
