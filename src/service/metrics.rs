//! What is counted: never with a label that holds anything of a patient, or that has no end.
//!
//! What every request touches is looked up once and kept: a counter costs an addition then.

use super::course::{Course, Phase};
use super::house::House;
use metrics::{
    Counter, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram,
    histogram,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock, PoisonError, RwLock};
use std::time::Duration;

/// Upper bounds for whole requests, seconds. Cards are worth reading for half a second.
const REQUEST_SECONDS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
/// Upper bounds for the parts of a call, seconds.
const PHASE_SECONDS: [f64; 12] =
    [0.00001, 0.000025, 0.0001, 0.00025, 0.001, 0.0025, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5];
/// What histograms collect is put into buckets so often, whether anybody asks or not: until then every
/// value is kept.
const UPKEEP: Duration = Duration::from_secs(1);

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Every metric: name, kind, labels, meaning. docs/OPERATIONS.md tells the same to people.
pub const METRICS: &[(&str, Kind, &[&str], &str)] = {
    use Kind::{Counter, Gauge, Histogram};
    &[
        ("jakcard_audit_lost_total", Counter, &[], "records of the audit that are lost"),
        ("jakcard_audit_queued", Gauge, &[], "records of the audit that wait to be written"),
        ("jakcard_audit_written_total", Counter, &[], "records of the audit that are written"),
        ("jakcard_build_info", Gauge, &["version"], "the program"),
        ("jakcard_calls_total", Counter, &["service", "drug"], "calls whose orders were looked at"),
        ("jakcard_cards_total", Counter, &["indicator"], "cards"),
        ("jakcard_connections", Gauge, &[], "open connections"),
        ("jakcard_connections_ended_total", Counter, &[], "connections ended for being quiet"),
        ("jakcard_denied_total", Counter, &["client", "reason"], "callers not let in"),
        ("jakcard_feedback_total", Counter, &["client", "outcome"], "reports of feedback kept"),
        ("jakcard_feedback_unknown_cards_total", Counter, &["client"], "feedback on unknown cards"),
        ("jakcard_fhir_breakers_open", Gauge, &[], "FHIR servers that are left alone for now"),
        ("jakcard_fhir_requests_total", Counter, &["outcome"], "questions to FHIR servers"),
        ("jakcard_findings_total", Counter, &["rule", "indicator"], "rows that fired"),
        ("jakcard_foreign_orders_total", Counter, &[], "orders of another patient, dropped"),
        ("jakcard_identified_total", Counter, &["by"], "orders of a JAK inhibitor"),
        ("jakcard_jwks_reads_total", Counter, &["client", "outcome"], "readings of key sets"),
        ("jakcard_jwks_usable", Gauge, &["client"], "1 while there are keys"),
        ("jakcard_knowledge_info", Gauge, &["digest"], "the knowledge in force"),
        ("jakcard_knowledge_refused", Gauge, &[], "1 while the files on disk are refused"),
        ("jakcard_knowledge_reloads_total", Counter, &["outcome"], "readings of the files"),
        ("jakcard_look_alike_total", Counter, &[], "orders like a JAK inhibitor, not in a table"),
        ("jakcard_not_checked_total", Counter, &["topic", "reason"], "topics not checked"),
        ("jakcard_panics_total", Counter, &[], "requests that ended in a panic"),
        ("jakcard_phase_seconds", Histogram, &["phase"], "parts of calls"),
        ("jakcard_request_seconds", Histogram, &["service", "endpoint"], "requests"),
        ("jakcard_requests_total", Counter, &["service", "endpoint", "status"], "requests"),
        ("jakcard_self_test_lost_codes", Gauge, &[], "codes and names not recognised any more"),
        ("jakcard_self_test_lost_drugs", Gauge, &[], "drugs that nothing tells any more"),
        ("jakcard_self_test_silent_rows", Gauge, &[], "rows that do not fire where they must"),
        ("jakcard_store_failures_total", Counter, &[], "questions the store did not answer"),
        ("jakcard_stripped_calls_total", Counter, &["client"], "calls without prefetch and server"),
        ("jakcard_tls_reloads_total", Counter, &["outcome"], "readings of changed TLS files"),
        ("jakcard_tokens_remembered", Gauge, &[], "tokens that cannot be used again"),
        ("jakcard_unread_medication_lists_total", Counter, &[], "lists that could not be read"),
        ("jakcard_unreadable_orders_total", Counter, &[], "orders whose drug could not be read"),
    ]
};

