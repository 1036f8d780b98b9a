//! Hand-made traces, for tests and examples: whole by default, then broken with [`Recording::edit`] and its neighbours.
//!
//! ```
//! use trace::testing::Recording;
//! use trace::{At, Expectation, judge};
//!
//! let recording = Recording::checkout();
//! let path = vec![At::cluster("storefront"), At::workstation("order-service"), At::cluster("inventory-service")];
//! assert!(judge(&recording.evidence(), &[Expectation::Path(path), Expectation::Connected]).is_pass());
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::evidence::{Answer, Evidence, ExportAccount};
use crate::expect::At;
use crate::id::{RequestId, SpanId, TraceId};
use crate::names;
use crate::site::Site;
use crate::span::{Attributes, Resource, ServiceName, Span, SpanKind, Status, UnixNanos, Value};
use crate::tree::Trace;

/// 2026-01-01T00:00:00Z, when every recording begins.
const BEGIN: u64 = 1_767_225_600_000_000_000;
const MILLISECOND: u64 = 1_000_000;

/// The spans of one request as they would be recorded, under one trace id or several.
#[derive(Debug, Clone)]
pub struct Recording {
    number: u64,
    spans: Vec<Span>,
    next: u64,
    answer: Answer,
    accounts: Option<Vec<ExportAccount>>,
}

impl Recording {
    /// An empty recording; ids follow from the number, so that two recordings with different numbers share none.
    #[must_use]
    pub fn new(number: u64) -> Self {
        let answer = Answer::Response {
            status: 201,
            body: r#"{"order_id":"ord-1","status":"created"}"#.to_owned(),
        };
        Self {
            number,
            spans: Vec::new(),
            next: 1,
            answer,
            accounts: None,
        }
    }

    /// The walkthrough's request, whole: storefront in the cluster, order-service on the workstation, inventory-service in the cluster.
    #[must_use]
    pub fn checkout() -> Self {
        Self::checkout_with(Site::Workstation)
    }

    /// The same with order-service at a site of choice.
    #[must_use]
    pub fn checkout_with(order: Site) -> Self {
        let mut recording = Self::new(1);
        let storefront = At::cluster("storefront");
        let order = At {
            service: ServiceName::new("order-service"),
            site: Some(order),
        };
        let inventory = At::cluster("inventory-service");
        let checkout = recording.span(None, &storefront, SpanKind::Server, "POST /checkout");
        let orders = recording.call(checkout, &storefront, &order, "POST /api/orders");
        let create = recording.span(Some(orders), &order, SpanKind::Internal, "create-order");
        recording.attribute(create, "order.id", "ord-1");
        recording.attribute(create, "order.customer_id", "c-7");
        recording.call(create, &order, &inventory, "GET /api/check");
        recording.span(Some(create), &order, SpanKind::Internal, "process_order");
        recording
    }

