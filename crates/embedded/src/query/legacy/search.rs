//! The parameters of `GET /api/traces`. The order of the checks is Jaeger's: of several faults it names the same.

use std::time::{Duration, SystemTime};

use super::super::failure::Failure;
use super::super::find::{Bounds, Search};
use super::super::go;
use super::super::params::Params;
use super::super::trace_id;
use super::SERVICE_REQUIRED;
use crate::store::Query;

/// What the request wants.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Traces with a span that meets the criteria.
    Search(Search),
    /// These traces, whatever the criteria.
    Traces {
        /// In the order in which they were asked for.
        ids: Vec<[u8; 16]>,
        /// Whether they are wanted as they were stored.
        raw: bool,
    },
}

/// How far a search without `start` looks back.
const LOOKBACK: Duration = Duration::from_secs(48 * 60 * 60);
/// How many traces a search without `limit` returns.
const LIMIT: i64 = 100;

/// Reads the parameters.
///
/// # Errors
/// The first fault in Jaeger's order.
pub(super) fn parse(params: &Params, now: SystemTime) -> Result<Wanted, Failure> {
    let bad = |message: String| Failure::bad_request(message);
    let start = params.number("start").map_err(bad)?;
    let end = params.number("end").map_err(bad)?;
    let attributes = attributes(params)?;
    let depth = match params.get("limit") {
        "" => LIMIT,
        // Jaeger forgets to say which parameter it is.
        text => go::parse_int32(text).map_err(bad)?,
    };
    let min = params.duration("minDuration").map_err(bad)?.unwrap_or(0);
    let max = params.duration("maxDuration").map_err(bad)?.unwrap_or(0);
    let id =
        |text| trace_id::parse_hex(text).map_err(|error| bad(format!("cannot parse traceID param: {error}")));
    let ids = params.all("traceID").map(id).collect::<Result<Vec<_>, _>>()?;
    let raw = params.truth("raw").map_err(bad)?;
    if !ids.is_empty() {
        return Ok(Wanted::Traces { ids, raw });
    }
    let service = params.get("service");
    if service.is_empty() {
        return Err(Failure::bad_request(SERVICE_REQUIRED));
    }
    if min != 0 && max != 0 && max < min {
        return Err(Failure::bad_request(
            "'maxDuration' should be greater than 'minDuration'",
        ));
    }
    let microseconds = |time: i64| i128::from(time) * 1_000;
    let criteria = Bounds {
        start: start.map_or_else(|| nanoseconds(now) - LOOKBACK.as_nanos() as i128, microseconds),
        end: end.map_or_else(|| nanoseconds(now), microseconds),
        min,
        max,
    };
    let criteria = criteria.query().map(|bounds| Query {
        service: Some(service.to_owned()),
        operation: Some(params.get("operation").to_owned()).filter(|name| !name.is_empty()),
        attributes,
        ..bounds
    });
    Ok(Wanted::Search(Search { criteria, depth, raw }))
}

/// Nanoseconds since the Unix epoch.
pub(in crate::query) fn nanoseconds(time: SystemTime) -> i128 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX),
        Err(before) => i128::try_from(before.duration().as_nanos()).map_or(i128::MIN, |before| -before),
    }
}

