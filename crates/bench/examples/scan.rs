#[path = "../src/bodies.rs"]
#[allow(dead_code)]
mod bodies;
use std::time::Instant;
fn main() {
    for bytes in [4_000, 60_000, 1_000_000] {
        let body = bodies::with_prefetch(bodies::Draft::Other, bytes);
        let text = std::str::from_utf8(&body).unwrap();
        let n = 40_000_000 / bytes;
        let time = |f: &dyn Fn()| {
            let mut best = f64::MAX;
            for _ in 0..7 {
                let s = Instant::now();
                for _ in 0..n {
                    f()
                }
                best = best.min(s.elapsed().as_secs_f64() * 1e6 / n as f64)
            }
            best
        };
        let a = time(&|| {
            std::hint::black_box(serde_json::from_str::<serde::de::IgnoredAny>(text).unwrap());
        });
        let u = time(&|| {
            std::hint::black_box(std::str::from_utf8(&body).unwrap());
        });
        let b = time(&|| {
            std::hint::black_box(jakcard::fhir::Document::read(text).unwrap());
        });
        let d = jakcard::fhir::Document::read(text).unwrap();
        let c = time(&|| {
            std::hint::black_box(d.root().twin());
        });
        println!("{bytes}: ignored {a:.1} utf8 {u:.1} document {b:.1} ({:.2}) twins {c:.1}", b / a);
    }
}
