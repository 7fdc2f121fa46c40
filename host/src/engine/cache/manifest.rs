//! Manifests: what an entry holds.

use super::{Key, checksum, file};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::time::SystemTime;

/// The manifest's name in its entry, which no blob can have.
pub(super) const NAME: &str = "manifest";

/// The first line.
const TITLE: &str = "purefork compile cache, layout 1";

/// The most bytes of a manifest: enough for a thousand blobs.
const MOST: u64 = 128 << 10;

/// The assumed block size of the file system: files, directories and manifests take multiples of it.
const BLOCK: u64 = 4096;

/// The blobs of an entry.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) blobs: Vec<Blob>,
}

/// What is known of a blob.
#[derive(Debug)]
pub(super) struct Blob {
    pub(super) name: String,
    pub(super) len: u64,
    /// The checksum of its ends, see [`checksum::ends`].
    pub(super) ends: u64,
    /// The checksum of all its bytes.
    pub(super) whole: u64,
}

impl Manifest {
    /// The manifest of an entry to be written.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if a name is not allowed for a file, or occurs twice.
    pub(super) fn new(blobs: &[(&str, &[u8])]) -> io::Result<Manifest> {
        for (i, (name, _)) in blobs.iter().enumerate() {
            if !is_name(name) || blobs[..i].iter().any(|(other, _)| other == name) {
                return Err(io::Error::new(ErrorKind::InvalidInput, format!("no name for a blob: {name:?}")));
            }
        }
        let blob = |(name, bytes): &(&str, &[u8])| Blob {
            name: (*name).to_owned(),
            len: bytes.len() as u64,
            ends: checksum::ends(bytes),
            whole: checksum::of(bytes),
        };
        Ok(Manifest { blobs: blobs.iter().map(blob).collect() })
    }

    /// The text to be written. `nonce` makes it differ from every other manifest, those of the same key included.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if there are too many blobs.
    pub(super) fn to_text(&self, key: &Key, nonce: &str) -> io::Result<String> {
        let mut text = format!("{TITLE}\nkey {key}\nmade {nonce}\n");
        for Blob { name, len, ends, whole } in &self.blobs {
            text.push_str(&format!("{name} {len} {ends:016x} {whole:016x}\n"));
        }
        text.push_str(&format!("sum {:016x}\n", checksum::of(text.as_bytes())));
        if text.len() as u64 > MOST {
            return Err(io::Error::new(ErrorKind::InvalidInput, "an entry cannot have so many blobs"));
        }
        Ok(text)
    }

    /// Parses what [`Manifest::to_text`] wrote for this key; none for anything else.
    pub(super) fn parse(key: &Key, text: &[u8]) -> Option<Manifest> {
        let text = str::from_utf8(text).ok()?;
        let start = text.strip_suffix('\n')?.rfind('\n')? + 1;
        let (listed, end) = text.split_at(start);
        if end != format!("sum {:016x}\n", checksum::of(listed.as_bytes())) {
            return None;
        }
        let mut lines = listed.lines();
        let whose = lines.next()? == TITLE && lines.next()?.strip_prefix("key ")? == key.as_str();
        lines.next()?.strip_prefix("made ")?;
        let blobs = lines.map(Blob::parse).collect::<Option<_>>()?;
        whose.then_some(Manifest { blobs })
    }

    /// The space that the entry takes on disk.
    pub(super) fn size(&self) -> u64 {
        let blocks = |len: u64| len.div_ceil(BLOCK).saturating_mul(BLOCK);
        self.blobs.iter().fold(2 * BLOCK, |size, blob| size.saturating_add(blocks(blob.len)))
    }
}

impl Blob {
    fn parse(line: &str) -> Option<Blob> {
        let mut words = line.split(' ');
        let name = words.next().filter(|name| is_name(name))?.to_owned();
        let len = words.next()?.parse().ok()?;
        let mut sum = || u64::from_str_radix(words.next()?, 16).ok();
        Some(Blob { name, len, ends: sum()?, whole: sum()? })
    }
}

/// An open manifest, as it is on disk.
#[derive(Debug)]
pub(super) struct Text {
    file: File,
    #[cfg(not(unix))]
    path: std::path::PathBuf,
    pub(super) bytes: Vec<u8>,
}

impl Text {
    /// Reads an entry's manifest; None if there is no such file, or no entry.
    pub(super) fn read(entry: &Path) -> io::Result<Option<Text>> {
        let path = entry.join(NAME);
        let Some(file) = file::open(&path)? else { return Ok(None) };
        let mut bytes = Vec::with_capacity(16 << 10);
        // One byte more than the limit, to detect that it is too long.
        (&file).take(MOST + 1).read_to_end(&mut bytes)?;
        Ok(Some(Text {
            file,
            #[cfg(not(unix))]
            path,
            bytes,
        }))
    }

    /// Notes when the entry was last used.
    pub(super) fn mark_used(&self, time: SystemTime) -> io::Result<()> {
        #[cfg(unix)]
        let file = &self.file;
        // Other systems do not allow this for a file that is open for reading.
        #[cfg(not(unix))]
        let file = File::options().write(true).open(&self.path)?;
        file.set_modified(time)
    }

    /// When the entry was last used.
    pub(super) fn used(&self) -> io::Result<SystemTime> {
        self.file.metadata()?.modified()
    }
}

/// Whether a file of an entry may have this name, on any system.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    (1..=64).contains(&name.len()) && name.bytes().all(allowed) && !name.starts_with('.') && name != NAME
}
