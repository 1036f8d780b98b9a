//! Who calls whom, in the words of the walkthrough.

use std::collections::BTreeSet;
use std::time::Duration;

use trace::{At, Expectation, Matcher, Site, SpanKind, SpanSelector, names};

/// The caller inside the cluster.
pub const STOREFRONT: &str = "storefront";
/// The service that is intercepted.
pub const ORDER: &str = "order-service";
/// The service that it calls.
pub const INVENTORY: &str = "inventory-service";

/// An article that is in stock.
pub const IN_STOCK: &str = "WIDGET-001";
/// An article that is sold out.
pub const SOLD_OUT: &str = "SOLDOUT-001";
/// The customer of the walkthrough's order.
pub const CUSTOMER: &str = "customer-42";

/// storefront@cluster → order-service@`order` → inventory-service@cluster.
#[must_use]
pub fn path_through(order: Site) -> Expectation {
    let order = At {
        service: ORDER.into(),
        site: Some(order),
    };
    Expectation::Path(vec![At::cluster(STOREFRONT), order, At::cluster(INVENTORY)])
}

/// What is true of every order that was served whole: one trace, nothing stray, each service handled it once.
#[must_use]
pub fn whole() -> Vec<Expectation> {
    whole_through(&[STOREFRONT, ORDER, INVENTORY])
}

/// As [`whole`], of an order that only these services handle.
fn whole_through(services: &[&str]) -> Vec<Expectation> {
    let once = |service: &&str| Expectation::Count {
        select: SpanSelector::service(*service).kind(SpanKind::Server),
        count: 1,
    };
    let mut expected = vec![Expectation::Connected, Expectation::NoStray];
    expected.extend(services.iter().map(once));
    expected
}

/// What is true of an order that the cluster served alone.
#[must_use]
pub fn served_in_the_cluster() -> Vec<Expectation> {
    let mut expected = vec![
        path_through(Site::Cluster),
        Expectation::Sites(BTreeSet::from([Site::Cluster])),
        Expectation::Absent {
            select: SpanSelector::default().site(Site::Workstation),
        },
        Expectation::Status(201),
        Expectation::NoError,
    ];
    expected.extend(whole());
    expected
}

/// What is true of an order whose middle was served on the workstation, with the walkthrough's attributes.
#[must_use]
pub fn served_on_the_workstation() -> Vec<Expectation> {
    let mut expected = vec![
        path_through(Site::Workstation),
        Expectation::Sites(BTreeSet::from([Site::Cluster, Site::Workstation])),
        Expectation::Absent {
            select: SpanSelector::service(ORDER).site(Site::Cluster),
        },
        Expectation::Status(201),
        Expectation::NoError,
        walkthrough_attributes(),
    ];
    expected.extend(whole());
    expected
}

/// What is true of an order that a caller on the workstation sent straight to order-service, and that the intercept brought back
/// to the workstation.
#[must_use]
pub fn sent_and_served_on_the_workstation() -> Vec<Expectation> {
    let mut expected = vec![
        Expectation::Path(vec![At::workstation(ORDER), At::cluster(INVENTORY)]),
        Expectation::Absent {
            select: SpanSelector::service(ORDER).site(Site::Cluster),
        },
        Expectation::Status(201),
        Expectation::NoError,
        walkthrough_attributes(),
    ];
    expected.extend(whole_through(&[ORDER, INVENTORY]));
    expected
}

/// The call from the workstation into the cluster, by the address that the process was told.
#[must_use]
pub fn asks_inventory_at(base_url: &str) -> Expectation {
    Expectation::Attributes {
        select: SpanSelector::at(&At::workstation(ORDER)).kind(SpanKind::Client),
        attributes: vec![(
            "url.full".into(),
            Matcher::Equals(format!("{base_url}/api/check?sku={IN_STOCK}").into()),
        )],
    }
}

/// What is true of an order that a debugger held for this long in `process_order`: every span around it is at least as long,
/// and the inventory's, which had answered before, are not.
#[must_use]
pub fn paused(held: Duration) -> Vec<Expectation> {
    let order = At::workstation(ORDER);
    let held_here = [
        SpanSelector::at(&order).named("process_order"),
        SpanSelector::at(&order).named("create-order"),
        SpanSelector::at(&order).kind(SpanKind::Server),
        SpanSelector::at(&At::cluster(STOREFRONT)).kind(SpanKind::Client),
        SpanSelector::at(&At::cluster(STOREFRONT)).kind(SpanKind::Server),
    ];
    let longer = held_here.map(|select| Expectation::Duration {
        select,
        min: Some(held),
        max: None,
    });
    let untouched = Expectation::Duration {
        select: SpanSelector::at(&At::cluster(INVENTORY)),
        min: None,
        max: Some(held),
    };
    longer.into_iter().chain([untouched]).collect()
}

/// The `create-order` span as the walkthrough shows it: its attributes and the debug identity of its process.
#[must_use]
pub fn walkthrough_attributes() -> Expectation {
    Expectation::Attributes {
        select: SpanSelector::at(&At::workstation(ORDER)).named("create-order"),
        attributes: vec![
            ("order.customer_id".into(), Matcher::Equals(CUSTOMER.into())),
            ("order.id".into(), Matcher::Present),
            ("order.total".into(), Matcher::Present),
            ("inventory.available".into(), Matcher::Equals(true.into())),
            (
                names::SERVICE_VERSION.into(),
                Matcher::Equals(names::LOCAL_DEBUG.into()),
            ),
            (
                names::DEPLOYMENT_ENVIRONMENT.into(),
                Matcher::Equals(names::DEBUG.into()),
            ),
            (
                names::DEPLOYMENT_ENVIRONMENT_NAME.into(),
                Matcher::Equals(names::DEBUG.into()),
            ),
        ],
    }
}
