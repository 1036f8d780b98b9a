//! When evidence that comes in piece by piece is waited for, and when it is judged.

use std::time::Duration;

use super::{Decision, Limits, Progress, conclude, settle};
use crate::evidence::{Answer, Evidence};
use crate::expect::{At, Expectation};
use crate::judge::tests::whole;
use crate::span::SpanKind;
use crate::testing::Recording;
use crate::verdict::{Cause, Verdict};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Takes the samples in turn and says what was decided after each, with the time of the sample in milliseconds.
fn play(samples: &[(u64, Evidence)], limits: &Limits) -> (Vec<Decision>, Verdict) {
    let (at, first) = &samples[0];
    let mut progress = Progress::begin(ms(*at), first.clone());
    let mut decisions = vec![settle(&progress, &whole(), limits)];
    for (at, evidence) in &samples[1..] {
        progress.observe(ms(*at), evidence.clone());
        decisions.push(settle(&progress, &whole(), limits));
    }
    let verdict = conclude(&progress, &whole(), &decisions[decisions.len() - 1]);
    (decisions, verdict)
}

fn complete() -> Evidence {
    Recording::checkout().evidence()
}

/// The evidence of an environment in which nobody can be asked.
fn unasked(mut recording: Recording) -> Evidence {
    recording.accounts(Vec::new());
    recording.evidence()
}

/// inventory-service has not delivered yet: its span is not in the store, and it says that it owes it.
fn late() -> Evidence {
    let mut recording = lost_recording();
    recording.edit_account("inventory-service", |account| account.exported = 0);
    recording.evidence()
}

/// inventory-service has delivered, and its span is not in the store.
fn lost_recording() -> Recording {
    let mut recording = Recording::checkout();
    recording.accounts(complete().accounts);
    recording.drop_spans(|span| span.service().as_str() == "inventory-service");
    recording
}

fn is_settled(decision: &Decision) -> bool {
    matches!(decision, Decision::Settled { .. })
}

#[test]
fn a_complete_trace_is_judged_at_once() {
    let (decisions, verdict) = play(&[(0, complete())], &Limits::default());
    assert!(is_settled(&decisions[0]), "{decisions:?}");
    assert!(verdict.is_pass(), "{verdict}");
}

#[test]
fn late_spans_are_waited_for_and_pass() {
    let samples = [(0, late()), (1000, late()), (2000, late()), (2300, complete())];
    let (decisions, verdict) = play(&samples, &Limits::default());
    let waiting = Decision::Wait {
        because: "1 span of inventory-service@cluster not yet delivered".to_owned(),
    };
    assert_eq!(decisions[..3], [waiting.clone(), waiting.clone(), waiting]);
    assert!(is_settled(&decisions[3]));
    assert!(verdict.is_pass(), "{verdict}");
}

#[test]
fn lost_spans_are_told_apart_from_late_ones_without_waiting() {
    let (decisions, verdict) = play(
        &[(0, late()), (40, lost_recording().evidence())],
        &Limits::default(),
    );
    assert!(is_settled(&decisions[1]), "{decisions:?}");
    let lost = Cause::LostAfterExport {
        process: At::cluster("inventory-service"),
        exported: 1,
    };
    assert_eq!(verdict.primary_cause(), Some(&lost));
}

