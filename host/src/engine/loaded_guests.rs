//! The guests whose machine code is loaded, and which of them are unloaded when there are too many.
//!
//! A core module that is loaded into a shard takes memory mappings, of which Linux gives a process 65,530, and some take a file
//! descriptor. So the least recently used guests are unloaded, and loaded again when they are called.

use super::address_space::{advice, limit, limits};
use super::mappings;
use crate::error::{Error, ErrorKind, Result};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};

/// A guest that may be loaded into shards.
pub(crate) trait Unload: Send + Sync {
    /// When it was last used in a shard. None if it is not loaded there, or in use.
    fn idle(&self, shard: usize) -> Option<u64>;

    /// Drops what is loaded into a shard, unless something uses it; says whether it did.
    fn unload(&self, shard: usize) -> bool;
}

/// What a guest takes in one shard.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// Core modules, each with a few mappings.
    pub(crate) modules: usize,
    /// File descriptors, at most.
    pub(crate) files: usize,
}

/// The guests that are loaded.
pub(super) struct LoadedGuests {
    most: Cost,
    loaded: Mutex<Loaded>,
}

#[derive(Default)]
struct Loaded {
    entries: Vec<Entry>,
    /// What they take together; may count some that are gone.
    total: Cost,
}

struct Entry {
    guest: Weak<dyn Unload>,
    shard: usize,
    cost: Cost,
}

/// The mappings of a core module: its code, the data beside it, and the parts of both that are made writable.
const MAPPINGS: usize = 4;

/// File descriptors that are left to the host, for files and connections.
const RESERVED: u64 = 32;

/// The file descriptors that are assumed where no limit can be read.
const FILES: u64 = 256;

/// A logical clock: tells which use was before which.
static CLOCK: AtomicU64 = AtomicU64::new(0);

/// The time by which uses of guests are compared. It advances when a guest is loaded.
pub(crate) fn now() -> u64 {
    CLOCK.load(Ordering::Relaxed)
}

impl LoadedGuests {
    pub(super) fn new() -> LoadedGuests {
        // `budget` is the half of all mappings that sandboxes may take; this is half of the other half.
        let most = Cost { modules: mappings::budget() / 2 / MAPPINGS, files: (files() / 4) as usize };
        LoadedGuests { most, loaded: Mutex::default() }
    }

    /// Counts a guest that was loaded, and unloads others if there are too many; false if there still are.
    pub(super) fn add(&self, guest: Weak<dyn Unload>, shard: usize, cost: Cost) -> bool {
        CLOCK.fetch_add(1, Ordering::Relaxed);
        let mut loaded = self.lock();
        loaded.entries.push(Entry { guest, shard, cost });
        loaded.total = loaded.total.and(cost);
        loaded.trim(self.most);
        loaded.total.within(self.most)
    }

    /// Unloads others if there are too many.
    pub(super) fn trim(&self) {
        self.lock().trim(self.most);
    }

    /// Unloads everything that nothing uses.
    pub(super) fn unload_idle(&self) {
        let mut loaded = self.lock();
        loaded.count();
        loaded.shrink(Cost::default());
    }

    /// Fails if so many file descriptors cannot be taken with some left for the host.
    pub(super) fn has_files(&self, files: usize) -> Result<()> {
        if files == 0 || lowest_free() + files as u64 + RESERVED.min(self::files() / 4) <= self::files() {
            return Ok(());
        }
        let message = format!("the process has used up its file descriptors, of which it may have {}", self::files());
        Err(Error::new(ErrorKind::Exhausted, message)
            .with_help("raise that limit (`ulimit -n`), or keep fewer files open"))
    }

    fn lock(&self) -> MutexGuard<'_, Loaded> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loaded {
    /// Unloads the least recently used, if there is more than `most`.
    fn trim(&mut self, most: Cost) {
        if self.total.within(most) {
            return;
        }
        self.count();
        if !self.total.within(most) {
            // An eighth more than needed, so that this is not done at each load.
            self.shrink(most.without(Cost { modules: most.modules / 8, files: most.files / 8 }));
        }
    }

    /// Forgets what is gone.
    fn count(&mut self) {
        self.entries.retain(|entry| entry.guest.strong_count() > 0);
        self.total = self.entries.iter().fold(Cost::default(), |total, entry| total.and(entry.cost));
    }

    /// Unloads the least recently used, until no more than `most` is left.
    fn shrink(&mut self, most: Cost) {
        let idle = |(at, entry): (usize, &Entry)| Some((entry.guest.upgrade()?.idle(entry.shard)?, at));
        let mut idle: Vec<_> = self.entries.iter().enumerate().filter_map(idle).collect();
        idle.sort_unstable();
        let mut gone = vec![false; self.entries.len()];
        for (_, at) in idle {
            if self.total.within(most) {
                break;
            }
            let entry = &self.entries[at];
            if entry.guest.upgrade().is_none_or(|guest| guest.unload(entry.shard)) {
                self.total = self.total.without(entry.cost);
                gone[at] = true;
            }
        }
        let mut gone = gone.into_iter();
        self.entries.retain(|_| gone.next() != Some(true));
    }
}

