//! What a forbidden import is for, and what to do instead, from the names that toolchains use.

use wasmparser::{FuncType, TypeRef, ValType};

/// What a component's imported interface, or what else it imports by name, is for; and what to do instead.
pub(super) fn component(module: &str) -> (&'static str, &'static str) {
    if module.starts_with("wasi:") {
        return preview2(module);
    }
    (
        "a guest has no host to call",
        "pass what is needed as an argument, or have it forked by way of the interface `fork`",
    )
}

/// What an import is, and what to do instead; `ty`: its type, if it is a function. Never the reason that it is refused: that is only that it
/// is not one of those that are taken.
pub(super) fn advice(
    (module, name): (&str, &str),
    kind: TypeRef,
    ty: Option<&FuncType>,
) -> (&'static str, &'static str) {
    match kind {
        TypeRef::Memory(_) => {
            return (
                "a guest has its memory to itself",
                "define and export the memory in the guest (link without `--import-memory`)",
            );
        }
        TypeRef::Table(_) => {
            return (
                "a guest has its tables to itself",
                "define the table in the guest (link without `--import-table`)",
            );
        }
        TypeRef::Global(_) => {
            return (
                "a guest sees no state but its own",
                "define the global in the guest (link as an executable, not as a shared library)",
            );
        }
        TypeRef::Tag(_) => {
            return ("a guest throws no exceptions but its own", "define the tag in the guest (link as an executable)");
        }
        TypeRef::Func(_) | TypeRef::FuncExact(_) => {}
    }
    if module.starts_with("wasi_snapshot_preview") || module == "wasi_unstable" || module == "wasi" {
        return preview1(name);
    }
    if module.starts_with("wasi:") {
        return preview2(module);
    }
    if module.starts_with("__wbindgen") || module == "wbg" || module.ends_with("_bg.js") || name.starts_with("__wb") {
        return (
            "glue of wasm-bindgen for JavaScript",
            "build without wasm-bindgen and without crates' features for JavaScript",
        );
    }
    if let Some(advice) = runtime(module) {
        return advice;
    }
    match (module, name) {
        ("fork" | "wait", _) => ("only plain functions can be imported from here", "import a function"),
        ("env", name) if is_assembly_script(name, ty) => (
            "AssemblyScript's runtime",
            "do without `trace`, `console`, `Date` and `Math.random`; pass the time or a seed as an argument, and return what is to be shown",
        ),
        ("env" | "a", name) if is_emscripten(name) || module == "a" => {
            ("Emscripten's runtime in JavaScript", "compile for a target without it, such as `wasm32-unknown-unknown`")
        }
        ("env", _) => (
            "a symbol that was not defined when the guest was linked",
            "define it in the guest, or link without `--allow-undefined` to see who needs it",
        ),
        _ => (
            "only functions from `fork` and `wait` can be imported",
            "give the guest a module that exports it (`--provide NAME=MODULE`), or pass what it gives as an argument",
        ),
    }
}

/// What the runtimes of languages import from, and those that come as another module.
fn runtime(module: &str) -> Option<(&'static str, &'static str)> {
    const JAVASCRIPT: (&str, &str) = ("glue in JavaScript", "compile for a target without JavaScript, such as WASI");
    const KOTLIN: (&str, &str) = ("Kotlin's glue for JavaScript", "compile for the target `wasmWasi`");
    const PROVIDED: (&str, &str) =
        ("a module that comes beside the guest", "give it with `--provide NAME=MODULE`, or link the guest statically");
    let known = [
        ("go", ("Go's glue for JavaScript", "compile with `GOOS=wasip1`")),
        ("gojs", ("Go's glue for JavaScript", "compile with `GOOS=wasip1`")),
        ("wasm:js-string", ("JavaScript's strings", "compile for a target without JavaScript, such as WASI")),
        ("dart2wasm", ("Dart's glue for JavaScript", "Dart compiles for no other host yet")),
        ("js_code", KOTLIN),
        ("__scalaJSHelpers", ("Scala.js's glue for JavaScript", "Scala.js compiles for no other host yet")),
        ("extism:host/env", ("Extism's kernel", "give it with `--provide extism:host/env=extism-runtime.wasm`")),
        ("extism:host/user", ("a function of an Extism host's own", "pass what it gives as an argument")),
    ];
    let starts = [
        ("teavm", ("TeaVM's glue for JavaScript", "compile with TeaVM's target for WASI")),
        ("javy", PROVIDED),
        ("shopify_function", PROVIDED),
    ];
    let by_name = known.iter().find(|(name, _)| *name == module).map(|(_, advice)| *advice);
    let by_start = || starts.iter().find(|(start, _)| module.starts_with(start)).map(|(_, advice)| *advice);
    let is_script = module.ends_with(".js") || module.ends_with(".mjs");
    by_name
        .or_else(by_start)
        .or_else(|| is_script.then_some(if module.contains(".uninstantiated.") { KOTLIN } else { JAVASCRIPT }))
}

