//! kind and Telepresence downloaded into the project's own folder: only when they are absent, only when that was allowed, and
//! only with a checksum that they have.

mod error;
mod fetch;

use std::path::{Path, PathBuf};
use std::time::Duration;

use testbed::{Examination, Missing, Run};

pub use error::DownloadError;
pub use fetch::{Bounds, fetch};
pub use upstream::source::{Platform, Source};

use crate::options::KindOptions;
use crate::pins::Pins;
use crate::program::Program;

/// The biggest program is Telepresence with some 90 MB. Whatever is much bigger is not what was asked for.
const BYTES: u64 = 400 << 20;
/// How long a download may take: on a slow line, not for ever.
pub(crate) const LIMIT: Duration = Duration::from_secs(600);
/// How long nothing may come.
const SILENCE: Duration = Duration::from_secs(30);

/// A download that can be done: everything about it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The program.
    pub program: Program,
    /// Where it comes from.
    pub url: String,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

/// What the pins say of a program on this platform.
///
/// # Errors
/// There is no address for the platform, or no checksum.
pub fn plan(pins: &Pins, program: Program, platform: &Platform) -> Result<Planned, DownloadError> {
    let version = program.version(pins);
    let pin = program.pin(platform).ok_or_else(|| DownloadError::Platform {
        program: program.name(),
        platform: platform.to_string(),
    })?;
    let source = pins.downloads.get(&pin);
    let url = source.map(|source| source.url(&version)).unwrap_or_default();
    match source.and_then(|source| source.sha256()) {
        Some(sha256) => Ok(Planned {
            program,
            url,
            sha256: sha256.to_owned(),
        }),
        None => Err(DownloadError::NoChecksum {
            program: program.name(),
            version,
            pin,
            url,
        }),
    }
}

/// What preflight says of a program that is absent and may be downloaded; `None` when the program itself is to be asked.
pub(crate) fn instead(options: &KindOptions, program: Program) -> Option<Examination> {
    let tools = &options.tools;
    let folder = tools.own_folder()?;
    if !options.plan.download || tools.is_on_path(program.name()) {
        return None;
    }
    match plan(&options.plan.pins, program, &Platform::this()) {
        Ok(planned) if fetch::has(&file(folder, program), &planned.sha256) => None,
        Ok(planned) => Some(Examination::fine(format!(
            "{} is downloaded from {}",
            program.name(),
            planned.url
        ))),
        // It was downloaded with a checksum once.
        Err(_) if file(folder, program).exists() => None,
        Err(error) => Some(Examination::missing([Missing::because(&error)])),
    }
}

/// Downloads those of these programs that are absent, when that is allowed.
///
/// # Errors
/// A program can't be had, or is not what it should be. Nothing of it stays.
pub(crate) async fn provide(
    run: &Run,
    options: &KindOptions,
    programs: &[Program],
) -> Result<(), DownloadError> {
    let tools = &options.tools;
    let Some(folder) = tools.own_folder().filter(|_| options.plan.download) else {
        return Ok(());
    };
    for program in programs {
        let target = file(folder, *program);
        if tools.is_on_path(program.name()) {
            continue;
        }
        let planned = match plan(&options.plan.pins, *program, &Platform::this()) {
            Ok(planned) if fetch::has(&target, &planned.sha256) => continue,
            Err(_) if target.exists() => continue,
            planned => planned?,
        };
        let bounds = Bounds {
            bytes: BYTES,
            silence: SILENCE,
        };
        // In the run's own folder until it is what it should be, so that a killed run leaves nothing elsewhere.
        let fresh = run.dir().file(format!("{}.download", program.name()));
        let deadline = run.deadline(LIMIT);
        let download = fetch(&planned, &fresh, &target, &bounds, &deadline);
        let show = |(): &()| format!("{} from {}", target.display(), planned.url);
        let step = format!("{} downloaded", program.name());
        run.step_showing(&step, LIMIT + SILENCE, download, show)
            .await
            .map_err(DownloadError::from)?;
    }
    Ok(())
}

fn file(folder: &Path, program: Program) -> PathBuf {
    folder.join(program.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pins(flags: &[&str]) -> Pins {
        let flags: Vec<_> = flags.iter().map(|flag| flag.parse().unwrap()).collect();
        Pins::decide(&flags, |_| None, None).unwrap()
    }

    fn linux(architecture: &str) -> Platform {
        Platform::new("linux", architecture)
    }

    #[test]
    fn the_version_of_the_pin_is_put_into_the_address() {
        let sum = "0".repeat(64);
        let pin = format!("kind-linux-amd64=https://mirror.example.com/{{version}}/kind@sha256:{sum}");
        let planned = plan(&pins(&[&pin, "kind=1.2.3"]), Program::Kind, &linux("x86_64")).unwrap();
        assert_eq!(
            (planned.url.as_str(), planned.sha256),
            ("https://mirror.example.com/1.2.3/kind", sum)
        );
    }

    #[test]
    fn what_is_built_in_needs_no_pin_of_the_user() {
        for (program, architecture) in [
            (Program::Kind, "x86_64"),
            (Program::Kind, "aarch64"),
            (Program::Telepresence, "x86_64"),
        ] {
            let planned = plan(&pins(&[]), program, &linux(architecture)).unwrap();
            assert!(planned.url.starts_with("https://"), "{planned:?}");
        }
    }

    #[test]
    fn nothing_is_downloaded_without_a_checksum_or_for_another_platform() {
        use testbed::Explain;
        let told = |flags: &[&str], program, platform: Platform| {
            let error = plan(&pins(flags), program, &platform).unwrap_err();
            format!("{error}\n  {}", error.hint().unwrap_or_default())
        };
        let texts = [
            told(&["kind=1.2.3"], Program::Kind, linux("x86_64")),
            told(&[], Program::Telepresence, linux("aarch64")),
            told(&[], Program::Kind, linux("riscv64")),
            told(&[], Program::Kind, Platform::new("macos", "aarch64")),
        ];
        insta::assert_snapshot!("no_download", texts.join("\n"));
    }
}
