//! The parameters of a v3 search. Each has an older name too. The order of the checks is Jaeger's.

use super::super::failure::Failure;
use super::super::find::{Bounds, Search};
use super::super::go;
use super::super::params::Params;
use crate::store::Query;

/// How many traces a search without a depth returns.
const DEPTH: i64 = 100;

/// Reads the parameters.
///
/// # Errors
/// The first fault in Jaeger's order.
pub(super) fn parse(params: &Params) -> Result<Search, Failure> {
    let text = |names: &[&'static str]| {
        let (text, _) = params.any_of(names);
        Some(text.to_owned()).filter(|text| !text.is_empty())
    };
    let service = text(&["query.serviceName", "query.service_name"]);
    let operation = text(&["query.operationName", "query.operation_name"]);
    let attributes = match params.get("query.attributes") {
        "" => Vec::new(),
        text => go::parse_texts(text).map_err(|error| Failure::malformed("query.attributes", &error))?,
    };
    let (start, start_name) = params.any_of(&["query.startTimeMin", "query.start_time_min"]);
    let (end, end_name) = params.any_of(&["query.startTimeMax", "query.start_time_max"]);
    if start.is_empty() || end.is_empty() {
        return Err(Failure::bad_request(
            "query.startTimeMin and query.startTimeMax are required",
        ));
    }
    let start = go::parse_rfc3339(start).map_err(|error| Failure::malformed(start_name, &error))?;
    let end = go::parse_rfc3339(end).map_err(|error| Failure::malformed(end_name, &error))?;
    if start >= end {
        return Err(Failure::bad_request(
            "query.startTimeMin must be before query.startTimeMax",
        ));
    }
    let depth = match params.any_of(&["query.searchDepth", "query.search_depth", "query.num_traces"]) {
        ("", _) => DEPTH,
        (text, name) => go::parse_search_depth(text).map_err(|error| Failure::malformed(name, &error))?,
    };
    let min = duration(params, &["query.durationMin", "query.duration_min"])?;
    let max = duration(params, &["query.durationMax", "query.duration_max"])?;
    let raw = truth(params, &["query.rawTraces", "query.raw_traces"])?;
    let bounds = Bounds { start, end, min, max };
    let criteria = bounds.query().map(|bounds| Query {
        service,
        operation,
        attributes,
        ..bounds
    });
    Ok(Search { criteria, depth, raw })
}

/// A truth value; false when it is missing or empty.
///
/// # Errors
/// It is neither.
pub(super) fn truth(params: &Params, names: &[&'static str]) -> Result<bool, Failure> {
    match params.any_of(names) {
        ("", _) => Ok(false),
        (text, name) => go::parse_bool(text).map_err(|error| Failure::malformed(name, &error)),
    }
}

fn duration(params: &Params, names: &[&'static str]) -> Result<i64, Failure> {
    match params.any_of(names) {
        ("", _) => Ok(0),
        (text, name) => go::parse_duration(text).map_err(|error| Failure::malformed(name, &error)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const WINDOW: &str = "query.startTimeMin=1970-01-01T00:00:01Z&query.startTimeMax=1970-01-01T00:00:02Z";

    #[test]
    fn every_parameter_counts_under_both_names() {
        let new = format!(
            "{WINDOW}&query.serviceName=a&query.operationName=o&query.searchDepth=3&query.durationMin=1us&query.durationMax=2us&query.attributes=%7B%22k%22%3A%22v%22%7D&query.rawTraces=true"
        );
        let old = "query.start_time_min=1970-01-01T00:00:01Z&query.start_time_max=1970-01-01T00:00:02Z&query.service_name=a&query.operation_name=o&query.num_traces=3&query.duration_min=1us&query.duration_max=2us&query.attributes=%7B%22k%22%3A%22v%22%7D&query.raw_traces=true";
        let found = parse(&Params::parse(&new)).unwrap();
        assert_eq!(parse(&Params::parse(old)).unwrap(), found);
        assert_eq!((found.depth, found.raw), (3, true));
        let query = found.criteria.unwrap();
        assert_eq!(
            (query.start_min, query.start_max),
            (Some(1_000_000_000), Some(2_000_000_000))
        );
        assert_eq!(
            (query.duration_min, query.duration_max),
            (Some(1_000), Some(2_000))
        );
        assert_eq!(query.attributes, [("k".to_owned(), "v".to_owned())]);
    }

    #[test]
    fn all_services_are_searched_unless_one_is_named() {
        let found = parse(&Params::parse(WINDOW)).unwrap();
        assert_eq!(found.criteria.unwrap().service, None);
        assert_eq!((found.depth, found.raw), (100, false));
    }

    #[rstest]
    #[case("", "query.startTimeMin and query.startTimeMax are required")]
    #[case(
        "query.attributes=x",
        "malformed parameter query.attributes: invalid character 'x' looking for beginning of value"
    )]
    #[case("query.start_time_min=x&query.startTimeMax=y", r#"malformed parameter query.start_time_min: parsing time "x" as "2006-01-02T15:04:05.999999999Z07:00": cannot parse "x" as "2006""#)]
    #[case(
        "query.startTimeMin=1970-01-01T00:00:01Z&query.startTimeMax=1970-01-01T00:00:01Z",
        "query.startTimeMin must be before query.startTimeMax"
    )]
    #[case(&format!("{WINDOW}&query.num_traces=x&query.durationMin=y"), r#"malformed parameter query.num_traces: strconv.Atoi: parsing "x": invalid syntax"#)]
    #[case(&format!("{WINDOW}&query.durationMin=7"), r#"malformed parameter query.durationMin: time: missing unit in duration "7""#)]
    #[case(&format!("{WINDOW}&query.rawTraces=x"), r#"malformed parameter query.rawTraces: strconv.ParseBool: parsing "x": invalid syntax"#)]
    fn the_first_fault_in_jaegers_order_is_named(#[case] query: &str, #[case] message: &str) {
        assert_eq!(parse(&Params::parse(query)), Err(Failure::bad_request(message)));
    }

    proptest! {
        #[test]
        fn no_parameters_make_it_panic(query in r#"(query\.(startTimeMin|startTimeMax|searchDepth|durationMin|attributes|rawTraces)=[-0-9T:.Zsnm{}%22a]{0,30}&?){0,6}"#) {
            let _ = parse(&Params::parse(&query));
        }
    }
}
