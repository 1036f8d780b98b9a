//! What this machine must have, and must be rid of, before a cluster runs on it and its traffic comes here: a pure decision over
//! what was seen. A thing that could not be seen is not complained of.

mod network;
mod port;
mod see;
mod subnets;

use std::path::PathBuf;

use testbed::Missing;

pub(crate) use network::{Network, Taken};
pub(crate) use see::{docker_disk, see};
pub(crate) use subnets::{OF_KIND, Subnet};

/// Available memory that a node with everything in it needs, with room for the processes on the workstation.
const MEMORY: u64 = 2 << 30;
/// Free space that the node's images and containers need below Docker's folder.
pub(crate) const DOCKER_DISK: u64 = 4 << 30;
/// Free space that a build of the services needs.
pub(crate) const BUILD_DISK: u64 = 1 << 30;

/// What was seen of the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Memory that can be had without swapping, in bytes.
    pub(crate) memory: Option<u64>,
    /// File systems that something will be written to.
    pub(crate) disks: Vec<Disk>,
    /// What only matters when traffic is to come to this machine.
    pub(crate) network: Option<Network>,
}

impl Facts {
    /// The addresses that the cluster has or will have.
    pub(crate) fn expect_cluster(&mut self, subnets: impl IntoIterator<Item = Subnet>) {
        if let Some(network) = &mut self.network {
            network.cluster.extend(subnets);
        }
    }

    /// Leaves out what Telepresence told itself.
    pub(crate) fn forget_daemon_s_connection(&mut self) {
        if let Some(network) = &mut self.network {
            network.told = true;
        }
    }

    /// What matters when the cluster does not have to come up on this machine.
    pub(crate) fn without_a_cluster(mut self) -> Self {
        self.memory = None;
        self
    }
}

/// A file system that something will be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Disk {
    /// What is kept there.
    pub(crate) what: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) available: u64,
    pub(crate) needed: u64,
}

/// Everything that is wrong, each with its cure.
pub(crate) fn judge(facts: &Facts) -> Vec<Missing> {
    let memory = facts
        .memory
        .filter(|memory| *memory < MEMORY)
        .map(|memory| Missing {
            fact: format!(
                "{} of memory are available, and a cluster with everything in it needs {}",
                gib(memory),
                gib(MEMORY)
            ),
            cure: "end what uses the memory; `ps --sort=-rss -eo rss,args | head` shows it".into(),
        });
    let disks = facts.disks.iter().filter(|disk| disk.available < disk.needed);
    let disks = disks.map(|disk| Missing {
        fact: format!(
            "{} are free for {} in {}, and {} are needed",
            gib(disk.available),
            disk.what,
            disk.path.display(),
            gib(disk.needed)
        ),
        cure: "free space there; for Docker's own: `docker system df`, `docker system prune`".into(),
    });
    let network = facts.network.iter().flat_map(Network::judge);
    memory.into_iter().chain(disks).chain(network).collect()
}

/// What is in order, for people who want to see that it was looked at.
pub(crate) fn fine(facts: &Facts) -> Vec<String> {
    let memory = facts.memory.filter(|memory| *memory >= MEMORY);
    let memory = memory.map(|memory| format!("{} of memory are available", gib(memory)));
    let disks = facts.disks.iter().filter(|disk| disk.available >= disk.needed);
    let disks = disks.map(|disk| format!("{} are free for {}", gib(disk.available), disk.what));
    let network = facts.network.iter().flat_map(Network::fine);
    memory.into_iter().chain(disks).chain(network).collect()
}

