//! The proxy at work: accepts connections, answers their requests, ends in order.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use testbed::Disturbance;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use trace::{At, Site};

use super::ProxyConfig;
use super::counters::{Counting, ProxyCounters, count};
use super::error::ProxyError;
use super::forward::forward;
use super::route::{Chosen, Intercept, Routes, Rule};
use super::socket::Socket;
use super::target::{Dial, Target};
use super::tasks::Tasks;

/// hyper's lower bound for the buffer that a head has to fit into.
pub(super) const LEAST_MAX_HEAD: usize = 8192;

/// The most requests of one HTTP/2 connection that are answered at a time. A Service has no such limit; this one keeps
/// a caller's mistake from taking all memory.
const MOST_STREAMS: u32 = 4096;

/// The most connections that wait to be accepted; the system may have a lower limit. With the 128 of the standard library
/// a burst of callers overflows the queue, and those left over try again only after a second.
const WAITING: u32 = 4096;

/// How long accepting rests when the system can't give another connection, which it can't until one is closed.
const ACCEPT_REST: Duration = Duration::from_millis(20);

/// What all tasks of a proxy share.
pub(super) struct Shared {
    pub(super) address: SocketAddr,
    pub(super) config: ProxyConfig,
    pub(super) counting: Arc<Counting>,
    pub(super) tasks: Tasks,
    routes: watch::Sender<Routes>,
    server: auto::Builder<Tasks>,
    stop: CancellationToken,
}

impl Shared {
    pub(super) fn new(address: SocketAddr, config: ProxyConfig) -> Self {
        let tasks = Tasks::default();
        let mut server = auto::Builder::new(tasks.clone());
        server.http1().half_close(true).max_buf_size(config.max_head);
        server
            .http2()
            .max_header_list_size(u32::try_from(config.max_head).unwrap_or(u32::MAX))
            .max_concurrent_streams(MOST_STREAMS);
        let shared = Self {
            address,
            counting: Arc::default(),
            tasks,
            routes: watch::Sender::default(),
            server,
            stop: CancellationToken::new(),
            config,
        };
        shared.set_pod(shared.config.pod);
        shared
    }

    /// Decides where a request goes, by the routes of this moment.
    pub(super) fn choose(&self, fields: &HeaderMap) -> Option<Chosen> {
        self.routes.borrow().choose(fields)
    }

    pub(super) fn set_pod(&self, pod: Option<SocketAddr>) {
        let pod = pod.map(|address| self.target(Site::Cluster, address));
        self.change(|routes| std::mem::replace(&mut routes.pod, pod));
    }

    /// Returns whether there was an intercept before.
    pub(super) fn set_intercept(&self, intercept: Option<(Rule, SocketAddr)>) -> bool {
        let intercept = intercept.map(|(rule, address)| Intercept {
            rule,
            target: self.target(Site::Workstation, address),
        });
        self.change(|routes| {
            let old = std::mem::replace(&mut routes.intercept, intercept);
            old.map(|old| old.target)
        })
    }

    pub(super) fn set_disturbance(&self, disturbance: Option<Disturbance>) {
        self.routes.send_modify(|routes| routes.disturbance = disturbance);
    }

    pub(super) fn counters(&self) -> ProxyCounters {
        self.counting.snapshot()
    }

    /// Ends in order, within the configured grace.
    pub(super) async fn shutdown(&self) -> Result<(), ProxyError> {
        self.stop.cancel();
        {
            let routes = self.routes.borrow();
            let intercepted = routes.intercept.as_ref().map(|intercept| &intercept.target);
            routes
                .pod
                .iter()
                .chain(intercepted)
                .for_each(|target| target.retire());
        }
        match self.tasks.join(self.config.grace).await {
            None => Ok(()),
            Some(message) => Err(ProxyError::Panicked {
                address: self.address,
                message,
            }),
        }
    }

    /// Ends everything at its next await.
    pub(super) fn abort(&self) {
        self.stop.cancel();
        self.tasks.abort();
    }

    fn target(&self, site: Site, address: SocketAddr) -> Arc<Target> {
        let at = At {
            service: self.config.service.clone(),
            site: Some(site),
        };
        let dial = Dial {
            address,
            limit: self.config.connect_limit,
            max_head: self.config.max_head,
            tasks: self.tasks.clone(),
        };
        Target::new(at, dial, self.config.answer_limit)
    }

    /// Changes the routes in one step and retires the target that was replaced, if any.
    fn change(&self, replace: impl FnOnce(&mut Routes) -> Option<Arc<Target>>) -> bool {
        let mut replaced = None;
        self.routes.send_modify(|routes| replaced = replace(routes));
        replaced.inspect(|target| target.retire()).is_some()
    }
}

/// Binds an address; port 0 picks a free one.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // As the standard library does: an address that was in use a moment ago can be bound again.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

/// Starts to accept.
pub(super) fn start(listener: TcpListener, shared: &Arc<Shared>) {
    shared.tasks.spawn(accept(listener, shared.clone()));
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let accepted = tokio::select! {
            () = shared.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                count(&shared.counting.connections);
                shared.tasks.spawn(serve(Socket::new(stream), shared.clone()));
            }
            Err(error) => {
                count(&shared.counting.failed_accepts);
                // A caller that left before it was accepted says nothing about the next one.
                if error.kind() != io::ErrorKind::ConnectionAborted {
                    let _ = tokio::time::timeout(ACCEPT_REST, shared.stop.cancelled()).await;
                }
            }
        }
    }
}

async fn serve(socket: Socket, shared: Arc<Shared>) {
    let service = service_fn(|request| {
        let answer = forward(shared.clone(), socket.clone(), request);
        async { Ok::<_, Infallible>(answer.await) }
    });
    let io = TokioIo::new(socket.clone());
    let mut connection = pin!(shared.server.serve_connection_with_upgrades(io, service));
    // What goes wrong with a caller's connection, only the caller needs to know, and does.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = shared.stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
