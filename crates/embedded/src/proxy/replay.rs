//! Delivering a request twice on purpose: the fault that a scenario's twin asks for.

use http::request::Parts;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};

use super::failure::Failure;
use super::request_body::RequestBody;
use super::socket::Socket;
use super::target::{Lease, Target};

/// Sends the request, throws the whole answer away, sends it again, and returns the second answer.
///
/// # Errors
/// When the body is larger than `most` bytes or breaks off, nothing is sent. The first delivery's failure is none of
/// the caller's business; the second one's is.
pub(super) async fn deliver_twice(
    target: &Target,
    mut parts: Parts,
    body: Incoming,
    most: usize,
    caller: Option<&Socket>,
) -> Result<(Response<Incoming>, Lease), Failure> {
    let (data, trailers) = keep(body, most).await?;
    parts.headers.remove(http::header::EXPECT);
    let copy = || Request::from_parts(parts.clone(), RequestBody::kept(data.clone(), trailers.clone()));
    if let Ok((first, lease)) = target.send(copy(), caller).await
        && drained(first.into_body()).await
    {
        lease.release();
    }
    target.send(copy(), caller).await
}

/// Reads to the end, and says whether that was reached.
async fn drained(mut body: Incoming) -> bool {
    loop {
        match body.frame().await {
            None => return true,
            Some(Ok(_)) => {}
            Some(Err(_)) => return false,
        }
    }
}

async fn keep(mut body: Incoming, most: usize) -> Result<(Bytes, Option<HeaderMap>), Failure> {
    let mut data = Vec::new();
    let mut trailers = None;
    while let Some(frame) = body.frame().await {
        match frame.map_err(Failure::Caller)?.into_data() {
            Ok(chunk) if data.len() + chunk.len() > most => return Err(Failure::TooLargeToReplay(most)),
            Ok(chunk) => data.extend_from_slice(&chunk),
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    Ok((Bytes::from(data), trailers))
}
