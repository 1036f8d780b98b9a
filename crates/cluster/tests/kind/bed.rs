//! What the tests here share: one cluster at a time, runs whose steps are shown, the services' binaries.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use cluster::binaries::{Binaries, Build};
use cluster::docker::Docker;
use cluster::kind::Kind;
use cluster::manifest::Profile;
use cluster::tool::ToolPath;
use cluster::{ContextOptions, KindEnvironment, KindOptions, Pins, Plan};
use jaeger_api::JaegerClient;
use serde_json::json;
use testbed::wait::{self, Probe};
use testbed::{Deadline, Endpoints, Environment, EnvironmentName, Event, Outcome, Run, RunOptions, Signals};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinHandle;
use trace::{Span, TraceId};

/// How the clusters' names begin.
pub(crate) const PREFIX: &str = "throughline-test";

/// A cluster fills a small machine: one test at a time. What a test that failed has left is removed first.
pub(crate) async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: OnceLock<Mutex<()>> = OnceLock::new();
    let alone = ALONE.get_or_init(Mutex::default).lock().await;
    // kind wants to lock it, also where it is not.
    let kubeconfig = std::env::temp_dir().join("throughline-test-kubeconfig");
    for left in clusters().await {
        let deadline = Deadline::after(Duration::from_secs(60));
        kind().delete(&left, &kubeconfig, &deadline).await.unwrap();
    }
    alone
}

pub(crate) fn lookup(key: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(key)
}

pub(crate) fn options(locks: &Path) -> KindOptions {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap();
    let binaries = match lookup("THROUGHLINE_BINARIES") {
        Some(folder) => Binaries::Folder(folder.into()),
        None => Binaries::Build(Build {
            target_dir: lookup("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from),
            workspace,
            target: Build::default_target(),
            env: Build::environment(lookup),
        }),
    };
    KindOptions {
        tools: ToolPath::from_lookup(lookup),
        program: None,
        plan: Plan {
            pins: Pins::decide(&[], |key| std::env::var(key).ok(), None).unwrap(),
            binaries,
            profile: Profile::Synchronous,
            download: false,
            telepresence: false,
            reuse: false,
            prefix: PREFIX.into(),
            workstation_port: cluster::WORKSTATION_PORT,
            locks: locks.to_owned(),
            machine_locks: testbed::Lease::machine_folder(),
            // Saved by the first test, and there for the others.
            saved_images: Path::new(env!("CARGO_TARGET_TMPDIR")).join("images"),
        },
    }
}

pub(crate) fn kind() -> Kind {
    Kind::new(ToolPath::from_lookup(lookup).find("kind", "test").unwrap())
}

pub(crate) fn docker() -> Docker {
    Docker::new(ToolPath::from_lookup(lookup).find("docker", "test").unwrap())
}

pub(crate) async fn clusters() -> Vec<String> {
    let all = kind()
        .clusters(&Deadline::after(Duration::from_secs(20)))
        .await
        .unwrap();
    all.into_iter().filter(|name| name.starts_with(PREFIX)).collect()
}

/// A run with an environment, whose steps are printed with the time since it began.
pub(crate) struct Bed {
    pub(crate) run: Run,
    pub(crate) environment: KindEnvironment,
    pub(crate) signals: Signals,
    teller: JoinHandle<Vec<String>>,
}

impl Bed {
    /// In a cluster that is there already.
    pub(crate) fn begin_in(root: &Path, options: KindOptions, context: ContextOptions) -> Self {
        let mut bed = Self::begin(root, false, options);
        bed.environment = bed.environment.in_context(context);
        bed
    }

    pub(crate) fn begin(root: &Path, keep: bool, options: KindOptions) -> Self {
        let signals = Signals::manual();
        let run_options = RunOptions {
            root: root.to_owned(),
            environment: EnvironmentName::Kind,
            keep,
            signals: signals.clone(),
        };
        let (run, mut events) = Run::begin(run_options).unwrap();
        let begun = Instant::now();
        let teller = tokio::spawn(async move {
            let mut failed = Vec::new();
            while let Some(event) = events.recv().await {
                if let Event::StepFinished {
                    step,
                    took,
                    outcome,
                    detail,
                } = event
                {
                    let at = begun.elapsed().as_secs_f64();
                    eprintln!(
                        "{at:8.2} s  {step:34} {:6} ms  {}",
                        took.as_millis(),
                        detail.unwrap_or_default()
                    );
                    if outcome != Outcome::Ok {
                        failed.push(step);
                    }
                }
            }
            failed
        });
        Self {
            run,
            environment: KindEnvironment::new(options),
            signals,
            teller,
        }
    }

    /// Brings it up, or says why not and what to do.
    pub(crate) async fn up(&mut self) -> Endpoints {
        let begun = Instant::now();
        match self.environment.up(&self.run).await {
            Ok(endpoints) => {
                eprintln!("up after {:.2} s", begun.elapsed().as_secs_f64());
                endpoints
            }
            Err(error) => panic!("{}\nhint: {:?}", testbed::explain::chain(&error), error.hint()),
        }
    }

    /// Undoes the run and tells which steps failed.
    pub(crate) async fn finish(self) -> Vec<String> {
        let report = self.run.finish().await;
        assert!(report.complete(), "{report:?}");
        drop((self.run, self.environment));
        self.teller.await.unwrap()
    }
}

/// Sends an order under a trace id of its own, and waits until the trace is whole.
pub(crate) async fn order_and_trace(storefront: &str, jaeger: &str, id: TraceId) -> (Vec<Span>, Duration) {
    let answer = reqwest::Client::new()
        .post(format!("{storefront}/checkout"))
        .header("traceparent", format!("00-{id}-b7ad6b7169203331-01"))
        .json(&json!({"customer_id": "c-1", "sku": "WIDGET-001"}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
    let answered = Instant::now();
    let jaeger = JaegerClient::new(jaeger).unwrap();
    let deadline = Deadline::after(Duration::from_secs(20));
    let whole = wait::until(&deadline, "the whole trace", || async {
        match jaeger.trace(id).await {
            // storefront: server, client; order: server, create-order, process_order, client; inventory: server.
            Ok(Some(found)) if found.spans().len() >= 7 => {
                Probe::<_, std::io::Error>::Ready(found.spans().to_vec())
            }
            Ok(found) => Probe::NotYet(format!("{} spans", found.map_or(0, |found| found.spans().len()))),
            Err(error) => Probe::NotYet(error.to_string()),
        }
    });
    (whole.await.unwrap(), answered.elapsed())
}
