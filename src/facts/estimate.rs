//! Renal function out of creatinine: Cockcroft–Gault, CKD-EPI 2021, bedside Schwartz.
//!
//! Creatinine in mg/dL, weight in kg, height in cm, age in completed years. Results are not rounded.

use super::person::Sex;
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

/// Cockcroft–Gault creatinine clearance, mL/min, with the actual body weight.
///
/// (140 − age) × weight / (72 × creatinine), × 0.85 for women. Nephron 1976;16:31.
pub fn cockcroft_gault(
    age: u16,
    weight: Decimal,
    creatinine: Decimal,
    sex: Sex,
) -> Option<Decimal> {
    let years = Decimal::from(140_i32.checked_sub(i32::from(age)).filter(|y| *y > 0)?);
    let divisor = Decimal::from(72).checked_mul(creatinine)?;
    let clearance = years.checked_mul(weight)?.checked_div(divisor)?;
    Some(match sex {
        Sex::Female => clearance.checked_mul(Decimal::new(85, 2))?,
        Sex::Male => clearance,
    })
}

/// CKD-EPI 2021 creatinine equation, mL/min/1.73 m², adults.
///
/// 142 × min(Scr/κ,1)^α × max(Scr/κ,1)^−1.200 × 0.9938^age × 1.012 for women.
pub fn ckd_epi_2021(age: u16, creatinine: Decimal, sex: Sex) -> Option<Decimal> {
    let (kappa, alpha, factor) = match sex {
        Sex::Female => (0.7, -0.241, 1.012),
        Sex::Male => (0.9, -0.302, 1.0),
    };
    let ratio = creatinine.to_f64().filter(|c| *c > 0.0)? / kappa;
    let value = 142.0
        * ratio.min(1.0).powf(alpha)
        * ratio.max(1.0).powf(-1.2)
        * 0.9938_f64.powi(i32::from(age))
        * factor;
    Decimal::from_f64(value)
}

/// Bedside Schwartz, mL/min/1.73 m², 1 to 17 years: 0.413 × height / creatinine.
pub fn bedside_schwartz(height: Decimal, creatinine: Decimal) -> Option<Decimal> {
    Decimal::new(413, 3).checked_mul(height)?.checked_div(creatinine)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn the_kidney_foundations_example_comes_out() {
        let woman = ckd_epi_2021(55, d("0.9"), Sex::Female).unwrap();
        assert_eq!(woman.round_dp(1), d("75.5"));
        let man = ckd_epi_2021(55, d("0.9"), Sex::Male).unwrap();
        assert_eq!(man.round_dp(1), d("100.9"));
    }

    #[test]
    fn cockcroft_gault_is_exact_where_it_can_be() {
        // (140 − 68) × 50 / (72 × 1.0) = 50
        assert_eq!(cockcroft_gault(68, d("50"), d("1.0"), Sex::Male), Some(d("50")));
        assert_eq!(cockcroft_gault(68, d("50"), d("1.0"), Sex::Female), Some(d("42.5")));
        assert_eq!(cockcroft_gault(140, d("50"), d("1.0"), Sex::Male), None);
        assert_eq!(cockcroft_gault(68, d("50"), d("0"), Sex::Male), None);
    }

    #[test]
    fn schwartz_for_a_child() {
        assert_eq!(bedside_schwartz(d("100"), d("0.5")), Some(d("82.6")));
    }
}
