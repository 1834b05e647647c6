//! Which tables does the database have, and which does this program know?

use super::error::{Trouble, trouble};
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};

/// Every change of the tables, in order. One that was released is never changed.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "used tokens", include_str!("migrations/0001_used_tokens.sql")),
    (2, "feedback", include_str!("migrations/0002_feedback.sql")),
    (3, "audit", include_str!("migrations/0003_audit.sql")),
];

/// Brings the tables up to date.
pub async fn migrate<C: Migrate>(connection: &mut C) -> Result<(), Trouble> {
    let mut migrator = Migrator::with_migrations(
        MIGRATIONS
            .iter()
            .map(|&(version, name, sql)| {
                let sql = sql.into_sql_str();
                Migration::new(version, name.into(), MigrationType::Simple, sql, false)
            })
            .collect(),
    );
    // Beside another program in the same PostgreSQL schema, the history is ours.
    migrator.dangerous_set_table_name("jakcard_migrations");
    migrator.run_direct(None, connection, false).await.map_err(|error| {
        let expected = MIGRATIONS.last().map_or(0, |(version, ..)| *version);
        match error {
            MigrateError::VersionMissing(found) if found > expected => {
                Trouble::Newer { found, expected }
            }
            MigrateError::Execute(e) | MigrateError::ExecuteMigration(e, _) => trouble(e),
            e => Trouble::Foreign(format!("has another history ({e})")),
        }
    })
}
