//! The commands of the demo, as they are typed.

use testbed::Selection;

use crate::scenario::topology::IN_STOCK;
use crate::scenario::{self, Fault};
use crate::switch::{UnseenHeader, by_header};

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Words {
    /// Place an order; `plain` leaves the header of a filtered intercept out.
    Order { sku: String, quantity: u32, plain: bool },
    /// Send the traffic to a process on the workstation.
    Intercept(Selection),
    /// Give it back.
    Leave,
    /// Break something on purpose.
    Break(Break),
    /// Mend what was broken.
    Mend,
    /// Show the last trace as a tree.
    Trace,
    /// Say where the last trace, or Jaeger, is seen.
    Open,
    /// Show who runs where.
    Map,
    /// List the commands.
    Help,
    /// End the demo.
    Quit,
}

/// One of the faults that the scenarios' twins are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Break {
    pub(super) name: &'static str,
    pub(super) fault: Fault,
}

/// A line that is no command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Misunderstood {
    #[error("`{0}` is no command")]
    Command(String),
    #[error("`{0}` is no number of pieces")]
    Quantity(String),
    #[error("`{command}` takes no `{word}`")]
    Surplus { command: &'static str, word: String },
    #[error(transparent)]
    Header(#[from] UnseenHeader),
    #[error("`{0}` is nothing that can be broken")]
    Fault(String),
}

impl Misunderstood {
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Command(_) => "`help` lists the commands".to_owned(),
            Self::Quantity(_) | Self::Surplus { command: "order", .. } => {
                "`order [sku] [quantity] [plain]`".to_owned()
            }
            Self::Surplus { .. } => "`help` lists the commands".to_owned(),
            Self::Header(_) => "`intercept x-debug=me`".to_owned(),
            Self::Fault(_) => format!(
                "there are {}",
                breaks()
                    .map(|one| format!("`{}`", one.name))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        }
    }
}

/// Reads a line; `None` for an empty one and for a comment.
pub(super) fn parse(line: &str) -> Result<Option<Words>, Misunderstood> {
    let mut words = line.split_whitespace();
    let Some(command) = words.next().filter(|word| !word.starts_with('#')) else {
        return Ok(None);
    };
    let rest: Vec<&str> = words.collect();
    let alone = |command: &'static str, words: Words| match rest.first() {
        None => Ok(words),
        Some(word) => Err(Misunderstood::Surplus {
            command,
            word: (*word).to_owned(),
        }),
    };
    let understood = match command {
        "order" => order(&rest)?,
        "intercept" if rest.is_empty() => Words::Intercept(Selection::All),
        "intercept" => Words::Intercept(by_header(&rest.join(" "))?),
        "leave" => alone("leave", Words::Leave)?,
        "break" => Words::Break(find(&rest.join(" "))?),
        "mend" => alone("mend", Words::Mend)?,
        "trace" => alone("trace", Words::Trace)?,
        "open" => alone("open", Words::Open)?,
        "map" => alone("map", Words::Map)?,
        "help" | "?" => Words::Help,
        "quit" | "exit" => alone("quit", Words::Quit)?,
        other => return Err(Misunderstood::Command(other.to_owned())),
    };
    Ok(Some(understood))
}

fn order(rest: &[&str]) -> Result<Words, Misunderstood> {
    let plain = rest.last() == Some(&"plain");
    let rest = if plain { &rest[..rest.len() - 1] } else { rest };
    let quantity = match rest.get(1) {
        Some(text) => text
            .parse()
            .map_err(|_| Misunderstood::Quantity((*text).to_owned()))?,
        None => 1,
    };
    if let Some(word) = rest.get(2) {
        return Err(Misunderstood::Surplus {
            command: "order",
            word: (*word).to_owned(),
        });
    }
    Ok(Words::Order {
        sku: (*rest.first().unwrap_or(&IN_STOCK)).to_owned(),
        quantity,
        plain,
    })
}

/// What can be broken while a demo runs: the faults of the main scenario's twins that are in a process or on the way.
fn breaks() -> impl Iterator<Item = Break> {
    let main = scenario::ALL
        .iter()
        .find(|scenario| scenario.name == "intercepted_order_is_one_trace");
    let twins = main.into_iter().flat_map(|scenario| scenario.twins);
    twins
        .filter(|twin| matches!(twin.fault, Fault::Workstation(_) | Fault::Path(_)))
        .map(|twin| Break {
            name: twin.name,
            fault: twin.fault,
        })
}

