//! What a page of the workshop shows: commands, and what they print.

/// A command with the lines that are shown below it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command<'p> {
    pub(super) line: &'p str,
    pub(super) shown: Vec<&'p str>,
}

/// Every command in the `console` blocks of a page.
pub(super) fn commands(page: &str) -> Vec<Command<'_>> {
    let mut commands: Vec<Command<'_>> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        let command = line.strip_prefix("$ ");
        match (line.strip_prefix("```"), command, commands.last_mut()) {
            (Some(language), ..) => inside = !inside && language == "console",
            (None, Some(line), _) if inside => commands.push(Command {
                line,
                shown: Vec::new(),
            }),
            (None, None, Some(command)) if inside => command.shown.push(line),
            _ => {}
        }
    }
    commands
}

/// What is typed into a command, when the line is `printf '…' | command`, and the command.
pub(super) fn piped(line: &str) -> (String, &str) {
    let parts = line
        .strip_prefix("printf '")
        .and_then(|rest| rest.split_once("' | "));
    match parts {
        Some((typed, command)) => (typed.replace("\\n", "\n"), command),
        None => (String::new(), line),
    }
}

/// The first line shown that was not printed where it should be. A line `…` stands for any lines, a `…` at the end of a
/// line for any rest of it. A command without anything below it may print what it likes.
pub(super) fn missing<'s>(shown: &'s [String], printed: &[String]) -> Option<&'s str> {
    if shown.is_empty() {
        return None;
    }
    let mut rest = printed;
    let mut anywhere = false;
    for line in shown {
        if line == "…" {
            anywhere = true;
            continue;
        }
        let place = rest.iter().position(|printed| alike(line, printed));
        match place {
            Some(place) if place == 0 || anywhere => rest = &rest[place + 1..],
            _ => return Some(line),
        }
        anywhere = false;
    }
    // Only a page that says so leaves the end out.
    (!anywhere && !rest.is_empty()).then_some("its end")
}

fn alike(shown: &str, printed: &str) -> bool {
    shown == printed
        || shown
            .strip_suffix('…')
            .is_some_and(|begin| printed.starts_with(begin))
}

#[test]
fn commands_and_what_they_print_are_found() {
    let page = "text\n```console\n$ one\nprinted\n$ two\n```\n```sh\n$ not this\n```\n$ nor this\n";
    let expected = [
        Command {
            line: "one",
            shown: vec!["printed"],
        },
        Command {
            line: "two",
            shown: Vec::new(),
        },
    ];
    assert_eq!(commands(page), expected);
}

#[test]
fn what_is_piped_is_typed() {
    assert_eq!(piped(r"printf 'a\nb\n' | c d"), ("a\nb\n".to_owned(), "c d"));
    assert_eq!(piped("c d | e"), (String::new(), "c d | e"));
}

#[test]
fn lines_left_out_are_those_that_are_said_to_be() {
    let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let printed = lines("a b c d");
    for good in ["a b c d", "… d", "a … d", "a …", "… b …", "a b c… d", "a … …"] {
        assert_eq!(missing(&lines(good), &printed), None, "{good}");
    }
    for (bad, names) in [("a c …", "c"), ("b …", "b"), ("a b c", "its end"), ("… d c", "c")] {
        assert_eq!(missing(&lines(bad), &printed), Some(names), "{bad}");
    }
}
