//! Two histories, one observer. `PUREFORK_HISTORIES=1000000 cargo test --workspace --test library histories` tries that
//! many for each way, and lets time pass now and then.

use purefork_tests::Watchdog;
use purefork_tests::histories::{WAYS, World};

/// How many histories there are for each way where nobody says.
const FEW: usize = 2000;

#[test]
fn no_call_can_tell_what_other_trees_did_before_or_where() {
    let wanted = std::env::var("PUREFORK_HISTORIES").ok().and_then(|many| many.parse().ok());
    let _watchdog = wanted.is_none().then(Watchdog::new);
    for (number, way) in WAYS.into_iter().enumerate() {
        let mut world = World::new(way, number as u64, wanted.is_some());
        let many = wanted.unwrap_or(FEW);
        for _ in 0..many {
            world.history();
        }
        println!("{many} histories, {way:?}");
    }
}
