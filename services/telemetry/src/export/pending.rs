//! Open spans, made visible while they are open: a debugger stops every thread, and a span that was not sent before its
//! breakpoint is not sent before the process goes on.
//!
//! A record of an open span has a duration of 1 µs, the attribute `throughline.pending`, and an instrumentation scope of
//! its own. It goes past the account: the span itself is counted when it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use opentelemetry::trace::{Span as _, SpanContext, SpanKind};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, Span, SpanData, SpanExporter, SpanProcessor};

use super::otlp::{BuildError, exporter};
use crate::names;
use crate::settings::{OpenSpans, Target};

/// How long the start of a span waits for its record to be acknowledged. On loopback that takes about a millisecond.
const LONGEST_WAIT: Duration = Duration::from_millis(250);
/// How many records may wait for the exporter. As many requests may begin at the same moment.
const QUEUE: usize = 256;
/// The shortest duration that stores do not take for a mistake.
const DURATION: Duration = Duration::from_micros(1);

/// Sends a record of every span that starts, and waits until it is acknowledged: otherwise it would lose the race against
/// a breakpoint in the next line.
#[derive(Debug)]
pub struct Pending {
    form: OpenSpans,
    order_tx: SyncSender<Order>,
    /// A record was not acknowledged in time. Nobody waits again before the exporter gets on.
    stuck: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Order {
    record: SpanData,
    done_tx: SyncSender<()>,
}

impl Pending {
    /// Starts the exporter of records on a thread of its own; `None` when open spans are not asked for.
    ///
    /// # Errors
    /// The exporter can't be built, or there is no room for its thread.
    pub fn start(form: OpenSpans, target: &Target, resource: &Resource) -> Result<Option<Self>, BuildError> {
        if form == OpenSpans::Off {
            return Ok(None);
        }
        let no_thread = |error: std::io::Error| BuildError::Client(Box::new(error));
        // Its own worker drives the connection: those of the service wait for the acknowledgement.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("open-spans-io")
            .enable_all()
            .build()
            .map_err(no_thread)?;
        let mut exporter = {
            let _inside = runtime.enter();
            exporter(target)?
        };
        exporter.set_resource(resource);
        let (order_tx, order_rx) = sync_channel(QUEUE);
        let stuck = Arc::new(AtomicBool::new(false));
        let unstuck = Arc::clone(&stuck);
        std::thread::Builder::new()
            .name("open-spans".to_owned())
            .spawn(move || {
                let _inside = runtime.enter();
                export(&exporter, &order_rx, &unstuck);
            })
            .map_err(no_thread)?;
        Ok(Some(Self {
            form,
            order_tx,
            stuck,
        }))
    }
}

fn export(exporter: &impl SpanExporter, orders: &Receiver<Order>, stuck: &AtomicBool) {
    while let Ok(Order { record, done_tx }) = orders.recv() {
        // A record that does not arrive is missed by nobody but who looks at it now.
        let _ = futures_executor::block_on(exporter.export(vec![record]));
        stuck.store(false, Ordering::Relaxed);
        // Whoever waited may have given up.
        let _ = done_tx.try_send(());
    }
}

impl SpanProcessor for Pending {
    fn on_start(&self, span: &mut Span, _cx: &Context) {
        if !span.span_context().is_sampled() || self.stuck.load(Ordering::Relaxed) {
            return;
        }
        let Some(data) = span.exported_data() else { return };
        let (done_tx, done_rx) = sync_channel(1);
        let record = record(data, self.form);
        if self.order_tx.try_send(Order { record, done_tx }).is_ok()
            && done_rx.recv_timeout(LONGEST_WAIT).is_err()
        {
            self.stuck.store(true, Ordering::Relaxed);
        }
    }

    fn on_end(&self, _span: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// The record of a span that is open.
fn record(mut span: SpanData, form: OpenSpans) -> SpanData {
    span.end_time = span.start_time + DURATION;
    span.attributes.push(KeyValue::new(names::PENDING, true));
    span.instrumentation_scope = InstrumentationScope::builder(names::PENDING_SCOPE).build();
    if form == OpenSpans::Child {
        let open = span.span_context;
        span.parent_span_id = open.span_id();
        span.parent_span_is_remote = false;
        span.span_context = SpanContext::new(
            open.trace_id(),
            RandomIdGenerator::default().new_span_id(),
            open.trace_flags(),
            false,
            open.trace_state().clone(),
        );
        span.name = format!("{} (open)", span.name).into();
        span.span_kind = SpanKind::Internal;
    }
    span
}
