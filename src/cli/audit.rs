//! `audit`: are the records as they were written, and what do they say?

use super::store::open;
use super::{AuditCommand, Records, Stop, print, wait};
use jakcard::audit::{Verdict, hex, verify};
use jakcard::store::Store;
use serde::Serialize;
use serde_json::value::RawValue;
use std::ops::Range;
use std::process::ExitCode;

pub fn audit(command: &AuditCommand) -> Result<ExitCode, Stop> {
    match command {
        AuditCommand::Verify { records, expect } => check(records, expect),
        AuditCommand::Export { records, period } => export(records, period.time()),
    }
}

fn check(records: &Records, expect: &[String]) -> Result<ExitCode, Stop> {
    let heads: Vec<(String, i64, String)> =
        expect.iter().map(|text| head(text)).collect::<Result<_, _>>()?;
    let store = open(records)?;
    let verdicts = wait(verify(&store, &heads)).map_err(|e| Stop(2, e.to_string()))?;
    let mut text = String::new();
    for verdict in &verdicts {
        text.push_str(&line(verdict));
        for complaint in &verdict.complaints {
            text.push_str(&format!("  {complaint}\n"));
        }
    }
    if verdicts.is_empty() {
        text.push_str("no record was written yet\n");
    }
    print(text.as_bytes())?;
    let complaints: usize = verdicts.iter().map(|verdict| verdict.complaints.len()).sum();
    if complaints > 0 {
        return Err(Stop(
            1,
            format!("the audit is not as it was written: {complaints} complaints"),
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// `REPLICA:RECORD:HASH`, as the line of the log and of `audit verify` has it.
fn head(text: &str) -> Result<(String, i64, String), Stop> {
    let mut parts = text.splitn(3, ':');
    let (replica, seq, hash) = (parts.next(), parts.next(), parts.next());
    let seq = seq.and_then(|seq| seq.parse().ok());
    let hash = hash.filter(|h| h.len() == 64 && h.chars().all(|c| c.is_ascii_hexdigit()));
    match (replica, seq, hash) {
        (Some(replica), Some(seq), Some(hash)) => Ok((replica.to_owned(), seq, hash.to_owned())),
        _ => Err(Stop(
            2,
            format!(
                "`--expect` is `{text}`, expected REPLICA:RECORD:HASH as `audit verify` prints it"
            ),
        )),
    }
}

fn line(verdict: &Verdict) -> String {
    let Verdict { replica, records, head_seq, head_hash, forgotten, lost, open_runs, .. } = verdict;
    let sound = if verdict.complaints.is_empty() { "sound" } else { "NOT SOUND" };
    let mut line = format!(
        "{replica}: {sound}, {records} records; ends with {replica}:{head_seq}:{head_hash}\n"
    );
    if *forgotten > 0 {
        line.push_str(&format!("  records up to {forgotten} were forgotten for their age\n"));
    }
    if *lost > 0 {
        line.push_str(&format!("  answers without a record, because the store was down: {lost}\n"));
    }
    if *open_runs > 0 {
        line.push_str(&format!(
            "  runs that have not ended, or were killed (then their last moments may be missing): {open_runs}\n"
        ));
    }
    line
}

/// One record, as it is printed.
#[derive(Serialize)]
struct Line<'a> {
    replica: &'a str,
    seq: i64,
    hash: String,
    record: Option<&'a RawValue>,
}

fn export(records: &Records, time: Range<i64>) -> Result<ExitCode, Stop> {
    let store = open(records)?;
    let failed = |e: jakcard::store::StoreError| Stop(2, e.to_string());
    for chain in wait(store.chains()).map_err(failed)? {
        let mut after = i64::MIN;
        loop {
            let page = page(&store, &chain.replica, after, time.clone()).map_err(failed)?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            let mut text = String::new();
            for row in &page {
                let record = serde_json::from_str(&row.record).ok();
                let hash = hex(&row.hash);
                let line = Line { replica: &chain.replica, seq: row.seq, hash, record };
                text.push_str(&serde_json::to_string(&line).unwrap_or_default());
                text.push('\n');
            }
            print(text.as_bytes())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn page(
    store: &Store,
    replica: &str,
    after: i64,
    time: Range<i64>,
) -> Result<Vec<jakcard::store::AuditRow>, jakcard::store::StoreError> {
    wait(store.audited(replica, after, time, 1000))
}
