//! A trace as a Mermaid sequence diagram, which GitHub and many editors draw.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::picture::Picture;
use crate::names;
use crate::route::Place;
use crate::span::{Span, SpanKind};
use crate::tree::{NodeIndex, Parent, Tree};
use crate::words;

/// How large a diagram may become. Mermaid refuses very large ones, and nobody reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MermaidOptions {
    /// Calls and notes drawn at most; the rest is counted.
    pub steps: usize,
    /// Participants drawn at most; spans of others are counted among the rest.
    pub participants: usize,
}

impl Default for MermaidOptions {
    /// 60 steps, 12 participants.
    fn default() -> Self {
        Self {
            steps: 60,
            participants: 12,
        }
    }
}

/// Draws who called whom: an arrow for each span whose parent is in another place, a note for each internal span and for each call
/// that nobody answered. Lines end with `\n`.
#[must_use]
pub fn mermaid<'e>(picture: impl Into<Picture<'e>>, options: &MermaidOptions) -> String {
    let picture = picture.into();
    let mut diagram = Diagram {
        options: *options,
        participants: Vec::new(),
        known: HashMap::new(),
        steps: String::new(),
        drawn: 0,
        hidden: 0,
    };
    for (stray, tree) in &picture.trees() {
        diagram.add(*stray, tree);
    }
    diagram.finish()
}

struct Diagram {
    options: MermaidOptions,
    /// Declarations in the order in which they are needed.
    participants: Vec<String>,
    known: HashMap<String, usize>,
    steps: String,
    drawn: usize,
    hidden: usize,
}

/// A call that was drawn and whose answer has to follow.
struct Open<'t> {
    depth: usize,
    from: usize,
    to: usize,
    span: &'t Span,
}

impl Diagram {
    fn add(&mut self, stray: bool, tree: &Tree<'_>) {
        let mut open: Vec<Open<'_>> = Vec::new();
        for visit in tree.walk() {
            while let Some(call) = open.pop_if(|call| call.depth >= visit.depth) {
                self.answer(&call);
            }
            let span = tree.span(visit.node);
            let place = Place::of(span);
            let before = tree.parent(visit.node).map(|parent| Place::of(tree.span(parent)));
            if before == Some(place) {
                self.inside(tree, visit.node);
                continue;
            }
            let from = match before {
                Some(before) => before.to_string(),
                None => origin(stray, tree, visit.node),
            };
            let (Some(from), Some(to)) = (self.participant(&from), self.participant(&place.to_string()))
            else {
                self.hidden += 1;
                continue;
            };
            if self.step(&format!("p{from}->>+p{to}: {}", escape(&span.name))) {
                open.push(Open {
                    depth: visit.depth,
                    from,
                    to,
                    span,
                });
            }
        }
        while let Some(call) = open.pop() {
            self.answer(&call);
        }
    }

    fn answer(&mut self, call: &Open<'_>) {
        let Open { from, to, span, .. } = call;
        let took = words::duration(span.duration());
        let _ = match span.error() {
            Some(error) => writeln!(self.steps, "    p{to}--x-p{from}: {} ({took})", escape(&error)),
            None => match span.attributes.get(names::HTTP_STATUS) {
                Some(status) => {
                    writeln!(
                        self.steps,
                        "    p{to}-->>-p{from}: {} ({took})",
                        escape(&status.to_string())
                    )
                }
                None => writeln!(self.steps, "    p{to}-->>-p{from}: {took}"),
            },
        };
    }

    /// A span that did not leave its place: worth a note when it is work of its own, or a call without an answer.
    fn inside(&mut self, tree: &Tree<'_>, node: NodeIndex) {
        let span = tree.span(node);
        let unanswered = span.kind == SpanKind::Client && tree.children(node).is_empty();
        let own = matches!(span.kind, SpanKind::Internal | SpanKind::Unspecified);
        if !unanswered && !own {
            return;
        }
        let Some(place) = self.participant(&Place::of(span).to_string()) else {
            self.hidden += 1;
            return;
        };
        let mut told = escape(&span.name);
        if let Some(error) = span.error() {
            let _ = write!(told, ": {}", escape(&error));
        } else if unanswered {
            told.push_str(" (no span of whoever answered)");
        }
        let _ = write!(told, " ({})", words::duration(span.duration()));
        self.step(&format!("Note over p{place}: {told}"));
    }

    fn step(&mut self, step: &str) -> bool {
        if self.drawn == self.options.steps {
            self.hidden += 1;
            return false;
        }
        self.drawn += 1;
        let _ = writeln!(self.steps, "    {step}");
        true
    }

    fn participant(&mut self, name: &str) -> Option<usize> {
        if let Some(&number) = self.known.get(name) {
            return Some(number);
        }
        if self.participants.len() == self.options.participants {
            return None;
        }
        let number = self.participants.len();
        self.participants
            .push(format!("    participant p{number} as {}", escape(name)));
        self.known.insert(name.to_owned(), number);
        Some(number)
    }

    fn finish(self) -> String {
        let mut out = String::from("sequenceDiagram\n");
        for participant in &self.participants {
            let _ = writeln!(out, "{participant}");
        }
        out.push_str(&self.steps);
        if self.participants.is_empty() {
            out.push_str("    participant p0 as no span\n");
        }
        if self.hidden > 0 {
            let _ = writeln!(
                out,
                "    Note over p0: {} not drawn",
                words::amount(self.hidden, "more step")
            );
        }
        out
    }
}

/// Who is drawn as the caller of a span without a parent in this trace.
fn origin(stray: bool, tree: &Tree<'_>, top: NodeIndex) -> String {
    match tree.node(top).parent {
        Parent::Missing(_) => "parent missing".to_owned(),
        Parent::Circle(_) => "circle of parents".to_owned(),
        _ if stray => format!("other trace {}", tree.span(top).trace_id.short()),
        _ => "caller".to_owned(),
    }
}

/// Mermaid ends a text at `;` and a line's end, reads `#…;` as a character and `%%` as a comment, and hands `<` to the browser.
fn escape(text: &str) -> String {
    const MOST: usize = 80;
    let text = words::clip(words::clean(text).trim(), MOST);
    if text.is_empty() {
        return "(no name)".to_owned();
    }
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '#' | ';' | '%' | '<' | '>' | '"' | '&' | '\\' | '`' | '{' | '}' => {
                let _ = write!(escaped, "#{};", character as u32);
            }
            character => escaped.push(character),
        }
    }
    escaped
}
