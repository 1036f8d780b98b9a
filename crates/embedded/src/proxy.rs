//! The intercept proxy: stands for the cluster's Service of one workload.
//!
//! Callers inside the "cluster" are told its address. It passes their requests on to the workload's pod or, while an
//! intercept is active, to a process on the workstation: all of them, or those with a header. What it promises:
//!
//! - **HTTP/1.1 and h2c** (prior knowledge), each passed on as what it came in as. Bodies stream both ways, trailers
//!   and `100 Continue` come from the other end, an upgraded connection (WebSocket) becomes a tunnel.
//! - **The switch is atomic.** A request that is sent after [`ProxyControl::intercept`] or [`ProxyControl::leave`]
//!   has returned goes to the new target; those in flight, tunnels included, finish where they are. The choice is made
//!   for each request, so connections that were opened before a switch follow it. (A Kubernetes Service chooses per
//!   connection: there, callers that keep connections alive stay with the old target.)
//! - **Nobody is invented.** `Host` stays as the caller sent it; hop-by-hop fields go as RFC 9110, section 7.6.1 says;
//!   nothing is added to a request: no `Via`, no `X-Forwarded-For`, because a Service adds none. A response without
//!   `Date` gets one, which RFC 9110, section 6.6.1 demands.
//! - **A failure names its place.** When a target can't be reached or breaks off before it answers, the caller gets
//!   502 with an `application/problem+json` body that says who, where and why. When it breaks off in the middle of a
//!   body, the caller's response breaks off too.
//! - **A caller's end is passed on.** A caller that closes its sending side is half-closed towards the target, as a
//!   Service would do; a target that goes on answering is heard to the end.
//! - **No limit on time** unless one is configured, no request is repeated that a target may have seen.
//!
//! Not supported: HTTP/2 by `Upgrade: h2c` (the field is removed, the exchange goes on in HTTP/1.1), `CONNECT` (501),
//! informational responses other than `100 Continue` and `101` (they are not passed on).

mod answer;
mod counters;
mod error;
mod failure;
mod fields;
mod forward;
mod half_close;
mod http1;
mod http2;
mod problem;
mod replay;
mod request_body;
mod route;
mod serve;
mod socket;
mod target;
mod tasks;
#[cfg(test)]
mod tests;
mod tunnel;

use std::fmt;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use testbed::{Disturbance, Selection};
use tokio::net::TcpListener;
use trace::ServiceName;

pub use counters::ProxyCounters;
pub use error::ProxyError;

use route::Rule;
use serve::Shared;

/// How a proxy behaves.
#[derive(Debug, Clone)]
pub struct ProxyConfig {
    /// The workload that the proxy stands for, `order-service`; named in problem bodies.
    pub service: ServiceName,
    /// Where the workload listens inside the cluster. `None` until it is known: requests get 503 until
    /// [`ProxyControl::set_pod`].
    pub pod: Option<SocketAddr>,
    /// The most bytes that the head of a request or response may have, and its trailers. At least 8 KiB. A request
    /// with more gets 431 in HTTP/1.1 and a reset stream in HTTP/2. In HTTP/1.1 more than 100 fields are also too many.
    pub max_head: usize,
    /// The most bytes of a request body that [`Disturbance::Replay`] keeps; more gets 413.
    pub max_replay: usize,
    /// How long a connection to a target may take to open; more gets 504. No limit by default.
    pub connect_limit: Option<Duration>,
    /// How long a target may take from the request until the head of its response; more gets 504. No limit by default.
    pub answer_limit: Option<Duration>,
    /// How long a caller that sent `Expect: 100-continue` is kept waiting for the target's word before its body is
    /// asked for anyway. One second, as clients commonly do: some targets never answer an expectation.
    pub continue_limit: Duration,
    /// How long [`ProxyHandle::shutdown`] lets requests and tunnels finish before it ends them.
    pub grace: Duration,
}

impl ProxyConfig {
    /// The defaults for a workload: a pod that is not known yet, heads of 64 KiB, replays of 1 MiB, 2 s of grace.
    pub fn new(service: impl Into<ServiceName>) -> Self {
        Self {
            service: service.into(),
            pod: None,
            max_head: 64 << 10,
            max_replay: 1 << 20,
            connect_limit: None,
            answer_limit: None,
            continue_limit: Duration::from_secs(1),
            grace: Duration::from_secs(2),
        }
    }
}

/// A bound address that does not answer yet; connections wait in the system's queue.
#[derive(Debug)]
pub struct InterceptProxy {
    listener: TcpListener,
    address: SocketAddr,
    config: ProxyConfig,
}

