//! WASI 0.2: the functions that have an answer, and the resources.

use serde::{Deserialize, Serialize};

macro_rules! functions {
    ($($variant:ident $interface:literal $name:literal $ty:expr;)*) => {
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

            #[cfg(test)]
            pub(crate) const ALL: &[Preview2] = &[$(Preview2::$variant),*];

            /// Its type, as the audit writes types out.
            pub(crate) fn ty(self) -> &'static str {
                match self {
                    $(Preview2::$variant => $ty,)*
                }
            }
        }
    };
}

macro_rules! kinds {
    () => {
        "enum { unknown, block-device, character-device, directory, fifo, symbolic-link, regular-file, socket }"
    };
}

macro_rules! stat {
    () => {
        concat!(
            "record { type: ",
            kinds!(),
            ", link-count: u64, size: u64, data-access-timestamp: option<record { seconds: u64, nanoseconds: u32 }>",
            ", data-modification-timestamp: option<record { seconds: u64, nanoseconds: u32 }>",
            ", status-change-timestamp: option<record { seconds: u64, nanoseconds: u32 }> }"
        )
    };
}

macro_rules! timestamp {
    () => {
        "variant { no-change, now, timestamp(record { seconds: u64, nanoseconds: u32 }) }"
    };
}

/// The type of a function of files, with what goes wrong with them.
macro_rules! fails {
    ($params:expr, $ok:expr) => {
        concat!(
            $params,
            " -> result<",
            $ok,
            ", enum { access, would-block, already, bad-descriptor, busy, deadlock, quota, exist, file-too-large, illegal-byte-sequence",
            ", in-progress, interrupted, invalid, io, is-directory, loop, too-many-links, message-size, name-too-long, no-device, no-entry",
            ", no-lock, insufficient-memory, insufficient-space, not-directory, not-empty, not-recoverable, unsupported, no-tty",
            ", no-such-device, overflow, not-permitted, pipe, read-only, invalid-seek, text-file-busy, cross-device }>"
        )
    };
}

