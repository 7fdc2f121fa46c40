//! How numbers are spread, in bounded memory.

/// Each power of two is parted into so many.
const PARTS: u32 = 32;

/// How numbers are spread. Its percentiles are at most 1/32 too high, its maximum is exact.
///
/// ```
/// use purefork_data::map::Histogram;
///
/// let mut histogram = Histogram::default();
/// (1..=1000).for_each(|n| histogram.add(n));
/// assert_eq!((histogram.percentile(50), histogram.most()), (Some(503), Some(1000)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// How many numbers there are of each size, from the smallest that there is to the largest; at most 1,920.
    counts: Vec<u64>,
    /// Where the first of them are counted.
    first: usize,
    count: u64,
    most: Option<u64>,
}

impl Histogram {
    /// Adds a number.
    pub fn add(&mut self, number: u64) {
        *self.at(place(number)) += 1;
        self.count += 1;
        self.most = self.most.max(Some(number));
    }

    /// Adds all numbers of another one.
    pub fn merge(&mut self, other: &Histogram) {
        for (more, at) in other.counts.iter().zip(other.first..) {
            *self.at(at) += more;
        }
        self.count += other.count;
        self.most = self.most.max(other.most);
    }

    /// How many numbers are counted at a place.
    fn at(&mut self, at: usize) -> &mut u64 {
        if self.counts.is_empty() {
            self.first = at;
        }
        if at < self.first {
            self.counts.splice(..0, std::iter::repeat_n(0, self.first - at));
            self.first = at;
        }
        let index = at - self.first;
        if index >= self.counts.len() {
            self.counts.resize(index + 1, 0);
        }
        &mut self.counts[index]
    }

    /// The number that so many percent are not above; none if there are no numbers.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = (u128::from(self.count) * u128::from(percent.min(100))).div_ceil(100).max(1);
        let mut seen = 0;
        for (count, at) in self.counts.iter().zip(self.first..) {
            seen += u128::from(*count);
            if seen >= rank {
                return Some(largest(at).min(self.most?));
            }
        }
        self.most
    }

    /// The largest number.
    pub fn most(&self) -> Option<u64> {
        self.most
    }
}

/// Where a number is counted.
fn place(number: u64) -> usize {
    let bits = u64::from(PARTS);
    if number < bits {
        return number as usize;
    }
    let shift = number.ilog2() - PARTS.ilog2();
    ((u64::from(shift) + 1) * bits + ((number >> shift) - bits)) as usize
}

/// The largest number that is counted at a place.
fn largest(at: usize) -> u64 {
    let (group, part) = (at as u64 / u64::from(PARTS), at as u64 % u64::from(PARTS));
    if group == 0 {
        return part;
    }
    let shift = group - 1;
    let first = u128::from(u64::from(PARTS) + part) << shift;
    u64::try_from(first + (1u128 << shift) - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_place_holds_numbers_that_differ_by_little(number: u64) {
            let largest = largest(place(number));
            prop_assert!(largest >= number);
            prop_assert!(largest - number <= number / u64::from(PARTS));
        }

        #[test]
        fn a_percentile_is_hardly_above_the_exact_one(mut numbers in proptest::collection::vec(any::<u64>(), 1..99)) {
            let mut parts = [Histogram::default(), Histogram::default()];
            numbers.iter().enumerate().for_each(|(at, n)| parts[at % 2].add(*n));
            let [mut whole, other] = parts;
            whole.merge(&other);
            numbers.sort_unstable();
            for percent in [1, 50, 99, 100] {
                let exact = numbers[(numbers.len() * percent).div_ceil(100).max(1) - 1];
                let found = whole.percentile(percent as u64).expect("there are numbers");
                prop_assert!(found >= exact && found - exact <= exact / u64::from(PARTS));
            }
            prop_assert_eq!(whole.most(), numbers.last().copied());
        }
    }
}
