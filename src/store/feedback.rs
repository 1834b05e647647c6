//! What did users do with cards?

use super::pool::{Pool, in_transaction, on_connection, rows_changed};
use super::{Store, StoreError};
use sha2::{Digest, Sha256};

/// One report, as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct FeedbackRow {
    /// When it came, Unix milliseconds.
    pub received: i64,
    /// Name of the client.
    pub client: String,
    /// Id of the service.
    pub service: String,
    /// `uuid` of the card, as the client says it.
    pub card: String,
    /// `accepted` or `overridden`.
    pub outcome: String,
    /// When the user did it, Unix milliseconds.
    pub outcome_at: i64,
    /// Ids of the suggestions that were taken, a JSON list.
    pub suggestions: String,
    /// Why it was dismissed, a JSON list of {`code`, `system`, `display`}.
    pub reasons: String,
    /// What the user wrote: never for logs.
    pub comment: Option<String>,
    /// Characters of what the user wrote, before it was cut.
    pub comment_sent: i64,
}

/// What became of a batch that is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Reports that were not known before.
    pub new: u64,
}

const KEEP: &str = "INSERT INTO feedback (key, received, client, service, card, outcome, \
    outcome_at, suggestions, reasons, comment, comment_sent) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (key) DO NOTHING";

const READ: &str = "SELECT key, received, client, service, card, outcome, outcome_at, \
    suggestions, reasons, comment, comment_sent FROM feedback \
    WHERE outcome_at >= $1 AND outcome_at < $2 AND (received > $3 OR (received = $3 AND key > $4)) \
    ORDER BY received, key LIMIT $5";

/// Reports that are forgotten in one statement.
const BATCH: i64 = 1000;

const FORGET: &str = "DELETE FROM feedback WHERE key IN \
    (SELECT key FROM feedback WHERE received < $1 LIMIT $2)";

const FORGET_BESIDE_OTHERS: &str = "DELETE FROM feedback WHERE key IN \
    (SELECT key FROM feedback WHERE received < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";

/// Where a reader of reports is: behind this one.
#[derive(Clone, Debug)]
pub struct Behind {
    received: i64,
    key: Vec<u8>,
}

impl Default for Behind {
    fn default() -> Behind {
        Behind { received: i64::MIN, key: Vec::new() }
    }
}

impl Store {
    /// Reports of that time (Unix milliseconds, as the client says it) in the order they came, at most
    /// so many, and where to go on.
    ///
    /// # Errors
    /// The database did not answer in time.
    pub async fn feedback(
        &self,
        time: std::ops::Range<i64>,
        behind: &Behind,
        most: i64,
    ) -> Result<(Vec<FeedbackRow>, Behind), StoreError> {
        type Row = (
            Vec<u8>,
            i64,
            String,
            String,
            String,
            String,
            i64,
            String,
            String,
            Option<String>,
            i64,
        );
        let mut behind = behind.clone();
        let Behind { received, key } = behind.clone();
        let rows = self.record(|pool| async move {
            on_connection!(pool, |connection| {
                sqlx::query_as::<_, Row>(READ)
                    .bind(time.start)
                    .bind(time.end)
                    .bind(received)
                    .bind(key)
                    .bind(most)
                    .fetch_all(connection)
                    .await?
            })
        });
        let rows = rows.await?.into_iter().map(|row: Row| {
            let (key, received, client, service, card, outcome, ..) = row;
            let (.., outcome_at, suggestions, reasons, comment, comment_sent) = row;
            behind = Behind { received, key };
            FeedbackRow {
                received,
                client,
                service,
                card,
                outcome,
                outcome_at,
                suggestions,
                reasons,
                comment,
                comment_sent,
            }
        });
        let rows: Vec<FeedbackRow> = rows.collect();
        Ok((rows, behind))
    }

    /// Forgets the reports that came before that (Unix milliseconds), and says how many.
    ///
    /// # Errors
    /// The database did not answer; what was forgotten until then stays forgotten.
    pub async fn forget_feedback(&self, before: i64) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        loop {
            let batch = self.record(|pool| async move {
                let forget = match pool {
                    Pool::Sqlite(_) => FORGET,
                    Pool::Postgres(_) => FORGET_BESIDE_OTHERS,
                };
                rows_changed!(pool, sqlx::query(forget).bind(before).bind(BATCH))
            });
            match batch.await? {
                0 => return Ok(forgotten),
                rows => forgotten += rows,
            }
        }
    }

    /// Keeps the reports, all of them or none. Once this returns they survive the end of the process
    /// and of the machine. A report that is kept already is not kept twice.
    ///
    /// # Errors
    /// The database did not answer in time. The reports may have been written all the same: sent
    /// again, they count once.
    pub async fn keep_feedback(&self, rows: Vec<FeedbackRow>) -> Result<Kept, StoreError> {
        if rows.is_empty() {
            return Ok(Kept::default());
        }
        let mut keyed: Vec<([u8; 32], FeedbackRow)> =
            rows.into_iter().map(|row| (row.key(), row)).collect();
        // Two batches that hold the same reports never wait for one another in a circle.
        keyed.sort_by_key(|(key, _)| *key);
        self.record(|pool| async move {
            in_transaction!(pool, |transaction| {
                let mut new = 0;
                for (key, row) in &keyed {
                    let query = sqlx::query(KEEP)
                        .bind(key.as_slice())
                        .bind(row.received)
                        .bind(&row.client)
                        .bind(&row.service)
                        .bind(&row.card)
                        .bind(&row.outcome)
                        .bind(row.outcome_at)
                        .bind(&row.suggestions)
                        .bind(&row.reasons)
                        .bind(&row.comment)
                        .bind(row.comment_sent);
                    new += query.execute(&mut *transaction).await?.rows_affected();
                }
                Kept { new }
            })
        })
        .await
    }
}

impl FeedbackRow {
    /// Everything the report says but when it came. Each length goes first: no two are written alike.
    fn key(&self) -> [u8; 32] {
        let (at, sent) = (self.outcome_at.to_string(), self.comment_sent.to_string());
        let mut hash = Sha256::new();
        for part in [
            &self.client,
            &self.service,
            &self.card,
            &self.outcome,
            &at,
            &self.suggestions,
            &self.reasons,
            self.comment.as_ref().unwrap_or(&String::new()),
            &sent,
        ] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}
