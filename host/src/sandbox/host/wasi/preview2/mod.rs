//! WASI 0.2: values of WIT, and handles, of which those that a call starts with are constants.

mod files;
mod streams;

use super::call::{Params, WasiCall, ask};
use crate::abi::{self, PART, Shape};
use crate::error::{Error, ErrorKind};
use crate::escape::escaped;
use crate::ir::Encoding;
use crate::ir::wasi::{Preview2, Resource};
use crate::sandbox::data::{StoreData, WasiState};
use crate::sandbox::error::{Exit, Stop, trap, wrong_value};
use crate::sandbox::host::import::HostImport;
use crate::sandbox::ready::ready;
use crate::value::{Type, Value};
use crate::wasi::NOW;
use std::ops::Range;
use std::sync::Arc;
use wasmtime::{Caller, Linker, Val};

/// Of a second.
const NANOSECONDS: u64 = 1_000_000_000;

/// How many bytes of the host's memory a path may take.
const MAX_PATH: usize = 64 << 10;

/// Fails where a resource has no such handle. `state`: that of the call, if it has used WASI.
pub(crate) fn check(state: Option<&WasiState>, resource: Resource, handle: u32) -> wasmtime::Result<()> {
    if resource.has(handle) || state.is_some_and(|state| state.handles.resource(handle) == Some(resource)) {
        return Ok(());
    }
    Err(trap(format!("{handle} is no handle of WASI's `{}`", resource.name())))
}

/// A handle is dropped.
pub(crate) fn end(state: Option<&mut WasiState>, resource: Resource, handle: u32) -> wasmtime::Result<()> {
    check(state.as_deref(), resource, handle)?;
    if let Some(state) = state {
        state.handles.close(handle);
    }
    Ok(())
}

/// Defines a function, of which `result` is the type of what it gives.
pub(super) fn define(
    linker: &mut Linker<StoreData>,
    (module, name): (&str, &str),
    host: &HostImport,
    function: Preview2,
    result: &Option<Type>,
) -> wasmtime::Result<()> {
    let ty = host.ty.clone();
    let shared = Arc::new((host.clone(), result.clone()));
    // Only what makes room for its result calls the guest, which may have to be set aside.
    if host.settings.may_wait && result.as_ref().is_some_and(Type::has_memory) {
        linker.func_new_async(module, name, ty, move |mut caller, params, results| {
            let shared = shared.clone();
            Box::new(async move {
                let (host, result) = &*shared;
                let value = answer(&mut caller, host, function, params)?;
                host.give(&mut caller, result.as_ref(), &value, params, results).await
            })
        })?;
    } else {
        linker.func_new(module, name, ty, move |mut caller, params, results| {
            let (host, result) = &*shared;
            let value = answer(&mut caller, host, function, params)?;
            let given = ready(host.give(&mut caller, result.as_ref(), &value, params, results));
            given.unwrap_or_else(|| Err(trap("a result is waited for where nothing can be")))
        })?;
    }
    Ok(())
}

fn answer(
    caller: &mut Caller<'_, StoreData>,
    host: &HostImport,
    function: Preview2,
    params: &[Val],
) -> wasmtime::Result<Value> {
    let budget = caller.data().budget;
    let encoding = host.encoding();
    ask(caller, host, |asked| asked.value(function, Params(params), budget, encoding))
}

