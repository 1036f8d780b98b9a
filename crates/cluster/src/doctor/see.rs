//! Looks at the machine. Nothing here fails: what can't be seen, because a tool or a right is missing, is not seen.

use std::path::Path;

use testbed::Lease;

use super::{BUILD_DISK, DOCKER_DISK, Disk, Facts, Network, port, subnets};
use crate::binaries::Binaries;
use crate::docker::Engine;
use crate::machine::{Machine, answer, is_daemon, processes, rules, with_rights};
use crate::options::Plan;
use crate::telepresence::CONNECTION;
use crate::tool::ToolPath;

/// Looks at everything; at the network only when traffic is to come to this `port`.
pub(crate) async fn see(machine: &Machine, tools: &ToolPath, plan: &Plan, port: Option<u16>) -> Facts {
    let network = async {
        match port {
            Some(port) => Some(network(machine, tools, plan, port).await),
            None => None,
        }
    };
    let meminfo = std::fs::read_to_string(machine.proc.join("meminfo")).unwrap_or_default();
    Facts {
        memory: available(&meminfo),
        disks: build_disk(plan).into_iter().collect(),
        network: network.await,
    }
}

async fn network(machine: &Machine, tools: &ToolPath, plan: &Plan, port: u16) -> Network {
    let rights = machine.root || answer(tools, "sudo", &["-n", "true"]).await.is_some();
    let (tool, args) = with_rights(machine.root, "iptables", ["-t", "nat", "-S"]);
    let nat = answer(tools, tool, &args);
    let (nat, rules) = tokio::join!(nat, rules(tools));
    Network {
        rights,
        tun: machine.tun.exists(),
        daemon: processes(&machine.proc)
            .find(|(_, folder)| is_daemon(folder))
            .map(|(pid, _)| pid),
        told: false,
        links: links(&machine.proc),
        dns_chain: nat.is_some_and(|nat| nat.lines().any(|line| line == "-N TELEPRESENCE_DNS")),
        rules,
        taken: port::taken(&machine.proc, port),
        holder: Lease::holder(&plan.machine_locks, CONNECTION),
        false_container: machine.dockerenv.exists() && is_host(&machine.proc),
        routes: subnets::routes(&machine.proc),
        cluster: Vec::new(),
    }
}

/// Network devices of Telepresence, from the kernel's table of all devices.
fn links(proc: &Path) -> Vec<String> {
    let table = std::fs::read_to_string(proc.join("net/dev")).unwrap_or_default();
    let names = table
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.trim());
    names
        .filter(|name| {
            let number = name.strip_prefix("tel").unwrap_or_default();
            !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
        })
        .map(str::to_owned)
        .collect()
}

/// Whether this is certainly no container: a host's first process, and a root that no container engine put together.
fn is_host(proc: &Path) -> bool {
    let first = std::fs::read_to_string(proc.join("1/comm")).unwrap_or_default();
    let mounts = std::fs::read_to_string(proc.join("1/mountinfo")).unwrap_or_default();
    // The fifth column is where it is mounted; the type comes after the separator (proc_pid_mountinfo(5)).
    let root = mounts.lines().find(|line| line.split(' ').nth(4) == Some("/"));
    let kind = root
        .and_then(|line| line.split_once(" - "))
        .and_then(|(_, rest)| rest.split(' ').next());
    ["systemd", "init"].contains(&first.trim()) && kind.is_some_and(|kind| kind != "overlay")
}

/// `MemAvailable` in bytes.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

fn build_disk(plan: &Plan) -> Option<Disk> {
    match &plan.binaries {
        // A target folder may not be there yet; its file system is that of the nearest folder that is.
        Binaries::Build(build) => build
            .target_dir
            .ancestors()
            .find(|path| path.exists())
            .and_then(|there| measured("the services' build", &build.target_dir, there, BUILD_DISK)),
        Binaries::Folder(_) => None,
    }
}

/// The file system of Docker's data, as it says itself where that is; its default when it does not say. One on another machine, and one
/// whose folder can't be seen, says itself when it has no room.
pub(crate) fn docker_disk(engine: Option<&Engine>) -> Option<Disk> {
    let told = engine.map(|engine| engine.docker_root_dir.as_path());
    let folder = match told.filter(|folder| !folder.as_os_str().is_empty()) {
        Some(_) if !engine.is_some_and(Engine::is_here) => return None,
        Some(folder) => folder,
        None => Path::new("/var/lib/docker"),
    };
    measured("the cluster's images", folder, folder, DOCKER_DISK)
}

