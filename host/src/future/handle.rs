//! A future: a handle on one result.

use super::waiters::Place;
use super::{Completion, Ready, nested};
use crate::error::{Error, ErrorKind, Result};
use crate::event::TaskId;
use crate::limits::Usage;
use crate::process;
use crate::sched;
use crate::value::Value;
use crate::wasi::Output;
use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

/// How long a thread that waits looks for the result before it sleeps: about what a short call takes.
const SPINS: u32 = 200;

/// The stack that a worker which waits in a callback has to have left, and the piece it is given if it has not.
const STACK_LEFT: usize = 256 << 10;
const STACK_MORE: usize = 2 << 20;

/// The result to be of a fork, or of host work made into a future.
///
/// A handle: clones are the same future. Dropping every handle does not cancel the call. It is `Send` and `Sync`, whatever
/// `T` is.
///
/// ```
/// use purefork::{Executor, args};
///
/// let exec = Executor::new()?;
/// let math = exec.load_bytes(r#"(module (func (export "square") (param i32) (result i32)
///     (i32.mul (local.get 0) (local.get 0))))"#)?;
/// let square = math.function::<(i32,), i32>("square")?;
/// let future = square.fork((7,)).map(|n| n + 1);
/// assert_eq!(future.wait()?, 50);
/// assert_eq!(future.wait()?, 50);
/// # Ok::<(), purefork::Error>(())
/// ```
///
/// A future is not serialisable:
///
/// ```compile_fail
/// fn serialize(_: impl serde::Serialize) {}
/// fn check(future: purefork::Future<i32>) {
///     serialize(future);
/// }
/// ```
///
/// A `Future<i32>` is no `Future<f32>`:
///
/// ```compile_fail
/// fn check(future: purefork::Future<i32>) -> purefork::Future<f32> {
///     future
/// }
/// ```
#[must_use = "what the call fails with is told to nobody who waits for it; `drop` the future if that is all right"]
pub struct Future<T> {
    source: Source<T>,
    /// Where this handle waits, or has waited, among those who wait for the result.
    place: Option<Place>,
}

