#![allow(dead_code)]
#[path = "../src/bodies.rs"]
mod bodies;
#[path = "../src/load.rs"]
mod load;
#[path = "../src/process.rs"]
mod process;
#[path = "../src/table.rs"]
mod table;
use load::*;
use process::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let draft = if a[1] == "jak" { bodies::Draft::Jak } else { bodies::Draft::Other };
    let bytes: usize = a[2].parse().unwrap();
    let seconds: f64 = a[3].parse().unwrap();
    let perf = a.get(4).cloned();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let folder = Folder::new("one");
        let audit = std::env::var("AUDIT").is_ok();
        let server = Server::jakcard(&["serve", "--bind", "127.0.0.1:0", "--as-of", bodies::TODAY], folder.path(), audit);
        let floor = Server::floor("scan");
        let body = bodies::with_prefetch(draft, bytes);
        let path = "/cds-services/jak-inhibitor-order-sign";
        let mut t = Target::open(&server, vec![call(path, None, &body)], 32).await;
        let n = t.once().await.len();
        let mut f = Target::open(&floor, vec![call(&format!("/floor/{n}"), None, &body)], 32).await;
        for _ in 0..3 { t.turn(50).await; f.turn(50).await; }
        let child = perf.map(|p| std::process::Command::new("perf").args(["record", "-o", &p, "-F", "2500", "--call-graph", "dwarf,8192", "-p", &server.id().to_string(), "sleep", &a[3]]).stderr(std::process::Stdio::null()).spawn().unwrap());
        let s = std::time::Instant::now();
        let (mut own, mut base) = (vec![], vec![]);
        while s.elapsed().as_secs_f64() < seconds {
            own.push(t.turn(50).await);
            if child.is_none() { base.push(f.turn(50).await); }
        }
        if let Some(mut c) = child { c.wait().unwrap(); }
        let ratio = if base.is_empty() { 0.0 } else { Turn::ratio(&own, &base) };
        println!("{} {bytes}: {:.1} us  {ratio:.2} x floor ({:.1})  p50 {:.2} p99 {:.2}  peak {:.1} MB, answer {n}", a[1], Turn::cpu_us(&own), if base.is_empty() {0.0} else {Turn::cpu_us(&base)}, Turn::latency_ms(&own, 0.5), Turn::latency_ms(&own, 0.99), server.peak_mb());
    });
}
