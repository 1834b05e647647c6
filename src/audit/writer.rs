//! The queue of records and the thread that writes them down.
//!
//! What may be lost: records that wait while the store is down and the queue is full, and those of the
//! last moments before a kill. The first are counted, in a metric and in the chain itself; the second
//! show as a run without an end. ARCHITECTURE.md, "The store", has the whole policy.

use super::record::{Kind, entry, hex};
use crate::store::{Chain, Entry, Shelf, StoreError};
use jiff::Timestamp;
use metrics::{counter, gauge};
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Records that are written together.
const BATCH: usize = 500;
/// A record waits that long for others, so that a disk is not asked for each.
const LINGER: Duration = Duration::from_millis(20);
/// Time between two tries while the store is down.
const PAUSE: Duration = Duration::from_secs(1);
/// An answer that needs its record waits for it that long.
const STRICT: Duration = Duration::from_secs(1);
/// Time between two looks at what is too old, and two mentions of the head in the log.
const CHORES: Duration = Duration::from_secs(3600);
/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// How the audit is kept.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of the chain.
    pub replica: String,
    /// No answer without a record.
    pub strict: bool,
    /// Days that records and feedback are kept; 0: for ever.
    pub keep_days: u32,
    /// Records that may wait.
    pub queue: usize,
}

/// An answer must not go out: its record could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotRecorded;

/// Takes records and writes them down in a thread of its own.
#[derive(Debug)]
pub struct Audit {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    strict: bool,
    most: usize,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Something came, or this is the end.
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Pending>,
    lost: Option<Lost>,
    closing: Option<Instant>,
}

#[derive(Debug)]
struct Pending {
    entry: Entry,
    /// Told when it is on the disk; dropped when it could not be written.
    written: Option<oneshot::Sender<()>>,
}

/// Records that there was no room for.
#[derive(Clone, Copy, Debug)]
struct Lost {
    count: u64,
    from: Timestamp,
    to: Timestamp,
}

impl Audit {
    /// Starts the thread. The store is opened for the first record.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(shelf: Arc<Shelf>, settings: Settings) -> std::io::Result<Audit> {
        let shared = Arc::new(Shared::default());
        let (strict, most) = (settings.strict, settings.queue);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let run = hex(uuid::Uuid::new_v4().as_bytes());
        let writer = Writer {
            shared: Arc::clone(&shared),
            shelf,
            settings,
            run,
            runtime,
            begun: false,
            down: false,
            head: None,
            chores: None,
        };
        let thread = std::thread::Builder::new().name("jakcard-audit".to_owned());
        let thread = Mutex::new(Some(thread.spawn(move || writer.run())?));
        gauge!("jakcard_audit_queued").set(0.0);
        counter!("jakcard_audit_lost_total").absolute(0);
        Ok(Audit { shared, thread, strict, most })
    }

    /// Takes a record. Returns at once, or in strict mode when the record is on the disk.
    ///
    /// # Errors
    /// Strict mode, and the record could not be written: the answer must not go out.
    pub async fn keep(&self, entry: Entry) -> Result<(), NotRecorded> {
        let (tell, told) = oneshot::channel();
        let written = self.strict.then_some(tell);
        let waiting = {
            let mut queue = self.shared.queue();
            if queue.waiting.len() >= self.most {
                let at = moment(&entry);
                let lost = queue.lost.get_or_insert(Lost { count: 0, from: at, to: at });
                (lost.count, lost.to) = (lost.count + 1, at);
                counter!("jakcard_audit_lost_total").increment(1);
                return if self.strict { Err(NotRecorded) } else { Ok(()) };
            }
            queue.waiting.push_back(Pending { entry, written });
            gauge!("jakcard_audit_queued").set(queue.waiting.len() as f64);
            queue.waiting.len()
        };
        // Between the first and the last of a batch the thread waits for time to pass.
        if waiting == 1 || waiting == BATCH {
            self.shared.wake.notify_one();
        }
        if !self.strict {
            return Ok(());
        }
        match tokio::time::timeout(STRICT, told).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(NotRecorded),
        }
    }

    /// Writes what waits, for at most that long, and ends the chain of this run. Called when no more
    /// answers go out; a second call does nothing.
    pub fn close(&self, within: Duration) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        self.shared.queue().closing = Some(Instant::now() + within);
        self.shared.wake.notify_one();
        if thread.join().is_err() {
            tracing::error!("the audit's thread broke");
        }
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        self.close(PAUSE);
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is written next: waits for a record, for the end, or for that long.
    fn next(&self, patience: Duration, linger: Duration) -> (Vec<Pending>, Option<Lost>, bool) {
        let idle = |q: &mut Queue| q.waiting.is_empty() && q.lost.is_none() && q.closing.is_none();
        let (queue, _) = self
            .wake
            .wait_timeout_while(self.queue(), patience, idle)
            .unwrap_or_else(PoisonError::into_inner);
        let few = |q: &mut Queue| q.waiting.len() < BATCH && q.closing.is_none();
        let few = |q: &mut Queue| !q.waiting.is_empty() && few(q);
        let (mut queue, _) = self
            .wake
            .wait_timeout_while(queue, linger, few)
            .unwrap_or_else(PoisonError::into_inner);
        let count = queue.waiting.len().min(BATCH);
        let batch = queue.waiting.drain(..count).collect();
        gauge!("jakcard_audit_queued").set(queue.waiting.len() as f64);
        let ended = queue.closing.is_some() && queue.waiting.is_empty();
        (batch, queue.lost.take(), ended)
    }
}

