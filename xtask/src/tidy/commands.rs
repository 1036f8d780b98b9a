//! Commands in documents and in messages are commands that exist.

use std::collections::{BTreeMap, BTreeSet};

use clap::CommandFactory;

use super::scan;
use super::{Material, Problem};
use crate::artifact;
use crate::cli::Cli;
use crate::command::Invocation;
use crate::workspace::Workspace;

/// What can be typed after `cargo xtask`.
#[derive(Debug, Default)]
pub(super) struct CommandLine {
    pub(super) verbs: BTreeMap<String, Options>,
    pub(super) scenarios: BTreeSet<String>,
    /// Code and meaning, in the program's order.
    pub(super) exit_codes: Vec<(String, String)>,
}

/// The options of a verb.
#[derive(Debug)]
pub(super) enum Options {
    /// They belong to a program that is not ours.
    Foreign,
    /// Option to the values that it takes; none means any.
    Known(BTreeMap<String, BTreeSet<String>>),
}

impl CommandLine {
    /// Asks the programs themselves.
    pub(super) fn of(workspace: &Workspace) -> anyhow::Result<Self> {
        let Ok(binaries) = artifact::build(workspace, &artifact::EMBEDDED, &[])? else {
            anyhow::bail!("the commands in documents can't be checked: the binaries do not build");
        };
        let ask = |args: &[&str]| -> anyhow::Result<String> {
            let answer = Invocation::new(binaries.get(artifact::THROUGHLINE)?)
                .args(args)
                .capture()?;
            Ok(String::from_utf8_lossy(&answer).into_owned())
        };
        let mut verbs = BTreeMap::new();
        for verb in Cli::command().get_subcommands() {
            let options = match verb.get_name() {
                "test" | "bench" => Options::Foreign,
                name if verb.is_disable_help_flag_set() => Options::Known(options(&ask(&[name, "-h"])?)),
                _ => Options::Known(options(&verb.clone().render_help().to_string())),
            };
            verbs.insert(verb.get_name().to_owned(), options);
        }
        let listed = ask(&["e2e", "--list"])?;
        let scenarios = listed
            .lines()
            .map(str::trim)
            .filter(|line| !line.contains(' '))
            .map(str::to_owned);
        let codes = ask(&["exit-codes"])?;
        let exit_codes = codes.lines().filter_map(|line| {
            let (code, meaning) = line.trim().split_once(' ')?;
            Some((code.to_owned(), meaning.trim().to_owned()))
        });
        Ok(Self {
            verbs,
            scenarios: scenarios.collect(),
            exit_codes: exit_codes.collect(),
        })
    }

    /// What is wrong with the words after `cargo xtask`.
    fn complaint(&self, words: &[&str]) -> Option<String> {
        let (verb, rest) = words.split_first()?;
        if is_placeholder(verb) || matches!(*verb, "-h" | "--help") {
            return None;
        }
        let Some(options) = self.verbs.get(*verb) else {
            return Some(format!("`cargo xtask {verb}`: there is no such verb"));
        };
        let Options::Known(options) = options else {
            return None;
        };
        let mut words = rest.iter().copied();
        while let Some(word) = words.next() {
            if word == "--" {
                break; // what follows belongs to another program
            }
            if !word.starts_with('-') {
                continue; // the value of an option that takes any
            }
            let (name, value) = word
                .split_once('=')
                .map_or((word, None), |(name, value)| (name, Some(value)));
            let Some(values) = options.get(name) else {
                return Some(format!("`cargo xtask {verb} {name}`: there is no such option"));
            };
            if name == "--scenario" || !values.is_empty() {
                let value = value.or_else(|| words.next()).unwrap_or_default();
                let known = if name == "--scenario" {
                    &self.scenarios
                } else {
                    values
                };
                if !is_placeholder(value) && !known.contains(value) {
                    return Some(format!(
                        "`cargo xtask {verb} {name} {value}`: there is no such value"
                    ));
                }
            }
        }
        None
    }
}

/// `<name>`, `{name}`, `$NAME`, `…`, `NAME`: to be filled in by the reader or the program.
fn is_placeholder(word: &str) -> bool {
    let upper = word.len() > 1
        && word
            .chars()
            .all(|letter| letter.is_ascii_uppercase() || letter == '_');
    upper || word.starts_with(['<', '{', '[', '$', '…'])
}

/// The options in a page of short help: `-e, --env <ENV>  About [possible values: a, b]`.
fn options(help: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut options = BTreeMap::new();
    for line in help
        .lines()
        .map(str::trim_start)
        .filter(|line| line.starts_with('-'))
    {
        let (names, about) = line.split_once("  ").unwrap_or((line, ""));
        let listed = about
            .split_once("[possible values: ")
            .and_then(|(_, rest)| rest.split_once(']'));
        let values: BTreeSet<String> = listed
            .map(|(values, _)| values.split(", ").map(str::to_owned).collect())
            .unwrap_or_default();
        for name in names.split([',', ' ']).filter(|name| name.starts_with('-')) {
            options.insert(name.to_owned(), values.clone());
        }
    }
    options
}