/// WASI 0.1: what a function does shows in its name.
fn preview1(name: &str) -> (&'static str, &'static str) {
    match name {
        "clock_time_get" | "clock_res_get" => (
            "WASI's clock, and a guest has no clock",
            "pass the time as an argument, or compile without it (`wasm32-unknown-unknown`)",
        ),
        "random_get" => (
            "WASI's source of randomness, and a guest has none",
            "pass a seed as an argument, or compile without it (`wasm32-unknown-unknown`)",
        ),
        "args_get" | "args_sizes_get" | "environ_get" | "environ_sizes_get" => (
            "WASI's command-line arguments and environment, and a guest has none",
            "pass what is needed as an argument, or compile without it (`wasm32-unknown-unknown`)",
        ),
        "proc_exit" | "proc_raise" => (
            "WASI's end of the process, and a guest is no process",
            "return or trap instead, or compile as a library without `main` (`wasm32-unknown-unknown`)",
        ),
        "poll_oneoff" | "sched_yield" => (
            "WASI's sleeping and yielding, and a guest sees no time pass",
            "compile without it (`wasm32-unknown-unknown`)",
        ),
        "thread-spawn" | "thread_spawn" => ("WASI's threads, and a guest has none", "fork instead"),
        "fd_write" | "fd_read" => (
            "WASI's standard input and output or files, and a guest has none",
            "return a result instead of printing it, or compile without it (`wasm32-unknown-unknown`)",
        ),
        _ if name.starts_with("sock_") => ("WASI's sockets, and a guest has none", "pass the data as an argument"),
        _ if name.starts_with("fd_") || name.starts_with("path_") => (
            "WASI's files, and a guest has none",
            "pass the data as an argument, or compile without it (`wasm32-unknown-unknown`)",
        ),
        _ => ("WASI, and a guest does no input and no output", "compile without it (`wasm32-unknown-unknown`)"),
    }
}

/// WASI 0.2 and later: what a function does shows in its interface.
fn preview2(module: &str) -> (&'static str, &'static str) {
    const CLOCK: (&str, &str) = ("WASI's clocks, and a guest has none", "pass the time as an argument");
    const RANDOM: (&str, &str) = ("WASI's source of randomness, and a guest has none", "pass a seed as an argument");
    const FILES: (&str, &str) = ("WASI's files, and a guest has none", "pass the data as an argument");
    const NET: (&str, &str) = ("WASI's network, and a guest has none", "pass the data as an argument");
    const ENV: (&str, &str) =
        ("WASI's command-line arguments and environment, and a guest has none", "pass what is needed as an argument");
    const STDIO: (&str, &str) =
        ("WASI's standard input and output, and a guest has none", "return a result instead of printing it");
    let known = [
        ("wasi:clocks/", CLOCK),
        ("wasi:random/", RANDOM),
        ("wasi:filesystem/", FILES),
        ("wasi:sockets/", NET),
        ("wasi:http/", NET),
        ("wasi:cli/environment", ENV),
        ("wasi:cli/", STDIO),
        ("wasi:io/", STDIO),
    ];
    known.iter().find(|(start, _)| module.starts_with(start)).map_or(
        ("WASI, and a guest does no input and no output", "compile without it (`wasm32-unknown-unknown`)"),
        |(_, advice)| *advice,
    )
}

/// What Emscripten's libraries call in JavaScript. The functions of its C library that it writes there are called `_…_js`.
fn is_emscripten(name: &str) -> bool {
    const STARTS: [&str; 9] = [
        "emscripten_",
        "_emscripten",
        "invoke_",
        "__cxa_",
        "__syscall_",
        "_abort",
        "_embind_",
        "_emval_",
        "__handle_stack_overflow",
    ];
    const NAMES: [&str; 4] = ["__assert_fail", "__resumeException", "setTempRet0", "getTempRet0"];
    let in_js = name.starts_with('_') && name.ends_with("_js");
    in_js || NAMES.contains(&name) || STARTS.iter().any(|start| name.starts_with(start))
}

/// What AssemblyScript's library calls: names with a point, which no linker of C has, and two that a C program could have left
/// undefined, and would with other types.
fn is_assembly_script(name: &str, ty: Option<&FuncType>) -> bool {
    use ValType::{F64, I32};
    const OBJECTS: [&str; 6] = ["console.", "Date.", "Math.", "performance.", "process.", "crypto."];
    let (params, results): (&[ValType], &[ValType]) = match name {
        "seed" => (&[], &[F64]),
        "trace" => (&[I32, I32, F64, F64, F64, F64, F64], &[]),
        _ => return OBJECTS.iter().any(|object| name.starts_with(object)),
    };
    ty.is_some_and(|ty| ty.params() == params && ty.results() == results)
}
