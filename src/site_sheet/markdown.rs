//! The sheet as an analyst reads it: GitHub-flavoured Markdown.

use super::{ServiceEntry, SiteSheet};
use crate::cds_hooks::SelectionBehavior;
use std::fmt::Write;

/// The sheet in Markdown.
pub fn render(sheet: &SiteSheet) -> String {
    let mut page = Page(String::new());
    page.head(sheet);
    page.services(sheet);
    page.trust(sheet);
    page.prefetch(sheet);
    page.access(sheet);
    page.cards(sheet);
    page.topics(sheet);
    page.test_call(sheet);
    page.0
}

struct Page(String);

impl Page {
    /// A line.
    fn say(&mut self, text: impl AsRef<str>) {
        self.0.push_str(text.as_ref());
        self.0.push('\n');
    }

    /// A heading between empty lines.
    fn title(&mut self, text: &str) {
        if !self.0.ends_with("\n\n") {
            self.say("");
        }
        self.say(text);
        self.say("");
    }

    /// A table after an empty line.
    fn table<const N: usize>(&mut self, head: [&str; N], rows: impl Iterator<Item = [String; N]>) {
        if !self.0.ends_with("\n\n") {
            self.say("");
        }
        self.say(format!("| {} |", head.join(" | ")));
        self.say(format!("|{}", "---|".repeat(N)));
        for row in rows {
            let cells = row.map(|cell| cell.replace('|', "\\|"));
            self.say(format!("| {} |", cells.join(" | ")));
        }
        self.say("");
    }

    fn head(&mut self, sheet: &SiteSheet) {
        self.say(format!("# Site build sheet: {}\n", sheet.client));
        self.say(format!(
            "jakcard {}, knowledge {}, labels of {}. Made from the settings: make it anew after every \
             change of them and after every update, because the codes of the queries grow.",
            sheet.version,
            code(&sheet.knowledge[..12]),
            sheet.jurisdiction
        ));
        if !sheet.remarks.is_empty() {
            self.say("\nTo settle before the first patient:\n");
            for remark in &sheet.remarks {
                self.say(format!("- {remark}"));
            }
        }
    }

    fn services(&mut self, sheet: &SiteSheet) {
        self.title("## Services");
        let row = |s: &ServiceEntry| {
            let orders = s.orders.unwrap_or("none: the chart is opened");
            [s.hook.clone(), code(&s.id), code(&s.url), code(&s.feedback_url), orders.to_owned()]
        };
        let head =
            ["hook", "service", "URL, method POST", "URL of feedback", "the orders stand in"];
        self.table(head, sheet.services.iter().map(row));
        self.say(format!(
            "An EHR that reads discovery needs only {}. One that does not gets one record for each hook \
             it has (Epic: `order-sign`, `order-select`, `patient-view`), never two hooks on one URL. Take `order-sign` first, then \
             `order-select`, then `patient-view`; `medication-prescribe` is the retired hook of CDS \
             Hooks 1.0, for EHRs that have no other. In DSTU2 the orders are `MedicationOrder`, later \
             `MedicationRequest`; the draft is read in the release in which it comes.",
            code(&sheet.discovery_url)
        ));
        self.say("Epic sends draft orders only with the interface for unsigned orders (\"Unsigned Order\").");
    }

    fn trust(&mut self, sheet: &SiteSheet) {
        let trust = &sheet.trust;
        self.title("## Token of a call");
        let keys = match (&trust.jwks_url, &trust.jwks_file) {
            (Some(url), _) => format!("{}; a `jku` must be exactly this", code(url)),
            (None, Some(file)) => format!("exchanged out of band, file {}", code(file)),
            (None, None) => "none".to_owned(),
        };
        let tenants = match &trust.tenants[..] {
            [] => "not looked at".to_owned(),
            some => codes(some),
        };
        let mut rows = vec![
            ["`iss`", &code(&trust.iss)].map(str::to_owned),
            ["`alg`", &codes(&trust.algorithms)].map(str::to_owned),
            ["keys (JWK Set)", &keys].map(str::to_owned),
            ["`tenant`", &tenants].map(str::to_owned),
            ["`exp` − `iat`", &format!("at most {} seconds", trust.longest_lifetime_seconds)]
                .map(str::to_owned),
            ["clocks", &format!("may differ by {} seconds", trust.clock_skew_seconds)]
                .map(str::to_owned),
            ["`jti`", "another for every call: a token is good once"].map(str::to_owned),
        ];
        for service in &sheet.services {
            rows.push([format!("`aud`, {}", service.hook), codes(&service.audiences)]);
        }
        rows.push([
            "`aud`, feedback".to_owned(),
            "as for the call, or the URL of feedback".to_owned(),
        ]);
        self.table(["claim", "value"], rows.into_iter());
        self.say("Of several values of `aud` one is enough; a slash at the end does no harm.");
    }

