//! The way up. Receiver, query API and proxy are bound before a service is started, so that addresses only flow forward.

use testbed::{Endpoints, Explain, Run};

use super::page_server::PageServer;
use super::pod::{Pod, START_LIMIT};
use super::{EmbeddedConfig, EmbeddedError, Up, WORKLOAD, loopback};
use crate::otlp::OtlpReceiver;
use crate::proxy::{InterceptProxy, ProxyConfig, ProxyControl};
use crate::query;
use crate::store::SpanStore;

impl Explain for crate::otlp::ReceiverError {}

pub(super) async fn up(run: &Run, config: &EmbeddedConfig) -> Result<(Up, Endpoints), EmbeddedError> {
    let store = SpanStore::new(config.limits);
    let otlp = run
        .step_showing("otlp receiver", START_LIMIT, receiver(run, &store), Clone::clone)
        .await?;
    let jaeger = run
        .step_showing(
            "jaeger query api",
            START_LIMIT,
            query_api(run, &store),
            Clone::clone,
        )
        .await?;
    // Like a Service of the cluster, the proxy has its address before there is a pod behind it.
    let proxy = run
        .step_showing("intercept proxy", START_LIMIT, proxy(run), ProxyControl::url)
        .await?;

    let binaries = &config.binaries;
    let start = |name: &'static str, binary, upstream| {
        let pod = Pod::start(run, name, binary, &otlp, upstream);
        run.step_showing(name, START_LIMIT, pod, Pod::url)
    };
    let order_and_inventory = async {
        let inventory = start("inventory-service@cluster", &binaries.inventory, None).await?;
        let upstream = Some(("INVENTORY_URL", inventory.url()));
        let order = start("order-service@cluster", &binaries.order, upstream).await?;
        Ok((order, inventory))
    };
    let storefront = start(
        "storefront@cluster",
        &binaries.storefront,
        Some(("ORDER_URL", proxy.url())),
    );
    let ((order, inventory), storefront) = tokio::try_join!(order_and_inventory, storefront)?;
    proxy.set_pod(Some(order.address()))?;

    let endpoints = Endpoints {
        storefront: storefront.url(),
        jaeger,
        otlp_http: otlp.clone(),
        workstation_otlp: otlp.clone(),
        workstation_inventory: inventory.url(),
        workstation_listen: loopback(),
    };
    let http = reqwest::Client::builder().no_proxy().build()?;
    Ok((
        Up {
            store,
            proxy,
            pods: vec![storefront, order, inventory],
            http,
        },
        endpoints,
    ))
}

/// Starts the receiver and returns its endpoint.
async fn receiver(run: &Run, store: &SpanStore) -> Result<String, EmbeddedError> {
    let receiver = OtlpReceiver::bind(loopback()).await?.serve(store.clone());
    let endpoint = receiver.endpoint();
    run.undo().push_in_process("otlp receiver", move || {
        Box::pin(async move {
            receiver
                .shutdown()
                .await
                .map_err(|error| EmbeddedError::from(error).into())
        })
    });
    Ok(endpoint)
}

/// Starts the query API and returns its base URL.
async fn query_api(run: &Run, store: &SpanStore) -> Result<String, EmbeddedError> {
    let server = PageServer::start(loopback(), query::router(store.clone()))
        .await
        .map_err(EmbeddedError::Query)?;
    let url = server.url();
    run.undo().push_in_process("jaeger query api", move || {
        Box::pin(async move {
            server
                .shutdown()
                .await
                .map_err(|error| EmbeddedError::Query(error).into())
        })
    });
    Ok(url)
}

/// Starts the proxy that stands for the Service of the intercepted workload.
async fn proxy(run: &Run) -> Result<ProxyControl, EmbeddedError> {
    let handle = InterceptProxy::bind(loopback(), ProxyConfig::new(WORKLOAD))
        .await?
        .serve();
    let control = handle.control();
    run.undo().push_in_process("intercept proxy", move || {
        Box::pin(async move {
            handle
                .shutdown()
                .await
                .map_err(|error| EmbeddedError::from(error).into())
        })
    });
    Ok(control)
}
