//! One GET and what its answer means. Everything that can stand in for Jaeger is told apart here.

use std::error::Error;
use std::time::Instant;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::JaegerError;
use super::limits::ClientLimits;
use crate::convert::UnusableSpan;
use crate::wire::v3::FailureBody;

/// How much of a body that can't be read is shown.
const SHOWN: usize = 120;

/// Connections to one server, and its base URL.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    http: reqwest::Client,
    base: Url,
    limits: ClientLimits,
}

/// An answer that is Jaeger's.
#[derive(Debug)]
pub(super) enum Reply {
    /// Status 2xx with something that may be JSON.
    Found(Body),
    /// Status 404 in Jaeger's own words: the thing is not there, the endpoint is.
    NotFound(Absence),
}

/// Jaeger's word that something is not there. Where that can't be, it is an error.
#[derive(Debug)]
pub(super) struct Absence {
    url: String,
    message: String,
}

impl From<Absence> for JaegerError {
    fn from(absence: Absence) -> Self {
        Self::Status {
            url: absence.url,
            status: StatusCode::NOT_FOUND.as_u16(),
            message: absence.message,
        }
    }
}

/// The body of a successful answer.
#[derive(Debug)]
pub(super) struct Body {
    url: String,
    bytes: Vec<u8>,
}

impl Transport {
    pub(super) fn new(base_url: &str, limits: ClientLimits) -> Result<Self, JaegerError> {
        let unusable = |reason: String| JaegerError::BaseUrl {
            url: base_url.to_owned(),
            reason,
        };
        let mut base = Url::parse(base_url.trim()).map_err(|error| unusable(error.to_string()))?;
        if base.scheme() != "http" {
            return Err(unusable(format!(
                "the scheme is {}, only http is supported",
                base.scheme()
            )));
        }
        // Whatever follows the path was meant for a page of the UI.
        base.set_query(None);
        base.set_fragment(None);
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        let http = reqwest::Client::builder()
            .connect_timeout(limits.connect)
            .read_timeout(limits.read)
            .timeout(limits.total)
            .user_agent(concat!("throughline/", env!("CARGO_PKG_VERSION")))
            // Jaeger is on this machine or behind a port-forward: a proxy from the environment could only get in between.
            .no_proxy()
            .build()
            .map_err(|error| unusable(innermost(&error)))?;
        Ok(Self { http, base, limits })
    }

    /// The base URL without a trailing slash.
    pub(super) fn base(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// A URL below the base path.
    pub(super) fn url(&self, segments: &[&str], query: &[(&str, String)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Sends one request and sorts the answer.
    pub(super) async fn get(&self, url: Url) -> Result<Reply, JaegerError> {
        let shown = url.to_string();
        let begun = Instant::now();
        let request = self.http.get(url).header(ACCEPT, "application/json");
        let mut response = request
            .send()
            .await
            .map_err(|error| failed(&shown, begun, error))?;
        let status = response.status();
        let is_html_type = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("text/html"));
        let mut bytes = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| failed(&shown, begun, error))?
        {
            if bytes.len() + chunk.len() > self.limits.body {
                return Err(JaegerError::TooLarge {
                    url: shown,
                    limit: self.limits.body,
                });
            }
            bytes.extend_from_slice(&chunk);
        }
        sort(Body { url: shown, bytes }, status, is_html_type)
    }
}

impl Body {
    /// That something in it can't be used.
    pub(super) fn unusable(&self, source: UnusableSpan) -> JaegerError {
        JaegerError::Unusable {
            url: self.url.clone(),
            source: Box::new(source),
        }
    }

    /// That the server gave up in the middle of it.
    pub(super) fn failed(&self, failure: FailureBody) -> JaegerError {
        JaegerError::Status {
            url: self.url.clone(),
            status: failure.http_code,
            message: failure.message,
        }
    }

    /// Reads it as JSON of the given shape.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, JaegerError> {
        self.read(|bytes| serde_json::from_slice(bytes))
    }

    /// Reads it with a reader of one's own.
    pub(super) fn read<T>(
        &self,
        reader: impl FnOnce(&[u8]) -> serde_json::Result<T>,
    ) -> Result<T, JaegerError> {
        reader(&self.bytes).map_err(|source| JaegerError::Malformed {
            url: self.url.clone(),
            line: source.line(),
            column: source.column(),
            near: near(&self.bytes, source.line(), source.column()),
            source,
        })
    }
}

