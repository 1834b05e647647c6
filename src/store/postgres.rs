//! How is the PostgreSQL database opened?

use super::Waits;
use super::error::{Trouble, trouble};
use super::schema;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgPool, query};
use std::time::Duration;

/// Connections of one replica: one statement each, of about a millisecond.
const CONNECTIONS: u32 = 4;

/// Connections that write what must survive a power cut.
const WRITERS: u32 = 2;

/// Brings the tables up to date (replicas that start together wait for one another) and opens the
/// pools. Their connections are made when they are needed, also after the server was away.
pub async fn open(options: PgConnectOptions, waits: Waits) -> Result<[PgPool; 2], Trouble> {
    let options = options.application_name("jakcard");
    let mut connection = options.connect().await.map_err(trouble)?;
    schema::migrate(&mut connection).await?;
    connection.close().await.map_err(trouble)?;
    Ok([
        pool(&options, CONNECTIONS, waits.answer, waits.open),
        pool(&options, WRITERS, waits.record, waits.open),
    ])
}

/// A statement that nobody waits for any more ends at the server too. A database that was told not to
/// wait for its disk (`synchronous_commit = off`) waits for ours.
fn pool(options: &PgConnectOptions, most: u32, patience: Duration, open: Duration) -> PgPool {
    let patience = format!("{}ms", patience.as_millis());
    PgPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(open)
        .after_connect(move |connection, _| {
            let patience = patience.clone();
            Box::pin(async move {
                let set = query("SELECT set_config('statement_timeout', $1, false)").bind(patience);
                set.execute(&mut *connection).await?;
                query(DURABLE).execute(connection).await.map(drop)
            })
        })
        .connect_lazy_with(options.clone())
}

const DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', false) \
    WHERE current_setting('synchronous_commit') = 'off'";