pub(crate) fn gib(bytes: u64) -> String {
    let tenths = bytes / ((1 << 30) / 10);
    format!("{}.{} GiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use rstest::{Context, rstest};

    use super::*;
    use crate::machine::rules::{Family, Rule};

    /// A machine that lacks nothing.
    fn good() -> Network {
        Network {
            rights: true,
            tun: true,
            ..Network::default()
        }
    }

    fn route(subnet: &str) -> subnets::Route {
        subnets::Route {
            subnet: subnet.parse().unwrap(),
            device: "tun0".into(),
        }
    }

    fn cluster() -> Vec<Subnet> {
        OF_KIND.map(|text| text.parse().unwrap()).into()
    }

    const fn rule(family: Family, priority: u32) -> Rule {
        Rule { family, priority }
    }

    fn disk(available: u64) -> Disk {
        Disk {
            what: "images",
            path: "/var/lib/docker".into(),
            available,
            needed: DOCKER_DISK,
        }
    }

    #[rstest]
    #[case::nothing(Facts { network: Some(good()), ..Facts::default() })]
    #[case::enough(Facts { memory: Some(MEMORY), disks: vec![disk(DOCKER_DISK)], network: None })]
    #[case::idle(Facts { network: Some(Network { daemon: Some(42), rules: vec![rule(Family::V4, 32765)], ..good() }), ..Facts::default() })]
    #[case::routed(Facts { network: Some(Network { routes: vec![route("172.17.0.0/16")], cluster: cluster(), ..good() }), ..Facts::default() })]
    fn a_machine_that_lacks_nothing_is_left_in_peace(#[case] facts: Facts) {
        assert_eq!(judge(&facts), []);
    }

    #[rstest]
    #[case::memory(Facts { memory: Some(MEMORY - 1), ..Facts::default() })]
    #[case::disk(Facts { disks: vec![disk(DOCKER_DISK - 1), disk(DOCKER_DISK)], ..Facts::default() })]
    #[case::bare(Facts { network: Some(Network::default()), ..Facts::default() })]
    #[case::dns(Facts { network: Some(Network { dns_chain: true, ..good() }), ..Facts::default() })]
    #[case::rules(Facts { network: Some(Network { rules: vec![rule(Family::V4, 32764), rule(Family::V4, 32765), rule(Family::V6, 32765)], ..good() }), ..Facts::default() })]
    #[case::port(Facts { network: Some(Network { taken: Some(Taken { port: 8080, by: Some("nginx (pid 42)".into()) }), ..good() }), ..Facts::default() })]
    #[case::in_use(Facts { network: Some(Network { daemon: Some(42), links: vec!["tel0".into()], dns_chain: true, rules: vec![rule(Family::V4, 32765)], ..good() }), ..Facts::default() })]
    #[case::locked(Facts { network: Some(Network { holder: Some("run 7f3a (pid 42)".into()), daemon: Some(43), links: vec!["tel0".into()], ..good() }), ..Facts::default() })]
    #[case::stale(Facts { network: Some(Network { daemon: Some(42), dns_chain: true, ..good() }), ..Facts::default() })]
    #[case::link(Facts { network: Some(Network { links: vec!["tel0".into(), "tel1".into()], ..good() }), ..Facts::default() })]
    #[case::dockerenv(Facts { network: Some(Network { false_container: true, ..good() }), ..Facts::default() })]
    #[case::routes(Facts { network: Some(Network { routes: vec![route("10.0.0.0/8"), route("172.17.0.0/16")], cluster: cluster(), ..good() }), ..Facts::default() })]
    #[case::hidden(Facts { network: Some(Network { taken: Some(Taken { port: 8080, by: None }), ..good() }), ..Facts::default() })]
    fn each_defect_is_told_with_its_cure(#[case] facts: Facts, #[context] context: Context) {
        let found = judge(&facts);
        let lines: Vec<String> = found
            .iter()
            .map(|one| format!("{}\n  {}", one.fact, one.cure))
            .collect();
        assert!(!lines.is_empty());
        insta::assert_snapshot!(context.description.unwrap().to_owned(), lines.join("\n"));
    }
    #[test]
    fn what_is_in_order_is_told_to_who_asks() {
        let facts = Facts {
            memory: Some(3 * MEMORY),
            disks: vec![disk(2 * DOCKER_DISK), disk(1)],
            network: Some(Network {
                cluster: cluster(),
                ..good()
            }),
        };
        insta::assert_snapshot!("fine", fine(&facts).join("\n"));
        assert_eq!(
            fine(&Facts::default()),
            Vec::<String>::new(),
            "what was not seen is not praised"
        );
    }
}
