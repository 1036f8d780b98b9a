//! A trace that can be walked: parents, children, orphans, in time order, whatever the spans claim of each other.
//!
//! Nothing here recurses, so neither a chain of 100,000 spans nor a span that is its own grandparent does harm.

use std::collections::HashMap;

use super::{Trace, order};
use crate::id::SpanId;
use crate::span::Span;

/// A node's place in its [`Tree`]; smaller ones started earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIndex(u32);

impl NodeIndex {
    /// The place as a number from 0 to the tree's length.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

/// What a span says of its parent, checked against the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parent {
    /// It names none: a root.
    None,
    /// It names the caller's span, which nobody recorded: what the caller reached first.
    Caller(SpanId),
    /// It names a span of this trace.
    Span(NodeIndex),
    /// It names a span that is not in this trace: an orphan.
    Missing(SpanId),
    /// It names itself, or one of its own descendants. The circle is cut at its earliest span, which is this one.
    Circle(SpanId),
}

/// One span and how often it was delivered.
#[derive(Debug, Clone)]
pub struct Node<'t> {
    /// The span.
    pub span: &'t Span,
    /// Its parent.
    pub parent: Parent,
    /// How many exact copies were delivered, this one included: 1 unless an exporter sent it again.
    pub copies: usize,
}

/// One step of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visit {
    /// The node.
    pub node: NodeIndex,
    /// How far below its top it is; tops have depth 0.
    pub depth: usize,
    /// Whether no sibling follows.
    pub last: bool,
}

/// A trace with its parent links resolved and exact copies merged.
///
/// Spans that share an id and differ are all kept; they are listed in [`Tree::conflicts`], and children hang below the earliest.
#[derive(Debug, Clone)]
pub struct Tree<'t> {
    nodes: Vec<Node<'t>>,
    by_id: HashMap<SpanId, NodeIndex>,
    /// Children of node `n` are `children[first_child[n]..first_child[n + 1]]`, in time order.
    children: Vec<NodeIndex>,
    first_child: Vec<u32>,
    conflicts: Vec<SpanId>,
}

impl<'t> Tree<'t> {
    /// Resolves the parent links of a trace. `caller` is the span id that the caller put into `traceparent`.
    ///
    /// # Panics
    /// With more than 4,294,967,295 distinct spans, which no machine that this runs on can hold.
    #[must_use]
    pub fn new(trace: &'t Trace, caller: Option<SpanId>) -> Self {
        let mut nodes: Vec<Node<'t>> = Vec::with_capacity(trace.spans().len());
        for span in trace.spans() {
            match nodes.last_mut() {
                Some(node) if order::spans(node.span, span).is_eq() => node.copies += 1,
                _ => nodes.push(Node {
                    span,
                    parent: Parent::None,
                    copies: 1,
                }),
            }
        }
        assert!(
            u32::try_from(nodes.len()).is_ok(),
            "more spans than a node index can count"
        );

        let mut by_id = HashMap::with_capacity(nodes.len());
        let mut conflicts = Vec::new();
        for (place, node) in nodes.iter().enumerate() {
            by_id
                .entry(node.span.span_id)
                .and_modify(|_| conflicts.push(node.span.span_id))
                .or_insert(NodeIndex(place as u32));
        }
        conflicts.sort_unstable();
        conflicts.dedup();

        for node in &mut nodes {
            node.parent = match node.span.parent {
                None => Parent::None,
                Some(id) => match by_id.get(&id) {
                    Some(&parent) => Parent::Span(parent),
                    None if Some(id) == caller => Parent::Caller(id),
                    None => Parent::Missing(id),
                },
            };
        }
        cut_circles(&mut nodes);
        let (first_child, children) = gather_children(&nodes);
        Self {
            nodes,
            by_id,
            children,
            first_child,
            conflicts,
        }
    }

