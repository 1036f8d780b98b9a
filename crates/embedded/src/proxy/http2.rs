//! HTTP/2 connections to a target: many exchanges at a time, as many as the target allows.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, Connection as Engine, SendRequest};
use hyper_util::rt::TokioIo;

use super::failure::Failure;
use super::request_body::RequestBody;
use super::socket::Socket;
use super::target::Dial;
use super::tasks::Tasks;

/// What a target is believed to allow until it has said so: the value that RFC 9113, section 6.5.2 recommends as the
/// least.
const PRESUMED_STREAMS: usize = 100;

/// The connections to one target.
#[derive(Debug, Default)]
pub(super) struct Pool {
    open: Mutex<Open>,
    /// Held while a connection is opened, so that a burst of requests opens one and not one each.
    opening: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Open {
    connections: Vec<Connection>,
    /// What the target allowed on an earlier connection.
    learned: Option<usize>,
    retired: bool,
}

type SharedEngine = Arc<Mutex<Pin<Box<Engine<TokioIo<Socket>, RequestBody, Tasks>>>>>;

#[derive(Debug)]
struct Connection {
    sender: SendRequest<RequestBody>,
    /// Driven by a task of its own; here it is asked how many exchanges the target allows.
    engine: SharedEngine,
    /// Exchanges under way.
    busy: Arc<AtomicUsize>,
}

/// One exchange on a connection.
#[derive(Debug)]
pub(super) struct Lease {
    busy: Arc<AtomicUsize>,
}

impl Lease {
    /// Only under the pool's lock, which makes a check for room and this one step.
    fn new(busy: &Arc<AtomicUsize>) -> Self {
        busy.fetch_add(1, Ordering::Relaxed);
        Self { busy: busy.clone() }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    /// Sends a request and waits for the head of the response.
    pub(super) async fn send(
        &self,
        dial: &Dial,
        mut request: Request<RequestBody>,
    ) -> Result<(Response<Incoming>, Lease), Failure> {
        loop {
            let (mut sender, lease, kept) = self.take(dial).await?;
            match sender.try_send_request(request).await {
                Ok(response) => return Ok((response, lease)),
                // The connection had ended before it took the request, which is still whole: another one will do.
                Err(mut refused) => match refused.take_message() {
                    Some(unsent) if kept => request = unsent,
                    _ => return Err(Failure::exchange(refused.into_error())),
                },
            }
        }
    }

    /// Lets connections close once their exchanges have ended.
    pub(super) fn retire(&self) {
        let mut open = self.lock();
        open.retired = true;
        open.connections.clear();
    }

    /// A connection with room for an exchange, and whether it was open before.
    async fn take(&self, dial: &Dial) -> Result<(SendRequest<RequestBody>, Lease, bool), Failure> {
        if let Some((sender, lease)) = self.lock().free() {
            return Ok((sender, lease, true));
        }
        let _opening = self.opening.lock().await;
        let presumed = {
            let mut open = self.lock();
            if let Some((sender, lease)) = open.free() {
                return Ok((sender, lease, true));
            }
            open.learned.unwrap_or(PRESUMED_STREAMS)
        };
        let connection = open(dial, presumed).await?;
        let sender = connection.sender.clone();
        let mut open = self.lock();
        let lease = Lease::new(&connection.busy);
        if !open.retired {
            open.connections.push(connection);
        }
        Ok((sender, lease, false))
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn free(&mut self) -> Option<(SendRequest<RequestBody>, Lease)> {
        self.connections
            .retain(|connection| !connection.sender.is_closed());
        self.connections.iter().find_map(|connection| {
            let most = lock(&connection.engine).current_max_send_streams();
            self.learned = Some(most);
            let room = connection.busy.load(Ordering::Relaxed) < most;
            room.then(|| (connection.sender.clone(), Lease::new(&connection.busy)))
        })
    }
}

async fn open(dial: &Dial, presumed: usize) -> Result<Connection, Failure> {
    let io = TokioIo::new(dial.connect().await?);
    let (sender, engine) = Builder::<Tasks>::new(dial.tasks.clone())
        .initial_max_send_streams(presumed)
        .max_header_list_size(u32::try_from(dial.max_head).unwrap_or(u32::MAX))
        .handshake(io)
        .await
        .map_err(Failure::Exchange)?;
    let engine = Arc::new(Mutex::new(Box::pin(engine)));
    let driven = engine.clone();
    dial.tasks.spawn(async move {
        // Whoever waits for an answer, or reads its body, gets the error.
        let _ = poll_fn(|context| lock(&driven).as_mut().poll(context)).await;
    });
    Ok(Connection {
        sender,
        engine,
        busy: Arc::default(),
    })
}

fn lock<T>(engine: &Mutex<T>) -> MutexGuard<'_, T> {
    engine.lock().unwrap_or_else(PoisonError::into_inner)
}
