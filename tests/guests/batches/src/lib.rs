//! Functions with batch forms, of every kind of parameter and result.

/// The guest.
#[purefork_guest::module]
pub mod batches {
    use std::cell::Cell;

    thread_local! { static CALLS: Cell<u32> = const { Cell::new(0) } }

    /// The greatest common divisor.
    #[batch]
    pub fn gcd(a: i64, b: i64) -> i64 {
        let (mut a, mut b) = (a, b);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a.abs()
    }

    /// How often it was called in this state for what counts, this time included.
    #[batch]
    pub fn count(counts: bool) -> u32 {
        CALLS.set(CALLS.get() + u32::from(counts));
        CALLS.get()
    }

    /// A quotient of whole numbers.
    #[batch]
    pub fn quotient(a: i64, b: i64) -> Result<i64, String> {
        a.checked_div(b).ok_or_else(|| format!("{a} / {b} is no number"))
    }

    /// Whether a number is even.
    #[batch]
    pub fn check(number: u32) -> Result<(), String> {
        if number % 2 == 0 { Ok(()) } else { Err(format!("{number} is odd")) }
    }

    /// A place on a map.
    pub struct Place {
        /// How it is called.
        pub name: String,
        /// How many live there.
        pub people: Option<u32>,
    }

    /// A text for each place.
    #[batch]
    pub fn tell(place: Place, before: &str, numbers: &[u8]) -> Option<String> {
        let people = place.people?;
        Some(format!("{before}{}: {people} {numbers:?}", place.name))
    }

    /// The places of a list.
    #[batch]
    pub fn place(name: String, people: Option<u32>) -> Place {
        Place { name, people }
    }

    /// Both halves, each as a batch of its own.
    pub fn halves(mut a: Vec<i64>, mut b: Vec<i64>) -> Vec<i64> {
        let (c, d) = (a.split_off(a.len() / 2), b.split_off(b.len() / 2));
        let (first, second) = (fork::gcd_batch(a, b), fork::gcd_batch(c, d));
        [first.wait(), second.wait()].concat()
    }
}
