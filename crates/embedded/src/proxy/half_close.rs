//! Passing on the end of a caller's sending side, not before the request has been sent.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::socket::Socket;

/// An HTTP/1.1 connection to a target, and how far the current request has got on it.
#[derive(Debug)]
pub(super) struct Line {
    socket: Socket,
    progress: Mutex<Progress>,
}

/// hyper takes a request, writes it in parts and flushes; these are the only signs of progress that it shows.
#[derive(Debug, Default)]
struct Progress {
    /// Set when hyper has taken the last part of the body; `None` for a request without one.
    body_taken: Option<Arc<AtomicBool>>,
    /// Something of the request has been written.
    begun: bool,
    /// Everything of the request has been written.
    sent: bool,
    /// The caller has closed its sending side.
    end_asked: bool,
}

impl Line {
    pub(super) fn new(socket: Socket) -> Arc<Self> {
        let progress = Mutex::default();
        Arc::new(Self { socket, progress })
    }

    /// Whether a new request can be tried on it.
    pub(super) fn is_quiet(&self) -> bool {
        self.socket.is_quiet()
    }

    /// A request is about to be handed to hyper.
    pub(super) fn begin(&self, body_taken: Option<Arc<AtomicBool>>) {
        self.with(|progress| {
            *progress = Progress {
                body_taken,
                ..Progress::default()
            };
        });
    }

    /// Closes the sending side: now if the request has been sent, otherwise as soon as it has.
    pub(super) fn end_sending(&self) {
        let now = self.with(|progress| {
            let first = !std::mem::replace(&mut progress.end_asked, true);
            first && progress.sent
        });
        if now {
            self.end();
        }
    }

    /// Whether another request may follow the current one.
    pub(super) fn can_continue(&self) -> bool {
        self.with(|progress| !progress.end_asked && progress.body_is_taken())
    }

    fn written(&self) {
        self.with(|progress| progress.begun = true);
    }

    /// hyper flushes only what it has no more bytes for: with the body taken, the request is out.
    fn flushed(&self) {
        let end = self.with(|progress| {
            let just_sent = !progress.sent && progress.begun && progress.body_is_taken();
            progress.sent |= just_sent;
            just_sent && progress.end_asked
        });
        if end {
            self.end();
        }
    }

    fn end(&self) {
        // When this fails the connection is broken, and whoever reads from it says so better.
        let _ = self.socket.end_sending();
    }

    fn with<T>(&self, change: impl FnOnce(&mut Progress) -> T) -> T {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Progress {
    fn body_is_taken(&self) -> bool {
        self.body_taken
            .as_ref()
            .is_none_or(|taken| taken.load(Ordering::Acquire))
    }
}

/// The side of a [`Line`] that hyper reads and writes.
#[derive(Debug)]
pub(super) struct LineIo {
    socket: Socket,
    line: Arc<Line>,
}

impl LineIo {
    pub(super) fn new(line: &Arc<Line>) -> Self {
        Self {
            socket: line.socket.clone(),
            line: line.clone(),
        }
    }
}

impl AsyncRead for LineIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl AsyncWrite for LineIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.line.written();
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.line.written();
        Pin::new(&mut self.socket).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line.flushed();
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
