//! The life of a service process: bind, announce, serve, drain, flush.

mod app;
mod connections;
mod signals;
mod start;

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::config::ServiceArgs;
use crate::tracer::Telemetry;

pub use app::{Kit, Routes, app};
use signals::{Signals, Stop};
use start::{StartError, fail};

/// How long requests that are under way may take after the process was told to stop. More than twice the default time
/// limit of a call to the next service, so that a request that waits for one still gets its answer.
pub const DRAIN: Duration = Duration::from_secs(5);
/// How long the last export may take.
pub const FLUSH: Duration = Duration::from_secs(3);

/// A service as its `main` describes it.
#[derive(Debug)]
pub struct Service<'a> {
    /// `service.name`, when no variable says otherwise.
    pub name: &'a str,
    /// `service.version`, when no variable says otherwise.
    pub version: &'a str,
    /// The settings that every service has.
    pub args: &'a ServiceArgs,
    /// Limit for a call to another service.
    pub upstream_timeout: Duration,
}

/// Runs a service until it is told to stop. Exit codes: 0 stopped as told, 1 could not start or serve, 2 settings that
/// can't be used, 130 and 143 stopped at once by a second SIGINT or SIGTERM.
pub fn run(service: &Service<'_>, routes: impl FnOnce(Kit) -> Routes) -> ExitCode {
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(service.name, &StartError::Runtime(error)),
    };
    let code = {
        let _inside = runtime.enter();
        start::telemetry(service).and_then(|telemetry| {
            let kit = Kit::new(Arc::new(telemetry), service.upstream_timeout)?;
            runtime.block_on(serve(service, kit, routes))
        })
    };
    // What still runs had its time.
    runtime.shutdown_background();
    code.unwrap_or_else(|error| fail(service.name, &error))
}

async fn serve(
    service: &Service<'_>,
    kit: Kit,
    routes: impl FnOnce(Kit) -> Routes,
) -> Result<ExitCode, StartError> {
    // Armed before anybody can know our address.
    let mut signals = Signals::arm().map_err(StartError::Signals)?;
    let telemetry = Arc::clone(&kit.telemetry);
    let (stopping_tx, stopping_rx) = watch::channel(false);
    let app = app(&telemetry, routes(kit), stopping_rx.clone());
    let app = connections::treated(app, service.args.connections);
    let address = service.args.listen;
    let bind = |source| StartError::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    announce(address);
    let identity = &telemetry.identity;
    info!(
        version = identity.version,
        site = identity.site.as_deref().unwrap_or("none"),
        pid = identity.pid,
        spans = telemetry.ledger.read().exporter,
        "{} listens on {address}",
        identity.service,
    );

    let mut server = Box::pin(accept(listener, app, stopping_rx));
    let first = tokio::select! {
        result = &mut server => return result.map(|()| ExitCode::SUCCESS),
        stop = signals.next() => stop,
    };
    info!("{first}: no new requests, those under way have {DRAIN:?}");
    stopping_tx.send_replace(true);
    tokio::select! {
        second = signals.next() => Ok(at_once(second)),
        () = wind_down(server, telemetry) => Ok(ExitCode::SUCCESS),
    }
}

async fn accept(
    listener: TcpListener,
    app: Router,
    mut stopping: watch::Receiver<bool>,
) -> Result<(), StartError> {
    let listener = listener.tap_io(|stream| {
        // Answers are small and go out at once; a failure here costs milliseconds and nothing else.
        let _ = stream.set_nodelay(true);
    });
    let stopped = async move {
        // An error means that the sender is gone, and that is a stop as well.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    };
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(stopped)
        .await
        .map_err(StartError::Serve)
}

/// Lets requests finish, then exports what is left, each within its limit.
async fn wind_down(server: impl Future<Output = Result<(), StartError>>, telemetry: Arc<Telemetry>) {
    match tokio::time::timeout(DRAIN, server).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => warn!("{}", crate::chain(&error)),
        Err(_) => warn!("requests were still under way after {DRAIN:?}; they get no answer"),
    }
    // The last export blocks: on a worker thread it would block what drives its own connection.
    let last = tokio::task::spawn_blocking(move || telemetry.finish(FLUSH));
    match last.await {
        Ok(flushed) if flushed.failed == 0 && flushed.pending == 0 => {
            info!(exported = flushed.exported, failed = 0, "spans flushed");
        }
        Ok(flushed) => {
            let (exported, failed, pending) = (flushed.exported, flushed.failed, flushed.pending);
            warn!(exported, failed, pending, "spans flushed, not all of them");
        }
        Err(error) => warn!("the last export did not finish: {error}"),
    }
}

fn at_once(second: Stop) -> ExitCode {
    warn!("{second} again: leaving at once");
    second.exit_code()
}

/// Prints the one line on stdout by which a supervisor learns the address. A wildcard address is nothing to connect to.
fn announce(mut address: SocketAddr) {
    if address.ip().is_unspecified() {
        // Right for IPv6 as well: its wildcard takes IPv4 connections too, unless the system was told otherwise.
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    // Nobody may be reading, and that is no reason not to serve.
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "listening http://{address}").and_then(|()| stdout.flush());
}
