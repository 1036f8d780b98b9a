//! Evidence from this machine: how it routes and resolves names, and what Telepresence says and logs.

use std::fmt::Write as _;

use testbed::Deadline;

use super::shelf::{Piece, Shelf, redacted_copy};
use crate::machine::{Machine, with_rights};
use crate::telepresence::{self, Witness};
use crate::tool::ToolPath;

/// What shows routes and the way of DNS. The last one needs rights.
const QUESTIONS: [(&str, &[&str]); 5] = [
    ("ip", &["-br", "address"]),
    ("ip", &["-4", "rule"]),
    ("ip", &["-6", "rule"]),
    ("ip", &["route", "show", "table", "all"]),
    ("iptables", &["-t", "nat", "-S"]),
];

/// Routes, rules, DNS, and what the cluster's names resolve to right now.
pub(super) async fn network(tools: &ToolPath, shelf: &Shelf, deadline: &Deadline) -> Piece {
    let machine = Machine::this();
    let mut text = String::new();
    for (tool, args) in QUESTIONS {
        let said = ask(tools, tool, args, machine.root || tool != "iptables", deadline).await;
        let _ = writeln!(text, "$ {tool} {}\n{said}", args.join(" "));
    }
    let resolver = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_else(|error| error.to_string());
    let _ = writeln!(text, "$ cat /etc/resolv.conf\n{resolver}");
    for name in telepresence::names() {
        let found = match deadline.bound(tokio::net::lookup_host((name, 80))).await {
            Ok(Ok(found)) => found
                .map(|address| address.ip().to_string())
                .collect::<Vec<_>>()
                .join(" "),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer".into(),
        };
        let _ = writeln!(text, "{name}: {found}");
    }
    shelf.keep("routes and DNS of this machine", "workstation/network.txt", &text)
}

async fn ask(tools: &ToolPath, tool: &'static str, args: &[&str], may: bool, deadline: &Deadline) -> String {
    let (program, all) = with_rights(may, tool, args.iter().copied());
    let found = match tools.find(program, "look at the network") {
        Ok(found) => found,
        Err(error) => return error.to_string(),
    };
    match found.call(all).run(deadline).await {
        Ok(answer) => answer.text() + &answer.stderr,
        Err(error) => testbed::explain::chain(&error),
    }
}

/// What Telepresence says now, and what it has logged.
pub(super) async fn telepresence(witness: &Witness, shelf: &Shelf, deadline: &Deadline) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = witness
        .words(deadline)
        .await
        .into_iter()
        .map(|(what, name, words)| {
            let words = words.map_err(|reason| format!("{what}: {reason}"))?;
            shelf.keep(what, &format!("telepresence/{name}"), &words)
        })
        .collect();
    if witness.logs().is_dir() {
        let copy = shelf.folder.join("telepresence/logs");
        if let Err(error) = redacted_copy(witness.logs(), &copy) {
            pieces.push(Err(format!("Telepresence's logs, or a part of them: {error}")));
        }
        if copy.is_dir() {
            pieces.push(Ok(shelf.collected("Telepresence's logs", &copy)));
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn logs_are_kept_without_their_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let tools = ToolPath::from_lookup(|_| None);
        let witness = telepresence::Telepresence::new(tools.clone()).witness(folder.path());
        let shelf = Shelf {
            folder: folder.path().join("evidence"),
            run_dir: folder.path().to_owned(),
        };
        let deadline = Deadline::after(Duration::from_secs(20));
        assert_eq!(
            telepresence(&witness, &shelf, &deadline).await,
            [],
            "it was never started"
        );
        std::fs::create_dir_all(witness.logs()).unwrap();
        std::fs::write(
            witness.logs().join("connector.log"),
            "connected\nAuthorization: Bearer abcdefgh12345678\n",
        )
        .unwrap();
        let pieces = telepresence(&witness, &shelf, &deadline).await;
        let piece = pieces[0].as_ref().unwrap();
        let log = std::fs::read_to_string(folder.path().join(&piece.path).join("connector.log")).unwrap();
        assert_eq!(log, "connected\nAuthorization: [redacted]\n");
    }

    #[tokio::test]
    async fn a_machine_without_tools_still_tells_how_it_resolves_names() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf {
            folder: folder.path().join("evidence"),
            run_dir: folder.path().to_owned(),
        };
        let tools = ToolPath::from_lookup(|_| None);
        let piece = network(&tools, &shelf, &Deadline::after(Duration::from_secs(20)))
            .await
            .unwrap();
        let text = std::fs::read_to_string(folder.path().join(piece.path)).unwrap();
        for part in [
            "$ ip -6 rule\nip not found on PATH",
            "$ cat /etc/resolv.conf",
            "order-service: ",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
