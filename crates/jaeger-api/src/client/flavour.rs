//! Which dialect of the query API a server speaks.

use std::fmt;

/// What a server was found to offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ApiFlavour {
    /// How to search.
    pub search: SearchApi,
    /// Whether `/api/v3/trace-summaries` is there (Jaeger 2.19 and later).
    pub summaries: bool,
}

/// The two ways to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SearchApi {
    /// `/api/traces`: Jaeger up to 2.20, and our own server. Before 2.19, v3 ignores attributes and limit, so this must be used.
    Legacy,
    /// `/api/v3/traces`: Jaeger from 2.21 on, where the legacy search is gone.
    V3,
}

impl fmt::Display for ApiFlavour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let search = match self.search {
            SearchApi::Legacy => "legacy search",
            SearchApi::V3 => "v3 search only",
        };
        let summaries = if self.summaries {
            "summaries"
        } else {
            "no summaries"
        };
        write!(f, "{search}, {summaries}")
    }
}
