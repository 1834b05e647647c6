//! `report`: the numbers people ask for.

use super::store::open;
use super::{Cut, ReportArgs, ReportFormat, Stop, print, wait};
use jakcard::knowledge::{embedded, read};
use jakcard::report::{self, By, Wanted};
use std::process::ExitCode;

pub fn report(args: &ReportArgs) -> Result<ExitCode, Stop> {
    let store = open(&args.records)?;
    let knowledge = read::read(&embedded::embedded()).map_err(|e| Stop(1, e.to_string()))?;
    let reasons = knowledge.policy.override_reason.iter();
    let wanted = Wanted {
        time: args.period.time(),
        comments: args.comments,
        displays: reasons.map(|r| (r.code.clone(), r.display.clone())).collect(),
    };
    let mut report = wait(report::read(&store, &wanted)).map_err(|e| Stop(2, e.to_string()))?;
    let day = |date: Option<jiff::civil::Date>| date.map(|date| date.to_string());
    (report.since, report.until) = (day(args.period.since), day(args.period.until));
    let by = match args.by {
        Cut::Client => By::Client,
        Cut::Rule => By::Rule,
        Cut::Week => By::Week,
    };
    let wrong = |why: String| Stop(2, format!("the report cannot be written: {why}"));
    let text = match args.format {
        ReportFormat::Table => report::table(&report, by).into_bytes(),
        ReportFormat::Csv => report::csv(&report, by).map_err(|e| wrong(e.to_string()))?,
        ReportFormat::Json => {
            let text = serde_json::to_string_pretty(&report).map_err(|e| wrong(e.to_string()))?;
            (text + "\n").into_bytes()
        }
        ReportFormat::Html => {
            let made = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string();
            report::html(&report, &made).into_bytes()
        }
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
