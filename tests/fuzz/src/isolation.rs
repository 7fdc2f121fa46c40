//! A guest cannot tell which way it got its sandbox. Bytes that lead to new code of purefork's are kept and changed further.

#![no_main]

use libfuzzer_sys::fuzz_target;
use purefork_tests::smith::Ways;
use std::sync::LazyLock;

static WAYS: LazyLock<Ways> = LazyLock::new(Ways::new);

fuzz_target!(|bytes: &[u8]| {
    WAYS.compare(bytes);
});
