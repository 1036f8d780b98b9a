//! A client for Jaeger's query API that works against Jaeger 2.13 to 2.21 and against our own server.

pub mod error;
pub mod flavour;
pub mod limits;
pub mod query;
mod search;
mod transport;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use futures_util::future::try_join_all;
use trace::{RequestId, ServiceName, Trace, TraceId, UnixNanos};

use crate::convert::{from_legacy, parent_is_ambiguous};
use crate::wire::{legacy, v3};
use error::JaegerError;
use flavour::{ApiFlavour, Known, SearchApi};
use limits::ClientLimits;
use query::{Operation, SearchQuery, TraceSummary};
use transport::{Body, Reply, Transport};

/// A client for one Jaeger. Cheap to clone; clones share connections and what is known of the server.
///
/// It records no spans of its own and never sends `traceparent`: otherwise Jaeger's own server span would join the
/// trace that is being looked at.
#[derive(Debug, Clone)]
pub struct JaegerClient {
    transport: Transport,
    known: Arc<Known>,
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
        Ok(Self {
            transport: Transport::new(base_url, limits)?,
            known: Arc::default(),
        })
    }

    /// The base URL without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.transport.base()
    }

    /// Where a person sees this trace in Jaeger's UI.
    #[must_use]
    pub fn trace_url(&self, id: TraceId) -> String {
        format!("{}/trace/{id}", self.transport.base())
    }

    /// Asks once which of the API's dialects the server speaks, and remembers the answer.
    ///
    /// # Errors
    /// Nothing answers, or what answers is not Jaeger: `/api/v3/services` must be JSON with status 200.
    pub async fn probe(&self) -> Result<ApiFlavour, JaegerError> {
        self.known.flavour(&self.transport).await
    }

    /// All spans that have arrived so far of one trace, unadjusted; `None` when there is none yet.
    ///
    /// The legacy API is asked first, because its `raw` is understood by every version; v3 is asked when the legacy
    /// one is not there, or can't tell a parent from a link.
    ///
    /// # Errors
    /// Everything but "found" and "not found".
    pub async fn trace(&self, id: TraceId) -> Result<Option<Trace>, JaegerError> {
        if self.known.has_no_legacy_trace() {
            return self.v3_trace(id).await;
        }
        match self.legacy_trace(id).await {
            Ok(Some((body, trace))) => self.read(&body, trace).await.map(Some),
            Ok(None) => Ok(None),
            Err(absent @ (JaegerError::NoSuchEndpoint { .. } | JaegerError::WebPage { .. })) => {
                let trace = match self.v3_trace(id).await {
                    // The address is wrong, and the first answer says how.
                    Err(JaegerError::NoSuchEndpoint { .. } | JaegerError::WebPage { .. }) => {
                        return Err(absent);
                    }
                    other => other?,
                };
                self.known.remember_no_legacy_trace();
                Ok(trace)
            }
            Err(error) => Err(error),
        }
    }

    /// Every trace in which a span of one of the services carries this request id and started in the window.
    ///
    /// # Errors
    /// The server can't be asked, or its answer can't be read.
    pub async fn traces_by_request(
        &self,
        request: &RequestId,
        services: &[ServiceName],
        window: Range<UnixNanos>,
    ) -> Result<Vec<Trace>, JaegerError> {
        let searches = services.iter().map(|service| async {
            let query = SearchQuery::new(service.clone(), window.clone())
                .tag(trace::names::REQUEST_ID, request.as_str());
            self.search(&query).await
        });
        // A trace that several services took part in is found once for each; the answer with more spans is the later one.
        let mut by_id: BTreeMap<TraceId, Trace> = BTreeMap::new();
        for trace in try_join_all(searches).await?.into_iter().flatten() {
            let known = by_id.get(&trace.id());
            if known.is_none_or(|known| known.spans().len() < trace.spans().len()) {
                by_id.insert(trace.id(), trace);
            }
        }
        let mut found: Vec<Trace> = by_id.into_values().collect();
        found.sort_by_key(|trace| (trace.spans().first().map(|span| span.start), trace.id()));
        Ok(found)
    }

    /// Traces that have a span which meets all of the query's criteria, unadjusted, newest first as the server orders them.
    ///
    /// # Errors
    /// The server refuses the query or can't be asked, or its answer can't be read.
    pub async fn search(&self, query: &SearchQuery) -> Result<Vec<Trace>, JaegerError> {
        if self.probe().await?.search == SearchApi::V3 {
            return search::v3(&self.transport, query).await;
        }
        let (body, found) = search::legacy(&self.transport, query).await?;
        let mut traces = Vec::with_capacity(found.len());
        for trace in found {
            traces.push(self.read(&body, trace).await?);
        }
        Ok(traces)
    }

    /// The services that the store has seen.
    ///
    /// # Errors
    /// The server can't be asked, or its answer can't be read.
    pub async fn services(&self) -> Result<BTreeSet<ServiceName>, JaegerError> {
        let body = self.found(&["api", "v3", "services"], &[]).await?;
        Ok(body
            .json::<v3::Services>()?
            .services
            .into_iter()
            .map(ServiceName)
            .collect())
    }

    /// The operations that the store has seen of a service; empty when it does not know the service.
    ///
    /// # Errors
    /// The server can't be asked, or its answer can't be read.
    pub async fn operations(&self, service: &ServiceName) -> Result<BTreeSet<Operation>, JaegerError> {
        let body = self
            .found(&["api", "v3", "operations"], &[("service", service.to_string())])
            .await?;
        Ok(body
            .json::<v3::Operations>()?
            .operations
            .into_iter()
            .map(Operation::from)
            .collect())
    }

    /// Counts instead of spans: what a search finds, one line for each trace (Jaeger 2.19 and later).
    ///
    /// # Errors
    /// [`JaegerError::Unsupported`] before 2.19; otherwise as [`JaegerClient::search`].
    pub async fn summaries(&self, query: &SearchQuery) -> Result<Vec<TraceSummary>, JaegerError> {
        if !self.probe().await?.summaries {
            return Err(JaegerError::Unsupported {
                url: self.base_url().to_owned(),
                what: "a search for trace summaries",
                since: "2.19",
            });
        }
        search::summaries(&self.transport, query).await
    }

    async fn legacy_trace(&self, id: TraceId) -> Result<Option<(Body, legacy::Trace)>, JaegerError> {
        let url = self
            .transport
            .url(&["api", "traces", &id.to_string()], &[("raw", "true".to_owned())]);
        match self.transport.get(url).await? {
            Reply::Found(body) => {
                let trace = body
                    .json::<legacy::Envelope<_>>()?
                    .data
                    .into_iter()
                    .flatten()
                    .next();
                Ok(trace.map(|trace| (body, trace)))
            }
            Reply::NotFound(_) => Ok(None),
        }
    }

    /// Takes a trace from the legacy form; where that leaves a parent open, v3 is asked.
    async fn read(&self, body: &Body, trace: legacy::Trace) -> Result<Trace, JaegerError> {
        if trace.spans.iter().any(parent_is_ambiguous)
            && let Ok(id) = TraceId::try_from(trace.trace_id)
            && let Some(exact) = self.v3_trace(id).await?
        {
            return Ok(exact);
        }
        from_legacy(trace).map_err(|source| body.unusable(source))
    }

    async fn v3_trace(&self, id: TraceId) -> Result<Option<Trace>, JaegerError> {
        // 2.13 knows the second spelling only and silently adjusts, for good, a trace that is asked for with the first.
        let raw = [
            ("rawTraces", "true".to_owned()),
            ("raw_traces", "true".to_owned()),
        ];
        match self
            .transport
            .get(
                self.transport
                    .url(&["api", "v3", "traces", &id.to_string()], &raw),
            )
            .await?
        {
            Reply::Found(body) => Ok(search::v3_traces(&body)?
                .into_iter()
                .find(|trace| trace.id() == id)),
            Reply::NotFound(_) => Ok(None),
        }
    }

    /// The answer of an endpoint that always has one.
    async fn found(&self, path: &[&str], query: &[(&str, String)]) -> Result<Body, JaegerError> {
        match self.transport.get(self.transport.url(path, query)).await? {
            Reply::Found(body) => Ok(body),
            Reply::NotFound(absence) => Err(absence.into()),
        }
    }
}