/// The type of a function that would give something of the network.
macro_rules! no_socket {
    ($params:expr, $ok:expr) => {
        concat!(
            $params,
            " -> result<own<",
            $ok,
            ">, enum { unknown, access-denied, not-supported, invalid-argument, out-of-memory, timeout, concurrency-conflict",
            ", not-in-progress, would-block, invalid-state, new-socket-limit, address-not-bindable, address-in-use, remote-unreachable",
            ", connection-refused, connection-reset, connection-aborted, datagram-too-large, name-unresolvable",
            ", temporary-resolver-failure, permanent-resolver-failure }>"
        )
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
    GetFlags "wasi:filesystem/types" "[method]descriptor.get-flags"
        fails!("(borrow<descriptor>)", "flags { read, write, file-integrity-sync, data-integrity-sync, requested-write-sync, mutate-directory }");
    GetType "wasi:filesystem/types" "[method]descriptor.get-type" fails!("(borrow<descriptor>)", kinds!());
    Stat "wasi:filesystem/types" "[method]descriptor.stat" fails!("(borrow<descriptor>)", stat!());
    StatAt "wasi:filesystem/types" "[method]descriptor.stat-at"
        fails!("(borrow<descriptor>, flags { symlink-follow }, string)", stat!());
    OpenAt "wasi:filesystem/types" "[method]descriptor.open-at"
        fails!("(borrow<descriptor>, flags { symlink-follow }, string, flags { create, directory, exclusive, truncate }, flags { read, write, file-integrity-sync, data-integrity-sync, requested-write-sync, mutate-directory })", "own<descriptor>");
    ReadDirectory "wasi:filesystem/types" "[method]descriptor.read-directory"
        fails!("(borrow<descriptor>)", "own<directory-entry-stream>");
    ReadDirectoryEntry "wasi:filesystem/types" "[method]directory-entry-stream.read-directory-entry"
        fails!("(borrow<directory-entry-stream>)", concat!("option<record { type: ", kinds!(), ", name: string }>"));
    ReadlinkAt "wasi:filesystem/types" "[method]descriptor.readlink-at" fails!("(borrow<descriptor>, string)", "string");
    MetadataHash "wasi:filesystem/types" "[method]descriptor.metadata-hash"
        fails!("(borrow<descriptor>)", "record { lower: u64, upper: u64 }");
    MetadataHashAt "wasi:filesystem/types" "[method]descriptor.metadata-hash-at"
        fails!("(borrow<descriptor>, flags { symlink-follow }, string)", "record { lower: u64, upper: u64 }");
    IsSameObject "wasi:filesystem/types" "[method]descriptor.is-same-object" "(borrow<descriptor>, borrow<descriptor>) -> bool";
    CreateDirectoryAt "wasi:filesystem/types" "[method]descriptor.create-directory-at" fails!("(borrow<descriptor>, string)", "_");
    RemoveDirectoryAt "wasi:filesystem/types" "[method]descriptor.remove-directory-at" fails!("(borrow<descriptor>, string)", "_");
    UnlinkFileAt "wasi:filesystem/types" "[method]descriptor.unlink-file-at" fails!("(borrow<descriptor>, string)", "_");
    SymlinkAt "wasi:filesystem/types" "[method]descriptor.symlink-at" fails!("(borrow<descriptor>, string, string)", "_");
    RenameAt "wasi:filesystem/types" "[method]descriptor.rename-at"
        fails!("(borrow<descriptor>, string, borrow<descriptor>, string)", "_");
    LinkAt "wasi:filesystem/types" "[method]descriptor.link-at"
        fails!("(borrow<descriptor>, flags { symlink-follow }, string, borrow<descriptor>, string)", "_");
    SetTimes "wasi:filesystem/types" "[method]descriptor.set-times"
        fails!(concat!("(borrow<descriptor>, ", timestamp!(), ", ", timestamp!(), ")"), "_");
    SetTimesAt "wasi:filesystem/types" "[method]descriptor.set-times-at"
        fails!(concat!("(borrow<descriptor>, flags { symlink-follow }, string, ", timestamp!(), ", ", timestamp!(), ")"), "_");
    SetSize "wasi:filesystem/types" "[method]descriptor.set-size" fails!("(borrow<descriptor>, u64)", "_");
    Sync "wasi:filesystem/types" "[method]descriptor.sync" fails!("(borrow<descriptor>)", "_");
    SyncData "wasi:filesystem/types" "[method]descriptor.sync-data" fails!("(borrow<descriptor>)", "_");
    Advise "wasi:filesystem/types" "[method]descriptor.advise"
        fails!("(borrow<descriptor>, u64, u64, enum { normal, sequential, random, will-need, dont-need, no-reuse })", "_");
    ReadFile "wasi:filesystem/types" "[method]descriptor.read"
        fails!("(borrow<descriptor>, u64, u64)", "tuple<list<u8>, bool>");
    WriteFile "wasi:filesystem/types" "[method]descriptor.write" fails!("(borrow<descriptor>, list<u8>, u64)", "u64");
    ReadViaStream "wasi:filesystem/types" "[method]descriptor.read-via-stream"
        fails!("(borrow<descriptor>, u64)", "own<input-stream>");
    WriteViaStream "wasi:filesystem/types" "[method]descriptor.write-via-stream"
        fails!("(borrow<descriptor>, u64)", "own<output-stream>");
    AppendViaStream "wasi:filesystem/types" "[method]descriptor.append-via-stream"
        fails!("(borrow<descriptor>)", "own<output-stream>");
    Network "wasi:sockets/instance-network" "instance-network" "() -> own<network>";
    TcpSocket "wasi:sockets/tcp-create-socket" "create-tcp-socket" no_socket!("(enum { ipv4, ipv6 })", "tcp-socket");
    UdpSocket "wasi:sockets/udp-create-socket" "create-udp-socket" no_socket!("(enum { ipv4, ipv6 })", "udp-socket");
    ResolveAddresses "wasi:sockets/ip-name-lookup" "resolve-addresses"
        no_socket!("(borrow<network>, string)", "resolve-address-stream");
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
    DirectoryEntries,
    Error,
    Network,
    TcpSocket,
    UdpSocket,
    Addresses,
    /// One of a function without an answer.
    Other,
}

impl Resource {
    pub(crate) const STDIN: u32 = 1;
    pub(crate) const STDOUT: u32 = 2;
    pub(crate) const STDERR: u32 = 3;
    /// Something that is ready.
    pub(crate) const READY: u32 = 4;
    /// The empty directory, and what is in it.
    pub(crate) const ROOT: u32 = 5;
    pub(crate) const ENTRIES: u32 = 6;
    pub(crate) const NETWORK: u32 = 7;

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
            ("wasi:filesystem/types", "directory-entry-stream") => Resource::DirectoryEntries,
            ("wasi:sockets/network", "network") => Resource::Network,
            ("wasi:sockets/tcp", "tcp-socket") => Resource::TcpSocket,
            ("wasi:sockets/udp", "udp-socket") => Resource::UdpSocket,
            ("wasi:sockets/ip-name-lookup", "resolve-address-stream") => Resource::Addresses,
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
            Resource::DirectoryEntries => "directory-entry-stream",
            Resource::Error => "error",
            Resource::Network => "network",
            Resource::TcpSocket => "tcp-socket",
            Resource::UdpSocket => "udp-socket",
            Resource::Addresses => "resolve-address-stream",
            Resource::Other => "another resource",
        }
    }

    /// Whether there is a handle of that number.
    pub(crate) fn has(self, handle: u32) -> bool {
        match self {
            Resource::InputStream => handle == Self::STDIN,
            Resource::OutputStream => matches!(handle, Self::STDOUT | Self::STDERR),
            Resource::Pollable => handle == Self::READY,
            Resource::Descriptor => handle == Self::ROOT,
            Resource::DirectoryEntries => handle == Self::ENTRIES,
            Resource::Network => handle == Self::NETWORK,
            // There is none of these in a world that stands still.
            Resource::TerminalInput | Resource::TerminalOutput | Resource::Error | Resource::Other => false,
            Resource::TcpSocket | Resource::UdpSocket | Resource::Addresses => false,
        }
    }
}
