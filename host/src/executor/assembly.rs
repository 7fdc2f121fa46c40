//! A core module, put together with others before it is loaded.

use super::read::binary;
use crate::error::Result;
use crate::imports::UnknownImports;
use crate::merge::{Provider, UNNAMED, merge};
use crate::module::Module;
use crate::script::{Scripted, functions as world_functions, glue, roomy};
use crate::value::Type;

/// What the function is called that a script is.
const SCRIPT: &str = "script";

/// What a core module is put together with before it is loaded: other core modules that satisfy its imports.
///
/// [`LoadOptions`](crate::LoadOptions) loads what comes of it. This is for who needs the bytes: to inspect them, or to keep them.
///
/// ```
/// use purefork::{Assembly, Executor};
///
/// let bytes = Assembly::new()
///     .provide_bytes("math", r#"(module (func (export "two") (result i32) (i32.const 2)))"#)
///     .bytes(r#"(module (import "math" "two" (func $two (result i32))) (export "deux" (func $two)))"#)?;
/// let inspection = Executor::builder().inspect(bytes)?;
/// assert_eq!(inspection.functions[0].to_string(), "deux() -> i32");
/// # Ok::<(), purefork::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is put together before `bytes`"]
pub struct Assembly {
    providers: Vec<(String, Given)>,
    unknown: UnknownImports,
    wit: Option<String>,
    script: Option<(Vec<String>, String)>,
}

/// A provider, as it was given.
#[derive(Clone, Debug)]
enum Given {
    Module(Module),
    Bytes(Vec<u8>),
}

impl Assembly {
    /// A module by itself.
    pub fn new() -> Assembly {
        Assembly::default()
    }

    /// Has a module's exports satisfy the imports from `name`; see [`LoadOptions::provide`](crate::LoadOptions::provide).
    pub fn provide(mut self, name: impl Into<String>, module: &Module) -> Assembly {
        self.providers.push((name.into(), Given::Module(module.clone())));
        self
    }

    /// The same with a module's bytes, which need not be pure alone: other providers may satisfy what it imports itself.
    pub fn provide_bytes(mut self, name: impl Into<String>, bytes: impl AsRef<[u8]>) -> Assembly {
        self.providers.push((name.into(), Given::Bytes(bytes.as_ref().to_vec())));
        self
    }

    /// Whether functions may be imported from a provider that does not have them. They stay imports, and an executor that
    /// [takes those](crate::Builder::unknown_imports) traps where they are called.
    pub fn unknown_imports(mut self, unknown: UnknownImports) -> Assembly {
        self.unknown = unknown;
        self
    }

    /// Has a module's functions take and give what a WIT world says; see [`LoadOptions::wit`](crate::LoadOptions::wit).
    pub fn wit(mut self, world: impl Into<String>) -> Assembly {
        self.wit = Some(world.into());
        self
    }

    /// Makes a module of one function, `script`, which makes a sequence of calls of the module's functions; see
    /// [`LoadOptions::script`](crate::LoadOptions::script).
    pub fn script<N: Into<String>>(
        mut self,
        params: impl IntoIterator<Item = N>,
        script: impl Into<String>,
    ) -> Assembly {
        self.script = Some((params.into_iter().map(Into::into).collect(), script.into()));
        self
    }

    /// Whether a module stays as it is.
    pub(super) fn is_empty(&self) -> bool {
        self.providers.is_empty() && self.wit.is_none() && self.script.is_none()
    }

    /// The one module that comes of it, in binary.
    ///
    /// # Errors
    ///
    /// Those of [`LoadOptions::load_bytes`](crate::LoadOptions::load_bytes) that come before the audit.
    pub fn bytes(&self, module: impl AsRef<[u8]>) -> Result<Vec<u8>> {
        let main = binary(module.as_ref())?;
        if self.is_empty() {
            return Ok(main.into_owned());
        }
        let whole = if self.providers.is_empty() { main.into_owned() } else { self.provided(&main)? };
        let mut functions = match &self.wit {
            Some(world) => world_functions(world)?,
            None => Vec::new(),
        };
        functions.extend(self.script.as_ref().map(|(params, script)| Scripted {
            name: SCRIPT.to_owned(),
            params: params.iter().map(|name| (name.clone(), Type::list(Type::U8))).collect(),
            result: None,
            script: Some(script.clone()),
        }));
        if functions.is_empty() {
            return Ok(whole);
        }
        let whole = roomy(&whole)?;
        let glue = glue(&whole, UNNAMED, &functions)?;
        merge(&glue, &[Provider { name: UNNAMED, bytes: &whole }], UnknownImports::Refuse)
    }

    fn provided(&self, main: &[u8]) -> Result<Vec<u8>> {
        let providers = self.providers.iter().map(|(name, given)| {
            Ok((
                name.as_str(),
                match given {
                    Given::Module(module) => module.bytes()?.to_vec(),
                    Given::Bytes(bytes) => binary(bytes)?.into_owned(),
                },
            ))
        });
        let providers = providers.collect::<Result<Vec<(&str, Vec<u8>)>>>()?;
        let providers: Vec<_> = providers.iter().map(|(name, bytes)| Provider { name, bytes }).collect();
        merge(main, &providers, self.unknown)
    }
}
