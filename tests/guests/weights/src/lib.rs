//! State that is loaded once, and read by every call; and calls that change it, which nobody sees.

#[purefork_guest::module]
mod weights {
    use purefork_guest::Tensor;
    use std::cell::RefCell;
    use std::sync::{LazyLock, Mutex, OnceLock};

    static WEIGHTS: OnceLock<Vec<f32>> = OnceLock::new();
    static TABLE: LazyLock<Vec<u32>> = LazyLock::new(|| (0..1000).map(|n| n * n).collect());
    static CALLS: Mutex<u32> = Mutex::new(0);

    thread_local! { static NAMES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) } }

    /// Takes weights, and makes others of them.
    #[init]
    pub fn load(weights: &Tensor) -> Result<(), String> {
        let weights = weights.elements::<f32>().map_err(|error| error.to_string())?;
        WEIGHTS.set(weights).map_err(|_| "the weights are loaded already".to_owned())
    }

    /// Takes weights as they are given: nothing is freed.
    #[init]
    pub fn load_as_given(weights: Vec<f32>) -> Result<(), String> {
        WEIGHTS.set(weights).map_err(|_| "the weights are loaded already".to_owned())
    }

    /// What needs no arguments; and many small blocks, of which most are freed.
    #[init]
    pub fn warm_up(names: u32) {
        LazyLock::force(&TABLE);
        let all: Vec<String> = (0..names).map(|n| format!("name {n}")).collect();
        NAMES.set(all.into_iter().step_by(10).collect());
        *CALLS.lock().unwrap() = 100;
    }

    /// The product of the weights and numbers.
    pub fn forward(x: &[f32]) -> Result<f32, String> {
        let weights = WEIGHTS.get().ok_or("no weights are loaded")?;
        Ok(weights.iter().zip(x).map(|(weight, x)| weight * x).sum())
    }

    /// The same for many, each by a fork.
    pub fn forward_all(rows: Vec<Vec<f32>>) -> Result<Vec<f32>, String> {
        let forks: Vec<_> = rows.iter().map(|row| fork::forward(row)).collect();
        purefork_guest::wait_all(forks).into_iter().collect()
    }

    /// Counts itself, and changes all there is; returns what it found.
    pub fn change() -> (u32, u32) {
        let mut calls = CALLS.lock().unwrap();
        *calls += 1;
        let names = NAMES.with_borrow_mut(|names| {
            let before = names.len();
            names.clear();
            names.push("changed".to_owned());
            before
        });
        (*calls, names as u32)
    }

    /// Changes all there is, by a fork, and then looks at what it sees itself.
    pub fn changed_by_fork() -> ((u32, u32), u32) {
        let found = fork::change().wait();
        (found, *CALLS.lock().unwrap())
    }

    /// Allocates and frees, in and beyond the first heap, among what was loaded; and says what is there after.
    pub fn churn(rounds: u32) -> (u64, u64) {
        let mut blocks: Vec<Vec<u32>> = Vec::new();
        for round in 0..rounds {
            blocks.push(vec![round; 1 + (round as usize * 37) % 3000]);
            if round % 3 == 0 {
                blocks.swap_remove(blocks.len() / 2);
            }
        }
        let intact = blocks.iter().all(|block| block.iter().all(|n| *n == block[0]));
        assert!(intact, "a block was changed by another");
        let names = NAMES.with_borrow(|names| names.iter().map(|name| name.len() as u64).sum());
        (TABLE.iter().map(|n| u64::from(*n)).sum(), names)
    }
}

#[cfg(test)]
mod tests {
    use super::weights;
    use purefork_guest::Tensor;

    #[test]
    fn natively_the_same_but_for_what_is_changed() {
        assert_eq!(weights::forward_all(vec![vec![1.0]]).unwrap_err(), "no weights are loaded");
        weights::load(&Tensor::new(&[2], &[2f32, 3.0]).unwrap()).unwrap();
        assert_eq!(weights::forward_all(vec![vec![10.0, 1.0]; 2]).unwrap(), [23.0; 2]);
        weights::warm_up(100);
        assert_eq!(weights::changed_by_fork(), ((101, 10), 101));
    }
}
