//! Asks the services of the cluster's side what became of their spans.

use std::time::Duration;

use futures_util::future::join_all;
use testbed::Whoami;
use trace::ExportAccount;

use super::pod::Pod;

/// On loopback an answer takes a millisecond; a process that is stopped or hangs must not hold up the judge.
const LIMIT: Duration = Duration::from_secs(1);

/// The accounts of all processes that answer.
pub(super) async fn all(http: &reqwest::Client, pods: &[Pod]) -> Vec<ExportAccount> {
    join_all(pods.iter().map(|pod| one(http, pod)))
        .await
        .into_iter()
        .flatten()
        .collect()
}

async fn one(http: &reqwest::Client, pod: &Pod) -> Option<ExportAccount> {
    let answer = http
        .get(format!("{}/whoami", pod.url()))
        .timeout(LIMIT)
        .send()
        .await
        .ok()?;
    let whoami: Whoami = answer.error_for_status().ok()?.json().await.ok()?;
    whoami.account()
}
