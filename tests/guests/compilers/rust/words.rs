//! Words counted as JSON, numbers sorted.

use std::collections::BTreeMap;

fn main() {
    println!("hello from Rust");
    let mut counts = BTreeMap::new();
    for word in "To be, or not to be, that is the question.".split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
        *counts.entry(word.to_lowercase()).or_insert(0) += 1;
    }
    let pairs: Vec<String> = counts.iter().map(|(word, count)| format!("{word:?}:{count}")).collect();
    println!("{{{}}}", pairs.join(","));
    let mut x = 1i64;
    let mut numbers: Vec<i64> = std::iter::repeat_with(|| { x = (x * 1103 + 12345) % 1_000_003; x }).take(1000).collect();
    numbers.sort();
    let h = numbers.iter().fold(0, |h, x| (h * 31 + x) % 1_000_003);
    println!("sorted {} {} {h}", numbers[0], numbers[999]);
}
