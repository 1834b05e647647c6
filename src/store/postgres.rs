//! How is the PostgreSQL database opened?

use super::Waits;
use super::error::{Trouble, trouble};
use super::schema;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgPool, query};

/// Connections of one replica: one statement each, of about a millisecond.
const CONNECTIONS: u32 = 4;

/// Brings the tables up to date (replicas that start together wait for one another) and opens the
/// pool. Its connections are made when they are needed, also after the server was away.
pub async fn open(options: PgConnectOptions, waits: Waits) -> Result<PgPool, Trouble> {
    let options = options.application_name("jakcard");
    let mut connection = options.connect().await.map_err(trouble)?;
    schema::migrate(&mut connection).await?;
    connection.close().await.map_err(trouble)?;

    // A statement that nobody waits for any more ends at the server too.
    let patience = format!("{}ms", waits.answer.as_millis());
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(waits.open)
        .after_connect(move |connection, _| {
            let patience = patience.clone();
            Box::pin(async move {
                let set = query("SELECT set_config('statement_timeout', $1, false)").bind(patience);
                set.execute(connection).await.map(drop)
            })
        });
    Ok(pool.connect_lazy_with(options))
}
