//! What two traces of the same request have in common wherever they were recorded: services, sites, names, kinds, errors, chosen
//! attributes, and who is whose parent. Ids and times are left out, and so is the order among siblings.

mod diff;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::expect::attribute;
use crate::render::Picture;
use crate::route::Place;
use crate::tree::{NodeIndex, Parent, Tree};
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
    /// looked up as expectations do.
    #[must_use]
    pub fn of<'e>(picture: impl Into<Picture<'e>>, attributes: &[&str]) -> Self {
        let trees = picture.into().trees();
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
