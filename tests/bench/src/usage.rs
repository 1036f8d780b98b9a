//! What processes and the machine have used, from `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

/// What one process has used so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// CPU time, user and system, of all its threads, dead ones included.
    pub(crate) cpu: Duration,
    /// Resident memory now, in bytes.
    pub(crate) resident: u64,
    /// The most resident memory so far, in bytes.
    pub(crate) peak: u64,
}

impl Usage {
    /// Reads what a process has used.
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let stat = read(&format!("/proc/{pid}/stat"))?;
        let status = read(&format!("/proc/{pid}/status"))?;
        let usage = parse(&stat, &status).with_context(|| format!("the usage of process {pid}"))?;
        Ok(usage)
    }
}

fn parse(stat: &str, status: &str) -> Option<Usage> {
    // The name is in parentheses and may contain anything; utime and stime are fields 14 and 15 of the line.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let ticks = ticks()? + ticks()?;
    let kilobytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    Some(Usage {
        cpu: of_ticks(ticks),
        resident: kilobytes("VmRSS:")? * 1024,
        peak: kilobytes("VmHWM:")? * 1024,
    })
}

fn of_ticks(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// CPU time that all processes of the machine have used so far.
pub(crate) fn machine_cpu() -> Result<Duration> {
    let stat = read("/proc/stat")?;
    let all = stat.lines().next().context("/proc/stat is empty")?;
    let fields: Vec<u64> = all
        .split_ascii_whitespace()
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .collect();
    // Fields 4 and 5 are idleness, 9 and 10 are contained in 1 and 2.
    let busy = fields
        .iter()
        .enumerate()
        .filter(|(place, _)| !matches!(place, 3 | 4 | 8 | 9));
    Ok(of_ticks(busy.map(|(_, ticks)| ticks).sum()))
}

/// The machine that the figures are true of.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
}

impl Machine {
    pub(crate) fn this() -> Result<Self> {
        let info = read("/proc/cpuinfo")?;
        let cpu = info
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        Ok(Self {
            cpu: cpu.map_or_else(|| "unknown".to_owned(), |(_, name)| name.trim().to_owned()),
            cores: std::thread::available_parallelism()?.get(),
            kernel: read("/proc/sys/kernel/osrelease")?.trim().to_owned(),
        })
    }
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_time_behind_a_name_with_parentheses_and_memory_in_bytes() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194304 9 0 0 0 150 50 0 0 20 0 1 0 3 4 5";
        let status = "Name:\ta\nVmHWM:\t  2048 kB\nVmRSS:\t     1024 kB\n";
        let usage = parse(stat, status).unwrap();
        assert_eq!(usage.cpu, of_ticks(200));
        assert_eq!((usage.resident, usage.peak), (1 << 20, 2 << 20));
        assert!(parse("7 (a) S 1", status).is_none());
        assert!(
            parse(stat, "VmRSS: 1 kB").is_none(),
            "a process that is a zombie has no memory"
        );
    }

    #[test]
    fn this_process_uses_the_machine() {
        let (before, machine) = (Usage::of(std::process::id()).unwrap(), machine_cpu().unwrap());
        // The kernel counts the machine's ticks and a process's at different moments: both move while this one computes.
        while Usage::of(std::process::id()).unwrap().cpu <= before.cpu || machine_cpu().unwrap() <= machine {}
        assert!(before.resident > 0 && before.peak >= before.resident);
    }
}
