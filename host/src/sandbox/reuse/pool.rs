//! The sandbox pool: sandboxes that wait for their next call.

use crossbeam_utils::CachePadded;
use crossbeam_utils::atomic::AtomicCell;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a pool holds: sandboxes; in tests, something smaller.
pub(crate) trait Reusable {
    /// The number of the guest whose calls it may serve.
    fn guest(&self) -> u64;

    /// The shard that it belongs to.
    fn shard(&self) -> usize;

    /// How much memory it holds at most, in bytes.
    fn bytes(&self) -> usize;
}

/// For each shard, the sandboxes that may serve another call.
///
/// How many are kept, and how much memory they hold together, is bounded over all guests, so that those of one never take the
/// places of another's for good. What has not been used for a while is dropped by [`SandboxPool::tidy`].
///
/// A thread that runs one call after another puts a sandbox and takes it again, without a lock; the others lie on a shelf behind it.
pub(crate) struct SandboxPool<S> {
    shards: Box<[CachePadded<Shard<S>>]>,
    /// On each shelf.
    most: PoolLimits,
}

struct Shard<S> {
    /// The one used last, unless it is large.
    last: AtomicCell<Option<Box<S>>>,
    shelf: Mutex<Shelf<S>>,
}

/// What is kept at most.
#[derive(Clone, Copy)]
pub(crate) struct PoolLimits {
    pub(crate) sandboxes: usize,
    pub(crate) bytes: usize,
    /// What takes more bytes lies on the shelf; so no more is kept beside it.
    pub(crate) large: usize,
}

/// What is kept in one shard beside the one used last.
struct Shelf<S> {
    /// The one used last at the end; with each, how often it was tidied up before.
    kept: VecDeque<(u64, Box<S>)>,
    /// What they hold together.
    bytes: usize,
    /// How often it was tidied up.
    tidied: u64,
}

impl<S: Reusable> SandboxPool<S> {
    /// A pool for `shards` shards that keeps so much in each.
    pub(crate) fn new(shards: usize, most: PoolLimits) -> SandboxPool<S> {
        let shard = |_| CachePadded::new(Shard { last: AtomicCell::new(None), shelf: Mutex::default() });
        // One may lie beside the shelf.
        let most = PoolLimits {
            sandboxes: most.sandboxes.saturating_sub(1),
            bytes: most.bytes.saturating_sub(most.large),
            ..most
        };
        SandboxPool { shards: (0..shards).map(shard).collect(), most }
    }

    /// Takes the sandbox of a guest that was used last in a shard.
    #[inline]
    pub(crate) fn take(&self, guest: u64, shard: usize) -> Option<Box<S>> {
        match self.shards[shard].last.take() {
            Some(sandbox) if sandbox.guest() == guest => Some(sandbox),
            other => self.take_from_shelf(guest, shard, other),
        }
    }

    /// The same, where the one used last is another guest's, or was taken before.
    fn take_from_shelf(&self, guest: u64, shard: usize, other: Option<Box<S>>) -> Option<Box<S>> {
        let mut shelf = self.lock(shard);
        if let Some(other) = other {
            shelf.push(other);
        }
        let found = shelf.take(guest);
        let surplus = shelf.take_surplus(self.most);
        drop(shelf);
        drop(surplus);
        found
    }

    /// The most that a sandbox may hold to be kept, in bytes.
    pub(crate) fn most_bytes(&self) -> usize {
        self.most.bytes.max(self.most.large)
    }

    /// Keeps a sandbox, in place of those used least recently if there are enough, and unless it holds too much.
    #[inline]
    pub(crate) fn put(&self, sandbox: Box<S>) {
        if sandbox.bytes() > self.most.large {
            return self.shelve(sandbox);
        }
        if let Some(before) = self.shards[sandbox.shard()].last.swap(Some(sandbox)) {
            self.shelve(before);
        }
    }

