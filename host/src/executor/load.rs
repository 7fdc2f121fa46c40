//! The way of a guest, from its bytes to a module: read, audited, instrumented, compiled, or found in the cache.

use super::audit::audited;
use super::compile::{compiled, kept};
use super::key::{digest, key};
use super::loader::Loader;
use super::read::{binary, read};
use crate::error::{Error, ErrorKind, Result};
use crate::fork::Program;
use crate::module::Module;
use std::path::Path;
use std::sync::Arc;

/// Loads a guest from a file. Its bytes are not kept, but read again when they are needed, if they are still there.
pub(super) fn load_file(loader: &Arc<Loader>, path: &Path) -> Result<Module> {
    let (bytes, again) = read(path)?;
    let path = std::path::absolute(path).ok().filter(|_| again);
    let Some(path) = path else { return load_bytes(loader, &bytes) };
    let (program, known) = program(loader, &binary(&bytes)?)?;
    let source = {
        let known = known.clone();
        move || {
            let (bytes, _) = read(&path)?;
            let bytes = binary(&bytes)?;
            if digest(&bytes) != known {
                let message = format!("`{}` is not what it was when it was loaded", path.display());
                return Err(Error::new(ErrorKind::Unreadable, message).with_help("load it again"));
            }
            Ok(bytes.into())
        }
    };
    Ok(Module::new(program, known, Arc::new(source), loader.clone()))
}

/// Loads a guest from bytes, which are kept.
pub(super) fn load_bytes(loader: &Arc<Loader>, bytes: &[u8]) -> Result<Module> {
    let bytes: Arc<[u8]> = binary(bytes)?.into();
    let (program, digest) = program(loader, &bytes)?;
    Ok(Module::new(program, digest, Arc::new(move || Ok(bytes.clone())), loader.clone()))
}

/// Audits and compiles a guest, or finds it in the cache; gives its digest, too. One that is loaded already is the same program.
pub(super) fn program(loader: &Loader, bytes: &[u8]) -> Result<(Program, String)> {
    let runtime = &loader.runtime;
    let digest = digest(bytes);
    if let Some(program) = loader.known(&digest) {
        return Ok((program, digest));
    }
    let key = key(runtime, &digest);
    let program = match kept(runtime, &key).transpose()?.map(|guest| Program::new(runtime.clone(), &digest, guest)) {
        Some(Ok(program)) => program,
        Some(Err(error)) if error.kind() != ErrorKind::Unsupported => return Err(error),
        // Nothing was kept, or it was made by another build of wasmtime.
        _ => Program::new(runtime.clone(), &digest, compiled(runtime, audited(bytes, runtime.wasi)?, &key)?)?,
    };
    loader.know(&digest, &program);
    Ok((program, digest))
}