    /// The trace id that the caller chose.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        trace_id(self.number, 0)
    }

    /// Another trace id of the same recording, for strays.
    #[must_use]
    pub fn other_trace_id(&self, which: u64) -> TraceId {
        trace_id(self.number, which + 1)
    }

    /// The span id that the caller chose.
    #[must_use]
    pub fn caller(&self) -> SpanId {
        span_id(self.number, 0)
    }

    /// The request's id.
    ///
    /// # Panics
    /// Never: `r-` and digits are visible ASCII.
    #[must_use]
    pub fn request_id(&self) -> RequestId {
        format!("r-{}", self.number + 80)
            .parse()
            .expect("`r-` and digits are visible ASCII")
    }

    /// Adds a span below another one, or below the caller, and says which id it got.
    pub fn span(&mut self, parent: Option<SpanId>, at: &At, kind: SpanKind, name: &str) -> SpanId {
        let id = span_id(self.number, self.next);
        let start = BEGIN + self.next * MILLISECOND;
        self.next += 1;
        let trace_id = parent
            .and_then(|parent| self.find(parent))
            .map_or_else(|| self.trace_id(), |parent| parent.trace_id);
        let attributes = BTreeMap::from([(
            names::REQUEST_ID.to_owned(),
            Value::from(self.request_id().as_str()),
        )]);
        self.spans.push(Span {
            trace_id,
            span_id: id,
            parent: Some(parent.unwrap_or_else(|| self.caller())),
            resource: Arc::new(resource(at)),
            name: name.to_owned(),
            kind,
            start: UnixNanos(start),
            end: UnixNanos(start + MILLISECOND / 2),
            status: Status::Unset,
            attributes,
            events: Vec::new(),
        });
        id
    }

    /// Adds a client span of one place and the server span of another below it; the server span's id is returned.
    pub fn call(&mut self, parent: SpanId, from: &At, to: &At, name: &str) -> SpanId {
        let client = self.span(Some(parent), from, SpanKind::Client, name);
        self.span(Some(client), to, SpanKind::Server, name)
    }

    /// Sets an attribute of a span.
    pub fn attribute(&mut self, id: SpanId, name: &str, value: impl Into<Value>) {
        let value = value.into();
        self.edit(id, |span| {
            span.attributes.insert(name.to_owned(), value);
        });
    }

    /// Gives a span error status.
    pub fn fail(&mut self, id: SpanId, description: &str) {
        self.edit(id, |span| span.status = Status::Error(description.to_owned()));
    }

    /// Changes all spans with this id.
    pub fn edit(&mut self, id: SpanId, change: impl FnOnce(&mut Span) + Clone) {
        self.spans
            .iter_mut()
            .filter(|span| span.span_id == id)
            .for_each(|span| change.clone()(span));
    }

    /// Changes all spans of a service.
    pub fn edit_service(&mut self, service: &str, change: impl Fn(&mut Span)) {
        self.spans
            .iter_mut()
            .filter(|span| span.service().as_str() == service)
            .for_each(change);
    }

    /// Removes spans.
    pub fn drop_spans(&mut self, dropped: impl Fn(&Span) -> bool) {
        self.spans.retain(|span| !dropped(span));
    }

    /// Adds a span as it is.
    pub fn push(&mut self, span: Span) {
        self.spans.push(span);
    }

    /// What happens when a traceparent header is lost on the way to a span: it becomes a root under another trace id, and everything
    /// below it follows.
    pub fn lose_header(&mut self, to: SpanId, which: u64) {
        let other = self.other_trace_id(which);
        let below = self.below(to);
        for span in &mut self.spans {
            if span.span_id == to {
                span.parent = None;
            }
            if below.contains(&span.span_id) {
                span.trace_id = other;
            }
        }
    }

    /// A span and everything below it.
    #[must_use]
    pub fn below(&self, top: SpanId) -> Vec<SpanId> {
        let mut below = vec![top];
        let mut next = 0;
        while let Some(&parent) = below.get(next) {
            next += 1;
            below.extend(
                self.spans
                    .iter()
                    .filter(|span| span.parent == Some(parent))
                    .map(|span| span.span_id),
            );
        }
        below
    }

    /// All spans so far.
    #[must_use]
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The first span with this name and kind.
    ///
    /// # Panics
    /// When there is none: the test is wrong then.
    #[must_use]
    pub fn id_of(&self, kind: SpanKind, name: &str) -> SpanId {
        let found = self
            .spans
            .iter()
            .find(|span| span.kind == kind && span.name == name);
        found
            .unwrap_or_else(|| panic!("no {kind} span `{name}` was recorded"))
            .span_id
    }

    /// What the caller got; a 201 unless told otherwise.
    pub fn answer(&mut self, answer: Answer) {
        self.answer = answer;
    }

    /// What the processes say; unless told otherwise, each place of the recording has delivered everything.
    pub fn accounts(&mut self, accounts: Vec<ExportAccount>) {
        self.accounts = Some(accounts);
    }

    /// Changes the account of a service's process.
    pub fn edit_account(&mut self, service: &str, change: impl Fn(&mut ExportAccount)) {
        let mut accounts = self.evidence().accounts;
        accounts
            .iter_mut()
            .filter(|account| account.service.as_str() == service)
            .for_each(change);
        self.accounts = Some(accounts);
    }

    /// The evidence of it: the caller's trace, every other trace as a stray, and the accounts.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        let ours = self.trace_id();
        let mut by_trace: BTreeMap<TraceId, Vec<Span>> = BTreeMap::new();
        for span in self.timed() {
            by_trace.entry(span.trace_id).or_default().push(span);
        }
        let trace = by_trace.remove(&ours).map(|spans| Trace::new(ours, spans));
        Evidence {
            trace_id: ours,
            caller_span: self.caller(),
            request_id: self.request_id(),
            answer: self.answer.clone(),
            trace,
            strays: by_trace
                .into_iter()
                .map(|(id, spans)| Trace::new(id, spans))
                .collect(),
            accounts: self.accounts.clone().unwrap_or_else(|| self.whole_accounts()),
        }
    }

    /// The spans, each ending a little after the last one below it.
    fn timed(&self) -> Vec<Span> {
        let mut ends: BTreeMap<SpanId, u64> = BTreeMap::new();
        let mut spans = self.spans.clone();
        for span in spans.iter_mut().rev() {
            if let Some(end) = ends.get(&span.span_id) {
                span.end = UnixNanos(span.end.0.max(end + MILLISECOND / 10));
            }
            if let Some(parent) = span.parent {
                let end = ends.entry(parent).or_default();
                *end = (*end).max(span.end.0);
            }
        }
        spans
    }

    fn whole_accounts(&self) -> Vec<ExportAccount> {
        let mut accounts: BTreeMap<(ServiceName, Site), u64> = BTreeMap::new();
        for span in &self.spans {
            if let Some(site) = span.site() {
                *accounts.entry((span.service().clone(), site)).or_default() += 1;
            }
        }
        accounts
            .into_iter()
            .map(|((service, site), spans)| account(service.as_str(), site, spans))
            .collect()
    }

    fn find(&self, id: SpanId) -> Option<&Span> {
        self.spans.iter().find(|span| span.span_id == id)
    }
}

