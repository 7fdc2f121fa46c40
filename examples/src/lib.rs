//! Runnable examples of embedding purefork are in `examples/`; guests to run from the command line lie beside this folder.

pub mod access_log;
