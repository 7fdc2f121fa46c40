//! Messages of a stream, framed without trust in the lengths that they state.
//!
//! arrow-ipc's own reader asks for as much memory as a message says that it has, before it reads it: a few broken bytes end the
//! process. Here what is asked for is what has come.

use arrow_buffer::Buffer;
use sha2::{Digest, Sha256};
use std::io::{self, Read};

/// A message: its header, a flatbuffer, and its body.
pub(super) struct Framed {
    pub(super) header: Buffer,
    pub(super) body: Buffer,
}

/// The most bytes of a header: it has the names and types of all columns, or where in the body each is.
const MAX_HEADER: usize = 256 << 20;

/// The most bytes of a batch, decompressed.
pub(super) const MAX_BATCH: u64 = 2 << 30;

/// The most rows of a batch: of columns that take no bytes, it could say any number.
const MAX_ROWS: i64 = i32::MAX as i64;

/// What a stream is read from.
pub(super) struct Frames<R> {
    from: R,
    /// How many bytes were read.
    at: u64,
    /// Of all that was read, if that is asked for: it takes its time.
    digest: Option<Sha256>,
    /// Whether it is a file, which has a footer behind its stream.
    file: bool,
    ended: bool,
}

/// What begins a file.
const MAGIC: &[u8; 6] = b"ARROW1";

fn wrong(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

impl<R: Read> Frames<R> {
    pub(super) fn new(from: R, digest: bool) -> Frames<R> {
        Frames { from, at: 0, digest: digest.then(Sha256::new), file: false, ended: false }
    }

    /// What the stream is known by again, up to here.
    pub(super) fn digest(&self) -> String {
        let digest = self.digest.clone().map(Sha256::finalize);
        digest.iter().flatten().map(|byte| format!("{byte:02x}")).collect()
    }

    fn exact<const N: usize>(&mut self) -> io::Result<Option<[u8; N]>> {
        let mut bytes = [0; N];
        let mut have = 0;
        while have < N {
            match self.from.read(&mut bytes[have..]) {
                Ok(0) if have == 0 => return Ok(None),
                Ok(0) => return Err(self.cut()),
                Ok(n) => have += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.at += N as u64;
        self.read(&bytes);
        Ok(Some(bytes))
    }

    fn read(&mut self, bytes: &[u8]) {
        if let Some(digest) = &mut self.digest {
            digest.update(bytes);
        }
    }

    fn cut(&self) -> io::Error {
        wrong(format!("it ends in the middle, behind byte {}", self.at))
    }

    /// So many bytes, as they come.
    fn bytes(&mut self, count: u64) -> io::Result<Buffer> {
        /// Taken at once, as what is read is mostly there.
        const AT_ONCE: u64 = 1 << 20;
        let mut bytes = Vec::with_capacity(usize::try_from(count.min(AT_ONCE)).unwrap_or(0));
        (&mut self.from).take(count).read_to_end(&mut bytes)?;
        self.at += bytes.len() as u64;
        if bytes.len() as u64 != count {
            return Err(self.cut());
        }
        self.read(&bytes);
        Ok(Buffer::from_vec(bytes))
    }

    /// The next message; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Framed>> {
        if self.ended {
            return Ok(None);
        }
        let begun = self.at;
        let Some(mut prefix) = self.exact::<4>()? else {
            // A stream may just end; a file has a footer.
            if self.file || begun == 0 {
                return Err(self.cut());
            }
            self.ended = true;
            return Ok(None);
        };
        if begun == 0 && prefix == MAGIC[..4] {
            let rest = self.exact::<4>()?.ok_or_else(|| self.cut())?;
            if rest[..2] != MAGIC[4..] {
                return Err(wrong("it begins with `ARRO`, but not with `ARROW1`".to_owned()));
            }
            self.file = true;
            // The magic is padded, by some writers to 64 bytes.
            for _ in 0..15 {
                prefix = self.exact::<4>()?.ok_or_else(|| self.cut())?;
                if prefix != [0; 4] {
                    break;
                }
            }
        }
        // Before it, lengths stood alone.
        if prefix == [0xff; 4] {
            prefix = self.exact::<4>()?.ok_or_else(|| self.cut())?;
        }
        let count = u32::from_le_bytes(prefix) as usize;
        if count == 0 {
            self.ended = true;
            if self.file {
                self.footer()?;
            }
            return Ok(None);
        }
        if count > MAX_HEADER {
            return Err(wrong(format!("a message at byte {begun} says that its header has {count} bytes")));
        }
        let header = self.bytes(count as u64)?;
        let body = {
            let message = arrow_ipc::root_as_message(&header)
                .map_err(|error| wrong(format!("the message at byte {begun} is none: {error}")))?;
            u64::try_from(message.bodyLength()).map_err(|_| {
                wrong(format!("the message at byte {begun} says that its body has fewer bytes than none"))
            })?
        };
        if body > MAX_BATCH {
            return Err(wrong(format!(
                "the message at byte {begun} says that its body has {body} bytes; up to {MAX_BATCH} are read: write smaller batches"
            )));
        }
        let body = self.bytes(body)?;
        Ok(Some(Framed { header, body }))
    }

    /// The end of a file: a footer, its length and the magic again.
    fn footer(&mut self) -> io::Result<()> {
        const MAX_FOOTER: u64 = 256 << 20;
        let mut bytes = Vec::new();
        (&mut self.from).take(MAX_FOOTER + 1).read_to_end(&mut bytes)?;
        let at = self.at;
        self.at += bytes.len() as u64;
        let cut = || wrong(format!("its footer is missing or cut off, behind byte {at}"));
        let rest = bytes.strip_suffix(MAGIC).ok_or_else(cut)?;
        let (footer, len) = rest.split_last_chunk::<4>().ok_or_else(cut)?;
        if u32::from_le_bytes(*len) as usize != footer.len() {
            return Err(wrong(format!(
                "it says that its footer has {} bytes, but there are {}",
                u32::from_le_bytes(*len),
                footer.len()
            )));
        }
        Ok(())
    }
}

/// That a batch does not say that it is larger than it can be.
pub(super) fn check(batch: &arrow_ipc::RecordBatch<'_>, body: &[u8]) -> Result<(), String> {
    if !(0..=MAX_ROWS).contains(&batch.length()) {
        return Err(format!("a batch says that it has {} rows; up to {MAX_ROWS} are read", batch.length()));
    }
    for node in batch.nodes().iter().flatten() {
        if !(0..=MAX_ROWS).contains(&node.length()) || !(0..=node.length()).contains(&node.null_count()) {
            return Err(format!(
                "a column says that it has {} values, {} of them null",
                node.length(),
                node.null_count()
            ));
        }
    }
    let mut whole = 0u64;
    for buffer in batch.buffers().iter().flatten() {
        let span = usize::try_from(buffer.offset()).ok().zip(usize::try_from(buffer.length()).ok());
        let bytes = span.and_then(|(offset, length)| body.get(offset..offset.checked_add(length)?));
        let Some(bytes) = bytes else {
            return Err(format!(
                "a buffer says that it is {} bytes from byte {} on, in a body of {}",
                buffer.length(),
                buffer.offset(),
                body.len()
            ));
        };
        if batch.compression().is_some()
            && let Some(stated) = bytes.first_chunk::<8>().map(|stated| i64::from_le_bytes(*stated))
            && stated != -1
        {
            whole = whole.saturating_add(u64::try_from(stated).unwrap_or(u64::MAX));
            if whole > MAX_BATCH {
                return Err(format!("a batch says that its buffers have {whole} bytes; up to {MAX_BATCH} are read"));
            }
        }
    }
    Ok(())
}
