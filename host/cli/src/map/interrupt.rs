//! Signals that end a run.

use anyhow::Result;
#[cfg(unix)]
use std::sync::Arc;
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, Ordering};

/// Tells whether the process was asked to end. A second signal ends it at once.
pub(super) struct Interrupt {
    #[cfg(unix)]
    came: Vec<(i32, Arc<AtomicBool>)>,
}

impl Interrupt {
    #[cfg(unix)]
    pub(super) fn new() -> Result<Interrupt> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        let came = [SIGINT, SIGTERM, SIGHUP].map(|signal| (signal, Arc::new(AtomicBool::new(false))));
        for (signal, flag) in &came {
            signal_hook::flag::register_conditional_shutdown(*signal, 128 + signal, flag.clone())?;
            signal_hook::flag::register(*signal, flag.clone())?;
        }
        Ok(Interrupt { came: came.into() })
    }

    #[cfg(not(unix))]
    pub(super) fn new() -> Result<Interrupt> {
        Ok(Interrupt {})
    }

    /// The signal that came.
    pub(super) fn signal(&self) -> Option<u8> {
        #[cfg(unix)]
        {
            let came = self.came.iter().find(|(_, flag)| flag.load(Ordering::Relaxed));
            came.and_then(|(signal, _)| u8::try_from(*signal).ok())
        }
        #[cfg(not(unix))]
        None
    }
}
