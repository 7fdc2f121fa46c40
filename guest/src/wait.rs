//! Waiting for futures of any function alike.

/// The future of a forked call; every future in a generated `fork` module is one.
///
/// The futures have a method `wait` of their own; this is for code over futures of any function.
pub trait Wait {
    /// The result of the function that was forked.
    type Output;

    /// Waits for the call, and returns its result. If the call failed, so does the one that waits.
    fn wait(self) -> Self::Output;
}

/// Waits for many futures, and returns their results in the same order.
///
/// An iterator that forks as it goes would wait for each before it forks the next; so they are collected
/// first, and all calls are under way before any is waited for.
///
/// ```
/// #[purefork_guest::module]
/// mod squares {
///     pub fn square(n: u32) -> u32 {
///         n * n
///     }
///
///     pub fn sum_of_squares(n: u32) -> u32 {
///         purefork_guest::wait_all((1..=n).map(fork::square)).into_iter().sum()
///     }
/// }
/// # assert_eq!(squares::sum_of_squares(3), 14);
/// ```
pub fn wait_all<F: Wait>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let futures: Vec<F> = futures.into_iter().collect();
    futures.into_iter().map(F::wait).collect()
}
