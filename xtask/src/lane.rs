//! The lanes of a pipeline: which sections it runs, and what they leave for each other.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::command::{self, Invocation};
use crate::programs::Programs;
use crate::section::Section;

/// A part of a pipeline that is worth a job of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lane {
    /// Everything that needs nothing but Rust
    Embedded,
    /// Real Kubernetes and Telepresence: the scenarios, and their parity with `embedded`
    Kind,
    /// The tests that make clusters and containers of their own, again and again: many minutes
    Clusters,
}

/// What a pipeline was asked for, and what its sections found on the way.
#[derive(Debug, Default)]
pub(crate) struct Pipeline {
    /// Whether the programs for Kubernetes must be there: it was asked for by name.
    demands_kind: bool,
    /// Flags for every run on kind.
    pub(crate) kind_flags: Vec<&'static str>,
    /// The directory of the run in the embedded environment, once it was played.
    pub(crate) embedded: Option<PathBuf>,
    /// The directory of the run on kind, once it was played.
    pub(crate) kind: Option<PathBuf>,
}

/// Whether the sections on Kubernetes can run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// They can.
    There,
    /// They can't, and need not.
    Skipped {
        /// Why.
        reason: String,
    },
    /// They can't, and were asked for.
    Missing {
        /// Why.
        reason: String,
    },
}

impl Pipeline {
    /// A pipeline for this lane; without one, every section runs that this machine has the programs for.
    pub(crate) fn new(lane: Option<Lane>, download: bool) -> Self {
        Self {
            demands_kind: matches!(lane, Some(Lane::Kind | Lane::Clusters)),
            kind_flags: if download { vec!["--download"] } else { Vec::new() },
            ..Self::default()
        }
    }

    /// Whether the sections on Kubernetes can run here.
    pub(crate) fn kind_is_there(&self) -> Kind {
        let may_download = !self.kind_flags.is_empty();
        match lacking(may_download) {
            None => Kind::There,
            Some(reason) if self.demands_kind => Kind::Missing { reason },
            Some(reason) => Kind::Skipped { reason },
        }
    }
}

impl Lane {
    /// The sections of a lane; without one, those of the scenarios.
    pub(crate) fn sections(lane: Option<Self>) -> Vec<Section> {
        let on_kind = [Section::Kubernetes, Section::Parity];
        match lane {
            None => [Section::CHECK, &[Section::EndToEnd], &on_kind].concat(),
            Some(Self::Embedded) => [Section::CHECK, &[Section::EndToEnd]].concat(),
            // Parity needs a run to compare with.
            Some(Self::Kind) => [&[Section::EndToEnd], on_kind.as_slice()].concat(),
            Some(Self::Clusters) => vec![Section::Clusters, Section::Containers],
        }
    }
}

/// Why nothing can be played on kind. A Docker that does not run is no Docker; what can be downloaded is not missing.
fn lacking(may_download: bool) -> Option<String> {
    let flags = may_download.then(|| "--download".into());
    if let Some(program) = Programs::here(flags.as_slice()).lacking() {
        return Some(format!("{program} is not on PATH"));
    }
    let asked = Invocation::new("docker").args(["version", "--format", "{{.Server.Version}}"]);
    asked
        .capture()
        .err()
        .map(|_| "Docker does not answer (`docker version`)".to_owned())
}

/// Says why a section does not run.
pub(crate) fn tell(reason: &str) {
    command::say(&format!("skipped: {reason}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_section_is_in_no_lane() {
        let both = Lane::sections(None);
        let lanes = [Lane::Embedded, Lane::Kind].map(|lane| Lane::sections(Some(lane)));
        assert!(
            both.iter()
                .all(|section| lanes.iter().any(|lane| lane.contains(section)))
        );
    }

    #[test]
    fn parity_comes_after_both_runs_in_every_lane_that_has_it() {
        for lane in [None, Some(Lane::Kind)] {
            let sections = Lane::sections(lane);
            let place = |wanted| sections.iter().position(|section| *section == wanted);
            assert!(place(Section::EndToEnd) < place(Section::Parity));
            assert!(place(Section::Kubernetes) < place(Section::Parity));
            assert!(place(Section::EndToEnd).is_some() && place(Section::Kubernetes).is_some());
        }
    }
}
