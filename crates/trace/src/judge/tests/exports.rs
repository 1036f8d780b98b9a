//! Spans that a process recorded and the store lacks, told with what its export account says of them.

use super::{cause, judge, order, path, told};
use crate::expect::{At, Expectation, SpanSelector};
use crate::site::Site;
use crate::span::SpanKind;
use crate::testing::Recording;
use crate::verdict::Cause;

/// The request with only the spans of one service gone, as when its exporter is at fault.
fn silenced(service: &str) -> Recording {
    let mut recording = Recording::checkout();
    recording.accounts(recording.evidence().accounts);
    recording.drop_spans(|span| span.service().as_str() == service);
    recording
}

#[test]
fn a_process_that_exports_to_nobody_is_named() {
    let mut recording = silenced("order-service");
    recording.edit_account("order-service", |account| {
        account.exporter = "none".to_owned();
        account.exported = 0;
    });
    insta::assert_snapshot!(told(&recording), @r#"
    fail
      expected  storefront@cluster → order-service@workstation → inventory-service@cluster
      found     storefront@cluster, and inventory-service@cluster below span 8000000100000005, which is missing
      cause     order-service@workstation started 4 spans and delivered none (its exporter: none)
      also      expected spans from cluster and workstation, found spans from the cluster only
      also      expected one tree: a single root, every parent in the trace, found `GET /api/check` of inventory-service@cluster has a parent that is missing (8000000100000005)
      also      expected a span `create-order` of order-service@workstation having order.id present and service.version = "local-debug", found no span of order-service@workstation
      also      expected every server span of order-service@workstation takes 1 ms to 2 s, found no span of order-service@workstation
    "#);
}

#[test]
fn spans_that_the_sampler_did_not_want_are_not_called_lost() {
    let mut recording = silenced("order-service");
    // The next service is told that nobody records, and believes it.
    recording.drop_spans(|span| span.service().as_str() == "inventory-service");
    recording.edit_account("order-service", |account| {
        account.sampler = "always_off".to_owned();
        (account.sampled_out, account.started, account.exported) = (4, 0, 0);
    });
    recording.edit_account("inventory-service", |account| {
        (account.sampled_out, account.started, account.exported) = (1, 0, 0);
    });
    insta::assert_snapshot!(told(&recording), @r#"
    fail
      expected  storefront@cluster → order-service@workstation → inventory-service@cluster
      found     storefront@cluster
      cause     sampled out: order-service@workstation dropped 4 spans before they began (its sampler: always_off)
      also      expected spans from cluster and workstation, found spans from the cluster only
      also      expected a span `create-order` of order-service@workstation having order.id present and service.version = "local-debug", found no span of order-service@workstation
      also      expected 1 server span of inventory-service, found no span of inventory-service
      also      expected every server span of order-service@workstation takes 1 ms to 2 s, found no span of order-service@workstation
    "#);
}

#[test]
fn a_sampler_is_blamed_for_what_it_can_have_dropped() {
    let sampled = |sampler: &str, failed: u64| {
        let mut recording = silenced("inventory-service");
        recording.edit_account("inventory-service", |account| {
            account.sampler = sampler.to_owned();
            (account.sampled_out, account.started) = (3, 1);
            (account.exported, account.failed) = (1 - failed, failed);
        });
        cause(&recording)
    };
    assert!(matches!(
        sampled("traceidratio", 0),
        Some(Cause::SampledOut { spans: 3, .. })
    ));
    // It keeps what comes sampled, as this request does; what it dropped belongs to others.
    assert!(matches!(
        sampled("parentbased_always_on", 0),
        Some(Cause::LostAfterExport { .. })
    ));
    assert!(matches!(
        sampled("traceidratio", 1),
        Some(Cause::ExportRefused { .. })
    ));
}

#[test]
fn who_neither_records_nor_delivers_is_asked_for_its_sampler_first() {
    let mut recording = silenced("inventory-service");
    recording.edit_account("inventory-service", |account| {
        account.exporter = "none".to_owned();
        (account.sampled_out, account.started, account.exported) = (1, 0, 0);
    });
    assert!(matches!(cause(&recording), Some(Cause::SampledOut { .. })));
}

#[test]
fn a_refused_export_is_told_in_the_exporters_words() {
    let mut recording = silenced("inventory-service");
    recording.edit_account("inventory-service", |account| {
        account.exported = 0;
        account.failed = account.started;
        account.last_error = Some("connection refused (127.0.0.1:4317)".to_owned());
    });
    insta::assert_snapshot!(told(&recording), @"
    fail
      expected  storefront@cluster → order-service@workstation → inventory-service@cluster
      found     storefront@cluster → order-service@workstation
      cause     the export from inventory-service@cluster was refused: 1 span given up, connection refused (127.0.0.1:4317)
      also      expected 1 server span of inventory-service, found no span of inventory-service
    ");
}

#[test]
fn spans_that_were_acknowledged_and_are_not_there_were_lost_after_export() {
    insta::assert_snapshot!(told(&silenced("inventory-service")), @"
    fail
      expected  storefront@cluster → order-service@workstation → inventory-service@cluster
      found     storefront@cluster → order-service@workstation
      cause     lost after export: inventory-service@cluster had 1 span acknowledged, and the store lacks those of this request
      also      expected 1 server span of inventory-service, found no span of inventory-service
    ");
}

#[test]
fn the_first_service_missing_leaves_orphans_and_its_account_tells_why() {
    insta::assert_snapshot!(told(&silenced("storefront")), @"
    fail
      expected  storefront@cluster → order-service@workstation → inventory-service@cluster
      found     order-service@workstation → inventory-service@cluster below span 8000000100000002, which is missing
      cause     lost after export: storefront@cluster had 2 spans acknowledged, and the store lacks those of this request
      also      expected one tree: a single root, every parent in the trace, found no root; `POST /api/orders` of order-service@workstation has a parent that is missing (8000000100000002)
    ");
}

#[test]
fn spans_that_are_still_held_have_not_arrived_yet() {
    let mut recording = silenced("inventory-service");
    recording.edit_account("inventory-service", |account| account.exported = 0);
    assert_eq!(
        cause(&recording),
        Some(Cause::NotYetArrived {
            process: At::cluster("inventory-service"),
            pending: 1
        })
    );
}

#[test]
fn a_process_that_never_starts_a_span_is_not_blamed_for_losing_it() {
    let mut recording = silenced("inventory-service");
    recording.edit_account("inventory-service", |account| {
        (account.started, account.exported) = (0, 0);
    });
    insta::assert_snapshot!(cause(&recording).map(|cause| cause.to_string()).unwrap_or_default(), @"inventory-service@cluster runs and never started a span (its exporter: http://127.0.0.1:4317)");
}

#[test]
fn a_process_that_answered_and_is_gone_is_silent() {
    let mut recording = silenced("inventory-service");
    let mut accounts = recording.evidence().accounts;
    accounts.retain(|account| account.service.as_str() != "inventory-service");
    recording.accounts(accounts);
    insta::assert_snapshot!(cause(&recording).map(|cause| cause.to_string()).unwrap_or_default(), @"inventory-service@cluster answered, left no span, and gives no account of its exports");
}

#[test]
fn a_process_at_another_site_is_not_blamed_for_lost_spans() {
    let mut recording = silenced("order-service");
    let mut accounts = recording.evidence().accounts;
    accounts.push(crate::testing::account("order-service", Site::Cluster, 8));
    recording.accounts(accounts);
    let any_site = Expectation::Count {
        select: SpanSelector::service("order-service").kind(SpanKind::Server),
        count: 1,
    };
    let verdict = judge(&recording.evidence(), &[path(), any_site.clone()]);
    let lost = Cause::LostAfterExport {
        process: order(),
        exported: 4,
    };
    assert_eq!(verdict.findings().len(), 1, "{verdict}");
    assert_eq!(verdict.primary_cause(), Some(&lost));
    // Without a path nobody says which of the two it was.
    assert_eq!(judge(&recording.evidence(), &[any_site]).primary_cause(), None);
}