/// A process that has delivered everything.
#[must_use]
pub fn account(service: &str, site: Site, spans: u64) -> ExportAccount {
    ExportAccount {
        service: ServiceName::new(service),
        site,
        version: version(site).to_owned(),
        pid: 4711,
        exporter: "http://127.0.0.1:4317".to_owned(),
        propagators: ["tracecontext", "baggage"].map(str::to_owned).to_vec(),
        sampler: "parentbased_always_on".to_owned(),
        sampled_out: 0,
        started: spans,
        exported: spans,
        failed: 0,
        last_error: None,
    }
}

/// The resource of a process at a place, with the version and environment that the walkthrough gives it.
#[must_use]
pub fn resource(at: &At) -> Resource {
    let mut attributes = Attributes::new();
    if let Some(site) = at.site {
        attributes.insert(names::SITE.to_owned(), site.as_str().into());
        attributes.insert(names::SERVICE_VERSION.to_owned(), version(site).into());
        if site == Site::Workstation {
            attributes.insert(names::DEPLOYMENT_ENVIRONMENT_NAME.to_owned(), names::DEBUG.into());
        }
    }
    Resource::new(at.service.clone(), attributes)
}

const fn version(site: Site) -> &'static str {
    match site {
        Site::Cluster => "0.1.0",
        Site::Workstation => names::LOCAL_DEBUG,
    }
}

/// The first digits tell traces apart, since those are what sentences show.
fn trace_id(number: u64, which: u64) -> TraceId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(0x4bf9_0000_0000_0000 ^ (which << 48) ^ number).to_be_bytes());
    bytes[8..].copy_from_slice(&(number | 1 << 63).to_be_bytes());
    TraceId::from_bytes(bytes).expect("the upper bit of the lower half is set")
}

fn span_id(number: u64, which: u64) -> SpanId {
    SpanId::from_bytes(((1 << 63) | (number << 32) | which).to_be_bytes()).expect("the upper bit is set")
}
