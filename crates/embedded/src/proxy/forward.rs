//! One request: choose where it goes, make it fit to travel, pass the answer back.

use std::sync::Arc;

use http::header::{CONNECTION, EXPECT, UPGRADE};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::{Body, Incoming};
use hyper::upgrade::OnUpgrade;
use testbed::Disturbance;
use tokio::sync::Notify;

use super::answer::AnswerBody;
use super::counters::count;
use super::failure::Failure;
use super::fields::{Renewed, retarget, strip_hop_by_hop};
use super::problem;
use super::replay;
use super::request_body::RequestBody;
use super::route::Chosen;
use super::serve::Shared;
use super::socket::Socket;
use super::target::{Lease, Target};
use super::tunnel;

/// Answers a request, whatever happens.
pub(super) async fn forward(
    shared: Arc<Shared>,
    caller: Socket,
    request: Request<Incoming>,
) -> Response<AnswerBody> {
    let chosen = match choose(&shared, &request) {
        Ok(chosen) => chosen,
        Err(failure) => return refuse(&shared, None, &failure),
    };
    let version = request.version();
    // The end of a caller's connection is the end of one request only in HTTP/1.1.
    let caller = (version != Version::HTTP_2).then_some(caller);
    match pass_on(&shared, &chosen, request, caller.as_ref()).await {
        Err(failure) => refuse(&shared, Some(&chosen.target), &failure),
        Ok(Passed::Answer(response, lease)) => {
            let response = fit_to_return(response, version);
            let counting = shared.counting.clone();
            response.map(|body| AnswerBody::relayed(body, lease, caller, counting))
        }
        Ok(Passed::Switched(response)) => response.map(|()| AnswerBody::text(hyper::body::Bytes::new())),
    }
}

enum Passed {
    Answer(Response<Incoming>, Lease),
    Switched(Response<()>),
}

fn choose(shared: &Shared, request: &Request<Incoming>) -> Result<Chosen, Failure> {
    if request.method() == Method::CONNECT {
        return Err(Failure::Connects);
    }
    let chosen = shared.choose(request.headers()).ok_or(Failure::NoPod)?;
    count(if chosen.intercepted {
        &shared.counting.to_workstation
    } else {
        &shared.counting.to_pod
    });
    Ok(chosen)
}

fn refuse(shared: &Shared, target: Option<&Target>, failure: &Failure) -> Response<AnswerBody> {
    count(&shared.counting.answered_by_proxy);
    problem::answer(&shared.config.service, target, failure)
}

async fn pass_on(
    shared: &Shared,
    chosen: &Chosen,
    mut request: Request<Incoming>,
    caller: Option<&Socket>,
) -> Result<Passed, Failure> {
    let target = &*chosen.target;
    let renewed = Renewed::of(request.headers(), request.version());
    let tunnel = renewed.upgrade().then(|| hyper::upgrade::on(&mut request));
    let (mut parts, body) = request.into_parts();
    fit_to_travel(&mut parts, renewed, target);
    if chosen.disturbance == Some(Disturbance::StripTraceContext) {
        count(&shared.counting.stripped);
        parts.headers.remove("traceparent");
        parts.headers.remove("tracestate");
    }
    let (response, lease) = if chosen.disturbance == Some(Disturbance::Replay) && tunnel.is_none() {
        count(&shared.counting.replayed);
        replay::deliver_twice(target, parts, body, shared.config.max_replay, caller).await?
    } else {
        target.send(with_body(shared, parts, body), caller).await?
    };
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return switch(shared, tunnel, response, lease);
    }
    Ok(Passed::Answer(response, lease))
}

/// The request as the target should see it: everything that concerns the caller's connection is gone.
fn fit_to_travel(parts: &mut Parts, renewed: Renewed, target: &Target) {
    strip_hop_by_hop(&mut parts.headers);
    if parts.version == Version::HTTP_10 {
        // RFC 9110, section 10.1.1: an expectation in HTTP/1.0 must be ignored. Section 2.5: the version that is
        // sent is one's own.
        parts.headers.remove(EXPECT);
        parts.version = Version::HTTP_11;
    }
    retarget(
        &mut parts.uri,
        &mut parts.headers,
        parts.version,
        &target.authority,
    );
    renewed.apply(&mut parts.headers, parts.version);
    parts.extensions.clear();
}

fn with_body(shared: &Shared, parts: Parts, body: Incoming) -> Request<RequestBody> {
    let waits = parts.version == Version::HTTP_11
        && !body.is_end_stream()
        && parts
            .headers
            .get(EXPECT)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    if !waits {
        return Request::from_parts(parts, RequestBody::streamed(body));
    }
    let go = Arc::new(Notify::new());
    let body = RequestBody::gated(body, go.clone(), shared.config.continue_limit);
    let mut request = Request::from_parts(parts, body);
    hyper::ext::on_informational(&mut request, move |response| {
        if response.status() == StatusCode::CONTINUE {
            go.notify_one();
        }
    });
    request
}

/// The response as the caller should see it.
fn fit_to_return(mut response: Response<Incoming>, version: Version) -> Response<Incoming> {
    strip_hop_by_hop(response.headers_mut());
    if version != Version::HTTP_2 {
        *response.version_mut() = Version::HTTP_11;
    }
    response
}

/// Joins caller and target into a tunnel.
fn switch(
    shared: &Shared,
    tunnel: Option<OnUpgrade>,
    mut response: Response<Incoming>,
    lease: Lease,
) -> Result<Passed, Failure> {
    let caller = tunnel.ok_or(Failure::UnaskedSwitch)?;
    let protocol: Option<HeaderValue> = response.headers().get(UPGRADE).cloned();
    let target = hyper::upgrade::on(&mut response);
    tunnel::start(&shared.tasks, shared.counting.clone(), caller, target);
    lease.into_tunnel();
    strip_hop_by_hop(response.headers_mut());
    if let Some(protocol) = protocol {
        response.headers_mut().insert(UPGRADE, protocol);
    }
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("upgrade"));
    *response.version_mut() = Version::HTTP_11;
    Ok(Passed::Switched(response.map(drop)))
}
