//! Complaints of Telepresence that nothing but their reader acts on: what each is about, and what to do.

use std::fmt;

/// A complaint, known by its words.
#[derive(PartialEq, Eq)]
pub struct Complaint {
    /// Any of these is in it.
    words: &'static [&'static str],
    /// What it is about.
    pub fact: &'static str,
    /// What to do.
    pub cure: &'static str,
}

impl fmt::Debug for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.fact)
    }
}

/// Those whose words nothing else has. The texts are of 2.20 to 2.31, which words them a little differently.
static TELLING: [Complaint; 8] = [
    Complaint {
        words: &["overlaps with existing route"],
        fact: "the cluster's addresses are routed elsewhere on this machine",
        cure: "end what routes them, a VPN for instance; `ip route` shows it",
    },
    Complaint {
        words: &["running or terminated ungracefully", "the process has locked up"],
        fact: "another daemon of Telepresence is in the way, or its socket is",
        cure: "if nobody needs it: `telepresence quit -s`, and remove the socket that is named if it is still there",
    },
    Complaint {
        words: &["multiple daemons are running"],
        fact: "several daemons of Telepresence run",
        cure: "if nobody needs them: `telepresence quit -s`",
    },
    Complaint {
        words: &["is not interceptable"],
        fact: "the workload wants no traffic agent",
        cure: "take the annotation `telepresence.io/inject-traffic-agent: disabled` from its pods' template",
    },
    Complaint {
        words: &[
            "has multiple interceptable ports",
            "has multiple interceptable services",
            "found no service with a port that matches",
        ],
        fact: "the workload has not exactly one port behind a Service",
        cure: "compare the selectors and target ports of its Services with its containers' ports",
    },
    Complaint {
        words: &["unable to determine what image to use"],
        fact: "the traffic manager knows no image for its agent",
        cure: "`telepresence helm upgrade` with `agent.image.registry`, `agent.image.name` and `agent.image.tag`",
    },
    Complaint {
        words: &["agent-injector is disabled"],
        fact: "the traffic manager puts no agents into pods",
        cure: "`telepresence helm upgrade --set agentInjector.enabled=true`",
    },
    Complaint {
        words: &["Cannot create an intercept in namespace"],
        fact: "there are intercepts in another namespace",
        cure: "`telepresence list --intercepts` shows them, `telepresence leave NAME` ends one",
    },
];

/// The root daemon's absence also wraps other complaints, which say more.
static ROOT_DAEMON: Complaint = Complaint {
    words: &[
        "root daemon is not running",
        // As 2.20 spells it.
        "rot daemon is not running",
        "connect to root daemon",
        "failed to launch the daemon service",
        "daemon service did not start",
    ],
    fact: "Telepresence's root daemon is not there",
    cure: "`telepresence quit -s`, then run again, as root or with passwordless sudo; its own words are in `daemon.log`",
};

impl Complaint {
    fn is(&self, words: &str) -> bool {
        self.words.iter().any(|part| words.contains(part))
    }

    /// The one whose words say all.
    pub(super) fn telling(words: &str) -> Option<&'static Self> {
        TELLING.iter().find(|complaint| complaint.is(words))
    }

    /// The one to fall back to when nothing more is said.
    pub(super) fn vague(words: &str) -> Option<&'static Self> {
        ROOT_DAEMON.is(words).then_some(&ROOT_DAEMON)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_complaint_is_in_the_table_of_the_docs() {
        let docs = include_str!("../../../../docs/KIND.md");
        for complaint in TELLING.iter().chain([&ROOT_DAEMON]) {
            let row = format!("| {} | {} |", complaint.fact, complaint.cure);
            assert!(docs.contains(&row), "docs/KIND.md lacks\n{row}");
        }
    }
}
