//! Checks that machine code is read only from directories that nobody but the user and root can change.
//!
//! A path is walked from the root of the file system, name by name. Each directory is checked before the next name is looked up
//! in it. Without write access to a directory, nobody can replace what is in it. So what was checked on the way stays there, and
//! one walk is enough. A directory with the sticky bit, such as `/tmp`, may be passed, as nobody can replace another user's files
//! in it. A symbolic link is followed only if it belongs to the user or to root: another user may have put it into `/tmp`.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

/// The user whose cache it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct User(u32);

#[cfg(unix)]
mod unix {
    use super::{Metadata, Path, PathBuf, User};
    use std::ffi::{OsStr, OsString};
    use std::fs::{self, DirBuilder, File};
    use std::io::{self, ErrorKind};
    use std::os::fd::OwnedFd;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    use std::path::Component;

    /// The most symbolic links in one path, as on Linux.
    const LINKS: usize = 40;

    /// How often a walk is retried because a directory was removed meanwhile.
    const WALKS: usize = 1000;

    const OTHERS_WRITE: u32 = 0o022;
    const OTHERS_ENTER: u32 = 0o011;
    const STICKY: u32 = 0o1000;

    impl User {
        /// The user that this process acts for.
        ///
        /// The standard library does not tell, but a pipe belongs to the user who makes it.
        pub(crate) fn current() -> Result<User, String> {
            let owner = || -> io::Result<u32> {
                let (reader, _writer) = io::pipe()?;
                Ok(File::from(OwnedFd::from(reader)).metadata()?.uid())
            };
            owner().map(User).map_err(|error| format!("the user is not known: {error}"))
        }

        #[cfg(test)]
        pub(in super::super) fn of(uid: u32) -> User {
            User(uid)
        }

        fn trusts(self, metadata: &Metadata) -> bool {
            metadata.uid() == self.0 || metadata.uid() == 0
        }
    }

    /// Whether only the user and root can write to a file.
    pub(crate) fn only_ours(metadata: &Metadata, user: User) -> bool {
        user.trusts(metadata) && metadata.mode() & OTHERS_WRITE == 0
    }

    /// Walks to a directory, creates it if needed, and returns its path without symbolic links.
    pub(crate) fn enter(path: &Path, user: User) -> Result<PathBuf, String> {
        enter_while(path, user, |_| ())
    }

    /// `meanwhile` is called before each check of the directory of that path, where tests remove it.
    pub(in super::super) fn enter_while(
        path: &Path,
        user: User,
        mut meanwhile: impl FnMut(&Path),
    ) -> Result<PathBuf, String> {
        let given = std::path::absolute(path).map_err(|error| failed(path, &error))?;
        for _ in 0..WALKS {
            if let Some(entered) = walk(&given, user, &mut meanwhile)? {
                return Ok(entered);
            }
        }
        Err(format!("`{}` cannot be used: it cannot be made, or is removed again and again", given.display()))
    }

    /// None if a directory was removed between two checks. Clearing the cache must not stop processes that use it: they create it
    /// again.
    fn walk(given: &Path, user: User, meanwhile: &mut impl FnMut(&Path)) -> Result<Option<PathBuf>, String> {
        let mut ahead = names(given);
        let mut here = PathBuf::from("/");
        // The outermost directory that others cannot enter: their rights below it do not matter.
        let mut closed: Option<PathBuf> = None;
        let mut links = 0;
        loop {
            meanwhile(&here);
            let Some(metadata) = unless_gone(&here, fs::symlink_metadata(&here))? else { return Ok(None) };
            let shut = closed.as_ref().is_some_and(|closed| here.starts_with(closed));
            check(&here, &metadata, user, ahead.is_empty(), shut)?;
            if !shut && metadata.mode() & OTHERS_ENTER == 0 {
                closed = Some(here.clone());
            }
            let Some(name) = ahead.pop() else { return Ok(Some(here)) };
            if name == ".." {
                here.pop();
                continue;
            }
            let next = here.join(&name);
            let Some(metadata) = unless_gone(&next, look_or_make(&next))? else { return Ok(None) };
            if !metadata.is_symlink() {
                here = next;
                continue;
            }
            links += 1;
            if links > LINKS {
                return Err(format!("`{}` leads over too many symbolic links", given.display()));
            }
            if !user.trusts(&metadata) {
                return Err(belongs_to_another(&next, &metadata));
            }
            let Some(target) = unless_gone(&next, fs::read_link(&next))? else { return Ok(None) };
            if target.is_absolute() {
                here = PathBuf::from("/");
            }
            ahead.extend(names(&target));
        }
    }

    fn unless_gone<T>(path: &Path, done: io::Result<T>) -> Result<Option<T>, String> {
        match done {
            Ok(done) => Ok(Some(done)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(path, &error)),
        }
    }

    fn check(path: &Path, metadata: &Metadata, user: User, last: bool, shut: bool) -> Result<(), String> {
        if !metadata.is_dir() {
            return Err(format!("`{}` is no directory", path.display()));
        }
        if !user.trusts(metadata) {
            return Err(belongs_to_another(path, metadata));
        }
        let may_pass = !last && (shut || metadata.mode() & STICKY != 0);
        if metadata.mode() & OTHERS_WRITE != 0 && !may_pass {
            return Err(format!(
                "others can write to `{0}`, and could change what is kept there; stop them with `chmod go-w {0}`",
                path.display()
            ));
        }
        Ok(())
    }

    fn look_or_make(path: &Path) -> io::Result<Metadata> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            other => return other,
        }
        match DirBuilder::new().mode(0o700).create(path) {
            // Another process may have created it; it is checked like everything else.
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => fs::symlink_metadata(path),
        }
    }

    /// The names in a path, in reverse order.
    fn names(path: &Path) -> Vec<OsString> {
        let name = |component| match component {
            Component::Normal(name) => Some(name),
            Component::ParentDir => Some(OsStr::new("..")),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        };
        path.components().rev().filter_map(name).map(OsStr::to_owned).collect()
    }

    fn belongs_to_another(path: &Path, metadata: &Metadata) -> String {
        format!(
            "`{}` belongs to user {}, who could change what is kept there; give a directory of your own",
            path.display(),
            metadata.uid()
        )
    }

    fn failed(path: &Path, error: &io::Error) -> String {
        format!("`{}` cannot be used: {error}", path.display())
    }
}

#[cfg(all(test, unix))]
pub(super) use unix::enter_while;
#[cfg(unix)]
pub(crate) use unix::{enter, only_ours};

/// On other systems the standard library does not tell who may write where. The user's profile is by default writable by the user
/// alone; anything outside of it is refused.
#[cfg(not(unix))]
mod other {
    use super::{Metadata, Path, PathBuf, User};

    impl User {
        pub(crate) fn current() -> Result<User, String> {
            Ok(User(0))
        }
    }

    pub(crate) fn only_ours(_: &Metadata, _: User) -> bool {
        true
    }

    pub(crate) fn enter(path: &Path, _: User) -> Result<PathBuf, String> {
        let failed = |error| format!("`{}` cannot be used: {error}", path.display());
        std::fs::create_dir_all(path).map_err(failed)?;
        let path = path.canonicalize().map_err(failed)?;
        let profile = std::env::home_dir().and_then(|home| home.canonicalize().ok());
        if profile.is_some_and(|profile| path.starts_with(profile)) {
            return Ok(path);
        }
        Err(format!("`{}` is outside of the user's profile, where others may write; give one inside", path.display()))
    }
}

#[cfg(not(unix))]
pub(crate) use other::{enter, only_ours};
