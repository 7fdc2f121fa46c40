//! [`Claim`] with real threads.

use super::claim::Claim;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

#[test]
fn one_of_many_threads_is_given_it() {
    for _ in 0..500 {
        let (claim, barrier, given) = (Claim::new("it".to_owned()), Barrier::new(4), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    barrier.wait();
                    if let Some(it) = claim.take() {
                        assert_eq!(std::mem::take(it), "it");
                        given.fetch_add(1, Ordering::Relaxed);
                    }
                    assert!(claim.is_taken());
                });
            }
        });
        assert_eq!(given.into_inner(), 1);
    }
}

#[test]
fn what_nobody_asked_for_is_dropped_with_it() {
    let it = std::sync::Arc::new(());
    drop(Claim::new(it.clone()));
    assert_eq!(std::sync::Arc::strong_count(&it), 1);
}

#[test]
fn what_is_held_is_looked_at_and_taken_by_nobody() {
    let claim = Claim::new(7);
    assert_eq!(claim.take_held(), None);
    assert_eq!(claim.hold(|it| *it + 1), Some(8));
    assert!(claim.is_held() && !claim.is_taken());
    assert_eq!((claim.take(), claim.hold(|it| *it)), (None, None));
    claim.let_go();
    assert!(!claim.is_held());
    assert_eq!(claim.hold(|it| *it), Some(7));
    assert_eq!(claim.take_held(), Some(&mut 7));
    // It was taken: nothing brings it back.
    claim.let_go();
    assert_eq!((claim.take(), claim.take_held(), claim.hold(|it| *it)), (None, None, None));
}

#[test]
fn a_look_that_panics_leaves_it_held() {
    let claim = Claim::new(7);
    let look = std::panic::AssertUnwindSafe(|| claim.hold(|_| panic!("on purpose")));
    assert!(std::panic::catch_unwind(look).is_err());
    assert!(claim.is_held());
    claim.let_go();
    assert_eq!(claim.take(), Some(&mut 7));
}
