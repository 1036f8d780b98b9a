//! Where the service binaries and the run directories are.

use std::path::{Path, PathBuf};

use crate::cli::Places;
use testbed::RunDir;

/// The three service binaries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// `storefront`.
    pub storefront: PathBuf,
    /// `order-service`.
    pub order: PathBuf,
    /// `inventory-service`.
    pub inventory: PathBuf,
}

impl Binaries {
    /// The binaries in a folder.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        let file = |name: &str| folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        Self {
            storefront: file("storefront"),
            order: file("order-service"),
            inventory: file("inventory-service"),
        }
    }
}

/// The folder of the service binaries: as told, else the folder of this program, where cargo puts them side by side.
#[must_use]
pub fn binaries(places: &Places, executable: &Path) -> Binaries {
    let beside = executable.parent().unwrap_or(Path::new("."));
    Binaries::in_folder(places.bin_dir.as_deref().unwrap_or(beside))
}

/// The folder of the run directories: as told, else `throughline` in the target folder that this program was built into.
/// Relative to the working directory when it is below it, so that printed paths are short and can be pasted.
#[must_use]
pub fn root(places: &Places, executable: &Path, working: &Path) -> PathBuf {
    if let Some(root) = &places.root {
        return root.clone();
    }
    let target = executable
        .parent()
        .and_then(Path::parent)
        .unwrap_or(Path::new("target"));
    let root = target.join("throughline");
    root.strip_prefix(working).map(Path::to_path_buf).unwrap_or(root)
}

/// The folder of downloaded programs, beside the run directories: it is no run's, and none removes it.
#[must_use]
pub fn tools(root: &Path) -> PathBuf {
    root.join("tools")
}

/// The folder of images that were saved out of Docker, among what is only kept to be had sooner.
#[must_use]
pub fn saved_images(root: &Path) -> PathBuf {
    root.join(RunDir::CACHE).join("images")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_directories_are_beside_the_profile_folder_and_relative_when_possible() {
        let executable = Path::new("/project/target/debug/throughline");
        let places = Places::default();
        assert_eq!(
            root(&places, executable, Path::new("/project")),
            Path::new("target/throughline")
        );
        assert_eq!(
            root(&places, executable, Path::new("/elsewhere")),
            Path::new("/project/target/throughline")
        );
    }

    #[test]
    fn what_the_user_says_wins() {
        let places = Places {
            root: Some("runs".into()),
            bin_dir: Some("/bins".into()),
        };
        assert_eq!(
            root(&places, Path::new("/t/debug/x"), Path::new("/t")),
            Path::new("runs")
        );
        assert_eq!(
            binaries(&places, Path::new("/t/debug/x")).order,
            Path::new("/bins/order-service")
        );
    }
}
