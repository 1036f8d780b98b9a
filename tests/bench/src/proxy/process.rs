//! Our proxy and the trivial server behind everybody's, each as a process of its own with one thread, as nginx and HAProxy
//! are configured here.

use std::future::Future;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result};
use clap::Args;
use embedded::proxy::{InterceptProxy, ProxyConfig};
use testbed::Signals;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Where our proxy sends requests, and with how many threads.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProxyOptions {
    /// The server behind it
    #[arg(long)]
    pod: SocketAddr,
    /// Threads; 1 is the fair comparison
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

/// Nothing to choose.
#[derive(Debug, Clone, Args)]
pub(crate) struct UpstreamOptions {}

/// Our proxy until told to stop. Announces its address.
pub(crate) fn proxy(options: &ProxyOptions) -> Result<()> {
    let pod = options.pod;
    on_threads(options.threads, async move {
        let signals = Signals::arm()?;
        let mut config = ProxyConfig::new("order-service");
        config.pod = Some(pod);
        let proxy = InterceptProxy::bind(LOOPBACK, config).await?.serve();
        announce(proxy.address())?;
        signals.interrupted().cancelled().await;
        Ok(proxy.shutdown().await?)
    })
}

/// Answers every request the same until told to stop. Announces its address.
pub(crate) fn upstream(_: &UpstreamOptions) -> Result<()> {
    on_threads(1, async {
        let signals = Signals::arm()?;
        let listener = TcpListener::bind(LOOPBACK).await?;
        announce(listener.local_addr()?)?;
        let stopped = signals.interrupted();
        while let Some(accepted) = stopped.run_until_cancelled(listener.accept()).await {
            let (stream, _) = accepted?;
            stream.set_nodelay(true)?;
            tokio::spawn(answer(stream));
        }
        Ok(())
    })
}

/// As little as can be called a server: the head of a request ends with an empty line, and it has no body.
async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 28\r\n\r\n\
                            {\"sku\":\"A\",\"available\":true}";
    let mut read = Vec::with_capacity(4096);
    loop {
        if stream.read_buf(&mut read).await? == 0 {
            return Ok(());
        }
        if read.ends_with(b"\r\n\r\n") {
            stream.write_all(ANSWER).await?;
            read.clear();
        }
    }
}

fn announce(address: SocketAddr) -> Result<()> {
    writeln!(std::io::stdout(), "listening http://{address}").context("nobody reads the announcement")
}

/// Runs on a runtime of its own, apart from this program's.
fn on_threads(threads: usize, work: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
    let mut builder = match threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = builder.worker_threads(threads).enable_all().build()?;
    let thread = std::thread::spawn(move || runtime.block_on(work));
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
