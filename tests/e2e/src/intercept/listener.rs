//! Who listens where the intercept sends its requests: seen in the kernel's tables, proven by nonces.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use testbed::explain::chain;
use testbed::wait::{self, Pace, Probe};
use testbed::{BoxError, Class, Explain, WaitError, listening};

use super::Place;
use crate::proof::Answerer;
use crate::switch;

/// Looking for listeners means looking into every process.
pub(super) const PACE: Pace = Pace {
    first: Duration::from_millis(5),
    longest: Duration::from_millis(200),
};

/// The address is taken.
#[derive(Debug, thiserror::Error)]
#[error("{listen} is taken by pid {pid}")]
pub(super) struct Taken {
    listen: SocketAddr,
    pid: u32,
}

impl Explain for Taken {
    fn hint(&self) -> Option<String> {
        Some("end that process, or choose another address with `--listen`".to_owned())
    }

    fn class(&self) -> Class {
        Class::Prerequisite
    }
}

/// Refuses when somebody listens there: requests would be answered by the wrong process.
pub(super) fn expect_none(listen: SocketAddr) -> Result<(), Taken> {
    match listening::on(listen).first() {
        None => Ok(()),
        Some(&pid) => Err(Taken { listen, pid }),
    }
}

/// For a process that somebody else starts, and starts again: each one that comes to listen is proven, until Ctrl-C.
pub(super) async fn hold(place: &Place<'_>) -> Result<Infallible, BoxError> {
    let mut last = BTreeSet::new();
    loop {
        let now = changed(place, &last).await?;
        place.workstation.send_replace(None);
        let events = place.bed.run.events();
        if now.is_empty() {
            events.note(format!(
                "nobody listens on {} any more: waiting for the next",
                place.listen
            ));
        } else {
            prove(place, now.clone()).await;
        }
        last = now;
    }
}

/// Waits until others listen than did.
async fn changed(place: &Place<'_>, last: &BTreeSet<u32>) -> Result<BTreeSet<u32>, WaitError> {
    let endless = place.bed.run.deadline(Duration::MAX);
    let what = "another process that listens";
    wait::until_paced(&endless, what, PACE, || async {
        let now: BTreeSet<u32> = listening::on(place.listen).into_iter().collect();
        if now == *last {
            Probe::<_>::not_yet("the same as before")
        } else {
            Probe::Ready(now)
        }
    })
    .await
}

/// Proves that requests are answered by one of these processes, and tells how that went. What is not proven is not believed, but the
/// intercept stays: the process may stand at a breakpoint, or be mended and started anew.
pub(super) async fn prove(place: &Place<'_>, pids: BTreeSet<u32>) {
    let by = Answerer::OneOf { pids };
    match switch::prove_intercept(place.bed, place.selection, &by).await {
        Ok(()) => {
            place
                .workstation
                .send_replace(Some(format!("http://{}", place.listen)));
            let requests = match switch::header(place.selection) {
                None => "requests".to_owned(),
                Some(value) => format!("requests with x-debug: {value}"),
            };
            place
                .bed
                .run
                .events()
                .note(format!("intercepted: {requests} are answered by {by}"));
        }
        Err(error) if error.class() == Class::Interrupted => {}
        Err(error) => place.bed.run.events().warn(
            format!("not proven: {}", chain(&error)),
            Some("the intercept stays; start the process anew, or end with Ctrl-C".to_owned()),
        ),
    }
}