    fn prefetch(&mut self, sheet: &SiteSheet) {
        self.title("## Prefetch");
        self.say(
            "Type key and query as they stand: by its key the service tells what was asked, and what \
             an empty answer means. Every query may be left out; what is left out is looked up at the \
             EHR's FHIR server where that is allowed, and else said on the card as not checked.",
        );
        let what = |key: &str, value: &str| [key, value].map(str::to_owned);
        let rows = [
            what("a resource, or a Bundle with entries", "this is on record"),
            what("`null`, or a Bundle without entries", "looked up, nothing on record"),
            what(
                "a Bundle with a `next` link",
                "the first page; the service reads on, or says that it is incomplete",
            ),
            what("an OperationOutcome, or no FHIR", "could not be read: not checked"),
            what("the key is absent", "not asked: looked up, or not checked"),
        ];
        self.table(["value of a key", "is taken as"], rows.into_iter());
        // Services with the same queries share them.
        let mut groups: Vec<(Vec<&str>, &ServiceEntry)> = Vec::new();
        for service in &sheet.services {
            match groups.iter_mut().find(|(_, first)| first.prefetch == service.prefetch) {
                Some((hooks, _)) => hooks.push(&service.hook),
                None => groups.push((vec![&service.hook], service)),
            }
        }
        for (hooks, service) in groups {
            self.title(&format!("### {}", hooks.join(", ")));
            for (key, query) in &service.prefetch["R4"] {
                let others = |name: &str| service.prefetch[name].get(key).filter(|q| *q != query);
                let (stu3, dstu2) = (others("STU3"), others("DSTU2"));
                let also = match (stu3, dstu2) {
                    (None, None) => "R4, STU3 and DSTU2",
                    (None, Some(_)) => "R4 and STU3",
                    (Some(_), None) => "R4 and DSTU2",
                    (Some(_), Some(_)) => "R4",
                };
                self.say(format!("**{}**, {also}, {} characters:", code(key), query.len()));
                self.block("text", query);
                for (name, other) in [("STU3", stu3), ("DSTU2", dstu2)] {
                    if let Some(other) = other {
                        self.say(format!("{}, {name}:", code(key)));
                        self.block("text", other);
                    }
                }
            }
        }
    }

    fn access(&mut self, sheet: &SiteSheet) {
        let access = &sheet.access;
        self.title("## Access to the FHIR server");
        match &access.fhir_servers[..] {
            [] => self.say("With the token of the call: no server is listed, so none is asked."),
            some => self.say(format!(
                "With the token of the call (`fhirAuthorization`), and no other: {}.",
                codes(some)
            )),
        }
        if !access.open_fhir_servers.is_empty() {
            self.say(format!("Without a token: {}.", codes(&access.open_fhir_servers)));
        }
        self.say(format!(
            "All questions of a call together take at most {} ms; then the service answers with what it \
             has. Give the EHR's own limit at least a second more. The token must allow:",
            access.deadline_ms
        ));
        let rows = access.scopes.iter().map(|scope| {
            let epic = if scope.epic.is_empty() { "—".to_owned() } else { codes(&scope.epic) };
            let v1 = code(&scope.smart_v1);
            [scope.resource.clone(), scope.interactions.join(", "), v1, code(&scope.smart_v2), epic]
        });
        self.table(["resource", "interaction", "SMART 1", "SMART 2", "Epic, R4"], rows);
        self.say(
            "In DSTU2 `MedicationOrder` stands for `MedicationRequest`. `user/` does as well as \
             `patient/`. Epic's names are those of its catalogue and change with its versions: compare \
             them. A scope that is missing hides a part of the chart; the cards then say what was not \
             checked.",
        );
    }

