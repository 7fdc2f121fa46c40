//! Where bytes go.

use sha2::{Digest as _, Sha256};

/// Where bytes go: into memory, or into a digest, which keeps none of them.
pub(crate) trait Sink {
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

impl Sink for Sha256 {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

/// Writes an unsigned LEB128.
#[inline]
pub(crate) fn write_length(length: usize, to: &mut impl Sink) {
    let mut rest = length;
    while rest >= 0x80 {
        to.put(&[rest as u8 | 0x80]);
        rest >>= 7;
    }
    to.put(&[rest as u8]);
}