/// Tells Jaeger's answers from those of whatever else may listen there. Jaeger's content types are no help: errors are
/// declared as plain text, and so are v3's successes in 2.13.
fn sort(body: Body, status: StatusCode, is_html_type: bool) -> Result<Reply, JaegerError> {
    if is_html_type || body.bytes.trim_ascii_start().starts_with(b"<") {
        let title = title(&body.bytes);
        return Err(JaegerError::WebPage {
            url: body.url,
            status: status.as_u16(),
            title,
        });
    }
    if status.is_success() {
        return Ok(Reply::Found(body));
    }
    match (status, message(&body.bytes)) {
        (StatusCode::NOT_FOUND, Some(message)) => Ok(Reply::NotFound(Absence {
            url: body.url,
            message,
        })),
        (StatusCode::NOT_FOUND, None) => Err(JaegerError::NoSuchEndpoint {
            url: body.url,
            message: beginning(&body.bytes),
        }),
        (_, message) => {
            let message = message.unwrap_or_else(|| beginning(&body.bytes));
            Err(JaegerError::Status {
                url: body.url,
                status: status.as_u16(),
                message,
            })
        }
    }
}

/// The message of an error in either API's form.
fn message(body: &[u8]) -> Option<String> {
    /// The parts of both forms that hold a message.
    #[derive(Deserialize)]
    struct Failure {
        errors: Option<Vec<Legacy>>,
        error: Option<V3>,
    }

    #[derive(Deserialize)]
    struct Legacy {
        msg: String,
    }

    #[derive(Deserialize)]
    struct V3 {
        message: String,
    }

    let failure: Failure = serde_json::from_slice(body).ok()?;
    let legacy = failure.errors.into_iter().flatten().next().map(|error| error.msg);
    legacy.or_else(|| failure.error.map(|error| error.message))
}

fn failed(url: &str, begun: Instant, error: reqwest::Error) -> JaegerError {
    let (url, reason) = (url.to_owned(), innermost(&error));
    if error.is_connect() {
        JaegerError::Connect {
            url,
            reason,
            source: error,
        }
    } else if error.is_timeout() {
        JaegerError::TimedOut {
            url,
            waited: begun.elapsed(),
        }
    } else {
        JaegerError::Broken {
            url,
            reason,
            source: error,
        }
    }
}

/// The innermost cause, which is the one that says what happened.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// A web page's title, or how the page begins.
fn title(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let title = text.find("<title>").and_then(|start| {
        let rest = &text[start + "<title>".len()..];
        rest.find("</title>").map(|end| rest[..end].trim().to_owned())
    });
    match title {
        Some(title) if !title.is_empty() => format!("{:?}", beginning(title.as_bytes())),
        _ => format!("beginning {:?}", beginning(body)),
    }
}

/// The beginning of a body on one line.
fn beginning(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// What stands around a place in a body. Line and column count from 1; a column of 0 is the line's beginning.
fn near(body: &[u8], line: usize, column: usize) -> String {
    if body.is_empty() {
        return "the body is empty".to_owned();
    }
    let before = body
        .split_inclusive(|byte| *byte == b'\n')
        .take(line.saturating_sub(1))
        .map(<[u8]>::len)
        .sum::<usize>();
    let place = (before + column).min(body.len());
    let start = place.saturating_sub(SHOWN / 2);
    let end = (place + SHOWN / 4).min(body.len());
    format!("near {:?}", beginning(&body[start..end]))
}

#[cfg(test)]
mod tests {
    use super::{beginning, near, title};

    #[test]
    fn a_long_body_is_shown_in_part_and_on_one_line() {
        let text = "word\n\t".repeat(100);
        let shown = beginning(text.as_bytes());
        assert!(shown.starts_with("word word") && shown.ends_with('…'), "{shown}");
        assert_eq!(beginning("ü".repeat(120).as_bytes()).chars().count(), 120);
    }

    #[test]
    fn the_place_of_a_fault_is_shown_with_what_stands_around_it() {
        let body = b"{\n  \"data\": [oops]\n}";
        assert_eq!(near(body, 2, 12), r#"near "{ \"data\": [oops] }""#);
        assert_eq!(near(b"", 1, 0), "the body is empty");
        assert_eq!(near(b"x", 9, 9), r#"near "x""#);
    }

    #[test]
    fn a_page_is_named_by_its_title_or_its_beginning() {
        assert_eq!(title(b"<html><title> Sign in </title>"), r#""Sign in""#);
        assert_eq!(title(b"<p>hello"), r#"beginning "<p>hello""#);
    }
}
