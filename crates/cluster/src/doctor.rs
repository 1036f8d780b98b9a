//! What this machine must have, and must be rid of, before a cluster runs on it and its traffic comes here: a pure decision over
//! what was seen. A thing that could not be seen is not complained of.

mod port;
mod see;

use std::path::PathBuf;

use testbed::Missing;

pub use see::Machine;
pub(crate) use see::{is_daemon, rules};

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

/// A file system that something will be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Disk {
    /// What is kept there.
    pub(crate) what: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) available: u64,
    pub(crate) needed: u64,
}

/// What Telepresence needs of the machine, and what a killed one leaves behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Network {
    /// Root, or `sudo` without a password.
    pub(crate) rights: bool,
    /// `/dev/net/tun` is there.
    pub(crate) tun: bool,
    /// A daemon of Telepresence runs; then its chain and rules are in use.
    pub(crate) daemon: bool,
    /// The nat chain by which it catches DNS.
    pub(crate) dns_chain: bool,
    /// Priorities of routing rules to its tables.
    pub(crate) rules: Vec<u32>,
    /// The port that the workstation's process needs, when somebody listens there.
    pub(crate) taken: Option<Taken>,
}

/// A port that somebody listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) port: u16,
    /// `nginx (pid 42)`, when it can be seen.
    pub(crate) by: Option<String>,
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
    let network = facts.network.iter().flat_map(network);
    memory.into_iter().chain(disks).chain(network).collect()
}

fn network(seen: &Network) -> Vec<Missing> {
    let mut found = Vec::new();
    let mut say = |fact: String, cure: String| found.push(Missing { fact, cure });
    if !seen.rights {
        say(
            "Telepresence needs root, or `sudo` without a password, to make its network device".into(),
            "run as root, or allow it in sudoers; `sudo -n true` tells whether it works".into(),
        );
    }
    if !seen.tun {
        say(
            "there is no /dev/net/tun, so Telepresence can't make its network device".into(),
            "sudo modprobe tun; in a container: `--device /dev/net/tun --cap-add NET_ADMIN`".into(),
        );
    }
    if seen.dns_chain && !seen.daemon {
        say(
            "a killed Telepresence left its nat chain TELEPRESENCE_DNS, which breaks name resolution on this machine"
                .into(),
            "while sudo iptables -t nat -D OUTPUT -j TELEPRESENCE_DNS 2>/dev/null; do :; done; \
             sudo iptables -t nat -F TELEPRESENCE_DNS; sudo iptables -t nat -X TELEPRESENCE_DNS"
                .into(),
        );
    }
    if !seen.rules.is_empty() && !seen.daemon {
        let each =
            |form: fn(&u32) -> String, between| seen.rules.iter().map(form).collect::<Vec<_>>().join(between);
        say(
            format!(
                "a killed Telepresence left routing rules: {}",
                each(ToString::to_string, ", ")
            ),
            each(|rule| format!("sudo ip rule del priority {rule}"), "; "),
        );
    }
    if let Some(taken) = &seen.taken {
        let by = taken
            .by
            .as_deref()
            .unwrap_or("a process that can't be seen from here");
        say(
            format!(
                "port {} of the workstation is taken by {by}, and the intercepted order-service listens there",
                taken.port
            ),
            format!("end it; `sudo ss -ltnp 'sport = :{}'` shows it", taken.port),
        );
    }
    found
}

pub(crate) fn gib(bytes: u64) -> String {
    let tenths = bytes / ((1 << 30) / 10);
    format!("{}.{} GiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use rstest::{Context, rstest};

    use super::*;

    /// A machine that lacks nothing.
    fn good() -> Network {
        Network {
            rights: true,
            tun: true,
            ..Network::default()
        }
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
    #[case::in_use(Facts { network: Some(Network { daemon: true, dns_chain: true, rules: vec![32765], ..good() }), ..Facts::default() })]
    fn a_machine_that_lacks_nothing_is_left_in_peace(#[case] facts: Facts) {
        assert_eq!(judge(&facts), []);
    }

    #[rstest]
    #[case::memory(Facts { memory: Some(MEMORY - 1), ..Facts::default() })]
    #[case::disk(Facts { disks: vec![disk(DOCKER_DISK - 1), disk(DOCKER_DISK)], ..Facts::default() })]
    #[case::bare(Facts { network: Some(Network::default()), ..Facts::default() })]
    #[case::dns(Facts { network: Some(Network { dns_chain: true, ..good() }), ..Facts::default() })]
    #[case::rules(Facts { network: Some(Network { rules: vec![32764, 32765], ..good() }), ..Facts::default() })]
    #[case::port(Facts { network: Some(Network { taken: Some(Taken { port: 8080, by: Some("nginx (pid 42)".into()) }), ..good() }), ..Facts::default() })]
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
}
