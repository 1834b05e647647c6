//! One line of the log as JSON: the time, the level, what the event tells, where it is from, and the
//! request that it belongs to.
//!
//! The lines are those of `tracing_subscriber`'s own JSON, but for libraries that use the `log` crate: of
//! their place only the target is said. The library writes a line in small pieces and reads the request's
//! part anew for each, which costs more than looking at an order does.

use jiff::Timestamp;
use serde::Serialize;
use std::cell::Cell;
use std::fmt::{self, Debug};
use std::io::Write;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes lines.
pub struct LogLine;

thread_local! {
    /// Room for a line.
    static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl<S, N> FormatEvent<S, N> for LogLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = ROOM.take();
        line.clear();
        // A Vec takes everything.
        _ = write!(line, "{{\"timestamp\":\"{:.6}\"", Timestamp::now());
        let mut members = Members { line, target: None };
        members.add("level", event.metadata().level().as_str());
        event.record(&mut members);
        let target = members.target.take();
        members.add("target", target.as_deref().unwrap_or(event.metadata().target()));
        let mut line = members.line;
        let named = event.parent().and_then(|id| context.span(id));
        if let Some(span) = named.or_else(|| context.lookup_current()) {
            let extensions = span.extensions();
            // What the span tells stands there as a JSON object.
            let told = extensions.get::<FormattedFields<N>>().map_or("", |told| &told.fields);
            let told = told.strip_prefix('{').and_then(|told| told.strip_suffix('}'));
            let told = told.unwrap_or_default();
            let comma = if told.is_empty() { "" } else { "," };
            _ = write!(line, ",\"span\":{{{told}{comma}\"name\":\"{}\"}}", span.name());
        }
        line.extend_from_slice(b"}\n");
        let written = writer.write_str(std::str::from_utf8(&line).map_err(|_| fmt::Error)?);
        ROOM.set(line);
        written
    }
}

/// The members of a line.
struct Members {
    line: Vec<u8>,
    /// Where an event of the `log` crate is from.
    target: Option<String>,
}

impl Members {
    fn add(&mut self, name: &str, value: impl Serialize) {
        if name.starts_with(OF_LOG) {
            return;
        }
        self.line.push(b',');
        // Neither a text nor a number can fail.
        _ = serde_json::to_writer(&mut self.line, name);
        self.line.push(b':');
        _ = serde_json::to_writer(&mut self.line, &value);
    }
}

/// So begins what an event of the `log` crate tells of its place; only the target is said, in place of
/// our own.
const OF_LOG: &str = "log.";
const TARGET: &str = "log.target";

impl Visit for Members {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            TARGET => self.target = Some(value.to_owned()),
            name => self.add(name, value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("kept").extend_from_slice(line);
            Ok(line.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(what: impl Fn(), ours: bool) -> Vec<Value> {
        let kept = Kept::default();
        let to = kept.clone();
        let lines = tracing_subscriber::fmt().with_writer(move || to.clone()).json();
        let lines = lines.flatten_event(true).with_span_list(false);
        match ours {
            true => tracing::subscriber::with_default(lines.event_format(LogLine).finish(), what),
            false => tracing::subscriber::with_default(lines.finish(), what),
        }
        let text = String::from_utf8(kept.0.lock().expect("kept").clone()).expect("UTF-8");
        let line = |line: &str| {
            let mut line: Value = serde_json::from_str(line).expect(line);
            let time = line["timestamp"].take();
            let time = time.as_str().expect("a time");
            assert_eq!(time.len(), "2026-11-28T20:31:29.973222Z".len(), "{time}");
            let time: Timestamp = time.parse().expect("a time");
            assert!(Timestamp::now().duration_since(time).as_secs() < 60);
            line
        };
        text.lines().map(line).collect()
    }

    #[test]
    fn a_line_is_what_the_librarys_own_json_says() {
        let say = || {
            let whose = Some(tracing::field::display("\"x\""));
            tracing::info!(count = 3_u64, less = -1_i64, took = 0.25, yes = true, whose, "a \"b\"");
            let span = tracing::error_span!(
                "request",
                request_id = %"{id-1}",
                trace_id = None::<String>,
                later = tracing::field::Empty,
            );
            let in_it = span.enter();
            tracing::error!(error = "broke\n", nothing = None::<&str>, not = f64::NAN, "in it");
            span.record("later", "}");
            tracing::warn!("more of it");
            let inner = tracing::info_span!("inner");
            let inside = inner.enter();
            tracing::info!("no members");
            tracing::info!(target: "somewhere::else", name = ?"b\u{7}", "{} and {}", 1, "\u{e9}");
            tracing::info!(parent: &span, "of the outer");
            drop((in_it, inside));
            tracing::info!(parent: &span, "outside");
        };
        let ours = logged(say, true);
        assert_eq!(ours, logged(say, false));
        assert_eq!(ours.len(), 7);
        assert_eq!(ours[1]["span"], json!({ "request_id": "{id-1}", "name": "request" }));
        assert_eq!(ours[2]["span"]["later"], "}");
        assert_eq!(ours[5]["span"]["name"], "request");
    }

    #[test]
    fn of_the_place_of_a_library_that_uses_log_the_target_is_said() {
        let record = || {
            tracing::info!(
                log.target = "a::library",
                log.module_path = "a",
                log.file = "a.rs",
                log.line = 7_u64,
                "said"
            );
        };
        let ours = logged(record, true);
        assert_eq!(
            ours,
            [
                json!({ "timestamp": null, "level": "INFO", "message": "said", "target": "a::library" })
            ]
        );
    }
}
