//! Many requests, each on a connection of its own.

use std::net::SocketAddr;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use trace::Verdict;

use super::expect::{fact_fails, pass};
use super::{SILENT, Stage, StageError};
use crate::proof::Answerer;
use crate::scenario::Fault;
use crate::scenario::topology::ORDER;

/// Requests that are under way at the same time.
const AT_ONCE: usize = 8;

impl Stage<'_> {
    /// All of so many requests through the storefront are answered by the process on the workstation, and says whether they were. The
    /// first one that is not ends it: the others would wait for their time limits.
    ///
    /// # Errors
    /// When there is no process.
    pub async fn expect_requests_answered_here(
        &mut self,
        count: usize,
        debug_header: Option<&str>,
    ) -> Result<bool, StageError> {
        let process = self
            .workstation
            .as_ref()
            .ok_or(StageError::Order("an intercept"))?;
        let (here, address) = (Answerer::Workstation { pid: process.pid() }, process.address());
        let prover = if self.broken_by(Fault::KeptConnections) {
            // All that is waited for is one that hangs.
            self.bed.prover.within(SILENT)
        } else {
            self.bed.prover.clone()
        };
        let answered = stream::iter(1..=count)
            .map(|number| {
                let (here, prover) = (&here, &prover);
                async move {
                    let answer = prover.answered_by(here, debug_header).await;
                    answer.map_err(|reason| (number, reason))
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_fold(0_usize, |answered, _| async move { Ok(answered + 1) })
            .await;
        let which = if debug_header.is_some() {
            "requests with the header"
        } else {
            "requests"
        };
        let expected = format!("{count} {which} are answered by {ORDER}@workstation");
        let verdict = match answered {
            Ok(_) => pass(expected),
            Err((number, reason)) => {
                let open = connections_at(address);
                let found = format!(
                    "request {number} was not: {reason}; the workstation's process has {open} connections open"
                );
                fact_fails(expected, &found, None)
            }
        };
        let all = matches!(verdict, Verdict::Pass { .. });
        self.fact(which, verdict);
        Ok(all)
    }
}

/// How many connections somebody has open to a listener on this machine, as Linux tells; 0 where it can't be seen.
fn connections_at(listener: SocketAddr) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    established(&table, listener.port())
}

/// Established connections in the kernel's table whose local end is this port; see the Linux manual page `proc_pid_net(5)`.
fn established(table: &str, port: u16) -> usize {
    const ESTABLISHED: &str = "01";
    let local = format!(":{port:04X}");
    table
        .lines()
        .filter(|line| {
            let mut fields = line.split_whitespace().skip(1);
            fields.next().is_some_and(|address| address.ends_with(&local))
                && fields.nth(1) == Some(ESTABLISHED)
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_established_connections_to_the_port_count() {
        let table = "  sl  local_address rem_address   st tx_queue\n\
             \x20  0: 0100007F:1F90 00000000:0000 0A 0:0\n\
             \x20  1: 0100007F:1F90 0100007F:C350 01 0:0\n\
             \x20  2: 0100007F:C350 0100007F:1F90 01 0:0\n\
             \x20  3: 0100007F:1F90 0100007F:C351 06 0:0\n";
        assert_eq!(established(table, 8080), 1);
        assert_eq!(established("", 8080), 0);
    }

    #[test]
    fn our_own_connection_is_seen() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(connections_at(address), 0);
        let _client = std::net::TcpStream::connect(address).unwrap();
        let _server = listener.accept().unwrap();
        assert_eq!(connections_at(address), 1);
    }
}
