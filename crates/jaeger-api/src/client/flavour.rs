//! Which dialect of the query API a server speaks.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::JaegerError;
use super::transport::{Reply, Transport};
use crate::wire::{legacy, v3};

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

/// What has been found out about the server so far. Only answers are remembered, never failures.
#[derive(Debug, Default)]
pub(super) struct Known {
    flavour: OnceLock<ApiFlavour>,
    no_legacy_trace: AtomicBool,
}

impl Known {
    /// The flavour, asked for unless it is known. Two callers at once may both ask; they learn the same.
    pub(super) async fn flavour(&self, transport: &Transport) -> Result<ApiFlavour, JaegerError> {
        if let Some(flavour) = self.flavour.get() {
            return Ok(*flavour);
        }
        let flavour = ask(transport).await?;
        Ok(*self.flavour.get_or_init(|| flavour))
    }

    /// Whether `/api/traces/{id}` was found missing while v3 answered.
    pub(super) fn has_no_legacy_trace(&self) -> bool {
        self.no_legacy_trace.load(Ordering::Relaxed)
    }

    pub(super) fn remember_no_legacy_trace(&self) {
        self.no_legacy_trace.store(true, Ordering::Relaxed);
    }
}

async fn ask(transport: &Transport) -> Result<ApiFlavour, JaegerError> {
    let url = transport.url(&["api", "v3", "services"], &[]);
    match transport.get(url).await? {
        Reply::Found(body) => body.json::<v3::Services>().map(drop)?,
        Reply::NotFound(absence) => return Err(absence.into()),
    }
    // `/api/services` was removed together with the legacy search, and asking for it costs next to nothing.
    let search = match transport.get(transport.url(&["api", "services"], &[])).await {
        Ok(Reply::Found(body)) => match body.json::<legacy::Envelope<String>>() {
            Ok(_) => SearchApi::Legacy,
            Err(_) => SearchApi::V3,
        },
        Ok(Reply::NotFound(_)) => SearchApi::V3,
        Err(error) => absent(error).map(|()| SearchApi::V3)?,
    };
    // Without its required parameters the endpoint answers 400 where it exists. Where it does not, there is a 404, or up
    // to 2.13 the UI's start page.
    let summaries = match transport
        .get(transport.url(&["api", "v3", "trace-summaries"], &[]))
        .await
    {
        Ok(Reply::Found(_)) | Err(JaegerError::Status { status: 400, .. }) => true,
        Ok(Reply::NotFound(_)) => false,
        Err(error) => absent(error).map(|()| false)?,
    };
    Ok(ApiFlavour { search, summaries })
}

/// Whether an error means that the endpoint does not exist, on a server that is known to be Jaeger.
fn absent(error: JaegerError) -> Result<(), JaegerError> {
    match error {
        JaegerError::NoSuchEndpoint { .. } | JaegerError::WebPage { .. } => Ok(()),
        other => Err(other),
    }
}
