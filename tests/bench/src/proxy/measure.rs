//! Round after round, in another order each time, and what comes out of it.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;
use testbed::Run;

use super::Options;
use super::contestant::{Contestant, Who, ourselves, rival};
use super::load::{Timetable, keep};
use crate::report::{self, Table};
use crate::sample::{median, percentile};
use crate::usage::{Machine, Usage, machine_cpu};

/// How long everybody is warmed up before each measurement.
const WARM_UP: Duration = Duration::from_millis(500);
/// Added latency that the proxy may have, milliseconds at the median.
const ADDED_LIMIT: f64 = 0.2;
/// How much longer than with the faster rival an answer may take.
const RIVAL_LIMIT: f64 = 1.2;

/// What one round measured of one contestant.
#[derive(Debug, Clone, Serialize)]
struct Measured {
    who: Who,
    p50_ms: f64,
    p99_ms: f64,
    /// Over the same round's direct requests.
    added_p50_ms: f64,
    added_p99_ms: f64,
    /// CPU of the proxying process for a request, user and system; zero where there is none.
    cpu_us: f64,
    /// Share of the machine that none of the processes taking part used.
    others: f64,
}

#[derive(Debug, Serialize)]
struct Results {
    what: &'static str,
    machine: Machine,
    requests_per_second: u32,
    connections: u32,
    medians: Vec<Measured>,
    /// Median time of our answers over the faster rival's, round by round; `None` without a rival.
    beside_rival: Option<f64>,
    left_out: Vec<String>,
    rounds: Vec<Measured>,
}

pub(super) async fn all(run: &Run, options: &Options) -> Result<()> {
    let upstream = ourselves(run, Who::Direct, &["upstream"]).await?;
    let pod = upstream.address.to_string();
    let mut left_out = Vec::new();
    let mut contestants = Vec::new();
    for who in Who::ALL {
        let started = match who {
            Who::Direct => Ok(Contestant { ..upstream }),
            Who::Throughline => Ok(ourselves(run, who, &["proxy-process", "--pod", &pod]).await?),
            Who::Nginx | Who::Haproxy => rival(run, who, upstream.address).await?,
        };
        match started {
            Ok(contestant) => contestants.push(contestant),
            Err(reason) => {
                let left = format!("{} is LEFT OUT: {reason}", who.name());
                say(&left);
                left_out.push(left);
            }
        }
    }
    let mut rounds: Vec<Measured> = Vec::new();
    for round in 0..options.rounds {
        let mut measured = Vec::new();
        for place in 0..contestants.len() {
            let contestant = &contestants[(place + round) % contestants.len()];
            measured.push(one(contestant, upstream.pid, options).await?);
        }
        let direct = measured.iter().find(|one| one.who == Who::Direct).cloned();
        let direct = direct.context("nobody was measured")?;
        for one in &mut measured {
            one.added_p50_ms = one.p50_ms - direct.p50_ms;
            one.added_p99_ms = one.p99_ms - direct.p99_ms;
            say(&format!(
                "{}/{} {:<11} p50 {:.3} ms  p99 {:.3} ms  {:.0} % of the machine used by others",
                round + 1,
                options.rounds,
                one.who.name(),
                one.p50_ms,
                one.p99_ms,
                one.others * 100.0
            ));
        }
        rounds.extend(measured);
    }
    let medians: Vec<_> = contestants
        .iter()
        .filter_map(|one| middle(one.who, &rounds))
        .collect();
    let results = Results {
        what: "proxy",
        machine: Machine::this()?,
        requests_per_second: options.rate,
        connections: options.connections,
        beside_rival: beside_rival(&rounds),
        medians,
        left_out,
        rounds,
    };
    let text = markdown(&results, options);
    report::publish(&options.out, "proxy", &results, &text)
}

/// Measures one contestant once. The load comes from a thread of its own, which has nothing else to do.
async fn one(contestant: &Contestant, upstream: u32, options: &Options) -> Result<Measured> {
    let timetable = Timetable {
        rate: options.rate,
        connections: options.connections,
        time: WARM_UP,
    };
    load(timetable, contestant.address).await?;
    let timetable = Timetable {
        time: options.time,
        ..timetable
    };
    let used = || {
        let part = [std::process::id(), upstream].map(|pid| Usage::of(pid).map(|usage| usage.cpu));
        let [ours, upstream] = part;
        anyhow::Ok((Usage::of(contestant.pid)?.cpu, ours? + upstream?, machine_cpu()?))
    };
    let (proxy, ours, machine) = used()?;
    let mut took = load(timetable, contestant.address).await?;
    let (proxy_after, ours_after, machine_after) = used()?;
    let between = contestant.who != Who::Direct;
    let cpu = if between {
        proxy_after.saturating_sub(proxy)
    } else {
        Duration::ZERO
    };
    let known = cpu + ours_after.saturating_sub(ours);
    let others = machine_after.saturating_sub(machine).saturating_sub(known);
    let cores = std::thread::available_parallelism()?.get() as u32;
    Ok(Measured {
        who: contestant.who,
        p50_ms: percentile(&mut took, 0.5),
        p99_ms: percentile(&mut took, 0.99),
        added_p50_ms: 0.0,
        added_p99_ms: 0.0,
        cpu_us: cpu.as_secs_f64() * 1e6 / took.len() as f64,
        others: others.as_secs_f64() / (timetable.time * cores).as_secs_f64(),
    })
}

