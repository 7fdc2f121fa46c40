//! Checks, while values are read and written, whether their call may go on.
//!
//! There may be gigabytes to copy, which takes seconds, and a deadline should be noticed within a few milliseconds.

/// Checks now and then whether the call may go on.
pub(crate) struct Look<'s> {
    stopped: &'s dyn Fn() -> bool,
    /// How much may be done before the next check, in bytes.
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

/// The bytes copied between two checks, or other work that takes as long: about a millisecond.
pub(crate) const PART: usize = 1 << 20;

/// Making or writing a value counts as so many bytes.
const VALUE: usize = 64;

impl<'s> Look<'s> {
    /// Checks by calling `stopped`.
    pub(crate) fn new(stopped: &'s dyn Fn() -> bool) -> Look<'s> {
        Look { stopped, left: PART }
    }

    /// Never stops: for small values.
    pub(crate) fn never() -> Look<'static> {
        Look::new(&|| false)
    }

    /// Counts one value.
    #[inline]
    pub(crate) fn value(&mut self) -> Result<(), Stopped> {
        self.bytes(VALUE)
    }

    /// Counts bytes, at most [`PART`] at a time.
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

    /// Copies bytes between slices of the same length.
    pub(crate) fn copy(&mut self, to: &mut [u8], from: &[u8]) -> Result<(), Stopped> {
        for (to, from) in to.chunks_mut(PART).zip(from.chunks(PART)) {
            self.bytes(from.len())?;
            to.copy_from_slice(from);
        }
        Ok(())
    }

    /// Whether bytes are valid UTF-8. `parts` is given the text, part by part.
    pub(crate) fn text(&mut self, bytes: &[u8], mut parts: impl FnMut(&str)) -> Result<bool, Stopped> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let part = &rest[..rest.len().min(PART)];
            self.bytes(part.len())?;
            let text = match std::str::from_utf8(part) {
                Ok(text) => text,
                // The part ends within a character: leave that to the next part.
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
