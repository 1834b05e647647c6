//! What did users do with cards?

use super::pool::in_transaction;
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

impl Store {
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
