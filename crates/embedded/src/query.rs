//! Jaeger's query API over the span store, faithful enough that Jaeger's UI or any of its clients can be pointed at it.
//!
//! Served are the legacy API that Jaeger 2.20 is the last to have in full, and `/api/v3/`. Paths, parameters, messages,
//! status codes and content types are Jaeger 2.20's; where Jaeger's order is random, this one is sorted. A few
//! things are different on purpose:
//!
//! - Adjusting a trace never changes what is stored (Jaeger 2.13 to 2.20 leaves warnings behind that no longer hold).
//! - `error=false` finds spans without a status too (Jaeger: from 2.21 on).
//! - Not-a-number and the infinities are written as texts; JSON has no such numbers.
//! - Times after the year 2262 do not overflow, and `/api/transform` shows a duration below zero as zero.
//! - A path outside of `/api/` gets a page of ours instead of Jaeger's UI; as with the UI, every such path is answered with 200.

mod adjust;
mod answer;
mod dependencies;
mod failure;
mod find;
mod go;
mod legacy;
mod model;
mod page;
mod params;
mod route;
mod serve;
#[cfg(test)]
mod tests;
mod trace_id;
mod v3;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::{Request, State};
use http::StatusCode;
use tokio::sync::Semaphore;

use answer::Answer;
use failure::Failure;
use find::Finder;
use params::Params;
use route::Route;

pub use serve::{QueryError, QueryHandle, QueryServer};

use crate::store::SpanStore;

/// What the query API shows and allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryOptions {
    /// By how much spans may be moved to correct the clocks of different hosts. Zero, Jaeger's default, moves nothing.
    pub max_clock_skew: Duration,
    /// The most spans of one answer. An adjusted trace that has more is cut short, as Jaeger does with
    /// `max_trace_size`; other answers fail.
    pub answer_spans: usize,
    /// The most traces that one request can name.
    pub trace_ids: usize,
    /// The most bytes of OTLP JSON to transform.
    pub transform_bytes: usize,
    /// The most answers that are made at a time; further requests wait.
    pub concurrent_answers: usize,
    /// How long answers under way are waited for on shutdown.
    pub grace: Duration,
}

impl Default for QueryOptions {
    fn default() -> Self {
        Self {
            max_clock_skew: Duration::ZERO,
            answer_spans: 500_000,
            trace_ids: 1_000,
            transform_bytes: 16 << 20,
            concurrent_answers: 8,
            grace: Duration::from_secs(5),
        }
    }
}

/// The API with the default options, to be served or called directly.
pub fn router(store: SpanStore) -> Router {
    router_with(store, QueryOptions::default())
}

/// The API, to be served or called directly.
pub fn router_with(store: SpanStore, options: QueryOptions) -> Router {
    let answers = Arc::new(Semaphore::new(
        options.concurrent_answers.clamp(1, Semaphore::MAX_PERMITS),
    ));
    let api = Api {
        finder: Finder { store, options },
        answers,
    };
    Router::new().fallback(answer).with_state(Arc::new(api))
}

struct Api {
    finder: Finder,
    answers: Arc<Semaphore>,
}

async fn answer(State(api): State<Arc<Api>>, request: Request) -> Answer {
    let route = Route::of(request.method(), request.uri().path());
    let params = Params::parse(request.uri().query().unwrap_or_default());
    let body = match route {
        Route::Nothing => return Answer::nothing(),
        Route::Transform => {
            match axum::body::to_bytes(request.into_body(), api.finder.options.transform_bytes).await {
                Ok(body) => body,
                Err(error) => {
                    let failure = Failure::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string());
                    return Answer::legacy(Err::<(), _>(failure), false);
                }
            }
        }
        _ => axum::body::Bytes::new(),
    };
    // The semaphore is never closed, and without a permit the answer would only come sooner.
    let permit = api.answers.clone().acquire_owned().await;
    let made = tokio::task::spawn_blocking(move || {
        let answer = make(&api.finder, &route, &params, &body);
        drop(permit);
        answer
    });
    match made.await {
        Ok(answer) => answer,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that is going down cancels tasks; nobody is left to read this.
            Err(_) => Answer::nothing(),
        },
    }
}

/// Makes an answer; long ones take their time, so this must not run on a thread that others wait for.
fn make(finder: &Finder, route: &Route, params: &Params, body: &[u8]) -> Answer {
    let now = SystemTime::now();
    let pretty = legacy::is_pretty(params);
    match route {
        Route::Services => Answer::legacy(Ok(legacy::services(finder)), pretty),
        Route::Operations => Answer::legacy(legacy::operations(finder, params), pretty),
        Route::OperationNames(service) => {
            Answer::legacy(Ok(legacy::operation_names(finder, service)), pretty)
        }
        Route::Traces => Answer::legacy(legacy::traces(finder, params, now), pretty),
        Route::Trace(id) => Answer::legacy(legacy::trace(finder, id, params), pretty),
        Route::Archive(id) => Answer::legacy(Err::<(), _>(legacy::archive(id, params)), pretty),
        Route::Transform => Answer::legacy(legacy::transform(body), pretty),
        Route::Dependencies => Answer::legacy(legacy::dependencies(finder, params, now), pretty),
        Route::Metrics(metric) => Answer::legacy(Err::<(), _>(legacy::metrics(*metric, params)), pretty),
        Route::V3Services => Answer::v3(Ok(v3::services(finder))),
        Route::V3Operations => Answer::v3(Ok(v3::operations(finder, params))),
        Route::V3Traces => Answer::v3(v3::traces(finder, params)),
        Route::V3Trace(id) => Answer::v3(v3::trace(finder, id, params)),
        Route::V3Summaries => Answer::v3(v3::summaries(finder, params)),
        Route::Nothing => Answer::nothing(),
        Route::TracePage(id) => Answer::page(page::trace(finder, id)),
        Route::Page => Answer::page(page::start(finder)),
    }
}
