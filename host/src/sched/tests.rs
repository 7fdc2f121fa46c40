//! Behaviours of the scheduler.
