//! Where results go.

use crate::compression::Compression;
use std::io::{self, Write};

/// A file or a stream that results are written to, byte by byte as they are given.
pub struct Sink {
    to: Box<dyn Write + Send>,
    compression: Compression,
    written: u64,
}

impl Sink {
    /// Writes to `to`. `compression`: what its name asks for, which the format does.
    pub fn new(to: impl Write + Send + 'static, compression: Compression) -> Sink {
        Sink { to: Box::new(to), compression, written: 0 }
    }

    /// The same, of a file that has so many bytes already.
    pub fn after(self, written: u64) -> Sink {
        Sink { written, ..self }
    }

    /// How what is written is to be compressed.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// How many bytes there are.
    pub fn written(&self) -> u64 {
        self.written
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.to.write(bytes)?;
        self.written += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
