//! A port of a pod on a loopback port, for clusters that publish nothing on this machine.
//!
//! Each connection looks for the pod anew: the one that was there before may be gone. Each costs some 60 ms, so clients
//! should keep theirs; a node port costs less than 2 ms and is taken wherever there is one.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt};
use testbed::Deadline;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::error::{KubernetesError, REQUEST, request};
use super::pods;
use super::view;

/// A port of whichever ready pod has these labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The pod's namespace.
    pub namespace: String,
    /// A label selector: `app.kubernetes.io/name=storefront`.
    pub selector: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "port {} of {} in {}", self.port, self.selector, self.namespace)
    }
}

/// A listening forward. Dropping it ends it at once; [`Forward::close`] waits for its connections to be gone.
#[derive(Debug)]
pub struct Forward {
    address: SocketAddr,
    failure: watch::Receiver<Option<String>>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Forward {
    /// Listens on a free loopback port. There need be no pod yet.
    ///
    /// # Errors
    /// The operating system gives no port.
    pub async fn open(client: Client, target: Target) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let (failure_tx, failure) = watch::channel(None);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(
            listener,
            client,
            Arc::new(target),
            stop.clone(),
            failure_tx,
        ));
        Ok(Self {
            address,
            failure,
            stop,
            tasks,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Why the latest connection that failed did: what a client of the forward only sees as a closed connection.
    #[must_use]
    pub fn last_failure(&self) -> Option<String> {
        self.failure.borrow().clone()
    }

    /// Stops listening and cuts the connections.
    pub async fn close(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

async fn accept(
    listener: TcpListener,
    client: Client,
    target: Arc<Target>,
    stop: CancellationToken,
    failure_tx: watch::Sender<Option<String>>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => {
                // What can go wrong here (out of file descriptors) passes, or shows itself to every client.
                let Ok((stream, _)) = accepted else { continue };
                let (client, target, failure_tx) = (client.clone(), Arc::clone(&target), failure_tx.clone());
                connections.spawn(async move {
                    if let Err(error) = carry(&client, &target, stream).await {
                        failure_tx.send_replace(Some(error.to_string()));
                    }
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
    connections.shutdown().await;
}

async fn carry(client: &Client, target: &Target, mut stream: TcpStream) -> Result<(), KubernetesError> {
    let what = target.to_string();
    let silent = |reason: String| KubernetesError::Silent {
        what: what.clone(),
        reason,
    };
    let pod = ready_pod(client, target).await?;
    let pods: Api<Pod> = Api::namespaced(client.clone(), &target.namespace);
    let mut forwarder = request(
        &what,
        &Deadline::after(REQUEST),
        pods.portforward(&pod, &[target.port]),
    )
    .await?;
    let refused = forwarder.take_error(target.port);
    let Some(mut upstream) = forwarder.take_stream(target.port) else {
        return Err(silent("there is no stream for the port".into()));
    };
    // Either side may break off; that nobody listens in the pod is told beside the stream.
    let carried = copy_bidirectional(&mut stream, &mut upstream).await;
    drop(upstream);
    forwarder.abort();
    if let Some(refused) = refused
        && let Some(reason) = refused.await
    {
        return Err(silent(reason));
    }
    carried.map(drop).map_err(|error| silent(error.to_string()))
}

async fn ready_pod(client: &Client, target: &Target) -> Result<String, KubernetesError> {
    let pods = view::pods(client, Some(&target.namespace));
    let what = target.to_string();
    let params = ListParams::default().labels(&target.selector);
    let found = request(&what, &Deadline::after(REQUEST), pods.list(&params)).await?;
    let ready = found.items.iter().find(|pod| pods::is_ready(pod));
    let reason = || format!("none of {} pods is ready", found.items.len());
    ready
        .map(ResourceExt::name_any)
        .ok_or_else(|| KubernetesError::Silent {
            what,
            reason: reason(),
        })
}
