//! Processes as the operating system shows them. Complete on Linux; elsewhere there is no `/proc`, and what cannot be
//! seen is treated as absent.

use std::collections::HashMap;
use std::fs;

use rustix::process::{Pid, Signal};

/// Whether this system lets us look at processes that are not our children.
pub(crate) const VISIBLE: bool = cfg!(target_os = "linux");

/// Living members of a process group; zombies do not count.
pub(crate) fn in_group(group: Pid) -> usize {
    members(group).len()
}

/// The living members of a process group.
pub(crate) fn members(group: Pid) -> Vec<i32> {
    let group = group.as_raw_nonzero().get();
    let is_member = |&pid: &i32| Stat::read(pid).is_some_and(|stat| stat.alive && stat.group == group);
    all().into_iter().filter(is_member).collect()
}

/// Every process id there is.
pub(crate) fn all() -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect()
}

/// The environment that a process was started with; `None` for a zombie, and for somebody else's process.
pub(crate) fn environment(pid: i32) -> Option<HashMap<Vec<u8>, Vec<u8>>> {
    let text = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let pair = |entry: &[u8]| {
        let end = entry.iter().position(|&byte| byte == b'=')?;
        Some((entry[..end].to_vec(), entry[end + 1..].to_vec()))
    };
    Some(text.split(|&byte| byte == 0).filter_map(pair).collect())
}

/// Signals a process if it is still the one that is meant: it is looked at again once its number can't change hands.
pub(crate) fn signal_if(pid: i32, signal: Signal, is_meant: impl Fn() -> bool) {
    let Some(pid) = Pid::from_raw(pid) else { return };
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(handle) => {
                if is_meant() {
                    // Gone, or not ours: whoever asked looks again.
                    let _ = pidfd_send_signal(&handle, signal);
                }
                return;
            }
            // A kernel before 5.3, or a sandbox: the next best.
            Err(rustix::io::Errno::NOSYS) => {}
            Err(_) => return,
        }
    }
    if is_meant() {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// Whether a process with this number exists, whoever it is.
pub(crate) fn exists(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// What `/proc/<pid>/stat` says, as far as we need it (Linux manual page `proc_pid_stat(5)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) alive: bool,
    pub(crate) group: i32,
    /// Clock ticks from boot to the process's start. With the pid it names a process for as long as the machine is up.
    pub(crate) start_time: u64,
}

impl Stat {
    /// `None` when there is no such process.
    pub(crate) fn read(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        // The second field is the command in parentheses, which may itself hold spaces and parentheses.
        let (_, rest) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let alive = !matches!(*fields.first()?, "Z" | "X" | "x");
        Some(Self {
            alive,
            group: fields.get(2)?.parse().ok()?,
            start_time: fields.get(19)?.parse().ok()?,
        })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_command_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let line = "4711 (a) b (c) S 1 4700 4700 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 1 1 1";
        let stat = Stat::parse(line).unwrap();
        assert_eq!(
            stat,
            Stat {
                alive: true,
                group: 4700,
                start_time: 987_654
            }
        );
        assert!(!Stat::parse(&line.replace(" S ", " Z ")).unwrap().alive);
        assert_eq!(Stat::parse("4711 (cut"), None);
    }

    #[test]
    fn we_see_ourselves() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(all().contains(&own));
        assert!(Stat::read(own).unwrap().alive);
        assert!(exists(std::process::id()));
        let path = std::env::var_os("PATH").unwrap();
        assert_eq!(environment(own).unwrap()[&b"PATH"[..]], path.as_encoded_bytes());
    }
}