/// How a call's value is read: its own, or one that others may read, too.
type Read<T> = fn(Cow<'_, Value>) -> Result<T>;

enum Source<T> {
    Own(Arc<dyn Completion<T>>),
    /// A call: its result is a [`Value`] until somebody asks for it.
    Call(Arc<dyn Completion<Value>>, Read<T>),
    Ready(Ready, Read<T>),
}

impl<T> Future<T> {
    pub(crate) fn from_completion(completion: Arc<dyn Completion<T>>) -> Future<T> {
        Future { source: Source::Own(completion), place: None }
    }

    pub(crate) fn from_call(call: Arc<dyn Completion<Value>>, read: Read<T>) -> Future<T> {
        Future { source: Source::Call(call, read), place: None }
    }

    pub(crate) fn from_ready(ready: Ready, read: Read<T>) -> Future<T> {
        Future { source: Source::Ready(ready, read), place: None }
    }

    /// Waits for the result.
    ///
    /// If nobody has started the call yet, it runs on this thread. On a worker of an executor, in a callback, other
    /// jobs run meanwhile.
    ///
    /// # Errors
    ///
    /// The call's own error; every handle, and every wait, gets the same.
    pub fn wait(&self) -> Result<T>
    where
        T: Clone,
    {
        self.waited_for();
        if !self.done() {
            nested::waiting(|| {
                self.help();
                if !self.done() {
                    self.block(None);
                }
            });
        }
        self.value()
    }

    /// Waits for the result, and leaves it to others to compute it; a worker runs other jobs meanwhile.
    ///
    /// # Errors
    ///
    /// As [`Future::wait`].
    pub(crate) fn wait_for_others(&self) -> Result<T>
    where
        T: Clone,
    {
        if !self.done() {
            nested::waiting(|| self.block(None));
        }
        self.value()
    }

    /// Waits for the result, and gives the value itself, not a copy, if this is the last handle.
    ///
    /// It is a copy all the same of a call that this thread has run itself while it waited beside a pool, and of one that had to
    /// wait for its arguments: the executor may still refer to these.
    ///
    /// For large results: [`Future::wait`] copies a list into the `Vec` that it gives.
    ///
    /// # Errors
    ///
    /// As [`Future::wait`].
    pub fn join(mut self) -> Result<T>
    where
        T: Clone,
    {
        self.waited_for();
        let mut helped = false;
        if !self.done() {
            nested::waiting(|| {
                helped = self.help();
                if !self.done() {
                    self.block(None);
                }
            });
        }
        // Whoever else has completed it may be about to let go of it. If it was this thread, a queue still has it.
        let spins = if helped { 0 } else { SPINS };
        let last = match &mut self.source {
            Source::Own(completion) => last(completion, spins),
            Source::Call(call, read) => {
                last(call, spins).map(|result| result.and_then(|value| read(Cow::Owned(value))))
            }
            Source::Ready(ready, read) => Some(read(Cow::Owned(std::mem::replace(&mut ready.value, Value::unit())))),
        };
        last.unwrap_or_else(|| self.value())
    }

    /// Waits for the result, but no longer than `timeout`; `None` if it is not there by then.
    ///
    /// In a callback on a worker, other than [`Future::wait`], it runs no other jobs meanwhile: with a single worker, what
    /// it waits for cannot come.
    ///
    /// The call goes on: this is a wait that ends, not a limit. For that, see [`Limits::timeout`](crate::Limits::timeout).
    pub fn wait_timeout(&self, timeout: Duration) -> Option<Result<T>>
    where
        T: Clone,
    {
        self.waited_for();
        if !self.done() {
            // Not run here: a call that runs on this thread could not be left in time.
            nested::waiting(|| self.block(Instant::now().checked_add(timeout)));
        }
        self.try_get()
    }

    /// Runs the call on this thread, if nobody has begun to and this thread may; returns whether the result is there then. Unlike
    /// [`Future::wait`] it waits for nobody else, and gives no copy of the value.
    ///
    /// For a host that has to look after something while it waits, such as signals: first this, then [`Future::wait_timeout`] for as long
    /// as it takes. While the call runs here, another thread can [cancel](Future::cancel) it.
    ///
    /// ```
    /// use purefork::{Executor, args};
    /// use std::time::Duration;
    ///
    /// let exec = Executor::new()?;
    /// let one = exec.load_bytes(r#"(module (func (export "one") (result i32) (i32.const 1)))"#)?;
    /// let future = one.fork("one", args![])?;
    /// let mut there = future.run_here();
    /// while !there {
    ///     there = future.wait_timeout(Duration::from_millis(50)).is_some();
    ///     // Look after other things here.
    /// }
    /// assert_eq!(future.value()?.to_string(), "1");
    /// # Ok::<(), purefork::Error>(())
    /// ```
    pub fn run_here(&self) -> bool {
        self.waited_for();
        if !self.done() {
            nested::waiting(|| self.help());
        }
        self.done()
    }

    /// Whether the result is there, be it a value or an error.
    pub fn is_done(&self) -> bool {
        self.done()
    }

    /// [`Future::is_done`], by its name in PyTorch.
    pub fn done(&self) -> bool {
        self.is_there() || process::was_forked() && self.stranded().is_some()
    }

    /// Whether the result was put in its place.
    pub(super) fn is_there(&self) -> bool {
        match &self.source {
            Source::Own(completion) => completion.cell().is_done(),
            Source::Call(call, _) => call.cell().is_done(),
            Source::Ready(..) => true,
        }
    }

    /// Why the result, if it is not there, will not come in this process. An error that says so is as good as a result: whoever
    /// asks is given it.
    #[cold]
    pub(super) fn stranded(&self) -> Option<Error> {
        match &self.source {
            Source::Own(completion) => completion.stranded(),
            Source::Call(call, _) => call.stranded(),
            Source::Ready(..) => None,
        }
    }

    /// The result, without waiting for it; `None` if it is not there yet.
    pub fn try_get(&self) -> Option<Result<T>>
    where
        T: Clone,
    {
        let result = match &self.source {
            Source::Own(completion) => completion.cell().get_in_turn(),
            Source::Call(call, read) => call.cell().look().map(|result| match result {
                Ok(value) => read(Cow::Borrowed(value)),
                Err(error) => Err(error.clone()),
            }),
            Source::Ready(ready, read) => return Some(read(Cow::Borrowed(&ready.value))),
        };
        result.or_else(|| if process::was_forked() { self.stranded().map(Err) } else { None })
    }

    /// [`Future::try_get`] for those who know that the result is there.
    ///
    /// # Errors
    ///
    /// The call's own error, or [`ErrorKind::NotReady`] if the result is not there yet.
    pub fn value(&self) -> Result<T>
    where
        T: Clone,
    {
        self.try_get().unwrap_or_else(|| Err(not_ready()))
    }

    /// Cancels the call, and returns whether that came in time. If so, the future is complete with
    /// [`ErrorKind::Cancelled`], for every handle; a call that runs already is interrupted, and with it all it forked.
    pub fn cancel(&self) -> bool {
        // Of a process that was forked: what it has to do with is left to the other one.
        if process::was_forked() && self.done() {
            return false;
        }
        match &self.source {
            Source::Own(completion) => completion.cancel(),
            Source::Call(call, _) => call.cancel(),
            Source::Ready(..) => false,
        }
    }

    /// What the call has used; `None` while it is not complete, if it failed, and for a future that is no call's. Of a call that
    /// failed there is one if the failure was in a [`Memo`](crate::Memo).
    ///
    /// ```
    /// use purefork::{Executor, args};
    ///
    /// let exec = Executor::new()?;
    /// let one = exec.load_bytes(r#"(module (func (export "one") (result i32) (i32.const 1)))"#)?;
    /// let future = one.fork("one", args![])?;
    /// future.wait()?;
    /// let usage = future.usage().expect("the call has succeeded");
    /// assert_eq!((usage.fuel, usage.forks), (2, 0));
    /// # Ok::<(), purefork::Error>(())
    /// ```
    pub fn usage(&self) -> Option<Usage> {
        match &self.source {
            Source::Own(completion) => completion.usage(),
            Source::Call(call, _) => call.usage(),
            Source::Ready(ready, _) => Some(Usage { fuel: ready.fuel, ..Usage::default() }),
        }
    }

    /// What the call wrote to stdout and stderr by way of [WASI](crate::Wasi), and what it asked for in vain; `None` while it
    /// is not complete, if there is nothing of all that, and for a future that is no call's. There is one for a call that
    /// failed, too.
    pub fn output(&self) -> Option<Output> {
        match &self.source {
            Source::Own(completion) => completion.output(),
            Source::Call(call, _) => call.output(),
            Source::Ready(ready, _) => ready.output.as_deref().cloned(),
        }
    }

    /// The call behind it, if there is one that somebody observes.
    pub(crate) fn task(&self) -> Option<TaskId> {
        match &self.source {
            Source::Own(completion) => completion.task(),
            Source::Call(call, _) => call.task(),
            Source::Ready(..) => None,
        }
    }

    /// Tells whoever observes the call that the host begins to wait for it.
    #[inline]
    fn waited_for(&self) {
        match &self.source {
            Source::Own(completion) => completion.waited_for(),
            Source::Call(call, _) => call.waited_for(),
            Source::Ready(..) => {}
        }
    }

    /// Computes the result on this thread, if nobody has begun to; returns whether it did.
    pub(crate) fn help(&self) -> bool {
        match &self.source {
            Source::Own(completion) => completion.clone().help(),
            Source::Call(call, _) => call.clone().help(),
            Source::Ready(..) => false,
        }
    }

    /// Calls `callback` when the result is there: at once, if it is. Gives the place where it waits, if it does.
    pub(super) fn when_done(&self, callback: impl FnOnce() + Send + 'static) -> Option<Place> {
        match &self.source {
            _ if process::was_forked() && self.done() => {
                nested::call(callback);
                None
            }
            Source::Own(completion) => completion.cell().on_done(callback),
            Source::Call(call, _) => call.cell().on_done(callback),
            Source::Ready(..) => {
                nested::call(callback);
                None
            }
        }
    }

    /// The same for as long as this handle is there.
    pub(super) fn watch(&mut self, callback: impl FnOnce() + Send + 'static) {
        self.place = self.when_done(callback);
    }

    /// The handle of a future that is complete, without the place where it has waited.
    pub(super) fn told(mut self) -> Future<T> {
        self.place = None;
        self
    }

    /// Leaves a place among those who wait.
    fn leave(&self, place: Place) {
        match &self.source {
            Source::Own(completion) => completion.cell().forget(place),
            Source::Call(call, _) => call.cell().forget(place),
            Source::Ready(..) => {}
        }
    }

    /// Returns when the result is there, or the time has come.
    fn block(&self, deadline: Option<Instant>) {
        // A worker that slept here would be missed: it runs other jobs instead.
        if deadline.is_none()
            && let Some(alarm) = sched::alarm()
        {
            self.when_done(alarm);
            // Jobs complete futures whose callbacks wait in turn: that needs a stack of any size.
            with_stack(|| sched::run_until(&|| self.done()));
            // The scheduler may have stopped: then whoever else completes the future is waited for like anywhere.
        }
        // In serial mode, what this waits for may be left to this very thread.
        if sched::runs_inline() {
            with_stack(|| sched::run_inline(&mut || {}, &|| self.done()));
        }
        for _ in 0..SPINS {
            if self.done() {
                return;
            }
            std::hint::spin_loop();
        }
        let place = match &self.source {
            Source::Own(completion) => completion.cell().unpark_me(),
            Source::Call(call, _) => call.cell().unpark_me(),
            Source::Ready(..) => None,
        };
        let Some(place) = place else { return };
        while !self.done() {
            match deadline {
                None => thread::park(),
                Some(deadline) => match deadline.checked_duration_since(Instant::now()) {
                    Some(rest) if !rest.is_zero() => thread::park_timeout(rest),
                    _ => return self.leave(place),
                },
            }
        }
    }
}

/// Why there is no value.
#[cold]
fn not_ready() -> Error {
    Error::new(ErrorKind::NotReady, "the future has no value yet").with_help("wait for it, or ask `done` first")
}

/// Runs `f` with enough stack for what may nest to any depth.
pub(super) fn with_stack<R>(f: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(STACK_LEFT, STACK_MORE, f)
}

/// The error of a future whose result would have been made by a thread that is not in this process.
pub(super) fn left_behind() -> Error {
    Error::new(ErrorKind::Invalid, "what would complete the future runs in the process that this one was forked from")
        .with_help("wait for futures before forking a process, or make them in the child")
}

/// The result itself, if nobody else can ask for it once one has looked so many times more.
fn last<T>(completion: &mut Arc<dyn Completion<T>>, spins: u32) -> Option<Result<T>> {
    for _ in 0..spins {
        if Arc::strong_count(completion) == 1 {
            break;
        }
        std::hint::spin_loop();
    }
    Arc::get_mut(completion)?.cell_mut().take()
}

impl<T> Clone for Future<T> {
    fn clone(&self) -> Future<T> {
        let source = match &self.source {
            Source::Own(completion) => Source::Own(completion.clone()),
            Source::Call(call, read) => Source::Call(call.clone(), *read),
            Source::Ready(ready, read) => Source::Ready(ready.clone(), *read),
        };
        Future { source, place: None }
    }
}

/// Who waits by way of this handle is not told any more.
impl<T> Drop for Future<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.leave(place);
        }
    }
}

impl<T> fmt::Debug for Future<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.done() { "Future(done)" } else { "Future(pending)" })
    }
}

impl<T: Clone> std::future::Future for Future<T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let this = self.get_mut();
        if process::was_forked() && this.done() {
            return Poll::Ready(this.value());
        }
        let place = &mut this.place;
        let pending = match &this.source {
            Source::Own(completion) => completion.cell().wake(place, cx.waker()),
            Source::Call(call, _) => call.cell().wake(place, cx.waker()),
            Source::Ready(..) => false,
        };
        if pending { Poll::Pending } else { Poll::Ready(this.value()) }
    }
}
