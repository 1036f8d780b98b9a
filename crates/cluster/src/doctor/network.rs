//! What Telepresence needs of the machine, and what it or somebody else has left there.

use testbed::Missing;

use super::subnets::{Route, Subnet, conflicts};
use crate::machine::Rule;

/// What only matters when traffic is to come to this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Network {
    /// Root, or `sudo` without a password.
    pub(crate) rights: bool,
    /// `/dev/net/tun` is there.
    pub(crate) tun: bool,
    /// The daemon of Telepresence that runs; then its chain and rules are in use.
    pub(crate) daemon: Option<u32>,
    /// Whether that one's connection was told of already.
    pub(crate) told: bool,
    /// Its network devices, `tel0`: there is one while a connection is up.
    pub(crate) links: Vec<String>,
    /// The nat chain by which it catches DNS.
    pub(crate) dns_chain: bool,
    /// Routing rules to its tables.
    pub(crate) rules: Vec<Rule>,
    /// The port that the workstation's process needs, when somebody listens there.
    pub(crate) taken: Option<Taken>,
    /// The run that has the machine's connection.
    pub(crate) holder: Option<String>,
    /// Whether a file says that this is a container, and everything else that it is a host.
    pub(crate) false_container: bool,
    /// What is routed, default routes aside.
    pub(crate) routes: Vec<Route>,
    /// The cluster's addresses, as far as they are known.
    pub(crate) cluster: Vec<Subnet>,
}

/// A port that somebody listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) port: u16,
    /// `nginx (pid 42)`, when it can be seen.
    pub(crate) by: Option<String>,
}

const CHAIN: &str = "while sudo iptables -t nat -D OUTPUT -j TELEPRESENCE_DNS 2>/dev/null; do :; done; \
                     sudo iptables -t nat -F TELEPRESENCE_DNS; sudo iptables -t nat -X TELEPRESENCE_DNS";

impl Network {
    /// Everything that is wrong, each with its cure.
    pub(super) fn judge(&self) -> Vec<Missing> {
        let told = [
            self.needs(),
            self.connection(),
            self.leftovers(),
            self.addresses(),
        ];
        told.into_iter().flatten().collect()
    }

    /// What is in order.
    pub(super) fn fine(&self) -> Vec<String> {
        let idle = self.daemon.is_none() && self.holder.is_none() && self.links.is_empty();
        let clean = !self.dns_chain && self.rules.is_empty() && self.links.is_empty();
        let routed = conflicts(&self.routes, &self.cluster).next().is_some();
        let cluster: Vec<String> = self.cluster.iter().map(ToString::to_string).collect();
        let all = [
            (self.rights, "root, or `sudo` without a password".to_owned()),
            (self.tun, "/dev/net/tun is there".to_owned()),
            (idle, "no Telepresence connection is in use".to_owned()),
            (
                clean,
                "no Telepresence has left a device, a rule or a chain".to_owned(),
            ),
            (self.taken.is_none(), "the workstation's port is free".to_owned()),
            (
                !routed && !cluster.is_empty(),
                format!("nothing else routes {}", cluster.join(" and ")),
            ),
        ];
        all.into_iter()
            .filter(|(fine, _)| *fine)
            .map(|(_, what)| what)
            .collect()
    }

    fn needs(&self) -> Vec<Missing> {
        let mut found = Vec::new();
        if !self.rights {
            found.push(missing(
                "Telepresence needs root, or `sudo` without a password, to make its network device",
                "run as root, or allow it in sudoers; `sudo -n true` tells whether it works",
            ));
        }
        if !self.tun {
            found.push(missing(
                "there is no /dev/net/tun, so Telepresence can't make its network device",
                "sudo modprobe tun; in a container: `--device /dev/net/tun --cap-add NET_ADMIN`",
            ));
        }
        if self.false_container {
            found.push(missing(
                "/.dockerenv is there and this is a host: Telepresence would set names up as in a container, and they would \
                 not resolve",
                "sudo rm /.dockerenv",
            ));
        }
        found
    }

    /// One connection for each machine: two share one DNS chain, and when one quits, the other loses its names.
    fn connection(&self) -> Vec<Missing> {
        if let Some(holder) = &self.holder {
            return vec![missing(
                format!("the machine's Telepresence connection is in use by {holder}"),
                "wait for that run, or end it; if it was killed, `cargo xtask down`",
            )];
        }
        match (self.daemon, self.links.first()) {
            (Some(_), Some(_)) if self.told => Vec::new(),
            (Some(pid), Some(link)) => vec![missing(
                format!(
                    "a Telepresence daemon (pid {pid}) has a connection that this run did not make ({link})"
                ),
                "if nobody needs it: `telepresence quit -s`, as the user who made it",
            )],
            (Some(pid), None) if self.dns_chain => vec![missing(
                format!(
                    "a Telepresence daemon (pid {pid}) has lost its network device, and its nat chain TELEPRESENCE_DNS breaks \
                     name resolution on this machine"
                ),
                format!("`telepresence quit -s`; if it stays: sudo kill {pid}; {CHAIN}"),
            )],
            _ => Vec::new(),
        }
    }

    fn leftovers(&self) -> Vec<Missing> {
        let mut found = Vec::new();
        if self.daemon.is_some() {
            // All of it is in use.
            return found;
        }
        if self.dns_chain {
            found.push(missing(
                "a killed Telepresence left its nat chain TELEPRESENCE_DNS, which breaks name resolution on this machine",
                CHAIN,
            ));
        }
        if !self.rules.is_empty() {
            let each = |form: fn(&Rule) -> String, between| {
                self.rules.iter().map(form).collect::<Vec<_>>().join(between)
            };
            found.push(missing(
                format!(
                    "a killed Telepresence left routing rules: {}",
                    each(ToString::to_string, ", ")
                ),
                each(|rule| format!("sudo ip {}", rule.removal().join(" ")), "; "),
            ));
        }
        if !self.links.is_empty() {
            let cures: Vec<String> = self
                .links
                .iter()
                .map(|link| format!("sudo ip link delete {link}"))
                .collect();
            found.push(missing(
                format!(
                    "a killed Telepresence left its network device {}",
                    self.links.join(", ")
                ),
                cures.join("; "),
            ));
        }
        found
    }

    fn addresses(&self) -> Vec<Missing> {
        let mut found = Vec::new();
        if let Some(taken) = &self.taken {
            let by = taken
                .by
                .as_deref()
                .unwrap_or("a process that can't be seen from here");
            found.push(missing(
                format!(
                    "port {} of the workstation is taken by {by}, and the intercepted order-service listens there",
                    taken.port
                ),
                format!("end it; `sudo ss -ltnp 'sport = :{}'` shows it", taken.port),
            ));
        }
        for (route, subnet) in conflicts(&self.routes, &self.cluster) {
            found.push(missing(
                format!(
                    "the cluster's addresses {subnet} are routed elsewhere on this machine: {} by {}",
                    route.subnet, route.device
                ),
                format!(
                    "end what routes them, a VPN perhaps; `ip route show dev {}` shows it",
                    route.device
                ),
            ));
        }
        found
    }
}

fn missing(fact: impl Into<String>, cure: impl Into<String>) -> Missing {
    Missing {
        fact: fact.into(),
        cure: cure.into(),
    }
}
