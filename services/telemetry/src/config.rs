//! Flags and variables that every service has, parsed once, and the value types of the others.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use reqwest::Url;
use serde::{Deserialize, Serialize};

/// The part of the command line that is the same in every service.
#[derive(Debug, Clone, clap::Args)]
pub struct ServiceArgs {
    /// Address to listen on; port 0 picks a free one
    #[arg(
        long,
        env = "THROUGHLINE_LISTEN",
        default_value = "0.0.0.0:8080",
        value_name = "ADDRESS"
    )]
    pub listen: SocketAddr,

    /// Where this process runs; becomes the resource attribute `throughline.site`
    #[arg(long, env = "THROUGHLINE_SITE", value_name = "SITE")]
    pub site: Option<Site>,

    /// What becomes of a caller's connection after an answer
    #[arg(
        long,
        env = "THROUGHLINE_CONNECTIONS",
        default_value = "keep",
        value_name = "WHAT"
    )]
    pub connections: Connections,

    /// Misbehave on purpose, so that a proof can be seen to fail
    #[arg(long, env = "THROUGHLINE_FAULT", value_name = "FAULT")]
    pub fault: Option<Fault>,
}

/// Where a process runs for the purposes of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Site {
    /// Inside the cluster
    Cluster,
    /// On the developer's machine
    Workstation,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Cluster => "cluster",
            Self::Workstation => "workstation",
        })
    }
}

/// What becomes of a caller's connection after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Connections {
    /// It stays open for the caller's next request
    Keep,
    /// It is closed, whatever the caller asked for: behind a filtered intercept of Telepresence 2.31.2 every caller's
    /// connection leaves one open here, and there is room for 256
    Close,
}

/// Faults on purpose, for the twins of scenarios.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// Outgoing calls carry neither traceparent nor tracestate
    DropTraceparent,
    /// Each batch of spans is exported twice
    ExportTwice,
    /// Spans are counted as exported and thrown away
    LoseSpans,
    /// An order is processed by a task that does not know the order's span; only order-service has such a task
    LoseContext,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::DropTraceparent => "drop-traceparent",
            Self::ExportTwice => "export-twice",
            Self::LoseSpans => "lose-spans",
            Self::LoseContext => "lose-context",
        })
    }
}

/// Base URL of another service: `http`, a host, no credentials, no query. Kept without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

/// A text that is no base URL of a service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadBaseUrl {
    /// No URL at all.
    #[error("expected a URL such as `http://order-service:8080`")]
    NotAUrl,
    /// Not `http`.
    #[error("scheme `{0}` is not supported: calls between services are plain `http`")]
    Scheme(String),
    /// Something that a base URL can't have.
    #[error("a base URL has no {0}")]
    Surplus(&'static str),
}

impl FromStr for BaseUrl {
    type Err = BadBaseUrl;

    fn from_str(text: &str) -> Result<Self, BadBaseUrl> {
        let url = Url::parse(text).map_err(|_| BadBaseUrl::NotAUrl)?;
        if url.scheme() != "http" {
            // `order-service:8080` parses as a URL with the scheme `order-service`.
            return Err(match url.host() {
                Some(_) => BadBaseUrl::Scheme(url.scheme().to_owned()),
                None => BadBaseUrl::NotAUrl,
            });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadBaseUrl::Surplus("credentials"));
        }
        if url.query().is_some() {
            return Err(BadBaseUrl::Surplus("query"));
        }
        if url.fragment().is_some() {
            return Err(BadBaseUrl::Surplus("fragment"));
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl BaseUrl {
    /// The URL of a path below this base; the path begins with a slash.
    #[must_use]
    pub(crate) fn join(&self, path: &'static str) -> Url {
        Url::parse(&format!("{}{path}", self.0)).expect("a checked base URL and a path constant make a URL")
    }
}

/// A duration as people write it: `2s`, `250ms`, `1m 30s`, `0s`.
///
/// # Errors
/// The text is no duration, or a negative one.
pub fn duration(text: &str) -> Result<Duration, String> {
    let signed: jiff::SignedDuration = text
        .parse()
        .map_err(|_| "expected a duration such as `2s` or `250ms`".to_owned())?;
    Duration::try_from(signed).map_err(|_| "a duration cannot be negative".to_owned())
}

/// A duration that can be a time limit: as [`duration`], and more than nothing.
///
/// # Errors
/// As [`duration`], and for zero.
pub fn limit(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("a time limit cannot be zero".to_owned()),
        limit => Ok(limit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("2s", 2_000)]
    #[case("250ms", 250)]
    #[case("0s", 0)]
    #[case("1m 30s", 90_000)]
    #[case("1m30s", 90_000)]
    #[case("1.5s", 1_500)]
    fn reads_durations_as_people_write_them(#[case] text: &str, #[case] millis: u64) {
        assert_eq!(duration(text), Ok(Duration::from_millis(millis)));
    }

    #[rstest]
    #[case("")]
    #[case("2")]
    #[case("soon")]
    #[case("-2s")]
    #[case("2 fortnights")]
    fn refuses_what_is_no_duration(#[case] text: &str) {
        assert!(duration(text).is_err(), "{text:?}");
    }

    #[test]
    fn a_time_limit_is_more_than_nothing() {
        assert_eq!(limit("1ms"), Ok(Duration::from_millis(1)));
        assert_eq!(limit("0s"), Err("a time limit cannot be zero".to_owned()));
    }

    #[rstest]
    #[case("http://order-service:8080", "http://order-service:8080/api/orders")]
    #[case("http://order-service:8080/", "http://order-service:8080/api/orders")]
    #[case("http://gateway/shop", "http://gateway/shop/api/orders")]
    #[case("http://[::1]:8080", "http://[::1]:8080/api/orders")]
    fn a_base_url_takes_a_path(#[case] base: &str, #[case] whole: &str) {
        let base: BaseUrl = base.parse().unwrap();
        assert_eq!(base.join("/api/orders").as_str(), whole);
    }

    #[rstest]
    #[case("", BadBaseUrl::NotAUrl)]
    #[case("order-service:8080", BadBaseUrl::NotAUrl)]
    #[case("https://order-service", BadBaseUrl::Scheme("https".into()))]
    #[case("http://user:pw@order-service", BadBaseUrl::Surplus("credentials"))]
    #[case("http://order-service/?a=b", BadBaseUrl::Surplus("query"))]
    #[case("http://order-service/#a", BadBaseUrl::Surplus("fragment"))]
    fn refuses_what_is_no_base_url(#[case] text: &str, #[case] error: BadBaseUrl) {
        assert_eq!(text.parse::<BaseUrl>(), Err(error));
    }
}
