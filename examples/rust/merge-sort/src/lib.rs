//! Divide and conquer: a merge sort whose halves are forks, and their halves again.

use std::cmp::Ordering;

#[purefork_guest::module]
mod merge_sort {
    use super::merge;

    /// A list no longer than this is sorted at once: to fork it would cost more than to sort it.
    const CUTOFF: usize = 4096;

    /// Sorts whole numbers.
    pub fn sort(numbers: Vec<i64>) -> Vec<i64> {
        let mut numbers = numbers;
        if numbers.len() <= CUTOFF {
            numbers.sort_unstable();
            return numbers;
        }
        let right = numbers.split_off(numbers.len() / 2);
        let (left, right) = (fork::sort(numbers), fork::sort(right));
        merge(left.wait(), right.wait(), i64::cmp)
    }

    /// Sorts floating-point numbers, in the total order of IEEE 754: -0 before 0, NaN last.
    pub fn sort_floats(numbers: Vec<f64>) -> Vec<f64> {
        let mut numbers = numbers;
        if numbers.len() <= CUTOFF {
            numbers.sort_unstable_by(f64::total_cmp);
            return numbers;
        }
        let right = numbers.split_off(numbers.len() / 2);
        let (left, right) = (fork::sort_floats(numbers), fork::sort_floats(right));
        merge(left.wait(), right.wait(), f64::total_cmp)
    }

    /// Sorts `count` numbers that it makes itself, and returns the least, the middle one and the greatest.
    pub fn sort_some(count: u32) -> Option<(i64, i64, i64)> {
        let mut state = 1u64;
        let numbers = (0..count).map(|_| {
            // A multiplicative generator: the same numbers every time.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as i64
        });
        let sorted = fork::sort(numbers.collect()).wait();
        Some((*sorted.first()?, sorted[sorted.len() / 2], *sorted.last()?))
    }
}

fn merge<T: Copy>(left: Vec<T>, right: Vec<T>, compare: fn(&T, &T) -> Ordering) -> Vec<T> {
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.as_slice(), right.as_slice());
    while let ([a, after_a @ ..], [b, after_b @ ..]) = (left, right) {
        if compare(a, b).is_le() {
            merged.push(*a);
            left = after_a;
        } else {
            merged.push(*b);
            right = after_b;
        }
    }
    merged.extend_from_slice(left);
    merged.extend_from_slice(right);
    merged
}

#[cfg(test)]
mod tests {
    use super::merge_sort::{sort, sort_floats, sort_some};

    #[test]
    fn a_long_list_is_sorted() {
        let numbers: Vec<i64> = (0..20_000).map(|n| n * 7919 % 20_011).collect();
        let mut expected = numbers.clone();
        expected.sort();
        assert_eq!(sort(numbers), expected);
    }

    #[test]
    fn floats_are_sorted_by_their_total_order() {
        let sorted = sort_floats(vec![f64::NAN, 1.0, 0.0, -0.0, f64::NEG_INFINITY]);
        assert_eq!(format!("{sorted:?}"), "[-inf, -0.0, 0.0, 1.0, NaN]");
    }

    #[test]
    fn the_numbers_are_the_same_every_time() {
        assert_eq!(sort_some(0), None);
        assert_eq!(sort_some(100_000), sort_some(100_000));
    }
}