/// Starts counting in this process; `None` when somebody else counts already.
pub fn install() -> Option<PrometheusHandle> {
    let builder = PrometheusBuilder::new()
        .set_buckets(&REQUEST_SECONDS)
        .and_then(|b| {
            let phases = Matcher::Full("jakcard_phase_seconds".to_owned());
            b.set_buckets_for_metric(phases, &PHASE_SECONDS)
        })
        .ok()?;
    let handle = builder.install_recorder().ok()?;
    for (name, kind, labels, meaning) in METRICS {
        match kind {
            Kind::Counter => describe_counter!(*name, *meaning),
            Kind::Gauge => describe_gauge!(*name, *meaning),
            Kind::Histogram => describe_histogram!(*name, Unit::Seconds, *meaning),
        }
        // An alarm on the growth of a counter needs its zero.
        if *kind == Kind::Counter && labels.is_empty() {
            counter!(*name).absolute(0);
        }
    }
    Some(handle)
}

/// Puts what histograms collect into buckets, for ever: they would grow until somebody asks.
pub async fn keep(handle: PrometheusHandle) {
    loop {
        tokio::time::sleep(UPKEEP).await;
        handle.run_upkeep();
    }
}

/// What is not counted but is so: it is written when it is asked for, so that one digest stands there.
pub fn of_house(house: &House) -> String {
    let mut text = String::new();
    let mut gauge = |name: &str, labels: String, value: usize| {
        let meaning = METRICS.iter().find(|(n, ..)| *n == name).map_or("", |(.., meaning)| meaning);
        text.push_str(&format!(
            "# HELP {name} {meaning}\n# TYPE {name} gauge\n{name}{labels} {value}\n\n"
        ));
    };
    let digest = &house.knowledge.now().digest;
    gauge("jakcard_knowledge_info", format!("{{digest=\"{digest}\"}}"), 1);
    gauge("jakcard_knowledge_refused", String::new(), usize::from(house.knowledge.refused()));
    let verdict = house.knowledge.verdict();
    gauge("jakcard_self_test_silent_rows", String::new(), verdict.mutes.len());
    gauge("jakcard_self_test_lost_codes", String::new(), verdict.lost_codes.len());
    gauge("jakcard_self_test_lost_drugs", String::new(), verdict.lost_drugs.len());
    let version = env!("CARGO_PKG_VERSION");
    gauge("jakcard_build_info", format!("{{version=\"{version}\"}}"), 1);
    text
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// A call of a service.
    Call,
    /// Feedback on its cards.
    Feedback,
    /// Discovery, operation, or nothing that there is.
    Other,
}

impl Endpoint {
    /// Told by the path.
    pub fn of(path: &str) -> Endpoint {
        match path.strip_prefix("/cds-services/") {
            Some(rest) if rest.ends_with("/feedback") => Endpoint::Feedback,
            Some(_) => Endpoint::Call,
            None => Endpoint::Other,
        }
    }

    /// Its name in metrics and traces.
    pub fn word(self) -> &'static str {
        match self {
            Endpoint::Call => "call",
            Endpoint::Feedback => "feedback",
            Endpoint::Other => "other",
        }
    }
}

/// Statuses that the service answers with; any other is counted under 0.
const STATUSES: [u16; 15] =
    [200, 400, 401, 404, 405, 408, 412, 413, 415, 431, 500, 503, 0, 204, 304];
const OTHER: usize = 12;

