//! What a process says of its spans.

use std::time::Duration;

use testbed::{Tell, Whoami};
use trace::ExportAccount;

/// On loopback an answer takes a millisecond; a process that hangs must not hold up the judge.
const LIMIT: Duration = Duration::from_secs(1);

/// Asks a process; `None` when it can't be asked.
pub(super) async fn ask(http: &reqwest::Client, pod: &str, tell: Tell) -> Option<ExportAccount> {
    let mut question = http.get(format!("{pod}/whoami")).timeout(LIMIT + tell.patience());
    if let Some((name, value)) = tell.header() {
        question = question.header(name, value);
    }
    let answer = question.send().await.ok()?;
    let whoami: Whoami = answer.error_for_status().ok()?.json().await.ok()?;
    whoami.account()
}
