//! Sums that show whether bytes are what they were.

/// How much of a blob's start, and of its end, is looked at whenever the blob is opened.
///
/// What a power failure leaves behind is a tail that is missing or zero, and a tail starts at a page.
pub(super) const END: usize = 4096;

/// Odd, so that a product with it keeps every bit of the other factor.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// A sum of bytes and their number.
///
/// It is for accidents, not for enemies. Each step can be undone, given the other operand, so damage within one word is
/// found for certain, and other damage but once in 2⁶⁴ times. Four lanes that do not wait for each other make it as
/// fast as memory is read.
pub(super) fn sum(bytes: &[u8]) -> u64 {
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

/// The sum of a blob's first and last [`END`] bytes, or of all bytes where these meet.
pub(super) fn ends(blob: &[u8]) -> u64 {
    if blob.len() <= 2 * END {
        return sum(blob);
    }
    sum(&[&blob[..END], &blob[blob.len() - END..]].concat())
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
