//! Results in memory: bounded in bytes, the least recently used out first.

use super::key::{Hashed, Key};
use crate::backend::Outcome;
use crate::process;
use crate::value::{Value, size};
use crate::wasi::Output;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// Results are divided among so many tables, so that threads seldom meet at one lock.
const SHARDS: usize = 64;

/// What an entry takes beside what is counted in its key and its outcome: places in a table and in a list, and two allocations.
const OVERHEAD: usize = 2 * size_of::<Entry>() + size_of::<Key>() + 128;

/// A place in the list of a shard.
type Place = usize;

/// Results in memory.
pub(super) struct Memory {
    shards: Box<[Shard]>,
    /// Bytes of all entries, and of those that are about to be added.
    used: AtomicUsize,
    limit: AtomicUsize,
    generation: u32,
}

/// Threads that use neighbouring shards do not share a cache line.
type Shard = crossbeam_utils::CachePadded<Mutex<Table>>;

/// Some results, linked in the order in which they were used.
#[derive(Default)]
struct Table {
    places: HashMap<Arc<Key>, Place, BuildHasherDefault<Hashed>>,
    entries: Vec<Option<Entry>>,
    free: Vec<Place>,
    /// The one that was used last, and the one whose use is the longest ago.
    newest: Option<Place>,
    oldest: Option<Place>,
}

struct Entry {
    key: Arc<Key>,
    outcome: Outcome,
    bytes: usize,
    newer: Option<Place>,
    older: Option<Place>,
}

impl Memory {
    pub(super) fn new(limit: usize) -> Memory {
        Memory {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            used: AtomicUsize::new(0),
            limit: AtomicUsize::new(limit),
            generation: process::generation(),
        }
    }

    /// Changes how many bytes there may be.
    pub(super) fn bound(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
        self.make_room(0);
    }

    /// The result of a call.
    #[inline]
    pub(super) fn get(&self, key: &Key) -> Option<Outcome> {
        let mut table = self.table(index(key))?;
        let place = *table.places.get(key)?;
        table.touch(place);
        table.entries[place].as_ref().map(|entry| entry.outcome.clone())
    }

    /// Keeps a result, if it is no larger than all may be together.
    pub(super) fn put(&self, key: &Arc<Key>, outcome: &Outcome) {
        let bytes = OVERHEAD.saturating_add(key.bytes()).saturating_add(outcome_bytes(outcome));
        if bytes > self.limit.load(Ordering::Relaxed) {
            return;
        }
        // Counted before it is there, so that there are never more.
        self.used.fetch_add(bytes, Ordering::Relaxed);
        let entry = Entry { key: key.clone(), outcome: outcome.clone(), bytes, newer: None, older: None };
        let has_room = self.make_room(index(key));
        let replaced = match self.table(index(key)) {
            Some(mut table) if has_room => table.insert(entry),
            _ => Some(entry),
        };
        // Dropped outside of the lock.
        self.dropped(replaced);
    }

    /// Drops entries, those of one shard first, until no more bytes are used than may be; false if that cannot be.
    fn make_room(&self, first: usize) -> bool {
        let over = || self.used.load(Ordering::Relaxed) > self.limit.load(Ordering::Relaxed);
        for shard in (0..SHARDS).map(|number| (first + number) % SHARDS) {
            while over() {
                let removed = self.table(shard).and_then(|mut table| table.remove_oldest());
                if removed.is_none() {
                    break;
                }
                self.dropped(removed);
            }
        }
        !over()
    }

    fn dropped(&self, entry: Option<Entry>) {
        if let Some(entry) = entry {
            self.used.fetch_sub(entry.bytes, Ordering::Relaxed);
        }
    }

    /// None in a child process, if a thread that is not there has locked it.
    #[inline]
    fn table(&self, shard: usize) -> Option<MutexGuard<'_, Table>> {
        process::lock(self.generation, &self.shards[shard])
    }
}

/// The shard of a key. The table takes the lowest and the highest bits of the hash.
#[inline]
fn index(key: &Key) -> usize {
    (key.hash() >> 32) as usize % SHARDS
}

impl Table {
    /// Adds an entry that is not there; gives back one that it is not needed for, or that it takes the place of.
    fn insert(&mut self, entry: Entry) -> Option<Entry> {
        if let Some(place) = self.places.get(&*entry.key).copied() {
            // The same, as calls are what they are.
            self.touch(place);
            return Some(entry);
        }
        let key = entry.key.clone();
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                self.entries.push(None);
                self.entries.len() - 1
            }
        };
        self.entries[place] = Some(entry);
        self.link(place);
        self.places.insert(key, place);
        None
    }

    fn remove_oldest(&mut self) -> Option<Entry> {
        let place = self.oldest?;
        self.unlink(place);
        let entry = self.entries[place].take()?;
        self.places.remove(&*entry.key);
        self.free.push(place);
        if self.places.is_empty() {
            // What many small entries took goes with them.
            *self = Table::default();
        }
        Some(entry)
    }

    /// Makes it the one that was used last.
    #[inline]
    fn touch(&mut self, place: Place) {
        if self.newest != Some(place) {
            self.unlink(place);
            self.link(place);
        }
    }

    fn link(&mut self, place: Place) {
        let older = self.newest.replace(place);
        match older.and_then(|older| self.entries[older].as_mut()) {
            Some(older) => older.newer = Some(place),
            None => self.oldest = Some(place),
        }
        if let Some(entry) = self.entries[place].as_mut() {
            (entry.newer, entry.older) = (None, older);
        }
    }

    fn unlink(&mut self, place: Place) {
        let Some((newer, older)) = self.entries[place].as_ref().map(|entry| (entry.newer, entry.older)) else { return };
        match newer.and_then(|newer| self.entries[newer].as_mut()) {
            Some(newer) => newer.older = older,
            None => self.newest = older,
        }
        match older.and_then(|older| self.entries[older].as_mut()) {
            Some(older) => older.newer = newer,
            None => self.oldest = newer,
        }
    }
}