/// What is counted for one endpoint of one service, looked up once.
struct Meters {
    labels: [(&'static str, String); 2],
    seconds: Histogram,
    statuses: [OnceLock<Counter>; STATUSES.len()],
    identified: OnceLock<Counter>,
    nothing: OnceLock<Counter>,
}

impl Meters {
    fn new(service: &str, endpoint: Endpoint) -> Meters {
        let labels = [("service", service.to_owned()), ("endpoint", endpoint.word().to_owned())];
        let seconds = histogram!("jakcard_request_seconds", &labels);
        let statuses = std::array::from_fn(|_| OnceLock::new());
        let (identified, nothing) = (OnceLock::new(), OnceLock::new());
        Meters { labels, seconds, statuses, identified, nothing }
    }

    fn status(&self, status: u16) -> &Counter {
        let place = STATUSES.iter().position(|s| *s == status).unwrap_or(OTHER);
        self.statuses[place].get_or_init(|| {
            let [service, endpoint] = self.labels.clone();
            let labels = [service, endpoint, ("status", STATUSES[place].to_string())];
            counter!("jakcard_requests_total", &labels)
        })
    }

    fn calls(&self, identified: bool) -> &Counter {
        let (place, drug) =
            if identified { (&self.identified, "identified") } else { (&self.nothing, "none") };
        place.get_or_init(|| {
            let service = self.labels[0].1.clone();
            counter!("jakcard_calls_total", "service" => service, "drug" => drug)
        })
    }
}

/// What is looked up once and kept, by two names of our own: there are only so many.
struct Kept<K, V>(RwLock<BTreeMap<K, BTreeMap<String, V>>>);

impl<K: Copy + Ord, V: Clone> Kept<K, V> {
    const fn new() -> Kept<K, V> {
        Kept(RwLock::new(BTreeMap::new()))
    }

    fn get(&self, first: K, second: &str, new: impl FnOnce() -> V) -> V {
        {
            let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(kept) = all.get(&first).and_then(|of| of.get(second)) {
                return kept.clone();
            }
        }
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let of = all.entry(first).or_default();
        of.entry(second.to_owned()).or_insert_with(new).clone()
    }
}

/// The meters of an endpoint.
fn meters(service: &str, endpoint: Endpoint) -> Arc<Meters> {
    static ALL: Kept<Endpoint, Arc<Meters>> = Kept::new();
    ALL.get(endpoint, service, || Arc::new(Meters::new(service, endpoint)))
}

/// Counts an answer and the time that it took. `service` is a name of our own.
pub fn answered(service: &str, endpoint: Endpoint, status: u16, took: Duration) {
    let meters = meters(service, endpoint);
    meters.status(status).increment(1);
    meters.seconds.record(took);
}

static PHASES: LazyLock<[Histogram; Phase::ALL.len()]> =
    LazyLock::new(|| Phase::ALL.map(|p| histogram!("jakcard_phase_seconds", "phase" => p.word())));

static FINDINGS: Kept<&str, Counter> = Kept::new();
static NOT_CHECKED: Kept<&str, Counter> = Kept::new();

/// Counts what happened in the course of a call.
pub fn told(course: &Course, service: &str, client: &str) {
    for (phase, begin, end) in course.phases() {
        PHASES[phase as usize].record(end - begin);
    }
    if course.looked {
        meters(service, Endpoint::Call).calls(!course.identified.is_empty()).increment(1);
    }
    if course.stripped {
        counter!("jakcard_stripped_calls_total", "client" => client.to_owned()).increment(1);
    }
    for by in &course.identified {
        counter!("jakcard_identified_total", "by" => *by).increment(1);
    }
    let sums = [
        ("jakcard_look_alike_total", course.look_alike.len()),
        ("jakcard_unreadable_orders_total", course.unreadable),
        ("jakcard_foreign_orders_total", course.foreign),
        ("jakcard_unread_medication_lists_total", usize::from(course.unread_list)),
    ];
    for (name, n) in sums.into_iter().filter(|(_, n)| *n > 0) {
        counter!(name).increment(n as u64);
    }
    for (rule, indicator) in &course.fired {
        let new = || {
            let labels = [("rule", rule.clone()), ("indicator", (*indicator).to_owned())];
            counter!("jakcard_findings_total", &labels)
        };
        FINDINGS.get(indicator, rule, new).increment(1);
    }
    for (topic, reason) in &course.open {
        let new = || counter!("jakcard_not_checked_total", "topic" => *topic, "reason" => *reason);
        NOT_CHECKED.get(reason, topic, new).increment(1);
    }
    for indicator in &course.cards {
        counter!("jakcard_cards_total", "indicator" => *indicator).increment(1);
    }
}
