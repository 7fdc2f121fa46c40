//! The way of a guest, from its bytes to a module: read, audited, instrumented, compiled, or found in the cache.

use super::audit::audited;
use super::compile::{compiled, kept};
use super::key::{Digest, key};
use super::loader::Loader;
use super::read::{binary, read};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Source;
use crate::fork::Program;
use crate::module::Module;
use std::path::Path;
use std::sync::Arc;

/// Loads a guest from a file. Its bytes are not kept, but read again when they are needed, if they are still there.
pub(super) fn load_file(loader: &Arc<Loader>, path: &Path) -> Result<Module> {
    let (bytes, again) = read(path)?;
    let path = std::path::absolute(path).ok().filter(|_| again);
    let Some(path) = path else { return load_bytes(loader, &bytes) };
    let source = |known: &str| -> Arc<Source> {
        let (path, known) = (path.clone(), known.to_owned());
        Arc::new(move || {
            let (bytes, _) = read(&path)?;
            let bytes = binary(&bytes)?;
            if Digest::of(&bytes).to_string() != known {
                let message = format!("`{}` is not what it was when it was loaded", path.display());
                return Err(Error::new(ErrorKind::Unreadable, message).with_help("load it again"));
            }
            Ok(bytes.into())
        })
    };
    let (program, digest) = program(loader, &binary(&bytes)?, &source)?;
    let source = source(&digest);
    Ok(Module::new(program, digest, source, loader.clone()))
}

/// Loads a guest from bytes, which are kept.
pub(super) fn load_bytes(loader: &Arc<Loader>, bytes: &[u8]) -> Result<Module> {
    let bytes: Arc<[u8]> = binary(bytes)?.into();
    let source = held(&bytes);
    let (program, digest) = program(loader, &bytes, &|_| source.clone())?;
    Ok(Module::new(program, digest, source, loader.clone()))
}

/// Bytes that are kept.
pub(super) fn held(bytes: &Arc<[u8]>) -> Arc<Source> {
    let bytes = bytes.clone();
    Arc::new(move || Ok(bytes.clone()))
}

/// Audits and compiles a guest, or finds it in the cache; gives its digest, too. One that is loaded already is the same program.
/// `source`: what gives the bytes again, by their digest.
pub(super) fn program(
    loader: &Loader,
    bytes: &[u8],
    source: &dyn Fn(&str) -> Arc<Source>,
) -> Result<(Program, String)> {
    let runtime = &loader.runtime;
    let digest = Digest::of(bytes);
    let (digest, whole) = (digest.to_string(), Some(digest.0));
    if let Some(program) = loader.known(&digest) {
        return Ok((program, digest));
    }
    let key = key(runtime, &digest);
    let again = || (whole, source(&digest));
    let program = match kept(runtime, &key).transpose()?.map(|guest| Program::new(runtime.clone(), again(), guest)) {
        Some(Ok(program)) => program,
        Some(Err(error)) if error.kind() != ErrorKind::Unsupported => return Err(error),
        // Nothing was kept, or it was made by another build of wasmtime.
        _ => Program::new(runtime.clone(), again(), compiled(runtime, audited(bytes, runtime.imports)?, &key)?)?,
    };
    loader.know(&digest, &program);
    Ok((program, digest))
}
