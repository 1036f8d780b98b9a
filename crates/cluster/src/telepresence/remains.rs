//! What a daemon that was ended by force leaves on this machine: the nat chain that catches DNS, which breaks name resolution
//! once nobody answers behind it, and routing rules for IPv4 and IPv6. `telepresence quit` knows nothing of them any more.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use testbed::Deed;

use crate::machine::{self, Machine};
use crate::tool::ToolPath;

/// How long taking it away may take: usually tens of milliseconds.
const LIMIT: Duration = Duration::from_secs(20);

/// Takes chain and rules away when no daemon of Telepresence is there any more, whoever started it: a daemon's own are in use.
/// `$1` is what gives rights (`sudo -n`, or nothing), `$2` the folder of processes, the rest are rules that were there before us, as
/// [`machine::Rule::word`] writes them; the others are known as [`machine::rules`] knows them. A tool that is missing has left nothing.
const SCRIPT: &str = r#"
rights=$1; proc=$2; shift 2
known=" $* "
daemons=$(grep -lzxE 'userd|rootd|connector-foreground|daemon-foreground' "$proc"/[0-9]*/cmdline 2>/dev/null)
if [ -n "$daemons" ] && grep -lzqE '(^|/)telepresence[^/]*$' $daemons 2>/dev/null; then exit 0; fi
if command -v iptables >/dev/null && $rights iptables -t nat -S TELEPRESENCE_DNS >/dev/null 2>&1; then
  while $rights iptables -t nat -D OUTPUT -j TELEPRESENCE_DNS 2>/dev/null; do :; done
  $rights iptables -t nat -F TELEPRESENCE_DNS && $rights iptables -t nat -X TELEPRESENCE_DNS || exit 1
fi
command -v ip >/dev/null || exit 0
tables='[[:space:]]*from all lookup \(7[7-9]\|[89][0-9]\)[0-9] *'
for family in -4 -6; do
  for rule in $(ip $family rule 2>/dev/null | sed -n "s/^\([0-9]*\):$tables\$/\1/p"); do
    case $known in *" $family:$rule "*) ;; *) $rights ip $family rule del priority "$rule" || exit 1 ;; esac
  done
done
"#;

/// What takes away what a daemon of ours may leave from now on, also from another process; fine when there is nothing.
pub(super) async fn deed(tools: &ToolPath, machine: &Machine) -> Deed {
    let rights = if machine.root { "" } else { "sudo -n" };
    let proc = machine.proc.display().to_string();
    let before = machine::rules(tools).await;
    let fixed = ["-c".into(), SCRIPT.into(), "sh".into(), rights.into(), proc];
    let args = fixed
        .into_iter()
        .chain(before.iter().map(|rule| rule.word()))
        .collect();
    let path = tools.path().to_string_lossy().into_owned();
    Deed::Command {
        program: PathBuf::from("/bin/sh"),
        args,
        env: BTreeMap::from([("PATH".to_owned(), path)]),
        limit: LIMIT,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::testing::{executable, run, tools_in};

    /// Tools that write down what they are called with. There is a chain, and a rule more from the second look on.
    fn tools(folder: &Path) -> ToolPath {
        let tool = |name: &str, script: &str| {
            let log = folder.join("calls").display().to_string();
            executable(
                &folder.join(name),
                &format!("echo {name} \"$@\" >>{log}\n{script}"),
            );
        };
        tool("iptables", "case \"$*\" in *OUTPUT*) exit 1;; esac");
        tool(
            "ip",
            "[ \"$2 $#\" = 'rule 2' ] || exit 0\necho '32764:\tfrom all lookup 776'\n\
             [ -e \"$0.$1\" ] && echo '5209:\tfrom all lookup 841'\n: >\"$0.$1\"",
        );
        tools_in(folder)
    }

    /// What the deed called, on a machine where this process runs.
    async fn calls(line: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let tools = tools(folder.path());
        let process = folder.path().join("proc/42");
        std::fs::create_dir_all(&process).unwrap();
        std::fs::write(process.join("cmdline"), line).unwrap();
        let machine = Machine {
            proc: folder.path().join("proc"),
            tun: "/dev/net/tun".into(),
            dockerenv: folder.path().join("dockerenv"),
            root: true,
        };
        let deed = deed(&tools, &machine).await;
        let (run, _events) = run(folder.path());
        run.undo().push("remains", deed);
        let report = run.finish().await;
        assert!(report.complete(), "{report:?}");
        std::fs::read_to_string(folder.path().join("calls")).unwrap()
    }

    #[tokio::test]
    async fn the_chain_and_the_rules_that_came_after_us_are_taken_away() {
        let calls = calls("sleep\x0060\0").await;
        assert!(calls.contains("iptables -t nat -X TELEPRESENCE_DNS"), "{calls}");
        for family in ["-4", "-6"] {
            assert!(
                calls.contains(&format!("ip {family} rule del priority 5209")),
                "{calls}"
            );
        }
        assert!(!calls.contains("del priority 32764"), "{calls}");
    }

    #[tokio::test]
    async fn what_a_living_daemon_uses_is_left_to_it() {
        let calls = calls("/usr/bin/telepresence\0userd\0--embed-network\0").await;
        assert_eq!(calls, "ip -4 rule\nip -6 rule\n", "only the looks before");
    }
}