    fn shelve(&self, sandbox: Box<S>) {
        if sandbox.bytes() > self.most.bytes {
            return;
        }
        let mut shelf = self.lock(sandbox.shard());
        shelf.push(sandbox);
        let surplus = shelf.take_surplus(self.most);
        drop(shelf);
        // Outside the lock: it frees instances.
        drop(surplus);
    }

    /// Drops what was put there before it was last tidied up, and not used since. False if nothing is left, but for what a thread
    /// is about to put on a shelf.
    pub(crate) fn tidy(&self) -> bool {
        let mut left = false;
        for shard in 0..self.shards.len() {
            // It was used since: the last time, it was put on the shelf.
            if let Some(last) = self.shards[shard].last.take() {
                self.shelve(last);
            }
            let mut shelf = self.lock(shard);
            let unused = shelf.take_oldest(|shelf, since| since < shelf.tidied);
            shelf.tidied += 1;
            left |= !shelf.kept.is_empty();
            drop(shelf);
            drop(unused);
        }
        left
    }

    /// Drops every sandbox of a guest.
    pub(crate) fn purge(&self, guest: u64) {
        self.drop_all(|sandbox| sandbox.guest() == guest);
    }

    /// Drops every sandbox.
    pub(crate) fn clear(&self) {
        self.drop_all(|_| true);
    }

    fn drop_all(&self, which: impl Fn(&S) -> bool) {
        for shard in 0..self.shards.len() {
            if let Some(last) = self.shards[shard].last.take() {
                self.shelve(last);
            }
            let mut shelf = self.lock(shard);
            let (gone, rest): (VecDeque<_>, _) =
                std::mem::take(&mut shelf.kept).into_iter().partition(|(_, sandbox)| which(sandbox));
            shelf.bytes -= gone.iter().map(|(_, sandbox)| sandbox.bytes()).sum::<usize>();
            shelf.kept = rest;
            drop(shelf);
            drop(gone);
        }
    }

