//! What every process that can be asked says of its spans: those inside the cluster, and the one on the workstation.

use testbed::{Accountant, Tell};
use trace::ExportAccount;

use crate::proof;

/// Asks them all at the same time; the one on the workstation at its base URL, when there is one. Who can't be asked is left out.
pub async fn ask(
    accountant: &Accountant,
    http: &reqwest::Client,
    workstation: Option<&str>,
    tell: Tell,
) -> Vec<ExportAccount> {
    let on_the_workstation = async { proof::ask(http, workstation?, tell).await.ok()?.account() };
    let (mut accounts, own) = tokio::join!(accountant(tell), on_the_workstation);
    accounts.extend(own);
    accounts
}
