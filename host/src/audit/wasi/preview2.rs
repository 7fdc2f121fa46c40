//! WASI 0.2: the functions that have an answer, and the resources.

use serde::{Deserialize, Serialize};

macro_rules! functions {
    ($($variant:ident $interface:literal $name:literal $ty:literal;)*) => {
        /// A function of WASI 0.2 that has an answer.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub(crate) enum Preview2 {
            $($variant,)*
        }

        impl Preview2 {
            /// The function of that name in an interface, which is given without its version.
            pub(crate) fn find(interface: &str, name: &str) -> Option<Preview2> {
                match (interface, name) {
                    $(($interface, $name) => Some(Preview2::$variant),)*
                    _ => None,
                }
            }

            /// Its type, as [`shape`](crate::audit::component::shape) writes it.
            pub(crate) fn ty(self) -> &'static str {
                match self {
                    $(Preview2::$variant => $ty,)*
                }
            }
        }
    };
}

functions! {
    Environment "wasi:cli/environment" "get-environment" "() -> list<tuple<string, string>>";
    Arguments "wasi:cli/environment" "get-arguments" "() -> list<string>";
    InitialCwd "wasi:cli/environment" "initial-cwd" "() -> option<string>";
    Exit "wasi:cli/exit" "exit" "(result)";
    ExitWithCode "wasi:cli/exit" "exit-with-code" "(u8)";
    Stdin "wasi:cli/stdin" "get-stdin" "() -> own<input-stream>";
    Stdout "wasi:cli/stdout" "get-stdout" "() -> own<output-stream>";
    Stderr "wasi:cli/stderr" "get-stderr" "() -> own<output-stream>";
    TerminalStdin "wasi:cli/terminal-stdin" "get-terminal-stdin" "() -> option<own<terminal-input>>";
    TerminalStdout "wasi:cli/terminal-stdout" "get-terminal-stdout" "() -> option<own<terminal-output>>";
    TerminalStderr "wasi:cli/terminal-stderr" "get-terminal-stderr" "() -> option<own<terminal-output>>";
    MonotonicNow "wasi:clocks/monotonic-clock" "now" "() -> u64";
    MonotonicResolution "wasi:clocks/monotonic-clock" "resolution" "() -> u64";
    SubscribeInstant "wasi:clocks/monotonic-clock" "subscribe-instant" "(u64) -> own<pollable>";
    SubscribeDuration "wasi:clocks/monotonic-clock" "subscribe-duration" "(u64) -> own<pollable>";
    WallNow "wasi:clocks/wall-clock" "now" "() -> record { seconds: u64, nanoseconds: u32 }";
    WallResolution "wasi:clocks/wall-clock" "resolution" "() -> record { seconds: u64, nanoseconds: u32 }";
    RandomBytes "wasi:random/random" "get-random-bytes" "(u64) -> list<u8>";
    RandomU64 "wasi:random/random" "get-random-u64" "() -> u64";
    InsecureBytes "wasi:random/insecure" "get-insecure-random-bytes" "(u64) -> list<u8>";
    InsecureU64 "wasi:random/insecure" "get-insecure-random-u64" "() -> u64";
    InsecureSeed "wasi:random/insecure-seed" "insecure-seed" "() -> tuple<u64, u64>";
    Poll "wasi:io/poll" "poll" "(list<borrow<pollable>>) -> list<u32>";
    Ready "wasi:io/poll" "[method]pollable.ready" "(borrow<pollable>) -> bool";
    Block "wasi:io/poll" "[method]pollable.block" "(borrow<pollable>)";
    Read "wasi:io/streams" "[method]input-stream.read"
        "(borrow<input-stream>, u64) -> result<list<u8>, variant { last-operation-failed(own<error>), closed }>";
    BlockingRead "wasi:io/streams" "[method]input-stream.blocking-read"
        "(borrow<input-stream>, u64) -> result<list<u8>, variant { last-operation-failed(own<error>), closed }>";
    Skip "wasi:io/streams" "[method]input-stream.skip"
        "(borrow<input-stream>, u64) -> result<u64, variant { last-operation-failed(own<error>), closed }>";
    BlockingSkip "wasi:io/streams" "[method]input-stream.blocking-skip"
        "(borrow<input-stream>, u64) -> result<u64, variant { last-operation-failed(own<error>), closed }>";
    SubscribeInput "wasi:io/streams" "[method]input-stream.subscribe" "(borrow<input-stream>) -> own<pollable>";
    CheckWrite "wasi:io/streams" "[method]output-stream.check-write"
        "(borrow<output-stream>) -> result<u64, variant { last-operation-failed(own<error>), closed }>";
    Write "wasi:io/streams" "[method]output-stream.write"
        "(borrow<output-stream>, list<u8>) -> result<_, variant { last-operation-failed(own<error>), closed }>";
    BlockingWrite "wasi:io/streams" "[method]output-stream.blocking-write-and-flush"
        "(borrow<output-stream>, list<u8>) -> result<_, variant { last-operation-failed(own<error>), closed }>";
    Flush "wasi:io/streams" "[method]output-stream.flush"
        "(borrow<output-stream>) -> result<_, variant { last-operation-failed(own<error>), closed }>";
    BlockingFlush "wasi:io/streams" "[method]output-stream.blocking-flush"
        "(borrow<output-stream>) -> result<_, variant { last-operation-failed(own<error>), closed }>";
    SubscribeOutput "wasi:io/streams" "[method]output-stream.subscribe" "(borrow<output-stream>) -> own<pollable>";
    WriteZeroes "wasi:io/streams" "[method]output-stream.write-zeroes"
        "(borrow<output-stream>, u64) -> result<_, variant { last-operation-failed(own<error>), closed }>";
    BlockingWriteZeroes "wasi:io/streams" "[method]output-stream.blocking-write-zeroes-and-flush"
        "(borrow<output-stream>, u64) -> result<_, variant { last-operation-failed(own<error>), closed }>";
    Splice "wasi:io/streams" "[method]output-stream.splice"
        "(borrow<output-stream>, borrow<input-stream>, u64) -> result<u64, variant { last-operation-failed(own<error>), closed }>";
    BlockingSplice "wasi:io/streams" "[method]output-stream.blocking-splice"
        "(borrow<output-stream>, borrow<input-stream>, u64) -> result<u64, variant { last-operation-failed(own<error>), closed }>";
    Directories "wasi:filesystem/preopens" "get-directories" "() -> list<tuple<own<descriptor>, string>>";
}

