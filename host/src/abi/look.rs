//! Looks, every now and then, whether the call may go on whose values are read or written.
//!
//! The host copies at memory speed, and there may be gigabytes to copy. A deadline is to be heard within a few milliseconds.

/// Whether the call may go on.
pub(crate) struct Look<'s> {
    stopped: &'s dyn Fn() -> bool,
    /// What may be done before the next look, in bytes.
    left: usize,
}

/// The call must not go on.
#[derive(Debug)]
pub(crate) struct Stopped;

impl std::error::Error for Stopped {}

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the call must not go on")
    }
}

/// How many bytes are copied, or as much else is done, between two looks: about a millisecond's work.
pub(crate) const PART: usize = 1 << 20;

/// What making or writing a value counts as, in bytes.
const VALUE: usize = 64;

impl<'s> Look<'s> {
    /// Looks by asking `stopped`.
    pub(crate) fn new(stopped: &'s dyn Fn() -> bool) -> Look<'s> {
        Look { stopped, left: PART }
    }

    /// For what is small.
    pub(crate) fn never() -> Look<'static> {
        Look::new(&|| false)
    }

    /// Counts one value.
    #[inline]
    pub(crate) fn value(&mut self) -> Result<(), Stopped> {
        self.bytes(VALUE)
    }

    /// Counts so many bytes; no more than [`PART`] at a time.
    #[inline]
    pub(crate) fn bytes(&mut self, bytes: usize) -> Result<(), Stopped> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => self.look(),
        }
    }

    #[cold]
    fn look(&mut self) -> Result<(), Stopped> {
        self.left = PART;
        if (self.stopped)() { Err(Stopped) } else { Ok(()) }
    }

    /// Copies bytes to a place of the same size.
    pub(crate) fn copy(&mut self, to: &mut [u8], from: &[u8]) -> Result<(), Stopped> {
        for (to, from) in to.chunks_mut(PART).zip(from.chunks(PART)) {
            self.bytes(from.len())?;
            to.copy_from_slice(from);
        }
        Ok(())
    }

    /// Whether bytes are text in UTF-8. `parts` is given them, one after another.
    pub(crate) fn text(&mut self, bytes: &[u8], mut parts: impl FnMut(&str)) -> Result<bool, Stopped> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let part = &rest[..rest.len().min(PART)];
            self.bytes(part.len())?;
            let text = match std::str::from_utf8(part) {
                Ok(text) => text,
                // The last character goes on in the next part.
                Err(error) if error.error_len().is_none() && part.len() < rest.len() => {
                    match std::str::from_utf8(&part[..error.valid_up_to()]) {
                        Ok(text) => text,
                        Err(_) => return Ok(false),
                    }
                }
                Err(_) => return Ok(false),
            };
            parts(text);
            rest = &rest[text.len()..];
        }
        Ok(true)
    }
}