/// Every `cargo xtask …` in documents, and in backticks in the sources (hints, help), is one that works.
pub(super) fn commands(material: &Material) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut check = |path: &str, index: usize, text: &str| {
        let simple = text
            .split(" | ")
            .flat_map(|part| part.split(" && "))
            .map(str::trim);
        for command in simple {
            let words: Vec<&str> = command
                .split_whitespace()
                .take_while(|word| *word != "#")
                .collect();
            if let ["cargo", "xtask", rest @ ..] = words.as_slice()
                && let Some(what) = material.commands.complaint(rest)
            {
                problems.push(Problem::line(path, index, what));
            }
        }
    };
    for (path, document) in material.tree.ending(&[".md"]) {
        for fenced in scan::fenced(document) {
            let line = fenced.line.trim();
            match line.strip_prefix("$ ") {
                Some(command) => check(path, fenced.index, command),
                None if fenced.language != "console" => check(path, fenced.index, line),
                None => {} // what a command printed
            }
        }
        for (index, command) in scan::spans(document) {
            check(path, index, &command);
        }
    }
    // Workflows and the pipeline's script: every line, whatever is before and behind the command.
    let scripts = material.tree.files().filter(|(path, _)| is_script(path));
    for (path, text) in scripts {
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !is_comment(line)) {
            if let Some(place) = line.find("cargo xtask") {
                check(
                    path,
                    index,
                    line[place..]
                        .split([';', '<', '>', '"'])
                        .next()
                        .unwrap_or_default(),
                );
            }
        }
    }
    for (path, source) in material
        .tree
        .ending(&[".rs"])
        .filter(|(path, _)| !path.starts_with("xtask/src/tidy/"))
    {
        for (index, line) in source.lines().enumerate() {
            scan::ticked(line).for_each(|command| check(path, index, command));
        }
    }
    problems
}

fn is_script(path: &str) -> bool {
    path.starts_with(".ci/") || path.starts_with(".github/")
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELP: &str = "
Usage: throughline e2e [OPTIONS]

Options:
      --env <ENV>        Environment [env: THROUGHLINE_ENV=] [default: auto] [possible values: auto, embedded]
      --scenario <NAME>  Run only this scenario
  -v, --verbose          Show every step
";

    fn check(document: &str) -> Vec<String> {
        let mut material = Material::from([("README.md", document)]);
        material.commands.verbs = BTreeMap::from([
            ("e2e".to_owned(), Options::Known(options(HELP))),
            ("tidy".to_owned(), Options::Known(BTreeMap::new())),
            ("test".to_owned(), Options::Foreign),
        ]);
        material.commands.scenarios = BTreeSet::from(["baseline".to_owned()]);
        commands(&material)
            .into_iter()
            .map(|problem| problem.to_string())
            .collect()
    }

    #[test]
    fn commands_that_exist_pass() {
        let document = "
Run `cargo xtask e2e --env embedded -v` or `cargo xtask e2e --scenario <name>`, `cargo xtask <verb>`, `cargo xtask`.
```console
$ cargo xtask e2e --scenario baseline --env=auto   # one
$ cargo xtask e2e --scenario baseline -- tool --fast
$ cargo xtask test trace -- --nocapture | tail
cargo xtask printed by something
```
";
        assert_eq!(check(document), [""; 0]);
    }

    #[test]
    fn a_verb_that_does_not_exist_is_reported() {
        assert_eq!(
            check("\nRun `cargo xtask dance`.\n"),
            ["README.md:2: `cargo xtask dance`: there is no such verb"]
        );
    }

    #[test]
    fn options_and_values_that_do_not_exist_are_reported() {
        for document in [
            "`cargo xtask e2e --fast`",
            "`cargo xtask tidy --fast`",
            "`cargo xtask e2e --env kind`",
            "`cargo xtask e2e --env=kind`",
            "`cargo xtask e2e --scenario nonsense`",
            "```sh\ncargo xtask e2e --fast\n```",
            "```console\n$ true && cargo xtask e2e --fast\n```",
        ] {
            assert_eq!(check(document).len(), 1, "{document}");
        }
    }

    #[test]
    fn a_step_of_a_workflow_that_does_not_exist_is_reported() {
        let check = |path: &str, text: &str| {
            let mut material = Material::from([(path, text)]);
            let ci = "      --lane <LANE>  Only this lane [possible values: embedded, kind]";
            material.commands.verbs = BTreeMap::from([("ci".to_owned(), Options::Known(options(ci)))]);
            commands(&material).len()
        };
        let workflow = ".github/workflows/e2e.yml";
        assert_eq!(check(workflow, "      - run: cargo xtask ci --lane kind\n"), 0);
        assert_eq!(check(workflow, "      - run: cargo xtask ci --lane moon\n"), 1);
        assert_eq!(check(workflow, "      # cargo xtask dance\n"), 0);
        assert_eq!(check(".ci/run", "exec cargo xtask ci --fast </dev/null\n"), 1);
    }

    #[test]
    fn a_hint_in_the_sources_is_checked_too() {
        let mut material = Material::from([(
            "crates/a/src/lib.rs",
            "//! A.\nconst HINT: &str = \"`cargo xtask up`\";\n",
        )]);
        assert_eq!(commands(&material).len(), 1);
        material.commands.verbs.insert("up".to_owned(), Options::Foreign);
        assert_eq!(commands(&material), []);
    }
}