/// How many bytes an outcome takes beside its own place.
pub(super) fn outcome_bytes(outcome: &Outcome) -> usize {
    let output = |output: &Output| {
        let refused = output.refused.iter().map(|text| text.len() + size_of::<String>()).sum::<usize>();
        let files = output
            .files
            .iter()
            .map(|(name, bytes)| name.capacity() + bytes.capacity() + size_of::<(String, Vec<u8>)>());
        let written = output.stdout.capacity() + output.stderr.capacity() + files.sum::<usize>();
        size::shared(size_of::<Output>()) + written + refused
    };
    let result = match &outcome.result {
        Ok(value) => Value::bytes(value).saturating_add(value.name_bytes()),
        Err(error) => {
            let frames = error.backtrace().iter().map(|frame| frame.function.len() + 64);
            let chain = error.chain().iter().map(|frame| frame.function.len() + 128);
            let texts = error.message().len() + error.help().map_or(0, str::len);
            512 + texts + frames.chain(chain).sum::<usize>()
        }
    };
    result.saturating_add(outcome.output.as_deref().map_or(0, output))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Usage;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::hash::RandomState;
    use std::sync::LazyLock;
    use std::thread;

    static RANDOM: LazyLock<RandomState> = LazyLock::new(RandomState::new);

    fn key(number: i32) -> Arc<Key> {
        Arc::new(Key::new(&[0; 32], &[Value::from(number)].into_iter().collect(), &RANDOM))
    }

    fn outcome(bytes: usize) -> Outcome {
        Outcome { result: Ok(Value::from(vec![0u8; bytes])), usage: Usage::default(), output: None }
    }

    fn has(memory: &Memory, number: i32) -> bool {
        memory.get(&key(number)).is_some()
    }

    fn counted(memory: &Memory) -> usize {
        let all = memory
            .shards
            .iter()
            .map(|shard| shard.lock().unwrap().entries.iter().flatten().map(|entry| entry.bytes).sum::<usize>());
        all.sum()
    }

    #[test]
    fn what_is_kept_is_found_again() {
        let memory = Memory::new(1 << 20);
        assert!(!has(&memory, 1));
        memory.put(&key(1), &outcome(10));
        memory.put(&key(1), &outcome(10));
        assert!(has(&memory, 1) && !has(&memory, 2));
        assert_eq!(memory.used.load(Ordering::Relaxed), counted(&memory));
    }

    #[test]
    fn what_is_larger_than_all_may_be_is_not_kept_and_nothing_goes_for_it() {
        let memory = Memory::new(1 << 20);
        memory.put(&key(1), &outcome(10));
        memory.put(&key(2), &outcome(1 << 20));
        assert!(has(&memory, 1) && !has(&memory, 2));
        // One that takes nearly all does have the place of others.
        memory.put(&key(2), &outcome((1 << 20) - OVERHEAD - 512));
        assert!(!has(&memory, 1) && has(&memory, 2));
        memory.bound(1000);
        assert!(!has(&memory, 2));
        assert_eq!(memory.used.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn many_threads_stay_within_the_bound() {
        let memory = Memory::new(100_000);
        thread::scope(|scope| {
            for thread in 0..4 {
                let memory = &memory;
                scope.spawn(move || {
                    for number in 0..2000 {
                        memory.put(&key(thread * 1000 + number), &outcome(number as usize % 3000));
                        let _ = memory.get(&key(number));
                    }
                });
            }
        });
        let used = memory.used.load(Ordering::Relaxed);
        assert!(used <= 100_000 && used == counted(&memory));
    }

    proptest! {
        /// Of one shard, what goes is what was used least recently, and no more goes than has to.
        #[test]
        fn the_least_recently_used_goes_first(steps in vec((any::<bool>(), 0..12i32), 0..200)) {
            let mut table = Table::default();
            let mut model: Vec<i32> = Vec::new();
            for (puts, number) in steps {
                let known = model.iter().position(|other| *other == number);
                if puts {
                    let entry = Entry { key: key(number), outcome: outcome(0), bytes: 1, newer: None, older: None };
                    prop_assert_eq!(table.insert(entry).is_some(), known.is_some());
                    if known.is_none() && model.len() == 5 {
                        let removed = table.remove_oldest().map(|entry| entry.key);
                        prop_assert_eq!(removed, Some(key(model.remove(0))));
                    }
                } else {
                    let place = table.places.get(&key(number)).copied();
                    prop_assert_eq!(place.is_some(), known.is_some());
                    place.into_iter().for_each(|place| table.touch(place));
                }
                if puts || known.is_some() {
                    model.retain(|other| *other != number);
                    model.push(number);
                }
            }
            let mut left = Vec::new();
            while let Some(entry) = table.remove_oldest() {
                left.push(entry.key);
            }
            prop_assert_eq!(left, model.into_iter().map(key).collect::<Vec<_>>());
        }
    }
}
