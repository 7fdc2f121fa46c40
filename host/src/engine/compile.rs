//! Bytes to machine code.

use super::address_map::rewrite_address_map;
use super::cache::{Cache, Entry, Key};
use super::loads::no_room;
use super::space::is_short;
use super::{Cost, Engines, Kind, small};
use crate::error::{Error, ErrorKind, Result};
use crate::instrument::OffsetMap;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime::{Engine, Module};

/// Machine code of at least that many bytes is mapped from its file; less is copied, as a mapped file stays open.
const MAPPED: u64 = 1 << 20;

/// The machine code of a guest's core modules, the same for every shard of its kind.
pub(crate) struct Compiled {
    kind: Kind,
    modules: Modules,
    source: Source,
    /// For when the cache does not have it any more.
    kept: Mutex<Kept>,
}

/// Machine code that came from the cache.
#[derive(Default)]
enum Kept {
    /// It was not loaded yet.
    #[default]
    Nothing,
    /// The modules of the shard that loaded last.
    Modules(Vec<Module>),
    /// What they were made of.
    Code(Arc<Vec<Vec<u8>>>),
}

/// How many core modules a guest has.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Modules {
    count: usize,
    /// Those whose memory may have an image, which is a file.
    images: usize,
}

impl Modules {
    pub(crate) fn of(modules: &[Vec<u8>]) -> Modules {
        let images = modules.iter().filter(|module| small::has_image(module)).count();
        Modules { count: modules.len(), images }
    }
}

enum Source {
    Memory(Vec<Vec<u8>>),
    Cache(Cache, Key),
}

impl Compiled {
    /// Compiles the core modules of a guest that the audit has passed; keeps the code under `key`, with `facts`, if
    /// there is a cache. `offset_maps`: for each, the offsets in the module that was given, if it was rewritten.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where a module is larger than the executor's limits allow, in any of its parts.
    pub(crate) fn new(
        engines: &Engines,
        kind: Kind,
        modules: &[Vec<u8>],
        offset_maps: &[OffsetMap],
        keep: Option<(&Key, &[u8])>,
    ) -> Result<Compiled> {
        let engine = engines.get(kind, 0)?;
        let offset_maps = offset_maps.iter().map(Some).chain(std::iter::repeat(None));
        let code = modules.iter().zip(offset_maps).map(|(bytes, map)| {
            let small = small::copied(bytes);
            let mut code = precompiled(engine, small.as_ref().unwrap_or(bytes))?;
            map.map_or(Ok(()), |map| rewrite_address_map(&mut code, map)).map_err(|error| unsupported(&error))?;
            Ok(code)
        });
        let code = code.collect::<Result<Vec<Vec<u8>>>>()?;
        if let (Some(cache), Some((key, facts))) = (engines.cache(), keep) {
            let names: Vec<String> = (0..code.len()).map(name).collect();
            let mut blobs = vec![(FACTS, facts)];
            blobs.extend(names.iter().map(String::as_str).zip(code.iter().map(Vec::as_slice)));
            // A full disk is no reason not to run.
            cache.put(key, &blobs);
        }
        Ok(Compiled { kind, modules: Modules::of(modules), source: Source::Memory(code), kept: Mutex::default() })
    }

    /// What is kept under `key`: the facts as they were given to [`Compiled::new`].
    pub(crate) fn kept_facts(engines: &Engines, key: &Key) -> Option<Vec<u8>> {
        engines.cache()?.get(key)?.read(FACTS)
    }

    /// The machine code that is kept under `key`.
    pub(crate) fn kept(engines: &Engines, kind: Kind, modules: Modules, key: &Key) -> Option<Compiled> {
        let source = Source::Cache(engines.cache()?.clone(), key.clone());
        Some(Compiled { kind, modules, source, kept: Mutex::default() })
    }

