#![allow(dead_code)]
#[path = "../src/bodies.rs"]
mod bodies;
use jakcard::config::Config;
use jakcard::knowledge::{embedded, read};
use jakcard::service::course::Course;
use jakcard::service::{Calendar, Caller, House, invoke};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
struct A;
thread_local! { static ON: Cell<bool> = const { Cell::new(false) }; }
static LOG: std::sync::Mutex<Vec<(String, usize)>> = std::sync::Mutex::new(Vec::new());
fn note(size: usize) {
    if !ON.get() {
        return;
    }
    ON.set(false);
    let b = std::backtrace::Backtrace::force_capture().to_string();
    let names: Vec<&str> = b
        .lines()
        .filter_map(|l| l.trim().split_once(": ").map(|x| x.1))
        .filter(|n| n.contains("jakcard::"))
        .take(3)
        .collect();
    LOG.lock().unwrap().push((names.join(" < "), size));
    ON.set(true);
}
unsafe impl GlobalAlloc for A {
    unsafe fn alloc(&self, l: Layout) -> *mut u8 {
        note(l.size());
        unsafe { System.alloc(l) }
    }
    unsafe fn dealloc(&self, p: *mut u8, l: Layout) {
        unsafe { System.dealloc(p, l) }
    }
    unsafe fn realloc(&self, p: *mut u8, l: Layout, s: usize) -> *mut u8 {
        note(s);
        unsafe { System.realloc(p, l, s) }
    }
}
#[global_allocator]
static ALLOC: A = A;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let draft = if a[1] == "jak" { bodies::Draft::Jak } else { bodies::Draft::Other };
    let body = bodies::with_prefetch(draft, a[2].parse().unwrap());
    let knowledge = read::read(&embedded::embedded()).expect("sound");
    let calendar = Calendar::Fixed(bodies::TODAY.parse().unwrap());
    let config = Config::default();
    let caller = Caller::sandbox(&config);
    let house = House::offline(config, knowledge, calendar);
    let service = house.service("jak-inhibitor-order-sign").unwrap();
    let go = || {
        let mut course = Course::begin();
        let answer = invoke(&body, &service, &caller, &house, &mut course);
        futures_util::FutureExt::now_or_never(answer).unwrap().unwrap()
    };
    let x = go();
    println!("json {} bytes", x.json.len());
    ON.set(true);
    let x = go();
    ON.set(false);
    drop(x);
    let log = std::mem::take(&mut *LOG.lock().unwrap());
    let mut by: std::collections::BTreeMap<String, (usize, usize)> = Default::default();
    for (n, s) in &log {
        let e = by.entry(n.clone()).or_default();
        e.0 += 1;
        e.1 += s;
    }
    let mut v: Vec<_> = by.into_iter().collect();
    v.sort_by_key(|x| std::cmp::Reverse(x.1.0));
    println!("total {}", log.len());
    for (n, (c, s)) in v.into_iter().take(90) {
        println!("{c} {s} {n}");
    }
}
