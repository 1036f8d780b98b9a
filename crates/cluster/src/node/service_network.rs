//! Where the addresses of Services lead in a node: until kube-proxy serves them, seconds in which whatever needs the API server,
//! but for what kubeadm starts itself, would have to wait; and after a pod has gone.

use std::net::IpAddr;

use testbed::Deadline;

use super::{Node, when};
use crate::docker::DockerError;

/// What kind gives kubeadm, in the node: the range of the Services' addresses is in it.
const CONFIG: &str = "/kind/kubeadm.conf";

impl Node {
    /// Leads pods to the API server at the address of its Service before kube-proxy does, and waits until it answers there. That it
    /// is the API server, and not somebody beyond the cluster at the same address, is shown by its certificate.
    ///
    /// Any other Service that nobody serves yet is refused at once. A call to one would otherwise leave the cluster and be waited
    /// for: Telepresence's webhook is called for each of the first pods, and each would come five seconds later.
    ///
    /// The rules stand behind those of kube-proxy, which take over when they are there, and go with the node. And from then on the
    /// node forgets soon where it led a connection that nobody has accepted: for the two minutes that it would remember it, it
    /// leads the next one that comes from the same port to the same pod, which may be gone. Of the thousands of connections that
    /// storefront opens in a run, one in some ten runs hung for that.
    ///
    /// # Errors
    /// It does not answer there before the deadline.
    pub async fn lead_to_the_api_server(
        &self,
        service: IpAddr,
        deadline: &Deadline,
    ) -> Result<(), DockerError> {
        let script = script(service, CONFIG);
        self.wait_for("the API server's Service in the node", &script, deadline)
            .await
            .map(drop)
    }

    /// Waits until no new connection to a Service is led to any of these pods. Says whether that can be seen: kube-proxy may have
    /// been told to do without iptables.
    ///
    /// # Errors
    /// One of them still is led to at the deadline.
    pub async fn leads_past(&self, pods: &[IpAddr], deadline: &Deadline) -> Result<bool, DockerError> {
        let script = past(pods);
        let seen = self
            .wait_for("Services that lead past former pods", &script, deadline)
            .await?;
        Ok(seen.trim() == SEEN)
    }
}

const SEEN: &str = "seen";

/// The endpoints of Services are rules of their own, `-A KUBE-SEP-… -j DNAT --to-destination 10.244.0.7:8080`.
fn past(pods: &[IpAddr]) -> String {
    let endpoints: Vec<String> = pods
        .iter()
        .map(|pod| match pod {
            IpAddr::V4(address) => format!("-e '--to-destination {address}:'"),
            IpAddr::V6(address) => format!("-e '--to-destination [{address}]:'"),
        })
        .collect();
    let led = format!("rules | grep -qF {}", endpoints.join(" "));
    let gone = if endpoints.is_empty() {
        String::new()
    } else {
        when(&format!("! {{ {led}; }}"))
    };
    format!(
        r#"
rules() {{ iptables-save -t nat 2>/dev/null; ip6tables-save -t nat 2>/dev/null; }}
rules | grep -q KUBE-SEP- || exit 0
{gone}
echo {SEEN}"#
    )
}

/// For how many seconds the node remembers where it led a connection that nobody has accepted, after the last attempt: longer than
/// the two seconds that callers here usually wait, so that to them nothing changes.
const UNACCEPTED: u32 = 3;

