//! What is compared with what, and what is to be reached.

use crate::bodies::{self, Draft, TODAY};
use crate::inside::Inside;
use crate::load::{Target, Turn, call, in_turn, milliseconds};
use crate::process::{Folder, Server};
use crate::table::{Goals, median, slope};
use crate::tokens::Keys;
use crate::{ehr, load};
use std::time::Instant;

const SERVICE: &str = "/cds-services/jak-inhibitor-order-sign";
const SANDBOX: &[&str] = &["serve", "--bind", "127.0.0.1:0", "--as-of", TODAY];

/// Sizes of the prefetch, in bytes.
const SIZES: &[(&str, usize)] =
    &[("4 KB", 4_000), ("10 KB", 10_000), ("60 KB", 60_000), ("1 MB", 1_000_000)];

/// Connections at once, where the goals are held against.
const MANY: usize = 32;

/// Calls without and with a JAK inhibitor, beside both comparison servers.
pub async fn over_http(goals: &mut Goals) {
    let folder = Folder::new("http");
    let (scan, value) = (Server::floor("scan"), Server::floor("value"));
    let jakcard = Server::jakcard(SANDBOX, folder.path(), false);
    println!("## Over HTTP, without audit\n");
    Turn::head("order | prefetch | connections | server", "floor");
    for (draft, word) in [(Draft::Other, "no JAK inhibitor"), (Draft::Jak, "JAK inhibitor")] {
        for (size, bytes) in SIZES {
            for connections in [1, MANY] {
                let body = bodies::with_prefetch(draft, *bytes);
                let mut ours =
                    Target::open(&jakcard, vec![call(SERVICE, None, &body)], connections).await;
                let answer = ours.once().await;
                let cards = answer.windows(6).any(|w| w == b"\"uuid\"");
                assert_eq!(cards, draft == Draft::Jak, "cards for a JAK inhibitor, and only there");
                let fixed = vec![call(&format!("/floor/{}", answer.len()), None, &body)];
                let floor = Target::open(&scan, fixed.clone(), connections).await;
                let whole = Target::open(&value, fixed, connections).await;
                let turns = in_turn(&mut [floor, whole, ours], *bytes).await;
                for (name, own) in ["floor", "`Value`", "jakcard"].iter().zip(&turns) {
                    Turn::row(&format!("{word} | {size} | {connections} | {name}"), own, &turns[0]);
                }
                if connections == MANY {
                    let what = format!("{word}, {size}");
                    over_http_goal(goals, draft, size, &what, &turns);
                }
            }
        }
    }
}

fn over_http_goal(goals: &mut Goals, draft: Draft, size: &str, what: &str, turns: &[Vec<Turn>]) {
    let ratio = Turn::ratio(&turns[2], &turns[0]);
    match (draft, size) {
        (Draft::Other, _) => goals.at_most(what, 1.2, ratio, "× floor"),
        (Draft::Jak, "10 KB") => goals.at_most(what, 0.1, Turn::cpu_us(&turns[2]) / 1e3, "ms CPU"),
        (Draft::Jak, "60 KB") => {
            // The parsing alone: what the ordinary way takes beyond the floor, which scans the body itself.
            let parsing = Turn::cpu_us(&turns[1]) - Turn::cpu_us(&turns[0]);
            goals.at_most(what, 0.5, Turn::cpu_us(&turns[2]) / parsing, "× `Value`'s parsing");
        }
        (Draft::Jak, "1 MB") => goals.at_most(what, 1.5, ratio, "× floor"),
        _ => {}
    }
}

/// What signatures, the replay check and the audit add to a call.
pub async fn verified(goals: &mut Goals) {
    let (plain, audited, memory, store) =
        (Folder::new("plain"), Folder::new("audited"), Folder::new("memory"), Folder::new("store"));
    let keys = Keys::new();
    let verifying = |folder: &Folder, store| {
        let file = keys.settings(folder.path(), store).display().to_string();
        Server::jakcard(&["serve", "--config", &file], folder.path(), true)
    };
    let plain_server = Server::jakcard(&SANDBOX[..3], plain.path(), false);
    let audited_server = Server::jakcard(&SANDBOX[..3], audited.path(), true);
    let memory_server = verifying(&memory, None);
    let store_server = verifying(&store, Some("bench.db"));
    // A token may be used once in the whole run.
    let mut number = 0;
    println!("\n## Verified\n");
    Turn::head("order | prefetch | connections | call", "unverified");
    for (draft, word) in [(Draft::Other, "no JAK inhibitor"), (Draft::Jak, "JAK inhibitor")] {
        let body = bodies::with_prefetch(draft, 10_000);
        let mut signed = |algorithm: &str| {
            // A token may be used once: as many as there are calls.
            let one = |n: usize| {
                let token = keys.token(algorithm, SERVICE, number + n);
                call(SERVICE, Some(&token), &body)
            };
            let calls: Vec<Vec<u8>> = (0..load::calls(10_000, MANY)).map(one).collect();
            number += calls.len();
            calls
        };
        // Signing takes longer than a server waits for the first call of a connection.
        let (ec, rsa, stored) = (signed("ES384"), signed("RS384"), signed("ES384"));
        let unsigned = vec![call(SERVICE, None, &body)];
        let plain = Target::open(&plain_server, unsigned.clone(), MANY).await;
        let audited = Target::open(&audited_server, unsigned, MANY).await;
        let ec = Target::open(&memory_server, ec, MANY).await;
        let rsa = Target::open(&memory_server, rsa, MANY).await;
        let stored = Target::open(&store_server, stored, MANY).await;
        let turns = in_turn(&mut [plain, audited, ec, rsa, stored], 10_000).await;
        let names = [
            "unverified",
            "unverified, audit",
            "ES384, replay in memory, audit",
            "RS384, replay in memory, audit",
            "ES384, replay in SQLite, audit",
        ];
        for (name, own) in names.iter().zip(&turns) {
            Turn::row(&format!("{word} | 10 KB | {MANY} | {name}"), own, &turns[0]);
            if name.contains("S384") {
                let added = (Turn::cpu_us(own) - Turn::cpu_us(&turns[0])) / 1e3;
                goals.at_most(format!("{word}: {name}"), 0.25, added, "ms CPU added");
            }
        }
    }
}

