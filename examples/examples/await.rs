//! A host that awaits calls of a guest, with any async runtime; here with the least there can be.
//!
//! `cargo run --example await`

use anyhow::Result;
use purefork::{Executor, first_ok};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};

const GUEST: &str = r#"(module
    (func (export "collatz") (param $n i64) (result i64) (local $steps i64)
        (loop $next
            (if (i64.ne (local.get $n) (i64.const 1)) (then
                (local.set $steps (i64.add (local.get $steps) (i64.const 1)))
                (local.set $n (if (result i64) (i32.wrap_i64 (i64.and (local.get $n) (i64.const 1)))
                    (then (i64.add (i64.mul (local.get $n) (i64.const 3)) (i64.const 1)))
                    (else (i64.shr_u (local.get $n) (i64.const 1)))))
                (br $next))))
        (local.get $steps)))"#;

fn main() -> Result<()> {
    block_on(async {
        let exec = Executor::new()?;
        let collatz = exec.load_bytes(GUEST)?.function::<(i64,), i64>("collatz")?;
        let forks = [27, 97, 871, 6171].map(|n| (n, collatz.fork((n,))));
        for (n, steps) in forks {
            println!("{n} reaches 1 in {} steps", steps.await?);
        }
        // Whichever succeeds first.
        let either = first_ok([collatz.fork((27,)), collatz.fork((27,))]);
        println!("27 again: {}", either.await?);
        Ok(())
    })
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Unpark>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
