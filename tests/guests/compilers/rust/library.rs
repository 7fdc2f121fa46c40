//! Numbers sorted; the last of them, and a sum over all.

fn numbers() -> Vec<i64> {
    let mut x = 1i64;
    let mut numbers: Vec<i64> = std::iter::repeat_with(|| { x = (x * 1103 + 12345) % 1_000_003; x }).take(1000).collect();
    numbers.sort();
    numbers
}

#[unsafe(no_mangle)]
pub extern "C" fn highest() -> i64 {
    numbers()[999]
}

#[unsafe(no_mangle)]
pub extern "C" fn sorted() -> i64 {
    numbers().iter().fold(0, |h, x| (h * 31 + x) % 1_000_003)
}
