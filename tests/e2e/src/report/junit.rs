//! JUnit XML, which every pipeline can show: a suite for what was brought up, and one for each scenario with its twins.
//!
//! The form is that of the schema of [Jenkins' xUnit
//! plugin](https://github.com/jenkinsci/xunit-plugin/blob/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd),
//! the strictest of those in use.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::model::{Outcome, Playing, RunReport, ScenarioReport, StepReport};
use super::telling;

/// The run as JUnit XML.
///
/// # Errors
/// The serialiser gave up, which it has no reason to.
pub(super) fn xml(report: &RunReport) -> Result<String, SerializeError> {
    let mut junit = Report::new("throughline");
    junit.set_time(seconds(report.took_ms));
    junit.add_test_suite(environment(report));
    for (name, of_it) in by_scenario(&report.scenarios) {
        let mut suite = TestSuite::new(clean(name));
        suite.set_time(seconds(of_it.iter().map(|one| one.took_ms).sum()));
        suite.add_test_cases(of_it.into_iter().map(|one| scenario(report, name, one)));
        junit.add_test_suite(suite);
    }
    let xml = junit.to_string()?;
    // The library counts the skipped on the outermost element too, where the schema has no such attribute.
    Ok(xml.replacen(&format!(" skipped=\"{}\"", junit.skipped), "", 1))
}

/// What was brought up and undone. Never empty, and red whenever the run is and no scenario says why: a pipeline that only
/// reads this file must not see less than the exit code says.
fn environment(report: &RunReport) -> TestSuite {
    let mut suite = TestSuite::new("environment");
    if let Some(seconds) = report.started_at.get(..19) {
        suite.extra.insert("timestamp".into(), clean(seconds).into());
    }
    let mut properties = vec![
        ("run", report.run.clone()),
        ("environment", report.environment.to_string()),
        ("exit code", report.exit_code.to_string()),
    ];
    properties.extend(report.chosen.iter().map(|why| ("chosen", why.clone())));
    properties.extend(
        report
            .cannot_prove
            .iter()
            .map(|note| ("not proven", note.clone())),
    );
    for (name, value) in properties {
        suite.add_property(Property::new(name, clean(&value)));
    }
    let steps = report.steps.iter().filter(|step| step.scenario.is_none());
    for step in steps {
        suite.add_test_case(timed(
            case("bring up", &step.name, step.error.as_deref()),
            step.took_ms,
        ));
    }
    for line in &report.undo {
        suite.add_test_case(case("undo", &line.name, line.error.as_deref()));
    }
    suite.add_test_case(end(report, suite.errors > 0));
    suite
}

/// The run as a whole.
fn end(report: &RunReport, told: bool) -> TestCase {
    let all = [report.errors.as_slice(), &report.warnings].concat().join("\n");
    let elsewhere = told || report.scenarios.iter().any(telling::is_trouble);
    let status = if report.exit_code == 0 || elsewhere {
        TestCaseStatus::success()
    } else {
        let message = match report.errors.last().or(report.warnings.last()) {
            Some(told) => format!("{}: {told}", report.exit_meaning),
            None => report.exit_meaning.to_owned(),
        };
        bad(NonSuccessKind::Error, report.exit_meaning, &message, &all)
    };
    let mut case = TestCase::new("run", status);
    case.set_classname("environment");
    if !all.is_empty() {
        case.set_system_err(clean(&all));
    }
    timed(case, report.took_ms)
}

fn scenario(report: &RunReport, suite: &str, one: &ScenarioReport) -> TestCase {
    let lines: Vec<String> = telling::lines(one)
        .iter()
        .map(|(label, line)| format!("{label:<9} {line}"))
        .collect();
    let status = match (&one.outcome, &one.error) {
        (Outcome::Passed, _) => TestCaseStatus::success(),
        (Outcome::Skipped { reason }, _) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(first_line(reason));
            status
        }
        (Outcome::Failed, None) => bad(
            NonSuccessKind::Failure,
            "expectation failed",
            &telling::headline(one),
            &lines.join("\n"),
        ),
        // Neither says anything about the application: it was not played to its end, or its telemetry did not settle.
        (Outcome::Failed, Some(error)) => bad(NonSuccessKind::Error, "not played", error, error),
        (Outcome::Inconclusive, _) => bad(
            NonSuccessKind::Error,
            "inconclusive",
            &telling::headline(one),
            &lines.join("\n"),
        ),
    };
    let name = if one.round > 1 {
        format!("{} (round {})", one.name, one.round)
    } else {
        one.name.clone()
    };
    let mut case = TestCase::new(clean(&name), status);
    case.set_classname(clean(suite));
    let played = Playing {
        scenario: one.name.clone(),
        round: one.round,
    };
    let mut story = vec![one.about.clone()];
    story.extend(
        report
            .steps
            .iter()
            .filter(|step| step.scenario.as_ref() == Some(&played))
            .map(step_line),
    );
    let pictures = one.cases.iter().filter_map(|case| case.picture.as_ref());
    story.extend(pictures.map(|picture| format!("trace {}: {}", picture.traces[0], picture.path)));
    case.set_system_out(clean(&story.join("\n")));
    timed(case, one.took_ms)
}

fn step_line(step: &StepReport) -> String {
    let took = trace::words::duration(seconds(step.took_ms));
    match (&step.error, &step.detail) {
        (Some(error), _) => format!("FAIL  {}  {took}  {error}", step.name),
        (None, Some(detail)) => format!("ok    {}  {took}  {detail}", step.name),
        (None, None) => format!("ok    {}  {took}", step.name),
    }
}

/// Scenarios in the order in which they were played, each with its twins and all its rounds.
fn by_scenario(scenarios: &[ScenarioReport]) -> Vec<(&str, Vec<&ScenarioReport>)> {
    let mut groups: Vec<(&str, Vec<&ScenarioReport>)> = Vec::new();
    for one in scenarios {
        let name = telling::scenario_of(one);
        match groups.iter_mut().find(|(group, _)| *group == name) {
            Some((_, group)) => group.push(one),
            None => groups.push((name, vec![one])),
        }
    }
    groups
}

fn case(class: &str, name: &str, error: Option<&str>) -> TestCase {
    let status = match error {
        None => TestCaseStatus::success(),
        Some(error) => bad(NonSuccessKind::Error, class, error, error),
    };
    let mut case = TestCase::new(clean(name), status);
    case.set_classname(class);
    case
}

fn bad(kind: NonSuccessKind, class: &str, message: &str, description: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(class);
    status.set_message(first_line(message));
    status.set_description(clean(description));
    status
}

fn timed(mut case: TestCase, took_ms: f64) -> TestCase {
    case.set_time(seconds(took_ms));
    case
}

fn seconds(millis: f64) -> Duration {
    Duration::try_from_secs_f64(millis / 1e3).unwrap_or_default()
}

/// What fits into an attribute, in which line ends become blanks.
fn first_line(text: &str) -> String {
    clean(text.lines().next().unwrap_or_default())
}

/// XML 1.0 has no way to write these two, and the library lets them through.
/// [Characters](https://www.w3.org/TR/xml/#charsets).
fn clean(text: &str) -> String {
    text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod schema;
#[cfg(test)]
mod tests;
