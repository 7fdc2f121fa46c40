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
