//! What a call may use.

use std::time::Duration;

/// What every call, and every tree of calls, may use.
///
/// Each has a method that sets it, and one that tells it, whose name begins with `get_`.
///
/// The limits of a call hold in full for each call, wherever it stands in the tree; so whether a call stays within
/// them is a result of the function and its arguments alone.
///
/// ```
/// use purefork::{Executor, Limits};
/// use std::time::Duration;
///
/// let exec = Executor::builder()
///     .limits(Limits::default().fuel(1_000_000).timeout(Duration::from_millis(500)))
///     .build()?;
/// # Ok::<(), purefork::Error>(())
/// ```
#[must_use = "limits hold in an executor that `Builder::limits` gives them to"]
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    pub(crate) fuel: u64,
    pub(crate) memory: usize,
    #[serde(skip_serializing_if = "is_none")]
    pub(crate) heap: usize,
    pub(crate) table_elements: usize,
    pub(crate) stack: usize,
    pub(crate) forks: u32,
    pub(crate) depth: u32,
    pub(crate) tree_forks: u64,
    pub(crate) tree_values: usize,
    pub(crate) output: usize,
    pub(crate) compile: u32,
    pub(crate) timeout: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            fuel: 100_000_000_000,
            memory: 64 << 20,
            heap: 0,
            table_elements: 100_000,
            stack: 512 << 10,
            forks: 100_000,
            depth: 5_120,
            tree_forks: 1_000_000,
            tree_values: 1 << 30,
            output: 16 << 20,
            compile: 8,
            timeout: None,
        }
    }
}

impl Limits {
    /// The least a stack may be, in bytes.
    pub const MIN_STACK: usize = 16 << 10;
    /// The most a stack may be, in bytes.
    pub const MAX_STACK: usize = 64 << 20;
    /// The most linear memory a call may be given, in bytes: what a 32-bit memory can have.
    pub const MAX_MEMORY: usize = 4 << 30;

    /// Fuel per call, in units of about one WebAssembly instruction. 100,000,000,000 by default: about a minute.
    ///
    /// A call that uses more fails with [`OutOfFuel`](crate::ErrorKind::OutOfFuel); one that uses just as much succeeds. What a call uses
    /// is its own: the same on any number of threads, under any [`Isolation`](crate::Isolation). `nop`, `drop`, `return`, and where a block
    /// begins and ends, cost nothing, every other instruction and the entry of a function one unit, a bulk operation one more for each byte or element.
    /// Instantiation is not charged; a start function, or `_initialize`, may use as much as a call, and no less. What the host
    /// copies for a guest, such as arguments of its forks and results that it waits for, takes one unit for eight bytes. A call
    /// of WASI takes 100 units more.
    pub fn fuel(mut self, units: u64) -> Limits {
        self.fuel = units;
        self
    }

    /// Linear memory per call, in bytes, over all its memories. 64 MiB by default.
    ///
    /// `memory.grow` beyond it gives -1, as the WebAssembly specification allows. A call that then traps fails with
    /// [`OutOfMemory`](crate::ErrorKind::OutOfMemory). So does one whose result, or a fork's arguments, would take more than
    /// four times as much of the host's memory, and 64 KiB: a value that is small in a guest is larger there.
    ///
    /// The sandboxes that a thread keeps for later calls may hold about this much together, and 16 MiB more. They are dropped
    /// when they were not used for a second or two.
    pub fn memory(mut self, bytes: usize) -> Limits {
        self.memory = bytes;
        self
    }

    /// Heap that calls start with, in bytes: room that a guest's allocator has before any call. 0 by default: each call starts with
    /// what the guest was linked with.
    ///
    /// A call that takes or gives a list of megabytes makes its memory grow, and a sandbox whose memory has grown is not used again:
    /// the next call has a page fault for each 4 KiB. With a heap for the arguments, the result and what is made in between, a call
    /// grows nothing. Its sandbox is used again, and the pages stay where they are.
    ///
    /// ```
    /// use purefork::{Executor, Limits};
    ///
    /// let exec = Executor::builder().limits(Limits::default().heap(16 << 20)).build()?;
    /// # Ok::<(), purefork::Error>(())
    /// ```
    ///
    /// When a sandbox is made, of whatever kind, the guest's own `realloc` is called twice: it takes a block of so many bytes, and makes
    /// it one byte long. That is part of the state that every call starts from, so a guest can tell by its `memory.size`, and a
    /// [`Memo`](crate::Memo) and a receipt keep results with a heap apart from those without. It uses no fuel of a call's. An allocator
    /// that gives nothing back, or not what it cut off, has no use of it. A guest without `realloc` gets none: none of its functions has
    /// a string or a list. Nor does the call of a [`preinit`](crate::Module::preinit): its file starts with a heap where it is loaded.
    ///
    /// It counts as the call's memory, so [`Limits::memory`] has to have room for it beside what the guest starts with. Its
    /// pages are made writable at once in a thread's first sandbox of a guest, and in later ones those that calls were seen to write to.
    /// The sandboxes that a thread keeps for later calls may hold so much more together.
    pub fn heap(mut self, bytes: usize) -> Limits {
        self.heap = bytes;
        self
    }