async fn load(timetable: Timetable, to: SocketAddr) -> Result<Vec<f64>> {
    let (took_tx, took_rx) = tokio::sync::oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let thread = std::thread::spawn(move || {
        // Nobody waits for the result of a measurement that was interrupted.
        let _ = took_tx.send(runtime.block_on(keep(timetable, to)));
    });
    let took = took_rx
        .await
        .context("the load's thread ended without a result")?;
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    took
}

fn middle(who: Who, rounds: &[Measured]) -> Option<Measured> {
    let rounds: Vec<_> = rounds.iter().filter(|one| one.who == who).collect();
    let of = |figure: fn(&Measured) -> f64| median(rounds.iter().map(|one| figure(one)));
    rounds.first()?;
    Some(Measured {
        who,
        p50_ms: of(|one| one.p50_ms),
        p99_ms: of(|one| one.p99_ms),
        added_p50_ms: of(|one| one.added_p50_ms),
        added_p99_ms: of(|one| one.added_p99_ms),
        cpu_us: of(|one| one.cpu_us),
        others: of(|one| one.others),
    })
}

/// The median over all rounds of our p50 over the smaller p50 of the rivals in the same round.
fn beside_rival(rounds: &[Measured]) -> Option<f64> {
    let of = |who| {
        rounds
            .iter()
            .filter(move |one| one.who == who)
            .map(|one| one.p50_ms)
    };
    let rivals: Vec<Vec<f64>> = [Who::Nginx, Who::Haproxy].map(|who| of(who).collect()).into();
    let ratios: Vec<f64> = of(Who::Throughline)
        .enumerate()
        .filter_map(|(round, ours)| {
            let fastest = rivals
                .iter()
                .filter_map(|rival| rival.get(round))
                .copied()
                .reduce(f64::min)?;
            Some(ours / fastest)
        })
        .collect();
    (!ratios.is_empty()).then(|| median(ratios))
}

fn markdown(results: &Results, options: &Options) -> String {
    let rows = results.medians.iter().map(|row| {
        vec![
            row.who.name().to_owned(),
            format!("{:.3}", row.p50_ms),
            format!("{:.3}", row.p99_ms),
            format!("{:.3}", row.added_p50_ms),
            format!("{:.3}", row.added_p99_ms),
            format!("{:.0}", row.cpu_us),
            format!("{:.0} %", row.others * 100.0),
        ]
    });
    let head = vec![
        "through",
        "p50 ms",
        "p99 ms",
        "added p50 ms",
        "added p99 ms",
        "CPU µs a request",
        "others on the machine",
    ];
    let table = Table {
        head,
        rows: rows.collect(),
    };
    let mut text = format!(
        "# Proxy\n\n\
         Medians of {} rounds of {:?} each, in turns: {} requests a second by timetable on {} connections, kept alive; every\n\
         proxy with one thread and pooled connections to the same server. {}, {} cores, Linux {}.\n\n{}\n",
        options.rounds,
        options.time,
        options.rate,
        options.connections,
        results.machine.cpu,
        results.machine.cores,
        results.machine.kernel,
        table.markdown(),
    );
    let ours = results.medians.iter().find(|row| row.who == Who::Throughline);
    if let Some(ours) = ours {
        text.push_str(&figure(
            "added latency at the median, ms",
            ours.added_p50_ms,
            ADDED_LIMIT,
        ));
    }
    match results.beside_rival {
        Some(ratio) => text.push_str(&figure(
            "time over the faster rival's, at the median",
            ratio,
            RIVAL_LIMIT,
        )),
        None => text.push_str("- no rival is installed: nothing to compare with\n"),
    }
    for left in &results.left_out {
        text.push_str(&format!("- {left}\n"));
    }
    text
}

fn figure(what: &str, found: f64, limit: f64) -> String {
    let verdict = if found <= limit { "met" } else { "MISSED" };
    format!("- {what}: {found:.3} (at most {limit}: {verdict})\n")
}

fn say(text: &str) {
    // Nobody is left to tell when stderr is gone.
    let _ = writeln!(anstream::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(who: Who, p50_ms: f64) -> Measured {
        Measured {
            who,
            p50_ms,
            p99_ms: 1.0,
            added_p50_ms: 0.0,
            added_p99_ms: 0.0,
            cpu_us: 0.0,
            others: 0.0,
        }
    }

    #[test]
    fn compares_each_round_with_the_faster_rival_of_that_round() {
        let rounds = [
            measured(Who::Throughline, 0.3),
            measured(Who::Nginx, 0.2),
            measured(Who::Haproxy, 0.4),
            measured(Who::Throughline, 1.0),
            measured(Who::Nginx, 4.0),
            measured(Who::Haproxy, 2.0),
        ];
        let ratio = beside_rival(&rounds).unwrap();
        assert!((ratio - 1.0).abs() < 1e-9, "{ratio}");
    }

    #[test]
    fn has_no_ratio_without_a_rival() {
        assert_eq!(beside_rival(&[measured(Who::Throughline, 0.3)]), None);
    }

    #[test]
    fn says_whether_a_figure_is_met() {
        assert!(figure("x", 0.2, 0.2).contains("met"));
        assert!(figure("x", 0.201, 0.2).contains("MISSED"));
    }
}