#[test]
fn spans_that_never_come_make_no_verdict_about_the_application() {
    let (decisions, verdict) = play(
        &[(0, late()), (9_999, late()), (10_000, late())],
        &Limits::default(),
    );
    assert!(matches!(decisions[1], Decision::Wait { .. }));
    assert!(matches!(decisions[2], Decision::GaveUp { .. }));
    insta::assert_snapshot!(verdict, @"
    inconclusive
      missing   1 span of inventory-service@cluster not yet delivered (waited 10.0 s)
    ");
}

#[test]
fn an_exporter_that_is_switched_off_is_not_waited_for() {
    let mut recording = lost_recording();
    recording.edit_account("inventory-service", |account| {
        account.exporter = "none".to_owned();
        account.exported = 0;
    });
    let (decisions, verdict) = play(&[(0, recording.evidence())], &Limits::default());
    assert!(is_settled(&decisions[0]), "{decisions:?}");
    assert!(
        matches!(verdict.primary_cause(), Some(Cause::NeverExported { .. })),
        "{verdict}"
    );
}

#[test]
fn without_accounts_a_whole_trace_needs_one_more_quiet_sample() {
    let evidence = unasked(Recording::checkout());
    let samples = [(0, evidence.clone()), (100, evidence.clone()), (300, evidence)];
    let (decisions, verdict) = play(&samples, &Limits::default());
    assert_eq!(
        decisions.iter().map(is_settled).collect::<Vec<_>>(),
        [false, false, true],
        "{decisions:?}"
    );
    assert!(verdict.is_pass(), "{verdict}");
}

#[test]
fn without_accounts_a_span_that_should_not_be_there_is_still_seen_when_it_comes_late() {
    let whole = unasked(Recording::checkout());
    let mut recording = Recording::checkout();
    let call = recording.id_of(SpanKind::Client, "POST /api/orders");
    recording.span(
        Some(call),
        &At::cluster("order-service"),
        SpanKind::Server,
        "POST /api/orders",
    );
    let twice = unasked(recording);
    let samples = [
        (0, whole),
        (250, twice.clone()),
        (600, twice.clone()),
        (10_000, twice),
    ];
    let (decisions, verdict) = play(&samples, &Limits::default());
    assert_eq!(
        decisions.iter().map(is_settled).collect::<Vec<_>>(),
        [false, false, false, true],
        "{decisions:?}"
    );
    assert!(matches!(verdict, Verdict::Fail { .. }), "{verdict}");
}

#[test]
fn without_accounts_what_is_missing_is_waited_for_until_the_deadline_and_then_judged() {
    let evidence = unasked(lost_recording());
    let samples = [
        (0, evidence.clone()),
        (5_000, evidence.clone()),
        (10_000, evidence),
    ];
    let (decisions, verdict) = play(&samples, &Limits::default());
    insta::assert_snapshot!(format!("{:#?}", decisions[1]), @r#"
    Wait {
        because: "no account from storefront@cluster, order-service@workstation and inventory-service@cluster; so far: storefront@cluster → order-service@workstation",
    }
    "#);
    assert!(is_settled(&decisions[2]), "{decisions:?}");
    assert!(
        matches!(verdict.primary_cause(), Some(Cause::Silent { .. })),
        "{verdict}"
    );
}

#[test]
fn spans_that_are_still_arriving_at_the_deadline_make_no_verdict() {
    let missing = unasked(lost_recording());
    let mut partial = Recording::checkout();
    partial.drop_spans(|span| span.service().as_str() != "storefront");
    let samples = [(0, unasked(partial)), (9_900, missing.clone()), (10_000, missing)];
    let (decisions, verdict) = play(&samples, &Limits::default());
    assert_eq!(
        decisions[2],
        Decision::GaveUp {
            because: "spans were still arriving".to_owned()
        }
    );
    assert!(matches!(verdict, Verdict::Inconclusive { .. }));
}

#[test]
fn one_process_without_an_account_is_waited_for_and_then_named() {
    let mut recording = lost_recording();
    let mut accounts = recording.evidence().accounts;
    accounts.retain(|account| account.service.as_str() != "inventory-service");
    recording.accounts(accounts);
    let evidence = recording.evidence();
    let (decisions, verdict) = play(&[(0, evidence.clone()), (10_000, evidence)], &Limits::default());
    assert!(matches!(decisions[0], Decision::Wait { .. }));
    insta::assert_snapshot!(format!("{:#?}", decisions[1]), @r#"
    Settled {
        why: "nothing more came for 10.0 s, nobody owes a span, and there is no account from inventory-service@cluster",
    }
    "#);
    assert!(
        matches!(verdict.primary_cause(), Some(Cause::Silent { .. })),
        "{verdict}"
    );
}

#[test]
fn a_process_that_nobody_reached_owes_no_account() {
    let mut recording = Recording::checkout();
    let call = recording.id_of(SpanKind::Client, "POST /api/orders");
    recording.fail(call, "connection refused");
    recording.drop_spans(|span| span.service().as_str() != "storefront");
    recording.answer(Answer::Response {
        status: 502,
        body: String::new(),
    });
    let (decisions, verdict) = play(&[(0, recording.evidence())], &Limits::default());
    assert!(is_settled(&decisions[0]), "{decisions:?}");
    assert!(
        matches!(verdict.primary_cause(), Some(Cause::Unreachable { .. })),
        "{verdict}"
    );
}

#[test]
fn where_an_acknowledgement_does_not_mean_stored_the_queue_gets_its_time() {
    let limits = Limits {
        visible_within: ms(1_000),
        ..Limits::default()
    };
    let lost = lost_recording().evidence();
    let samples = [
        (0, late()),
        (500, lost.clone()),
        (1_400, lost.clone()),
        (1_500, lost.clone()),
    ];
    let (decisions, _) = play(&samples, &limits);
    assert_eq!(
        decisions.iter().map(is_settled).collect::<Vec<_>>(),
        [false, false, false, true],
        "{decisions:?}"
    );

    let samples = [(0, late()), (500, lost), (900, complete()), (1_200, complete())];
    let (decisions, verdict) = play(&samples, &limits);
    assert!(is_settled(&decisions[3]), "{decisions:?}");
    assert!(verdict.is_pass(), "{verdict}");
}

#[test]
fn a_wait_that_was_cut_short_is_inconclusive() {
    let progress = Progress::begin(ms(1_500), late());
    let decision = settle(&progress, &[Expectation::Connected], &Limits::default());
    let verdict = conclude(&progress, &[Expectation::Connected], &decision);
    insta::assert_snapshot!(verdict, @"
    inconclusive
      missing   1 span of inventory-service@cluster not yet delivered (waited 1.50 s)
    ");
}