    /// Elements per table. 100,000 by default. `table.grow` beyond it gives -1.
    pub fn table_elements(mut self, elements: usize) -> Limits {
        self.table_elements = elements;
        self
    }

    /// Stack per call, in bytes, for the guest's own frames. 512 KiB by default.
    ///
    /// Beyond it the tree ends with [`StackOverflow`](crate::ErrorKind::StackOverflow): how much stack a function
    /// needs depends on the host's processor, so it is no result that a guest may see.
    pub fn stack(mut self, bytes: usize) -> Limits {
        self.stack = bytes;
        self
    }

    /// Forks one call may make itself. 100,000 by default. One more fails the call that makes it with
    /// [`TooManyForks`](crate::ErrorKind::TooManyForks).
    pub fn forks(mut self, forks: u32) -> Limits {
        self.forks = forks;
        self
    }

    /// How deeply forks may be nested below the call that the host forked. 5,120 by default.
    ///
    /// Every level that waits holds a sandbox and a stack. Both cost the process memory mappings, of which Linux
    /// gives 65,530 (`vm.max_map_count`); an executor takes at most half. Guests with several memories reach less depth,
    /// and end in [`Exhausted`](crate::ErrorKind::Exhausted).
    pub fn depth(mut self, levels: u32) -> Limits {
        self.depth = levels;
        self
    }

    /// Forks in a whole tree of calls. 1,000,000 by default.
    ///
    /// It stops fork bombs. So forks count when they are made, those of abandoned calls included. How much an abandoned call
    /// does before it is stopped depends on the schedule; so may whether a tree that abandons calls reaches this limit. A tree
    /// that waits for all it forks reaches it always, or never.
    pub fn tree_forks(mut self, forks: u64) -> Limits {
        self.tree_forks = forks;
        self
    }

    /// Bytes of arguments and results that the calls of a whole tree may hold at a time, beside what is in their sandboxes:
    /// arguments of calls that have not started, and results that can still be waited for. 1 GiB by default.
    ///
    /// Beyond it the tree ends with [`OutOfMemory`](crate::ErrorKind::OutOfMemory), at the wait that would have received
    /// the result. How many calls have started depends on the schedule, and so may whether a tree reaches this limit.
    pub fn tree_values(mut self, bytes: usize) -> Limits {
        self.tree_values = bytes;
        self
    }

    /// Bytes that a call may write to stdout and stderr by way of [WASI](crate::Wasi), with those of the calls that it forked
    /// and waited for. 16 MiB by default. Beyond it a call fails with [`TooMuchOutput`](crate::ErrorKind::TooMuchOutput).
    pub fn output(mut self, bytes: usize) -> Limits {
        self.output = bytes;
        self
    }

    /// What compiling a module may cost, in units of at most about a second of processor time and 256 MiB. This much is allowed for
    /// each function and for the whole module, plus one unit for each 128 KiB of its bytes. 8 by default: of 16 published
    /// modules of up to 18 MB, the largest function, of half a megabyte, costs 9 where 11 are allowed, and no module costs much
    /// more than four fifths of what is allowed.
    ///
    /// The cost is estimated from the bytes before they are compiled. Beyond it loading fails with
    /// [`Unsupported`](crate::ErrorKind::Unsupported). What is in the cache is not compiled, and costs nothing.
    pub fn compile(mut self, units: u32) -> Limits {
        self.compile = units;
        self
    }

    /// Wall time for a whole tree of calls, from the moment its root starts to run. None by default.
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Limits {
        self.timeout = timeout.into();
        self
    }
}

/// Whether there is none: then it is not written, and texts and digests are those of before there was any.
fn is_none(heap: &usize) -> bool {
    *heap == 0
}

