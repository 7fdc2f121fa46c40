//! Room for arguments comes from the allocator that a module exports, or from pages that are added.

use purefork::{Executor, Isolation, args};

/// A module with these exports, whose `sum` reads what it is given.
fn module(memory: &str, exports: &str) -> String {
    format!(
        r#"(module
            (memory (export "memory") {memory})
            (global $top (mut i32) (i32.const 4096))
            (global $asked (mut i32) (i32.const 0))
            (func $take (param $size i32) (result i32)
                (local $at i32)
                (global.set $asked (i32.add (global.get $asked) (i32.const 1)))
                (local.set $at (global.get $top))
                (global.set $top (i32.and (i32.add (i32.add (local.get $at) (local.get $size)) (i32.const 7)) (i32.const -8)))
                (local.get $at))
            {exports}
            (func (export "asked") (result i32) (global.get $asked))
            (func (export "sum") (param $at i32) (param $len i32) (result i32) (local $sum i32)
                (block (loop
                    (br_if 1 (i32.eqz (local.get $len)))
                    (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
                    (local.set $at (i32.add (local.get $at) (i32.const 1)))
                    (local.set $len (i32.sub (local.get $len) (i32.const 1)))
                    (br 0)))
                (local.get $sum)))"#
    )
}

/// What `sum` gives, and how often the module's own allocator was asked, for two lists.
fn called(memory: &str, exports: &str, isolation: Isolation) -> String {
    let exec = Executor::builder().serial().isolation(isolation).build().unwrap();
    let text = "x = sum(a, len(a)); y = sum(b, len); o = &12; list(three(o, x, y, asked()), 3)";
    let three = r#"(func (export "three") (param i32 i32 i32 i32) (result i32)
        (i32.store (local.get 0) (local.get 1)) (i32.store offset=4 (local.get 0) (local.get 2))
        (i32.store offset=8 (local.get 0) (local.get 3)) (local.get 0))"#;
    let world = format!("world w {{\n/// = {text}\nexport both: func(a: list<u8>, b: list<u8>) -> list<u32>;\n}}");
    let module = exec.load_options().wit(world).load_bytes(module(memory, &format!("{exports}{three}"))).unwrap();
    let call = || module.fork("both", args![vec![1u8; 30_000], vec![2u8; 10_000]]).unwrap().wait().unwrap().to_string();
    let first = call();
    assert_eq!(call(), first);
    first
}

#[test]
fn each_allocator_that_is_known_is_asked() {
    let own = [
        r#"(export "malloc" (func $take))"#,
        r#"(export "alloc" (func $take))"#,
        r#"(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (call $take (local.get 3)))"#,
        r#"(func (export "__wbindgen_malloc") (param i32 i32) (result i32) (call $take (local.get 0)))"#,
        r#"(func (export "__new") (param i32 i32) (result i32) (call $take (local.get 0)))
           (func (export "__pin") (param i32) (result i32) (local.get 0))"#,
    ];
    for exports in own {
        for isolation in [Isolation::Recycled, Isolation::Fresh] {
            assert_eq!(called("2", exports, isolation), "[30000, 20000, 3]", "{exports}");
        }
    }
}

#[test]
fn without_an_allocator_pages_are_added() {
    for isolation in [Isolation::Recycled, Isolation::Fresh] {
        assert_eq!(called("1", "", isolation), "[30000, 20000, 0]");
        // Nothing in the module can tell that its memory grows.
        assert_eq!(called("1 1", "", isolation), "[30000, 20000, 0]");
    }
}

#[test]
fn an_allocator_that_gives_what_is_not_in_memory_is_not_believed() {
    let exec = Executor::builder().serial().build().unwrap();
    for gives in ["0", "-1", "-4096", "65536", "60000"] {
        let bad = format!(r#"(func (export "malloc") (param i32) (result i32) (i32.const {gives}))"#);
        let options = exec.load_options().wit("world w { export sum: func(data: list<u8>) -> u32; }");
        let module = options.load_bytes(module("1", &bad)).unwrap();
        let error = module.fork("sum", args![vec![1u8; 30_000]]).unwrap().wait().unwrap_err();
        assert_eq!(error.backtrace()[0].function, "purefork: room for data by malloc", "{gives}: {error}");
    }
}

/// A module that keeps its memory itself: `take` gives room behind what it gave, from `first` on, and grows the memory where that is not
/// enough. It begins with what lies below the end of the memory, as walloc does and wasi-libc's `malloc`, and takes it that what it adds
/// follows what it had. `sum` copies what it is given into such room, and sums both.
fn hidden(memory: &str) -> String {
    module(
        memory,
        r#"(global $heap (mut i32) (i32.const 0))
        (global $end (mut i32) (i32.const 0))
        (func $hidden (export "take") (param $size i32) (result i32) (local $at i32)
            (if (i32.eqz (global.get $heap)) (then
                (global.set $heap (i32.const 4096))
                (global.set $end (i32.shl (memory.size) (i32.const 16)))))
            (local.set $at (global.get $heap))
            (global.set $heap (i32.add (local.get $at) (local.get $size)))
            (if (i32.gt_u (global.get $heap) (global.get $end)) (then
                (if (i32.eq (i32.const -1) (memory.grow (i32.shr_u (i32.add (local.get $size) (i32.const 65535)) (i32.const 16))))
                    (then unreachable))
                (global.set $end (i32.shl (memory.size) (i32.const 16)))))
            (local.get $at))
        ;; The sum of bytes, after everything that was taken before was overwritten.
        (func (export "careful") (param $at i32) (param $len i32) (param $more i32) (result i32) (local $own i32)
            (local.set $own (call $hidden (local.get $more)))
            (memory.fill (local.get $own) (i32.const 255) (local.get $more))
            (call $sum (local.get $at) (local.get $len)))
        (func (export "pages") (result i32) (memory.size))
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))"#,
    )
    .replace(r#"(func (export "sum")"#, r#"(func $sum (export "sum")"#)
}