fn measured(what: &'static str, path: &Path, there: &Path, needed: u64) -> Option<Disk> {
    let space = rustix::fs::statvfs(there).ok()?;
    Some(Disk {
        what,
        path: path.to_owned(),
        available: space.f_bavail.saturating_mul(space.f_frsize),
        needed,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn available_memory_is_read() {
        let text = "MemTotal:       24000000 kB\nMemFree: 1 kB\nMemAvailable:    2097152 kB\n";
        assert_eq!(available(text), Some(2 << 30));
        assert_eq!(available("MemTotal: 1 kB\n"), None);
    }

    #[tokio::test]
    async fn a_machine_without_tools_is_looked_at_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine {
            proc: folder.path().join("proc"),
            tun: folder.path().join("tun"),
            dockerenv: folder.path().join("dockerenv"),
            root: false,
        };
        let tools = ToolPath::from_lookup(|_| None);
        let plan = Plan {
            pins: crate::Pins::built_in().unwrap(),
            binaries: Binaries::Folder(folder.path().into()),
            profile: crate::manifest::Profile::Synchronous,
            download: false,
            telepresence: true,
            reuse: false,
            prefix: "tl".into(),
            workstation_port: crate::WORKSTATION_PORT,
            locks: folder.path().join("locks"),
            machine_locks: folder.path().join("locks"),
            saved_images: folder.path().join("images"),
        };
        assert_eq!(network(&machine, &tools, &plan, 8080).await, Network::default());
        assert!(!plan.locks.exists(), "looking leaves nothing behind");
    }

    #[test]
    fn dockers_disk_is_where_docker_says_that_its_data_is() {
        let folder = tempfile::tempdir().unwrap();
        let engine = |name: &str, root: &Path| {
            serde_json::from_value::<Engine>(serde_json::json!({"Name": name, "DockerRootDir": root}))
        };
        let here = rustix::system::uname();
        let here = here.nodename().to_str().unwrap();
        let of =
            |name: &str, root: &Path| docker_disk(Some(&engine(name, root).unwrap())).map(|disk| disk.path);
        assert_eq!(of(here, folder.path()).as_deref(), Some(folder.path()));
        assert_eq!(of(here, &folder.path().join("none")), None);
        assert_eq!(of("a virtual machine", folder.path()), None);
        // It does not say.
        let usual = Path::new("/var/lib/docker");
        let usual = usual.exists().then(|| usual.to_owned());
        assert_eq!(of(here, Path::new("")), usual);
        assert_eq!(docker_disk(None).map(|disk| disk.path), usual);
    }

    #[test]
    fn telepresences_devices_are_known_by_their_names() {
        let proc = tempfile::tempdir().unwrap();
        std::fs::create_dir(proc.path().join("net")).unwrap();
        let table = "Inter-|   Receive\n face |bytes\n    lo: 1 2\n  tel0: 3 4\ntelephone: 5 6\n   tel: 7 8\n tel12: 9 9\n";
        std::fs::write(proc.path().join("net/dev"), table).unwrap();
        assert_eq!(links(proc.path()), ["tel0", "tel12"]);
    }

    #[rstest]
    #[case("systemd", "ext4", true)]
    #[case("init", "btrfs", true)]
    #[case("systemd", "overlay", false)]
    #[case("order-service", "ext4", false)]
    fn a_host_is_told_from_a_container(#[case] first: &str, #[case] root: &str, #[case] host: bool) {
        let proc = tempfile::tempdir().unwrap();
        std::fs::create_dir(proc.path().join("1")).unwrap();
        std::fs::write(proc.path().join("1/comm"), format!("{first}\n")).unwrap();
        let mounts = format!(
            "21 29 0:20 / /sys rw - sysfs sysfs rw\n29 1 8:1 / / rw,relatime shared:1 - {root} /dev/sda1 rw\n"
        );
        std::fs::write(proc.path().join("1/mountinfo"), mounts).unwrap();
        assert_eq!(is_host(proc.path()), host);
    }
}
