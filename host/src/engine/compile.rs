//! Compiling core modules to machine code, and loading it into shards.

use super::address_map::rewrite_address_map;
use super::address_space::is_short;
use super::cache::{Cache, Entry, Key};
use super::loaded_guests::exhausted;
use super::{Cost, Engines, Kind, data_image};
use crate::error::{Error, ErrorKind, Result};
use crate::instrument::OffsetMap;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime::{Engine, Module};

/// Machine code of at least so many bytes is mapped from its file. Less is copied: a mapped file keeps a descriptor.
const MAPPED: u64 = 1 << 20;

/// The machine code of a guest's core modules, the same for every shard of its kind.
pub(crate) struct Compiled {
    kind: Kind,
    modules: Modules,
    source: Source,
    /// In case the cache loses it.
    fallback: Mutex<Fallback>,
}

/// Machine code that came from the cache, to be loaded again without it.
#[derive(Default)]
enum Fallback {
    /// It was not loaded yet.
    #[default]
    Nothing,
    /// The modules of the shard that loaded last.
    Modules(Vec<Module>),
    /// Their machine code.
    Code(Arc<Vec<Vec<u8>>>),
}

/// How many core modules a guest has.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Modules {
    count: usize,
    /// Those whose memory may have an image, which takes a file descriptor.
    images: usize,
}

impl Modules {
    pub(crate) fn of(modules: &[Vec<u8>]) -> Modules {
        let images = modules.iter().filter(|module| data_image::has_image(module)).count();
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
            let without = data_image::without_image(bytes);
            let mut code = precompiled(engine, without.as_ref().unwrap_or(bytes))?;
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
        Ok(Compiled { kind, modules: Modules::of(modules), source: Source::Memory(code), fallback: Mutex::default() })
    }

    /// What is kept under `key`: the facts as they were given to [`Compiled::new`].
    pub(crate) fn kept_facts(engines: &Engines, key: &Key) -> Option<Vec<u8>> {
        engines.cache()?.get(key)?.read(FACTS)
    }

    /// The machine code that is kept under `key`.
    pub(crate) fn kept(engines: &Engines, kind: Kind, modules: Modules, key: &Key) -> Option<Compiled> {
        let source = Source::Cache(engines.cache()?.clone(), key.clone());
        Some(Compiled { kind, modules, source, fallback: Mutex::default() })
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
                None => self.modules_of_fallback(engine),
            },
        };
        let modules: Vec<Module> = modules.map_err(|error| unsupported(&error))?;
        engines.loaded.has_files(self.cost(&modules).files)?;
        for module in &modules {
            // Now, and not in the first call.
            let image = module.initialize_copy_on_write_image();
            image.map_err(|error| if is_short(&error) { exhausted(&error) } else { unsupported(&error) })?;
        }
        if let Source::Cache(..) = self.source {
            *self.fallback.lock().unwrap_or_else(PoisonError::into_inner) = Fallback::Modules(modules.clone());
        }
        Ok(modules)
    }

    /// What the loaded modules take.
    pub(crate) fn cost(&self, modules: &[Module]) -> Cost {
        let bytes = |module: &Module| module.image_range().end.addr() - module.image_range().start.addr();
        let mapped = match self.source {
            Source::Memory(_) => 0,
            Source::Cache(..) => modules.iter().filter(|module| bytes(module) as u64 >= MAPPED).count(),
        };
        Cost { modules: modules.len(), files: self.modules.images.max(mapped) }
    }

    /// Drops the modules that are held here: only those of shards stay loaded.
    pub(crate) fn release(&self) {
        let mut fallback = self.fallback.lock().unwrap_or_else(PoisonError::into_inner);
        if let Fallback::Modules(modules) = &*fallback {
            let code = modules.iter().map(Module::serialize).collect::<wasmtime::Result<Vec<_>>>();
            *fallback = code.map_or(Fallback::Nothing, |code| Fallback::Code(Arc::new(code)));
        }
    }

    /// The modules of a cache entry; none if another version of wasmtime made it, or it is damaged.
    fn modules_of_entry(&self, engine: &Engine, entry: &Entry) -> Option<Vec<Module>> {
        (0..self.modules.count)
            .map(|number| {
                let name = name(number);
                let file = entry.file(&name)?;
                let large = file.metadata().ok()?.len() >= MAPPED;
                // Some file systems do not allow mapping files as code.
                let mapped = if large { mapped(engine, file).ok() } else { None };
                match mapped {
                    Some(module) => Some(module),
                    None => copied(engine, &entry.read(&name)?).inspect_err(|_| entry.discard()).ok(),
                }
            })
            .collect()
    }

    /// The modules, without the cache.
    fn modules_of_fallback(&self, engine: &Engine) -> wasmtime::Result<Vec<Module>> {
        self.release();
        let code = match &*self.fallback.lock().unwrap_or_else(PoisonError::into_inner) {
            Fallback::Code(code) => code.clone(),
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
    // SAFETY: either `Compiled::new` made the code in this process: `source` and `fallback` are private and written only above, and
    // nothing but the address map was changed in it. Or it is from the cache, whose directory only this user can write to, whom
    // the process trusts with more; entries are written whole or not at all, under a key of the guest's digest and this version,
    // and the checksum over the whole blob is right.
    unsafe { Module::deserialize(engine, code) }
}

fn mapped(engine: &Engine, file: File) -> wasmtime::Result<Module> {
    // SAFETY: as above, but the checksum is over the file's beginning and end. The cache never writes to an existing file.
    unsafe { Module::deserialize_open_file(engine, file) }
}

/// Compiles one module. Cranelift may panic at its own limits, which must not end the host.
fn precompiled(engine: &Engine, bytes: &[u8]) -> Result<Vec<u8>> {
    match catch_unwind(AssertUnwindSafe(|| engine.precompile_module(bytes))) {
        Ok(compiled) => compiled.map_err(|error| unsupported(&error)),
        Err(_) => Err(Error::new(ErrorKind::Unsupported, "the module is valid, but the compiler cannot cope with it")
            .with_help("build it of smaller functions, that refer to less")),
    }
}

fn unsupported(error: &wasmtime::Error) -> Error {
    if is_short(error) {
        return exhausted(error);
    }
    Error::new(ErrorKind::Unsupported, format!("the module needs more than this executor gives: {error:#}"))
}
