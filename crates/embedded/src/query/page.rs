//! Pages for people. Jaeger's UI is not built in; what is shown needs no script.

use std::fmt::Write as _;

use jaeger_api::convert::from_v3;
use trace::render::{TextOptions, text};

use super::find::Finder;
use super::trace_id;

/// Says what this is and where to go from here.
pub(super) fn start(finder: &Finder) -> String {
    let stats = finder.store.stats();
    let mut main = format!(
        "<p>An in-memory span store that answers as Jaeger's query service does. It holds {} spans of {} traces.\n\
         Jaeger's UI, or any client of Jaeger's query API, can be pointed at this address.</p>\n<h2>Services</h2>\n<ul>\n",
        stats.spans, stats.traces
    );
    for service in finder.store.services() {
        let query = percent(&service);
        let _ = writeln!(
            main,
            "<li>{}: <a href=\"/api/traces?service={query}&amp;prettyPrint=true\">traces</a>,\n\
             <a href=\"/api/operations?service={query}&amp;prettyPrint=true\">operations</a></li>",
            escape(&service)
        );
    }
    main.push_str("</ul>\n<h2>API</h2>\n<ul>\n");
    for (path, what) in PATHS {
        let _ = writeln!(main, "<li><a href=\"{path}\"><code>{path}</code></a> {what}</li>");
    }
    main.push_str("</ul>\n");
    html("Throughline: spans", &main)
}

/// Shows one trace as a tree.
pub(super) fn trace(finder: &Finder, id: &str) -> String {
    let found = trace_id::parse_path(id).map(|id| (finder.trace(id, true), id));
    let main = match found {
        Err(reason) => format!("<p>This is no trace id: {}</p>\n", escape(&reason)),
        Ok((Err(failure), _)) => format!("<p>This trace can't be shown: {}</p>\n", escape(&failure.message)),
        Ok((Ok(None), _)) => "<p>No span of this trace has arrived, or it was evicted.</p>\n".to_owned(),
        Ok((Ok(Some(data)), id)) => {
            let id = const_hex::encode(id);
            let tree = match from_v3(data) {
                Ok(traces) => traces
                    .iter()
                    .map(|trace| text(trace, &TextOptions::default()))
                    .collect(),
                Err(error) => error.to_string(),
            };
            format!(
                "<pre>{}</pre>\n<p>As JSON: <a href=\"/api/traces/{id}?prettyPrint=true\">legacy</a>,\n\
                 <a href=\"/api/v3/traces/{id}\">OTLP</a>; <a href=\"/\">all services</a></p>\n",
                escape(&tree)
            )
        }
    };
    html(&format!("Trace {}", escape(id)), &main)
}

const PATHS: [(&str, &str); 4] = [
    ("/api/v3/services", "the services"),
    ("/api/services", "the same in the legacy form"),
    (
        "/api/dependencies?prettyPrint=true",
        "who called whom within the last day",
    ),
    (
        "/api/v3/trace-summaries",
        "traces in counts (wants <code>query.startTimeMin</code> and <code>query.startTimeMax</code>)",
    ),
];

fn html(title: &str, main: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <style>body {{ font-family: sans-serif; margin: 2em; }} pre {{ overflow-x: auto; }}</style>\n</head>\n\
         <body>\n<h1>{title}</h1>\n{main}</body>\n</html>\n"
    )
}

/// Text within HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Text within a query.
fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
