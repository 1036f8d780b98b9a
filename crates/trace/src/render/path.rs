//! A trace in one line.

use crate::route::Routes;
use crate::tree::Trace;
use crate::words;

/// The places a request went through: `storefront@cluster → order-service@workstation → inventory-service@cluster`.
///
/// Several ways are joined by `, and `; at most four are told, then how many more there are.
#[must_use]
pub fn path(trace: &Trace) -> String {
    routes(&Routes::new(&trace.tree(None)))
}

/// The same for routes at hand.
pub(crate) fn routes(routes: &Routes<'_>) -> String {
    const MOST: usize = 4;
    let mut told: Vec<String> = routes
        .iter()
        .take(MOST)
        .map(|route| words::clean(&route.to_string()))
        .collect();
    match routes.len() {
        0 => return "no span".to_owned(),
        all if all > MOST => told.push(format!("{} more ways", all - MOST)),
        _ => {}
    }
    told.join(", and ")
}
