//! Who listens on a port, from the kernel's tables (`proc_net_tcp` in the kernel's documentation).

use std::path::Path;

use super::Taken;
use crate::machine::processes;

/// `TCP_LISTEN` in the state column.
const LISTEN: &str = "0A";
/// Addresses that leave no room for another listener on 127.0.0.1: itself and the wildcards. Words are in the order of the host.
const IN_THE_WAY: [&str; 4] = [
    "0100007F",
    "00000000",
    "00000000000000000000000000000000",
    "0000000000000000FFFF00000100007F",
];

/// Who is in the way of a listener on 127.0.0.1, seen through this `/proc`.
pub(super) fn taken(proc: &Path, port: u16) -> Option<Taken> {
    let inode = ["net/tcp", "net/tcp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(proc.join(table)).ok())
        .find_map(|table| listener(&table, port).map(str::to_owned))?;
    Some(Taken {
        port,
        by: owner(proc, &inode),
    })
}

/// The inode of the socket that listens there.
fn listener(table: &str, port: u16) -> Option<&str> {
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (address, listens_on) = columns.get(1)?.split_once(':')?;
        let listens = *columns.get(3)? == LISTEN
            && u16::from_str_radix(listens_on, 16) == Ok(port)
            && IN_THE_WAY.contains(&address);
        listens.then(|| columns.get(9).copied())?
    })
}

/// The first process that has the socket open, among those that may be looked into.
fn owner(proc: &Path, inode: &str) -> Option<String> {
    let wanted = format!("socket:[{inode}]");
    processes(proc).find_map(|(pid, folder)| {
        let open = std::fs::read_dir(folder.join("fd")).ok()?;
        let mut targets = open
            .flatten()
            .filter_map(|one| std::fs::read_link(one.path()).ok());
        if !targets.any(|target| target.as_os_str() == wanted.as_str()) {
            return None;
        }
        let name = std::fs::read_to_string(folder.join("comm")).unwrap_or_default();
        Some(format!("{} (pid {pid})", name.trim()))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const HEADER: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    fn line(local: &str, state: &str) -> String {
        format!(
            "   0: {local} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n"
        )
    }

    #[rstest]
    #[case::loopback("0100007F:1F90", "0A", true)]
    #[case::wildcard("00000000:1F90", "0A", true)]
    #[case::wildcard_6("00000000000000000000000000000000:1F90", "0A", true)]
    #[case::another_port("0100007F:1F91", "0A", false)]
    #[case::another_address("0200007F:1F90", "0A", false)]
    #[case::a_connection("0100007F:1F90", "01", false)]
    fn a_listener_in_the_way_is_found(#[case] local: &str, #[case] state: &str, #[case] found: bool) {
        let table = HEADER.to_owned() + &line("0100007F:0016", "0A") + &line(local, state);
        assert_eq!(listener(&table, 8080), found.then_some("4711"));
    }

    #[test]
    fn the_owner_is_named_when_it_can_be_seen() {
        let proc = tempfile::tempdir().unwrap();
        assert_eq!(taken(proc.path(), 8080), None);
        std::fs::create_dir_all(proc.path().join("net")).unwrap();
        let table = HEADER.to_owned() + &line("0100007F:1F90", "0A");
        std::fs::write(proc.path().join("net/tcp"), table).unwrap();
        let hidden = Taken { port: 8080, by: None };
        assert_eq!(taken(proc.path(), 8080), Some(hidden));
        let fd = proc.path().join("42/fd");
        std::fs::create_dir_all(&fd).unwrap();
        std::os::unix::fs::symlink("socket:[4711]", fd.join("3")).unwrap();
        std::fs::write(proc.path().join("42/comm"), "nginx\n").unwrap();
        let by = taken(proc.path(), 8080).unwrap().by;
        assert_eq!(by.as_deref(), Some("nginx (pid 42)"));
    }

    #[test]
    fn a_listener_of_our_own_is_seen_by_the_kernel_s_tables() {
        let socket = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        let by = taken(Path::new("/proc"), port).unwrap().by.unwrap();
        assert!(by.ends_with(&format!("(pid {})", std::process::id())), "{by}");
    }
}