struct Writer {
    shared: Arc<Shared>,
    shelf: Arc<Shelf>,
    settings: Settings,
    /// Names this run of the program.
    run: String,
    runtime: tokio::runtime::Runtime,
    /// The record of the start is written.
    begun: bool,
    /// The last try failed: said once.
    down: bool,
    head: Option<Chain>,
    chores: Option<Instant>,
}

/// A record about the chain itself.
#[derive(Serialize)]
struct Note<'a> {
    kind: Kind,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
}

impl Note<'_> {
    fn new(kind: Kind, at: Timestamp) -> Note<'static> {
        let at = at.to_string();
        Note {
            kind,
            at,
            run: None,
            version: None,
            count: None,
            from: None,
            to: None,
            last: None,
            hash: None,
        }
    }

    fn entry(&self, at: Timestamp) -> Entry {
        entry(self, at, String::new(), Vec::new())
    }
}

/// When the record was made.
fn moment(entry: &Entry) -> Timestamp {
    Timestamp::from_millisecond(entry.at).unwrap_or_default()
}

impl Writer {
    fn run(mut self) {
        let linger = if self.settings.strict { Duration::ZERO } else { LINGER };
        loop {
            let (batch, lost, ended) = self.shared.next(CHORES, linger);
            let written = self.write(batch, lost, ended);
            if ended || !written {
                self.say_head();
                return;
            }
            self.do_chores();
        }
    }

    /// Writes until it is written, or until the end has come and its patience is over.
    fn write(&mut self, batch: Vec<Pending>, lost: Option<Lost>, ended: bool) -> bool {
        let mut entries = Vec::with_capacity(batch.len() + 2);
        let now = batch.last().map_or_else(Timestamp::now, |last| moment(&last.entry));
        let something = !batch.is_empty() || lost.is_some();
        if something && !self.begun {
            let at = batch.first().map_or(now, |first| moment(&first.entry));
            let (run, version) = (Some(&*self.run), Some(env!("CARGO_PKG_VERSION")));
            entries.push(Note { run, version, ..Note::new(Kind::Started, at) }.entry(at));
        }
        if let Some(Lost { count, from, to }) = lost {
            let (from, to) = (Some(from.to_string()), Some(to.to_string()));
            let count = Some(count);
            entries.push(Note { count, from, to, ..Note::new(Kind::Lost, now) }.entry(now));
        }
        let mut waiting = Vec::new();
        for Pending { entry, written } in batch {
            entries.push(entry);
            waiting.extend(written);
        }
        if ended && (self.begun || !entries.is_empty()) {
            let run = Some(&*self.run);
            entries.push(Note { run, ..Note::new(Kind::Stopped, now) }.entry(now));
        }
        if entries.is_empty() {
            return true;
        }
        loop {
            match self.append(entries.clone()) {
                Ok(chain) => {
                    counter!("jakcard_audit_written_total").increment(entries.len() as u64);
                    for written in waiting {
                        // Who waited may have gone.
                        let _ = written.send(());
                    }
                    if std::mem::take(&mut self.down) {
                        tracing::info!("the audit is written again");
                    }
                    (self.begun, self.head) = (true, Some(chain));
                    return true;
                }
                Err(error) => {
                    // Answers that wait for their record do not wait for the end of this.
                    waiting.clear();
                    if !self.wait_after(&error, entries.len()) {
                        return false;
                    }
                }
            }
        }
    }

