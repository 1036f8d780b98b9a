//! One run after the other, in turns, and what comes out of it.

use std::io::Write;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;
use testbed::Run;

use super::load::{SPANS, Shape};
use super::subject::Subject;
use super::{Options, Who, sender};
use crate::report::{self, Table, thousands};
use crate::sample::{median, percentile};
use crate::usage::{Machine, Usage, machine_cpu};

/// Requests that are sent before the clock starts: connections, code and buffers are warm then.
const WARM_UP: u64 = 16;
/// The share of the machine that others may use without being mentioned.
const QUIET: f64 = 0.05;

/// What one run measured.
#[derive(Debug, Clone, Serialize)]
struct Measured {
    who: Who,
    shape: Shape,
    /// Spans sent between the two looks at the clock.
    spans: u64,
    /// CPU seconds of the receiving process for them, user and system.
    cpu_seconds: f64,
    spans_per_cpu_second: f64,
    wall_seconds: f64,
    /// Resident memory afterwards over all spans that were sent; everything the process has counts.
    bytes_per_span: f64,
    peak_bytes_per_span: f64,
    ack_p50_ms: f64,
    ack_p99_ms: f64,
    /// Spans that were looked up in their traces afterwards.
    verified: u64,
    /// Share of the machine that neither sender nor receiver used.
    others: f64,
}

#[derive(Debug, Serialize)]
struct Results {
    what: &'static str,
    machine: Machine,
    medians: Vec<Measured>,
    runs: Vec<Measured>,
}

pub(super) async fn all(run: &Run, options: &Options) -> Result<()> {
    let mut runs = Vec::new();
    for round in 1..=options.runs {
        for shape in &options.shape {
            for who in &options.who {
                let Some(measured) = one(run, *who, *shape, options).await? else {
                    say(&format!("{who} is left out: no Docker here, or not its image"));
                    continue;
                };
                say(&format!(
                    "{round}/{} {who:<11} {shape:<7} {:>9} spans/CPU-s {:>5} bytes/span",
                    options.runs,
                    thousands(measured.spans_per_cpu_second),
                    thousands(measured.bytes_per_span),
                ));
                runs.push(measured);
            }
        }
    }
    let mut medians = Vec::new();
    for shape in &options.shape {
        for who in &options.who {
            let of_this: Vec<&Measured> = runs
                .iter()
                .filter(|run| run.who == *who && run.shape == *shape)
                .collect();
            medians.extend(middle(&of_this));
        }
    }
    let machine = Machine::this()?;
    let text = markdown(&medians, &machine, options);
    let results = Results {
        what: "ingest",
        machine,
        medians,
        runs,
    };
    report::publish(&options.out, "ingest", &results, &text)
}

async fn one(run: &Run, who: Who, shape: Shape, options: &Options) -> Result<Option<Measured>> {
    let requests = options.spans.div_ceil(SPANS);
    let spans = requests * SPANS;
    let all = WARM_UP + requests;
    let Some(subject) = Subject::start(run, who, all * SPANS).await? else {
        return Ok(None);
    };
    let deadline = run.deadline(options.limit);
    sender::send(&subject.otlp, shape, 0..WARM_UP, &deadline).await?;

    let looks = |pid| {
        anyhow::Ok((
            Usage::of(pid)?,
            Usage::of(std::process::id())?.cpu,
            machine_cpu()?,
        ))
    };
    let (before, ours, machine) = looks(subject.pid)?;
    let mut sent = sender::send(&subject.otlp, shape, WARM_UP..all, &deadline).await?;
    let (after, ours_after, machine_after) = looks(subject.pid)?;

    let verified = subject.verify(shape, all).await?;
    subject.stop(run).await?;
    let cpu = after.cpu.saturating_sub(before.cpu);
    let known = cpu + ours_after.saturating_sub(ours);
    let others = machine_after.saturating_sub(machine).saturating_sub(known);
    let cores = std::thread::available_parallelism()?.get() as u32;
    let share = |time: Duration| time.as_secs_f64() / (sent.wall * cores).as_secs_f64();
    Ok(Some(Measured {
        who,
        shape,
        spans,
        cpu_seconds: cpu.as_secs_f64(),
        spans_per_cpu_second: spans as f64 / cpu.as_secs_f64(),
        wall_seconds: sent.wall.as_secs_f64(),
        bytes_per_span: after.resident as f64 / (all * SPANS) as f64,
        peak_bytes_per_span: after.peak as f64 / (all * SPANS) as f64,
        ack_p50_ms: percentile(&mut sent.acks, 0.5),
        ack_p99_ms: percentile(&mut sent.acks, 0.99),
        verified,
        others: share(others),
    }))
}

/// The median of every figure; `None` of no runs.
fn middle(runs: &[&Measured]) -> Option<Measured> {
    let first = runs.first()?;
    let of = |figure: fn(&Measured) -> f64| median(runs.iter().map(|run| figure(run)));
    Some(Measured {
        who: first.who,
        shape: first.shape,
        spans: first.spans,
        cpu_seconds: of(|run| run.cpu_seconds),
        spans_per_cpu_second: of(|run| run.spans_per_cpu_second),
        wall_seconds: of(|run| run.wall_seconds),
        bytes_per_span: of(|run| run.bytes_per_span),
        peak_bytes_per_span: of(|run| run.peak_bytes_per_span),
        ack_p50_ms: of(|run| run.ack_p50_ms),
        ack_p99_ms: of(|run| run.ack_p99_ms),
        verified: first.verified,
        others: of(|run| run.others),
    })
}

fn markdown(medians: &[Measured], machine: &Machine, options: &Options) -> String {
    let rows = medians.iter().map(|row| {
        // Memory over the spans of one that holds none says nothing.
        let stored = |bytes| {
            if row.who == Who::Collector {
                "–".to_owned()
            } else {
                thousands(bytes)
            }
        };
        vec![
            match row.who {
                Who::Throughline => "Throughline".to_owned(),
                Who::Jaeger => "Jaeger 2.13, memory".to_owned(),
                Who::Collector => "Collector 0.160, debug (stores nothing)".to_owned(),
            },
            match row.shape {
                Shape::Own => "1".to_owned(),
                Shape::Request => SPANS.to_string(),
            },
            thousands(row.spans_per_cpu_second),
            stored(row.bytes_per_span),
            stored(row.peak_bytes_per_span),
            format!("{:.2}", row.wall_seconds),
            format!("{:.2}", row.ack_p50_ms),
            format!("{:.2}", row.ack_p99_ms),
            if row.others > QUIET {
                format!("{:.0} % (not quiet)", row.others * 100.0)
            } else {
                "quiet".to_owned()
            },
        ]
    });
    let head = vec![
        "receiver",
        "spans a trace",
        "spans per CPU-s",
        "bytes a span",
        "at the peak",
        "wall s",
        "ack p50 ms",
        "ack p99 ms",
        "others on the machine",
    ];
    let table = Table {
        head,
        rows: rows.collect(),
    };
    format!(
        "# Receiver and store\n\n\
         Medians of {} runs in turns: {} spans with 8 attributes, {SPANS} in a request, {} connections, OTLP/gRPC.\n\
         CPU is the receiving process's, user and system. Memory is all that the process has over all spans it holds.\n\
         {}, {} cores, Linux {}.\n\n{}",
        options.runs,
        thousands(options.spans as f64),
        sender::CONNECTIONS,
        machine.cpu,
        machine.cores,
        machine.kernel,
        table.markdown()
    )
}

fn say(text: &str) {
    // Nobody is left to tell when stderr is gone.
    let _ = writeln!(anstream::stderr(), "{text}");
}
