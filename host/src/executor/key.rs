//! Under which key a guest is kept.

use crate::engine::Key;
use crate::fork::Runtime;
use crate::imports::Imports;
use crate::isolation::Isolation;
use crate::limits::Limits;
use sha2::{Digest as _, Sha256};
use std::fmt;

/// What this library was built from. What is kept beside the machine code is read as this build's types and believed: a
/// build from other sources must not find it.
const SOURCES: &str = env!("PUREFORK_SOURCES");

/// The digest of a guest's bytes; written in hexadecimal.
pub(super) struct Digest(pub(super) [u8; 32]);

impl Digest {
    pub(super) fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A digest of what of an executor's configuration, and of this build, can be seen in the result of a call: kept results are given to
/// others of the same alone. What ends a tree and not a call, how many threads there are, and where results are kept, does not
/// matter. Nor does the stack: whoever has used it up has no result.
pub(super) fn configuration(limits: &Limits, isolation: Isolation, imports: Imports) -> [u8; 32] {
    let Limits {
        fuel,
        memory,
        heap,
        table_elements,
        stack: _,
        forks,
        depth: _,
        tree_forks: _,
        tree_values: _,
        output,
        compile: _,
        timeout: _,
    } = *limits;
    let seen = (fuel, memory, heap, table_elements, forks, output, isolation, imports);
    let built = (SOURCES, cfg!(debug_assertions), std::env::consts::ARCH, std::env::consts::OS);
    // The texts are those of this very build.
    Sha256::digest(format!("purefork results 1: {seen:?}, {built:?}")).into()
}

/// The key of the guest with this digest.
pub(super) fn key(runtime: &Runtime, digest: &str) -> Key {
    // How a guest is rewritten depends on how much memory it may have, and starts with; and how it is compiled, on where that lies.
    let Limits { memory, heap, .. } = runtime.limits;
    let rewriting = (runtime.isolation, memory, heap, runtime.sandboxes.engines.layouts());
    Key::new(digest, (SOURCES, cfg!(debug_assertions), rewriting, runtime.imports))
}

#[cfg(test)]
#[allow(dead_code)]
#[path = "../../build.rs"]
mod build;

#[cfg(test)]
mod tests {
    use super::{SOURCES, build};
    use std::collections::{BTreeMap, HashSet};
    use std::fs;
    use std::path::Path;

    fn sources() -> BTreeMap<String, String> {
        build::sources(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn the_key_changes_with_every_source() {
        let files = sources();
        let now = build::digest(&files);
        assert!(u64::from_str_radix(&SOURCES[..16], 16).is_ok(), "{SOURCES}");
        let changed = files.keys().map(|name| {
            let mut files = files.clone();
            files.entry(name.clone()).or_default().push('\n');
            build::digest(&files)
        });
        let lost = files.keys().map(|name| {
            let mut files = files.clone();
            files.remove(name);
            build::digest(&files)
        });
        let all: HashSet<u64> = changed.chain(lost).chain([now]).collect();
        assert_eq!(all.len(), 2 * files.len() + 1);
    }

    #[test]
    fn the_key_is_of_every_file_whose_types_are_kept() {
        let files = sources();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if fs::read_to_string(&path).unwrap().contains("Deserialize") {
                    let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_str().unwrap();
                    assert!(files.contains_key(&name.replace('\\', "/")), "{name}");
                }
            }
        }
        // The versions of what validates guests.
        assert!(files.values().any(|text| text.contains("wasmparser = { version = \"=")));
    }

    #[test]
    fn ends_of_lines_do_not_change_the_key() {
        let files = |end: &str| {
            let folder = std::env::temp_dir().join(format!("purefork-key-{}-{}", std::process::id(), end.len()));
            fs::create_dir_all(folder.join("src/in")).unwrap();
            fs::write(folder.join("src/in/a.rs"), format!("fn a() {{}}{end}")).unwrap();
            let files = build::sources(&folder).unwrap();
            fs::remove_dir_all(folder).unwrap();
            files
        };
        let unix = files("\n");
        assert_eq!(unix, files("\r\n"));
        assert_eq!(unix, BTreeMap::from([("src/in/a.rs".to_owned(), "fn a() {}\n".to_owned())]));
    }
}
