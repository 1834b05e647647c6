//! From outcomes to findings: what is said, how loud, and what is merged.
//!
//! Rows that cannot tell for want of the same fact make one finding: a missing creatinine is one
//! thing to know, however many limits hang on it.

use super::finding::{Citation, Finding, Unchecked};
use super::kind::Kind;
use super::wording;
use crate::facts::{Facts, Order, Role, unique};
use crate::fhir::FhirDate;
use crate::knowledge::{Action, Knowledge, Level, Topic};
use crate::rules::screening::Standing;
use crate::rules::{Because, Change, Gap, Missing, Outcome, Verdict};

/// The findings of one order, in the order of the rules.
pub fn of_order<'a>(
    index: usize,
    outcomes: &'a [Outcome<'a>],
    facts: &'a Facts,
    knowledge: &'a Knowledge,
) -> Vec<Finding<'a>> {
    let mut findings = Vec::new();
    let mut open: Vec<Vec<&'a Outcome<'a>>> = Vec::new();
    let order = &facts.orders[index];
    let here = || outcomes.iter().filter(|o| o.order == index);
    for outcome in here().filter(|o| is_heard(o, order, facts, knowledge)) {
        match &outcome.verdict {
            Verdict::Silent => {}
            Verdict::Fires(action) => {
                findings.push(finding(&[outcome], *action, &[], facts, knowledge));
            }
            Verdict::CannotTell(..) if said_by_the_box(outcome, here()) => {}
            Verdict::CannotTell(..) => {
                let same = |group: &&mut Vec<&'a Outcome<'a>>| key(group[0]) == key(outcome);
                match open.iter_mut().find(same) {
                    Some(group) if merges(outcome) => group.push(outcome),
                    _ => open.push(vec![outcome]),
                }
            }
        }
    }
    for mut group in open {
        group.sort_by_key(|o| std::cmp::Reverse(level(o, knowledge)));
        let Verdict::CannotTell(action, _) = &group[0].verdict else { continue };
        let missing = unique_gaps(&group);
        findings.push(finding(&group, *action, &missing, facts, knowledge));
    }
    findings
}

/// In an open chart only what stops the drug, a dose or count over its limit, a clot or a cancer since
/// the start, and checks that are due: what was weighed when the drug was ordered is not said again.
fn is_heard(outcome: &Outcome<'_>, order: &Order, facts: &Facts, knowledge: &Knowledge) -> bool {
    if order.role != Role::Taken {
        return true;
    }
    let topic = outcome.row.topic();
    match &outcome.verdict {
        Verdict::Silent => false,
        Verdict::Fires(action) => {
            let limits = [
                Topic::Monitoring,
                Topic::Cytopenia,
                Topic::RenalDose,
                Topic::Hepatic,
                Topic::Interaction,
            ];
            let stops = knowledge.policy.level(*action) == Level::Critical;
            let over = limits.contains(&topic) && knowledge.policy.level(*action) > Level::Info;
            let new = [Topic::Thrombosis, Topic::Malignancy].contains(&topic)
                && knowledge.policy.level(*action) > Level::Info
                && is_since_the_start(outcome, order, facts, knowledge);
            stops || over || new || topic == Topic::Monitoring
        }
        Verdict::CannotTell(action, missing) => {
            let limits = [Topic::RenalDose, Topic::Hepatic, Topic::Interaction];
            // The patient is beyond a limit; only the entry of the list does not say for what.
            let beyond = limits.contains(&topic)
                && knowledge.policy.level(*action) > Level::Info
                && missing.iter().all(|m| m.gap == Gap::Order);
            beyond
                || topic == Topic::Monitoring
                || matches!(outcome.because, Because::Screening(Standing::Found(_)))
        }
    }
}

/// Did what was found begin after the first day of the drug?
fn is_since_the_start(
    outcome: &Outcome<'_>,
    order: &Order,
    facts: &Facts,
    knowledge: &Knowledge,
) -> bool {
    let first = order.first_day(outcome.drug, &facts.medicines, knowledge, facts.today);
    let after = |day: FhirDate| first.is_some_and(|first| day.earliest > first.latest);
    outcome.found.iter().filter_map(|e| e.date).any(after)
}

/// The box names what it could not look at; its risks need not say the same again.
fn said_by_the_box<'o, 'k: 'o>(
    outcome: &Outcome<'_>,
    mut all: impl Iterator<Item = &'o Outcome<'k>>,
) -> bool {
    let risk = [
        Topic::Age65,
        Topic::Cardiovascular,
        Topic::Malignancy,
        Topic::Thrombosis,
        Topic::ActiveInfection,
    ];
    risk.contains(&outcome.row.topic())
        && outcome.found.is_empty()
        && all.any(|o| {
            o.drug.drug == outcome.drug.drug
                && matches!(o.because, Because::Boxed(_))
                && matches!(o.verdict, Verdict::CannotTell(..))
        })
}

/// Rows that lack the same fact make one finding; results that were read are told one by one.
fn merges(outcome: &Outcome<'_>) -> bool {
    !matches!(outcome.because, Because::Boxed(_) | Because::Screening(_))
}

