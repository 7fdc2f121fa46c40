//! Where rows come from.

use crate::compression::{Compression, decompressed};
use crate::error::{Error, Result, Stage};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A file or a stream that rows are read from.
pub struct Source {
    name: String,
    from: From,
    read: Arc<AtomicU64>,
}

enum From {
    File(File),
    Stream(Box<dyn Read + Send>),
}

impl Source {
    /// A file.
    ///
    /// # Errors
    ///
    /// If it cannot be opened.
    pub fn file(path: &Path) -> Result<Source> {
        let name = shown(path);
        let cannot = |why: String| Error::new(Stage::Input, format!("cannot read `{name}`: {why}"));
        let file = File::open(path).map_err(|error| cannot(error.to_string()))?;
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(cannot("it is a directory".to_owned()));
        }
        Ok(Source { name, from: From::File(file), read: Arc::default() })
    }

    /// A stream; `name` is what messages call it.
    ///
    /// ```
    /// use purefork_data::Source;
    /// use std::io::Read as _;
    ///
    /// let source = Source::stream("text", &b"{}\n"[..]);
    /// let mut text = String::new();
    /// source.into_reader()?.read_to_string(&mut text).expect("it is text");
    /// assert_eq!(text, "{}\n");
    /// # Ok::<(), purefork_data::Error>(())
    /// ```
    pub fn stream(name: impl Into<String>, from: impl Read + Send + 'static) -> Source {
        Source { name: name.into(), from: From::Stream(Box::new(from)), read: Arc::default() }
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many bytes of it have been read; counted on while it is read. For a file that is read elsewhere, whoever reads it counts.
    pub fn progress(&self) -> Arc<AtomicU64> {
        self.read.clone()
    }

    /// The file itself, for formats that read here and there in it.
    ///
    /// # Errors
    ///
    /// If it is none: a pipe, a device.
    pub fn into_file(self) -> Result<File> {
        match self.from {
            From::File(file) if file.metadata().is_ok_and(|metadata| metadata.is_file()) => Ok(file),
            _ => Err(Error::new(Stage::Input, format!("cannot read `{}`: expected a file, not a stream", self.name))
                .with_help("such a file is read from its end: save it first")),
        }
    }

    /// What is in it, from the beginning; decompressed if its first bytes are those of gzip or zstd.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn into_reader(self) -> Result<Box<dyn Read + Send>> {
        let name = self.name;
        let named = Compression::of_name(Path::new(&name)).0;
        let from: Box<dyn Read + Send> = match self.from {
            From::File(file) => Box::new(file),
            From::Stream(stream) => stream,
        };
        let counted = Counted { from, read: self.read.clone() };
        let inner = decompressed(counted, named).map_err(|error| failed(&name, &error, 0))?;
        Ok(inner)
    }
}

/// The error of a read that failed after `read` bytes of what is in the input.
pub(crate) fn failed(name: &str, error: &io::Error, read: u64) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Error::new(
            Stage::Input,
            format!("`{name}` is cut off: its compressed data ends in the middle, after {read} bytes of content"),
        )
        .with_help("copy or download it again"),
        _ => {
            let broken =
                Error::new(Stage::Input, format!("cannot read `{name}` beyond byte {read} of its content: {error}"));
            match error.raw_os_error() {
                Some(_) => broken,
                // What decompresses says so.
                None => broken.with_help("copy or download it again"),
            }
        }
    }
}

struct Counted {
    from: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(buffer)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// A path, escaped for a terminal.
pub(crate) fn shown(path: &Path) -> String {
    let path = path.display().to_string();
    path.chars().map(|c| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() }).collect()
}
