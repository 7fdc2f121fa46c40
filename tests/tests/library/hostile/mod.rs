//! Hostile guests, all of them: made to harm the host, to use up what it has, to see or to change what other calls do, or to give
//! what is no value. After each, the executor still answers. What an attack has found, and what the fuzz target finds, is kept
//! here as a case.
//!
//! - `evil`, `evil_components`: guests and callbacks that mean harm;
//! - `attacks`, `attacks_components`, `attacks_recycled`: attacks that once succeeded;
//! - `liars`: guests made to write past the card marking.

mod attacks;
mod attacks_components;
mod attacks_recycled;
mod evil;
mod evil_components;
mod liars;
