//! Numbers, bands, doses and dates as cards print them.

use crate::facts::dose::Regimen;
use crate::facts::{Dose, Evidence, Order, RenalFunction, RenalSource, Role};
use crate::knowledge::RenalMeasure;
use crate::terminology::decimal::Range;
use rust_decimal::Decimal;
use std::borrow::Cow;
use std::fmt::Write;

/// A number with as few decimals as keep it on its side of every limit.
pub fn shown(value: Decimal, ends: &[Decimal]) -> String {
    let sides = |v: Decimal| ends.iter().map(|e| v.cmp(e)).collect::<Vec<_>>();
    let wanted = sides(value);
    (0..=12)
        .map(|places| value.round_dp(places))
        .find(|rounded| sides(*rounded) == wanted)
        .unwrap_or(value)
        .normalize()
        .to_string()
}

/// A value that may be a band: `44`, `<30`, `15 to <30`.
pub fn shown_range(range: &Range, ends: &[Decimal]) -> String {
    if let Some(value) = range.exact() {
        return shown(value, ends);
    }
    let number = |n: crate::terminology::decimal::Number| n.0.normalize().to_string();
    let low = range.from.map(&number).or(range.above.map(|n| format!(">{}", number(n))));
    let high = range.to.map(&number).or(range.below.map(|n| format!("<{}", number(n))));
    match (low, high) {
        (Some(low), Some(high)) => format!("{low} to {high}"),
        (Some(low), None) if range.from.is_some() => format!("{low} or more"),
        (None, Some(high)) if range.to.is_some() => format!("{high} or less"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "any".to_owned(),
    }
}

/// The band of a row: `50 mL/min or less`, `30 to <60 mL/min`, `<15 mL/min`.
pub fn band(range: &Range, unit: &str) -> String {
    let text = shown_range(range, &[]);
    for tail in [" or less", " or more"] {
        if let Some(number) = text.strip_suffix(tail) {
            return format!("{number} {unit}{tail}");
        }
    }
    format!("{text} {unit}")
}

/// The measure in short, for people.
pub fn measure(measure: RenalMeasure) -> &'static str {
    match measure {
        RenalMeasure::CreatinineClearance => "CrCl",
        RenalMeasure::Egfr => "eGFR",
    }
}

/// The unit of a measure.
pub fn unit(measure: RenalMeasure) -> &'static str {
    match measure {
        RenalMeasure::CreatinineClearance => "mL/min",
        RenalMeasure::Egfr => "mL/min/1.73 m²",
    }
}

/// `CrCl 44 mL/min`, `dialysis`.
pub fn function(function: &RenalFunction, ends: &[Decimal]) -> String {
    if function.source == RenalSource::ProblemList {
        let what = function.basis.first().map_or("renal disease", |e| e.what.as_str());
        return format!("{what} on record");
    }
    let name = measure(function.measure);
    match function.value.exact() {
        Some(value) => format!("{name} {} {}", shown(value, ends), unit(function.measure)),
        None => format!("{name} {}", band(&function.value, unit(function.measure))),
    }
}

/// How a renal function was come by: `Cockcroft–Gault from creatinine 1.6 mg/dL (2026-11-12), …`.
pub fn derivation(function: &RenalFunction) -> String {
    let basis: Vec<String> = function.basis.iter().map(evidence).collect();
    let basis = basis.join(", ");
    let how = match function.source {
        RenalSource::Measured => format!("result {}", dated(function)),
        RenalSource::CockcroftGault => format!("Cockcroft–Gault from {basis}"),
        RenalSource::CkdEpi2021 => format!("CKD-EPI 2021 from {basis}"),
        RenalSource::BedsideSchwartz => format!("bedside Schwartz from {basis}"),
        RenalSource::RaceSpecific => {
            format!("the lower of a race-specific pair, {}", dated(function))
        }
        RenalSource::ProblemList => format!("problem list, {}", dated(function)),
    };
    match &function.substitute {
        Some(why) if !why.is_empty() => {
            format!("{how}; a substitute for the label's measure: {why}")
        }
        Some(_) => format!("{how}; a substitute for the label's measure"),
        None => how,
    }
}

fn dated(function: &RenalFunction) -> String {
    function.date.map_or_else(|| "undated".to_owned(), |d| format!("of {d}"))
}

/// `creatinine 1.6 mg/dL (2026-11-12)`.
pub fn evidence(evidence: &Evidence) -> String {
    let value = evidence.value.as_ref().map_or(0, String::len);
    let mut text = String::with_capacity(evidence.what.len() + value + " (2026-11-12) ".len());
    text.push_str(&evidence.what);
    if let Some(value) = &evidence.value {
        text.push(' ');
        text.push_str(&super::super::markdown::plain(value));
    }
    match (evidence.date, &evidence.value) {
        (Some(date), _) => _ = write!(text, " ({date})"),
        // A condition often has no date; a result without one is worth a word.
        (None, Some(_)) => text.push_str(" (undated)"),
        (None, None) => {}
    }
    text
}

/// `ordered 5 mg twice daily`, `the patient takes 5 mg twice daily`; `None` when the dose cannot be
/// read.
pub fn given(order: &Order) -> Option<String> {
    let dose = dose(&order.dose)?;
    Some(match order.role {
        Role::Ordered => format!("ordered {dose}"),
        Role::Beside | Role::Taken => format!("the patient takes {dose}"),
    })
}

/// `5 mg twice daily`; `None` when the dose cannot be read.
pub fn dose(dose: &Dose) -> Option<String> {
    let regimens = dose.regimens()?;
    let words: Vec<String> = regimens.iter().map(regimen).collect();
    Some(words.join(" and "))
}

/// `5 mg twice daily`.
pub fn regimen(regimen: &Regimen) -> String {
    format!("{} mg {}", regimen.mg.normalize(), times(regimen.times_per_day))
}

/// `twice daily`.
pub fn times(per_day: Decimal) -> Cow<'static, str> {
    let word = if per_day == Decimal::ONE {
        "once daily"
    } else if per_day == Decimal::TWO {
        "twice daily"
    } else if per_day == Decimal::from(3) {
        "three times daily"
    } else if per_day == Decimal::from(4) {
        "four times daily"
    } else if per_day == Decimal::new(5, 1) {
        "every other day"
    } else if (per_day * Decimal::from(7)).round_dp(6) == Decimal::ONE {
        "once weekly"
    } else {
        return format!("{} times daily", per_day.round_dp(2).normalize()).into();
    };
    word.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_printed_value_never_seems_to_lie_across_a_limit() {
        let ends = [d("50"), d("30")];
        assert_eq!(shown(d("44.3"), &ends), "44");
        assert_eq!(shown(d("50.04"), &ends), "50.04");
        assert_eq!(shown(d("49.96"), &ends), "49.96");
        assert_eq!(shown(d("49.4"), &ends), "49");
        assert_eq!(shown(d("50"), &ends), "50");
        assert_eq!(shown(d("29.9"), &ends), "29.9");
        assert_eq!(shown(d("50.000000000001"), &ends), "50.000000000001");
    }
}
