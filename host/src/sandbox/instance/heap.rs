//! The heap that calls start with: room that the guest's allocator has taken, and given back, before any call.

use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::sandbox::data::StoreData;
use crate::sandbox::error::Stop;
use crate::sandbox::exports::{CanonicalOptions, ResolvedExports};
use smallvec::SmallVec;
use std::sync::atomic::{AtomicBool, Ordering};
use wasmtime::{AsContextMut as _, Func, Store, Val};

/// As allocators align what may be anything.
const ALIGN: u32 = 8;

/// How a guest gets its heap, in one shard: with exports by number.
pub(super) struct Heap {
    bytes: u32,
    /// Each `realloc`, and its memory.
    of: SmallVec<[(usize, usize); 1]>,
    /// Whether its pages were populated in a sandbox.
    populated: AtomicBool,
}

impl Heap {
    /// Of a guest whose functions have such canonical options.
    pub(super) fn new(limits: &Limits, options: impl Iterator<Item = CanonicalOptions>) -> Heap {
        let mut of = SmallVec::new();
        let bytes = u32::try_from(limits.heap).unwrap_or(u32::MAX);
        for pair in options.filter_map(|options| options.realloc.zip(options.memory)) {
            if bytes > 0 && !of.contains(&pair) {
                of.push(pair);
            }
        }
        Heap { bytes, of, populated: AtomicBool::new(false) }
    }

    /// Has the guest take it. A block of the whole size is made one of a byte: of all that `realloc` can be asked for, only that gives
    /// room back.
    pub(super) async fn take(
        &self,
        store: &mut Store<StoreData>,
        exports: &ResolvedExports,
        may_wait: bool,
    ) -> wasmtime::Result<()> {
        for (realloc, memory) in &self.of {
            let function = exports.function(store.as_context_mut(), *realloc).ok_or_else(missing)?;
            store.data_mut().call.may_leave = false;
            let block = call(store, function, [0, 0, ALIGN, self.bytes], may_wait).await?;
            let memory = exports.memory(store.as_context_mut(), *memory).ok_or_else(missing)?;
            let size = exports.own(memory.data(&*store)).len();
            if block == 0 || !block.is_multiple_of(ALIGN) || block as usize + self.bytes as usize > size {
                let message = format!(
                    "the guest could not take a heap of {} bytes: its `realloc` gave address {block} of a memory of {size} bytes",
                    self.bytes
                );
                let error = Error::new(ErrorKind::Trap, message).with_help("lower `Limits::heap` (`--heap`)");
                return Err(Stop(error).into());
            }
            call(store, function, [block, self.bytes, ALIGN, 1], may_wait).await?;
            store.data_mut().call.may_leave = true;
        }
        Ok(())
    }

    /// Whether its pages are to be populated in a sandbox that was made: in the first one. What calls write to is known for those that
    /// follow, which may be many: as many as a tree is deep, or as there are calls that fail.
    pub(super) fn is_to_be_populated(&self) -> bool {
        !self.of.is_empty() && !self.populated.swap(true, Ordering::Relaxed)
    }
}

async fn call(store: &mut Store<StoreData>, realloc: Func, args: [u32; 4], may_wait: bool) -> wasmtime::Result<u32> {
    let args = args.map(|arg| Val::I32(arg.cast_signed()));
    let mut place = [Val::I32(0)];
    if may_wait {
        realloc.call_async(store, &args, &mut place).await?;
    } else {
        realloc.call(store, &args, &mut place)?;
    }
    Ok(place[0].i32().unwrap_or_default().cast_unsigned())
}

fn missing() -> wasmtime::Error {
    wasmtime::format_err!("its `realloc` or its memory is not there")
}
