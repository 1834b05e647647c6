//! The evaluation without HTTP: time, allocations, cost against size, instructions.

use crate::bodies::{self, Draft};
use crate::process::thread_cpu;
use jakcard::config::Config;
use jakcard::knowledge::{embedded, read};
use jakcard::service::course::Course;
use jakcard::service::{Calendar, Caller, House, invoke};
use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts what is allocated.
struct Counting;

static BYTES: AtomicU64 = AtomicU64::new(0);
static COUNT: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is handed on to jakcard's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size() as u64, Relaxed);
        COUNT.fetch_add(1, Relaxed);
        unsafe { MiMalloc.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { MiMalloc.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        BYTES.fetch_add(size.saturating_sub(layout.size()) as u64, Relaxed);
        COUNT.fetch_add(1, Relaxed);
        unsafe { MiMalloc.realloc(pointer, layout, size) }
    }
}

/// A house that answers in this thread.
pub struct Inside {
    house: House,
    caller: Caller,
}

/// What one evaluation costs.
pub struct Cost {
    /// CPU time, the median.
    pub cpu_us: f64,
    /// Bytes and blocks that were allocated.
    pub allocated: (u64, u64),
}

impl Inside {
    pub fn new() -> Inside {
        let knowledge = read::read(&embedded::embedded()).expect("the knowledge is sound");
        let calendar = Calendar::Fixed(bodies::TODAY.parse().expect("a date"));
        let mut config = Config::default();
        // The cost against size is told beyond what a call may hold, too.
        config.limits.entries = usize::MAX;
        let caller = Caller::sandbox(&config);
        Inside { house: House::offline(config, knowledge, calendar), caller }
    }

    /// Answers one request; its answer's size.
    fn answer(&self, body: &[u8]) -> usize {
        let service = self.house.service("jak-inhibitor-order-sign").expect("the service");
        let mut course = Course::begin();
        let answer = invoke(body, &service, &self.caller, &self.house, &mut course);
        // Nothing in it waits: there is nobody to ask.
        let answer = futures_util::FutureExt::now_or_never(answer).expect("answered at once");
        answer.expect("answered").json.len()
    }

    /// The cost of one request, over so many evaluations.
    pub fn cost(&self, body: &[u8], times: usize) -> Cost {
        self.answer(body);
        let before = (BYTES.load(Relaxed), COUNT.load(Relaxed));
        self.answer(body);
        let allocated = (BYTES.load(Relaxed) - before.0, COUNT.load(Relaxed) - before.1);
        let one = |_| {
            let started = thread_cpu();
            self.answer(body);
            (thread_cpu() - started).as_secs_f64() * 1e6
        };
        let cpu_us = crate::table::median((0..times).map(one).collect());
        Cost { cpu_us, allocated }
    }
}

/// The fixed requests whose instructions are counted.
const COUNTED: &[(&str, Draft, usize)] = &[
    ("other-4k", Draft::Other, 4_000),
    ("other-60k", Draft::Other, 60_000),
    ("jak-10k", Draft::Jak, 10_000),
    ("jak-60k", Draft::Jak, 60_000),
    ("jak-1m", Draft::Jak, 1_000_000),
];

/// Instructions of the last accepted measurement.
const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.txt");

/// A count may differ from the baseline by this share: allocators and hash seeds differ.
const TOLERANCE: f64 = 0.05;

/// Evaluates one of the fixed requests so many times, for [`instructions`].
pub fn repeat(name: &str, times: usize) {
    let (_, draft, bytes) = COUNTED.iter().find(|(n, ..)| *n == name).expect("a fixed request");
    let (inside, body) = (Inside::new(), bodies::with_prefetch(*draft, *bytes));
    for _ in 0..times {
        inside.answer(&body);
    }
}

/// Counts instructions with callgrind and holds them against the baseline; with `write` they become
/// it. Whether none is beyond the tolerance.
pub fn instructions(write: bool) -> bool {
    let baseline = std::fs::read_to_string(BASELINE).unwrap_or_default();
    let known = |name: &str| -> Option<f64> {
        baseline.lines().find_map(|l| l.strip_prefix(name)?.trim().parse().ok())
    };
    let mut text = String::new();
    let mut sound = true;
    println!("| request | instructions | baseline | ratio |\n|---|---|---|---|");
    for (name, _, bytes) in COUNTED {
        // What loading costs falls out of the difference. It is not always the same (tables are hashed with
        // a seed), so a small request is repeated more often.
        let times = (1_000_000 / bytes).max(10);
        let (once, more) = (collected(name, 1), collected(name, 1 + times));
        let count = (more - once) / times as f64;
        text.push_str(&format!("{name} {count:.0}\n"));
        let ratio = known(name).map(|known| count / known);
        sound &= write || ratio.is_some_and(|ratio| (ratio - 1.0).abs() <= TOLERANCE);
        let shown =
            |value: Option<f64>, places| value.map_or("-".into(), |v| format!("{v:.places$}"));
        println!("| {name} | {count:.0} | {} | {} |", shown(known(name), 0), shown(ratio, 3));
    }
    if write {
        std::fs::write(BASELINE, text).expect("the baseline");
    }
    sound
}

fn collected(name: &str, times: usize) -> f64 {
    let this = std::env::current_exe().expect("this program");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(this)
        .args(["repeat", name, &times.to_string()])
        .output()
        .expect("valgrind is installed");
    let text = String::from_utf8_lossy(&output.stderr);
    let count = text.lines().find_map(|l| l.split("Collected : ").nth(1)?.trim().parse().ok());
    count.unwrap_or_else(|| panic!("callgrind counted nothing:\n{text}"))
}
