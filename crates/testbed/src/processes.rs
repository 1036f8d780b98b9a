//! Processes as the operating system shows them. Complete on Linux; elsewhere there is no `/proc`, and what cannot be
//! seen is treated as absent.

use std::fs;

use rustix::process::Pid;

/// Living members of a process group; zombies do not count.
pub(crate) fn in_group(group: Pid) -> usize {
    all()
        .into_iter()
        .filter_map(Stat::read)
        .filter(|stat| stat.alive && stat.group == group.as_raw_nonzero().get())
        .count()
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

/// What `/proc/<pid>/stat` says, as far as we need it (Linux manual page proc_pid_stat(5)).
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
