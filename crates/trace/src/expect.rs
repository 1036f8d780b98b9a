//! What a scenario expects of one request. Expectations are data: they are compared, printed and reported.

mod words;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::names;
use crate::site::Site;
use crate::span::{ServiceName, Span, SpanKind, Value};

/// A service, at a site when that matters: printed `order-service@workstation`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct At {
    /// The service.
    pub service: ServiceName,
    /// The site; `None` matches any.
    pub site: Option<Site>,
}

impl At {
    /// A service inside the cluster.
    pub fn cluster(service: impl Into<String>) -> Self {
        Self {
            service: ServiceName::new(service),
            site: Some(Site::Cluster),
        }
    }

    /// A service on the workstation.
    pub fn workstation(service: impl Into<String>) -> Self {
        Self {
            service: ServiceName::new(service),
            site: Some(Site::Workstation),
        }
    }

    /// A service wherever it runs.
    pub fn anywhere(service: impl Into<String>) -> Self {
        Self {
            service: ServiceName::new(service),
            site: None,
        }
    }

    /// The same service wherever it runs.
    #[must_use]
    pub fn without_site(&self) -> Self {
        Self {
            service: self.service.clone(),
            site: None,
        }
    }

    /// Whether a span was produced there.
    #[must_use]
    pub fn matches(&self, span: &Span) -> bool {
        self.covers(span.service(), span.site())
    }

    /// Whether a process of this service at this site is meant.
    #[must_use]
    pub fn covers(&self, service: &ServiceName, site: Option<Site>) -> bool {
        self.service == *service && self.site.is_none_or(|wanted| site == Some(wanted))
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

impl Matcher {
    /// Whether a value, or its absence, is what was asked for.
    #[must_use]
    pub fn matches(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Absent, value) => value.is_none(),
            (_, None) => false,
            (Self::Present, Some(_)) => true,
            (Self::Equals(wanted), Some(value)) => wanted == value,
            (Self::Text(wanted), Some(value)) => *wanted == value.to_string(),
            (Self::StartsWith(wanted), Some(value)) => value.to_string().starts_with(wanted.as_str()),
        }
    }
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
        Self {
            service: Some(ServiceName::new(service)),
            ..Self::default()
        }
    }

    /// Spans of a service at a site.
    #[must_use]
    pub fn at(at: &At) -> Self {
        Self {
            service: Some(at.service.clone()),
            site: at.site,
            ..Self::default()
        }
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

    /// Whether a span is picked.
    #[must_use]
    pub fn matches(&self, span: &Span) -> bool {
        self.service
            .as_ref()
            .is_none_or(|service| span.service() == service)
            && self.site.is_none_or(|site| span.site() == Some(site))
            && self.name.as_ref().is_none_or(|name| span.name == *name)
            && self.kind.is_none_or(|kind| span.kind == kind)
            && self
                .version
                .as_ref()
                .is_none_or(|version| span.resource.version().as_ref() == Some(version))
    }

    /// The place it is confined to, when it names a service.
    #[must_use]
    pub fn place(&self) -> Option<At> {
        self.service.clone().map(|service| At {
            service,
            site: self.site,
        })
    }
}

/// One thing that must be true of a request.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// The caller got this HTTP status.
    Status(u16),
    /// The caller got one of these HTTP statuses. None of none is never met.
    StatusOneOf(BTreeSet<u16>),
    /// Each place is followed by the next one: a span of the first has a descendant of the second with no span of a third
    /// place in between, and so on. This is the walkthrough's sentence `storefront@cluster → order-service@workstation → …`.
    /// An empty path is never found.
    Path(Vec<At>),
    /// Exactly these sites appear in the trace; a span without a site is a mismatch.
    Sites(BTreeSet<Site>),
    /// One root, every other span's parent is in the trace, and no two different spans share an id. The caller's span counts
    /// as present.
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
    /// The trace has spans, and none of them has error status.
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

impl Expectation {
    /// Whether it says that something is *not* there. Such expectations alone prove nothing when there is no span at all.
    #[must_use]
    pub const fn is_negative(&self) -> bool {
        matches!(
            self,
            Self::NoStray | Self::NoError | Self::Absent { .. } | Self::Count { count: 0, .. }
        )
    }
}

/// An attribute of a span as expectations see it: its own first, then its resource's, `service.name` among them.
#[must_use]
pub fn attribute(span: &Span, name: &str) -> Option<Value> {
    span.attributes
        .get(name)
        .or_else(|| span.resource.attributes.get(name))
        .cloned()
        .or_else(|| (name == names::SERVICE_NAME).then(|| Value::String(span.service().as_str().to_owned())))
}
