//! Our client before both: what it makes of their answers is the same.

use jaeger_api::{JaegerClient, SearchQuery};
use trace::{ServiceName, UnixNanos};

use super::Failure;
use super::cases::TRACES;
use super::jaeger::VERSION;

/// What the client sees differently, in words.
pub(crate) async fn differences(theirs: &str, ours: &str) -> Result<Vec<String>, Failure> {
    let (theirs, ours) = (JaegerClient::new(theirs)?, JaegerClient::new(ours)?);
    let mut found = Vec::new();
    let mut same = |what: String, is_same: bool| {
        if !is_same {
            found.push(format!("the client sees another {what} in Jaeger {VERSION}"));
        }
    };
    let (flavour, our_flavour) = (theirs.probe().await?, ours.probe().await?);
    same(
        format!("search than {our_flavour}"),
        flavour.search == our_flavour.search,
    );
    same(
        "set of services".to_owned(),
        theirs.services().await? == ours.services().await?,
    );
    for id in TRACES {
        let id = id.parse()?;
        same(
            format!("trace {id}"),
            theirs.trace(id).await? == ours.trace(id).await?,
        );
    }
    let window = UnixNanos(1_764_000_000_000_000_000)..UnixNanos(1_764_000_002_000_000_000);
    let services = ["storefront", "order-service", "inventory-service", "nobody"].map(ServiceName::from);
    for service in &services {
        same(format!("list of {service}'s operations"), {
            let (mut theirs, mut ours) = (theirs.operations(service).await?, ours.operations(service).await?);
            // 2.13 says nothing of an unspecified kind, 2.20 calls it internal.
            theirs.retain(|operation| operation.name != "backwards");
            ours.retain(|operation| operation.name != "backwards");
            theirs == ours
        });
        let query = SearchQuery::new(service.clone(), window.clone());
        let (mut theirs, mut ours) = (theirs.search(&query).await?, ours.search(&query).await?);
        theirs.sort_by_key(trace::Trace::id);
        ours.sort_by_key(trace::Trace::id);
        same(format!("set of {service}'s traces"), theirs == ours);
    }
    let request = "r-81".parse()?;
    let (theirs, ours) = (
        theirs
            .traces_by_request(&request, &services, window.clone())
            .await?,
        ours.traces_by_request(&request, &services, window).await?,
    );
    same(
        "order by its request id".to_owned(),
        theirs == ours && ours.len() == 1,
    );
    Ok(found)
}
