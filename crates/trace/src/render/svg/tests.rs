//! Drawings: what is in them, and that they are well formed whatever the spans are called.

use super::{topology, waterfall_svg};
use crate::expect::At;
use crate::render::waterfall;
use crate::site::Site;
use crate::span::SpanKind;
use crate::testing::Recording;

fn count(drawing: &str, what: &str) -> usize {
    drawing.matches(what).count()
}

#[test]
fn a_waterfall_has_a_bar_a_name_and_a_place_for_each_span() {
    let recording = Recording::checkout();
    let drawing = waterfall_svg(&waterfall(&recording.evidence(), 100), "an order");
    let spans = recording.spans().len();
    // One bar more for each site in the legend.
    assert_eq!(count(&drawing, "<rect class=\"bar "), spans + 2);
    assert_eq!(count(&drawing, "class=\"place "), spans);
    assert!(drawing.contains(">create-order</text>"), "{drawing}");
    assert!(drawing.contains("prefers-color-scheme: dark"));
    insta::assert_snapshot!(drawing);
}

#[test]
fn a_stray_and_an_orphan_are_said_in_words() {
    let mut recording = Recording::checkout();
    recording.lose_header(recording.id_of(SpanKind::Server, "POST /api/orders"), 0);
    let drawing = waterfall_svg(&waterfall(&recording.evidence(), 100), "an order");
    assert!(drawing.contains("Stray trace"), "{drawing}");
    let mut recording = Recording::checkout();
    let gone = recording.id_of(SpanKind::Server, "POST /api/orders");
    recording.drop_spans(move |span| span.span_id == gone);
    let drawing = waterfall_svg(&waterfall(&recording.evidence(), 100), "an order");
    assert!(drawing.contains("Its parent is missing"), "{drawing}");
}

#[test]
fn what_is_left_out_is_counted() {
    let recording = Recording::checkout();
    let drawing = waterfall_svg(&waterfall(&recording.evidence(), 2), "an order");
    let hidden = recording.spans().len() - 2;
    assert!(
        drawing.contains(&format!("{hidden} more spans not drawn")),
        "{drawing}"
    );
}

#[test]
fn a_topology_joins_traces_and_tells_the_way_of_the_workstation() {
    let [intercepted, plain] = [Site::Workstation, Site::Cluster]
        .map(|site| waterfall(&Recording::checkout_with(site).evidence(), 100));
    let drawing = topology([&intercepted, &plain], "who calls whom");
    assert_eq!(count(&drawing, "<rect class=\"box "), 4);
    assert_eq!(count(&drawing, "<rect class=\"ground "), 2);
    // Each kind once more in the legend.
    assert_eq!(count(&drawing, "class=\"call w\""), 3);
    assert_eq!(count(&drawing, "class=\"call c\""), 3);
    insta::assert_snapshot!(drawing);
}

#[test]
fn names_from_elsewhere_stay_text_and_circles_end() {
    let hostile = "</text><script>alert(1)</script>\u{202e}&";
    let mut recording = Recording::new(1);
    let (one, other) = (At::cluster(hostile), At::workstation("b"));
    let top = recording.span(None, &one, SpanKind::Server, hostile);
    let below = recording.span(Some(top), &other, SpanKind::Server, "there");
    recording.span(Some(below), &one, SpanKind::Server, "and back");
    let rows = waterfall(&recording.evidence(), 100);
    for drawing in [waterfall_svg(&rows, hostile), topology([&rows], hostile)] {
        assert!(!drawing.contains("<script"), "{drawing}");
        assert_eq!(count(&drawing, "<text"), count(&drawing, "</text>"), "{drawing}");
        assert!(!drawing.contains('\u{202e}'), "{drawing}");
    }
    let empty = waterfall(&Recording::new(2).evidence(), 100);
    assert!(topology([&empty], "nobody").contains("nobody"));
}
