//! A guest that keeps what it has loaded: in statics, and on the heap.

/// The guest.
#[purefork_guest::module]
pub mod attributes {
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};

    static WORDS: Mutex<BTreeMap<String, u32>> = Mutex::new(BTreeMap::new());
    static LOADED: AtomicU32 = AtomicU32::new(0);

    /// Counts the words of a text, beside those that were counted before.
    pub fn load(text: String, times: u32) -> Result<u32, String> {
        if text.is_empty() {
            return Err("there is nothing to load".to_owned());
        }
        LOADED.fetch_add(1, Ordering::Relaxed);
        let mut words = WORDS.lock().unwrap();
        for word in text.split_whitespace() {
            *words.entry(word.to_owned()).or_default() += times;
        }
        Ok(words.len() as u32)
    }

    /// How often there was the word.
    pub fn count(word: String) -> u32 {
        WORDS.lock().unwrap().get(&word).copied().unwrap_or_default()
    }

    /// All words, and how often the guest was loaded.
    pub fn all() -> (Vec<String>, u32) {
        (WORDS.lock().unwrap().keys().cloned().collect(), LOADED.load(Ordering::Relaxed))
    }

    /// Counts the words of a text in a call of its own, and keeps the number.
    pub fn load_forked(text: String) -> u32 {
        let words = fork::words(text).wait();
        LOADED.store(words, Ordering::Relaxed);
        words
    }

    /// Forks, and keeps the future.
    pub fn load_kept(text: String) {
        std::mem::forget(fork::words(text));
    }

    /// The number of words.
    pub fn words(text: String) -> u32 {
        text.split_whitespace().count() as u32
    }
}