    /// Loads the machine code into a shard.
    ///
    /// # Errors
    ///
    /// As [`Compiled::new`].
    pub(crate) fn load(&self, engines: &Engines, shard: usize) -> Result<Vec<Module>> {
        let engine = engines.get(self.kind, shard)?;
        let modules = match &self.source {
            Source::Memory(code) => code.iter().map(|code| copied(engine, code)).collect::<wasmtime::Result<_>>(),
            Source::Cache(cache, key) => match cache.get(key).and_then(|entry| self.modules_of_entry(engine, &entry)) {
                Some(modules) => Ok(modules),
                None => self.modules_kept(engine),
            },
        };
        let modules: Vec<Module> = modules.map_err(|error| unsupported(&error))?;
        engines.loads.has_files(self.cost(&modules).files)?;
        for module in &modules {
            // Else the first call would have to.
            let image = module.initialize_copy_on_write_image();
            image.map_err(|error| if is_short(&error) { no_room(&error) } else { unsupported(&error) })?;
        }
        if let Source::Cache(..) = self.source {
            *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Kept::Modules(modules.clone());
        }
        Ok(modules)
    }

    /// What modules take that were loaded.
    pub(crate) fn cost(&self, modules: &[Module]) -> Cost {
        let bytes = |module: &Module| module.image_range().end.addr() - module.image_range().start.addr();
        let mapped = match self.source {
            Source::Memory(_) => 0,
            Source::Cache(..) => modules.iter().filter(|module| bytes(module) as u64 >= MAPPED).count(),
        };
        Cost { modules: modules.len(), files: self.modules.images.max(mapped) }
    }

    /// Has nothing of it loaded any more, but for what shards have.
    pub(crate) fn release(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Kept::Modules(modules) = &*kept {
            let code = modules.iter().map(Module::serialize).collect::<wasmtime::Result<Vec<_>>>();
            *kept = code.map_or(Kept::Nothing, |code| Kept::Code(Arc::new(code)));
        }
    }

    /// The code of an entry of the cache; none if it is not what this version of wasmtime makes, or is damaged.
    fn modules_of_entry(&self, engine: &Engine, entry: &Entry) -> Option<Vec<Module>> {
        (0..self.modules.count)
            .map(|number| {
                let name = name(number);
                let file = entry.file(&name)?;
                let large = file.metadata().ok()?.len() >= MAPPED;
                // Some file systems do not let files be mapped as code.
                let mapped = if large { mapped(engine, file).ok() } else { None };
                match mapped {
                    Some(module) => Some(module),
                    None => copied(engine, &entry.read(&name)?).inspect_err(|_| entry.discard()).ok(),
                }
            })
            .collect()
    }

    /// The code that was in the cache before.
    fn modules_kept(&self, engine: &Engine) -> wasmtime::Result<Vec<Module>> {
        self.release();
        let code = match &*self.kept.lock().unwrap_or_else(PoisonError::into_inner) {
            Kept::Code(code) => code.clone(),
            _ => wasmtime::bail!("its machine code is gone from the cache"),
        };
        code.iter().map(|code| copied(engine, code)).collect()
    }
}

/// The blob of facts.
const FACTS: &str = "facts";

/// The blob of a module's code.
fn name(module: usize) -> String {
    format!("{module}.cwasm")
}

fn copied(engine: &Engine, code: &[u8]) -> wasmtime::Result<Module> {
    // SAFETY: the code is what `Compiled::new` has made in this process: `source` and `loaded` are private, and written
    // only above; nothing but the places that errors name was changed in it. Or it is from the cache, whose directory only this user, whom the process trusts with more, can write
    // to; entries are written whole or not at all, under a key of the guest's digest and this version, and the sum
    // over the whole blob is right.
    unsafe { Module::deserialize(engine, code) }
}

fn mapped(engine: &Engine, file: File) -> wasmtime::Result<Module> {
    // SAFETY: as above, but for the sum, which is over the file's beginning and end. The cache never writes to a file
    // that is there.
    unsafe { Module::deserialize_open_file(engine, file) }
}

/// Compiles one module. A compiler that panics, as one does at its own limits, is no reason for a host to end.
fn precompiled(engine: &Engine, bytes: &[u8]) -> Result<Vec<u8>> {
    match catch_unwind(AssertUnwindSafe(|| engine.precompile_module(bytes))) {
        Ok(compiled) => compiled.map_err(|error| unsupported(&error)),
        Err(_) => Err(Error::new(ErrorKind::Unsupported, "the module is valid, but the compiler cannot cope with it")
            .with_help("build it of smaller functions, that refer to less")),
    }
}

fn unsupported(error: &wasmtime::Error) -> Error {
    if is_short(error) {
        return no_room(error);
    }
    Error::new(ErrorKind::Unsupported, format!("the module needs more than this executor gives: {error:#}"))
}