/// Of equal keys the last one counts, and `tags` comes after `tag`.
fn attributes(params: &Params) -> Result<Vec<(String, String)>, Failure> {
    let mut attributes = std::collections::BTreeMap::new();
    for tag in params.all("tag") {
        let Some((key, value)) = tag.split_once(':') else {
            let message = format!("malformed 'tag' parameter, expecting key:value, received: {tag}");
            return Err(Failure::bad_request(message));
        };
        attributes.insert(key.to_owned(), value.to_owned());
    }
    for tags in params.all("tags") {
        let pairs = go::parse_texts(tags).map_err(|error| {
            Failure::bad_request(format!(
                "malformed 'tags' parameter, cannot unmarshal JSON: {error}"
            ))
        })?;
        attributes.extend(pairs);
    }
    Ok(attributes.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn at(seconds: u64) -> SystemTime {
        NOW + Duration::from_secs(seconds)
    }

    fn search(query: &str) -> Search {
        match parse(&Params::parse(query), at(1_764_000_000)) {
            Ok(Wanted::Search(search)) => search,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_bounds_the_last_two_days_are_searched() {
        let found = search("service=a&lookback=1h&sort=x");
        let query = found.criteria.unwrap();
        assert_eq!((found.depth, found.raw), (100, false));
        assert_eq!(query.start_min, Some((1_764_000_000 - 172_800) * 1_000_000_000));
        assert_eq!(query.start_max, Some(1_764_000_000_000_000_000));
        assert_eq!(
            (query.duration_min, query.duration_max, query.operation),
            (None, None, None)
        );
    }

    #[test]
    fn every_parameter_counts() {
        let found = search(
            "service=a+b&operation=o&start=5&end=7&limit=3&minDuration=1us&maxDuration=1us&raw=T&tag=k:v:w&tag=l:1&tags=%7B%22l%22%3A%222%22%7D",
        );
        let query = found.criteria.unwrap();
        assert_eq!(
            (query.service.as_deref(), query.operation.as_deref()),
            (Some("a b"), Some("o"))
        );
        assert_eq!((query.start_min, query.start_max), (Some(5_000), Some(7_000)));
        assert_eq!(
            (query.duration_min, query.duration_max),
            (Some(1_000), Some(1_000))
        );
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(query.attributes, [pair("k", "v:w"), pair("l", "2")]);
        assert_eq!((found.depth, found.raw), (3, true));
    }

    #[test]
    fn bounds_that_no_span_can_meet_find_nothing() {
        assert_eq!(search("service=a&end=-1").criteria, None);
        assert_eq!(search("service=a&maxDuration=-1s").criteria, None);
        let query = search("service=a&start=-9223372036854775808&end=9223372036854775807&minDuration=-1s")
            .criteria
            .unwrap();
        assert_eq!(
            (query.start_min, query.start_max, query.duration_min),
            (Some(0), Some(u64::MAX), None)
        );
    }

    #[test]
    fn ids_make_the_criteria_void() {
        let wanted = parse(
            &Params::parse("traceID=1&traceID=0A&minDuration=2s&maxDuration=1s"),
            NOW,
        )
        .unwrap();
        let ids = vec![1_u128.to_be_bytes(), 10_u128.to_be_bytes()];
        assert_eq!(wanted, Wanted::Traces { ids, raw: false });
    }

    #[rstest]
    #[case(
        "start=x&end=y",
        r#"unable to parse param 'start': strconv.ParseInt: parsing "x": invalid syntax"#
    )]
    #[case(
        "end=y&tag=k",
        r#"unable to parse param 'end': strconv.ParseInt: parsing "y": invalid syntax"#
    )]
    #[case(
        "tag=k&limit=x",
        "malformed 'tag' parameter, expecting key:value, received: k"
    )]
    #[case(
        "tags=x&limit=x",
        "malformed 'tags' parameter, cannot unmarshal JSON: invalid character 'x' looking for beginning of value"
    )]
    #[case(
        "tags=",
        "malformed 'tags' parameter, cannot unmarshal JSON: unexpected end of JSON input"
    )]
    #[case("limit=x&minDuration=x", r#"strconv.ParseInt: parsing "x": invalid syntax"#)]
    #[case(
        "limit=99999999999",
        r#"strconv.ParseInt: parsing "99999999999": value out of range"#
    )]
    #[case(
        "minDuration=20&traceID=zz",
        r#"unable to parse param 'minDuration': time: missing unit in duration "20""#
    )]
    #[case(
        "traceID=zz&raw=maybe",
        r#"cannot parse traceID param: strconv.ParseUint: parsing "zz": invalid syntax"#
    )]
    #[case(
        "traceID=",
        r#"cannot parse traceID param: strconv.ParseUint: parsing "": invalid syntax"#
    )]
    #[case(
        "raw=maybe",
        r#"unable to parse param 'raw': strconv.ParseBool: parsing "maybe": invalid syntax"#
    )]
    #[case("minDuration=2s&maxDuration=1s", "parameter 'service' is required")]
    #[case(
        "service=a&minDuration=2s&maxDuration=1s",
        "'maxDuration' should be greater than 'minDuration'"
    )]
    fn the_first_fault_in_jaegers_order_is_named(#[case] query: &str, #[case] message: &str) {
        assert_eq!(
            parse(&Params::parse(query), NOW),
            Err(Failure::bad_request(message))
        );
    }

    proptest! {
        #[test]
        fn no_parameters_make_it_panic(
            pairs in proptest::collection::vec((
                proptest::sample::select(vec!["service", "operation", "start", "end", "limit", "minDuration", "maxDuration", "tag", "tags", "traceID", "raw"]),
                r#"[-0-9]{1,20}|[0-9a-f]{0,34}|[0-9.]{1,6}(ns|us|ms|s|m|h)|[{}":a]{0,8}|.{0,8}"#,
            ), 0..8),
        ) {
            let params = url(&pairs);
            let _ = parse(&Params::parse(&params), NOW);
        }
    }

    fn url(pairs: &[(&str, String)]) -> String {
        let escape = |text: &str| {
            text.bytes()
                .map(|byte| format!("%{byte:02x}"))
                .collect::<String>()
        };
        let pair = |(name, value): &(&str, String)| format!("{name}={}", escape(value));
        pairs.iter().map(pair).collect::<Vec<_>>().join("&")
    }
}
