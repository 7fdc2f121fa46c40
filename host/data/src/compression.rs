//! gzip and zstd.

use flate2::bufread::GzDecoder;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::path::Path;

/// How a file's content is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip, `.gz`.
    Gzip,
    /// Zstandard, `.zst`.
    Zstd,
}

impl Compression {
    /// The compression that a file's name ends in, and the name without that ending.
    ///
    /// ```
    /// use purefork_data::Compression;
    /// use std::path::Path;
    ///
    /// let (compression, rest) = Compression::of_name(Path::new("logs/rows.ndjson.GZ"));
    /// assert_eq!((compression, rest), (Compression::Gzip, Path::new("logs/rows.ndjson")));
    /// ```
    pub fn of_name(path: &Path) -> (Compression, &Path) {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let compression = match ending.to_ascii_lowercase().as_str() {
            "gz" => Compression::Gzip,
            "zst" => Compression::Zstd,
            _ => return (Compression::None, path),
        };
        let bytes = path.as_os_str().as_encoded_bytes();
        let rest = bytes.len() - ending.len() - 1;
        match path.to_str().and_then(|path| path.get(..rest)) {
            Some(rest) => (compression, Path::new(rest)),
            None => (compression, Path::new(path.file_stem().unwrap_or_default())),
        }
    }

    /// The compression that a file's first bytes show.
    fn of_bytes(first: &[u8]) -> Compression {
        match first {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
            // A frame that decompressors skip.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
            _ => Compression::None,
        }
    }

    /// The bytes as a gzip member or a zstd frame of their own. Those of one file after another are a file of all.
    pub(crate) fn pack(self, bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        match self {
            _ if bytes.is_empty() => Ok(bytes),
            Compression::None => Ok(bytes),
            _ => self.pack_whole(&bytes),
        }
    }

    /// A member or frame of nothing: an empty file would not be one.
    pub(crate) fn nothing(self) -> io::Result<Vec<u8>> {
        match self {
            Compression::None => Ok(Vec::new()),
            _ => self.pack_whole(&[]),
        }
    }

    fn pack_whole(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Compression::None => Ok(bytes.to_vec()),
            Compression::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(bytes)?;
                encoder.finish()
            }
            Compression::Zstd => {
                let mut encoder = zstd::Encoder::new(Vec::new(), zstd::DEFAULT_COMPRESSION_LEVEL)?;
                encoder.include_checksum(true)?;
                encoder.write_all(bytes)?;
                encoder.finish()
            }
        }
    }
}

/// What is in a file, decompressed if its first bytes say that it is compressed; all members of a gzip file, all frames of a zstd
/// file. `named`: what its name says.
pub(crate) fn decompressed(from: impl Read + Send + 'static, named: Compression) -> io::Result<Box<dyn Read + Send>> {
    const BUFFER: usize = 128 << 10;
    let mut from: Inner = BufReader::with_capacity(BUFFER, Box::new(from));
    let mut first = Vec::with_capacity(4);
    // A pipe may give one byte at a time.
    while first.len() < 4 {
        let mut byte = [0];
        match from.read(&mut byte) {
            Ok(0) => break,
            Ok(_) => first.push(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    // Even nothing has a header, once it is compressed.
    if first.len() < 4 && named != Compression::None {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let compression = Compression::of_bytes(&first);
    let whole = io::Cursor::new(first).chain(from);
    Ok(match compression {
        Compression::None => Box::new(whole),
        Compression::Gzip => Box::new(Members(Some(GzDecoder::new(whole)))),
        Compression::Zstd => Box::new(zstd::Decoder::with_buffer(whole)?),
    })
}

type Inner = BufReader<Box<dyn Read + Send>>;
type Whole = io::Chain<io::Cursor<Vec<u8>>, Inner>;

/// The members of a gzip file, one behind the other, and zeros that fill up the last block of a tape or a disk.
struct Members(Option<GzDecoder<Whole>>);

impl Read for Members {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let Some(member) = &mut self.0 else { return Ok(0) };
            let read = member.read(buffer)?;
            if read != 0 {
                return Ok(read);
            }
            self.0 = match self.0.take().map(GzDecoder::into_inner) {
                Some(rest) => next_member(rest)?,
                None => None,
            };
        }
    }
}

/// The member behind one that has ended; none behind the last.
fn next_member(mut rest: Whole) -> io::Result<Option<GzDecoder<Whole>>> {
    let mut padded = false;
    loop {
        let ahead = match rest.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            ahead => ahead?,
        };
        match ahead {
            [] => return Ok(None),
            [0, ..] => {
                let zeros = ahead.iter().take_while(|byte| **byte == 0).count();
                rest.consume(zeros);
                padded = true;
            }
            [0x1f, ..] if !padded => return Ok(Some(GzDecoder::new(rest))),
            _ => {
                let text = "behind the compressed data there are bytes that are none";
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
        }
    }
}
