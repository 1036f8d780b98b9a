//! Bodies of answers: whole, or whole with the trailers of gRPC.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use hyper::body::{Body, Bytes, Frame, SizeHint};

/// A body that is all there, and the trailers that follow it.
#[derive(Debug, Default)]
pub(super) struct Answer {
    body: Option<Bytes>,
    trailers: Option<HeaderMap>,
}

impl Answer {
    pub(super) fn whole(body: impl Into<Bytes>) -> Self {
        Self {
            body: Some(body.into()),
            trailers: None,
        }
    }

    pub(super) fn with_trailers(body: impl Into<Bytes>, trailers: HeaderMap) -> Self {
        Self {
            body: Some(body.into()),
            trailers: Some(trailers),
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let body = self.body.take().filter(|body| !body.is_empty()).map(Frame::data);
        Poll::Ready(body.or_else(|| self.trailers.take().map(Frame::trailers)).map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.trailers.is_none() && self.body.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.body.as_ref().map_or(0, |body| body.len() as u64))
    }
}

/// An answer in words.
pub(super) fn plain(status: StatusCode, text: String) -> Response<Answer> {
    let mut answer = Response::new(Answer::whole(text));
    *answer.status_mut() = status;
    answer.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    answer
}
