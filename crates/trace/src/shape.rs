//! What two traces of the same request have in common wherever they were recorded: services, sites, names, kinds, errors, chosen
//! attributes, and who is whose parent. Ids and times are left out, and so is the order among siblings.

mod diff;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::expect::attribute;
use crate::id::SpanId;
use crate::render::Picture;
use crate::route::Place;
use crate::span::Span;
use crate::tree::{NodeIndex, Parent, Trace, Tree};
use crate::words;

/// A trace without what differs from run to run. Two of them are equal when their lines are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    lines: Vec<ShapeLine>,
}

/// One span of a [`Shape`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ShapeLine {
    /// How far below its top it is.
    pub depth: usize,
    /// What it is: place, kind, name, error, attributes.
    pub what: String,
}

impl Shape {
    /// The shape of a trace and of the strays beside it. The named attributes belong to it with their values, present or not,
    /// looked up as expectations do. A trace that was looked at while one of its spans was open has no shape yet, and says so in
    /// one line: what had arrived by then is chance.
    #[must_use]
    pub fn of<'e>(picture: impl Into<Picture<'e>>, attributes: &[&str]) -> Self {
        let picture = picture.into();
        if picture.trace.is_some_and(is_open) {
            return Self {
                lines: vec![ShapeLine {
                    depth: 0,
                    what: "a trace with open spans".to_owned(),
                }],
            };
        }
        let trees = picture.trees();
        let mut parts: Vec<Vec<ShapeLine>> = trees
            .iter()
            .map(|(stray, tree)| lines(*stray, tree, attributes))
            .collect();
        if let Some(strays) = parts.get_mut(trees.iter().take_while(|(stray, _)| !stray).count()..) {
            strays.sort();
        }
        Self {
            lines: parts.concat(),
        }
    }

    /// One line for each span, depth first.
    #[must_use]
    pub fn lines(&self) -> &[ShapeLine] {
        &self.lines
    }

    /// The same tree with every line's words put differently.
    #[must_use]
    pub fn reworded(&self, words: impl Fn(&str) -> String) -> Self {
        let lines = self.lines.iter().map(|line| ShapeLine {
            depth: line.depth,
            what: words(&line.what),
        });
        Self {
            lines: lines.collect(),
        }
    }

    /// What has to change to make the other one of this one: common lines begin with two spaces, those only here with `- `, those
    /// only there with `+ `. `None` when they are equal.
    #[must_use]
    pub fn diff(&self, other: &Self) -> Option<String> {
        (self != other).then(|| diff::lines(&self.lines, &other.lines))
    }
}

impl fmt::Display for Shape {
    /// An indented line for each span; lines end with `\n`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl fmt::Display for ShapeLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A chain of thousands would indent itself out of sight.
        const DEEPEST: usize = 40;
        let indent = 2 * self.depth.min(DEEPEST);
        write!(f, "{:indent$}{}", "", self.what)
    }
}

/// Whether a record of an open span is all that there is of it.
fn is_open(trace: &Trace) -> bool {
    let spans = || trace.spans().iter();
    let finished: BTreeSet<SpanId> = spans()
        .filter(|span| !span.is_pending())
        .map(|span| span.span_id)
        .collect();
    spans()
        .filter_map(Span::open_span)
        .any(|(id, _)| !finished.contains(&id))
}

/// The spans of a tree, siblings in an order that depends on nothing but what they are.
fn lines(stray: bool, tree: &Tree<'_>, attributes: &[&str]) -> Vec<ShapeLine> {
    let labels: Vec<String> = tree
        .nodes()
        .map(|(node, _)| label(stray, tree, node, attributes))
        .collect();
    let mut prints = vec![0u64; tree.len()];
    // In a walk everybody comes before their children, so backwards all children are known.
    let walk: Vec<NodeIndex> = tree.walk().map(|visit| visit.node).collect();
    for &node in walk.iter().rev() {
        let mut below: Vec<u64> = tree
            .children(node)
            .iter()
            .map(|child| prints[child.get()])
            .collect();
        below.sort_unstable();
        let mut print = Fingerprint::new();
        print.add(labels[node.get()].as_bytes());
        below.iter().for_each(|child| print.add(&child.to_be_bytes()));
        prints[node.get()] = print.0;
    }
    let order = |nodes: &mut Vec<NodeIndex>| {
        nodes.sort_by(|a, b| {
            let key = |node: &NodeIndex| (labels[node.get()].as_str(), prints[node.get()]);
            key(b).cmp(&key(a))
        });
    };
    let mut tops: Vec<NodeIndex> = tree.roots().chain(tree.orphans()).chain(tree.circles()).collect();
    order(&mut tops);
    let mut stack: Vec<(usize, NodeIndex)> = tops.into_iter().map(|top| (0, top)).collect();
    let mut lines = Vec::with_capacity(tree.len());
    while let Some((depth, node)) = stack.pop() {
        lines.push(ShapeLine {
            depth,
            what: labels[node.get()].clone(),
        });
        let mut children = tree.children(node).to_vec();
        order(&mut children);
        stack.extend(children.into_iter().map(|child| (depth + 1, child)));
    }
    lines
}

fn label(stray: bool, tree: &Tree<'_>, node: NodeIndex, attributes: &[&str]) -> String {
    let span = tree.span(node);
    let start = match tree.node(node).parent {
        Parent::Missing(_) => "orphan ",
        Parent::Circle(_) => "circle ",
        Parent::None | Parent::Caller(_) if stray => "stray ",
        _ => "",
    };
    let mut label = format!("{start}{} {} `{}`", Place::of(span), span.kind, span.name);
    if span.status.is_error() {
        label.push_str(" error");
    }
    for name in attributes {
        if let Some(value) = attribute(span, name) {
            label.push_str(&format!(" {name}={value}"));
        }
    }
    words::clean(&label)
}

