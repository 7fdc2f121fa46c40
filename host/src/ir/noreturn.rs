//! Functions that compilers import to end a program that has failed. None of them returns.
//!
//! A guest that fails traps; so does one that calls such a function, and nothing else is given to it: it learns nothing and
//! nothing is left of it, as after any trap. So these imports are taken, whatever else a guest may import, each with the
//! very type that its compiler gives it.

use serde::{Deserialize, Serialize};

use super::core::CoreType;

macro_rules! functions {
    ($($(#[$doc:meta])* $variant:ident $modules:ident $name:literal ($($param:ident)*);)*) => {
        /// A function that does not return.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub(crate) enum NoReturn {
            $($(#[$doc])* $variant,)*
        }

        impl NoReturn {
            /// The functions that compilers import by that name: of one name there may be several, of different types.
            pub(crate) fn named(module: &str, name: &str) -> impl Iterator<Item = NoReturn> {
                const ALL: &[(NoReturn, Modules)] = &[$((NoReturn::$variant, Modules::$modules),)*];
                let name = plain(name);
                let all = ALL.iter().filter(move |(function, modules)| function.name() == name && modules.has(module));
                all.map(|(function, _)| *function)
            }

            /// Its name, without what a compiler may add to it.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(NoReturn::$variant => $name,)*
                }
            }

            pub(crate) fn params(self) -> &'static [CoreType] {
                match self {
                    $(NoReturn::$variant => &[$(CoreType::$param),*],)*
                }
            }
        }
    };
}

functions! {
    /// Emscripten's, and that of a C program in which `abort` was left undefined.
    Abort Env "abort" ();
    /// What Emscripten's own `abort` calls, in later versions.
    AbortJs Env "_abort_js" ();
    /// C's `assert`: the condition, the file, the line and the function; texts that end with a NUL.
    AssertFail Env "__assert_fail" (I32 I32 I32 I32);
    /// C++'s `throw`, where nothing catches: the exception, its type and its destructor. What would catch is an import of its
    /// own (`invoke_…`), and refused.
    Throw Env "__cxa_throw" (I32 I32 I32);
    /// AssemblyScript's: the message, the file, the line and the column; texts are its strings.
    AbortAt Env "abort" (I32 I32 I32 I32);
    /// wasm-bindgen's: a text and its length in bytes.
    BindgenThrow Bindgen "__wbindgen_throw" (I32 I32);
}

/// The modules that a function is imported from.
enum Modules {
    Env,
    /// As wasm-bindgen is given it, and as it writes it for a browser, or for a bundler: a file.
    Bindgen,
}

impl Modules {
    fn has(&self, module: &str) -> bool {
        match self {
            Modules::Env => module == "env",
            Modules::Bindgen => {
                let is_file = module.starts_with("./") && module.ends_with("_bg.js");
                is_file || matches!(module, "wbg" | "__wbindgen_placeholder__")
            }
        }
    }
}

/// A name of wasm-bindgen's without the hash that its later versions add: `__wbg___wbindgen_throw_344f42d3211c4765`.
fn plain(name: &str) -> &str {
    let hashed = name.strip_prefix("__wbg_").and_then(|name| name.rsplit_once('_'));
    match hashed {
        Some((plain, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => plain,
        _ => name,
    }
}