/// Answered from a FHIR server instead of the prefetch.
pub async fn fetching(goals: &mut Goals) {
    let fhir_server = format!("http://{}/fhir", ehr::start());
    let folder = Folder::new("fetching");
    let jakcard = Server::jakcard(SANDBOX, folder.path(), false);
    println!("\n## Fetching, every answer after {} ms\n", ehr::LATENCY.as_millis());
    Turn::head("order | connections", "first row");
    let body = bodies::to_fetch(&fhir_server);
    let mut first = None;
    for connections in [1, MANY] {
        let ours = Target::open(&jakcard, vec![call(SERVICE, None, &body)], connections).await;
        let turns = in_turn(&mut [ours], 60_000).await;
        let turns = turns.into_iter().next().unwrap_or_default();
        let first = first.get_or_insert_with(|| turns.clone());
        Turn::row(&format!("JAK inhibitor, nothing prefetched | {connections}"), &turns, first);
        if connections == 1 {
            let most = milliseconds(ehr::LATENCY) + 10.0;
            goals.at_most("fetching, p50", most, Turn::latency_ms(&turns, 0.5), "ms");
        }
    }
}

/// Most memory at 32 connections.
pub async fn memory(goals: &mut Goals) {
    println!("\n## Peak memory at {MANY} connections\n\n| order | prefetch | MB |\n|---|---|---|");
    for (draft, word) in [(Draft::Other, "no JAK inhibitor"), (Draft::Jak, "JAK inhibitor")] {
        for (size, bytes) in [("60 KB", 60_000), ("1 MB", 1_000_000)] {
            let folder = Folder::new("memory");
            let jakcard = Server::jakcard(SANDBOX, folder.path(), true);
            let body = bodies::with_prefetch(draft, bytes);
            let ours = Target::open(&jakcard, vec![call(SERVICE, None, &body)], MANY).await;
            in_turn(&mut [ours], bytes).await;
            let peak = jakcard.peak_mb();
            println!("| {word} | {size} | {peak:.1} |");
            if size == "60 KB" {
                goals.at_most(format!("peak memory, {word}, {size}"), 25.0, peak, "MB");
            }
        }
    }
}

/// From the start of the process to the first card.
pub async fn starting(goals: &mut Goals) {
    let body = bodies::with_prefetch(Draft::Jak, 4_000);
    let mut times = Vec::new();
    for _ in 0..15 {
        let started = Instant::now();
        let folder = Folder::new("starting");
        let jakcard = Server::jakcard(SANDBOX, folder.path(), true);
        Target::open(&jakcard, vec![call(SERVICE, None, &body)], 1).await.once().await;
        times.push(milliseconds(started.elapsed()));
    }
    let time = median(times);
    println!("\n## Start to first card\n\n{time:.1} ms (median of 15)");
    goals.at_most("start to first card", 50.0, time, "ms");
}

/// The evaluation alone, and its cost against size.
pub fn evaluating(goals: &mut Goals) {
    let inside = Inside::new();
    println!("\n## Evaluation without HTTP\n");
    println!("| order | prefetch | CPU µs | KB allocated | blocks |\n|---|---|---|---|---|");
    for (draft, word) in [(Draft::Other, "no JAK inhibitor"), (Draft::Jak, "JAK inhibitor")] {
        for (size, bytes) in SIZES {
            let cost = inside.cost(&bodies::with_prefetch(draft, *bytes), 200);
            let (bytes, blocks) = cost.allocated;
            println!(
                "| {word} | {size} | {:.1} | {:.1} | {blocks} |",
                cost.cpu_us,
                bytes as f64 / 1e3
            );
        }
    }
    println!("\n| order | entries | CPU ms |\n|---|---|---|");
    for (draft, word) in [(Draft::Other, "no JAK inhibitor"), (Draft::Jak, "JAK inhibitor")] {
        let mut points = Vec::new();
        for entries in [1_000, 10_000, 100_000, 1_000_000] {
            let cost =
                inside.cost(&bodies::with_entries(draft, entries), 2_000_000 / entries / 20 + 3);
            println!("| {word} | {entries} | {:.2} |", cost.cpu_us / 1e3);
            points.push((entries as f64, cost.cpu_us));
        }
        goals.at_most(format!("cost against size, {word}"), 1.1, slope(&points), "(slope)");
    }
}
