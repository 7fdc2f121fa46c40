//! Modules that nobody has written. `tests/fuzz` looks for more of them.

use purefork_tests::smith::Ways;

#[test]
fn generated_modules_end_the_same_each_way() {
    let ways = Ways::new();
    let (mut compared, mut ended_well) = (0, 0);
    for seed in 0..3000u64 {
        // Shown if the test fails.
        println!("seed {seed}");
        // Half of them change nothing, and some drop data.
        let Some(calls) = ways.compare(&seed.to_le_bytes()) else { continue };
        compared += 1;
        ended_well += calls;
    }
    assert!(compared > 1000 && ended_well > 5000, "{compared} compared, {ended_well} calls that ended well");
}
