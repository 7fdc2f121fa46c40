//! The greatest common divisor of a row, and of each row of a batch.

#[purefork_guest::module]
mod gcd_own {
    /// Of two numbers.
    pub fn gcd(a: i32, b: i32) -> i32 {
        let (mut a, mut b) = (a, b);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    }

    /// Of two columns.
    pub fn gcd_batch(a: &[i32], b: &[i32]) -> Vec<i32> {
        a.iter().zip(b).map(|(a, b)| gcd(*a, *b)).collect()
    }
}
