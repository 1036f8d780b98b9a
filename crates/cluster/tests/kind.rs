//! The environment on the real thing: brought up, asked, collected from, undone.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cluster::binaries::{Binaries, Build};
use cluster::bring_up::Plan;
use cluster::lease::Lease;
use cluster::manifest::Profile;
use cluster::tool::ToolPath;
use cluster::{KindEnvironment, KindOptions, Pins};
use jaeger_api::JaegerClient;
use testbed::wait::{self, Probe};
use testbed::{Deadline, Environment, EnvironmentName, Event, Outcome, Run, RunOptions, Signals};

fn options() -> KindOptions {
    let lookup = |key: &str| std::env::var_os(key);
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
        plan: Plan {
            pins: Pins::decide(&[], |key| std::env::var(key).ok(), None).unwrap(),
            binaries,
            profile: Profile::Synchronous,
            download: false,
            prefix: "tl-dev".into(),
            locks: Lease::shared_folder(None),
        },
        telepresence: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn comes_up_from_nothing_answers_and_goes_away() {
    let folder = tempfile::tempdir().unwrap();
    let signals = Signals::arm().unwrap();
    let options_ = RunOptions {
        root: folder.path().into(),
        environment: EnvironmentName::Kind,
        keep: false,
        signals,
    };
    let begun = Instant::now();
    let (run, mut events) = Run::begin(options_).unwrap();
    let teller = tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            if let Event::StepFinished {
                step,
                took,
                outcome,
                detail,
            } = event
            {
                let ok = if outcome == Outcome::Ok { "ok" } else { "FAIL" };
                eprintln!(
                    "{:7.2} {ok:4} {step:40} {:6} ms  {}",
                    begun.elapsed().as_secs_f64(),
                    took.as_millis(),
                    detail.unwrap_or_default()
                );
            }
        }
    });
    let mut environment = KindEnvironment::new(options());
    let missing = environment.preflight().await;
    eprintln!("{:7.2} preflight {missing:?}", begun.elapsed().as_secs_f64());
    assert!(missing.is_empty());
    let result = environment.up(&run).await;
    let took = begun.elapsed();
    eprintln!(
        "{:7.2} up: {:?}",
        took.as_secs_f64(),
        result.as_ref().err().map(|error| testbed::explain::chain(error))
    );
    if let Ok(endpoints) = &result {
        let accounts = environment.accounts().await;
        eprintln!("{accounts:#?}");
        assert_eq!(accounts.len(), 3);
        let trace: trace::TraceId = "0af7651916cd43dd8448eb211c80319c".parse().unwrap();
        let client = reqwest::Client::new();
        let answer = client
            .post(format!("{}/checkout", endpoints.storefront))
            .header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"))
            .json(&serde_json::json!({"customer_id": "c", "sku": "widget"}))
            .send()
            .await
            .unwrap();
        eprintln!("{} {}", answer.status(), answer.text().await.unwrap());
        let answered = Instant::now();
        let jaeger = JaegerClient::new(&endpoints.jaeger).unwrap();
        let found = wait::until(&Deadline::after(Duration::from_secs(10)), "the trace", || async {
            match jaeger.trace(trace).await {
                Ok(Some(found)) if found.spans().len() >= 7 => Probe::Ready(found),
                Ok(found) => Probe::NotYet(format!("{:?}", found.map(|f| f.spans().len()))),
                Err(error) => Probe::<_, std::io::Error>::NotYet(error.to_string()),
            }
        })
        .await;
        eprintln!(
            "visible after {:?}: {:?}",
            answered.elapsed(),
            found.map(|f| f.spans().len())
        );
    }
    let report = run.finish().await;
    eprintln!("{:7.2} {report:?}", begun.elapsed().as_secs_f64());
    drop((environment, run));
    let _ = teller.await;
    assert!(result.is_ok());
}
