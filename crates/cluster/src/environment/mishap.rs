//! Mishaps on purpose.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use kube::ResourceExt;
use testbed::{Deadline, Mishap, Run};

use super::KindEnvironment;
use crate::error::ClusterError;
use crate::kubernetes::pods;
use crate::kubernetes::view::PodView;
use crate::manifest::APPLICATION;
use crate::node::Node;

/// How long a mishap may take to happen: what is killed is gone in no time, a pod has its grace period.
const HAPPEN: Duration = Duration::from_secs(30);

impl KindEnvironment {
    pub(super) async fn let_happen(
        &mut self,
        run: &Run,
        workload: &str,
        mishap: Mishap,
    ) -> Result<(), ClusterError> {
        let node = self.node()?;
        let (Some(up), Some(begun), Some(telepresence)) = (&self.up, &self.begun, &mut self.telepresence)
        else {
            return Err(ClusterError::NoIntercepts);
        };
        let step = match mishap {
            Mishap::PodsDeleted => format!("{workload}'s pods deleted"),
            Mishap::ConnectionKilled => "telepresence's daemon killed".to_owned(),
        };
        let work = async {
            match mishap {
                Mishap::PodsDeleted => {
                    let deadline = run.deadline(HAPPEN);
                    delete_pods(&up.client, &node, &begun.choice.label, workload, &deadline).await
                }
                Mishap::ConnectionKilled => Ok(telepresence.kill_daemon(run).await?),
            }
        };
        Ok(run.step(&step, HAPPEN, work).await?)
    }
}

/// Deletes all pods of a workload, and waits until none of them carries a new request any more: the Service leads past them, or,
/// where that can't be seen, a container in each of them has ended.
async fn delete_pods(
    client: &kube::Client,
    node: &Node,
    label: &str,
    workload: &str,
    deadline: &Deadline,
) -> Result<(), ClusterError> {
    let found = pods::of_workload(client, APPLICATION, label, workload, deadline).await?;
    let doomed: BTreeSet<String> = found.iter().map(ResourceExt::name_any).collect();
    for name in &doomed {
        pods::delete(client, APPLICATION, name, deadline).await?;
    }
    let addresses: Vec<IpAddr> = found.iter().filter_map(pods::address).collect();
    if node.leads_past(&addresses, deadline).await? {
        return Ok(());
    }
    let what = format!("the end of {workload}'s pods");
    let alive = |found: &[PodView]| {
        let alive = found
            .iter()
            .filter(|pod| doomed.contains(&pod.name_any()) && pods::is_whole(pod))
            .count();
        (alive > 0).then(|| format!("{alive} of {} still run", doomed.len()))
    };
    pods::until_of_workload(client, (APPLICATION, label, workload), &what, deadline, alive).await?;
    Ok(())
}
