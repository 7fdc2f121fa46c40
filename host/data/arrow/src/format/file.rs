//! A file that is read here and there, by whom nothing is allocated that the file does not have.

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A file, and how much of it was read.
#[derive(Clone)]
pub(super) struct SharedFile {
    file: Arc<File>,
    len: u64,
    read: Arc<AtomicU64>,
}

impl SharedFile {
    pub(super) fn new(file: File, read: Arc<AtomicU64>) -> io::Result<SharedFile> {
        let len = file.metadata()?.len();
        Ok(SharedFile { file: Arc::new(file), len, read })
    }

    /// What is in the file from `start` on.
    pub(super) fn bytes(&self, start: u64, length: usize) -> io::Result<Vec<u8>> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.len);
        if end.is_none() {
            let text = format!("bytes {start} and {length} more are not in a file of {}", self.len);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
        }
        let mut bytes = Vec::with_capacity(length);
        let mut reader = At { file: self.clone(), at: start }.take(length as u64);
        reader.read_to_end(&mut bytes)?;
        if bytes.len() != length {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file has become shorter"));
        }
        Ok(bytes)
    }
}

impl Length for SharedFile {
    fn len(&self) -> u64 {
        self.len
    }
}

/// A place in the file; the others do not move with it.
pub(super) struct At {
    file: SharedFile,
    at: u64,
}

impl Read for At {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // One thread reads, so that nobody moves the file's own place in between.
        let mut file = &*self.file.file;
        file.seek(SeekFrom::Start(self.at))?;
        let n = file.read(buffer)?;
        self.at += n as u64;
        self.file.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl ChunkReader for SharedFile {
    type T = BufReader<At>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(BufReader::new(At { file: self.clone(), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.bytes(start, length).map(Bytes::from).map_err(ParquetError::from)
    }
}
