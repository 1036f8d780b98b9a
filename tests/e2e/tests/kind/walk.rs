//! Ctrl-C and `kill -9` at every step of a run: afterwards the machine is as it was, and a kept cluster serves by itself.

use std::time::Duration;

use e2e::proof::{Answerer, Prover};
use rustix::process::Signal;
use serde_json::Value;
use testbed::{Deadline, EnvironmentName};

use crate::bad_ends::BAD_ENDS;
use crate::bed::{Bed, KEPT, NEXT, RUN, each};
use crate::moment::{Choice, Moment};

/// Where a run without `--keep` is ended when nothing else is asked for: kind at work, Telepresence's helm.
const FEW_FROM_NOTHING: [&str; 2] = ["step_started kind cluster", "step_started traffic manager"];
/// Where a run on a kept cluster is ended: the connection in the making, the intercept, the undo.
const FEW_ON_A_KEPT_CLUSTER: [&str; 3] = [
    "step_started telepresence connected",
    "step_started intercept",
    "undo_finished telepresence connection",
];

fn choice(few: &[&str]) -> Choice {
    Choice::read(std::env::var("THROUGHLINE_WALK").ok().as_deref(), few)
}

/// The moments until the first scenario begins, or those after.
fn moments(events: &[Value], coming_up: bool) -> Vec<Moment> {
    let up = events
        .iter()
        .position(|event| event["event"] == "scenario_started")
        .expect("a scenario");
    let all = Moment::all(events);
    let before = Moment::all(&events[..up]).len();
    if coming_up { all[..before].to_vec() } else { all }
}

/// A name, and what is done under it.
type Case<'a> = (String, Box<dyn Fn(&Bed) + 'a>);

/// All moments with both signals.
fn walk<'a>(
    moments: &'a [Moment],
    end: impl Fn(&Bed, &Moment, Signal) + Copy + 'a,
) -> impl Iterator<Item = Case<'a>> {
    moments.iter().flat_map(move |moment| {
        [(Signal::INT, "Ctrl-C"), (Signal::KILL, "kill -9")].map(|(signal, word)| -> Case<'a> {
            let play = move |bed: &Bed| end(bed, moment, signal);
            (format!("{word} at {moment}"), Box::new(play))
        })
    })
}

/// Ends a run at this moment and finishes its undo with `next`. Returns the run.
fn end(bed: &Bed, args: &[&str], moment: &Moment, signal: Signal, next: &[&str]) -> String {
    let mut running = bed.world.start(args);
    let run = running.run_id();
    running.until(&moment.to_string(), moment.matcher());
    running.signal(signal);
    let finished = running.finish();
    match signal {
        Signal::KILL => {
            // The last event may be read when the run is over already.
            assert!(finished.code.is_none() || moment.is_in_the_undo(), "{finished:?}");
            bed.world.run(next).expect_code(0);
        }
        // Ctrl-C while it is undone anyway leaves the verdict as it is.
        _ if moment.is_in_the_undo() => assert!(matches!(finished.code, Some(0 | 130)), "{finished:?}"),
        _ => {
            finished.expect_code(130);
        }
    }
    run
}

#[test]
fn a_run_that_is_ended_while_it_comes_up_leaves_nothing() {
    let bed = Bed::new("from-nothing");
    let events = bed.play(&RUN);
    bed.expect_clean("the whole run");
    let moments = choice(&FEW_FROM_NOTHING).of(moments(&events, true));
    let cases = walk(&moments, |bed, moment, signal| {
        let run = end(bed, &RUN, moment, signal, &["down"]);
        bed.expect_clean(&run);
    });
    each(cases, &bed);
}

/// What goes wrong otherwise is tried on the same cluster, since making one is dear.
#[test]
fn a_run_that_ends_badly_on_a_kept_cluster_leaves_the_cluster_alone_and_serving() {
    let mut bed = Bed::new("kept");
    bed.play(&KEPT);
    let events = bed.play(&KEPT);
    let note = events
        .iter()
        .find_map(|event| event["text"].as_str()?.strip_prefix("storefront "));
    let storefront = note.and_then(|text| text.split(' ').next()).expect("an address");
    bed.settle();
    let moments = choice(&FEW_ON_A_KEPT_CLUSTER).of(moments(&events, false));
    let walked = walk(&moments, |bed, moment, signal| {
        let run = end(bed, &KEPT, moment, signal, &NEXT);
        serves_by_itself(storefront);
        bed.expect_clean(&run);
    });
    let wanted = std::env::var("THROUGHLINE_BAD_END").unwrap_or_default();
    let others = BAD_ENDS
        .into_iter()
        .filter(|(name, _)| name.contains(&wanted))
        .map(|(name, play)| -> Case<'_> { (name.to_owned(), Box::new(play)) });
    each(walked.chain(others), &bed);
    bed.down();
    assert_eq!(bed.nodes(), Vec::<String>::new());
}

/// No intercept is left: fresh requests through storefront are answered in the cluster.
fn serves_by_itself(storefront: &str) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let prover = Prover::new(storefront, EnvironmentName::Kind).expect("a client");
    let deadline = Deadline::after(Duration::from_secs(10));
    runtime
        .block_on(prover.prove(&deadline, &Answerer::Cluster, None))
        .expect("the pod answers");
}
