//! The demo: an environment that stays up, every request through it as a line, and commands to play with it.

mod map;
mod player;
mod words;

use std::time::Instant;

use testbed::{Environment, Run};

use crate::exit::ExitCode;
use crate::input::Input;
use crate::live::{Follower, Scope};
use crate::places::Binaries;
use crate::session;
use player::{Next, Player};
use words::parse;

/// Brings the environment up, follows it and does what the input says, until it says so or Ctrl-C; undoes everything.
pub async fn run(run: &Run, environment: Box<dyn Environment>, binaries: &Binaries, input: Input) -> u8 {
    let began = Instant::now();
    let interrupted = run.interrupted();
    let opened = tokio::select! {
        biased;
        () = interrupted.cancelled() => Err(ExitCode::Interrupted),
        opened = session::open(run, environment, binaries, None) => opened,
    };
    let code = match opened {
        Ok(bed) => {
            let mut player = Player::new(bed);
            let follower = player.follower(Scope::Storefront);
            // Whatever is cut off here is put in order by `close`.
            let code = tokio::select! {
                biased;
                () = interrupted.cancelled() => ExitCode::Interrupted,
                code = play(run, &mut player, input, &follower) => code,
                () = follower.follow(run) => ExitCode::Interrupted,
            };
            player.close(code).await
        }
        Err(code) => code,
    };
    session::end(run, code, began, ExitCode::code).await
}

async fn play(run: &Run, player: &mut Player, mut input: Input, follower: &Follower) -> ExitCode {
    player.show_map().await;
    loop {
        let Some(line) = input.next().await else {
            if input.is_typed() {
                return ExitCode::Passed;
            }
            run.events()
                .note("end of the input: following requests until Ctrl-C");
            return std::future::pending().await;
        };
        let words = match parse(&line) {
            Ok(Some(words)) => words,
            Ok(None) => continue,
            Err(error) => {
                if input.is_typed() {
                    run.events().warn(error.to_string(), Some(error.hint()));
                    continue;
                }
                run.events().error(error.to_string(), Some(error.hint()));
                return ExitCode::Usage;
            }
        };
        if !input.is_typed() {
            run.events().note(format!("`{}`", line.trim()));
        }
        match player.play(words, follower).await {
            Ok(Next::GoOn) => {}
            Ok(Next::Quit) => return ExitCode::Passed,
            Err(refused) => {
                // A person reads and types again; a script was written for a demo that works.
                if !input.is_typed() {
                    run.events().error(refused.fact, refused.hint);
                    return refused.code;
                }
                run.events().warn(refused.fact, refused.hint);
            }
        }
    }
}

/// The commands, for `help` and the verb's own help.
#[must_use]
pub fn help() -> String {
    words::help()
}
