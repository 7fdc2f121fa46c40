//! The official test suite of WebAssembly, each call a fork of its own.
