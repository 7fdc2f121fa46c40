//! MODULE, put together with what else is given for it.

use crate::file;
use crate::flags::{Allowed, Common, Inspect, Link};
use crate::inspect::{read, shown_module};
use crate::progress::{Progress, Work};
use crate::report::{Usage, shown_path};
use anyhow::{Context as _, Result};
use purefork::inspect::Inspection;
use purefork::{Assembly, ErrorKind, Executor, Module};
use std::path::Path;
use std::time::Duration;

/// MODULE, and what it is put together with.
#[derive(Clone, Copy)]
pub(crate) struct Whole<'a> {
    pub(crate) module: &'a Path,
    allowed: Allowed,
    provide: &'a [Link],
    wit: Option<&'a Path>,
    compile_timeout: Option<Duration>,
}

impl<'a> Whole<'a> {
    /// The module that is called.
    pub(crate) fn new(module: &'a Path, common: &'a Common) -> Whole<'a> {
        Whole {
            module,
            allowed: common.allowed(),
            provide: &common.provide,
            wit: common.wit.as_deref(),
            compile_timeout: common.compile_timeout,
        }
    }

    /// The module that is inspected.
    pub(crate) fn inspected(inspect: &'a Inspect) -> Whole<'a> {
        Whole {
            module: &inspect.module,
            allowed: inspect.allowed(),
            provide: &inspect.provide,
            wit: inspect.wit.as_deref(),
            compile_timeout: None,
        }
    }

    /// The bytes of the one module that it makes; with a script, of what that makes of it.
    fn bytes(&self, script: Option<(Vec<String>, String)>) -> Result<Vec<u8>> {
        let bytes = read(self.module)?;
        if self.provide.is_empty() && self.wit.is_none() && script.is_none() {
            return Ok(bytes);
        }
        let mut assembly = Assembly::new().unknown_imports(self.allowed.unknown_imports.unwrap_or_default());
        for Link { name, module } in self.provide {
            assembly = assembly.provide_bytes(name, read(module)?);
        }
        if let Some(path) = self.wit {
            let unreadable = |why: String| {
                Usage::new(format!("cannot read `{}`: {why}", shown_path(path)))
                    .with_help("expected the path of a .wit file")
                    .with_kind(ErrorKind::Unreadable)
            };
            let text = file::read(path).map_err(|error| unreadable(error.to_string()))?;
            assembly = assembly.wit(String::from_utf8(text).map_err(|_| unreadable("it is no UTF-8".to_owned()))?);
        }
        if let Some((params, script)) = script {
            assembly = assembly.script(params, script);
        }
        assembly.bytes(bytes).with_context(|| shown_module(self.module))
    }

    /// Reads its files.
    pub(crate) fn read(&self) -> Result<()> {
        let links = self.provide.iter().map(|link| link.module.as_path());
        std::iter::once(self.module).chain(links).try_for_each(|path| Ok(read(path).map(drop)?))
    }

    /// Audits it.
    pub(crate) fn audit(&self) -> Result<Inspection> {
        let bytes = self.bytes(None)?;
        let _auditing = Progress::of(Work::Audit, self.module, self.compile_timeout);
        self.allowed.builder().inspect(bytes).with_context(|| shown_module(self.module))
    }

    /// Loads it.
    pub(crate) fn load(&self, exec: &Executor) -> Result<Module> {
        self.load_with(exec, None)
    }

    /// Loads what a script makes of it: its parameters' names, and its text.
    pub(crate) fn load_with(&self, exec: &Executor, script: Option<(Vec<String>, String)>) -> Result<Module> {
        let bytes = self.bytes(script)?;
        let _compiling = Progress::of(Work::Compile, self.module, self.compile_timeout);
        exec.load_bytes(bytes).with_context(|| shown_module(self.module))
    }
}
