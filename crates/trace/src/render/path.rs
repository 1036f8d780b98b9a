//! A request in one line.

use super::picture::Picture;
use crate::route::Routes;
use crate::tree::Tree;
use crate::words;

/// The places a request went through: `storefront@cluster → order-service@workstation → inventory-service@cluster`.
///
/// Several ways are joined by `, and `; at most four are told, then how many more there are. What stray traces hold follows in the
/// same manner: `…, and inventory-service@cluster under trace 9f31…`.
#[must_use]
pub fn path<'e>(picture: impl Into<Picture<'e>>) -> String {
    let trees = picture.into().trees();
    let (ours, strays): (Vec<_>, Vec<_>) = trees.iter().partition(|(stray, _)| !stray);
    let ours = ours
        .first()
        .map_or_else(|| "no span".to_owned(), |(_, tree)| ways(tree));
    ours + &elsewhere(strays.into_iter().map(|(_, tree)| tree))
}

/// The ways through one trace.
pub(crate) fn ways(tree: &Tree<'_>) -> String {
    const MOST: usize = 4;
    let routes = Routes::new(tree);
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

/// `, and inventory-service@cluster under trace 9f31…` for each stray trace, or nothing.
pub(crate) fn elsewhere<'a, 't: 'a>(strays: impl Iterator<Item = &'a Tree<'t>>) -> String {
    const MOST: usize = 3;
    let mut told = String::new();
    let mut more = 0;
    for (number, stray) in strays.enumerate() {
        let Some(first) = stray.spans().next() else {
            continue;
        };
        if number < MOST {
            told.push_str(&format!(
                ", and {} under trace {}",
                ways(stray),
                first.trace_id.short()
            ));
        } else {
            more += 1;
        }
    }
    match more {
        0 => {}
        1 => told.push_str(", and 1 more trace"),
        _ => told.push_str(&format!(", and {more} more traces")),
    }
    told
}