/// Adds what is not there yet, since it may be run again. What is refused are addresses that kube-proxy has not replaced before
/// (`nat` comes before `filter`).
fn script(service: IpAddr, config: &str) -> String {
    let (tables, host) = match service {
        IpAddr::V4(address) => ("iptables", address.to_string()),
        IpAddr::V6(address) => ("ip6tables", format!("[{address}]")),
    };
    // No credentials, so the answer may be a refusal: it is an answer.
    let asked = when(&format!(
        "curl --silent --cacert /etc/kubernetes/pki/ca.crt --output /dev/null --max-time 1 https://{host}/livez"
    ));
    format!(
        r#"
sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_syn_sent={UNACCEPTED} 2>/dev/null || :
add() {{ table=$1 chain=$2; shift 2
  {tables} -w -t $table -C $chain "$@" 2>/dev/null || {tables} -w -t $table -A $chain "$@"; }}
range=$(sed -n 's/^ *serviceSubnet: *"\{{0,1\}}\([0-9a-f.:/]*\).*/\1/p' {config})
for chain in PREROUTING OUTPUT; do
  add nat $chain -d {service} -p tcp --dport 443 -j REDIRECT --to-ports 6443
done
[ -z "$range" ] || for chain in FORWARD OUTPUT; do
  add filter $chain -d $range -j REJECT
done
{asked}"#
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use testbed::Exit;

    use super::*;
    use crate::node::tests::shell;
    use crate::testing::executable;

    /// Runs the script so often, on a node with this configuration; answers the rules that there are then.
    async fn rules(config: &str, times: usize) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        // Called as `-w -t TABLE -C|-A CHAIN RULE…`, and keeps `TABLE CHAIN RULE…`.
        let table = r#"table=$3 verb=$4; shift 4; rule="$table $*"; known=${0%/*}/rules
case $verb in -C) grep -qxF "$rule" "$known" 2>/dev/null ;; -A) echo "$rule" >> "$known" ;; esac"#;
        executable(&at("iptables"), table);
        executable(&at("curl"), "exit 0");
        executable(&at("sysctl"), r#"echo "$*" > ${0%/*}/set"#);
        std::fs::write(at("kubeadm.conf"), config).unwrap();
        let script = script("10.96.0.1".parse().unwrap(), at("kubeadm.conf").to_str().unwrap());
        let shell = shell(folder.path());
        for _ in 0..times {
            let deadline = Deadline::after(Duration::from_secs(30));
            let run = shell.call(["-c", &script]).run(&deadline).await.unwrap();
            assert!(run.exit.success() && run.stderr.is_empty(), "{run:?}");
        }
        let set = std::fs::read_to_string(at("set")).unwrap();
        assert_eq!(
            set.trim(),
            "-qw net.netfilter.nf_conntrack_tcp_timeout_syn_sent=3"
        );
        let rules = std::fs::read_to_string(at("rules")).unwrap();
        rules.lines().map(ToOwned::to_owned).collect()
    }

    #[tokio::test]
    async fn rules_are_added_once_however_often_it_runs() {
        let led = ["PREROUTING", "OUTPUT"]
            .map(|chain| format!("nat {chain} -d 10.96.0.1 -p tcp --dport 443 -j REDIRECT --to-ports 6443"));
        let refused = ["FORWARD", "OUTPUT"].map(|chain| format!("filter {chain} -d 10.96.0.0/16 -j REJECT"));
        let all = [led.clone(), refused].concat();
        for quoted in ["10.96.0.0/16", "\"10.96.0.0/16\""] {
            let config = format!("networking:\n  podSubnet: 10.244.0.0/16\n  serviceSubnet: {quoted}\n---\n");
            for times in [1, 3] {
                assert_eq!(rules(&config, times).await, all);
            }
        }
        assert_eq!(
            rules("networking: {}\n", 1).await,
            led,
            "a range that is not told"
        );
    }

    #[tokio::test]
    async fn former_pods_are_waited_for_until_no_rule_leads_to_them() {
        const RULE: &str = "-A KUBE-SEP-X -p tcp -j DNAT --to-destination";
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        // The first of the looks still finds the rule, the second does not.
        let table = r#"here=${0%/*}; cat "$here/rules"; [ -e "$here/looked" ] && cat "$here/stays" > "$here/rules"; : > "$here/looked""#;
        executable(&at("iptables-save"), table);
        executable(&at("ip6tables-save"), "exit 0");
        let look = async |before: &str, after: &str, pods: &[&str]| {
            let _ = std::fs::remove_file(at("looked"));
            std::fs::write(at("rules"), before).unwrap();
            std::fs::write(at("stays"), after).unwrap();
            let pods: Vec<IpAddr> = pods.iter().map(|pod| pod.parse().unwrap()).collect();
            let deadline = Deadline::after(Duration::from_secs(30));
            let run = shell(folder.path())
                .call(["-c", &past(&pods)])
                .run(&deadline)
                .await
                .unwrap();
            (run.exit, String::from_utf8(run.stdout).unwrap().trim().to_owned())
        };
        let (old, new) = (
            format!("{RULE} 10.244.0.7:8080"),
            format!("{RULE} 10.244.0.71:8080"),
        );
        let seen = (Exit::Code(0), SEEN.to_owned());
        let both = format!("{old}\n{new}\n");
        assert_eq!(look(&both, &new, &["10.244.0.7"]).await, seen);
        let left = std::fs::read_to_string(at("rules")).unwrap();
        assert_eq!(left, new, "it was waited for the former pod, and for no longer");
        assert_eq!(
            look(&new, &new, &["10.244.0.7"]).await,
            seen,
            "another pod's address begins alike"
        );
        assert_eq!(look(&new, &new, &[]).await, seen);
        let elsewhere = (Exit::Code(0), String::new());
        assert_eq!(look("table ip nat\n", "", &["10.244.0.7"]).await, elsewhere);
    }
}