impl Cost {
    fn and(self, other: Cost) -> Cost {
        Cost { modules: self.modules + other.modules, files: self.files + other.files }
    }

    fn without(self, other: Cost) -> Cost {
        Cost { modules: self.modules.saturating_sub(other.modules), files: self.files.saturating_sub(other.files) }
    }

    fn within(self, most: Cost) -> bool {
        self.modules <= most.modules && self.files <= most.files
    }
}

/// How many file descriptors the process may have.
fn files() -> u64 {
    static FILES_ALLOWED: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    *FILES_ALLOWED.get_or_init(|| limit(&limits(), "Max open files").unwrap_or(FILES))
}

/// The number that the next file descriptor gets: all below it are in use.
fn lowest_free() -> u64 {
    #[cfg(unix)]
    {
        use std::os::fd::AsRawFd;
        std::fs::File::open("/dev/null").map_or(u64::MAX / 2, |file| file.as_raw_fd() as u64)
    }
    #[cfg(not(unix))]
    0
}

/// The error for machine code that the host has no room for.
pub(super) fn exhausted(error: &wasmtime::Error) -> Error {
    let message = format!("the host has no room for the module's machine code: {error:#}");
    Error::new(ErrorKind::Exhausted, message).with_help(advice())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// A guest that is loaded into one shard; when it was last used, none while it is in use.
    struct Fake(Mutex<(bool, Option<u64>)>);

    impl Fake {
        fn new(used: Option<u64>) -> Arc<Fake> {
            Arc::new(Fake(Mutex::new((true, used))))
        }

        fn is_loaded(&self) -> bool {
            self.0.lock().unwrap().0
        }
    }

    impl Unload for Fake {
        fn idle(&self, _: usize) -> Option<u64> {
            let (loaded, used) = *self.0.lock().unwrap();
            used.filter(|_| loaded)
        }

        fn unload(&self, _: usize) -> bool {
            let mut own = self.0.lock().unwrap();
            own.0 = own.1.is_none();
            own.1.is_some()
        }
    }

    fn loaded(modules: usize, files: usize) -> LoadedGuests {
        LoadedGuests { most: Cost { modules, files }, loaded: Mutex::default() }
    }

    fn weak(guest: &Arc<Fake>) -> Weak<dyn Unload> {
        let weak: Weak<Fake> = Arc::downgrade(guest);
        weak
    }

    #[test]
    fn of_too_many_those_that_were_not_used_for_the_longest_time_are_dropped() {
        let loaded = loaded(16, 16);
        let guests: Vec<_> = (0..17).map(|n| Fake::new(Some(100 - n))).collect();
        let one = Cost { modules: 1, files: 0 };
        assert!(guests.iter().all(|guest| loaded.add(weak(guest), 0, one)));
        let left: Vec<_> = guests.iter().map(|guest| guest.is_loaded()).collect();
        // Fourteen are left; the last one was used least recently.
        assert_eq!(left, [vec![true; 14], vec![false; 3]].concat());
        assert_eq!(loaded.lock().entries.len(), 14);
    }

    #[test]
    fn what_is_in_use_stays_and_there_may_be_too_much_of_it() {
        let loaded = loaded(2, 16);
        let guests: Vec<_> = (0..3).map(|_| Fake::new(None)).collect();
        let one = Cost { modules: 1, files: 0 };
        let enough: Vec<_> = guests.iter().map(|guest| loaded.add(weak(guest), 0, one)).collect();
        assert_eq!(enough, [true, true, false]);
        assert!(guests.iter().all(|guest| guest.is_loaded()));
    }

    #[test]
    fn file_descriptors_count_and_what_is_gone_does_not() {
        let loaded = loaded(100, 2);
        let file = Cost { modules: 1, files: 1 };
        for _ in 0..10 {
            assert!(loaded.add(weak(&Fake::new(None)), 0, file));
        }
        let (old, new) = (Fake::new(Some(1)), Fake::new(Some(2)));
        assert!(loaded.add(weak(&old), 0, file) && loaded.add(weak(&new), 0, file));
        let third = Fake::new(Some(3));
        assert!(loaded.add(weak(&third), 0, file));
        assert_eq!([old.is_loaded(), new.is_loaded(), third.is_loaded()], [false, true, true]);
    }

    #[test]
    fn the_last_file_descriptors_are_left_to_the_host() {
        let loaded = loaded(100, 100);
        assert!(loaded.has_files(0).is_ok());
        assert!(loaded.has_files(1).is_ok());
        let error = loaded.has_files(usize::MAX >> 8).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exhausted);
    }
}
