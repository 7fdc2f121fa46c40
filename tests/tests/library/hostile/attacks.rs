//! Attacks that once succeeded.

use purefork::{ErrorKind, Executor, Future, Limits, Module, Value, args, promise};
use purefork_tests::guests::MATH;
use purefork_tests::{Mode, Watchdog, in_own_process, limits, loaded, still_answers};
use std::future::Future as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::thread;

/// A module whose only function traps, with debug information of `depth` inlined calls, one within the other. Whoever
/// looks up the trap's place in it recurses as deeply.
fn nested_debug_information(depth: usize) -> Vec<u8> {
    fn leb(mut n: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while n >= 0x80 {
            bytes.push((n as u8 & 0x7f) | 0x80);
            n >>= 7;
        }
        bytes.push(n as u8);
        bytes
    }
    fn section(id: u8, body: &[u8]) -> Vec<u8> {
        [&[id], leb(body.len()).as_slice(), body].concat()
    }
    fn custom(name: &str, body: &[u8]) -> Vec<u8> {
        section(0, &[&leb(name.len()), name.as_bytes(), body].concat())
    }
    let range = [0u32.to_le_bytes(), 0x10_0000u32.to_le_bytes()].concat();
    // A compile unit and a subprogram with a range, and an inlined subroutine without attributes.
    let abbreviations = [1, 0x11, 1, 0x11, 1, 0x12, 6, 0, 0, 2, 0x2e, 1, 0x11, 1, 0x12, 6, 0, 0, 3, 0x1d, 1, 0, 0, 0];
    let entries = [&[1], range.as_slice(), &[2], &range, &vec![3; depth], &vec![0; depth + 2]].concat();
    let unit = [&4u16.to_le_bytes(), [0; 4].as_slice(), &[4], &entries].concat();
    let info = [(unit.len() as u32).to_le_bytes().as_slice(), &unit].concat();
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[1, 0x60, 0, 1, 0x7f]),
        section(3, &[1, 0]),
        section(7, &[1, 1, b'f', 0, 0]),
        section(10, &[1, 3, 0, 0, 0x0b]),
        custom(".debug_abbrev", &abbreviations),
        custom(".debug_info", &info),
    ]
    .concat()
}

#[test]
fn debug_information_of_a_guest_is_not_read() {
    in_own_process(|| {
        let exec = Executor::builder().threads(1).build().unwrap();
        let guest = exec.load_bytes(nested_debug_information(200_000)).unwrap();
        let future = guest.fork("f", args![]).unwrap();
        future.on_done(|_| ());
        assert_eq!(future.wait().unwrap_err().kind(), ErrorKind::Trap);
        still_answers(&exec);
    });
}

#[test]
fn a_callback_in_serial_mode_waits_for_what_follows_on_a_fork_of_its_own() {
    let _watchdog = Watchdog::new();
    let exec = Executor::builder().serial().limits(limits()).build().unwrap();
    let square = loaded(&exec, MATH).function::<(i32,), i32>("square").unwrap();
    let (start, pending) = promise::<i32>();
    let again = square.clone();
    let nested = square.fork((pending,)).then(move |nine| again.fork((nine.value()?,)).map(|n| n + 1).wait());
    start.set(3).unwrap();
    assert_eq!(nested.wait().unwrap(), 82);
}

