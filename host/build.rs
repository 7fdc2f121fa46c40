//! Tells the library what it was built from, so that nothing in the cache outlives the code that has written it.
//!
//! Beside machine code the cache holds what the audit has proved, in the form of this build's types. So it is kept under
//! a digest of all sources and manifests: changing any of them changes the key, and there is no number that somebody
//! must think of. The versions of wasmparser and wasmtime, whose validation the proof rests on, are in the manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let package = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    // What a build leaves out may be part of its types.
    let features: BTreeSet<String> = env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with("CARGO_FEATURE_"))
        .collect();
    let files = sources(Path::new(&package))?;
    println!("cargo::rustc-env=PUREFORK_SOURCES={:016x}{}", digest(&files), String::from_iter(features));
    println!("cargo::rerun-if-changed=src");
    for manifest in files.keys().filter(|name| !name.ends_with(".rs")) {
        println!("cargo::rerun-if-changed={manifest}");
    }
    Ok(())
}

/// Everything that a build depends on, by its path from the package: its sources, its manifest, and where it is part of a
/// workspace, whose manifest has the versions, that.
pub(crate) fn sources(package: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let mut names =
        vec!["src".to_owned(), "Cargo.toml".to_owned(), "../Cargo.toml".to_owned(), "../Cargo.lock".to_owned()];
    while let Some(name) = names.pop() {
        let path = package.join(&name);
        if path.is_dir() {
            for entry in fs::read_dir(path)? {
                names.push(format!("{name}/{}", entry?.file_name().to_string_lossy()));
            }
        } else if name.ends_with(".rs")
            || path.is_file() && (name.ends_with("Cargo.toml") || name.ends_with("Cargo.lock"))
        {
            // A checkout may have other ends of lines.
            files.insert(name, fs::read_to_string(path)?.replace("\r\n", "\n"));
        }
    }
    Ok(files)
}

/// A digest of files. Whoever can choose them can as well choose what the library does; so it need not resist anybody, and
/// that two builds in one cache have the same 64 bits by chance does not happen.
pub(crate) fn digest(files: &BTreeMap<String, String>) -> u64 {
    let mut hasher = DefaultHasher::new();
    files.hash(&mut hasher);
    hasher.finish()
}
