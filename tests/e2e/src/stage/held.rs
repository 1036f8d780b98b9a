//! One connection that is held open while others come and go.

use http::{Method, Request, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use reqwest::Url;
use testbed::explain::chain;
use testbed::{Deadline, Whoami};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::expect::{fact_fails, pass};
use super::{Stage, StageError};
use crate::proof::{Answerer, PROBE_LIMIT};
use crate::random;
use crate::scenario::topology::ORDER;

/// A connection to a service, open until it is dropped.
#[derive(Debug)]
pub struct Held {
    sender: SendRequest<Empty<Bytes>>,
    authority: String,
    // Ends with it.
    _driver: JoinSet<()>,
}

impl Stage<'_> {
    /// Opens a connection from the workstation to order-service's address.
    ///
    /// # Errors
    /// When it can't be opened.
    pub async fn hold_connection(&mut self) -> Result<Held, StageError> {
        let limit = Deadline::after(PROBE_LIMIT);
        match limit
            .bound(Held::open(&self.bed.endpoints.workstation_order))
            .await
        {
            Ok(opened) => opened.map_err(StageError::Connection),
            Err(_) => Err(StageError::Connection("no answer in time".to_owned())),
        }
    }

    /// Requests over the held connection are answered by a pod, and over this very connection.
    ///
    /// # Errors
    /// When it broke, or nobody answers.
    pub async fn expect_held_at_the_pod(&mut self, when: &str, held: &mut Held) -> Result<(), StageError> {
        let limit = Deadline::after(PROBE_LIMIT);
        let answer = match limit.bound(held.ask()).await {
            Ok(answer) => answer,
            Err(_) => Err("no answer in time".to_owned()),
        };
        let expected = format!("the connection that was opened before is answered by {ORDER}@cluster");
        let verdict = match answer {
            Ok(hop) if Answerer::Cluster.matches(&hop) => pass(expected),
            Ok(hop) => fact_fails(expected, &hop.describe(), None),
            Err(reason) => fact_fails(expected, &reason, None),
        };
        self.fact(when, verdict);
        Ok(())
    }
}

impl Held {
    async fn open(base_url: &str) -> Result<Self, String> {
        let url = Url::parse(base_url).map_err(|error| error.to_string())?;
        let host = url.host_str().ok_or("an address without a host")?;
        let port = url.port_or_known_default().ok_or("an address without a port")?;
        let stream = TcpStream::connect((host, port))
            .await
            .map_err(|error| format!("{host}:{port}: {error}"))?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| chain(&error))?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // Its end shows in the next request.
            let _ = connection.await;
        });
        Ok(Self {
            sender,
            authority: format!("{host}:{port}"),
            _driver: driver,
        })
    }

    /// Asks who is at the other end.
    async fn ask(&mut self) -> Result<Whoami, String> {
        let nonce = random::nonce();
        let request = Request::builder()
            .method(Method::GET)
            .uri(format!("/whoami?nonce={nonce}"))
            .header(header::HOST, &self.authority)
            .body(Empty::new())
            .map_err(|error| error.to_string())?;
        let response = self
            .sender
            .send_request(request)
            .await
            .map_err(|error| chain(&error))?;
        let body = response
            .into_body()
            .collect()
            .await
            .map_err(|error| chain(&error))?;
        let whoami: Whoami = serde_json::from_slice(&body.to_bytes()).map_err(|error| error.to_string())?;
        if whoami.nonce.as_deref() != Some(nonce.as_str()) {
            return Err(format!("nonce {nonce} did not come back"));
        }
        Ok(whoami)
    }
}
