//! What collects and shows traces: receiver, store and query API, all inside this process.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use testbed::{BoxError, Run, StepError};

use super::slot::Slot;
use super::{EmbeddedError, LOOPBACK};
use crate::otlp::{OtlpReceiver, Receiver};
use crate::query::QueryServer;
use crate::store::{Limits, SpanStore};

/// Binding a port is a matter of milliseconds; the limit is for machines that stand still.
const LIMIT: Duration = Duration::from_secs(5);

/// Receiver, store and query API.
#[derive(Debug)]
pub(super) struct Backend {
    pub(super) store: SpanStore,
    pub(super) receiver: Slot<Receiver>,
    /// Base URL of the receiver, for OTLP/gRPC and OTLP/HTTP alike.
    pub(super) otlp: String,
    /// Base URL of Jaeger's query API.
    pub(super) jaeger: String,
}

impl Backend {
    pub(super) async fn start(run: &Run, limits: Limits) -> Result<Self, StepError> {
        let store = SpanStore::new(limits);
        let ((receiver, otlp), jaeger) = tokio::try_join!(receiver(run, &store), query(run, &store))?;
        Ok(Self {
            store,
            receiver,
            otlp,
            jaeger,
        })
    }
}

async fn receiver(run: &Run, store: &SpanStore) -> Result<(Slot<Receiver>, String), StepError> {
    let start = async {
        let receiver = OtlpReceiver::bind(LOOPBACK).await?.serve(store.clone());
        let endpoint = receiver.endpoint();
        let slot = Slot::new(receiver);
        let undo = slot.clone();
        // Nothing is awaited between its start and this.
        run.undo().push_in_process("otlp receiver", || {
            end(async move {
                match undo.take() {
                    Some(receiver) => Ok(receiver.shutdown().await?),
                    None => Ok(()),
                }
            })
        });
        Ok::<_, EmbeddedError>((slot, endpoint))
    };
    run.step_showing("otlp receiver", LIMIT, start, |(_, endpoint)| endpoint.clone())
        .await
}

async fn query(run: &Run, store: &SpanStore) -> Result<String, StepError> {
    let start = async {
        let server = QueryServer::bind(LOOPBACK).await?.serve(store.clone());
        let url = server.url();
        // Nothing is awaited between its start and this.
        run.undo()
            .push_in_process("jaeger query api", || end(async { Ok(server.shutdown().await?) }));
        Ok::<_, EmbeddedError>(url)
    };
    run.step_showing("jaeger query api", LIMIT, start, Clone::clone)
        .await
}

/// The end of a server, as the undo stack wants it.
pub(super) fn end(
    server: impl Future<Output = Result<(), EmbeddedError>> + Send + 'static,
) -> BoxFuture<'static, Result<(), BoxError>> {
    async { Ok(server.await?) }.boxed()
}
