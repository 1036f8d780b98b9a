//! Processes as the operating system shows them. Complete on Linux; elsewhere there is no `/proc`, and what cannot be
//! seen is treated as absent.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

/// How long a process may be on its way, from one program to the next or out, before it counts as one without an environment.
const WAY_LIMIT: Duration = Duration::from_millis(500);

/// `PF_EXITING` among the flags of a process (`include/linux/sched.h`).
const EXITING: u32 = 0x4;

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
///
/// A process that is just exchanging its program shows none for a moment, or a part of one. One that is on its way out shows
/// none while it still holds its files and sockets. Both are looked at again until they show the whole or are gone: taken
/// at their word, they would seem to be gone already.
pub(crate) fn environment(pid: i32) -> Option<HashMap<Vec<u8>, Vec<u8>>> {
    let path = format!("/proc/{pid}/environ");
    let begun = Instant::now();
    let text = loop {
        let text = fs::read(&path).ok();
        let memory = Stat::read(pid)?.memory;
        let settled = match &text {
            Some(text) => memory.shows(text.len()),
            None => memory != Memory::Leaving,
        };
        if settled || begun.elapsed() >= WAY_LIMIT {
            break text?;
        }
        std::thread::yield_now();
    };
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
    memory: Memory,
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
        // The first thread may be gone before the others, and what they share is held until the last one is.
        let ended = matches!(*fields.first()?, "Z" | "X" | "x") && *fields.get(17)? == "1";
        Some(Self {
            alive: !ended,
            group: fields.get(2)?.parse().ok()?,
            start_time: fields.get(19)?.parse().ok()?,
            memory: Memory::parse(&fields, ended),
        })
    }
}

/// What a process's memory holds of its environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Memory {
    /// It has none, or this system doesn't tell.
    Unknown,
    /// It is given up already, by a process that is not gone yet.
    Leaving,
    /// There is no program in it yet: amid `execve(2)`.
    Unfinished,
    /// This many bytes.
    Holds(usize),
}

impl Memory {
    /// By `flags`, `vsize`, `startcode`, `env_start` and `env_end`; a kernel before 3.5 doesn't tell the last two.
    fn parse(fields: &[&str], ended: bool) -> Self {
        let [Some(size), Some(code), Some(start), Some(end)] =
            [20, 23, 47, 48].map(|at| fields.get(at)?.parse::<usize>().ok())
        else {
            return Self::Unknown;
        };
        let flags: u32 = fields.get(6).and_then(|flags| flags.parse().ok()).unwrap_or(0);
        match (size, code) {
            (0, _) if !ended && flags & EXITING != 0 => Self::Leaving,
            (0, _) => Self::Unknown,
            (_, 0) => Self::Unfinished,
            _ => Self::Holds(end.saturating_sub(start)),
        }
    }

    /// Whether an environment of this many bytes is the whole one.
    fn shows(self, length: usize) -> bool {
        match self {
            Self::Unknown => true,
            Self::Unfinished | Self::Leaving => false,
            Self::Holds(expected) => length == expected,
        }
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
                start_time: 987_654,
                memory: Memory::Unknown,
            }
        );
        assert!(!Stat::parse(&line.replace(" S ", " Z ")).unwrap().alive);
        assert_eq!(Stat::parse("4711 (cut"), None);
    }

    #[rstest::rstest]
    #[case::it_runs("S", "8", true)]
    #[case::nobody_has_asked_for_its_exit_yet("Z", "1", false)]
    #[case::its_first_thread_is_gone_before_the_others("Z", "8", true)]
    fn a_process_is_alive_until_its_last_thread_is_gone(
        #[case] state: &str,
        #[case] threads: &str,
        #[case] alive: bool,
    ) {
        let line = format!("1 (a) {state} 1 1 1 0 -1 4194308 1 0 0 0 0 0 0 0 20 0 {threads} 0 987654 0 0 0");
        assert_eq!(Stat::parse(&line).unwrap().alive, alive);
    }

    #[rstest::rstest]
    #[case::a_program_runs("S", "0", "4096", "1000", "139000", "140000", Memory::Holds(1000))]
    #[case::there_is_no_program_yet("R", "0", "4096", "0", "140000", "140000", Memory::Unfinished)]
    #[case::it_was_started_without_variables("S", "0", "4096", "1000", "140000", "140000", Memory::Holds(0))]
    #[case::it_was_told_to_end("R", "4", "4096", "1000", "139000", "140000", Memory::Holds(1000))]
    #[case::it_is_on_its_way_out("R", "4", "0", "0", "0", "0", Memory::Leaving)]
    #[case::it_is_gone("Z", "4", "0", "0", "0", "0", Memory::Unknown)]
    #[case::a_kernel_thread_has_no_memory("S", "2097152", "0", "0", "0", "0", Memory::Unknown)]
    fn memory_tells_how_long_the_environment_is(
        #[case] state: &str,
        #[case] flags: &str,
        #[case] size: &str,
        #[case] code: &str,
        #[case] start: &str,
        #[case] end: &str,
        #[case] expected: Memory,
    ) {
        let zeros = |count| vec!["0"; count].join(" ");
        let line = format!(
            "1 (a) {state} {} {flags} {} 1 0 99 {size} 0 0 {code} {} {start} {end} 0",
            zeros(5),
            zeros(10),
            zeros(23)
        );
        assert_eq!(Stat::parse(&line).unwrap().memory, expected);
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever looks at a process of a run looks at one that it did not start"
    )]
    fn a_process_that_changes_its_program_again_and_again_never_seems_to_be_gone() {
        let script = r#"[ "$1" -gt 0 ] && exec sh -c "$0" "$0" $(($1 - 1)); read line"#;
        let mut child = std::process::Command::new("sh")
            .args(["-c", script, script, "300"])
            .env("THROUGHLINE_MARK", "here")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let mut seen = 0;
        // The last of its programs is the one whose argument has come down to nothing.
        while !fs::read(format!("/proc/{pid}/cmdline"))
            .unwrap()
            .ends_with(b"\x000\0")
        {
            let environment = environment(pid).unwrap();
            assert_eq!(
                environment.get(&b"THROUGHLINE_MARK"[..]).map(Vec::as_slice),
                Some(&b"here"[..]),
                "after {seen} looks: {:?}",
                environment
                    .keys()
                    .map(|key| String::from_utf8_lossy(key))
                    .collect::<Vec<_>>()
            );
            seen += 1;
        }
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(seen > 0);
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever looks at a process of a run looks at one that it did not start"
    )]
    fn a_process_on_its_way_out_never_seems_to_be_gone() {
        use std::io::Read as _;
        // Its memory takes a while to be given back.
        let mut child = std::process::Command::new("dd")
            .args(["if=/dev/zero", "bs=64M", "count=1"])
            .env("THROUGHLINE_MARK", "here")
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        // It writes once its memory is full, and then waits for us to read the rest.
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        child.kill().unwrap();
        while environment(pid).is_some_and(|seen| seen.contains_key(&b"THROUGHLINE_MARK"[..])) {}
        // Nobody has asked for its exit yet, so that it can't be more than ended.
        let seen = Stat::read(pid).unwrap();
        child.wait().unwrap();
        assert!(!seen.alive, "{seen:?}");
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
