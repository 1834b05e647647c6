//! Does every chain still say what was written?
//!
//! Found: a record that was changed, taken out, put in or moved, a beginning that was cut without a
//! record of it, an end that was cut. Not found by the chain alone: an end that was cut, or a whole
//! chain that was written anew, by somebody who also corrected `audit_chains`; and a chain that was
//! taken out whole. That takes a head that was kept elsewhere (the log says it each hour).

use super::record::{Kind, Signs, hex};
use crate::store::{AuditRow, Chain, Store, StoreError};
use std::collections::BTreeSet;

/// Records that are read at once.
const PAGE: i64 = 1000;
/// Complaints about one chain; the rest is counted.
const MOST: usize = 20;

/// What became of one chain.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Whose chain.
    pub replica: String,
    /// Records that were read.
    pub records: i64,
    /// Its last record.
    pub head_seq: i64,
    /// The hash of that, hexadecimal.
    pub head_hash: String,
    /// The last record that was forgotten for its age.
    pub forgotten: i64,
    /// Answers that were lost before they could be written, as the chain says.
    pub lost: u64,
    /// Runs of the program that did not end: they go on, or they were killed, and then the records of
    /// their last moments may be missing.
    pub open_runs: usize,
    /// What is wrong.
    pub complaints: Vec<String>,
}

/// Reads every chain. `heads` were kept elsewhere: (replica, place, hash in hexadecimal).
///
/// # Errors
/// The store did not answer.
pub async fn verify(
    store: &Store,
    heads: &[(String, i64, String)],
) -> Result<Vec<Verdict>, StoreError> {
    let mut verdicts = Vec::new();
    for chain in store.chains().await? {
        let mut verdict = walk(store, &chain, heads).await?;
        // Old records that were forgotten meanwhile were missed: once more.
        for _ in 0..3 {
            let now = store.chains().await?.into_iter().find(|c| c.replica == chain.replica);
            let Some(now) = now else { break };
            if now.anchor_seq <= verdict.forgotten {
                break;
            }
            verdict = walk(store, &now, heads).await?;
        }
        verdicts.push(verdict);
    }
    for (replica, seq, _) in heads {
        if !verdicts.iter().any(|verdict| verdict.replica == *replica) {
            let complaint = format!("the chain is not there, expected record {seq}");
            let complaints = vec![complaint];
            verdicts.push(Verdict { replica: replica.clone(), complaints, ..Verdict::default() });
        }
    }
    Ok(verdicts)
}

struct Walk<'a> {
    verdict: Verdict,
    heads: Vec<&'a (String, i64, String)>,
    /// Place and hash of the record before.
    before: (i64, Vec<u8>),
    runs: BTreeSet<String>,
    /// What the newest record of forgetting says: place and hash.
    anchor: Option<(i64, String)>,
    more: usize,
}

async fn walk(
    store: &Store,
    chain: &Chain,
    heads: &[(String, i64, String)],
) -> Result<Verdict, StoreError> {
    let mut walk = Walk {
        verdict: Verdict {
            replica: chain.replica.clone(),
            forgotten: chain.anchor_seq,
            ..Verdict::default()
        },
        heads: heads.iter().filter(|(replica, ..)| *replica == chain.replica).collect(),
        before: (chain.anchor_seq, chain.anchor_hash.clone()),
        runs: BTreeSet::new(),
        anchor: None,
        more: 0,
    };
    walk.compare_heads(chain.anchor_seq, &chain.anchor_hash);
    let mut after = i64::MIN;
    loop {
        let rows = store.audited(&chain.replica, after, i64::MIN..i64::MAX, PAGE).await?;
        let Some(last) = rows.last() else { break };
        after = last.seq;
        // Record by record: a program may be writing, and what it wrote since is read as well.
        for row in &rows {
            walk.step(row, chain.anchor_seq);
        }
    }
    let now = store.chains().await?.into_iter().find(|c| c.replica == chain.replica);
    walk.end(now.as_ref().unwrap_or(chain), chain);
    Ok(walk.finish())
}

