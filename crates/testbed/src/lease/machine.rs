//! Locks of what a whole machine has once, whoever uses it: in a folder that does not depend on anybody's environment, in files that
//! every user can lock.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Where locks of the machine may be, the best place first: `/run/lock` is emptied when the machine starts, and is not everybody's on
/// every distribution.
const FOLDERS: [&str; 2] = ["/run/lock", "/tmp"];
/// What a folder has in which everybody may make files and nobody remove those of others.
const EVERYBODY_S: u32 = 0o1777;
/// Everybody writes down who holds it.
const MODE: u32 = 0o666;

/// The folder for locks that all users of this machine share.
pub(super) fn folder() -> PathBuf {
    first_of(&FOLDERS.map(Path::new)).to_owned()
}

/// The first of these folders that is everybody's; the last one when none is.
fn first_of<'a>(folders: &[&'a Path]) -> &'a Path {
    let everybody_s = |folder: &&&Path| {
        std::fs::metadata(folder)
            .is_ok_and(|found| found.is_dir() && found.mode() & EVERYBODY_S == EVERYBODY_S)
    };
    let found = folders.iter().find(everybody_s).or(folders.last());
    found.copied().unwrap_or(Path::new("/"))
}

/// Opens a lock file that may be another user's, or makes it. Says whether the holder can be written into it.
pub(super) fn open(path: &Path) -> io::Result<(File, bool)> {
    // Each time around, somebody else has made the file in between, or has taken it away.
    loop {
        match open_there(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        let made = options().write(true).create_new(true).mode(MODE).open(path);
        match made {
            Ok(file) => {
                // The umask has taken rights away that others need.
                file.set_permissions(Permissions::from_mode(MODE))?;
                return Ok((file, true));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// Without `O_CREAT`, with which the kernel refuses to open another user's file in such a folder (`fs.protected_regular`, proc(5)). A
/// file that can only be read can be locked all the same (flock(2)).
fn open_there(path: &Path) -> io::Result<(File, bool)> {
    let opened = match options().write(true).open(path) {
        Ok(file) => (file, true),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => (options().open(path)?, false),
        Err(error) => return Err(error),
    };
    if opened.0.metadata()?.is_file() {
        Ok(opened)
    } else {
        Err(io::Error::other("it is no file"))
    }
}

/// A link in a folder of everybody's could lead to a file that is not to be written; a pipe must not keep us waiting.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    options.read(true).custom_flags(flags.bits().cast_signed());
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn only_a_folder_where_everybody_may_make_files_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let [first, last] = ["a", "b"].map(|name| folder.path().join(name));
        let taken = || first_of(&[&first, &last]) == first;
        assert!(!taken(), "it is not there");
        std::fs::create_dir(&first).unwrap();
        for (bits, is_taken) in [(0o755, false), (0o777, false), (0o1755, false), (0o1777, true)] {
            mode(&first, bits);
            assert_eq!(taken(), is_taken, "{bits:o}");
        }
    }

    #[test]
    fn every_user_can_open_the_file_whatever_the_umask_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it.lock");
        let (made, _) = open(&path).unwrap();
        assert_eq!(made.metadata().unwrap().mode() & 0o777, MODE);
        assert!(open(&path).unwrap().1, "and writes into it");
    }

    #[test]
    fn a_file_that_can_only_be_read_is_locked_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it.lock");
        std::fs::write(&path, "").unwrap();
        mode(&path, 0o444);
        let (held, _) = open(&path).unwrap();
        held.try_lock().unwrap();
        open(&path).unwrap().0.try_lock().unwrap_err();
    }

    #[test]
    fn what_is_no_file_is_not_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        std::fs::write(&file, "precious").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        open(&link).unwrap_err();
        std::fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(folder.path().join("none"), &link).unwrap();
        open(&link).unwrap_err();
        open(folder.path()).unwrap_err();
    }
}
