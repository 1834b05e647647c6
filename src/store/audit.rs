//! What was answered, in chains that show every change?
//!
//! One chain for each replica. Who appends holds the row of the chain until it commits, so that
//! programs which share a name share a chain, and none forks it.

use super::chain::{AuditRow, NOTHING};
use super::pool::{in_transaction, on_connection};
use super::{Store, StoreError};
use sqlx::QueryBuilder;

/// A record to be written.
#[derive(Clone, Debug)]
pub struct Entry {
    /// 16 bytes of its own.
    pub id: [u8; 16],
    /// Unix milliseconds.
    pub at: i64,
    /// JSON.
    pub record: String,
    /// Name of the client whose cards these are.
    pub client: String,
    /// `uuid` of the cards that feedback may name.
    pub cards: Vec<String>,
}

/// Where a chain begins and ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Who writes it.
    pub replica: String,
    /// Its last record.
    pub head_seq: i64,
    /// The hash of that.
    pub head_hash: Vec<u8>,
    /// The last record that was forgotten for its age; 0 when none was.
    pub anchor_seq: i64,
    /// The hash of that.
    pub anchor_hash: Vec<u8>,
}

/// Records that are forgotten in one transaction.
const MOST_FORGOTTEN: i64 = 1000;

const BEGIN_CHAIN: &str = "INSERT INTO audit_chains (replica, head_seq, head_hash, anchor_seq, \
    anchor_hash) VALUES ($1, 0, $2, 0, $2) ON CONFLICT (replica) DO NOTHING";

/// Changes nothing, and holds the chain until the transaction ends.
const HOLD: &str = "UPDATE audit_chains SET head_seq = head_seq WHERE replica = $1 \
    RETURNING head_seq, head_hash, anchor_seq";

const KNOWN: &str = "SELECT count(*) FROM audit WHERE id = $1";

const WRITE: &str = "INSERT INTO audit (replica, seq, id, at, record, hash) ";

const NAME_CARDS: &str = "INSERT INTO audit_cards (card, client, replica, seq) ";

const ONCE: &str = " ON CONFLICT (card, client) DO NOTHING";

/// Rows of one statement. Each statement is two changes of threads, and a database binds only so many
/// values.
const ROWS: usize = 1000;

const MOVE_HEAD: &str = "UPDATE audit_chains SET head_seq = $2, head_hash = $3 WHERE replica = $1";

const CHAINS: &str = "SELECT replica, head_seq, head_hash, anchor_seq, anchor_hash \
    FROM audit_chains ORDER BY replica";

const READ: &str = "SELECT seq, id, at, record, hash FROM audit \
    WHERE replica = $1 AND seq > $2 AND at >= $3 AND at < $4 ORDER BY seq LIMIT $5";

const FIRST_KEPT: &str = "SELECT seq FROM audit WHERE replica = $1 AND seq > $2 AND seq <= $3 \
    AND at >= $4 ORDER BY seq LIMIT 1";

const HASH: &str = "SELECT hash FROM audit WHERE replica = $1 AND seq = $2";

const FORGET_RECORDS: &str = "DELETE FROM audit WHERE replica = $1 AND seq <= $2";

const FORGET_CARDS: &str = "DELETE FROM audit_cards WHERE replica = $1 AND seq <= $2";

const MOVE_ANCHOR: &str =
    "UPDATE audit_chains SET anchor_seq = $2, anchor_hash = $3 WHERE replica = $1";

const UNKNOWN_CARD: &str = "SELECT count(*) FROM audit_cards WHERE card = $1 AND client = $2";

/// Writes records to their chain.
macro_rules! write_records {
    ($transaction:expr, $replica:expr, $records:expr) => {
        for records in $records.chunks(ROWS) {
            let mut write = QueryBuilder::new(WRITE);
            write.push_values(records, |mut row, record: &AuditRow| {
                row.push_bind(&$replica).push_bind(record.seq).push_bind(&record.id);
                row.push_bind(record.at).push_bind(&record.record).push_bind(&record.hash);
            });
            write.build().persistent(false).execute(&mut *$transaction).await?;
        }
    };
}

impl Store {
    /// Appends the records to the chain of the replica, all of them or none, and says where it ends
    /// then. Records that were appended before (told by the first of them) are not appended again.
    ///
    /// # Errors
    /// The database did not answer in time. The records may have been written all the same: appended
    /// again, they stand there once.
    pub async fn append(&self, replica: &str, entries: Vec<Entry>) -> Result<Chain, StoreError> {
        let replica = replica.to_owned();
        self.record(|pool| async move {
            in_transaction!(pool, |transaction| {
                let begin = sqlx::query(BEGIN_CHAIN).bind(&replica).bind(NOTHING.as_slice());
                begin.execute(&mut *transaction).await?;
                let hold = sqlx::query_as::<_, (i64, Vec<u8>, i64)>(HOLD).bind(&replica);
                let (mut head, mut hash, anchor_seq) = hold.fetch_one(&mut *transaction).await?;
                let first = entries.first().map(|e| e.id).unwrap_or_default();
                let known = sqlx::query_scalar::<_, i64>(KNOWN).bind(first.as_slice());
                if known.fetch_one(&mut *transaction).await? == 0 {
                    let (mut records, mut cards) = (Vec::new(), Vec::new());
                    for Entry { id, at, record, client, cards: named } in entries {
                        head += 1;
                        let record = next(&replica, (head, &hash), id, at, record);
                        hash.clone_from(&record.hash);
                        records.push(record);
                        cards.extend(named.into_iter().map(|card| (card, client.clone(), head)));
                    }
                    write_records!(transaction, replica, records);
                    for cards in cards.chunks(ROWS) {
                        let mut name = QueryBuilder::new(NAME_CARDS);
                        name.push_values(cards, |mut row, (card, client, seq)| {
                            row.push_bind(card)
                                .push_bind(client)
                                .push_bind(&replica)
                                .push_bind(*seq);
                        });
                        name.push(ONCE);
                        name.build().persistent(false).execute(&mut *transaction).await?;
                    }
                    let moved = sqlx::query(MOVE_HEAD).bind(&replica).bind(head).bind(&hash);
                    moved.execute(&mut *transaction).await?;
                }
                Chain {
                    replica,
                    head_seq: head,
                    head_hash: hash,
                    anchor_seq,
                    anchor_hash: Vec::new(),
                }
            })
        })
        .await
    }