impl WasiCall<'_> {
    /// `budget`: how many bytes the host may make for the guest.
    pub(super) fn value(
        &mut self,
        function: Preview2,
        params: Params<'_>,
        budget: usize,
        encoding: Encoding,
    ) -> wasmtime::Result<Value> {
        use Preview2::*;
        use Resource::Pollable;
        let is = |asked: &Self, resource, at| check(Some(asked.state), resource, params.u32(at));
        Ok(match function {
            Environment => {
                let pair = |(name, value)| Value::tuple([Value::from(name), Value::from(value)]);
                Value::from(self.state.envs().map(pair).collect::<Vec<_>>())
            }
            Directories => Value::from(vec![Value::tuple([Value::U32(Resource::ROOT), Value::from("/")])]),
            Arguments => {
                let args: Vec<Value> = self.state.args.iter().map(|arg| Value::String(arg.clone())).collect();
                Value::from(args)
            }
            InitialCwd | TerminalStdin | TerminalStdout | TerminalStderr => Value::Option(None),
            Exit => return Err(exit(u8::from(params.u32(0) != 0))),
            ExitWithCode => return Err(exit(params.u32(0) as u8)),
            Stdin => Value::U32(Resource::STDIN),
            Stdout => Value::U32(Resource::STDOUT),
            Stderr => Value::U32(Resource::STDERR),
            MonotonicNow => {
                self.state.no_duration();
                Value::U64(NOW)
            }
            MonotonicResolution => Value::U64(1),
            SubscribeInstant | SubscribeDuration => {
                self.state.no_duration();
                Value::U32(Resource::READY)
            }
            WallNow => {
                self.state.no_time();
                time(NOW / NANOSECONDS, 0)
            }
            WallResolution => time(0, 1),
            RandomBytes | InsecureBytes => {
                self.state.no_randomness();
                let len = usize::try_from(params.u64(0)).unwrap_or(usize::MAX);
                if len > budget {
                    return Err(too_many_bytes());
                }
                self.meter.bytes(len)?;
                let mut bytes = vec![0; len];
                for part in bytes.chunks_mut(PART) {
                    self.look.bytes(part.len())?;
                    self.state.random.fill(part);
                }
                Value::from(bytes)
            }
            RandomU64 | InsecureU64 => {
                self.state.no_randomness();
                Value::U64(self.state.random.next())
            }
            // It need not be random, and is used for tables of hashes.
            InsecureSeed => Value::tuple([Value::U64(self.state.random.next()), Value::U64(self.state.random.next())]),
            Poll => self.poll_all(params)?,
            Ready => {
                is(self, Pollable, 0)?;
                Value::Bool(true)
            }
            Block => {
                is(self, Pollable, 0)?;
                Value::unit()
            }
            SubscribeInput | Read | BlockingRead | Skip | BlockingSkip => self.input(function, params, budget)?,
            SubscribeOutput | CheckWrite | Write | BlockingWrite | Flush | BlockingFlush | WriteZeroes
            | BlockingWriteZeroes | Splice | BlockingSplice => self.output(function, params)?,
            GetFlags | GetType | Stat | StatAt | MetadataHash | MetadataHashAt | IsSameObject | OpenAt
            | ReadDirectory | ReadDirectoryEntry | ReadlinkAt | Sync | SyncData | SetSize | SetTimes | SetTimesAt
            | Advise | ReadFile | WriteFile | ReadViaStream | WriteViaStream | AppendViaStream | CreateDirectoryAt
            | RemoveDirectoryAt | UnlinkFileAt | SymlinkAt | RenameAt | LinkAt => {
                self.file(function, params, budget, encoding)?
            }
            Network => Value::U32(Resource::NETWORK),
            TcpSocket | UdpSocket => {
                self.state.refuse("asked for a socket: there is no network");
                error("not-supported")
            }
            ResolveAddresses => {
                is(self, Resource::Network, 0)?;
                let name = self.text(params, 1, encoding)?;
                self.state.refuse(format!("looked for the host `{}`: there is no network", escaped(&name)));
                error("name-unresolvable")
            }
        })
    }

    /// A string.
    fn text(&mut self, params: Params<'_>, at: usize, encoding: Encoding) -> wasmtime::Result<String> {
        // A string's length is in units of up to two bytes, each of which takes up to two in UTF-8.
        self.meter.bytes(2 * (params.u32(at + 1) as usize & 0x7fff_ffff))?;
        let mut budget = abi::Budget::new(MAX_PATH, abi::Look::never());
        let flat = [params.u32(at).into(), params.u32(at + 1).into()];
        let lifted = abi::lift(&self.memory, encoding, &Shape::of(&Type::String), &mut flat.as_slice(), &mut budget);
        match lifted.map_err(|wrong| wrong_value(wrong, "WASI was given"))? {
            Value::String(text) => Ok(text.to_string()),
            _ => Ok(String::new()),
        }
    }

    /// All are ready.
    fn poll_all(&mut self, params: Params<'_>) -> wasmtime::Result<Value> {
        let (at, count) = (params.u32(0), params.u32(1));
        let handles = self.list(at, count, 4)?;
        if handles.is_empty() {
            return Err(trap("the guest polls nothing, and would wait for ever"));
        }
        self.meter.bytes(2 * handles.len())?;
        for handle in self.memory[handles].chunks_exact(4) {
            check(Some(self.state), Resource::Pollable, handle.try_into().map_or(0, u32::from_le_bytes))?;
        }
        Ok(Value::from((0..count).collect::<Vec<u32>>()))
    }

    /// A list in memory, of elements of `size` bytes.
    fn list(&self, at: u32, count: u32, size: usize) -> wasmtime::Result<Range<usize>> {
        let range = at as usize..at as usize + count as usize * size;
        if range.end > self.memory.len() {
            return Err(trap("the guest gave WASI a list that lies beyond the end of its memory"));
        }
        if !range.start.is_multiple_of(size) {
            return Err(trap(format!("the guest gave WASI a list at address {at}, which is not a multiple of {size}")));
        }
        Ok(range)
    }
}

fn exit(status: u8) -> wasmtime::Error {
    Exit(status).into()
}

fn time(seconds: u64, nanoseconds: u32) -> Value {
    Value::record([("seconds", Value::U64(seconds)), ("nanoseconds", Value::U32(nanoseconds))])
}

fn ok(value: Value) -> Value {
    Value::Result(Ok(Some(Arc::new(value))))
}

fn done() -> Value {
    Value::Result(Ok(None))
}

fn closed() -> Value {
    Value::Result(Err(Some(Arc::new(Value::variant("closed", None)))))
}

fn error(code: &str) -> Value {
    Value::Result(Err(Some(Arc::new(Value::Enum(code.into())))))
}

fn too_many_bytes() -> wasmtime::Error {
    let message = "the guest asked for more random bytes than its limit on memory allows";
    let error = Error::new(ErrorKind::OutOfMemory, message);
    Stop(error.with_help("raise `Limits::memory` (`--memory`) if it is meant to have that many")).into()
}
