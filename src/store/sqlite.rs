//! How is the SQLite file made and opened?

use super::Waits;
use super::error::{Trouble, trouble};
use super::schema;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqlitePool, query, query_scalar};
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

/// The mark of our files (<https://www.sqlite.org/pragma.html#pragma_application_id>): `JAKC`.
const APPLICATION_ID: i32 = i32::from_be_bytes(*b"JAKC");

/// Opens `file`, and makes it if there is none: the connection for what may be lost in a power cut, and
/// the one for what may not.
pub async fn open(file: &Path, waits: Waits) -> Result<[SqlitePool; 2], Trouble> {
    make(file)?;
    // The change to WAL does not wait for other processes that start (the caller bounds this).
    while let Err(trouble) = bring_up_to_date(&options(file, waits.open)).await {
        let Trouble::Locked = trouble else { return Err(trouble) };
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Writers wait for one another anyway. With synchronous = NORMAL a power cut may take the last
    // commits, never the file (ARCHITECTURE.md, "The store").
    let one = || SqlitePoolOptions::new().max_connections(1).acquire_timeout(waits.open);
    let quick = options(file, waits.answer).synchronous(SqliteSynchronous::Normal);
    let durable = options(file, waits.record).synchronous(SqliteSynchronous::Full);
    let quick = one().connect_with(quick).await.map_err(trouble)?;
    Ok([quick, one().connect_lazy_with(durable)])
}

fn options(file: &Path, busy: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(file).create_if_missing(false).busy_timeout(busy)
}

/// An empty file for the owner alone; SQLite gives its companions (`-wal`, `-shm`) the same mode.
fn make(file: &Path) -> Result<(), Trouble> {
    let mut make = OpenOptions::new();
    make.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut make, 0o600);
    match make.open(file) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(e) => {
            let folder = file.parent().unwrap_or(file).display();
            Err(Trouble::Failed(format!("no file can be made in the folder `{folder}`: {e}")))
        }
    }
}

/// One transaction that excludes other processes: of two that start at once, the second finds the
/// tables made. Nothing is written to a file that is not ours.
async fn bring_up_to_date(options: &SqliteConnectOptions) -> Result<(), Trouble> {
    let mut connection = options.connect().await.map_err(trouble)?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(trouble)?;
    claim(&mut transaction).await?;
    schema::migrate(&mut *transaction).await?;
    transaction.commit().await.map_err(trouble)?;
    // The file remembers it.
    query("PRAGMA journal_mode = WAL").execute(&mut connection).await.map_err(trouble)?;
    connection.close().await.map_err(trouble)
}

/// Marks an empty file as ours, and refuses a file that is another program's.
async fn claim(connection: &mut SqliteConnection) -> Result<(), Trouble> {
    let id: i32 =
        query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await.map_err(trouble)?;
    let things: i64 = query_scalar("SELECT count(*) FROM sqlite_master")
        .fetch_one(&mut *connection)
        .await
        .map_err(trouble)?;
    match (id, things) {
        (APPLICATION_ID, _) => Ok(()),
        (0, 0) => {
            // A pragma takes no bound value; the mark is ours.
            let mark = sqlx::AssertSqlSafe(format!("PRAGMA application_id = {APPLICATION_ID}"));
            query(mark).execute(connection).await.map_err(trouble).map(drop)
        }
        _ => Err(Trouble::Foreign("is another program's".into())),
    }
}