    /// Where each chain begins and ends.
    ///
    /// # Errors
    /// The database did not answer in time.
    pub async fn chains(&self) -> Result<Vec<Chain>, StoreError> {
        let rows = self.record(|pool| async move {
            on_connection!(pool, |connection| {
                sqlx::query_as::<_, (String, i64, Vec<u8>, i64, Vec<u8>)>(CHAINS)
                    .fetch_all(connection)
                    .await?
            })
        });
        let chain = |(replica, head_seq, head_hash, anchor_seq, anchor_hash)| Chain {
            replica,
            head_seq,
            head_hash,
            anchor_seq,
            anchor_hash,
        };
        Ok(rows.await?.into_iter().map(chain).collect())
    }

    /// The records of a chain behind that one and inside that time (Unix milliseconds), at most so
    /// many.
    ///
    /// # Errors
    /// The database did not answer in time.
    pub async fn audited(
        &self,
        replica: &str,
        after: i64,
        time: std::ops::Range<i64>,
        most: i64,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let replica = replica.to_owned();
        let rows = self.record(|pool| async move {
            on_connection!(pool, |connection| {
                sqlx::query_as::<_, (i64, Vec<u8>, i64, String, Vec<u8>)>(READ)
                    .bind(&replica)
                    .bind(after)
                    .bind(time.start)
                    .bind(time.end)
                    .bind(most)
                    .fetch_all(connection)
                    .await?
            })
        });
        let row = |(seq, id, at, record, hash)| AuditRow { seq, id, at, record, hash };
        Ok(rows.await?.into_iter().map(row).collect())
    }

    /// Forgets the beginning of a chain: records older than `before` (Unix milliseconds), a bounded
    /// number of them. `note` makes the record that says so out of the last place that is forgotten and its
    /// hash; it is appended, and binds the new beginning. Says how many were forgotten.
    ///
    /// # Errors
    /// The database did not answer in time.
    pub async fn forget_audit(
        &self,
        replica: &str,
        before: i64,
        note: impl FnOnce(i64, &[u8]) -> Entry + Send + 'static,
    ) -> Result<i64, StoreError> {
        let replica = replica.to_owned();
        self.record(|pool| async move {
            in_transaction!(pool, |transaction| {
                let hold = sqlx::query_as::<_, (i64, Vec<u8>, i64)>(HOLD).bind(&replica);
                let held = hold.fetch_optional(&mut *transaction).await?;
                let (head, head_hash, anchor) = held.unwrap_or_default();
                let last = head.min(anchor + MOST_FORGOTTEN);
                let kept = sqlx::query_scalar::<_, i64>(FIRST_KEPT).bind(&replica).bind(anchor);
                let kept = kept.bind(last).bind(before).fetch_optional(&mut *transaction).await?;
                let last = kept.map_or(last, |kept| kept - 1);
                let hash = sqlx::query_scalar::<_, Vec<u8>>(HASH).bind(&replica).bind(last);
                let hash = hash.fetch_optional(&mut *transaction).await?;
                if let Some(hash) = hash.filter(|_| last > anchor) {
                    let Entry { id, at, record, .. } = note(last, &hash);
                    let records = [next(&replica, (head + 1, &head_hash), id, at, record)];
                    write_records!(transaction, replica, records);
                    let [AuditRow { seq, hash: new, .. }] = records;
                    let moved = sqlx::query(MOVE_HEAD).bind(&replica).bind(seq).bind(new);
                    moved.execute(&mut *transaction).await?;
                    let moved = sqlx::query(MOVE_ANCHOR).bind(&replica).bind(last).bind(&hash);
                    moved.execute(&mut *transaction).await?;
                    for forget in [FORGET_CARDS, FORGET_RECORDS] {
                        let forget = sqlx::query(forget).bind(&replica).bind(last);
                        forget.execute(&mut *transaction).await?;
                    }
                    last - anchor
                } else {
                    0
                }
            })
        })
        .await
    }

    /// How many of these cards no record tells of.
    ///
    /// # Errors
    /// The database did not answer in time.
    pub async fn unknown_cards(&self, client: &str, cards: Vec<String>) -> Result<u64, StoreError> {
        let client = client.to_owned();
        self.record(|pool| async move {
            on_connection!(pool, |connection| {
                let mut unknown = 0;
                for card in &cards {
                    let known = sqlx::query_scalar::<_, i64>(UNKNOWN_CARD).bind(card).bind(&client);
                    unknown += u64::from(known.fetch_one(&mut *connection).await? == 0);
                }
                unknown
            })
        })
        .await
    }
}

/// The record with this place, behind the one with that hash.
fn next(
    replica: &str,
    (seq, before): (i64, &[u8]),
    id: [u8; 16],
    at: i64,
    record: String,
) -> AuditRow {
    let mut row = AuditRow { seq, id: id.to_vec(), at, record, hash: Vec::new() };
    row.hash = row.expected(replica, before).to_vec();
    row
}
