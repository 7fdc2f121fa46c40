//! What functions of WASI 0.1 answer: 0, or what went wrong.

use crate::wasi::Fault;

/// What a function gives: 0, or what went wrong.
pub(super) type Code = u16;

pub(super) const BADF: Code = 8;
pub(super) const EXIST: Code = 20;
pub(super) const FAULT: Code = 21;
pub(super) const ILSEQ: Code = 25;
pub(super) const INVAL: Code = 28;
pub(super) const ISDIR: Code = 31;
pub(super) const MFILE: Code = 33;
pub(super) const NAMETOOLONG: Code = 37;
pub(super) const NOENT: Code = 44;
pub(super) const NOSPC: Code = 51;
pub(super) const NOTDIR: Code = 54;
pub(super) const NOTEMPTY: Code = 55;
pub(super) const NOTSOCK: Code = 57;
pub(super) const NOTSUP: Code = 58;
pub(super) const PERM: Code = 63;
pub(super) const ROFS: Code = 69;
pub(super) const SPIPE: Code = 70;
pub(super) const NOTCAPABLE: Code = 76;

/// Why a function does not go on.
pub(super) enum Fail {
    /// The guest is told.
    Code(Code),
    /// The call ends.
    End(wasmtime::Error),
}

impl From<wasmtime::Error> for Fail {
    fn from(error: wasmtime::Error) -> Fail {
        Fail::End(error)
    }
}

impl From<Fault> for Fail {
    fn from(fault: Fault) -> Fail {
        Fail::Code(match fault {
            Fault::NotFound => NOENT,
            Fault::Exists => EXIST,
            Fault::NotDirectory => NOTDIR,
            Fault::IsDirectory => ISDIR,
            Fault::NotEmpty => NOTEMPTY,
            Fault::ReadOnly => ROFS,
            Fault::Outside => PERM,
            Fault::NameTooLong => NAMETOOLONG,
            Fault::Invalid => INVAL,
            // The call ends before anybody is told.
            Fault::Full => NOSPC,
        })
    }
}

pub(super) type Done<T = ()> = Result<T, Fail>;

pub(super) fn fail<T>(code: Code) -> Done<T> {
    Err(Fail::Code(code))
}