macro_rules! getters {
    ($($get:ident $limit:ident $ty:ty;)*) => {
        impl Limits {
            $(
                #[doc = concat!("What [`Limits::", stringify!($limit), "`] is set to.")]
                pub fn $get(&self) -> $ty {
                    self.$limit
                }
            )*
        }
    };
}

getters! {
    get_fuel fuel u64;
    get_memory memory usize;
    get_heap heap usize;
    get_table_elements table_elements usize;
    get_stack stack usize;
    get_forks forks u32;
    get_depth depth u32;
    get_tree_forks tree_forks u64;
    get_tree_values tree_values usize;
    get_output output usize;
    get_compile compile u32;
    get_timeout timeout Option<Duration>;
}

/// What a call has used: itself, and the calls that it forked and waited for.
///
/// It depends on the program alone: the same call uses the same, however many threads there are. Forks that nobody waited for
/// and instantiation are not counted. With a [`Memo`](crate::Memo), a call whose result was known has used nothing; what is known
/// depends on what was called before.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Usage {
    /// Fuel, in the units of [`Limits::fuel`]. A call that failed and was caught counts its whole limit: how much it has
    /// used is not known.
    pub fuel: u64,
    /// Forks that were waited for.
    pub forks: u64,
    /// Calls whose result a [`Memo`](crate::Memo) had, or another call was about to have, so that they did not run. The call
    /// itself may be one.
    pub memo_hits: u64,
    /// Calls that ran and whose result was not in the executor's [`Memo`](crate::Memo), this one included. Without a memo, none.
    pub memo_misses: u64,
}

impl Usage {
    /// This and what a child has used that was waited for.
    pub(crate) fn and_child(self, child: Usage) -> Usage {
        Usage {
            fuel: self.fuel.saturating_add(child.fuel),
            forks: self.forks.saturating_add(child.forks).saturating_add(1),
            memo_hits: self.memo_hits.saturating_add(child.memo_hits),
            memo_misses: self.memo_misses.saturating_add(child.memo_misses),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_what_it_was_set_to() {
        let (fuel, memory, heap, table_elements, stack, forks, depth) = (1, 2, 12, 3, 4, 5, 6);
        let (tree_forks, tree_values, output, compile, timeout) = (7, 8, 9, 10, Some(Duration::from_secs(11)));
        let whole = Limits {
            fuel,
            memory,
            heap,
            table_elements,
            stack,
            forks,
            depth,
            tree_forks,
            tree_values,
            output,
            compile,
            timeout,
        };
        let set = Limits::default().fuel(fuel).memory(memory).heap(heap).stack(stack).forks(forks);
        let set = set
            .table_elements(table_elements)
            .depth(depth)
            .tree_forks(tree_forks)
            .tree_values(tree_values)
            .output(output)
            .compile(compile);
        let set = set.timeout(Duration::from_secs(11));
        assert_eq!(set, whole);
        assert_eq!((set.get_fuel(), set.get_memory(), set.get_table_elements()), (fuel, memory, table_elements));
        assert_eq!(set.get_heap(), heap);
        assert_eq!((set.get_stack(), set.get_forks(), set.get_depth()), (stack, forks, depth));
        assert_eq!((set.get_tree_forks(), set.get_tree_values()), (tree_forks, tree_values));
        assert_eq!((set.get_output(), set.get_compile(), set.get_timeout()), (output, compile, timeout));
        assert_eq!(set.timeout(None).get_timeout(), None);
    }

    #[test]
    fn limits_that_are_not_given_are_the_default_and_unknown_ones_are_refused() {
        let limits: Limits = serde_json::from_str(r#"{"fuel":5,"timeout":{"secs":1,"nanos":0}}"#).unwrap();
        assert_eq!(limits, Limits::default().fuel(5).timeout(Duration::from_secs(1)));
        assert_eq!(serde_json::from_str::<Limits>(&serde_json::to_string(&limits).unwrap()).unwrap(), limits);
        let text = serde_json::to_string(&limits).unwrap();
        assert!(!text.contains("heap"), "{text}");
        let limits = limits.heap(7);
        assert_eq!(serde_json::from_str::<Limits>(&serde_json::to_string(&limits).unwrap()).unwrap(), limits);
        let error = serde_json::from_str::<Limits>(r#"{"full":5}"#).unwrap_err().to_string();
        assert!(error.starts_with("unknown field `full`, expected one of `fuel`, `memory`,"), "{error}");
    }
}
