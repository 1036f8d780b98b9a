//! The real binary as a child process: its address, its lines, its end.

use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use axum::{Json, Router};
use http::HeaderMap;
use rustix::process::{Pid, Signal};
use telemetry::WhoAmI;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Far beyond what anything here takes, so that a busy machine is no failure.
const PATIENCE: Duration = Duration::from_secs(30);

/// A body that makes an order.
pub(crate) const ORDER: &str = r#"{"customer_id":"customer-42","sku":"WIDGET-001","quantity":2}"#;

/// order-service, running.
pub(crate) struct Service {
    child: Child,
    pub(crate) url: String,
    stdout: Lines,
    stderr: Lines,
}

/// Everything that a stream said, line by line.
struct Lines {
    seen: watch::Receiver<Vec<String>>,
    reader: JoinHandle<()>,
}

/// What is left when the process has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: Vec<String>,
}

/// The binary with a free port and no variables but these.
pub(crate) fn command(args: &[&str], variables: &[(&str, &str)]) -> Command {
    #[expect(
        clippy::disallowed_methods,
        reason = "the binary itself is under test, its end included"
    )]
    let mut command = Command::new(env!("CARGO_BIN_EXE_order-service"));
    command
        .args(args)
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs the binary to its end, for command lines with which it does not serve.
pub(crate) async fn run(args: &[&str], variables: &[(&str, &str)]) -> Ended {
    let child = command(args, variables).spawn().unwrap();
    ended(child).await
}

async fn ended(child: Child) -> Ended {
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output())
        .await
        .expect("it goes on")
        .unwrap();
    let lines = |bytes: Vec<u8>| {
        String::from_utf8(bytes)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    };
    Ended {
        status: output.status,
        stdout: lines(output.stdout),
        stderr: lines(output.stderr),
    }
}

impl Service {
    /// Starts the binary on a free port and waits for its address.
    pub(crate) async fn start(args: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut all = vec![("THROUGHLINE_LISTEN", "127.0.0.1:0"), ("UPSTREAM_TIMEOUT", "30s")];
        all.extend(variables);
        let mut child = command(args, &all).spawn().unwrap();
        let stdout = Lines::of(child.stdout.take().unwrap());
        let stderr = Lines::of(child.stderr.take().unwrap());
        let mut service = Self {
            child,
            url: String::new(),
            stdout,
            stderr,
        };
        let line = service.stdout.find(|line| line.starts_with("listening ")).await;
        service.url = line.trim_start_matches("listening ").to_owned();
        service
    }

    /// Waits for a line on stderr that has all these parts.
    pub(crate) async fn says(&mut self, parts: &[&str]) -> String {
        self.stderr
            .find(|line| parts.iter().all(|part| line.contains(part)))
            .await
    }

    /// Places an order and gives the status.
    pub(crate) async fn order(&self) -> u16 {
        self.order_with(&HeaderMap::new()).await
    }

    pub(crate) async fn order_with(&self, headers: &HeaderMap) -> u16 {
        let request = client()
            .post(format!("{}/api/orders", self.url))
            .headers(headers.clone())
            .body(ORDER);
        request.send().await.unwrap().status().as_u16()
    }

    pub(crate) async fn whoami(&self) -> WhoAmI {
        client()
            .get(format!("{}/whoami", self.url))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().unwrap().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for the process's end.
    pub(crate) async fn ended(mut self) -> Ended {
        let status = tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .expect("it goes on")
            .unwrap();
        Ended {
            status,
            stdout: self.stdout.all().await,
            stderr: self.stderr.all().await,
        }
    }

    /// SIGTERM, and the end.
    pub(crate) async fn stop(self) -> Ended {
        self.signal(Signal::TERM);
        self.ended().await
    }
}

impl Lines {
    fn of(stream: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let (seen_tx, seen) = watch::channel(Vec::new());
        let reader = tokio::spawn(async move {
            let mut lines = BufReader::new(stream).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                seen_tx.send_modify(|seen| seen.push(line));
            }
        });
        Self { seen, reader }
    }

    async fn find(&mut self, matches: impl Fn(&str) -> bool) -> String {
        let there = self.seen.wait_for(|lines| lines.iter().any(|line| matches(line)));
        let there = tokio::time::timeout(PATIENCE, there)
            .await
            .is_ok_and(|there| there.is_ok());
        let lines = self.seen.borrow().clone();
        // Not there means that the stream has ended, or that nothing came in time.
        assert!(there, "the line did not come; there was {lines:#?}");
        lines.into_iter().find(|line| matches(line)).unwrap()
    }

    async fn all(self) -> Vec<String> {
        self.reader.await.unwrap();
        self.seen.borrow().clone()
    }
}

pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// A stand-in for the inventory that has everything, hands over the headers of each question, and answers each when it is
/// let: at once, unless [`Inventory::hold`] was called.
pub(crate) struct Inventory {
    pub(crate) url: String,
    questions: mpsc::UnboundedReceiver<HeaderMap>,
    held: Arc<watch::Sender<bool>>,
    task: JoinHandle<()>,
}

impl Inventory {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (question_tx, questions) = mpsc::unbounded_channel();
        let held = Arc::new(watch::channel(false).0);
        let holding = Arc::clone(&held);
        let check = move |headers: HeaderMap| {
            question_tx.send(headers).unwrap();
            let mut held = holding.subscribe();
            async move {
                held.wait_for(|held| !held).await.unwrap();
                Json(serde_json::json!({"sku": "WIDGET-001", "available": true, "quantity": 9}))
            }
        };
        let app = Router::new().route("/api/check", get(check));
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Self {
            url,
            questions,
            held,
            task,
        }
    }

    /// The headers of the next question.
    pub(crate) async fn question(&mut self) -> HeaderMap {
        tokio::time::timeout(PATIENCE, self.questions.recv())
            .await
            .expect("nobody asks")
            .unwrap()
    }

    pub(crate) fn hold(&self) {
        self.held.send_replace(true);
    }

    pub(crate) fn release(&self) {
        self.held.send_replace(false);
    }
}

impl Drop for Inventory {
    fn drop(&mut self) {
        self.task.abort();
    }
}
