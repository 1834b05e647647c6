//! Plots as SVG: bars and lines, with the numbers beside them.

use maud::{Markup, html};

const WIDTH: f64 = 860.0;
const BAR: f64 = 22.0;
const LEFT: f64 = 330.0;
const RIGHT: f64 = 150.0;
const HEIGHT: f64 = 240.0;
const MARGIN: f64 = 46.0;

/// One horizontal bar.
pub struct Bar {
    /// What it is.
    pub label: String,
    /// Its length, 0 to 1.
    pub share: f64,
    /// The number beside it.
    pub value: String,
    /// Drawn to be seen.
    pub loud: bool,
}

/// Horizontal bars, with a line at a share that must not be crossed.
pub fn bars(title: &str, bars: &[Bar], limit: Option<f64>) -> Markup {
    let height = bars.len() as f64 * BAR + 24.0;
    let room = WIDTH - LEFT - RIGHT;
    html! {
        svg role="img" aria-label=(title) viewBox={ "0 0 " (WIDTH) " " (height) } {
            @for (index, bar) in bars.iter().enumerate() {
                @let top = index as f64 * BAR;
                @let class = if bar.loud { "loud" } else { "bar" };
                text x=(LEFT - 8.0) y=(top + 15.0) text-anchor="end" { (bar.label) }
                rect class=(class) x=(LEFT) y=(top + 3.0) height=(BAR - 7.0)
                    width=(round(room * bar.share.clamp(0.0, 1.0))) {}
                text x=(round(LEFT + room * bar.share.clamp(0.0, 1.0) + 6.0)) y=(top + 15.0) { (bar.value) }
            }
            @if let Some(limit) = limit {
                @let x = round(LEFT + room * limit);
                line class="limit" x1=(x) x2=(x) y1="0" y2=(height - 18.0) {}
                text x=(x) y=(height - 4.0) text-anchor="middle" { (format!("{:.0} %", limit * 100.0)) }
            }
        }
    }
}

/// A series over the weeks.
pub struct Series<'a> {
    /// Its name, and its class in the style.
    pub name: &'a str,
    /// The class in the style.
    pub class: &'a str,
    /// One value for each week; a week without one is left out.
    pub values: Vec<Option<f64>>,
}

/// Bars on top of one another, a stack for each week.
pub fn stacks(title: &str, weeks: &[String], series: &[Series<'_>]) -> Markup {
    let sum = |week: usize| -> f64 { series.iter().filter_map(|s| s.values[week]).sum() };
    let most = (0..weeks.len()).map(sum).fold(1.0, f64::max);
    let scale = Scale::new(weeks.len(), most);
    html! {
        (legend(series))
        svg role="img" aria-label=(title) viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } {
            (scale.axes(weeks))
            @for week in 0..weeks.len() {
                @for (index, one) in series.iter().enumerate() {
                    @let below: f64 = series[..index].iter().filter_map(|s| s.values[week]).sum();
                    @let value = one.values[week].unwrap_or_default();
                    rect class=(one.class) x=(round(scale.x(week) - scale.step * 0.35)) y=(scale.y(below + value))
                        width=(round(scale.step * 0.7)) height=(round(scale.y(below) - scale.y(below + value))) {
                        title { (weeks[week]) ": " (one.name) " " (value) }
                    }
                }
            }
        }
    }
}

/// A line for each series.
pub fn lines(title: &str, weeks: &[String], series: &[Series<'_>]) -> Markup {
    let values = series.iter().flat_map(|s| s.values.iter().flatten());
    let scale = Scale::new(weeks.len(), values.copied().fold(1.0, f64::max));
    let points = |one: &Series<'_>| -> Vec<(f64, f64, f64)> {
        let points = one.values.iter().enumerate();
        points.filter_map(|(week, v)| v.map(|v| (round(scale.x(week)), scale.y(v), v))).collect()
    };
    html! {
        (legend(series))
        svg role="img" aria-label=(title) viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } {
            (scale.axes(weeks))
            @for one in series {
                @let points = points(one);
                @let path: Vec<String> = points.iter().map(|(x, y, _)| format!("{x},{y}")).collect();
                polyline class={ "line " (one.class) } points=(path.join(" ")) {}
                @for (x, y, value) in points {
                    circle class=(one.class) cx=(x) cy=(y) r="3.5" { title { (one.name) " " (value) } }
                }
            }
        }
    }
}

fn legend(series: &[Series<'_>]) -> Markup {
    html! {
        p class="legend" {
            @for one in series {
                svg class="key" viewBox="0 0 12 12" aria-hidden="true" {
                    rect class=(one.class) width="12" height="12" {}
                }
                (one.name) " "
            }
        }
    }
}

struct Scale {
    step: f64,
    most: f64,
}

impl Scale {
    fn new(weeks: usize, most: f64) -> Scale {
        Scale { step: (WIDTH - MARGIN - 10.0) / weeks.max(1) as f64, most: nice(most) }
    }

    fn x(&self, week: usize) -> f64 {
        MARGIN + self.step * (week as f64 + 0.5)
    }

    fn y(&self, value: f64) -> f64 {
        round((HEIGHT - 30.0) - value / self.most * (HEIGHT - 45.0))
    }

    fn axes(&self, weeks: &[String]) -> Markup {
        // No more names than there is room for.
        let every = (weeks.len() * 70).div_ceil(WIDTH as usize - 60).max(1);
        html! {
            @for quarter in 0..=4 {
                @let value = self.most * f64::from(quarter) / 4.0;
                line class="grid" x1=(MARGIN) x2=(WIDTH) y1=(self.y(value)) y2=(self.y(value)) {}
                text x=(MARGIN - 6.0) y=(self.y(value) + 4.0) text-anchor="end" { (round(value)) }
            }
            @for (index, week) in weeks.iter().enumerate().filter(|(i, _)| i % every == 0) {
                text x=(round(self.x(index))) y=(HEIGHT - 10.0) text-anchor="middle" { (week) }
            }
        }
    }
}

/// The next number that a quarter of reads well.
fn nice(most: f64) -> f64 {
    let power = 10f64.powf(most.log10().floor());
    let steps = [1.0, 2.0, 4.0, 6.0, 8.0, 10.0];
    steps.into_iter().map(|s| s * power).find(|n| *n >= most).unwrap_or(most)
}

fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
