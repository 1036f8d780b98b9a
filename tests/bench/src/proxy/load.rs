//! Requests by timetable: they are sent when they are due, not when earlier ones have been answered.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// A request as the services send it: with trace context and a request id.
const REQUEST: &[u8] = b"GET /api/check?sku=A HTTP/1.1\r\nhost: order-service:8080\r\naccept: */*\r\n\
    traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\nx-request-id: r-81\r\n\r\n";

/// What is sent, and how often.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timetable {
    pub(super) rate: u32,
    pub(super) connections: u32,
    pub(super) time: Duration,
}

impl Timetable {
    /// Requests on one connection.
    fn requests(self) -> u32 {
        (f64::from(self.rate) * self.time.as_secs_f64() / f64::from(self.connections)) as u32
    }

    /// When a connection's request is due, from the beginning.
    fn due(self, connection: u32, number: u32) -> Duration {
        let place = u64::from(number) * u64::from(self.connections) + u64::from(connection);
        Duration::from_nanos(place * 1_000_000_000 / u64::from(self.rate))
    }
}

/// Keeps a timetable and returns the milliseconds that each answer took.
///
/// They count from the moment of sending; where the connection was still busy when the request was due, from the moment
/// it was due, so that a slow answer is not hidden by the requests that it held up.
pub(super) async fn keep(timetable: Timetable, to: SocketAddr) -> Result<Vec<f64>> {
    let mut connections = JoinSet::new();
    let begin = Instant::now() + Duration::from_millis(20);
    for connection in 0..timetable.connections {
        connections.spawn(one(timetable, connection, begin, to));
    }
    let mut took = Vec::with_capacity((timetable.requests() * timetable.connections) as usize);
    while let Some(done) = connections.join_next().await {
        took.extend(done.context("a connection's task panicked")??);
    }
    Ok(took)
}

async fn one(timetable: Timetable, connection: u32, begin: Instant, to: SocketAddr) -> Result<Vec<f64>> {
    let mut stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let mut answer = Vec::with_capacity(4096);
    let mut took = Vec::with_capacity(timetable.requests() as usize);
    for number in 0..timetable.requests() {
        let due = begin + timetable.due(connection, number);
        let late = Instant::now() > due;
        // A timetable is not a condition: there is nothing to probe for.
        tokio::time::sleep_until(due.into()).await;
        let from = if late { due } else { Instant::now() };
        stream.write_all(REQUEST).await?;
        read(&mut stream, &mut answer).await?;
        took.push(from.elapsed().as_secs_f64() * 1e3);
    }
    Ok(took)
}

/// Reads one answer to its end.
async fn read(stream: &mut TcpStream, answer: &mut Vec<u8>) -> Result<()> {
    answer.clear();
    loop {
        ensure!(
            stream.read_buf(answer).await? > 0,
            "the connection ended before the answer did"
        );
        if let Some(length) = length(answer)? {
            ensure!(answer.len() <= length, "more than one answer");
            if answer.len() == length {
                return Ok(());
            }
        }
    }
}

/// How long the whole answer is, once its head is there.
fn length(answer: &[u8]) -> Result<Option<usize>> {
    let Some(head) = answer.windows(4).position(|end| end == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&answer[..head])?;
    ensure!(text.starts_with("HTTP/1.1 200 "), "{text}");
    for line in text.lines() {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            return Ok(Some(head + 4 + value.trim().parse::<usize>()?));
        }
    }
    bail!("an answer without a length: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_the_requests_evenly_over_time_and_connections() {
        let timetable = Timetable {
            rate: 1_000,
            connections: 4,
            time: Duration::from_secs(2),
        };
        assert_eq!(timetable.requests(), 500);
        assert_eq!(timetable.due(0, 0), Duration::ZERO);
        assert_eq!(timetable.due(3, 0), Duration::from_millis(3));
        assert_eq!(timetable.due(1, 499), Duration::from_millis(1997));
    }

    #[test]
    fn knows_where_an_answer_ends() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
        assert_eq!(length(answer).unwrap(), Some(answer.len()));
        assert_eq!(length(&answer[..20]).unwrap(), None);
        assert!(length(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n").is_err());
        assert!(length(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