/// A resource of WASI 0.2. In a world that stands still each handle is a number that is always the same; so nothing has to be
/// kept of them, and a guest that was stored with such a number in its memory can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Resource {
    InputStream,
    OutputStream,
    Pollable,
    TerminalInput,
    TerminalOutput,
    Descriptor,
    Error,
    /// One that no function gives.
    Other,
}

impl Resource {
    pub(crate) const STDIN: u32 = 1;
    pub(crate) const STDOUT: u32 = 2;
    pub(crate) const STDERR: u32 = 3;
    /// Something that is ready.
    pub(crate) const READY: u32 = 4;

    /// The resource of that name in an interface, which is given without its version.
    pub(crate) fn find(interface: &str, name: &str) -> Resource {
        match (interface, name) {
            ("wasi:io/streams", "input-stream") => Resource::InputStream,
            ("wasi:io/streams", "output-stream") => Resource::OutputStream,
            ("wasi:io/poll", "pollable") => Resource::Pollable,
            ("wasi:io/error", "error") => Resource::Error,
            ("wasi:cli/terminal-input", "terminal-input") => Resource::TerminalInput,
            ("wasi:cli/terminal-output", "terminal-output") => Resource::TerminalOutput,
            ("wasi:filesystem/types", "descriptor") => Resource::Descriptor,
            _ => Resource::Other,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Resource::InputStream => "input-stream",
            Resource::OutputStream => "output-stream",
            Resource::Pollable => "pollable",
            Resource::TerminalInput => "terminal-input",
            Resource::TerminalOutput => "terminal-output",
            Resource::Descriptor => "descriptor",
            Resource::Error => "error",
            Resource::Other => "another resource",
        }
    }

    /// Whether there is a handle of that number.
    pub(crate) fn has(self, handle: u32) -> bool {
        match self {
            Resource::InputStream => handle == Self::STDIN,
            Resource::OutputStream => matches!(handle, Self::STDOUT | Self::STDERR),
            Resource::Pollable => handle == Self::READY,
            _ => false,
        }
    }
}
