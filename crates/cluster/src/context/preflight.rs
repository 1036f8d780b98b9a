//! Everything that is in the way of a run in a cluster that is there already, found at once, each with what cures it.

use std::time::Duration;

use k8s_openapi::api::core::v1::Node as ClusterNode;
use k8s_openapi::api::networking::v1::ServiceCIDR;
use kube::Client;
use kube::api::{Api, ListParams};
use testbed::{Deadline, Examination, Explain, Missing};

use super::images::{self, Way};
use super::{ContextOptions, claim, kubeconfig, manager, rights};
use crate::doctor::{self, Subnet};
use crate::error::ClusterError;
use crate::kubernetes::client;
use crate::kubernetes::error::request;
use crate::machine::Machine;
use crate::options::KindOptions;
use crate::preflight::{intercepts, local_images, machine_with};
use crate::telepresence::Telepresence;

/// How long looking may take.
const LIMIT: Duration = Duration::from_secs(30);
/// How long the API server may take for its first answer. One that can't be reached should be told soon.
const REACH: Duration = Duration::from_secs(10);

/// Looks at everything, at the same time.
pub(crate) async fn examine(
    options: &KindOptions,
    context: &ContextOptions,
    telepresence: Option<&Telepresence>,
    machine: &Machine,
) -> Examination {
    let deadline = Deadline::after(LIMIT);
    let port = telepresence.map(|_| options.plan.workstation_port);
    let (cluster, intercepts, facts) = tokio::join!(
        cluster(options, context, telepresence.is_some(), &deadline),
        intercepts(options, telepresence, &deadline),
        doctor::see(machine, &options.tools, &options.plan, port),
    );
    let (cluster, subnets) = cluster;
    let mut facts = facts.without_a_cluster();
    facts.expect_cluster(subnets);
    [cluster, machine_with(facts, &intercepts), intercepts]
        .into_iter()
        .collect()
}

async fn cluster(
    options: &KindOptions,
    context: &ContextOptions,
    intercepts: bool,
    deadline: &Deadline,
) -> (Examination, Vec<Subnet>) {
    let config = match kubeconfig::of_context(&context.kubeconfigs, &context.context) {
        Ok(config) => config,
        Err(error) => return (Examination::missing([Missing::because(&error)]), Vec::new()),
    };
    let images = async {
        match images::way(context, &config, &options.tools, deadline).await {
            Ok(Way::IntoNodes(nodes)) => match local_images(options, &nodes, deadline).await {
                lacking if lacking.is_empty() => {
                    Examination::fine(format!("images go into {} node(s)", nodes.len()))
                }
                lacking => Examination::missing(lacking),
            },
            Ok(Way::ByName(_)) => Examination::fine("the cluster finds the services' images by name"),
            Err(error) => Examination::missing([Missing::because(&error)]),
        }
    };
    let unusable = |fact: String, cure: Option<String>| {
        let cure =
            cure.unwrap_or_else(|| format!("`kubectl --context {} version` should work", context.context));
        (Examination::missing([Missing { fact, cure }]), Vec::new())
    };
    let server = async {
        let client = match client::of(config.clone()).await {
            Ok(client) => client,
            Err(reason) => {
                let fact = format!("the context {} can't be used: {reason}", context.context);
                return unusable(fact, None);
            }
        };
        match on_the_server(&client, options, context, intercepts, deadline).await {
            Ok(found) => (found, subnets(&client, deadline).await),
            Err(error) => {
                let fact = format!("{}: {}", context.context, testbed::explain::chain(&error));
                unusable(fact, error.hint())
            }
        }
    };
    let (images, (server, subnets)) = tokio::join!(images, server);
    ([server, images].into_iter().collect(), subnets)
}

async fn on_the_server(
    client: &Client,
    options: &KindOptions,
    context: &ContextOptions,
    intercepts: bool,
    deadline: &Deadline,
) -> Result<Examination, ClusterError> {
    // Asked once: a server that has to be waited for is no use to a run that is about to begin.
    let soon = deadline.within(REACH);
    let version = request("the API server's version", &soon, client.apiserver_version());
    let version = version.await?.git_version;
    let manager = if intercepts {
        manager::namespace(client, deadline).await?
    } else {
        None
    };
    let wanted = super::wanted::wanted(&options.plan, "", None, intercepts && manager.is_none())?;
    let (lacking, found) = tokio::try_join!(
        rights::lacking(client, &context.context, manager.as_deref(), deadline),
        claim::look(client, &wanted, deadline),
    )?;
    let in_the_way = claim::judge(&context.context, &found, &context.use_namespaces);
    let mut fine = vec![format!(
        "the API server of {} answers: {version}",
        context.context
    )];
    if lacking.is_empty() {
        fine.push("its user has all rights that are needed".into());
    }
    if in_the_way.is_empty() {
        fine.push("nothing of somebody else's has a name that is needed".into());
    }
    if let Some(namespace) = manager {
        fine.push(format!("the traffic manager in {namespace} is used"));
    }
    let missing = [lacking, in_the_way].concat();
    Ok(Examination { fine, missing })
}

/// The addresses of services and pods, as far as the server tells: older ones don't know the first, and not everybody may
/// ask for the second.
async fn subnets(client: &Client, deadline: &Deadline) -> Vec<Subnet> {
    let ranges: Api<ServiceCIDR> = Api::all(client.clone());
    let nodes: Api<ClusterNode> = Api::all(client.clone());
    let all = ListParams::default();
    let (ranges, nodes) = tokio::join!(
        request("service addresses", deadline, ranges.list(&all)),
        request("nodes", deadline, nodes.list(&all)),
    );
    let ranges = ranges.into_iter().flatten();
    let services = ranges.filter_map(|range| range.spec?.cidrs).flatten();
    let nodes = nodes.into_iter().flatten();
    let pods = nodes.filter_map(|node| node.spec?.pod_cidr);
    services
        .chain(pods)
        .filter_map(|text| text.parse().ok())
        .collect()
}
