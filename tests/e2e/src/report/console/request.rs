//! A followed request on the console: a line, and below it what keeps it from being one whole trace.

use anstyle::Style;
use testbed::RequestSeen;

use super::{BAD, FAINT, NAME_WIDTH, OK, OPEN, duration};

/// The lines of a request.
pub(super) fn lines(seen: &RequestSeen) -> Vec<String> {
    let style = style(seen);
    let status = seen
        .status
        .map_or_else(|| "?".to_owned(), |status| status.to_string());
    let more = if seen.again { "  (more of it came)" } else { "" };
    let by = seen
        .answered_by
        .as_ref()
        .map_or_else(String::new, |by| format!("  {by}"));
    let mut lines = vec![format!(
        "  {style}{status:<4}{style:#}  {:<NAME_WIDTH$}{:>8}{by}  {FAINT}{}{FAINT:#}{more}",
        seen.path,
        duration(seen.took),
        seen.url
    )];
    lines.extend(
        seen.problems
            .iter()
            .map(|problem| format!("          {BAD}broken{BAD:#}    {problem}")),
    );
    lines
}

/// A broken trace is worse than a refused order: that one may be what the caller deserves.
fn style(seen: &RequestSeen) -> Style {
    match seen.status {
        _ if !seen.problems.is_empty() => BAD,
        Some(200..400) => OK,
        _ => OPEN,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn seen() -> RequestSeen {
        RequestSeen {
            trace_id: "5756a1b2c3d4e5f60718293a4b5c6d7e".parse().unwrap(),
            request_id: "r-81".parse().ok(),
            status: Some(201),
            path: "storefront@cluster → order-service@workstation → inventory-service@cluster".to_owned(),
            answered_by: Some("pid 4711".to_owned()),
            took: Duration::from_micros(12_400),
            problems: Vec::new(),
            again: false,
            url: "http://127.0.0.1:16686/trace/5756a1b2c3d4e5f60718293a4b5c6d7e".to_owned(),
        }
    }

    #[test]
    fn a_request_is_a_line_and_what_is_wrong_with_it_is_below() {
        let broken = RequestSeen {
            status: None,
            path: "storefront@cluster → order-service@workstation, and inventory-service@cluster under trace 9f31…"
                .to_owned(),
            answered_by: None,
            problems: vec![
                "the traceparent header was lost between order-service and inventory-service (request r-81)".to_owned(),
            ],
            again: true,
            ..seen()
        };
        let text = [lines(&seen()), lines(&broken)].concat().join("\n");
        insta::assert_snapshot!(anstream::adapter::strip_str(&text).to_string());
    }
}
