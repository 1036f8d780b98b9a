//! The account: started equals exported plus failed once idle, whatever happens to the spans on their way.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor};
use telemetry::account::Ledger;
use telemetry::export::{Accounted, Accounting, Discard, Rejections};
use telemetry::testing::{Kept, some_resource};
use telemetry::{Account, Fault, Propagation, Telemetry};
use tracing::info_span;

/// A tracer as in a service, over an exporter that keeps spans; nothing is exported before a flush.
struct Process {
    telemetry: Telemetry,
    kept: Kept,
    _subscriber: tracing::subscriber::DefaultGuard,
}

impl Process {
    fn new(queue: usize, fault: Option<Fault>) -> Self {
        let (kept, ledger) = (Kept::default(), Arc::new(Ledger::new("memory")));
        let exporter = Accounted::new(kept.clone(), Arc::clone(&ledger), "memory", Rejections::default());
        // Neither delay nor size makes an export; a batch as large as the queue would make one when the queue is full.
        let batch = BatchConfigBuilder::default()
            .with_max_queue_size(queue + 1)
            .with_max_export_batch_size(queue + 1)
            .with_scheduled_delay(Duration::from_secs(3600));
        let inner = BatchSpanProcessor::builder(exporter.with_fault(fault))
            .with_batch_config(batch.build())
            .build();
        let processor = Accounting::new(inner, Arc::clone(&ledger), queue as u64);
        let telemetry = Telemetry::assemble(some_resource(), ledger, Propagation::new(true, true), processor);
        let subscriber = tracing::subscriber::set_default(telemetry.subscriber());
        Self {
            telemetry,
            kept,
            _subscriber: subscriber,
        }
    }

    fn spans(&self, count: usize) {
        for _ in 0..count {
            info_span!("work").in_scope(|| ());
        }
    }

    fn account(&self) -> Account {
        self.telemetry.ledger.read()
    }
}

fn counts(account: &Account) -> (u64, u64, u64) {
    (account.started, account.exported, account.failed)
}

#[test]
fn spans_are_pending_until_they_are_exported() {
    let process = Process::new(64, None);
    let open = info_span!("open").entered();
    process.spans(3);
    assert_eq!(process.account().pending(), 4);
    process.telemetry.flush();
    assert_eq!(counts(&process.account()), (4, 3, 0));
    drop(open);
    process.telemetry.flush();
    assert_eq!(counts(&process.account()), (4, 4, 0));
    assert_eq!(process.kept.all().len(), 4);
}

#[test]
fn spans_of_a_failing_export_are_given_up_with_its_words() {
    let process = Process::new(64, None);
    process.kept.fail_with(Some("nobody there"));
    process.spans(3);
    process.telemetry.flush();
    assert_eq!(counts(&process.account()), (3, 0, 3));
    assert_eq!(process.account().last_error.as_deref(), Some("nobody there"));
    process.kept.fail_with(None);
    process.spans(2);
    process.telemetry.flush();
    assert_eq!(counts(&process.account()), (5, 2, 3));
    assert_eq!(process.account().pending(), 0);
}

#[test]
fn spans_that_do_not_fit_into_the_queue_are_given_up() {
    let process = Process::new(4, None);
    process.spans(10);
    assert_eq!(counts(&process.account()), (10, 0, 6));
    process.telemetry.flush();
    assert_eq!(counts(&process.account()), (10, 4, 6));
    process.spans(4);
    process.telemetry.flush();
    assert_eq!(counts(&process.account()), (14, 8, 6));
    assert_eq!(process.kept.all().len(), 8);
}

#[test]
fn the_end_exports_what_waits_and_tells_what_was_still_open() {
    let process = Process::new(64, None);
    let open = info_span!("open").entered();
    process.spans(3);
    let flushed = process.telemetry.finish(Duration::from_secs(10));
    assert_eq!((flushed.exported, flushed.failed, flushed.pending), (3, 0, 1));
    drop(open);
    assert_eq!(counts(&process.account()), (4, 3, 0));
}

#[test]
fn the_end_tells_what_could_not_be_exported() {
    let process = Process::new(64, None);
    process.kept.fail_with(Some("nobody there"));
    process.spans(3);
    let flushed = process.telemetry.finish(Duration::from_secs(10));
    assert_eq!((flushed.exported, flushed.failed, flushed.pending), (0, 3, 0));
}

#[test]
fn counts_are_exact_when_many_threads_make_more_spans_than_fit() {
    let process = Process::new(128, None);
    let dispatch = tracing::dispatcher::get_default(Clone::clone);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| tracing::dispatcher::with_default(&dispatch, || process.spans(500)));
        }
        scope.spawn(|| {
            for _ in 0..50 {
                process.telemetry.flush();
            }
        });
    });
    process.telemetry.flush();
    let account = process.account();
    assert_eq!(account.started, 2000);
    assert_eq!(account.exported + account.failed, 2000, "{account:?}");
    assert_eq!(process.kept.all().len() as u64, account.exported);
}

#[test]
fn a_span_that_is_exported_twice_counts_once() {
    let process = Process::new(64, Some(Fault::ExportTwice));
    process.spans(3);
    process.telemetry.flush();
    assert_eq!(counts(&process.account()), (3, 3, 0));
    assert_eq!(process.kept.all().len(), 6);
}

#[test]
fn a_lost_span_counts_as_exported() {
    let process = Process::new(64, Some(Fault::LoseSpans));
    process.spans(3);
    process.telemetry.flush();
    assert_eq!(counts(&process.account()), (3, 3, 0));
    assert_eq!(process.kept.all().len(), 0);
}

#[test]
fn spans_that_go_nowhere_are_given_up_at_their_end() {
    let ledger = Arc::new(Ledger::new("none"));
    let processor = Accounting::new(Discard(Arc::clone(&ledger)), Arc::clone(&ledger), 2);
    let telemetry = Telemetry::assemble(some_resource(), ledger, Propagation::new(true, true), processor);
    let _subscriber = tracing::subscriber::set_default(telemetry.subscriber());
    for _ in 0..5 {
        info_span!("work").in_scope(|| ());
    }
    assert_eq!(counts(&telemetry.ledger.read()), (5, 0, 5));
    assert_eq!(
        telemetry.ledger.read().last_error.as_deref(),
        Some(Discard::REASON)
    );
}
