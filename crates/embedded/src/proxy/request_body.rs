//! The body of a request on its way to a target.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::HeaderMap;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::sync::Notify;

/// A request body: streamed from the caller, or kept for a replay.
pub(super) struct RequestBody {
    content: Content,
    taken: Option<Arc<AtomicBool>>,
}

type Gate = Pin<Box<dyn Future<Output = ()> + Send>>;

enum Content {
    /// From the caller as it arrives, once the gate is open.
    Streamed { gate: Option<Gate>, body: Incoming },
    /// From memory.
    Kept {
        data: Option<Bytes>,
        trailers: Option<HeaderMap>,
    },
}

impl RequestBody {
    /// Passes on a caller's body as it arrives.
    pub(super) fn streamed(body: Incoming) -> Self {
        Self::of(Content::Streamed { gate: None, body })
    }

    /// Passes on a caller's body after `go`, or after `limit`. Reading the caller's body is what makes hyper say
    /// `100 Continue` to the caller, so this is how the target's word reaches it.
    pub(super) fn gated(body: Incoming, go: Arc<Notify>, limit: Duration) -> Self {
        let gate: Gate = Box::pin(async move {
            // A caller may send its body without an answer to its expectation (RFC 9110, section 10.1.1), so the
            // end of the limit opens the gate too.
            let _ = tokio::time::timeout(limit, go.notified()).await;
        });
        Self::of(Content::Streamed {
            gate: Some(gate),
            body,
        })
    }

    /// Sends what was kept.
    pub(super) fn kept(data: Bytes, trailers: Option<HeaderMap>) -> Self {
        let data = Some(data).filter(|data| !data.is_empty());
        Self::of(Content::Kept { data, trailers })
    }

    /// Set once the last part has been taken; `None` when there is nothing to take.
    pub(super) fn taken(&self) -> Option<Arc<AtomicBool>> {
        self.taken.clone()
    }

    fn of(content: Content) -> Self {
        let mut body = Self { content, taken: None };
        if !body.is_end_stream() {
            body.taken = Some(Arc::default());
        }
        body
    }
}

impl Content {
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self {
            Self::Streamed { gate, body } => {
                if let Some(waiting) = gate {
                    ready!(waiting.as_mut().poll(context));
                    *gate = None;
                }
                Pin::new(body).poll_frame(context)
            }
            Self::Kept { data, trailers } => {
                let data = data.take().map(Frame::data);
                Poll::Ready(data.or_else(|| trailers.take().map(Frame::trailers)).map(Ok))
            }
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(self.content.poll_frame(context));
        if (frame.is_none() || self.is_end_stream())
            && let Some(taken) = &self.taken
        {
            taken.store(true, Ordering::Release);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Streamed { body, .. } => body.is_end_stream(),
            Content::Kept { data, trailers } => data.is_none() && trailers.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Streamed { body, .. } => body.size_hint(),
            // With trailers the length must stay open: HTTP/1.1 has trailers only behind chunks.
            Content::Kept {
                trailers: Some(_), ..
            } => SizeHint::default(),
            Content::Kept { data, .. } => {
                SizeHint::with_exact(data.as_ref().map_or(0, |data| data.len() as u64))
            }
        }
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let content = match self.content {
            Content::Streamed { gate: None, .. } => "streamed",
            Content::Streamed { gate: Some(_), .. } => "waiting for 100 Continue",
            Content::Kept { .. } => "kept",
        };
        f.debug_struct("RequestBody")
            .field("content", &content)
            .finish_non_exhaustive()
    }
}
