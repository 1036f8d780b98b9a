//! A real Jaeger in a container of its own.

use testbed::{BoxError, Call, Deed, Probe, ProcessSpec, Run, wait};

use super::{Failure, LIMIT};

/// The version that is compared with.
pub(crate) const VERSION: &str = "2.13.0";

/// Where it answers.
#[derive(Debug)]
pub(crate) struct Jaeger {
    /// Base URL of the query API.
    pub(crate) query: String,
    /// Base URL for OTLP/HTTP.
    pub(crate) otlp: String,
}

/// Whether there is a Docker with the image.
pub(crate) async fn docker(run: &Run) -> Result<(), String> {
    let image = format!("jaegertracing/jaeger:{VERSION}");
    let inspect = spec("docker image").args(["image", "inspect", "--format", "{{.Id}}", &image]);
    let answer = run.call(&Call::new(inspect), &run.deadline(LIMIT)).await;
    match answer.and_then(testbed::Answer::success) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{error} (`docker pull {image}`?)")),
    }
}

impl Jaeger {
    /// Starts it on free ports of the loopback address; its end is on the undo stack before.
    pub(crate) async fn start(run: &Run) -> Result<Self, BoxError> {
        let name = format!("throughline-differential-{}", run.id());
        run.undo().push(
            "jaeger container",
            Deed::command("docker", ["rm", "-f", &name], LIMIT),
        );
        let image = format!("jaegertracing/jaeger:{VERSION}");
        let container = spec("jaeger").args([
            "run",
            "--rm",
            "--name",
            &name,
            "-p",
            "127.0.0.1::16686",
            "-p",
            "127.0.0.1::4318",
            &image,
        ]);
        let process = run.supervise(container)?;
        let query = port(run, &name, "16686").await?;
        let otlp = port(run, &name, "4318").await?;
        let http = reqwest::Client::new();
        // The receiver refuses a GET, which is an answer too; it may come up later than the query API.
        for (what, url) in [
            ("query API", format!("{query}/api/services")),
            ("OTLP receiver", format!("{otlp}/v1/traces")),
        ] {
            wait::until(&run.deadline(LIMIT), &format!("Jaeger's {what}"), || async {
                match process.exited() {
                    Some(exit) => Probe::not_yet(format!("it ended: {exit:?}: {:?}", process.tail())),
                    None => match http.get(&url).send().await {
                        Ok(_) => Probe::<_, std::convert::Infallible>::Ready(()),
                        Err(error) => Probe::not_yet(error.to_string()),
                    },
                }
            })
            .await?;
        }
        Ok(Self { query, otlp })
    }

    /// Waits until a trace can be found.
    pub(crate) async fn has(&self, http: &reqwest::Client, run: &Run, trace: &str) -> Result<(), Failure> {
        let url = format!("{}/api/traces/{trace}?raw=true", self.query);
        wait::until(&run.deadline(LIMIT), "what was sent, in Jaeger", || {
            look(http, &url)
        })
        .await
        .map_err(|error| error.to_string().into())
    }
}

/// Whether a URL answers with success.
async fn look(http: &reqwest::Client, url: &str) -> Probe<()> {
    match http.get(url).send().await {
        Ok(answer) if answer.status().is_success() => Probe::Ready(()),
        Ok(answer) => Probe::not_yet(answer.status().to_string()),
        Err(error) => Probe::not_yet(error.to_string()),
    }
}

/// The URL under which a port of the container is published.
async fn port(run: &Run, name: &str, port: &str) -> Result<String, BoxError> {
    let deadline = run.deadline(LIMIT);
    let call = Call::new(spec("docker port").args(["port", name, port]));
    let address = wait::until(&deadline, "the container's ports", || async {
        match run
            .call(&call, &deadline)
            .await
            .and_then(testbed::Answer::success)
        {
            Ok(answer) => match answer.text().lines().next() {
                Some(address) => Probe::Ready(address.to_owned()),
                None => Probe::not_yet("none is published"),
            },
            Err(error @ testbed::ProcessError::Failed { .. }) => Probe::not_yet(error.to_string()),
            Err(error) => Probe::Broken(error),
        }
    })
    .await?;
    Ok(format!("http://{address}"))
}

fn spec(name: &str) -> ProcessSpec {
    let spec = ProcessSpec::new(name, "docker");
    match std::env::var("DOCKER_HOST") {
        Ok(host) => spec.env("DOCKER_HOST", host),
        Err(_) => spec,
    }
}