    fn lock(&self, shard: usize) -> MutexGuard<'_, Shelf<S>> {
        self.shards[shard].shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Reusable> Shelf<S> {
    fn push(&mut self, sandbox: Box<S>) {
        self.bytes += sandbox.bytes();
        self.kept.push_back((self.tidied, sandbox));
    }

    /// Takes out the sandbox of a guest that was used last.
    fn take(&mut self, guest: u64) -> Option<Box<S>> {
        let at = self.kept.iter().rposition(|(_, sandbox)| sandbox.guest() == guest)?;
        let (_, sandbox) = self.kept.remove(at)?;
        self.bytes -= sandbox.bytes();
        Some(sandbox)
    }

    /// Takes out what is too much.
    fn take_surplus(&mut self, most: PoolLimits) -> Vec<Box<S>> {
        self.take_oldest(|shelf, _| shelf.kept.len() > most.sandboxes || shelf.bytes > most.bytes)
    }

    /// Takes out those used least recently for as long as `more` says so.
    fn take_oldest(&mut self, more: impl Fn(&Self, u64) -> bool) -> Vec<Box<S>> {
        // Most often there are none, and this does not allocate.
        let mut taken = Vec::new();
        while let Some((since, _)) = self.kept.front()
            && more(self, *since)
            && let Some((_, sandbox)) = self.kept.pop_front()
        {
            self.bytes -= sandbox.bytes();
            taken.push(sandbox);
        }
        taken
    }
}

impl<S> Default for Shelf<S> {
    fn default() -> Shelf<S> {
        Shelf { kept: VecDeque::new(), bytes: 0, tidied: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Arc, Weak};
    use std::thread;

    const LARGE: usize = 4 << 20;

    /// In so many bytes, a tenth of a mebibyte, the tests count: 41 of them are large.
    const UNIT: usize = 100 << 10;

    /// What is kept here: of a module, in a shard, of some size, and called something.
    struct Fake {
        module: u64,
        shard: usize,
        bytes: usize,
        name: usize,
        /// Where its name goes when it is dropped.
        dropped: Arc<Mutex<Vec<usize>>>,
        /// Looked into when it is dropped.
        pool: Weak<SandboxPool<Fake>>,
    }

    impl Reusable for Fake {
        fn guest(&self) -> u64 {
            self.module
        }

        fn shard(&self) -> usize {
            self.shard
        }

        fn bytes(&self) -> usize {
            self.bytes
        }
    }

    impl Drop for Fake {
        fn drop(&mut self) {
            self.dropped.lock().unwrap().push(self.name);
            // Were the lock held, this would never end.
            if let Some(pool) = self.pool.upgrade() {
                assert!(pool.take(u64::MAX, self.shard).is_none());
            }
        }
    }

    struct Store {
        pool: Arc<SandboxPool<Fake>>,
        dropped: Arc<Mutex<Vec<usize>>>,
    }

    impl Store {
        /// With room for so much on the shelf, and for one sandbox beside it.
        fn new(sandboxes: usize, units: usize) -> Store {
            let pool =
                Arc::new(SandboxPool::new(2, PoolLimits { sandboxes, bytes: units * UNIT + LARGE, large: LARGE }));
            Store { pool, dropped: Arc::default() }
        }

        fn put(&self, name: usize, module: u64, shard: usize, units: usize) {
            let (dropped, pool) = (self.dropped.clone(), Arc::downgrade(&self.pool));
            self.pool.put(Box::new(Fake { module, shard, bytes: units * UNIT, name, dropped, pool }));
        }

        fn take(&self, module: u64, shard: usize) -> Option<usize> {
            // It is not dropped by the pool then.
            let mut taken = self.pool.take(module, shard)?;
            (taken.dropped, taken.pool) = (Arc::default(), Weak::new());
            Some(taken.name)
        }

        fn dropped(&self) -> Vec<usize> {
            std::mem::take(&mut *self.dropped.lock().unwrap())
        }
    }

    #[test]
    fn the_sandbox_used_last_is_taken_first_and_only_in_its_shard() {
        let store = Store::new(9, 1000);
        for (name, module, shard) in [(1, 7, 0), (2, 7, 0), (3, 8, 0), (4, 7, 1)] {
            store.put(name, module, shard, 10);
        }
        assert_eq!([store.take(7, 0), store.take(7, 0), store.take(7, 0)], [Some(2), Some(1), None]);
        assert_eq!([store.take(8, 1), store.take(8, 0), store.take(7, 1)], [None, Some(3), Some(4)]);
        assert!(store.dropped().is_empty());
    }

    #[test]
    fn the_one_used_last_is_put_and_taken_without_a_lock() {
        assert!(AtomicCell::<Option<Box<Fake>>>::is_lock_free());
        let store = Store::new(9, 1000);
        let locked = store.pool.lock(0);
        store.put(1, 7, 0, 40);
        assert_eq!(store.take(7, 0), Some(1));
        drop(locked);
    }

    #[test]
    fn of_too_many_those_used_least_recently_are_dropped() {
        let store = Store::new(3, 1000);
        (1..=3).for_each(|name| store.put(name, name as u64, 0, 10));
        // Used again, it is the last one.
        assert_eq!(store.take(1, 0), Some(1));
        store.put(1, 1, 0, 10);
        // Shards have bounds of their own.
        store.put(4, 1, 1, 10);
        assert!(store.dropped().is_empty());
        store.put(5, 5, 0, 10);
        store.put(6, 6, 0, 10);
        assert_eq!(store.dropped(), [2, 3]);
    }

    #[test]
    fn what_is_kept_holds_no_more_than_the_bound() {
        let store = Store::new(100, 1000);
        (0..10).for_each(|name| store.put(name, name as u64, 0, 100));
        assert!(store.dropped().is_empty());
        // As many as it takes, and no more.
        store.put(10, 10, 0, 250);
        assert_eq!(store.dropped(), [0, 1, 2]);
        // What was taken is not counted any more.
        assert_eq!(store.take(10, 0), Some(10));
        store.put(11, 11, 0, 300);
        assert!(store.dropped().is_empty());
        store.put(12, 12, 0, 1000);
        assert_eq!(store.dropped(), [3, 4, 5, 6, 7, 8, 9, 11]);
        // What does not fit takes nobody's place.
        store.put(13, 13, 0, 1001);
        assert_eq!(store.dropped(), [13]);
        // But for one that is not large.
        store.put(14, 14, 0, 40);
        assert!(store.dropped().is_empty());
        store.put(15, 15, 0, 40);
        assert_eq!(store.dropped(), [12]);
        assert_eq!([store.take(14, 0), store.take(15, 0)], [Some(14), Some(15)]);
    }

    #[test]
    fn what_is_not_used_from_one_tidying_up_to_the_next_is_dropped() {
        let store = Store::new(100, 1000);
        for (name, module, shard, units) in [(1, 1, 0, 10), (2, 2, 0, 100), (3, 3, 1, 10)] {
            store.put(name, module, shard, units);
        }
        assert!(store.pool.tidy(), "all were used since");
        assert!(store.dropped().is_empty());
        assert_eq!(store.take(1, 0), Some(1));
        store.put(1, 1, 0, 10);
        assert!(store.pool.tidy());
        assert_eq!(store.dropped(), [2, 3]);
        assert!(!store.pool.tidy(), "nothing is left");
        assert_eq!(store.dropped(), [1]);
        // Nor is it counted.
        (4..14).for_each(|name| store.put(name, 1, 0, 100));
        assert!(store.dropped().is_empty());
    }

    #[test]
    fn a_modules_sandboxes_go_with_it_and_no_others() {
        let store = Store::new(100, 1000);
        for (name, module, shard) in [(1, 1, 0), (2, 2, 0), (3, 1, 0), (4, 1, 1), (5, 2, 1)] {
            store.put(name, module, shard, 10);
        }
        store.pool.purge(1);
        assert_eq!(store.dropped(), [1, 3, 4]);
        store.put(6, 3, 0, 990);
        assert!(store.dropped().is_empty());
        store.pool.clear();
        assert_eq!(store.dropped(), [2, 6, 5]);
        store.put(7, 1, 0, 1000);
    }

    /// Threads take and put, all in one shard, while others tidy up and clear: each sandbox is used by one at a time, and is
    /// dropped once.
    #[test]
    fn nothing_is_lost_or_used_twice() {
        const THREADS: usize = 4;
        const ROUNDS: usize = 2000;
        let store = Store::new(3, 50);
        let used: Vec<_> = (0..THREADS * ROUNDS).map(|_| AtomicBool::new(false)).collect();
        let (made, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for thread in 0..THREADS as u64 {
                let (store, used, made, done) = (&store, &used, &made, &done);
                scope.spawn(move || {
                    for _ in 0..ROUNDS {
                        let module = thread % 2;
                        let taken = store.pool.take(module, 0);
                        let sandbox = match taken {
                            Some(sandbox) => sandbox,
                            None => {
                                let name = made.fetch_add(1, Ordering::SeqCst);
                                let (dropped, pool) = (store.dropped.clone(), Weak::new());
                                Box::new(Fake { module, shard: 0, bytes: (1 + name % 60) * UNIT, name, dropped, pool })
                            }
                        };
                        assert!(!used[sandbox.name].swap(true, Ordering::SeqCst), "it is used twice");
                        thread::yield_now();
                        assert!(used[sandbox.name].swap(false, Ordering::SeqCst));
                        store.pool.put(sandbox);
                    }
                    done.fetch_add(1, Ordering::SeqCst);
                });
            }
            scope.spawn(|| {
                while done.load(Ordering::SeqCst) < THREADS {
                    store.pool.tidy();
                    store.pool.clear();
                    thread::yield_now();
                }
            });
        });
        store.pool.clear();
        let mut dropped = store.dropped();
        dropped.sort_unstable();
        assert_eq!(dropped, (0..made.into_inner()).collect::<Vec<_>>());
        assert_eq!(store.pool.lock(0).bytes, 0);
    }
}
