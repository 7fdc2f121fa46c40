//! A guest that was audited and compiled.

use crate::args::{Args, Slot, checked, signature, values};
use crate::backend::Forked;
use crate::deferred;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Source;
use crate::fork::{Program, Script};
use crate::function::Function;
use crate::future::Future;
use crate::inspect::{FunctionTypeNames, Inspection, exports, type_names};
use crate::ir::Facts;
use crate::module_service::{ModuleService, Preinitialised};
use crate::nearest::find;
use crate::value::{Params, Results, Type, Value, Values};
use crate::wasi::World;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// A guest that was audited and compiled: immutable, and shared by its clones.
///
/// A module keeps its executor's sandboxes, but not its threads: once the [`Executor`](crate::Executor) is dropped,
/// its forks fail with [`ErrorKind::Cancelled`]. It is `Send` and `Sync`.
#[derive(Clone)]
pub struct Module {
    facts: Arc<Facts>,
    digest: Arc<str>,
    program: Program,
    source: Arc<Source>,
    service: Arc<dyn ModuleService>,
}

impl Module {
    pub(crate) fn new(
        program: Program,
        digest: String,
        source: Arc<Source>,
        service: Arc<dyn ModuleService>,
    ) -> Module {
        Module { facts: program.facts().clone(), digest: digest.into(), program, source, service }
    }

    /// Forks a call of an exported function and returns its future at once.
    ///
    /// A function of an interface that a component exports is called `ns:package/interface#function`, or `function`
    /// where only one is called that; a method `resource.method`. See [`Inspection::function`].
    ///
    /// # Errors
    ///
    /// Before anything runs: [`ErrorKind::NoSuchFunction`], [`ErrorKind::ArgumentMismatch`], or [`ErrorKind::Link`] if
    /// the module forks functions that nothing provides. What the call itself fails with is its future's error.
    #[track_caller]
    pub fn fork(&self, function: &str, args: Args) -> Result<Future<Value>> {
        self.fork_at(function, args, Location::caller())
    }

    pub(crate) fn fork_at(
        &self,
        function: &str,
        args: Args,
        site: &'static Location<'static>,
    ) -> Result<Future<Value>> {
        let number = self.number(function)?;
        self.fork_number(number, args, site)
    }

    /// Forks a call of the module as such: of its function `forward`, or of the only one it exports.
    ///
    /// # Errors
    ///
    /// As [`Module::fork`], and [`ErrorKind::NotCallable`] if there is no such function.
    #[track_caller]
    pub fn fork_self(&self, args: Args) -> Result<Future<Value>> {
        let site = Location::caller();
        let forward = self.facts.functions.iter().position(|function| function.name == "forward");
        let number = match (forward, self.facts.functions.len()) {
            (Some(number), _) => number,
            (None, 1) => 0,
            (None, n) => {
                let error = Error::new(
                    ErrorKind::NotCallable,
                    format!("expected a module that exports `forward` or a single function, but it exports {n}"),
                );
                return Err(error.with_help(self.exports()));
            }
        };
        self.fork_number(number, args, site)
    }

    /// Forks a call whose children are not run, but give what `script` says; with less fuel than it may use, if that is said.
    pub(crate) fn fork_scripted(
        &self,
        function: &str,
        args: Args,
        (script, fuel): (Arc<dyn Script>, Option<u64>),
        site: &'static Location<'static>,
    ) -> Result<Future<Value>> {
        let number = self.number(function)?;
        let module = Module { program: self.program.scripted(script, fuel)?, ..self.clone() };
        let values = values(args.bind(&self.facts.functions[number])?).unwrap_or_default();
        Ok(future(module.program.fork(number as u32, values, site)))
    }

    fn fork_number(&self, number: usize, args: Args, site: &'static Location<'static>) -> Result<Future<Value>> {
        let slots = args.bind(&self.facts.functions[number])?;
        self.program.ready()?;
        let forked = match values(slots) {
            Ok(values) => self.program.fork(number as u32, values, site),
            Err(slots) => Forked::Call(deferred::fork(self.program.clone(), self.facts.clone(), number, slots, site)),
        };
        Ok(future(forked))
    }

