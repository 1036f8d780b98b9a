//! The body of a response on its way to the caller.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use super::counters::{Counting, count};
use super::socket::Socket;
use super::target::Lease;

/// A response body: relayed from a target, or the proxy's own.
#[derive(Debug)]
pub(super) enum AnswerBody {
    Relayed(Relayed),
    Text(Option<Bytes>),
}

/// A target's body, and the connection that it comes over.
#[derive(Debug)]
pub(super) struct Relayed {
    body: Incoming,
    lease: Option<Lease>,
    /// The caller's connection while it is worth watching.
    caller: Option<Socket>,
    counting: Arc<Counting>,
}

impl AnswerBody {
    pub(super) fn text(text: Bytes) -> Self {
        Self::Text(Some(text).filter(|text| !text.is_empty()))
    }

    pub(super) fn relayed(
        body: Incoming,
        lease: Lease,
        caller: Option<Socket>,
        counting: Arc<Counting>,
    ) -> Self {
        let mut relayed = Relayed {
            body,
            lease: Some(lease),
            caller,
            counting,
        };
        relayed.release_at_end();
        Self::Relayed(relayed)
    }
}

impl Relayed {
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        match &frame {
            Poll::Ready(Some(Ok(_))) => self.release_at_end(),
            Poll::Ready(None) => self.release(),
            Poll::Ready(Some(Err(_))) => {
                count(&self.counting.broken_off);
                self.lease = None;
            }
            Poll::Pending => {
                if let Some(caller) = &self.caller
                    && caller.poll_ended(context).is_ready()
                {
                    self.caller = None;
                    if let Some(lease) = &self.lease {
                        lease.end_sending();
                    }
                }
            }
        }
        frame
    }

    fn release_at_end(&mut self) {
        // hyper does not ask for more once a body says that it has ended.
        if self.body.is_end_stream() {
            self.release();
        }
    }

    fn release(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.release();
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Relayed(relayed) => relayed.poll_frame(context),
            Self::Text(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Relayed(relayed) => relayed.body.is_end_stream(),
            Self::Text(text) => text.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Relayed(relayed) => relayed.body.size_hint(),
            Self::Text(text) => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
        }
    }
}
