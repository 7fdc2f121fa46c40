//! What of WASI belongs to one call.

use super::descriptors::Descriptors;
use super::handles2::Handles2;
use super::missing_files::MissingFiles;
use super::random::Random;
use crate::abi::{Look, PART};
use crate::error::{Error, ErrorKind};
use crate::escape::escaped;
use crate::sandbox::error::{Stop, trap};
use crate::value::List;
use crate::wasi::{Fault, GivenWorld, NOW, NodeId, Output, Tree, is_name};
use std::sync::{Arc, LazyLock};

/// The name under which a program runs.
pub(crate) const PROGRAM: &str = "program";

/// The most things that are noted of what a call was not truly given, beside files.
const MAX_REFUSED: usize = 12;

/// What there is where no files are given.
static EMPTY: LazyLock<Arc<Tree>> = LazyLock::new(|| Arc::new(Tree::new(NOW)));

/// What of WASI belongs to one call: all is as it was at the start of every call, but for what it is given.
pub(crate) struct WasiState {
    /// The name of the program, and what it is given.
    pub(crate) args: Vec<Arc<str>>,
    stdin: List,
    /// How much of stdin was read.
    read: usize,
    pub(crate) random: Random,
    /// What is open in WASI 0.1.
    pub(crate) descriptors: Descriptors,
    /// What is open in WASI 0.2.
    pub(crate) handles: Handles2,
    world: Option<Arc<GivenWorld>>,
    /// Directories and files. Before it is changed it is copied: other calls start with the same.
    tree: Arc<Tree>,
    pub(crate) output: Output,
    missing: MissingFiles,
    /// Bytes that may still be written.
    left: usize,
    limit: usize,
}

/// Where a guest writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sink {
    Stdout,
    Stderr,
}

impl WasiState {
    /// The state of a call that is given no arguments and may write `limit` bytes.
    pub(crate) fn new(limit: usize, world: Option<Arc<GivenWorld>>) -> WasiState {
        WasiState::of_program(Vec::new(), Vec::<u8>::new().into(), limit, world)
    }

    /// The state of a program.
    pub(crate) fn of_program(
        args: Vec<Arc<str>>,
        stdin: List,
        limit: usize,
        world: Option<Arc<GivenWorld>>,
    ) -> WasiState {
        let tree = world.as_ref().map_or(&*EMPTY, |world| &world.tree).clone();
        WasiState {
            args: std::iter::once(PROGRAM.into()).chain(args).collect(),
            stdin,
            read: 0,
            random: Random::default(),
            descriptors: Descriptors::default(),
            handles: Handles2::default(),
            world,
            tree,
            output: Output::default(),
            missing: MissingFiles::default(),
            left: limit,
            limit,
        }
    }

    /// What is left of stdin.
    pub(crate) fn unread(&self) -> &[u8] {
        let all = self.stdin.as_slice::<u8>().unwrap_or_default();
        all.get(self.read..).unwrap_or_default()
    }

    /// Takes so many bytes of stdin as read.
    pub(crate) fn skip(&mut self, bytes: usize) {
        self.read += bytes.min(self.unread().len());
    }

