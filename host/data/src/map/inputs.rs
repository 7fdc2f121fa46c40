//! The inputs of a run, one after another.

use crate::error::{Error, Result, Stage};
use crate::format::{Format, Input};
use crate::source::Source;
use crate::table::{Column, Wanted};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// An input of a run.
#[derive(Clone)]
pub struct InputFile {
    /// Where it comes from.
    pub from: From,
    /// What it is read by.
    pub format: &'static dyn Format,
}

/// Where an input comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// A file.
    Path(PathBuf),
    /// Standard input.
    Stdin,
}

/// The inputs of a run: read one after another. No more than two are open at a time, beside empty ones.
pub struct Inputs {
    files: VecDeque<InputFile>,
    wanted: Wanted,
    /// The first ones, opened to know their columns: an empty file has none.
    first: VecDeque<Opened>,
    columns: Vec<Column>,
    read: Arc<Read>,
}

/// How many bytes were read.
#[derive(Default)]
struct Read {
    before: AtomicU64,
    now: std::sync::Mutex<Arc<AtomicU64>>,
}

/// An input, with its name.
pub(super) struct Opened {
    pub(super) name: Arc<str>,
    pub(super) input: Box<dyn Input>,
}

impl Inputs {
    /// Opens the first input.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or has not the columns that are wanted; if another one is not there.
    pub fn open(files: &[InputFile], wanted: &Wanted) -> Result<Inputs> {
        for file in files.iter().skip(1) {
            if let From::Path(path) = &file.from {
                drop(Source::file(path)?);
            }
        }
        let mut inputs = Inputs {
            files: files.iter().cloned().collect(),
            wanted: wanted.clone(),
            first: VecDeque::new(),
            columns: Vec::new(),
            read: Arc::default(),
        };
        let mut first = VecDeque::new();
        while let Some(opened) = inputs.next()? {
            inputs.columns = opened.input.columns().to_vec();
            first.push_back(opened);
            if wanted.into.is_none() || !inputs.columns.is_empty() {
                break;
            }
        }
        inputs.first = first;
        if inputs.columns.is_empty() {
            inputs.columns.clone_from(&wanted.params);
        }
        Ok(inputs)
    }

    /// The columns that results may be added to.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// How many rows there are: all are read for that.
    ///
    /// # Errors
    ///
    /// If one cannot be read.
    pub fn count(mut self) -> Result<u64> {
        let mut rows = 0;
        while let Some(Opened { mut input, .. }) = self.next()? {
            while let Some(some) = input.next()? {
                rows += some.len() as u64;
            }
        }
        Ok(rows)
    }

    /// What tells how many bytes were read of all files so far.
    pub fn progress(&self) -> impl Fn() -> u64 + Send + Sync + 'static {
        let read = self.read.clone();
        move || {
            let now = read.now.lock().map_or(0, |now| now.load(Ordering::Relaxed));
            read.before.load(Ordering::Relaxed) + now
        }
    }

    /// The next input; none behind the last.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or has not the columns that are wanted.
    pub(super) fn next(&mut self) -> Result<Option<Opened>> {
        if let Some(first) = self.first.pop_front() {
            return Ok(Some(first));
        }
        let Some(file) = self.files.pop_front() else { return Ok(None) };
        let source = match &file.from {
            From::Path(path) => Source::file(path)?,
            From::Stdin => Source::stream("standard input", std::io::stdin()),
        };
        let name: Arc<str> = source.name().into();
        if let Ok(mut now) = self.read.now.lock() {
            self.read.before.fetch_add(now.load(Ordering::Relaxed), Ordering::Relaxed);
            *now = source.progress();
        }
        let input = file.format.open(source, &self.wanted)?;
        let is_empty = self.columns.is_empty() || input.columns().is_empty();
        if self.wanted.into.is_some() && !is_empty && self.columns != input.columns() {
            let text = format!("`{name}` has other columns than the input before it");
            return Err(Error::new(Stage::Input, text).with_help("map them one by one"));
        }
        Ok(Some(Opened { name, input }))
    }
}
