//! What holds of the whole crate.

mod broken_files;
mod calls;
mod files;
mod generate;
mod round_trip;
mod table;