#[test]
fn a_module_that_keeps_its_memory_itself_never_takes_what_a_script_lays() {
    for isolation in [Isolation::Recycled, Isolation::Fresh] {
        let exec = Executor::builder().serial().isolation(isolation).build().unwrap();
        for (memory, more) in [("1", 100), ("2", 200_000), ("1", 5_000_000), ("1 200", 5_000_000), ("0", 70_000)] {
            let script = format!(
                "x = careful(a, len(a), {more}); b = &70000; careful(a, len(a), {more}); o = &8; u32(o) = x; u32(&4); list(o, 8)"
            );
            let options = exec.load_options().script(["a"], script);
            let module = options.load_bytes(hidden(memory)).unwrap();
            for _ in 0..2 {
                let given = module.fork("script", args![vec![1u8; 30_000]]).unwrap().wait().unwrap();
                assert_eq!(given.to_string(), "[48, 117, 0, 0, 0, 0, 0, 0]", "{memory} {more}");
            }
        }
    }
}

#[test]
fn what_a_module_is_told_of_its_memory_is_what_it_would_be_without_a_script() {
    let exec = Executor::builder().serial().build().unwrap();
    let given = |memory: &str, script: &str| {
        let options = exec.load_options().script(["a"], script);
        let module = options.load_bytes(hidden(memory)).unwrap();
        match module.fork("script", args![vec![1u8; 300_000]]).unwrap().wait() {
            Ok(value) => value.to_string(),
            Err(error) => error.to_string().lines().next().unwrap_or_default().to_owned(),
        }
    };
    assert_eq!(given("2", "pages()"), "2");
    assert_eq!(given("2", "grow(3)"), "2");
    assert_eq!(given("2", "grow(3); b = &200000; pages()"), "5");
    assert_eq!(given("2", "grow(3); b = &200000; grow(1)"), "5");
    assert_eq!(given("2 4", "grow(3)"), "-1");
    assert_eq!(given("2 4", "grow(2); pages()"), "4");
    assert_eq!(given("2", "grow(-1)"), "-1");
    assert_eq!(given("2", "grow(512); pages()"), "514");
    // Behind the gap lies what the script laid.
    assert_eq!(given("2", "grow(513)"), "-1");
    assert_eq!(
        given("2", "take(50000000)"),
        "`script` was refused memory beyond its limit, then trapped: wasm `unreachable` instruction executed"
    );
    // Where a call may not have so much, the gap is smaller.
    assert_eq!(given("800", "grow(32)"), "800");
    assert_eq!(given("1017", "grow(1)"), "1017");
    assert_eq!(given("1017", "grow(3)"), "-1");
    assert_eq!(given("1019", "pages()"), "1019");
    assert_eq!(
        given("1024", "pages()"),
        "`script` was refused memory beyond its limit, then trapped: wasm `unreachable` instruction executed"
    );
}

#[test]
fn other_memories_keep_their_maximum() {
    let exec = Executor::builder().serial().build().unwrap();
    let module = r#"(module (memory (export "memory") 1) (memory (export "other") 1 1)
        (func (export "g") (result i32) (memory.grow 1 (i32.const 1)))
        (func (export "s") (result i32) (memory.size)))"#;
    let module = exec.load_options().script(["a"], "g()").load_bytes(module).unwrap();
    assert_eq!(module.fork("script", args![vec![1u8]]).unwrap().wait().unwrap().to_string(), "-1");
}

#[test]
fn what_a_module_exports_by_the_name_of_ours_is_no_matter() {
    let exec = Executor::builder().serial().build().unwrap();
    for own in ["(func (export \"NAME\") (param i64))", "(global (export \"NAME\") i32 (i32.const 1))"] {
        let own = own.replace("NAME", "purefork: pages behind");
        let module = hidden("1").replacen("(module", &format!("(module {own}"), 1);
        let options = exec.load_options().script(["a"], "sum(a, len(a))");
        // Behind imports, of which there are none, anything may stand first.
        let module = options.load_bytes(module).unwrap();
        assert_eq!(module.fork("script", args![vec![1u8; 9]]).unwrap().wait().unwrap().to_string(), "9");
    }
}