    fn cards(&mut self, sheet: &SiteSheet) {
        self.title("## Cards");
        self.say(
            "At most four cards for an order (boxed warning, screening, dose, safety); for an open \
             chart also monitoring. No JAK inhibitor, no card. `detail` is GitHub-flavoured Markdown \
             without HTML. Every suggestion has one action; the words of its label stand in the \
             action's description, too. There are no system actions, and no SMART links.",
        );
        let indicators = sheet.cards.indicators.iter();
        let rows = indicators.map(|(word, meaning)| [code(word), (*meaning).to_owned()]);
        self.table(["indicator", "says"], rows);
        let behaviours = sheet.services.iter().map(|s| {
            let word = match s.selection_behavior {
                SelectionBehavior::AtMostOne => "at-most-one",
                SelectionBehavior::Any => "any",
            };
            [s.hook.clone(), code(word)]
        });
        self.table(["hook", "`selectionBehavior`"], behaviours);
        self.say(format!(
            "Links of cards lead to {}: allow these hosts, where the EHR keeps a list.",
            codes(&sheet.cards.link_hosts)
        ));
        self.title("### Override reasons");
        self.say("On every `warning` and `critical` card:");
        let rows = sheet.override_reasons.iter();
        let rows = rows.map(|r| [code(&r.code), r.display.clone(), code(r.system)]);
        self.table(["code", "text", "system"], rows);
        self.say(
            "Feedback needs the `uuid` of the card, and that of the suggestion when one was taken: let \
             the EHR send both. Reasons of the EHR's own are accepted, too.",
        );
    }

    fn topics(&mut self, sheet: &SiteSheet) {
        self.title("### Topics (`source.topic`)");
        let system = sheet.topics.first().map_or("", |topic| topic.system);
        self.say(format!(
            "System {}. EHRs remember overrides by these codes. A critical card has a code of its own, so \
             that a reminder that was dismissed never hides a danger: do not map the two to one.",
            code(system)
        ));
        let rows = sheet.topics.iter().map(|t| {
            [code(&t.code), code(&t.critical_code), t.display.clone(), t.meaning.to_owned()]
        });
        self.table(["info, warning", "critical", "text", "is about"], rows);
    }

    fn test_call(&mut self, sheet: &SiteSheet) {
        let call = &sheet.test_call;
        self.title("## A call to try");
        self.say(format!(
            "Reachable? Discovery needs no token and answers 200 with {} services:",
            sheet.services.len()
        ));
        self.block("console", &format!("curl -sS {}", sheet.discovery_url));
        self.say(format!(
            "A call, with a token that the EHR has signed for this URL and that was not used yet. It \
             answers {}; without a token {}, which says that the gate is closed:",
            call.status, call.status_without_token
        ));
        let body = serde_json::to_string_pretty(&call.body).unwrap_or_default();
        self.block(
            "console",
            &format!(
                "curl -sS -X POST {} \\\n  -H \"authorization: Bearer $TOKEN\" \\\n  \
                 -H 'content-type: application/json' \\\n  --data @- <<'JSON'\n{body}\nJSON",
                call.url
            ),
        );
        self.say("The cards, in this order:");
        let rows = call.cards.iter();
        let rows = rows.map(|c| [code(&word(&c.indicator)), code(&c.topic), c.summary.clone()]);
        self.table(["indicator", "`source.topic.code`", "summary"], rows);
        self.say(
            "Through the EHR the same order brings more or other cards: they then know the patient. An \
             empty list there, where this call brings cards, means that the order did not arrive.",
        );
    }

    fn block(&mut self, language: &str, text: &str) {
        self.say(format!("\n```{language}\n{text}\n```\n"));
    }
}

fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default().trim_matches('"').to_owned()
}

fn code(text: &str) -> String {
    let mut quoted = String::new();
    _ = write!(quoted, "`{text}`");
    quoted
}

fn codes(texts: &[impl AsRef<str>]) -> String {
    texts.iter().map(|text| code(text.as_ref())).collect::<Vec<_>>().join(", ")
}
