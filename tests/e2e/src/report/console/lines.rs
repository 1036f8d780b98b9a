//! Where the console's lines go: to a terminal's two streams, or into the one log of a pipeline.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use anstream::StripStream;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::report::github::command;
use crate::report::pipeline::Pipeline;

/// How often the mark of the current step turns: often enough to be seen to live.
const TURN: Duration = Duration::from_millis(100);

/// Lines of a run. A reader that went away (`… | head`) is not an error of the run.
#[derive(Debug)]
pub(super) enum Lines {
    /// Results on standard output, the story on standard error, and the current step while it goes on.
    Terminal(ProgressBar),
    /// Everything on standard output in the order in which it happened, each line with the time since then.
    Plain(Instant),
    /// Everything on standard output, with nothing in it that GitHub takes for a command.
    Github,
}

impl Lines {
    pub(super) fn of(pipeline: &Pipeline) -> Self {
        match pipeline {
            Pipeline::None => Self::Terminal(spinner()),
            Pipeline::Plain => Self::Plain(Instant::now()),
            Pipeline::Github { .. } => Self::Github,
        }
    }

    /// A line of the result.
    pub(super) fn out(&self, text: &str) {
        match self {
            Self::Terminal(spinner) => spinner.suspend(|| {
                let _ = writeln!(anstream::stdout(), "{text}");
            }),
            _ => self.log(text),
        }
    }

    /// A line of the story.
    pub(super) fn err(&self, text: &str) {
        match self {
            Self::Terminal(spinner) => spinner.suspend(|| {
                let _ = writeln!(anstream::stderr(), "{text}");
            }),
            _ => self.log(text),
        }
    }

    /// What goes on right now; nothing is shown while nothing does.
    pub(super) fn spin(&self, what: Option<&str>) {
        let Self::Terminal(spinner) = self else {
            return;
        };
        match what {
            Some(what) => {
                spinner.set_message(what.to_owned());
                if spinner.is_finished() {
                    spinner.reset();
                }
                spinner.enable_steady_tick(TURN);
            }
            None => spinner.finish_and_clear(),
        }
    }

    /// Without colours: the log is searched more often than it is looked at.
    fn log(&self, text: &str) {
        let mut stdout = StripStream::new(io::stdout());
        for row in text.lines() {
            let row = match self {
                Self::Plain(began) => timed(began.elapsed(), row),
                Self::Terminal(_) | Self::Github => command::harmless(row).into_owned(),
            };
            let _ = writeln!(stdout, "{row}");
        }
    }
}

/// A row with the time since the run began, in a column of its own.
fn timed(since: Duration, row: &str) -> String {
    format!("[{:>7.1} s] {row}", since.as_secs_f64())
}

/// The current step on a terminal; draws nothing elsewhere.
fn spinner() -> ProgressBar {
    let target = if io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let spinner = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg}") {
        spinner.set_style(style);
    }
    spinner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_stay_in_their_column() {
        assert_eq!(timed(Duration::from_millis(61), "ok"), "[    0.1 s] ok");
        assert_eq!(timed(Duration::from_secs(12_345), "ok"), "[12345.0 s] ok");
    }
}
