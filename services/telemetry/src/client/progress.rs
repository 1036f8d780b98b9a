//! How far a call had come when its time was up. A name that nobody resolves, a connection that nobody accepts and an answer that
//! nobody gives look alike to the caller, and have different causes.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

tokio::task_local! {
    /// The call that this task is making.
    static CALL: Progress;
}

/// What a call had when its time was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// Not even an address.
    Nothing,
    /// An address, and no connection to it.
    Address,
    /// A connection, and no whole answer.
    Connection,
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "its name was still being looked up",
            Self::Address => "the connection was still being opened",
            Self::Connection => "the connection was open",
        })
    }
}

/// How far one call has come.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress(Arc<AtomicU8>);

impl Progress {
    /// Makes a call, which notes how far it comes.
    pub(super) async fn of<T>(self, call: impl Future<Output = T>) -> T {
        CALL.scope(self, call).await
    }

    /// How far it has come; `named` says whether there was a name to be looked up.
    pub(super) fn reached(&self, named: bool) -> Reached {
        match self.0.load(Ordering::Relaxed) {
            CONNECTED => Reached::Connection,
            RESOLVED => Reached::Address,
            _ if named => Reached::Nothing,
            _ => Reached::Address,
        }
    }

    fn note(&self, what: u8) {
        self.0.fetch_max(what, Ordering::Relaxed);
    }

    /// Notes that the call of this task has a connection.
    pub(super) fn connected() {
        // Outside of a call nobody asks.
        let _ = CALL.try_with(|call| call.note(CONNECTED));
    }
}

const RESOLVED: u8 = 1;
const CONNECTED: u8 = 2;

/// The system's resolver, which notes when it has answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        let call = CALL.try_with(Clone::clone).unwrap_or_default();
        Box::pin(async move {
            // The port is not part of the question; whoever connects puts the right one in.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            call.note(RESOLVED);
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_knows_how_far_it_came() {
        let call = Progress::default();
        assert_eq!(call.reached(true), Reached::Nothing);
        assert_eq!(
            call.reached(false),
            Reached::Address,
            "an address needs no looking up"
        );
        let found = call.clone().of(async {
            let found = System.resolve("localhost".parse().unwrap()).await;
            found.map(Iterator::count)
        });
        assert!(found.await.unwrap() > 0);
        assert_eq!(call.reached(true), Reached::Address);
        call.clone().of(async { Progress::connected() }).await;
        assert_eq!(call.reached(true), Reached::Connection);
    }

    #[tokio::test]
    async fn calls_at_the_same_time_are_told_apart() {
        let (one, other) = (Progress::default(), Progress::default());
        tokio::join!(
            one.clone().of(async {
                tokio::task::yield_now().await;
                Progress::connected();
            }),
            other.clone().of(tokio::task::yield_now()),
        );
        assert_eq!(one.reached(true), Reached::Connection);
        assert_eq!(other.reached(true), Reached::Nothing);
    }
}