    /// Counts so many bytes that are about to be written.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooMuchOutput`].
    pub(crate) fn count(&mut self, bytes: usize) -> wasmtime::Result<()> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(self.too_much()),
        }
    }

    /// The error of a call that has written more than it may.
    fn too_much(&self) -> wasmtime::Error {
        let to = if self.may_write() { "stdout, stderr and files" } else { "stdout and stderr" };
        let message = format!("the guest wrote more than {} bytes to {to}", self.limit);
        let error = Error::new(ErrorKind::TooMuchOutput, message)
            .with_help("raise `Limits::output` (`--output-limit`) if it is meant to write that much");
        Stop(error).into()
    }

    /// How many bytes may still be written.
    pub(crate) fn left(&self) -> usize {
        self.left
    }

    /// Whether the call may make files.
    pub(crate) fn may_write(&self) -> bool {
        self.world.as_ref().is_some_and(|world| world.world.is_writable())
    }

    /// The environment.
    pub(crate) fn envs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.world.iter().flat_map(|world| world.world.envs())
    }

    /// Directories and files, to be looked at.
    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Changes directories and files, within what may still be written.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooMuchOutput`]. What else cannot be done is told within.
    pub(crate) fn change<T>(
        &mut self,
        change: impl FnOnce(&mut Tree, &mut usize) -> Result<T, Fault>,
    ) -> wasmtime::Result<Result<T, Fault>> {
        match change(Arc::make_mut(&mut self.tree), &mut self.left) {
            Err(Fault::Full) => Err(self.too_much()),
            done => Ok(done),
        }
    }

    /// Makes a file that was written so large, with zeroes where nothing was.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooMuchOutput`].
    pub(crate) fn resize(&mut self, node: NodeId, size: u64, look: &mut Look<'_>) -> wasmtime::Result<()> {
        let old = self.tree.bytes(node).len();
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        self.count(size.saturating_sub(old))?;
        let Some(bytes) = Arc::make_mut(&mut self.tree).written_mut(node) else { return Ok(()) };
        bytes.truncate(size);
        while bytes.len() < size {
            let part = PART.min(size - bytes.len());
            look.bytes(part)?;
            bytes.resize(bytes.len() + part, 0);
        }
        Ok(())
    }

    /// Writes to a file, from that place on.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooMuchOutput`].
    pub(crate) fn write_file(
        &mut self,
        node: NodeId,
        at: u64,
        bytes: &[u8],
        look: &mut Look<'_>,
    ) -> wasmtime::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = at.saturating_add(bytes.len() as u64);
        if end > self.tree.bytes(node).len() as u64 {
            self.resize(node, end, look)?;
        }
        let range = at as usize..end as usize;
        let place = Arc::make_mut(&mut self.tree).written_mut(node).and_then(|all| all.get_mut(range));
        Ok(place.map_or(Ok(()), |place| look.copy(place, bytes))?)
    }

    /// Writes, within what may be written.
    pub(crate) fn write(&mut self, sink: Sink, bytes: &[u8], look: &mut Look<'_>) -> wasmtime::Result<()> {
        self.count(bytes.len())?;
        self.append_to(sink, bytes, look)
    }

    /// Writes what was counted before.
    pub(crate) fn append_to(&mut self, sink: Sink, bytes: &[u8], look: &mut Look<'_>) -> wasmtime::Result<()> {
        let sink = self.sink(sink);
        for part in bytes.chunks(PART) {
            look.bytes(part.len())?;
            sink.extend_from_slice(part);
        }
        Ok(())
    }

    pub(crate) fn sink(&mut self, sink: Sink) -> &mut Vec<u8> {
        match sink {
            Sink::Stdout => &mut self.output.stdout,
            Sink::Stderr => &mut self.output.stderr,
        }
    }

    /// Notes what the call was not truly given.
    pub(crate) fn refuse(&mut self, what: impl Into<String>) {
        let what = what.into();
        let refused = &mut self.output.refused;
        if refused.len() < MAX_REFUSED && !refused.contains(&what) {
            refused.push(what);
        }
    }

    pub(crate) fn no_time(&mut self) {
        self.refuse("asked for the time: it is always 1970-01-01T00:00:01Z");
    }

    pub(crate) fn no_duration(&mut self) {
        self.refuse("asked how much time has passed: none ever does");
    }

    pub(crate) fn no_randomness(&mut self) {
        self.refuse("asked for random numbers: they are the same in every call");
    }

    pub(crate) fn no_file(&mut self, verb: &str, path: &str) {
        // What could be given under that name is shown how.
        let hint = if is_name(path) && path.bytes().all(|byte| byte.is_ascii_graphic()) {
            format!(" (`--file {path}=@{path}`)")
        } else {
            String::new()
        };
        self.missing.note(format!("{verb} `{}`: no such file was given{hint}", escaped(path)));
    }

    pub(crate) fn no_write(&mut self, verb: &str, path: &str) {
        self.refuse(format!("tried to {verb} `{}`: no file can be written", escaped(path)));
    }

    /// Adds what a call wrote that this one forked and has waited for.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooMuchOutput`].
    pub(crate) fn append(&mut self, output: &Output) -> wasmtime::Result<()> {
        self.count(output.stdout.len() + output.stderr.len())?;
        self.output.stdout.extend_from_slice(&output.stdout);
        self.output.stderr.extend_from_slice(&output.stderr);
        for what in &output.refused {
            self.refuse(what.as_str());
        }
        for (name, bytes) in &output.files {
            self.count(bytes.len())?;
            if self.change(|tree, room| put(tree, name, bytes, room))?.is_err() {
                return Err(trap(format!(
                    "a call that was forked made the file `{}`, and the call that waited for it cannot have one there",
                    escaped(name)
                )));
            }
        }
        Ok(())
    }

    /// What the call wrote to stdout and to stderr.
    pub(crate) fn take_written(&mut self) -> (Vec<u8>, Vec<u8>) {
        (std::mem::take(&mut self.output.stdout), std::mem::take(&mut self.output.stderr))
    }

    /// What the call wrote, and what it was not truly given.
    pub(crate) fn into_output(self) -> Output {
        let refused = self.refused().cloned().collect();
        // What all calls start with has nothing that was written.
        let changed = !Arc::ptr_eq(&self.tree, self.world.as_ref().map_or(&*EMPTY, |world| &world.tree));
        let files = if changed { Arc::unwrap_or_clone(self.tree).into_written() } else { Vec::new() };
        Output { files, refused, ..self.output }
    }

    /// What the call was not truly given: of the files that it looked for, the last.
    fn refused(&self) -> impl Iterator<Item = &String> {
        self.output.refused.iter().chain(self.missing.notes())
    }

    /// What the call was not truly given, as a sentence.
    pub(crate) fn notes(&self) -> Option<String> {
        let refused: Vec<_> = self.refused().map(String::as_str).collect();
        (!refused.is_empty()).then(|| format!("it {}", refused.join("; it ")))
    }
}

/// Puts a file that a child has made where it is for the child, in the place of one that was made before.
fn put(tree: &mut Tree, name: &str, bytes: &[u8], room: &mut usize) -> Result<(), Fault> {
    for (at, _) in name.match_indices('/') {
        let place = tree.place(NodeId::ROOT, &name[..at])?;
        if place.node.is_none() {
            tree.create(&place, true, NOW, room)?;
        }
    }
    let place = tree.place(NodeId::ROOT, name)?;
    let node = match place.node {
        Some(node) => node,
        None => tree.create(&place, false, NOW, room)?,
    };
    let written = tree.written_mut(node).ok_or(Fault::ReadOnly)?;
    written.clear();
    written.extend_from_slice(bytes);
    Ok(())
}