#[test]
fn a_loop_of_callbacks_takes_no_stack() {
    fn again(square: &purefork::Function<(i32,), i32>, left: &Arc<AtomicUsize>) {
        if left.fetch_sub(1, Ordering::SeqCst) > 1 {
            let (next, left) = (square.clone(), left.clone());
            square.fork((2,)).on_done(move |_| again(&next, &left));
        }
    }
    in_own_process(|| {
        let exec = Executor::builder().serial().limits(limits()).build().unwrap();
        let square = loaded(&exec, MATH).function::<(i32,), i32>("square").unwrap();
        let left = Arc::new(AtomicUsize::new(100_000));
        again(&square, &left);
        assert_eq!(left.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn values_and_wakers_that_panic_do_not_stop_later_callbacks() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    struct Bad;
    impl Wake for Bad {
        fn wake(self: Arc<Bad>) {
            panic!("woken");
        }
    }
    let _watchdog = Watchdog::new();
    let bad = Waker::from(Arc::new(Bad));
    for _ in 0..100 {
        let (start, future) = promise::<i32>();
        let bomb: Future<Arc<Bomb>> = future.then(|_| Ok(Arc::new(Bomb)));
        bomb.cancel();
        let mut woken = future.clone();
        assert!(std::pin::Pin::new(&mut woken).poll(&mut Context::from_waker(&bad)).is_pending());
        let after = future.map(|n| n + 1);
        start.set(1).unwrap();
        assert!(after.done());
        assert_eq!(after.wait().unwrap(), 2);
    }
}

/// The compiler numbers what a function refers to, and panics where its numbers are used up.
#[test]
fn a_function_that_refers_to_all_that_there_may_be_is_compiled() {
    let _watchdog = Watchdog::new();
    let exec = Executor::builder().serial().build().unwrap();
    let globals = |n: usize| {
        let used: String =
            (0..n).map(|at| format!("(global.set {at} (i32.add (global.get {at}) (i32.const 1)))")).collect();
        let declared = "(global (mut i32) (i32.const 7))".repeat(n);
        format!(r#"(module {declared} (func (export "f") (result i32) {used} (global.get 5)))"#)
    };
    let most = exec.load_bytes(globals(19_999)).unwrap();
    assert_eq!(most.fork("f", args![]).unwrap().wait().unwrap(), Value::I32(8));
    let error = exec.load_bytes(globals(70_000)).unwrap_err();
    assert_eq!(
        error.reasons()[0].message,
        "declares 1 types, 70000 globals, 0 imports and 0 segments, and 20000 are allowed all together; build it of fewer"
    );
}

#[test]
fn links_of_links_are_looked_at_once() {
    let _watchdog = Watchdog::new();
    let exec = Executor::builder().threads(1).limits(Limits::default().depth(8)).build().unwrap();
    let guest = r#"(module
        (import "fork" "a#f" (func $a (result i32))) (import "wait" "a#f" (func $wa (param i32) (result i32)))
        (import "fork" "b#f" (func $b (result i32)))
        (func (export "f") (result i32) (drop (call $b)) (call $wa (call $a))))"#;
    let mut last = exec.load_bytes(r#"(module (func (export "f") (result i32) (i32.const 7)))"#).unwrap();
    // Looking at each link anew would take 2 to the 60th looks.
    for _ in 0..60 {
        last = exec.load_bytes(guest).unwrap().link("a", &last).unwrap().link("b", &last).unwrap();
    }
    assert_eq!(last.fork("f", args![]).unwrap().wait().unwrap_err().kind(), ErrorKind::TooDeep);
}

#[test]
fn many_threads_that_wait_at_a_time_do_not_run_out_of_sandboxes() {
    let _watchdog = Watchdog::new();
    let exec = Executor::builder().threads(2).limits(limits()).build().unwrap();
    let store = r#"(module (memory 1) (func (export "f") (param i32) (result i32)
        (i32.store (i32.const 0) (local.get 0)) (i32.load (i32.const 0))))"#;
    let store = exec.load_bytes(store).unwrap().function::<(i32,), i32>("f").unwrap();
    thread::scope(|scope| {
        for i in 0..300 {
            let store = &store;
            scope.spawn(move || {
                for _ in 0..20 {
                    assert_eq!(store.fork((i,)).wait().unwrap(), i);
                }
            });
        }
    });
}

/// Each module of a chain is linked to the one before it; dropping the last takes no more stack than dropping one.
#[test]
fn a_long_chain_of_links_is_dropped() {
    let exec = Mode::Serial.executor();
    let step = loaded(
        &exec,
        r#"(module
            (import "fork" "next#f" (func $fork (result i32)))
            (import "wait" "next#f" (func $wait (param i32) (result i32)))
            (func (export "f") (result i32) (call $wait (call $fork))))"#,
    );
    let end = loaded(&exec, r#"(module (func (export "f") (result i32) (i32.const 7)))"#);
    let mut chain = (0..20_000).fold(end, |chain, _| step.link("next", &chain).expect("it exports what is forked"));
    drop(chain);
    // Those that are linked both ways, too.
    chain = loaded(&exec, r#"(module (func (export "f") (result i32) (i32.const 7)))"#);
    for _ in 0..20_000 {
        let linked = Module::link_together(&[("next", &chain), ("user", &step)]).expect("it exports what is forked");
        chain = linked[1].clone();
    }
}