/// A fault by its name or a part of it; propagation when nothing is named.
fn find(text: &str) -> Result<Break, Misunderstood> {
    let wanted = if text.is_empty() { "propagation" } else { text };
    breaks()
        .find(|one| one.name == wanted)
        .or_else(|| breaks().find(|one| one.name.contains(wanted)))
        .ok_or_else(|| Misunderstood::Fault(text.to_owned()))
}

/// The commands with what they do.
pub(super) fn help() -> String {
    let mut help = "\
order [sku] [quantity] [plain]   place an order; with the intercept's header, unless it is to be plain
intercept [x-debug=value]        order-service on the workstation takes the traffic, or only that with the header
leave                            give the traffic back to the cluster
break [fault]                    break something on purpose, propagation when nothing is named:
"
    .to_owned();
    for one in breaks() {
        help.push_str(&format!("  {:<38} {}\n", one.name, one.fault.describe()));
    }
    help.push_str(
        "\
mend                             mend what was broken
trace                            the last trace as a tree
open                             where the last trace, or Jaeger, is seen in a browser
map                              who runs where
help                             this list
quit                             undo everything and end
",
    );
    help
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use testbed::Disturbance;

    use super::*;

    fn ordered(sku: &str, quantity: u32, plain: bool) -> Words {
        Words::Order {
            sku: sku.to_owned(),
            quantity,
            plain,
        }
    }

    #[rstest]
    #[case("order", ordered("WIDGET-001", 1, false))]
    #[case("  order   SOLDOUT-001 3 ", ordered("SOLDOUT-001", 3, false))]
    #[case("order plain", ordered("WIDGET-001", 1, true))]
    #[case("order WIDGET-001 2 plain", ordered("WIDGET-001", 2, true))]
    #[case("quit", Words::Quit)]
    #[case("intercept", Words::Intercept(Selection::All))]
    fn commands_are_understood(#[case] line: &str, #[case] words: Words) {
        assert_eq!(parse(line), Ok(Some(words)));
    }

    #[rstest]
    #[case("intercept me")]
    #[case("intercept x-debug=me")]
    #[case("intercept X-Debug: me")]
    fn a_header_is_understood_in_every_spelling(#[case] line: &str) {
        let selection = Selection::Header {
            name: "x-debug".to_owned(),
            value: "me".to_owned(),
        };
        assert_eq!(parse(line), Ok(Some(Words::Intercept(selection))));
    }

    #[rstest]
    #[case("", "propagation_stripped_in_order_service")]
    #[case("on_the_way", "propagation_stripped_on_the_way")]
    #[case("exporter_silent", "exporter_silent")]
    fn a_fault_is_found_by_a_part_of_its_name(#[case] word: &str, #[case] name: &str) {
        let Ok(Some(Words::Break(found))) = parse(&format!("break {word}")) else {
            panic!("no fault")
        };
        assert_eq!(found.name, name);
    }

    #[test]
    fn the_way_can_be_broken_too() {
        assert!(breaks().any(|one| one.fault == Fault::Path(Disturbance::StripTraceContext)));
    }

    #[test]
    fn nothing_and_comments_are_no_commands() {
        assert_eq!(parse("   "), Ok(None));
        assert_eq!(parse("# order"), Ok(None));
    }

    #[rstest]
    #[case("ordre")]
    #[case("order WIDGET-001 many")]
    #[case("order WIDGET-001 2 3")]
    #[case("leave now")]
    #[case("intercept x-user=me")]
    #[case("intercept x-debug=")]
    #[case("break everything")]
    fn what_is_misunderstood_says_what_would_be_understood(#[case] line: &str) {
        let error = parse(line).unwrap_err();
        insta::with_settings!({description => line}, {
            insta::assert_snapshot!(
                line.replace([' ', '='], "_"),
                format!("{error}\nhint: {}", error.hint())
            );
        });
    }

    #[test]
    fn help_lists_every_command() {
        insta::assert_snapshot!(help());
    }
}
