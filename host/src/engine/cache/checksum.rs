//! Checksums, to detect damage.

/// How much of a blob's start, and of its end, is checked whenever the blob is opened.
///
/// A power failure leaves a tail that is missing or zero, and a tail starts at a page.
pub(super) const END: usize = 4096;

/// Odd, so that a product with it keeps every bit of the other factor.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// The checksum of bytes and their number.
///
/// It detects accidents, not attacks. Each step is a bijection of either operand, so damage within one word is always detected;
/// other damage is missed once in 2⁶⁴ times. Four independent lanes make it as fast as memory can be read.
pub(super) fn of(bytes: &[u8]) -> u64 {
    let mut lanes = [1, 2, 3, 4].map(|n: u64| n.wrapping_mul(FACTOR));
    let (chunks, rest) = bytes.as_chunks::<32>();
    for chunk in chunks {
        add(&mut lanes, chunk);
    }
    if !rest.is_empty() {
        let mut last = [0; 32];
        last[..rest.len()].copy_from_slice(rest);
        add(&mut lanes, &last);
    }
    let all = lanes.into_iter().fold(bytes.len() as u64, step);
    all ^ all >> 32
}

/// The checksum of a blob's first and last [`END`] bytes, or of all bytes if these meet.
pub(super) fn ends(blob: &[u8]) -> u64 {
    if blob.len() <= 2 * END {
        return of(blob);
    }
    of(&[&blob[..END], &blob[blob.len() - END..]].concat())
}

fn add(lanes: &mut [u64; 4], chunk: &[u8; 32]) {
    let (words, _) = chunk.as_chunks::<8>();
    for (lane, word) in lanes.iter_mut().zip(words) {
        *lane = step(*lane, u64::from_le_bytes(*word));
    }
}

fn step(state: u64, word: u64) -> u64 {
    (state ^ word).wrapping_mul(FACTOR).rotate_left(29)
}
