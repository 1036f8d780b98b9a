//! The caller outside the cluster: sends an order under a trace id and a request id that it chose before.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use testbed::explain::chain;
use trace::{Answer, RequestId, SpanId, TraceId, UnixNanos, names};

use crate::random;
use crate::scenario::topology::{CUSTOMER, IN_STOCK, SOLD_OUT};
use crate::wall_clock;

/// How much of a response body the report keeps.
const BODY_KEPT: usize = 2_000;

/// How long an order may take. Longer than every limit inside the services, so that their own errors arrive as answers.
const USUAL_LIMIT: Duration = Duration::from_secs(10);

/// An order to be placed.
#[derive(Debug, Clone)]
pub struct Order {
    sku: Cow<'static, str>,
    quantity: u32,
    headers: BTreeMap<String, String>,
    trace_id: TraceId,
    /// Base URL of the order-service that it is sent to; `None` is the storefront.
    to: Option<String>,
    patience: Option<Duration>,
}

impl Order {
    /// The walkthrough's order, for an article in stock.
    #[must_use]
    pub fn known() -> Self {
        Self::of(IN_STOCK, 1)
    }

    /// An order for so many pieces of any article.
    #[must_use]
    pub fn of(sku: impl Into<Cow<'static, str>>, quantity: u32) -> Self {
        Self {
            sku: sku.into(),
            quantity,
            headers: BTreeMap::new(),
            trace_id: random::trace_id(),
            to: None,
            patience: None,
        }
    }

    /// An order for an article that is sold out.
    #[must_use]
    pub fn sold_out() -> Self {
        Self::of(SOLD_OUT, 1)
    }

    /// With a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Straight to order-service at this base URL, and not through the storefront.
    #[must_use]
    pub fn straight_to(mut self, order_service: &str) -> Self {
        self.to = Some(order_service.to_owned());
        self
    }

    /// From a caller that will wait this long and says so to the services, in whole seconds: longer, since somebody may stand at a
    /// breakpoint, or shorter, since nobody will answer. Less than a second is told as none, for which they take the shortest wait
    /// that they grant.
    #[must_use]
    pub fn waiting(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        let wait = format!("wait={}", patience.as_secs());
        self.with_header(names::PREFER_HEADER, &wait)
    }

    /// The trace id that it will be sent under.
    #[must_use]
    pub const fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// Under this trace id instead of one of its own.
    #[must_use]
    pub fn under(mut self, trace_id: TraceId) -> Self {
        self.trace_id = trace_id;
        self
    }
}

/// An order that was sent, and what came back.
#[derive(Debug, Clone)]
pub struct Placed {
    sent_at: UnixNanos,
    trace_id: TraceId,
    caller_span: SpanId,
    request_id: RequestId,
    answer: Answer,
}

impl Placed {
    /// When it was sent, by this machine's clock: no span of it is older.
    #[must_use]
    pub const fn sent_at(&self) -> UnixNanos {
        self.sent_at
    }

    /// The trace id that it was sent under.
    #[must_use]
    pub const fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The parent span id that the caller named.
    #[must_use]
    pub const fn caller_span(&self) -> SpanId {
        self.caller_span
    }

    /// The request id that travelled with it.
    #[must_use]
    pub const fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// What came back.
    #[must_use]
    pub const fn answer(&self) -> &Answer {
        &self.answer
    }
}

/// Sends orders to the storefront, or straight to order-service.
#[derive(Debug, Clone)]
pub struct Caller {
    client: reqwest::Client,
    checkout: String,
}

impl Caller {
    /// A caller of the storefront at this base URL.
    ///
    /// # Errors
    /// When the HTTP client can't be made.
    pub fn new(storefront: &str) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .timeout(USUAL_LIMIT)
            // A connection from before a switch may stay with whoever answered then.
            .pool_max_idle_per_host(0)
            .no_proxy()
            .build()?;
        Ok(Self {
            client,
            checkout: format!("{storefront}/checkout"),
        })
    }

    /// Places an order. An error of the transport is an answer, too: the judge looks at it.
    pub async fn place(&self, order: Order) -> Placed {
        let sent_at = wall_clock::now();
        let caller_span = random::span_id();
        let request_id = random::request_id();
        let url = match &order.to {
            Some(order_service) => format!("{order_service}/api/orders"),
            None => self.checkout.clone(),
        };
        let mut request = self
            .client
            .post(url)
            // W3C Trace Context, version 00, flag 01: sampled.
            .header(
                names::TRACEPARENT,
                format!("00-{}-{caller_span}-01", order.trace_id),
            )
            .header(names::REQUEST_ID_HEADER, request_id.as_str())
            .json(
                &serde_json::json!({ "customer_id": CUSTOMER, "sku": order.sku, "quantity": order.quantity }),
            );
        for (name, value) in &order.headers {
            request = request.header(name, value);
        }
        if let Some(patience) = order.patience {
            request = request.timeout(patience + USUAL_LIMIT);
        }
        let answer = match request.send().await {
            Ok(response) => {
                let status = response.status().as_u16();
                let mut body = response
                    .text()
                    .await
                    .unwrap_or_else(|error| format!("(body: {error})"));
                body.truncate(body.floor_char_boundary(BODY_KEPT));
                Answer::Response { status, body }
            }
            Err(error) => Answer::Failed(chain(&error)),
        };
        Placed {
            sent_at,
            trace_id: order.trace_id,
            caller_span,
            request_id,
            answer,
        }
    }
}
