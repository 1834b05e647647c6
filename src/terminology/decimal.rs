//! Numbers as the chart and the label print them: decimals, never binary fractions.

use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use std::fmt;
use std::str::FromStr;

/// Reads a JSON or TOML number's text exactly; `1.5e2` is 150. `None` when it is not a number, or one
/// that no chart can mean: beyond 10^12 or, but for zero, below 10^-12. So no product of a value and a
/// factor overflows.
pub fn parse(text: &str) -> Option<Decimal> {
    let text = text.trim();
    let value = match text.split_once(['e', 'E']) {
        None => Decimal::from_str_exact(text).ok()?,
        // Digits before the exponent that do not fit would be rounded.
        Some((digits, _)) => {
            Decimal::from_str_exact(digits).and_then(|_| Decimal::from_scientific(text)).ok()?
        }
    };
    let size = value.abs();
    let bounds = Decimal::new(1, 12)..=Decimal::new(1_000_000_000_000, 0);
    (value.is_zero() || bounds.contains(&size)).then_some(value)
}

/// A decimal in a knowledge file, written as a TOML number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(pub Decimal);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Number, E> {
                Ok(Number(Decimal::from(value)))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Number, E> {
                Ok(Number(Decimal::from(value)))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Number, E> {
                // The shortest text that reads back as this float is the text of the file.
                Decimal::from_str(&value.to_string())
                    .map(Number)
                    .map_err(|_| E::invalid_value(de::Unexpected::Float(value), &self))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// A band of values as a label draws it: each side open, closed or unbounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// At least this.
    pub from: Option<Number>,
    /// More than this.
    pub above: Option<Number>,
    /// At most this.
    pub to: Option<Number>,
    /// Less than this.
    pub below: Option<Number>,
}

/// Is a value that may itself be uncertain inside a band?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    /// Every possible value is.
    Yes,
    /// No possible value is.
    No,
    /// Some are.
    Perhaps,
}

impl Range {
    /// Exactly one value.
    pub fn exactly(value: Decimal) -> Range {
        Range { from: Some(Number(value)), to: Some(Number(value)), ..Range::default() }
    }

    /// The value, when the band holds only one.
    pub fn exact(&self) -> Option<Decimal> {
        match (self.from, self.to) {
            (Some(from), Some(to)) if from == to => Some(from.0),
            _ => None,
        }
    }

    /// Is this one value in the band?
    pub fn contains(&self, value: Decimal) -> bool {
        self.from.is_none_or(|b| value >= b.0)
            && self.above.is_none_or(|b| value > b.0)
            && self.to.is_none_or(|b| value <= b.0)
            && self.below.is_none_or(|b| value < b.0)
    }

    /// Is `value`, which may be a band itself (`<30`, CKD stage 4), inside this band?
    pub fn holds(&self, value: &Range) -> Inside {
        if let Some(value) = value.exact() {
            return if self.contains(value) { Inside::Yes } else { Inside::No };
        }
        if value.all_below(self) || self.all_below(value) {
            Inside::No
        } else if self.low_end() <= value.low_end() && value.high_end() <= self.high_end() {
            Inside::Yes
        } else {
            Inside::Perhaps
        }
    }

    /// Are all my values below all of the other's?
    fn all_below(&self, other: &Range) -> bool {
        match (self.high_end(), other.low_end()) {
            (End::At(high, high_open), End::At(low, low_open)) => {
                high < low || (high == low && (high_open < 0 || low_open > 0))
            }
            _ => false,
        }
    }

    /// The lower end: the second part is 1 when the value itself is not in the band.
    fn low_end(&self) -> End {
        let from = self.from.map(|n| End::At(n.0, 0));
        let above = self.above.map(|n| End::At(n.0, 1));
        from.into_iter().chain(above).max().unwrap_or(End::Minus)
    }

    /// The upper end: the second part is -1 when the value itself is not in the band.
    fn high_end(&self) -> End {
        let to = self.to.map(|n| End::At(n.0, 0));
        let below = self.below.map(|n| End::At(n.0, -1));
        to.into_iter().chain(below).min().unwrap_or(End::Plus)
    }
}

/// An end of a band; a value a hair above or below a number is `At(number, 1)` or `At(number, -1)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Minus,
    At(Decimal, i8),
    Plus,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(text: &str) -> Option<Number> {
        Some(Number(parse(text).unwrap()))
    }
    fn at(text: &str) -> Range {
        Range::exactly(parse(text).unwrap())
    }

    #[test]
    fn numbers_keep_their_digits_and_read_exponents() {
        assert_eq!(parse("1.60").unwrap().to_string(), "1.60");
        assert_eq!(parse("1.5e2").unwrap(), Decimal::from(150));
        assert_eq!(parse("0.1").unwrap() + parse("0.2").unwrap(), parse("0.3").unwrap());
        assert_eq!(parse("1e999"), None);
        assert_eq!(parse("1e13"), None);
        assert_eq!(parse("1e-13"), None);
        assert_eq!(parse("0"), Some(Decimal::ZERO));
        assert_eq!(parse("30 mL"), None);
    }

    #[test]
    fn thirty_to_fifty_inclusive_holds_both_ends() {
        let band = Range { from: n("30"), to: n("50"), ..Range::default() };
        assert_eq!(band.holds(&at("29.99")), Inside::No);
        assert_eq!(band.holds(&at("30")), Inside::Yes);
        assert_eq!(band.holds(&at("50")), Inside::Yes);
        assert_eq!(band.holds(&at("50.0001")), Inside::No);
    }

    #[test]
    fn thirty_to_below_sixty_leaves_sixty_out() {
        let band = Range { from: n("30"), below: n("60"), ..Range::default() };
        assert_eq!(band.holds(&at("59.999")), Inside::Yes);
        assert_eq!(band.holds(&at("60")), Inside::No);
    }

    #[test]
    fn a_result_below_or_above_a_number_may_leave_the_question_open() {
        let band = Range { below: n("30"), ..Range::default() };
        assert_eq!(band.holds(&Range { below: n("15"), ..Range::default() }), Inside::Yes);
        assert_eq!(band.holds(&Range { below: n("30"), ..Range::default() }), Inside::Yes);
        assert_eq!(band.holds(&Range { to: n("30"), ..Range::default() }), Inside::Perhaps);
        assert_eq!(band.holds(&Range { from: n("30"), ..Range::default() }), Inside::No);
        assert_eq!(band.holds(&Range { above: n("60"), ..Range::default() }), Inside::No);
        assert_eq!(band.holds(&Range { above: n("20"), ..Range::default() }), Inside::Perhaps);
    }
}
