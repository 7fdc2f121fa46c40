//! What a descriptor may be used for.

use crate::sandbox::data::DIRECTORY_RIGHTS;

pub(super) const READ: u64 = 1 << 1;
pub(super) const WRITE: u64 = 1 << 6;
pub(super) const POLL: u64 = 1 << 27;
/// All there are: those that what is opened below a directory may have, as the answers are what refuses.
pub(super) const ALL: u64 = (1 << 30) - 1;
/// Those of a directory.
pub(super) const DIRECTORY: u64 = DIRECTORY_RIGHTS.0;

/// Those of a file: all but what is done with directories and sockets.
const FILE: u64 = READ | WRITE | POLL | 0x3d | 1 << 7 | 1 << 8 | 1 << 21 | 1 << 22 | 1 << 23;
/// Of these, those that change it.
const CHANGE: u64 = WRITE | 1 << 8 | 1 << 22 | 1 << 23;

/// What a file may be used for, that was asked for that. `given`: it cannot be changed.
pub(super) fn of_file(asked: u64, given: bool) -> u64 {
    asked & FILE & if given { !CHANGE } else { u64::MAX }
}
