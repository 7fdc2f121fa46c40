//! The keys of entries.

use sha2::{Digest, Sha256};
use std::fmt;
use std::hash::{Hash, Hasher};

/// The version of the directory's layout. Each has a directory of its own: in one, two versions would take each other's entries
/// for damaged.
pub(super) const LAYOUT: &str = "v1";

/// The name of an entry: 64 hexadecimal digits.
///
/// It is a digest, so that nothing from a guest gets into a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(String);

impl Key {
    /// The key of a guest's machine code.
    ///
    /// `guest`: the digest of its bytes. `rest`: everything else that the machine code depends on, which is what purefork was built from, and
    /// wasmtime's version and configuration (`Engine::precompile_compatibility_hash`). The processor's architecture and the
    /// system are added here.
    pub(crate) fn new(guest: &str, rest: impl Hash) -> Key {
        let mut digest = Sha(Sha256::new());
        LAYOUT.hash(&mut digest);
        (std::env::consts::ARCH, std::env::consts::OS, usize::BITS).hash(&mut digest);
        guest.hash(&mut digest);
        rest.hash(&mut digest);
        Key(digest.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The key from the name of an entry's directory, if it is one.
    pub(super) fn from_name(name: &str) -> Option<Key> {
        let is_key = name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_key.then(|| Key(name.to_owned()))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Feeds a `Hash` into the digest. A 64-bit hash would not do: two would be equal some day, and the wrong machine code would run.
struct Sha(Sha256);

impl Hasher for Sha {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        digest.iter().take(8).fold(0, |all, &byte| all << 8 | u64::from(byte))
    }
}
