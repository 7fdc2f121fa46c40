//! The programs that an executor has loaded.

use crate::fork::{Program, Runtime, WeakProgram};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The programs that an executor has loaded, by the digests of their bytes: the same bytes are the same program.
pub(crate) struct Loader {
    pub(super) runtime: Arc<Runtime>,
    programs: Mutex<HashMap<String, WeakProgram>>,
}

impl Loader {
    pub(super) fn new(runtime: Arc<Runtime>) -> Loader {
        Loader { runtime, programs: Mutex::default() }
    }

    /// The program that was loaded from bytes of this digest, if anybody has it.
    pub(super) fn known(&self, digest: &str) -> Option<Program> {
        self.programs().get(digest)?.upgrade()
    }

    /// Has whoever loads the same bytes get the same program.
    pub(super) fn know(&self, digest: &str, program: &Program) {
        let mut programs = self.programs();
        // Those that are gone are forgotten whenever the table would have to be made larger.
        if programs.len() == programs.capacity() {
            programs.retain(|_, program| program.upgrade().is_some());
        }
        programs.insert(digest.to_owned(), program.downgrade());
    }

    fn programs(&self) -> MutexGuard<'_, HashMap<String, WeakProgram>> {
        self.programs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
