//! The Fibonacci numbers, the way that forks most.

/// The guest.
#[purefork_guest::module]
pub mod fib {
    /// The Fibonacci number of `n`, each summand by a fork.
    pub fn fib(n: u32) -> u64 {
        if n < 2 {
            return n.into();
        }
        let (a, b) = (fork::fib(n - 1), fork::fib(n - 2));
        b.wait() + a.wait()
    }
}
