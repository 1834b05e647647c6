//! Medians, ratios, and the tables that are printed.

/// The middle of the values.
pub fn median(values: Vec<f64>) -> f64 {
    percentile(values, 0.5)
}

/// The value that so large a share of them does not exceed.
pub fn percentile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = ((values.len() as f64 - 1.0) * share).round() as usize;
    values.get(place).copied().unwrap_or(f64::NAN)
}

/// The slope of a straight line through points on log-log paper.
pub fn slope(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let n = logs.len() as f64;
    let (mx, my) =
        (logs.iter().map(|p| p.0).sum::<f64>() / n, logs.iter().map(|p| p.1).sum::<f64>() / n);
    let over: f64 = logs.iter().map(|(x, y)| (x - mx) * (y - my)).sum();
    let under: f64 = logs.iter().map(|(x, _)| (x - mx).powi(2)).sum();
    over / under
}

/// What was to be reached, what was, and whether it is.
pub struct Goals(Vec<(String, String, String, bool)>);

impl Goals {
    pub fn new() -> Goals {
        Goals(Vec::new())
    }

    /// Adds one figure that must not exceed another.
    pub fn at_most(&mut self, what: impl Into<String>, most: f64, reached: f64, unit: &str) {
        let text = |value: f64| match value {
            v if v >= 100.0 => format!("{v:.0} {unit}"),
            v if v >= 10.0 => format!("{v:.1} {unit}"),
            v => format!("{v:.2} {unit}"),
        };
        self.0.push((what.into(), format!("≤ {}", text(most)), text(reached), reached <= most));
    }

    /// Prints them.
    pub fn print(&self) {
        println!("\n## To reach\n\n| figure | goal | measured | |\n|---|---|---|---|");
        for (what, goal, reached, met) in &self.0 {
            println!(
                "| {what} | {goal} | {reached} | {} |",
                if *met { "reached" } else { "missed" }
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_the_middle_and_a_square_has_slope_two() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(percentile((1..=100).map(f64::from).collect(), 0.99), 99.0);
        let square: Vec<(f64, f64)> = (1..5).map(|x| (f64::from(x), f64::from(x * x))).collect();
        assert!((slope(&square) - 2.0).abs() < 1e-9);
    }
}