/// What the rows of one finding share: the drug, the topic, what is missing and why, and the
/// medicine that they are about.
fn key<'o>(outcome: &'o Outcome<'_>) -> (&'o str, &'static str, &'o str, &'o str, Option<&'o str>) {
    let topic = outcome.row.topic();
    let first = match &outcome.verdict {
        Verdict::CannotTell(_, missing) => missing.first(),
        _ => None,
    };
    let what = first.map_or("", |m| m.what.as_str());
    let why = first.map_or("", |m| &*m.reason);
    let medicine = match topic {
        Topic::Interaction => outcome.found.first().map(|e| e.what.as_str()),
        // Whether the label asks first is another question than what it says of a pregnancy.
        Topic::Pregnancy => Some(outcome.row.id().get_ref().as_str()),
        _ => None,
    };
    let (what, why) = match topic {
        // Four counts that are missing are one blood count.
        Topic::Cytopenia => ("", why),
        Topic::RenalDose => (what, ""),
        _ => (what, why),
    };
    (&outcome.drug.drug, topic.word(), what, why, medicine)
}

/// What the rows of one finding lack, each once.
fn unique_gaps<'a>(group: &[&'a Outcome<'_>]) -> Vec<&'a Missing> {
    let mut gaps: Vec<&Missing> = Vec::new();
    let all = match group[0].row.topic() {
        Topic::Cytopenia => group,
        _ => &group[..1],
    };
    for outcome in all {
        let Verdict::CannotTell(_, missing) = &outcome.verdict else { continue };
        for gap in missing {
            if !gaps.contains(&gap) {
                gaps.push(gap);
            }
        }
    }
    gaps
}

fn level(outcome: &Outcome<'_>, knowledge: &Knowledge) -> Level {
    match &outcome.verdict {
        Verdict::Fires(action) | Verdict::CannotTell(action, _) => knowledge.policy.level(*action),
        Verdict::Silent => Level::Info,
    }
}

fn finding<'a>(
    group: &[&'a Outcome<'a>],
    action: Action,
    missing: &[&'a Missing],
    facts: &'a Facts,
    knowledge: &'a Knowledge,
) -> Finding<'a> {
    let outcome = group[0];
    let order = &facts.orders[outcome.order];
    let row = outcome.row;
    let words = wording::of(group, missing, facts, knowledge);
    let level = open_level(outcome, action, missing, knowledge);
    let kind = Kind::of(outcome, facts);
    let label = outcome.drug.label(row.cite());
    let basis = unique(group.iter().flat_map(|o| o.found.clone()).collect());
    Finding {
        rule: row.id().get_ref(),
        also: group[1..].iter().map(|o| &**o.row.id().get_ref()).collect(),
        topic: row.topic(),
        level,
        drug: &outcome.drug.drug,
        drug_name: &outcome.drug.name,
        order: &order.reference,
        text: words.text,
        short: words.short,
        basis,
        clears: words.clears,
        cite: Citation {
            source: label.map(|l| &*l.title).unwrap_or_default(),
            section: &row.cite().section,
            quote: row.cite().quote.as_deref(),
            url: label.map(|l| &*l.url).unwrap_or_default(),
        },
        draft: row.is_draft(),
        unchecked: missing
            .iter()
            .map(|m| Unchecked {
                what: &m.what,
                reason: &m.reason,
                searched: m.gap == Gap::NoneOnRecord,
            })
            .collect(),
        kind,
        opens: opens(outcome, level, missing),
        tests: words.tests,
        says: words.says,
        limit: outcome.clears.iter().find_map(|change| match change {
            // Whether the limit holds must be known.
            Change::Dose { limit, relative: false, .. } if missing.is_empty() => Some(*limit),
            _ => None,
        }),
        stops: missing.is_empty() && stops(outcome, action),
        unread: words.unread.filter(|_| level == Level::Info),
    }
}

/// A row that would stop the order is only a warning while its question is open; and what nobody
/// could look at is only said.
fn open_level(
    outcome: &Outcome<'_>,
    action: Action,
    missing: &[&Missing],
    knowledge: &Knowledge,
) -> Level {
    let level = knowledge.policy.level(action);
    if missing.is_empty() || matches!(outcome.because, Because::Boxed(_) | Because::Screening(_)) {
        return level;
    }
    let capped = level.min(Level::Warning);
    let unseen = missing.iter().any(|m| m.gap == Gap::Chart);
    match outcome.row.topic() {
        // Orders are often selected before their dose is written.
        Topic::MaxDose if missing.iter().any(|m| m.gap == Gap::Dose) => Level::Info,
        Topic::RenalDose | Topic::Cytopenia => capped,
        Topic::Monitoring => Level::Info,
        _ if unseen && !outcome.asks_for_a_test() => Level::Info,
        _ => capped,
    }
}

/// Does the label say not to use the drug? Where it only wants another medicine away, which of the
/// two goes is not for us to offer.
fn stops(outcome: &Outcome<'_>, action: Action) -> bool {
    let beside = outcome.drug.interaction.iter().any(|r| &r.id == outcome.row.id());
    match action {
        Action::Contraindicated | Action::Discontinue => true,
        Action::NotRecommended | Action::Avoid | Action::DoNotStart => !beside,
        _ => false,
    }
}

/// The reminder always opens its card, a warning its own; what could not be looked at joins another.
fn opens(outcome: &Outcome<'_>, level: Level, missing: &[&Missing]) -> bool {
    // What was found counts, whatever else is open.
    match &outcome.because {
        Because::Boxed(_) => return true,
        Because::Screening(Standing::Found(_)) => return level >= Level::Warning,
        _ => {}
    }
    let looked_at = match outcome.row.topic() {
        Topic::RenalDose => missing.first().is_none_or(|m| m.gap != Gap::Chart),
        _ => missing.iter().all(|m| m.gap != Gap::Chart),
    };
    level >= Level::Warning && looked_at
}

impl Outcome<'_> {
    /// The label asks for a test first: that it is not known is as loud as that it is missing.
    fn asks_for_a_test(&self) -> bool {
        matches!(&self.verdict, Verdict::CannotTell(Action::TestBeforeStart, _))
    }
}
