//! Proof that an environment works before the first scenario: an order passes all three services, and a span that the
//! Collector acknowledged can be seen in Jaeger. A ready pod proves neither.

use std::time::Duration;

use jaeger_api::{JaegerClient, JaegerError};
use reqwest::header::CONTENT_TYPE;
use serde_json::json;
use testbed::wait::{self, Pace, Probe};
use testbed::{Deadline, Explain, WaitError};
use trace::{SpanId, TraceId, names};

/// The longest that one look may take: a request may hang for as long as it likes while routes are being changed.
const LOOK: Duration = Duration::from_secs(2);
/// How often to look.
const PACE: Pace = Pace {
    first: Duration::from_millis(5),
    longest: Duration::from_millis(50),
};
/// How long a span may take from the Collector's acknowledgement until Jaeger shows it, before another one is sent.
const VISIBLE: Duration = Duration::from_secs(2);
/// `service.name` of the span.
const SERVICE: &str = "throughline";

/// Why the environment is not proven.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// Something did not come to hold.
    #[error(transparent)]
    Wait(#[from] WaitError),
    /// The services answer, and don't take the order: they are not the ones that belong to this harness.
    #[error("the order was refused with {status}: {body}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The beginning of the answer.
        body: String,
    },
    /// The HTTP client can't be made.
    #[error("no HTTP client")]
    Client(#[source] reqwest::Error),
    /// The address is none.
    #[error("{url} can't be asked for traces")]
    Jaeger {
        /// The address.
        url: String,
        /// Why.
        source: JaegerError,
    },
}

impl Explain for ProbeError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Wait(error) => error.hint(),
            Self::Refused { .. } => {
                Some("build the services anew: their binaries are of another version".into())
            }
            Self::Client(_) | Self::Jaeger { .. } => None,
        }
    }
}

/// A client whose requests end after [`LOOK`], and that opens a connection for each: an old one may lead to a pod that
/// is gone.
fn client() -> Result<reqwest::Client, ProbeError> {
    let builder = reqwest::Client::builder()
        .timeout(LOOK)
        .pool_max_idle_per_host(0)
        .no_proxy();
    builder.build().map_err(ProbeError::Client)
}

/// Waits until an order goes through storefront, order-service and inventory-service. It is sent with a `traceparent`
/// that says "not sampled" (W3C Trace Context), so that it leaves no spans.
///
/// # Errors
/// No order went through before the deadline; with what came last.
pub async fn order_goes_through(storefront: &str, deadline: &Deadline) -> Result<(), ProbeError> {
    let client = client()?;
    let body = json!({"customer_id": SERVICE, "sku": "WIDGET-001"});
    let waited = wait::until_paced(deadline, "an order through all three services", PACE, || async {
        let request = client
            .post(format!("{storefront}/checkout"))
            .header(names::TRACEPARENT, format!("00-{}-{}-00", trace_id(), span_id()))
            .json(&body);
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Probe::Ready(()),
            Ok(answer) => {
                let status = answer.status();
                let body = answer.text().await.unwrap_or_default();
                let body: String = body.chars().take(300).collect();
                if status.is_client_error() {
                    Probe::Broken(ProbeError::Refused {
                        status: status.as_u16(),
                        body,
                    })
                } else {
                    Probe::NotYet(format!("{status}: {body}"))
                }
            }
            Err(error) => Probe::NotYet(testbed::explain::chain(&error)),
        }
    });
    Ok(waited.await?)
}

/// Waits until a span that was exported to the Collector can be seen in Jaeger. The first one is sent when Jaeger answers: a Collector
/// that finds nobody there asks again after a second, and then later and later (gRPC's connection backoff). Sends a new one when the
/// last one was refused, or was acknowledged and did not appear.
///
/// # Errors
/// Jaeger did not answer before the deadline, or none appeared; with what came last.
pub async fn span_arrives(otlp_http: &str, jaeger: &str, deadline: &Deadline) -> Result<(), ProbeError> {
    let client = client()?;
    let jaeger_client = JaegerClient::new(jaeger).map_err(|source| ProbeError::Jaeger {
        url: jaeger.to_owned(),
        source,
    })?;
    let answers = wait::until_paced(deadline, "an answer of Jaeger", PACE, || async {
        match stored(&jaeger_client, trace_id(), deadline).await {
            Ok(_) => Probe::<(), std::convert::Infallible>::Ready(()),
            Err(reason) => Probe::NotYet(reason),
        }
    });
    answers.await?;
    let waited = wait::until_paced(deadline, "a probe span in Jaeger", PACE, || async {
        let id = trace_id();
        match export(&client, otlp_http, id).await {
            Ok(()) => {}
            Err(reason) => return Probe::<(), std::convert::Infallible>::NotYet(reason),
        }
        let visible = deadline.within(VISIBLE);
        let seen = wait::until_paced(&visible, "the span", PACE, || async {
            match stored(&jaeger_client, id, &visible).await {
                Ok(true) => Probe::<(), std::convert::Infallible>::Ready(()),
                Ok(false) => Probe::not_yet("the Collector acknowledged it, Jaeger has no such trace"),
                Err(reason) => Probe::NotYet(reason),
            }
        });
        match seen.await {
            Ok(()) => Probe::Ready(()),
            Err(error) => Probe::NotYet(error.to_string()),
        }
    });
    Ok(waited.await?)
}

/// Whether Jaeger has this trace; or why that can't be said.
async fn stored(jaeger: &JaegerClient, id: TraceId, deadline: &Deadline) -> Result<bool, String> {
    match deadline.within(LOOK).bound(jaeger.trace(id)).await {
        Ok(Ok(trace)) => Ok(trace.is_some()),
        Ok(Err(error)) => Err(testbed::explain::chain(&error)),
        Err(_) => Err("Jaeger does not answer".to_owned()),
    }
}

/// Exports one span in OTLP/JSON (OTLP 1.11 specification: ids in hexadecimal, times as decimal strings).
async fn export(client: &reqwest::Client, otlp_http: &str, id: TraceId) -> Result<(), String> {
    let now = jiff::Timestamp::now().as_nanosecond().to_string();
    let body = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": names::SERVICE_NAME, "value": {"stringValue": SERVICE}}]},
        "scopeSpans": [{"scope": {"name": SERVICE}, "spans": [{
            "traceId": id.to_string(),
            "spanId": span_id().to_string(),
            "name": "probe",
            "kind": 1,
            "startTimeUnixNano": now,
            "endTimeUnixNano": now,
        }]}],
    }]});
    let request = client
        .post(format!("{otlp_http}/v1/traces"))
        .header(CONTENT_TYPE, "application/json");
    let answer = request
        .body(body.to_string())
        .send()
        .await
        .map_err(|error| testbed::explain::chain(&error))?;
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    // A span that was taken and then rejected is told in an answer that is otherwise fine.
    let rejected = text.contains("rejectedSpans");
    if status.is_success() && !rejected {
        Ok(())
    } else {
        Err(format!("the Collector answers {status}: {text}"))
    }
}

fn trace_id() -> TraceId {
    loop {
        if let Ok(id) = format!("{:016x}{:016x}", random(), random()).parse() {
            return id;
        }
    }
}

fn span_id() -> SpanId {
    loop {
        if let Ok(id) = format!("{:016x}", random()).parse() {
            return id;
        }
    }
}

/// Drawn as the standard library seeds its hashers: from the system's random source.
#[must_use]
pub fn random() -> u64 {
    use std::hash::BuildHasher;
    std::hash::RandomState::new().hash_one(0u8)
}

#[cfg(test)]
mod tests;