    /// A typed handle on an exported function; its signature is checked once, here.
    ///
    /// `P` is a tuple of the parameters' Rust types, `R` the result's; see [`Typed`](crate::value::Typed).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoSuchFunction`], [`ErrorKind::SignatureMismatch`], or [`ErrorKind::Link`].
    pub fn function<P: Params, R: Results>(&self, name: &str) -> Result<Function<P, R>> {
        let number = self.number(name)?;
        let function = &self.facts.functions[number];
        let params: Vec<_> = function.params.iter().collect();
        if !P::are(&params) || !R::are(&function.results) {
            let known = |ty: &Type| if self.facts.component { ty.clone() } else { ty.core().clone() };
            let list = |types: Vec<Type>| types.iter().map(|ty| known(ty).to_string()).collect::<Vec<_>>().join(", ");
            return Err(Error::new(
                ErrorKind::SignatureMismatch,
                format!(
                    "expected types for `{}`, but was given ({}) -> ({})",
                    signature(function),
                    list(P::types()),
                    list(R::types())
                ),
            ));
        }
        self.program.ready()?;
        Ok(Function::new(self.facts.clone(), number, self.program.clone()))
    }

    /// The same module with `provider`'s exports to fork. A name that both export has to be imported as
    /// `self#name` or `provider#name`, with the name under which the provider is linked.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Link`] if a function does not have the type with which it is imported, or if a name has two
    /// providers; [`ErrorKind::Invalid`] if the provider is another executor's.
    pub fn link(&self, name: &str, provider: &Module) -> Result<Module> {
        let program = self.program.link(name, &provider.program)?;
        Ok(Module { program, ..self.clone() })
    }

    /// The same module, whose calls are given files and an environment by WASI. The module's digest stays that of its bytes; but what it
    /// is given is part of what is called, as its bytes are: results are remembered and traced with it. It takes the place of what was given
    /// before; what the module forks of others has theirs.
    ///
    /// It is there in calls. While instances are made, and for `_initialize`, the directory and the environment are empty, as
    /// instances are shared.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if the executor's guests may not import WASI.
    pub fn with_world(&self, world: &World) -> Result<Module> {
        Ok(Module { program: self.program.with_world(world)?, ..self.clone() })
    }

    /// The same modules, each with all others' exports to fork, under the names given. So they may fork each other's
    /// functions, round and round: every call is an instance of its own.
    ///
    /// One that forks nothing but its own functions stays as it is. What was linked to them before stays so, and those who were linked to them see them as they were.
    ///
    /// ```
    /// use purefork::{Executor, Module, args};
    ///
    /// let exec = Executor::new()?;
    /// let half = |own: &str, other: &str, of_none: u32| {
    ///     exec.load_bytes(format!(r#"(module
    ///         (import "fork" "{other}" (func $fork (param i32) (result i32)))
    ///         (import "wait" "{other}" (func $wait (param i32) (result i32)))
    ///         (func (export "{own}") (param $n i32) (result i32)
    ///             (if (result i32) (local.get $n)
    ///                 (then (call $wait (call $fork (i32.sub (local.get $n) (i32.const 1)))))
    ///                 (else (i32.const {of_none})))))"#))
    /// };
    /// let (even, odd) = (half("even", "odd", 1)?, half("odd", "even", 0)?);
    /// let linked = Module::link_together(&[("evens", &even), ("odds", &odd)])?;
    /// assert_eq!(linked[0].fork("even", args![10])?.wait()?.to_string(), "1");
    /// assert_eq!(linked[1].fork("odd", args![10])?.wait()?.to_string(), "0");
    /// # Ok::<(), purefork::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Module::link`].
    pub fn link_together(modules: &[(&str, &Module)]) -> Result<Vec<Module>> {
        let programs: Vec<_> = modules.iter().map(|(name, module)| (*name, &module.program)).collect();
        let linked = Program::link_together(&programs)?.into_iter();
        Ok(linked.zip(modules).map(|(program, (_, module))| Module { program, ..(*module).clone() }).collect())
    }

