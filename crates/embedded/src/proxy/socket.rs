//! A TCP connection that the protocol engine owns and the proxy still watches.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::net::{RecvFlags, Shutdown};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// A shared TCP connection. hyper reads and writes one clone; the others look at the state of the connection, which
/// hyper does not show. The socket closes with the last clone.
#[derive(Debug, Clone)]
pub(super) struct Socket(Arc<TcpStream>);

impl Socket {
    pub(super) fn new(stream: TcpStream) -> Self {
        // Small answers must not wait for the acknowledgement of earlier ones. Where the option can't be set the
        // connection still works.
        let _ = stream.set_nodelay(true);
        Self(Arc::new(stream))
    }

    /// Ready once the peer has closed its sending side, or the connection, and everything it had sent was read.
    ///
    /// Only for the task that also reads this socket: there is one place to register a reader. While something unread
    /// is waiting, the reader will be woken anyway and this registers nothing.
    pub(super) fn poll_ended(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut one = [0];
        match ready!(self.0.poll_peek(context, &mut ReadBuf::new(&mut one))) {
            Ok(0) | Err(_) => Poll::Ready(()),
            Ok(_) => Poll::Pending,
        }
    }

    /// Whether the connection is open and nothing has arrived: what a connection between two requests must be.
    ///
    /// Asks the system, because the reactor may not have heard yet of an end that has already arrived.
    pub(super) fn is_quiet(&self) -> bool {
        let peeked = rustix::net::recv(&*self.0, &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT);
        matches!(peeked, Err(rustix::io::Errno::AGAIN))
    }

    /// Closes the sending side. An end that the peer has made superfluous is no error.
    pub(super) fn end_sending(&self) -> io::Result<()> {
        match rustix::net::shutdown(&*self.0, Shutdown::Write) {
            Ok(()) | Err(rustix::io::Errno::NOTCONN) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let room = buffer.remaining();
        loop {
            ready!(self.0.poll_read_ready(context))?;
            let mut read = None;
            let attempt = self.0.try_io(Interest::READABLE, || {
                let bytes = self.0.try_read_buf(buffer)?;
                read = Some(bytes);
                // Less than there was room for: nothing is left until the reactor says so. Told here, it saves the
                // system call that would find nothing, two of them for each request.
                if bytes > 0 && bytes < room {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Ok(())
            });
            match (read, attempt) {
                (Some(_), _) => return Poll::Ready(Ok(())),
                (None, Err(error)) if error.kind() != io::ErrorKind::WouldBlock => {
                    return Poll::Ready(Err(error));
                }
                (None, _) => {}
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(context))?;
            if let Some(written) = done(self.0.try_write(bytes)) {
                return Poll::Ready(written);
            }
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(context))?;
            if let Some(written) = done(self.0.try_write_vectored(slices)) {
                return Poll::Ready(written);
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.end_sending())
    }
}

/// The outcome of an attempt, or `None` when the socket turned out not to be ready.
fn done(attempt: io::Result<usize>) -> Option<io::Result<usize>> {
    match attempt {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        other => Some(other),
    }
}
