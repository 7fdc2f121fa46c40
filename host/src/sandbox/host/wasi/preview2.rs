//! WASI 0.2: values of WIT, and handles that are constants.

use super::call::{NANOSECONDS, Params, WasiCall, ask};
use crate::abi::{self, PART, Shape};
use crate::error::{Error, ErrorKind};
use crate::escape::escaped;
use crate::ir::Encoding;
use crate::ir::wasi::{Preview2, Resource};
use crate::sandbox::data::{NOW, Sink, StoreData, is_root};
use crate::sandbox::error::{Exit, Stop, trap, wrong_value};
use crate::sandbox::host::import::HostImport;
use crate::sandbox::ready::ready;
use crate::value::{Type, Value};
use std::ops::Range;
use std::sync::Arc;
use wasmtime::{Caller, Linker, Val};

/// How many bytes a stream takes at a time: any number.
const ROOM: u64 = 1 << 20;

/// How many bytes of the host's memory a path may take.
const MAX_PATH: usize = 64 << 10;

/// Fails where a resource has no such handle.
pub(crate) fn check(resource: Resource, handle: u32) -> wasmtime::Result<()> {
    if resource.has(handle) {
        return Ok(());
    }
    Err(trap(format!("{handle} is no handle of WASI's `{}`", resource.name())))
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
        use Resource::{Descriptor, DirectoryEntries, InputStream, OutputStream, Pollable};
        let is = |resource, at| check(resource, params.u32(at));
        let no_list = || Value::from(Vec::<Value>::new());
        Ok(match function {
            Environment => no_list(),
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
                Value::U64(NOW * NANOSECONDS)
            }
            MonotonicResolution => Value::U64(1),
            SubscribeInstant | SubscribeDuration => {
                self.state.no_duration();
                Value::U32(Resource::READY)
            }
            WallNow => {
                self.state.no_time();
                time(NOW, 0)
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
                is(Pollable, 0)?;
                Value::Bool(true)
            }
            Block => {
                is(Pollable, 0)?;
                Value::unit()
            }
            SubscribeInput => {
                is(InputStream, 0)?;
                Value::U32(Resource::READY)
            }
            SubscribeOutput => {
                is(OutputStream, 0)?;
                Value::U32(Resource::READY)
            }
            Read | BlockingRead => {
                is(InputStream, 0)?;
                let Some(len) = self.readable(params.u64(1)) else { return Ok(closed()) };
                self.meter.bytes(len)?;
                let bytes = self.state.unread()[..len].to_vec();
                self.state.skip(len);
                ok(Value::from(bytes))
            }
            Skip | BlockingSkip => {
                is(InputStream, 0)?;
                let Some(len) = self.readable(params.u64(1)) else { return Ok(closed()) };
                self.state.skip(len);
                ok(Value::U64(len as u64))
            }
            CheckWrite => {
                is(OutputStream, 0)?;
                ok(Value::U64(ROOM))
            }
            Write | BlockingWrite => {
                let sink = sink(params)?;
                let bytes = self.list(params.u32(1), params.u32(2), 1)?;
                self.meter.bytes(bytes.len())?;
                self.state.write(sink, &self.memory[bytes], &mut self.look)?;
                done()
            }
            Flush | BlockingFlush => {
                is(OutputStream, 0)?;
                done()
            }
            WriteZeroes | BlockingWriteZeroes => {
                let sink = sink(params)?;
                let len = usize::try_from(params.u64(1)).unwrap_or(usize::MAX);
                // Before the zeroes are there: there may be any number.
                self.state.count(len)?;
                self.meter.bytes(len)?;
                let zeroes = [0; 4096];
                for at in (0..len).step_by(zeroes.len()) {
                    let part = &zeroes[..zeroes.len().min(len - at)];
                    self.state.append_to(sink, part, &mut self.look)?;
                }
                done()
            }
            Splice | BlockingSplice => {
                let sink = sink(params)?;
                is(InputStream, 1)?;
                let Some(len) = self.readable(params.u64(2)) else { return Ok(closed()) };
                self.meter.bytes(len)?;
                let bytes = self.state.unread()[..len].to_vec();
                self.state.skip(len);
                self.state.write(sink, &bytes, &mut self.look)?;
                ok(Value::U64(len as u64))
            }
            GetFlags => {
                is(Descriptor, 0)?;
                ok(Value::Flags(["read".into()].into()))
            }
            GetType => {
                is(Descriptor, 0)?;
                ok(Value::Enum("directory".into()))
            }
            Stat => {
                is(Descriptor, 0)?;
                stat()
            }
            StatAt | MetadataHashAt => {
                is(Descriptor, 0)?;
                let path = self.text(params, 2, encoding)?;
                match function {
                    _ if !is_root(&path) => {
                        self.state.no_file("looked for", &path);
                        error("no-entry")
                    }
                    StatAt => stat(),
                    _ => hash(),
                }
            }
            MetadataHash => {
                is(Descriptor, 0)?;
                hash()
            }
            IsSameObject => {
                is(Descriptor, 0)?;
                is(Descriptor, 1)?;
                Value::Bool(true)
            }
            OpenAt => {
                is(Descriptor, 0)?;
                let path = self.text(params, 2, encoding)?;
                let (flags, mode) = (params.u32(4), params.u32(5));
                // To create, to truncate; to write, to change the directory.
                if flags & 0b1001 != 0 || mode & 0b10_0010 != 0 {
                    self.state.no_write("write", &path);
                    return Ok(error(if flags & 1 != 0 { "read-only" } else { "no-entry" }));
                }
                if is_root(&path) {
                    return Ok(ok(Value::U32(Resource::ROOT)));
                }
                self.state.no_file("tried to open", &path);
                error("no-entry")
            }
            ReadDirectory => {
                is(Descriptor, 0)?;
                ok(Value::U32(Resource::ENTRIES))
            }
            ReadDirectoryEntry => {
                is(DirectoryEntries, 0)?;
                ok(Value::Option(None))
            }
            ReadlinkAt => {
                is(Descriptor, 0)?;
                let path = self.text(params, 1, encoding)?;
                self.state.no_file("looked for", &path);
                error(if is_root(&path) { "invalid" } else { "no-entry" })
            }
            Sync | SyncData => {
                is(Descriptor, 0)?;
                done()
            }
            SetSize | SetTimes | Advise | ReadFile | WriteFile | ReadViaStream | WriteViaStream | AppendViaStream => {
                is(Descriptor, 0)?;
                error("is-directory")
            }
            CreateDirectoryAt | RemoveDirectoryAt | UnlinkFileAt | SymlinkAt | RenameAt | LinkAt | SetTimesAt => {
                is(Descriptor, 0)?;
                let path = match function {
                    SymlinkAt => 3,
                    // Behind a descriptor, flags and a path: another descriptor.
                    LinkAt => 5,
                    SetTimesAt => 2,
                    _ => 1,
                };
                let path = self.text(params, path, encoding)?;
                let verb = match function {
                    CreateDirectoryAt => "make the directory",
                    RenameAt => "rename",
                    SymlinkAt | LinkAt => "make the link",
                    SetTimesAt => "change the times of",
                    _ => "remove",
                };
                self.state.no_write(verb, &path);
                error("read-only")
            }
            Network => Value::U32(Resource::NETWORK),
            TcpSocket | UdpSocket => {
                self.state.refuse("asked for a socket: there is no network");
                error("not-supported")
            }
            ResolveAddresses => {
                is(Resource::Network, 0)?;
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

    /// How many bytes of stdin can be read, of so many that are wanted; none at its end.
    fn readable(&self, wanted: u64) -> Option<usize> {
        let unread = self.state.unread().len();
        (unread > 0).then(|| usize::try_from(wanted).unwrap_or(usize::MAX).min(unread))
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
            check(Resource::Pollable, handle.try_into().map_or(0, u32::from_le_bytes))?;
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

fn sink(params: Params<'_>) -> wasmtime::Result<Sink> {
    check(Resource::OutputStream, params.u32(0))?;
    Ok(if params.u32(0) == Resource::STDOUT { Sink::Stdout } else { Sink::Stderr })
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

fn stat() -> Value {
    ok(Value::record([
        ("type", Value::Enum("directory".into())),
        ("link-count", Value::U64(1)),
        ("size", Value::U64(0)),
        ("data-access-timestamp", Value::Option(None)),
        ("data-modification-timestamp", Value::Option(None)),
        ("status-change-timestamp", Value::Option(None)),
    ]))
}

fn hash() -> Value {
    ok(Value::record([("lower", Value::U64(0)), ("upper", Value::U64(0))]))
}

fn too_many_bytes() -> wasmtime::Error {
    let message = "the guest asked for more random bytes than its limit on memory allows";
    let error = Error::new(ErrorKind::OutOfMemory, message);
    Stop(error.with_help("raise `Limits::memory` (`--memory`) if it is meant to have that many")).into()
}
