//! Core modules that satisfy another's imports: what is linked so does what the modules do in bare wasmtime, with its linker.

mod equal;
mod random;
mod refused;
mod whole;

use purefork::{Args, Executor, Module, Value};
use std::fmt::Write as _;

/// A provider: its name and its text.
type Provider<'a> = (&'a str, &'a str);

/// A call: a function, and its arguments.
type Call<'a> = (&'a str, &'a [i32]);

/// The module, with its providers in the order given.
fn provided(exec: &Executor, providers: &[Provider<'_>], main: &str) -> purefork::Result<Module> {
    let options = exec.load_options();
    providers.iter().fold(options, |options, (name, wat)| options.provide_bytes(*name, wat)).load_bytes(main)
}

/// What calls give, a line each: a value, or that it trapped. Each starts from the same state.
fn calls(module: &Module, calls: &[Call<'_>]) -> String {
    let mut text = String::new();
    for (function, args) in calls {
        let values = args.iter().fold(Args::new(), |args, value| args.push(Value::I32(*value)));
        let outcome = match module.fork(function, values).and_then(|future| future.wait()) {
            Ok(value) => value.to_string(),
            Err(error) if error.kind() == purefork::ErrorKind::Trap => "trap".to_owned(),
            Err(error) => panic!("{function}: {error:?}"),
        };
        let _ = writeln!(text, "{function}{args:?} {outcome}");
    }
    text
}

/// The same in bare wasmtime. Providers stand after those that they import from.
fn linked(providers: &[Provider<'_>], main: &str, calls: &[Call<'_>]) -> String {
    use wasmtime::{Config, Engine, Linker, Store, Val};
    let mut config = Config::new();
    config.wasm_memory64(true).wasm_multi_memory(true).wasm_tail_call(true).wasm_function_references(true);
    config.wasm_extended_const(true).wasm_gc(true).wasm_exceptions(true);
    let engine = Engine::new(&config).expect("the configuration is right");
    let compiled = |wat: &str| {
        let bytes = wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}\n{wat}"));
        wasmtime::Module::new(&engine, bytes).unwrap_or_else(|error| panic!("{error:?}\n{wat}"))
    };
    let providers: Vec<_> = providers.iter().map(|(name, wat)| (*name, compiled(wat))).collect();
    let main = compiled(main);
    let mut text = String::new();
    for (function, args) in calls {
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        let outcome = (|| {
            for (name, module) in &providers {
                let instance = linker.instantiate(&mut store, module)?;
                if let Some(initialize) = instance.get_func(&mut store, "_initialize") {
                    initialize.call(&mut store, &[], &mut [])?;
                }
                linker.instance(&mut store, name, instance)?;
            }
            let instance = linker.instantiate(&mut store, &main)?;
            let called = instance.get_func(&mut store, function).expect("it is exported");
            let args: Vec<_> = args.iter().map(|value| Val::I32(*value)).collect();
            let mut results = vec![Val::I32(0); called.ty(&store).results().len()];
            called.call(&mut store, &args, &mut results)?;
            Ok::<_, wasmtime::Error>(match results.as_slice() {
                [] => "()".to_owned(),
                [Val::I32(value)] => value.to_string(),
                [Val::I64(value)] => value.to_string(),
                other => panic!("{other:?}"),
            })
        })();
        let _ = writeln!(text, "{function}{args:?} {}", outcome.unwrap_or_else(|_| "trap".to_owned()));
    }
    text
}