impl Walk<'_> {
    fn complain(&mut self, complaint: String) {
        if self.verdict.complaints.len() < MOST {
            self.verdict.complaints.push(complaint);
        } else {
            self.more += 1;
        }
    }

    fn step(&mut self, row: &AuditRow, anchor: i64) {
        let (before, hash) = self.before.clone();
        self.verdict.records += 1;
        if row.seq <= anchor {
            let complaint = format!("record {} should have been forgotten", row.seq);
            return self.complain(complaint);
        }
        match row.seq - before {
            1 => {}
            2 => self.complain(format!("record {} is missing", before + 1)),
            _ => self.complain(format!("records {} to {} are missing", before + 1, row.seq - 1)),
        }
        if row.hash != row.expected(&self.verdict.replica, &hash) && row.seq - before == 1 {
            let complaint = "was changed, or does not follow the one before it";
            self.complain(format!("record {} {complaint}", row.seq));
        }
        self.compare_heads(row.seq, &row.hash);
        self.read(row);
        self.before = (row.seq, row.hash.clone());
    }

    fn compare_heads(&mut self, seq: i64, hash: &[u8]) {
        let wrong = |head: &&&(String, i64, String)| {
            head.1 == seq && !head.2.eq_ignore_ascii_case(&hex(hash))
        };
        let wrong = self.heads.iter().filter(wrong).count();
        for _ in 0..wrong {
            let complaint = format!("record {seq} has another hash than the one that was kept");
            self.complain(complaint);
        }
        self.heads.retain(|head| head.1 != seq);
    }

    /// What the record says of the chain itself.
    fn read(&mut self, row: &AuditRow) {
        let Ok(signs) = serde_json::from_str::<Signs>(&row.record) else {
            return self.complain(format!("record {} cannot be read", row.seq));
        };
        match (signs.kind, signs.run) {
            (Kind::Started, Some(run)) => drop(self.runs.insert(run)),
            (Kind::Stopped, Some(run)) => drop(self.runs.remove(&run)),
            (Kind::Lost, _) => self.verdict.lost += signs.count.unwrap_or_default(),
            (Kind::Pruned, _) => {
                self.anchor =
                    Some((signs.last.unwrap_or_default(), signs.hash.unwrap_or_default()));
            }
            _ => {}
        }
    }

    fn end(&mut self, now: &Chain, then: &Chain) {
        let (last, hash) = self.before.clone();
        if last > now.head_seq {
            self.complain(format!(
                "there are records behind the end of the chain, {}",
                now.head_seq
            ));
        } else if last < then.head_seq {
            let (first, end) = (last + 1, then.head_seq);
            self.complain(format!("the end is missing: records {first} to {end}"));
        } else if last == now.head_seq && hash != now.head_hash {
            self.complain(format!("record {last} is not the one that the chain ended with"));
        }
        let said = self.anchor.clone().unwrap_or_default();
        let forgotten = (
            then.anchor_seq,
            if then.anchor_seq == 0 { String::new() } else { hex(&then.anchor_hash) },
        );
        // What was forgotten meanwhile is looked at once more.
        if said != forgotten && now.anchor_seq == then.anchor_seq {
            self.complain(format!(
                "the beginning was cut: no record says that those up to {} were forgotten",
                then.anchor_seq
            ));
        }
        let missing: Vec<i64> = self.heads.iter().map(|head| head.1).collect();
        for seq in missing.into_iter().filter(|seq| *seq > then.anchor_seq) {
            self.complain(format!(
                "record {seq} is not there, expected one with the hash that was kept"
            ));
        }
    }

    fn finish(mut self) -> Verdict {
        if self.more > 0 {
            self.verdict.complaints.push(format!("and {} complaints more", self.more));
        }
        let (seq, hash) = &self.before;
        (self.verdict.head_seq, self.verdict.head_hash) = (*seq, hex(hash));
        self.verdict.open_runs = self.runs.len();
        self.verdict
    }
}
