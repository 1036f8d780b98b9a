//! One place that requests are sent to, and the connections to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::uri::Authority;
use http::{Request, Response, Version};
use hyper::body::Incoming;
use tokio::net::TcpStream;
use tokio::time::timeout;
use trace::At;

use super::failure::Failure;
use super::http1;
use super::http2;
use super::request_body::RequestBody;
use super::socket::Socket;
use super::tasks::Tasks;

/// One place that requests are sent to.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) at: At,
    pub(super) address: SocketAddr,
    /// The address in the form of a URL, for HTTP/2 requests that name no authority.
    pub(super) authority: Authority,
    dial: Dial,
    answer_limit: Option<Duration>,
    http1: Arc<http1::Pool>,
    http2: http2::Pool,
}

/// How connections to a target are opened.
#[derive(Debug)]
pub(super) struct Dial {
    pub(super) address: SocketAddr,
    pub(super) limit: Option<Duration>,
    /// The most bytes that the head of a response may have.
    pub(super) max_head: usize,
    pub(super) tasks: Tasks,
}

impl Dial {
    pub(super) async fn connect(&self) -> Result<Socket, Failure> {
        let connecting = TcpStream::connect(self.address);
        let stream = match self.limit {
            None => connecting.await,
            Some(limit) => timeout(limit, connecting)
                .await
                .map_err(|_| Failure::ConnectLimit(limit))?,
        };
        stream.map(Socket::new).map_err(Failure::Connect)
    }
}

/// The use of a connection for one exchange. Dropping it before the end gives up the exchange, and in HTTP/1.1 the
/// connection with it.
#[derive(Debug)]
pub(super) enum Lease {
    Http1(http1::Lease),
    Http2(http2::Lease),
}

impl Lease {
    /// The response has ended: the connection is free for another request, if it can be.
    pub(super) fn release(self) {
        match self {
            Self::Http1(lease) => lease.release(),
            Self::Http2(lease) => drop(lease),
        }
    }

    /// The caller has closed its sending side. In HTTP/2 that is said by frames, which hyper passes on.
    pub(super) fn end_sending(&self) {
        match self {
            Self::Http1(lease) => lease.end_sending(),
            Self::Http2(_) => {}
        }
    }

    /// The connection has become a tunnel, which ends it.
    pub(super) fn into_tunnel(self) {
        match self {
            Self::Http1(lease) => lease.into_tunnel(),
            Self::Http2(lease) => drop(lease),
        }
    }
}

impl Target {
    pub(super) fn new(at: At, dial: Dial, answer_limit: Option<Duration>) -> Arc<Self> {
        let address = dial.address;
        let authority =
            Authority::try_from(address.to_string()).unwrap_or_else(|_| Authority::from_static("localhost"));
        Arc::new(Self {
            at,
            address,
            authority,
            dial,
            answer_limit,
            http1: Arc::default(),
            http2: http2::Pool::default(),
        })
    }

    /// Sends a request in the version it came in as, and waits for the head of the response.
    ///
    /// `caller` is watched meanwhile: the end of its sending side is passed on.
    pub(super) async fn send(
        &self,
        request: Request<RequestBody>,
        caller: Option<&Socket>,
    ) -> Result<(Response<Incoming>, Lease), Failure> {
        let exchange = async {
            if request.version() == Version::HTTP_2 {
                let (response, lease) = self.http2.send(&self.dial, request).await?;
                Ok((response, Lease::Http2(lease)))
            } else {
                let (response, lease) = self.http1.send(&self.dial, request, caller).await?;
                Ok((response, Lease::Http1(lease)))
            }
        };
        match self.answer_limit {
            None => exchange.await,
            Some(limit) => timeout(limit, exchange)
                .await
                .map_err(|_| Failure::AnswerLimit(limit))?,
        }
    }

    /// No new exchange will begin: connections close as soon as they are free.
    pub(super) fn retire(&self) {
        self.http1.retire();
        self.http2.retire();
    }
}
