//! What holds of the whole crate.

#[cfg(feature = "files")]
mod broken_files;
mod calls;
#[cfg(feature = "files")]
mod files;
mod generate;
mod round_trip;
mod table;
