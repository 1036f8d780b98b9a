//! Every task of a proxy: counted, joined, ended on demand, and a panic is not lost.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The tasks of one proxy.
#[derive(Debug, Clone, Default)]
pub(super) struct Tasks {
    tracker: TaskTracker,
    abort: CancellationToken,
    panic: Arc<Mutex<Option<String>>>,
}

impl Tasks {
    /// Starts a task that belongs to the proxy.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let Self {
            tracker,
            abort,
            panic,
        } = self.clone();
        let guarded = async move {
            let task = AssertUnwindSafe(task).catch_unwind();
            if let Some(Err(payload)) = abort.run_until_cancelled(task).await {
                let mut first = panic.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert_with(|| message(payload.as_ref()));
            }
        };
        tracker.spawn(guarded).abort_handle()
    }

    /// Ends every task at its next await.
    pub(super) fn abort(&self) {
        self.abort.cancel();
    }

    /// Waits for every task, ends those that are left after `grace`, and returns the first panic's message.
    pub(super) async fn join(&self, grace: Duration) -> Option<String> {
        self.tracker.close();
        if tokio::time::timeout(grace, self.tracker.wait()).await.is_err() {
            self.abort();
            self.tracker.wait().await;
        }
        self.panic.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What hyper needs for the streams of an HTTP/2 connection.
impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.spawn(task);
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a payload that is no text".to_owned())
}
