//! A client for Jaeger's query API that works against Jaeger 2.13 to 2.21 and against our own server.

pub mod error;
pub mod flavour;
pub mod limits;
pub mod query;

use std::collections::BTreeSet;
use std::ops::Range;

use trace::{RequestId, ServiceName, Trace, TraceId, UnixNanos};

use error::JaegerError;
use flavour::ApiFlavour;
use limits::ClientLimits;
use query::{Operation, SearchQuery, TraceSummary};

/// A client for one Jaeger. Cheap to clone; clones share connections and what is known of the server.
///
/// It records no spans of its own and never sends `traceparent`: otherwise Jaeger's own server span would join the
/// trace that is being looked at.
#[derive(Debug, Clone)]
pub struct JaegerClient {
    base: String,
    limits: ClientLimits,
}

impl JaegerClient {
    /// A client for the Jaeger below `base_url`, for example `http://127.0.0.1:16686` or
    /// `http://host/jaeger/ui` behind a base path. Nothing is sent yet.
    ///
    /// # Errors
    /// The text is not an absolute `http://` URL.
    pub fn new(base_url: &str) -> Result<Self, JaegerError> {
        Self::with_limits(base_url, ClientLimits::default())
    }

    /// Like [`JaegerClient::new`], with limits of one's own.
    ///
    /// # Errors
    /// The text is not an absolute `http://` URL.
    pub fn with_limits(base_url: &str, limits: ClientLimits) -> Result<Self, JaegerError> {
        if !base_url.starts_with("http://") {
            return Err(JaegerError::BaseUrl {
                url: base_url.to_owned(),
                reason: "not an absolute http:// URL".to_owned(),
            });
        }
        Ok(Self {
            base: base_url.trim_end_matches('/').to_owned(),
            limits,
        })
    }

    /// The base URL without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base
    }

    /// Where a person sees this trace in Jaeger's UI.
    #[must_use]
    pub fn trace_url(&self, id: TraceId) -> String {
        format!("{}/trace/{id}", self.base)
    }

    /// Asks once which of the API's dialects the server speaks, and remembers the answer.
    ///
    /// # Errors
    /// Nothing answers, or what answers is not Jaeger: `/api/v3/services` must be JSON with status 200.
    pub async fn probe(&self) -> Result<ApiFlavour, JaegerError> {
        Err(self.pending("probing"))
    }

    /// All spans that have arrived so far of one trace, unadjusted; `None` when there is none yet.
    ///
    /// # Errors
    /// Everything but "found" and "not found".
    pub async fn trace(&self, _id: TraceId) -> Result<Option<Trace>, JaegerError> {
        Err(self.pending("fetching a trace"))
    }

    /// Every trace in which a span of one of the services carries this request id and started in the window.
    ///
    /// # Errors
    /// The server can't be asked, or its answer can't be read.
    pub async fn traces_by_request(
        &self,
        _request: &RequestId,
        _services: &[ServiceName],
        _window: Range<UnixNanos>,
    ) -> Result<Vec<Trace>, JaegerError> {
        Err(self.pending("searching by request id"))
    }

    /// Traces that have a span which meets all of the query's criteria, unadjusted, newest first as the server orders them.
    ///
    /// # Errors
    /// The server refuses the query or can't be asked, or its answer can't be read.
    pub async fn search(&self, _query: &SearchQuery) -> Result<Vec<Trace>, JaegerError> {
        Err(self.pending("searching"))
    }

    /// The services that the store has seen.
    ///
    /// # Errors
    /// The server can't be asked, or its answer can't be read.
    pub async fn services(&self) -> Result<BTreeSet<ServiceName>, JaegerError> {
        Err(self.pending("listing services"))
    }

    /// The operations that the store has seen of a service; empty when it does not know the service.
    ///
    /// # Errors
    /// The server can't be asked, or its answer can't be read.
    pub async fn operations(&self, _service: &ServiceName) -> Result<BTreeSet<Operation>, JaegerError> {
        Err(self.pending("listing operations"))
    }

    /// Counts instead of spans: what a search finds, one line for each trace (Jaeger 2.19 and later).
    ///
    /// # Errors
    /// [`JaegerError::Unsupported`] before 2.19; otherwise as [`JaegerClient::search`].
    pub async fn summaries(&self, _query: &SearchQuery) -> Result<Vec<TraceSummary>, JaegerError> {
        Err(self.pending("trace summaries"))
    }

    fn pending(&self, what: &'static str) -> JaegerError {
        JaegerError::Unsupported {
            url: format!("{} within {:?}", self.base, self.limits.read),
            what,
            since: "the next commit",
        }
    }
}
