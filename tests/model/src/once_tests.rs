use super::once::Once;
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use std::cell::Cell;

#[test]
fn of_two_who_write_one_succeeds_and_the_other_finds_the_value() {
    loom::model(|| {
        let once = Arc::new(Once::new());
        let other = once.clone();
        let other = thread::spawn(move || {
            let written = other.write(1).is_ok();
            assert!(other.get().is_some(), "it is there, whoever has written it");
            written
        });
        let written = once.write(2).is_ok();
        let value = *once.get().expect("it is there, whoever has written it");
        assert!(written != other.join().unwrap());
        assert_eq!(value, if written { 2 } else { 1 });
    });
}

#[test]
fn who_reads_sees_all_of_the_value_or_none() {
    loom::model(|| {
        let once = Arc::new(Once::new());
        let writer = once.clone();
        let writer = thread::spawn(move || writer.write(Box::new(7)).is_ok());
        assert!(once.get().is_none_or(|value| **value == 7));
        assert!(once.with(|value| **value).is_none_or(|value| value == 7));
        assert!(writer.join().unwrap());
        assert_eq!(once.get().map(|value| **value), Some(7));
    });
}

/// As futures wait: whoever waits says so under a lock, and goes to the list; whoever writes looks into the list if it is
/// told that somebody waits.
#[test]
fn who_says_that_it_waits_is_told() {
    for waiting in [1, 2] {
        loom::model(move || {
            let shared = Arc::new((Once::new(), Mutex::new(0), Condvar::new()));
            let waits = (0..waiting).map(|_| {
                let shared = shared.clone();
                thread::spawn(move || {
                    let (once, waiters, told) = &*shared;
                    let mut waiters = waiters.lock().unwrap();
                    if once.expect() {
                        *waiters += 1;
                        while !once.is_written() || *waiters != 0 {
                            waiters = told.wait(waiters).unwrap();
                        }
                    }
                    assert_eq!(once.get(), Some(&7));
                })
            });
            let waits: Vec<_> = waits.collect();
            let (once, waiters, told) = &*shared;
            if once.write(7).unwrap() {
                *waiters.lock().unwrap() = 0;
                told.notify_all();
            }
            waits.into_iter().for_each(|wait| wait.join().unwrap());
        });
    }
}

#[test]
fn who_writes_is_seen_to_until_the_value_is_there() {
    loom::model(|| {
        let once = Arc::new(Once::new());
        assert!(!once.is_being_written());
        let writer = once.clone();
        let writer = thread::spawn(move || writer.write(7).is_ok());
        while once.is_being_written() {
            thread::yield_now();
        }
        assert!(once.get().is_none_or(|value| *value == 7));
        assert!(writer.join().unwrap() && !once.is_being_written());
    });
}

#[test]
fn a_value_that_cannot_be_shared_is_read_by_one_at_a_time() {
    read_by_two(|once, step| {
        once.with(step);
        true
    });
}

#[test]
fn who_cannot_wait_for_a_turn_reads_if_nobody_else_does() {
    read_by_two(|once, step| once.with_now(step).is_some());
}

/// Two threads read, one of them by `read`, which tells whether it did.
fn read_by_two(read: impl Fn(&Once<Cell<u32>>, fn(&Cell<u32>)) -> bool + Copy + Send + Sync + 'static) {
    loom::model(move || {
        let once = Arc::new(Once::written(Cell::new(0)));
        // Were two to do this at a time, one step would be lost.
        fn step(count: &Cell<u32>) {
            let before = count.get();
            thread::yield_now();
            count.set(before + 1);
        }
        let other = once.clone();
        let other = thread::spawn(move || other.with(step));
        let stepped = read(&once, step);
        other.join().unwrap();
        if !stepped {
            assert!(once.with_now(step).is_some(), "nobody else reads");
        }
        let mut once = Arc::try_unwrap(once).unwrap_or_else(|_| panic!("nobody else has it"));
        assert_eq!(once.take(), Some(Cell::new(2)));
    });
}
