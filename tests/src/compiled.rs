//! Guests in Rust, compiled on first use.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// The guest of `tests/guests` of that name, as a core module with a component type; compiled by `guest/toolchain` once for
/// each process.
///
/// # Panics
///
/// If it cannot be compiled. What there is to do about it, the toolchain has said on standard error.
pub fn compiled(name: &str) -> Arc<[u8]> {
    static COMPILED: LazyLock<Mutex<HashMap<String, Arc<[u8]>>>> = LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(wasm) = compiled.get(name) {
        return wasm.clone();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let guests = root.join("target/guests");
    std::fs::create_dir_all(&guests).expect("`target` can be written to");
    // One for each process: test binaries may run at the same time.
    let out = guests.join(format!("{name}-{}.wasm", std::process::id()));
    let status = Command::new(root.join("guest/toolchain"))
        .args(["build".as_ref(), root.join("tests/guests").join(name).as_os_str(), "-o".as_ref(), out.as_os_str()])
        .status();
    assert!(status.is_ok_and(|status| status.success()), "the guest `{name}` was not compiled");
    let wasm: Arc<[u8]> = std::fs::read(&out).expect("the toolchain wrote it").into();
    std::fs::remove_file(&out).expect("it can be removed");
    compiled.insert(name.to_owned(), wasm.clone());
    wasm
}
