//! What a result is found by.

use crate::backend::Subject;
use crate::value::{Values, bytes};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

/// Arguments of more bytes are known by a digest alone.
const MOST_WHOLE: usize = 256;

/// What a result is found by: what is called, and with what.
///
/// Guests choose arguments, and would choose ones that all land in one place of a table; so the hash depends on random numbers that they
/// do not know. It says where to look. What is found is compared in full.
#[derive(Clone, Debug)]
pub(super) struct Key {
    hash: u64,
    subject: Subject,
    args: Args,
}

/// Arguments, of which no two have the same form: their types are the subject's.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Args {
    /// Few scalars.
    Scalars(smallvec::SmallVec<[u64; 2]>),
    /// The binary form.
    Bytes(Box<[u8]>),
    /// A digest of the binary form.
    Digest([u8; 32]),
}

/// The name of an entry on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name(pub(super) [u8; 32]);

impl Key {
    pub(super) fn new(subject: &Subject, values: &Values, random: &RandomState) -> Key {
        let args = match values {
            Values::Slots(slots) if size_of_val(slots.as_slice()) <= MOST_WHOLE => Args::Scalars(slots.clone()),
            Values::Slots(slots) => {
                let mut digest = Sha256::new();
                slots.iter().for_each(|slot| digest.update(slot.to_le_bytes()));
                Args::Digest(digest.finalize().into())
            }
            Values::Whole(values) if is_small(values) => {
                let mut form = Vec::new();
                values.iter().for_each(|value| bytes::encode(value, &mut form));
                if form.len() <= MOST_WHOLE {
                    Args::Bytes(form.into())
                } else {
                    Args::Digest(Sha256::digest(form).into())
                }
            }
            Values::Whole(values) => {
                let mut digest = Sha256::new();
                values.iter().for_each(|value| bytes::write(value, &mut digest));
                Args::Digest(digest.finalize().into())
            }
        };
        let mut hasher = random.build_hasher();
        hasher.write(subject);
        match &args {
            Args::Scalars(slots) => slots.iter().for_each(|slot| hasher.write_u64(*slot)),
            Args::Bytes(bytes) => hasher.write(bytes),
            Args::Digest(digest) => hasher.write(digest),
        }
        Key { hash: hasher.finish(), subject: *subject, args }
    }

    /// The hash, by which a place in a table is chosen.
    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    /// How many bytes it takes beside its own place.
    pub(super) fn bytes(&self) -> usize {
        match &self.args {
            Args::Scalars(slots) if slots.spilled() => size_of_val(slots.as_slice()),
            Args::Scalars(_) | Args::Digest(_) => 0,
            Args::Bytes(bytes) => bytes.len(),
        }
    }

    /// The name of its entry on the disk: the same in every process.
    pub(super) fn name(&self) -> Name {
        let mut digest = Sha256::new();
        digest.update(self.subject);
        match &self.args {
            Args::Scalars(slots) => slots.iter().for_each(|slot| digest.update(slot.to_le_bytes())),
            Args::Bytes(bytes) => digest.update(Sha256::digest(bytes)),
            Args::Digest(args) => digest.update(args),
        }
        Name(digest.finalize().into())
    }
}

/// Whether the binary form is not worth avoiding.
fn is_small(values: &[crate::value::Value]) -> bool {
    let mut left = 4 * MOST_WHOLE;
    values.iter().all(|value| match left.checked_sub(value.bytes()) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    })
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        self.hash == other.hash && self.subject == other.subject && self.args == other.args
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// For tables whose keys have a good hash already.
#[derive(Clone, Copy, Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        // Not used: `Key` writes one number.
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every miss makes one: by `{:02x}` it would take longer than all else but the look at the disk.
        let digit = |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 });
        let text: String = self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    fn key(random: &RandomState, values: impl IntoIterator<Item = Value>) -> Key {
        Key::new(&[7; 32], &values.into_iter().collect(), random)
    }

    #[test]
    fn keys_are_equal_where_the_arguments_are_bit_for_bit() {
        let random = RandomState::new();
        let nan = |bits: u64| Value::F64(f64::from_bits(bits));
        let long = |byte: u8| Value::from(vec![byte; 100_000]);
        let text = |text: &str| Value::from(text.to_owned());
        let all = [
            vec![],
            vec![Value::from(0.0)],
            vec![Value::from(-0.0)],
            vec![nan(0x7ff8_0000_0000_0001)],
            vec![nan(0x7ff8_0000_0000_0002)],
            vec![Value::from(1), Value::from(2)],
            vec![Value::from(2), Value::from(1)],
            vec![text("a"), text("b")],
            vec![text("ab"), text("")],
            vec![long(1)],
            vec![long(2)],
            vec![text(&"x".repeat(300))],
            (0..100).map(Value::from).collect(),
            (0..101).map(Value::from).collect(),
        ];
        for (i, a) in all.iter().enumerate() {
            for (j, b) in all.iter().enumerate() {
                let (a, b) = (key(&random, a.clone()), key(&random, b.clone()));
                assert_eq!(a == b, i == j, "{i} {j}");
                assert_eq!(a.name() == b.name(), i == j, "{i} {j}");
            }
        }
        assert_ne!(key(&random, []), Key::new(&[8; 32], &Values::default(), &random));
    }

    #[test]
    fn a_name_is_written_in_hexadecimal() {
        let name = Name(std::array::from_fn(|at| at as u8 * 8 + 7));
        let expected = name.0.map(|byte| format!("{byte:02x}")).concat();
        assert_eq!(name.to_string(), expected);
    }

    #[test]
    fn the_hash_is_another_each_time_and_the_name_the_same() {
        let [a, b] = [(); 2].map(|()| key(&RandomState::new(), [Value::from(1)]));
        assert_ne!(a.hash(), b.hash());
        assert_eq!(a.name(), b.name());
    }

    #[test]
    fn large_arguments_are_not_kept() {
        assert!(key(&RandomState::new(), [Value::from(vec![0u8; 1 << 20])]).bytes() <= MOST_WHOLE);
        assert!(key(&RandomState::new(), (0..10_000).map(Value::from)).bytes() <= MOST_WHOLE);
    }
}