    /// Runs a function once, and makes a module that starts with the state it leaves: what it has computed and put into
    /// memory is there in every call of the new module, and no call has to compute it again or sees what another does with it.
    ///
    /// The calls share the memory's pages until they write to them. This module stays as it is; the new one has the
    /// same functions, is linked to the same modules, and [`bytes`](Module::bytes) gives it as a file that any host can
    /// load. The same module with the same arguments gives the same bytes. They hold all that was in memory, what the function
    /// has freed as well.
    ///
    /// It waits for the function, and compiles the guest twice; limits hold as for a fork. The function may fork, but a core
    /// module's numbers of futures mean nothing afterwards. What it gives is dropped.
    ///
    /// ```
    /// use purefork::{Executor, args};
    ///
    /// let exec = Executor::new()?;
    /// let module = exec.load_bytes(r#"(module
    ///     (global $scale (mut i32) (i32.const 1))
    ///     (func (export "load") (param $scale i32) (global.set $scale (local.get $scale)))
    ///     (func (export "scaled") (param $n i32) (result i32) (i32.mul (local.get $n) (global.get $scale))))"#)?;
    /// let loaded = module.preinit("load", args![10])?;
    /// assert_eq!(loaded.fork("scaled", args![7])?.wait()?.to_string(), "70");
    /// assert_eq!(module.fork("scaled", args![7])?.wait()?.to_string(), "7");
    /// # Ok::<(), purefork::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Module::fork`], and those of the call itself; [`ErrorKind::Failed`] if the function returns an `err`, or ends
    /// with a future that it has not waited for or a handle of a resource; [`ErrorKind::Unsupported`] if the guest could
    /// change what cannot be frozen: memories and numbers in globals can be, tables and references cannot;
    /// [`ErrorKind::Unreadable`] if the file that the module was loaded from has changed.
    #[cfg(feature = "preinit")]
    #[track_caller]
    pub fn preinit(&self, function: &str, args: Args) -> Result<Module> {
        let site = Location::caller();
        let number = self.number(function)?;
        let facts = &self.facts.functions[number];
        let slots = args.bind(facts)?.into_iter().enumerate();
        self.program.ready()?;
        let values: Result<Values> = slots
            .map(|(at, slot)| match slot {
                Slot::Value(value) => Ok(value),
                Slot::Future(future) => checked(facts, at, future.wait()?),
            })
            .collect();
        let (service, bytes) = (self.service.clone(), self.bytes()?);
        let Preinitialised { digest, bytes, program } =
            service.preinit(&self.program, &bytes, number as u32, values?, site)?;
        Ok(Module::new(program, digest, Arc::new(move || Ok(bytes.clone())), service))
    }

    /// The module as a binary file. Bytes that a module was loaded from are kept; a file is read again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unreadable`] if the file that the module was loaded from has changed, or is gone.
    pub fn bytes(&self) -> Result<Arc<[u8]>> {
        (self.source)()
    }

    /// The SHA-256 of the module's bytes, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What the audit found out: functions with their signatures, what they fork, what the module needs.
    pub fn inspect(&self) -> Inspection {
        Inspection::new(&self.facts, &self.digest)
    }

    /// What the guest's WIT calls the types of each function, in the order of [`Inspection::functions`]; nothing has a name in a core module
    /// without WIT. It reads the module's bytes, and does so each time.
    ///
    /// ```
    /// use purefork::Executor;
    ///
    /// let exec = Executor::new()?;
    /// let shapes = exec.load_bytes(r#"(component
    ///     (core module $m (func (export "f") (param f64) (result f64) (local.get 0)))
    ///     (core instance $i (instantiate $m))
    ///     (type $point (record (field "x" f64)))
    ///     (import "point" (type $named (eq $point)))
    ///     (func $f (param "at" $named) (result f64) (canon lift (core func $i "f")))
    ///     (export "f" (func $f)))"#)?;
    /// let names = shapes.type_names()?;
    /// assert_eq!(names[0].params[0].name.as_deref(), Some("point"));
    /// assert_eq!(names[0].results[0].name, None);
    /// # Ok::<(), purefork::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Module::bytes`].
    pub fn type_names(&self) -> Result<Vec<FunctionTypeNames>> {
        let functions: Vec<&str> = self.facts.functions.iter().map(|function| function.name.as_str()).collect();
        Ok(type_names(&self.bytes()?, &functions))
    }

    fn number(&self, name: &str) -> Result<usize> {
        let others = self.facts.others.iter().map(|(other, why)| (other.as_str(), why.as_str()));
        find(name, self.facts.functions.iter().map(|function| function.name.as_str()), others, || self.exports())
    }

    /// What the module exports, for messages.
    fn exports(&self) -> String {
        exports(&self.facts.functions.iter().map(signature).collect::<Vec<_>>())
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let functions: Vec<_> = self.facts.functions.iter().map(signature).collect();
        f.debug_struct("Module").field("name", &self.facts.name).field("functions", &functions).finish_non_exhaustive()
    }
}

/// The future of what was forked.
fn future(forked: Forked) -> Future<Value> {
    match forked {
        Forked::Call(call) => Future::from_call(call, |value| Ok(value.into_owned())),
        Forked::Ready(ready) => Future::from_ready(ready, |value| Ok(value.into_owned())),
    }
}
