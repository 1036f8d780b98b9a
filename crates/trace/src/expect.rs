//! What a scenario expects of one request. Expectations are data: they are compared, printed and reported.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::site::Site;
use crate::span::{ServiceName, SpanKind, Value};

/// A service, at a site when that matters: printed `order-service@workstation`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct At {
    /// The service.
    pub service: ServiceName,
    /// The site; `None` matches any.
    pub site: Option<Site>,
}

impl At {
    /// A service inside the cluster.
    pub fn cluster(service: impl Into<String>) -> Self {
        Self { service: ServiceName::new(service), site: Some(Site::Cluster) }
    }

    /// A service on the workstation.
    pub fn workstation(service: impl Into<String>) -> Self {
        Self { service: ServiceName::new(service), site: Some(Site::Workstation) }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.site {
            Some(site) => write!(f, "{}@{site}", self.service),
            None => write!(f, "{}", self.service),
        }
    }
}

/// How an attribute's value is compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Matcher {
    /// Present, whatever the value.
    Present,
    /// Not present.
    Absent,
    /// Equal in type and value.
    Equals(Value),
    /// Equal after both are written as text, which is how Jaeger's legacy search compares.
    Text(String),
    /// The text starts with this.
    StartsWith(String),
}

/// Picks spans of a trace. Every field that is set must match.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SpanSelector {
    /// `service.name`.
    pub service: Option<ServiceName>,
    /// Site of the producing process.
    pub site: Option<Site>,
    /// `service.version`.
    pub version: Option<String>,
    /// Operation name, exact.
    pub name: Option<String>,
    /// Span kind.
    pub kind: Option<SpanKind>,
}

impl SpanSelector {
    /// Spans of a service.
    pub fn service(service: impl Into<String>) -> Self {
        Self { service: Some(ServiceName::new(service)), ..Self::default() }
    }

    /// Spans of a service at a site.
    #[must_use]
    pub fn at(at: &At) -> Self {
        Self { service: Some(at.service.clone()), site: at.site, ..Self::default() }
    }

    /// Narrows to a name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Narrows to a kind.
    #[must_use]
    pub const fn kind(mut self, kind: SpanKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Narrows to a site.
    #[must_use]
    pub const fn site(mut self, site: Site) -> Self {
        self.site = Some(site);
        self
    }

    /// Narrows to a version.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }
}

/// One thing that must be true of a request.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// The caller got this HTTP status.
    Status(u16),
    /// Each place is followed by the next one: a span of the first has a descendant of the second with no span of a third
    /// service in between, and so on. This is the walkthrough's sentence `storefront@cluster → order-service@workstation → …`.
    Path(Vec<At>),
    /// Exactly these sites appear in the trace; a span without a site is a mismatch.
    Sites(BTreeSet<Site>),
    /// One root, and every other span's parent is in the trace. The caller's span counts as present.
    Connected,
    /// No other trace carries our request id.
    NoStray,
    /// At least one selected span has all these attributes (span attributes first, then resource attributes).
    Attributes {
        /// Which spans.
        select: SpanSelector,
        /// Name and comparison.
        attributes: Vec<(String, Matcher)>,
    },
    /// The number of selected spans, exact copies (an exporter's resend) counted once.
    Count {
        /// Which spans.
        select: SpanSelector,
        /// How many.
        count: usize,
    },
    /// At least one selected span has error status.
    Error {
        /// Which spans.
        select: SpanSelector,
    },
    /// No span of the trace has error status.
    NoError,
    /// Every selected span, and at least one, took this long.
    Duration {
        /// Which spans.
        select: SpanSelector,
        /// At least.
        min: Option<Duration>,
        /// At most.
        max: Option<Duration>,
    },
    /// There is no such span, in this trace or in a stray one.
    Absent {
        /// Which spans.
        select: SpanSelector,
    },
}
