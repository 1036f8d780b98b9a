//! What a shell gets to complete the verbs of `cargo xtask`, and the pages of help.

use crate::program::World;

const VERBS: [&str; 9] = [
    "e2e",
    "demo",
    "intercept",
    "parity",
    "doctor",
    "down",
    "docs",
    "workshop",
    "completions",
];

#[test]
fn every_shell_completes_verbs_flags_and_values_and_those_of_the_front_door() {
    for shell in ["bash", "zsh", "fish"] {
        let finished = World::new()
            .run(&["completions", shell, "--also", "tidy=What lints can't see"])
            .expect_code(0);
        for word in ["demo", "intercept", "tidy", "watch-path", "embedded"] {
            assert!(finished.stdout.contains(word), "{shell}: {word}");
        }
    }
    World::new().run(&["completions", "dish"]).expect_code(2);
}

/// The flags change with every environment that is added; what they are for does not.
#[test]
fn help_of_every_verb_ends_with_what_to_type() {
    for verb in VERBS {
        let help = World::new().run(&[verb, "--help"]).expect_code(0).stdout;
        let typed = ["Commands, one a line", "Examples:"]
            .iter()
            .filter_map(|heading| help.find(heading))
            .min()
            .expect("examples");
        insta::assert_snapshot!(format!("help_{verb}"), &help[typed..]);
    }
}