    /// How many distinct spans there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no span at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// A node of this tree.
    ///
    /// # Panics
    /// When the index comes from a larger tree.
    #[must_use]
    pub fn node(&self, index: NodeIndex) -> &Node<'t> {
        &self.nodes[index.get()]
    }

    /// A node's span.
    ///
    /// # Panics
    /// When the index comes from a larger tree.
    #[must_use]
    pub fn span(&self, index: NodeIndex) -> &'t Span {
        self.nodes[index.get()].span
    }

    /// All nodes in time order.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = (NodeIndex, &Node<'t>)> + DoubleEndedIterator {
        self.nodes
            .iter()
            .enumerate()
            .map(|(place, node)| (NodeIndex(place as u32), node))
    }

    /// All distinct spans in time order.
    pub fn spans(&self) -> impl ExactSizeIterator<Item = &'t Span> {
        self.nodes.iter().map(|node| node.span)
    }

    /// The earliest span with this id.
    #[must_use]
    pub fn find(&self, id: SpanId) -> Option<NodeIndex> {
        self.by_id.get(&id).copied()
    }

    /// The parent, when it is in the trace.
    #[must_use]
    pub fn parent(&self, index: NodeIndex) -> Option<NodeIndex> {
        match self.node(index).parent {
            Parent::Span(parent) => Some(parent),
            _ => None,
        }
    }

    /// Direct children in time order.
    #[must_use]
    pub fn children(&self, index: NodeIndex) -> &[NodeIndex] {
        let place = index.get();
        &self.children[self.first_child[place] as usize..self.first_child[place + 1] as usize]
    }

    /// The parent, its parent, and so on.
    pub fn ancestors(&self, index: NodeIndex) -> impl Iterator<Item = NodeIndex> {
        std::iter::successors(self.parent(index), |&parent| self.parent(parent))
    }

    /// The nearest ancestor whose span satisfies the condition.
    #[must_use]
    pub fn nearest(&self, index: NodeIndex, condition: impl Fn(&Span) -> bool) -> Option<NodeIndex> {
        self.ancestors(index)
            .find(|&ancestor| condition(self.span(ancestor)))
    }

    /// Where the trace begins: spans without a parent, and spans that the caller reached, in time order.
    pub fn roots(&self) -> impl Iterator<Item = NodeIndex> {
        self.having(|parent| matches!(parent, Parent::None | Parent::Caller(_)))
    }

    /// Spans whose parent is not in the trace, in time order.
    pub fn orphans(&self) -> impl Iterator<Item = NodeIndex> {
        self.having(|parent| matches!(parent, Parent::Missing(_)))
    }

    /// Spans at which a circle of parents was cut, in time order.
    pub fn circles(&self) -> impl Iterator<Item = NodeIndex> {
        self.having(|parent| matches!(parent, Parent::Circle(_)))
    }

    /// Ids that several different spans claim.
    #[must_use]
    pub fn conflicts(&self) -> &[SpanId] {
        &self.conflicts
    }

    /// How many deliveries were exact copies of an earlier one.
    #[must_use]
    pub fn resent(&self) -> usize {
        self.nodes.iter().map(|node| node.copies - 1).sum()
    }

    /// Depth first, children in time order: first below the roots, then below orphans, then below cut circles. Every node once.
    #[must_use]
    pub fn walk(&self) -> Walk<'_, 't> {
        let tops: Vec<NodeIndex> = self.roots().chain(self.orphans()).chain(self.circles()).collect();
        self.descend(&tops)
    }

    /// Depth first from the given nodes, in their order.
    #[must_use]
    pub fn descend(&self, tops: &[NodeIndex]) -> Walk<'_, 't> {
        let mut walk = Walk {
            tree: self,
            stack: Vec::new(),
        };
        walk.push(tops, 0);
        walk
    }

    fn having(&self, condition: impl Fn(Parent) -> bool) -> impl Iterator<Item = NodeIndex> {
        self.nodes()
            .filter(move |(_, node)| condition(node.parent))
            .map(|(index, _)| index)
    }
}

/// A walk through a [`Tree`], depth first.
#[derive(Debug, Clone)]
pub struct Walk<'a, 't> {
    tree: &'a Tree<'t>,
    stack: Vec<Visit>,
}

impl Walk<'_, '_> {
    fn push(&mut self, siblings: &[NodeIndex], depth: usize) {
        let end = siblings.len();
        let visits = siblings.iter().enumerate().rev();
        self.stack.extend(visits.map(|(place, &node)| Visit {
            node,
            depth,
            last: place + 1 == end,
        }));
    }
}

impl Iterator for Walk<'_, '_> {
    type Item = Visit;

    fn next(&mut self) -> Option<Visit> {
        let visit = self.stack.pop()?;
        self.push(self.tree.children(visit.node), visit.depth + 1);
        Some(visit)
    }
}

/// Follows parents upward from every node once; where that comes back to the path it is on, the earliest span of the circle
/// becomes a top.
fn cut_circles(nodes: &mut [Node<'_>]) {
    const UNSEEN: u32 = 0;
    let mut seen_in = vec![UNSEEN; nodes.len()];
    for start in 0..nodes.len() {
        let walk = start as u32 + 1;
        let mut at = start;
        while seen_in[at] == UNSEEN {
            seen_in[at] = walk;
            match nodes[at].parent {
                Parent::Span(parent) => at = parent.get(),
                _ => break,
            }
        }
        let Parent::Span(mut next) = nodes[at].parent else {
            continue;
        };
        if seen_in[at] != walk {
            continue;
        }
        let mut earliest = at;
        while next.get() != at {
            earliest = earliest.min(next.get());
            let Parent::Span(further) = nodes[next.get()].parent else {
                break;
            };
            next = further;
        }
        if let Some(id) = nodes[earliest].span.parent {
            nodes[earliest].parent = Parent::Circle(id);
        }
    }
}

/// Counting sort by parent; nodes are in time order, so children are too.
fn gather_children(nodes: &[Node<'_>]) -> (Vec<u32>, Vec<NodeIndex>) {
    let mut first_child = vec![0u32; nodes.len() + 1];
    for node in nodes {
        if let Parent::Span(parent) = node.parent {
            first_child[parent.get() + 1] += 1;
        }
    }
    for place in 0..nodes.len() {
        first_child[place + 1] += first_child[place];
    }
    let mut next = first_child.clone();
    let mut children = vec![NodeIndex(0); first_child[nodes.len()] as usize];
    for (place, node) in nodes.iter().enumerate() {
        if let Parent::Span(parent) = node.parent {
            children[next[parent.get()] as usize] = NodeIndex(place as u32);
            next[parent.get()] += 1;
        }
    }
    (first_child, children)
}
