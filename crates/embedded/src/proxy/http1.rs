//! HTTP/1.1 connections to a target: one exchange at a time, kept for the next.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::task::AbortHandle;

use super::failure::Failure;
use super::half_close::{Line, LineIo};
use super::request_body::RequestBody;
use super::socket::Socket;
use super::target::Dial;

/// The most connections that are kept between requests. A burst of callers opens more, and these close after it.
const MOST_IDLE: usize = 256;

/// The connections to one target that wait for a request.
#[derive(Debug, Default)]
pub(super) struct Pool {
    idle: Mutex<Idle>,
}

#[derive(Debug, Default)]
struct Idle {
    /// The one used last is at the back.
    connections: VecDeque<Connection>,
    retired: bool,
}

/// One connection. Its task ends with it.
#[derive(Debug)]
struct Connection {
    sender: SendRequest<RequestBody>,
    line: Arc<Line>,
    task: Option<AbortHandle>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// The use of a connection for one exchange.
#[derive(Debug)]
pub(super) struct Lease {
    connection: Connection,
    pool: Arc<Pool>,
}

impl Lease {
    /// Keeps the connection for another request, if it can take one.
    pub(super) fn release(self) {
        let Self { connection, pool } = self;
        if connection.line.can_continue() && !connection.sender.is_closed() {
            pool.keep(connection);
        }
    }

    /// The caller has closed its sending side.
    pub(super) fn end_sending(&self) {
        self.connection.line.end_sending();
    }

    /// The connection's task hands it over to a tunnel and ends by itself.
    pub(super) fn into_tunnel(mut self) {
        self.connection.task = None;
    }
}

impl Pool {
    /// Sends a request and waits for the head of the response.
    pub(super) async fn send(
        self: &Arc<Self>,
        dial: &Dial,
        mut request: Request<RequestBody>,
        caller: Option<&Socket>,
    ) -> Result<(Response<Incoming>, Lease), Failure> {
        loop {
            let (mut connection, kept) = match self.take() {
                Some(connection) => (connection, true),
                None => (open(dial).await?, false),
            };
            connection.line.begin(request.body().taken());
            let answer = connection.sender.try_send_request(request);
            match watching(caller, &connection.line, answer).await {
                Ok(response) => {
                    let pool = self.clone();
                    return Ok((response, Lease { connection, pool }));
                }
                // The connection had ended before it took the request, which is still whole: another one will do.
                // A request of which anything was sent is never sent again.
                Err(mut refused) => match refused.take_message() {
                    Some(unsent) if kept => request = unsent,
                    _ => return Err(Failure::exchange(refused.into_error())),
                },
            }
        }
    }

    /// Closes the connections that wait, and keeps no more.
    pub(super) fn retire(&self) {
        let waiting = {
            let mut idle = self.lock();
            idle.retired = true;
            std::mem::take(&mut idle.connections)
        };
        drop(waiting);
    }

    /// The connection used last that can take a request now.
    fn take(&self) -> Option<Connection> {
        let mut idle = self.lock();
        let mut unfinished = Vec::new();
        let mut found = None;
        while let Some(connection) = idle.connections.pop_back() {
            if connection.sender.is_closed() {
                continue;
            }
            if !connection.sender.is_ready() {
                // Its task is about to finish the last exchange.
                unfinished.push(connection);
            } else if connection.line.is_quiet() {
                found = Some(connection);
                break;
            }
        }
        idle.connections.extend(unfinished);
        found
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.lock();
        while idle
            .connections
            .front()
            .is_some_and(|oldest| oldest.sender.is_closed())
        {
            idle.connections.pop_front();
        }
        if !idle.retired && idle.connections.len() < MOST_IDLE {
            idle.connections.push_back(connection);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn open(dial: &Dial) -> Result<Connection, Failure> {
    let line = Line::new(dial.connect().await?);
    let io = TokioIo::new(LineIo::new(&line));
    let (sender, connection) = Builder::new()
        .max_header_size(dial.max_head)
        .handshake(io)
        .await
        .map_err(Failure::Exchange)?;
    let task = dial.tasks.spawn(async move {
        // Whoever waits for an answer, or reads its body, gets the error.
        let _ = connection.with_upgrades().await;
    });
    Ok(Connection {
        sender,
        line,
        task: Some(task),
    })
}

/// Waits for an answer while the end of the caller's sending side is passed on.
async fn watching<T>(mut caller: Option<&Socket>, line: &Line, answer: impl Future<Output = T>) -> T {
    let mut answer = pin!(answer);
    poll_fn(|context| {
        if let Poll::Ready(answer) = answer.as_mut().poll(context) {
            return Poll::Ready(answer);
        }
        if caller.is_some_and(|caller| caller.poll_ended(context).is_ready()) {
            caller = None;
            line.end_sending();
        }
        Poll::Pending
    })
    .await
}
