//! How is a statement run on whichever database it is?

use sqlx::pool::PoolConnection;
use sqlx::{Database, PgPool, SqlitePool};

/// The connections. Clones share them.
#[derive(Clone)]
pub enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A connection that goes back to the pool only when it is known to be sound. After an error, or
/// when the question was given up in the middle, it is closed: the pool would first wait for the
/// rest of the answer, and with a server that is gone, for ever.
pub struct Held<D: Database>(Option<PoolConnection<D>>);

impl<D: Database> Held<D> {
    pub async fn take(pool: &sqlx::Pool<D>) -> sqlx::Result<Held<D>> {
        Ok(Held(Some(pool.acquire().await?)))
    }

    pub fn connection(&mut self) -> sqlx::Result<&mut D::Connection> {
        self.0.as_deref_mut().ok_or(sqlx::Error::PoolClosed)
    }

    pub fn give_back(mut self) {
        self.0 = None;
    }
}

impl<D: Database> Drop for Held<D> {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}

/// Runs `$query` and says how many rows it changed.
macro_rules! rows_changed {
    ($pool:expr, $query:expr) => {
        match $pool {
            $crate::store::pool::Pool::Sqlite(pool) => rows_changed!(@held &pool, $query),
            $crate::store::pool::Pool::Postgres(pool) => rows_changed!(@held &pool, $query),
        }
    };
    (@held $pool:expr, $query:expr) => {{
        let mut held = $crate::store::pool::Held::take($pool).await?;
        let rows = $query.execute(held.connection()?).await?.rows_affected();
        held.give_back();
        Ok(rows)
    }};
}

/// Runs `$body` with a connection inside a transaction, and commits. The writer is alone from the
/// beginning on SQLite, where a reader that becomes a writer can be refused at once.
macro_rules! in_transaction {
    ($pool:expr, |$transaction:ident| $body:block) => {
        match $pool {
            $crate::store::pool::Pool::Sqlite(pool) => {
                in_transaction!(@held &pool, "BEGIN IMMEDIATE", $transaction, $body)
            }
            $crate::store::pool::Pool::Postgres(pool) => {
                in_transaction!(@held &pool, "BEGIN", $transaction, $body)
            }
        }
    };
    (@held $pool:expr, $begin:literal, $transaction:ident, $body:block) => {{
        let mut held = $crate::store::pool::Held::take($pool).await?;
        let mut begun = sqlx::Connection::begin_with(held.connection()?, $begin).await?;
        let $transaction = &mut *begun;
        let answer = $body;
        begun.commit().await?;
        held.give_back();
        Ok(answer)
    }};
}

/// Runs `$body` with a connection.
macro_rules! on_connection {
    ($pool:expr, |$connection:ident| $body:block) => {
        match $pool {
            $crate::store::pool::Pool::Sqlite(pool) => {
                on_connection!(@held &pool, $connection, $body)
            }
            $crate::store::pool::Pool::Postgres(pool) => {
                on_connection!(@held &pool, $connection, $body)
            }
        }
    };
    (@held $pool:expr, $connection:ident, $body:block) => {{
        let mut held = $crate::store::pool::Held::take($pool).await?;
        let $connection = &mut *held.connection()?;
        let answer = $body;
        held.give_back();
        Ok(answer)
    }};
}

pub(super) use {in_transaction, on_connection, rows_changed};
