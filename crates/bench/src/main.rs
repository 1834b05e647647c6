//! How fast is jakcard, beside a server that only reads the request?
//!
//! ```console
//! $ cargo run --release -p jakcard-bench                    # everything, some minutes
//! $ cargo run --release -p jakcard-bench -- instructions    # callgrind, against the baseline
//! ```
//!
//! All servers are processes of their own and are asked in turn within one run, so that whatever else
//! the machine does meets them alike. CPU time per request is the figure to look at; a ratio is the
//! median of the ratios of single turns.

mod bodies;
mod ehr;
mod inside;
mod load;
mod process;
mod scenarios;
mod table;
mod tokens;

use std::process::ExitCode;
use table::Goals;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => everything(),
        ["repeat", name, times] => inside::repeat(name, times.parse().expect("a number")),
        ["evaluate"] => scenarios::evaluating(&mut Goals::new()),
        ["instructions"] if !inside::instructions(false) => {
            eprintln!("beyond the tolerance; if that is meant: `instructions write`");
            return ExitCode::FAILURE;
        }
        ["instructions"] => {}
        ["instructions", "write"] => _ = inside::instructions(true),
        _ => {
            eprintln!("expected nothing, `evaluate`, `instructions` or `instructions write`");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn everything() {
    process::build();
    let mut goals = Goals::new();
    let driver = tokio::runtime::Builder::new_current_thread().enable_all().build();
    driver.expect("a runtime").block_on(async {
        scenarios::over_http(&mut goals).await;
        scenarios::verified(&mut goals).await;
        scenarios::fetching(&mut goals).await;
        scenarios::memory(&mut goals).await;
        scenarios::starting(&mut goals).await;
    });
    scenarios::evaluating(&mut goals);
    goals.print();
}