/// FNV-1a: the same number for the same subtree in every run and release. It only orders siblings that look alike.
struct Fingerprint(u64);

impl Fingerprint {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().chain(&[0]) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Shape, Trace};
    use crate::site::Site;
    use crate::span::SpanKind;
    use crate::testing::Recording;

    #[test]
    fn a_shape_reads_like_the_call_tree() {
        insta::assert_snapshot!(Shape::of(&Recording::checkout().evidence(), &["order.customer_id"]), @"
        storefront@cluster server `POST /checkout`
          storefront@cluster client `POST /api/orders`
            order-service@workstation server `POST /api/orders`
              order-service@workstation internal `create-order` order.customer_id=c-7
                order-service@workstation client `GET /api/check`
                  inventory-service@cluster server `GET /api/check`
                order-service@workstation internal `process_order`
        ");
    }

    #[test]
    fn a_difference_is_shown_where_it_is() {
        let here = Shape::of(&Recording::checkout().evidence(), &["order.id"]);
        let mut other = Recording::checkout_with(Site::Cluster);
        other.attribute(
            other.id_of(SpanKind::Internal, "create-order"),
            "order.id",
            "ord-2",
        );
        other.lose_header(other.id_of(SpanKind::Server, "GET /api/check"), 0);
        let there = Shape::of(&other.evidence(), &["order.id"]);
        insta::assert_snapshot!(here.diff(&there).unwrap_or_default(), @"
          storefront@cluster server `POST /checkout`
            storefront@cluster client `POST /api/orders`
        -     order-service@workstation server `POST /api/orders`
        -       order-service@workstation internal `create-order` order.id=ord-1
        -         order-service@workstation client `GET /api/check`
        -           inventory-service@cluster server `GET /api/check`
        -         order-service@workstation internal `process_order`
        +     order-service@cluster server `POST /api/orders`
        +       order-service@cluster internal `create-order` order.id=ord-2
        +         order-service@cluster client `GET /api/check`
        +         order-service@cluster internal `process_order`
        + stray inventory-service@cluster server `GET /api/check`
        ");
        assert_eq!(here.diff(&here), None);
    }

    #[test]
    fn other_words_make_the_shape_of_the_other_place() {
        let workstation = Shape::of(&Recording::checkout().evidence(), &[]);
        let cluster = Shape::of(&Recording::checkout_with(Site::Cluster).evidence(), &[]);
        assert_ne!(workstation, cluster);
        assert_eq!(
            workstation.reworded(|line| line.replace("@workstation", "@cluster")),
            cluster
        );
    }

    #[rstest::rstest]
    #[case::the_record_has_the_span_s_id(false)]
    #[case::the_record_is_a_child_of_the_span(true)]
    fn a_trace_has_a_shape_once_its_open_spans_have_ended(#[case] child: bool) {
        let recording = Recording::checkout();
        let id = recording.id_of(SpanKind::Internal, "process_order");
        let ended = recording.evidence().trace.unwrap();
        let mut spans = ended.spans().to_vec();
        let at = spans.iter().position(|span| span.span_id == id).unwrap();
        let mut record = spans[at].clone();
        record
            .attributes
            .insert(crate::names::PENDING.to_owned(), crate::span::Value::Bool(true));
        if child {
            record.parent = Some(id);
            record.name.push_str(" (open)");
            record.span_id = "00000000000012ab".parse().unwrap();
        }
        spans.push(record);
        let beside = Trace::new(ended.id(), spans.clone());
        assert_ne!(Shape::of(&beside, &[]).lines()[0].what, "a trace with open spans");
        spans.remove(at);
        let open = Trace::new(ended.id(), spans);
        assert_eq!(Shape::of(&open, &[]).to_string(), "a trace with open spans\n");
    }

    #[test]
    fn a_shape_can_be_kept_and_read_again() {
        let shape = Shape::of(&Recording::checkout().evidence(), &[]);
        let json = serde_json::to_string(&shape).expect("text and numbers");
        assert_eq!(serde_json::from_str::<Shape>(&json).ok(), Some(shape));
    }

    #[test]
    fn the_difference_of_large_shapes_is_short() {
        let mut here = Recording::new(1);
        let at = crate::At::cluster("a");
        let root = here.span(None, &at, SpanKind::Server, "root");
        (0..3000).for_each(|number| {
            here.span(Some(root), &at, SpanKind::Internal, &format!("work-{number:04}"));
        });
        let mut there = here.clone();
        there.drop_spans(|span| span.name == "work-1500");
        let diff = Shape::of(&here.evidence(), &[])
            .diff(&Shape::of(&there.evidence(), &[]))
            .unwrap_or_default();
        insta::assert_snapshot!(diff, @"
          …
            a@cluster internal `work-1497`
            a@cluster internal `work-1498`
            a@cluster internal `work-1499`
        -   a@cluster internal `work-1500`
            a@cluster internal `work-1501`
            a@cluster internal `work-1502`
            a@cluster internal `work-1503`
        ");
        there.edit_service("a", |span| span.name.push('!'));
        let diff = Shape::of(&here.evidence(), &[])
            .diff(&Shape::of(&there.evidence(), &[]))
            .unwrap_or_default();
        assert!(diff.lines().count() <= 201, "{diff}");
    }
}
