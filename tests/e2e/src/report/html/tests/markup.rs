//! What the page is made of: links that lead somewhere, nothing loaded or run, a bounded size, a row for each span.

use std::collections::BTreeSet;

use testbed::event::Counts;
use trace::testing::Recording;
use trace::{SpanKind, UnixNanos};

use super::{case, lost_header, page, run, scenario};
use crate::breakpoint::Standstill;
use crate::report::model::{Outcome, PauseReport};

fn attributes<'p>(page: &'p str, name: &str) -> Vec<&'p str> {
    let begin = format!(" {name}=\"");
    page.split(&begin)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[test]
fn the_page_loads_nothing_runs_nothing_and_its_links_lead_somewhere() {
    let twin = "intercepted_order_is_one_trace/propagation_stripped_on_the_way";
    let scenarios = vec![
        scenario(
            "intercepted_order_is_one_trace",
            Outcome::Passed,
            vec![case("order", &Recording::checkout())],
        ),
        scenario(twin, Outcome::Failed, vec![case("order", &lost_header())]),
    ];
    let page = page(&run(
        scenarios,
        Counts {
            passed: 1,
            failed: 1,
            ..Counts::default()
        },
    ));
    for forbidden in [
        "<script",
        "<img",
        "<link",
        "<iframe",
        "@import",
        "url(",
        "javascript:",
        " src=",
    ] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    let ids = attributes(&page, "id");
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "{ids:?}");
    for link in attributes(&page, "href") {
        let leads = link.strip_prefix('#').is_none_or(|id| unique.contains(id));
        assert!(leads && !link.starts_with('/'), "{link}");
    }
    assert!(unique.contains("intercepted_order_is_one_trace.propagation_stripped_on_the_way"));
}

#[test]
fn nothing_from_elsewhere_becomes_markup() {
    let hostile = "</style><script>alert(1)</script>\"'&\u{202e}";
    let mut recording = Recording::checkout();
    recording.edit_service("order-service", |span| span.name = hostile.to_owned());
    recording.fail(recording.id_of(SpanKind::Server, "POST /checkout"), hostile);
    let mut one = scenario(
        "intercepted_order_is_one_trace",
        Outcome::Failed,
        vec![case(hostile, &recording)],
    );
    one.error = Some(hostile.to_owned());
    one.about = hostile.to_owned();
    if let Some(picture) = &mut one.cases[0].picture {
        picture.jaeger_url = "javascript:alert(1)".to_owned();
    }
    let mut report = run(
        vec![one],
        Counts {
            failed: 1,
            ..Counts::default()
        },
    );
    report.warnings.push(hostile.to_owned());
    report.logs.push(hostile.into());
    let page = page(&report);
    assert!(!page.contains("<script"), "{page}");
    assert!(
        !attributes(&page, "href")
            .iter()
            .any(|link| link.starts_with("javascript"))
    );
    assert_eq!(page.matches("</style>").count(), 1);
}

#[test]
fn fifty_traces_stay_well_below_a_megabyte() {
    let cases = (0..50).map(|number| {
        let mut recording = Recording::checkout();
        recording.fail(
            recording.id_of(SpanKind::Internal, "create-order"),
            &format!("sold out {number}"),
        );
        recording.lose_header(recording.id_of(SpanKind::Server, "GET /api/check"), number);
        case(&format!("order {number}"), &recording)
    });
    let one = scenario(
        "fifty_concurrent_orders_are_fifty_traces",
        Outcome::Failed,
        cases.collect(),
    );
    let page = page(&run(
        vec![one],
        Counts {
            failed: 1,
            ..Counts::default()
        },
    ));
    assert_eq!(page.matches("<figure>").count(), 50);
    assert!(page.len() < 600_000, "{} bytes", page.len());
}

#[test]
fn every_span_of_a_waterfall_is_a_row_with_its_place_and_time() {
    let one = scenario(
        "intercepted_order_is_one_trace",
        Outcome::Failed,
        vec![case("order", &lost_header())],
    );
    let page = page(&run(
        vec![one],
        Counts {
            failed: 1,
            ..Counts::default()
        },
    ));
    let rows = page.matches("class=\"track\"").count();
    assert_eq!(rows, Recording::checkout().spans().len());
    // Sites differ by class, hence colour and pattern; places by their names.
    assert!(page.contains("class=\"bar c\"") && page.contains("class=\"bar w\""));
    assert!(page.contains("Stray trace"));
    assert_eq!(page.matches("◂ here").count(), 2);
}

#[test]
fn a_pause_is_drawn_on_the_axis_of_the_spans() {
    let drawn = |from: i64, held: u32| {
        let mut case = case("order", &Recording::checkout());
        let picture = case.picture.as_mut().unwrap();
        let (start, total) = (picture.waterfall.start.0, picture.waterfall.total);
        let quarter = i64::try_from(total.as_nanos() / 4).unwrap();
        let stood = Standstill {
            at: "process_order.rs:23".to_owned(),
            from: UnixNanos(start.checked_add_signed(from * quarter).unwrap()),
            held: total * held / 4,
        };
        picture.pause = PauseReport::on(&picture.waterfall, &stood);
        page(&run(
            vec![scenario("a_breakpoint", Outcome::Passed, vec![case])],
            Counts {
                passed: 1,
                ..Counts::default()
            },
        ))
    };
    let bar = |place: &str| format!("bar held\" style=\"{place}\"");
    let page = drawn(1, 2);
    assert!(page.contains(&bar("left:25%;width:50%")), "{page}");
    assert!(page.contains("held at <code>process_order.rs:23</code>"));
    // Clocks differ a little: it never leaves the axis.
    assert!(drawn(3, 2).contains(&bar("left:75%;width:25%")));
    assert!(drawn(-1, 2).contains(&bar("left:0%;width:25%")));
    for beside in [drawn(-2, 1), drawn(9, 1)] {
        assert!(!beside.contains("bar held"));
    }
}