impl InterceptProxy {
    /// Binds an address; port 0 picks a free one.
    ///
    /// # Errors
    /// When the system refuses the address, or [`ProxyConfig::max_head`] is under 8 KiB.
    pub async fn bind(address: SocketAddr, config: ProxyConfig) -> Result<Self, ProxyError> {
        if config.max_head < serve::LEAST_MAX_HEAD {
            return Err(ProxyError::HeadLimit {
                asked: config.max_head,
                least: serve::LEAST_MAX_HEAD,
            });
        }
        let bind = |source| ProxyError::Bind { address, source };
        let listener = serve::listen(address).map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        Ok(Self {
            listener,
            address,
            config,
        })
    }

    /// The address callers are told.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts to answer. Must be called inside a tokio runtime.
    #[must_use]
    pub fn serve(self) -> ProxyHandle {
        let shared = Arc::new(Shared::new(self.address, self.config));
        serve::start(self.listener, &shared);
        ProxyHandle {
            control: ProxyControl { shared },
        }
    }
}

/// Steers a proxy that answers. Cheap to clone; of no effect once the proxy has been shut down.
#[derive(Clone)]
pub struct ProxyControl {
    shared: Arc<Shared>,
}

impl ProxyControl {
    /// The address callers are told.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// The same as a URL without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.shared.address)
    }

    /// Says where the workload listens inside the cluster, or with `None` that it is gone. Requests that are sent
    /// after this has returned go there.
    ///
    /// # Errors
    /// When the address is the proxy's own.
    pub fn set_pod(&self, pod: Option<SocketAddr>) -> Result<(), ProxyError> {
        if let Some(pod) = pod {
            self.not_ourselves(pod)?;
        }
        self.shared.set_pod(pod);
        Ok(())
    }

    /// Sends the selected requests to a process on the workstation. An intercept that was active is replaced. No
    /// request that is sent after this has returned goes to the old target; those in flight finish there.
    ///
    /// Nothing is sent to the target to see whether it is there: as with a real intercept, that shows in the answers.
    ///
    /// # Errors
    /// When the selection can match no request, or the address is the proxy's own.
    pub fn intercept(&self, selection: &Selection, workstation: SocketAddr) -> Result<(), ProxyError> {
        self.not_ourselves(workstation)?;
        let rule = Rule::try_from(selection)?;
        self.shared.set_intercept(Some((rule, workstation)));
        Ok(())
    }

    /// Gives the traffic back to the pod, and says whether there was an intercept. No request that is sent after this
    /// has returned goes to the workstation; those in flight finish there.
    pub fn leave(&self) -> bool {
        self.shared.set_intercept(None)
    }

    /// Breaks the intercept path on purpose, or mends it with `None`. Requests that go to the pod are left alone.
    pub fn disturb(&self, disturbance: Option<Disturbance>) {
        self.shared.set_disturbance(disturbance);
    }

    /// What has happened so far.
    #[must_use]
    pub fn counters(&self) -> ProxyCounters {
        self.shared.counters()
    }

    fn not_ourselves(&self, target: SocketAddr) -> Result<(), ProxyError> {
        if target == self.shared.address {
            return Err(ProxyError::Loop { address: target });
        }
        Ok(())
    }
}

impl fmt::Debug for ProxyControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyControl")
            .field("service", &self.shared.config.service)
            .field("address", &self.shared.address)
            .finish_non_exhaustive()
    }
}

/// A proxy that answers. Dropping it ends everything at once; [`ProxyHandle::shutdown`] does it in order.
#[derive(Debug)]
pub struct ProxyHandle {
    control: ProxyControl,
}

impl ProxyHandle {
    /// What steers the proxy, to keep while the handle waits for the end somewhere else.
    #[must_use]
    pub fn control(&self) -> ProxyControl {
        self.control.clone()
    }

    /// Stops accepting, lets requests and tunnels finish within [`ProxyConfig::grace`], ends what is left, and joins
    /// every task.
    ///
    /// # Errors
    /// When accepting had failed for good, or a task had panicked.
    pub async fn shutdown(self) -> Result<(), ProxyError> {
        self.control.shared.shutdown().await
    }
}

impl Deref for ProxyHandle {
    type Target = ProxyControl;

    fn deref(&self) -> &ProxyControl {
        &self.control
    }
}

impl Drop for ProxyHandle {
    fn drop(&mut self) {
        self.control.shared.abort();
    }
}