    fn append(&self, entries: Vec<Entry>) -> Result<Chain, StoreError> {
        self.runtime.block_on(async {
            let store = self.shelf.for_records().await?;
            store.append(&self.settings.replica, entries).await
        })
    }

    /// Says once that the store is down, and waits for the next try; false when there is none.
    fn wait_after(&mut self, error: &StoreError, entries: usize) -> bool {
        counter!("jakcard_store_failures_total").increment(1);
        if !std::mem::replace(&mut self.down, true) {
            let error = error.to_string();
            tracing::error!(error, "the audit cannot be written; records wait in a queue");
        }
        let queue = self.shared.queue();
        let pause = match queue.closing {
            None => PAUSE,
            Some(end) => end.saturating_duration_since(Instant::now()).min(PAUSE / 10),
        };
        if pause.is_zero() {
            let lost = entries + queue.waiting.len();
            counter!("jakcard_audit_lost_total").increment(lost as u64);
            tracing::error!(lost, "records of the audit are lost: the store did not come back");
            return false;
        }
        let open = |q: &mut Queue| q.closing.is_none();
        drop(self.shared.wake.wait_timeout_while(queue, pause, open));
        true
    }

    /// Forgets what is too old, and says where the chain ends: who keeps that line elsewhere can tell
    /// whether the chain was cut or written anew.
    fn do_chores(&mut self) {
        if self.chores.is_some_and(|last| last.elapsed() < CHORES) {
            return;
        }
        self.chores = Some(Instant::now());
        self.say_head();
        if self.settings.keep_days == 0 {
            return;
        }
        let forgotten = self.runtime.block_on(async {
            let store = self.shelf.for_records().await?;
            forget(&store, Timestamp::now(), self.settings.keep_days).await
        });
        match forgotten {
            Ok((records, reports)) => tracing::info!(records, reports, "old records forgotten"),
            Err(error) => {
                counter!("jakcard_store_failures_total").increment(1);
                let error = error.to_string();
                tracing::warn!(error, "old records stay in the store for now");
            }
        }
    }

    fn say_head(&self) {
        let Some(Chain { replica, head_seq, head_hash, .. }) = &self.head else { return };
        tracing::info!(
            replica,
            seq = head_seq,
            hash = hex(head_hash),
            "the last record of the audit so far"
        );
    }
}

/// Forgets the records of all chains and the feedback that are older, and says how many.
///
/// # Errors
/// The store did not answer.
pub async fn forget(
    store: &crate::store::Store,
    now: Timestamp,
    keep_days: u32,
) -> Result<(i64, u64), StoreError> {
    let before = now.as_millisecond() - i64::from(keep_days) * DAY;
    let mut records = 0;
    for chain in store.chains().await? {
        loop {
            let note = move |last: i64, hash: &[u8]| {
                let (last, hash) = (Some(last), Some(hex(hash)));
                Note { last, hash, ..Note::new(Kind::Pruned, now) }.entry(now)
            };
            match store.forget_audit(&chain.replica, before, note).await? {
                0 => break,
                some => records += some,
            }
        }
    }
    Ok((records, store.forget_feedback(before).await?))
}
