//! `purefork inspect`.

use crate::support::check_all;
use expect_test::expect;

#[test]
fn a_pure_module_is_shown_with_what_it_has() {
    check_all(
        &["inspect add.wat", "inspect state.wat", "inspect tree.wat", "inspect app.wat", "inspect none.wat"],
        &expect![[r#"
            $ purefork inspect add.wat
            add.wat: pure
              name     math
              digest   d3fefd9da3503eaae1074a1d53ce4e2ad26370fa0142b342692bdc4b11c57914
              code     19 bytes

            exports
              add(a: i32, b: i32) -> i32
                  stateless
              div(a: i32, b: i32) -> (i32, i32)
                  stateless
            exit 0

            $ purefork inspect state.wat
            state.wat: pure
              name     state
              digest   9faea17bf92e5fbb29b1fe2e7958dfa60ee91e709bc3f66e66cd44a864a9d54d
              code     21 bytes
              memory   64 KiB, at most 1 MiB
              table    4 elements, at most 4 elements
              start    has a start function, which runs in every fresh sandbox
              sandbox  recycled

            exports
              next() -> i32
                  not stateless: writes a global: global.set in `bump` (called by export `next`)
            exit 0

            $ purefork inspect tree.wat
            tree.wat: pure
              name     tree
              digest   40bb4949c375788894911972d3d36feb6d23f34e70ead5bfbe055681c867936f
              code     46 bytes

            exports
              root(n: i32) -> i32
                  stateless
                  may fork `middle`
              middle(n: i32) -> i32
                  stateless
                  may fork `leaf`
              leaf(n: i32) -> i32
                  stateless
              spin()
                  stateless
              abandon() -> i32
                  stateless
                  may fork `spin`

            forks
              middle(i32) -> i32: its own
              leaf(i32) -> i32: its own
              spin(), never waited for: its own
            exit 0

            $ purefork inspect app.wat
            app.wat: pure
              name     app
              digest   870ef33e7215d767b39e2771b16d15991ed240f233f02fc62fea958a11723152
              code     10 bytes

            exports
              next(n: i32) -> i32
                  stateless
                  may fork `add`

            forks
              add(i32, i32) -> i32: to be linked (`--link NAME=MODULE`)
            exit 0

            $ purefork inspect none.wat
            none.wat: pure
              digest   93a44bbb96c751218e4c00d479e4c14358122a389acca16205b1e4d0dc5f9476
              code     0 bytes

            exports no function
            exit 0
        "#]],
    );
}

#[test]
fn a_refused_module_is_shown_with_every_reason() {
    check_all(
        &["inspect wasi.wat", "inspect wasi.wat --json"],
        &expect![[r#"
            $ purefork inspect wasi.wat
            wasi.wat: refused; the guest cannot be shown to be pure, for 2 reasons
              imports `wasi_snapshot_preview1.fd_write` (func (param i32 i32 i32 i32) (result i32)): WASI's standard input and output or files, and a guest has none; return a result instead of printing it, or compile without it (`wasm32-unknown-unknown`) (export `hello` → function `print` → import `wasi_snapshot_preview1.fd_write`)
              imports `wasi_snapshot_preview1.clock_time_get` (func (param i32 i64 i32) (result i32)): WASI's clock, and a guest has no clock; pass the time as an argument, or compile without it (`wasm32-unknown-unknown`)
              it imports nothing else than WASI: `--wasi frozen` gives it one in which time stands still, with no files but those that are given
            exit 3

            $ purefork inspect wasi.wat --json
            {"file":"wasi.wat","pure":false,"reasons":[{"chain":["export `hello`","function `print`","import `wasi_snapshot_preview1.fd_write`"],"message":"imports `wasi_snapshot_preview1.fd_write` (func (param i32 i32 i32 i32) (result i32)): WASI's standard input and output or files, and a guest has none; return a result instead of printing it, or compile without it (`wasm32-unknown-unknown`)","offset":32,"what":"Import"},{"chain":[],"message":"imports `wasi_snapshot_preview1.clock_time_get` (func (param i32 i64 i32) (result i32)): WASI's clock, and a guest has no clock; pass the time as an argument, or compile without it (`wasm32-unknown-unknown`)","offset":66,"what":"Import"}]}
            exit 3
        "#]],
    );
}

#[test]
fn names_from_the_guest_cannot_reach_the_terminal() {
    check_all(
        &["inspect ops.wat"],
        &expect![[r#"
            $ purefork inspect ops.wat
            ops.wat: pure
              name     ops
              digest   719867b4c043ac1f4a0562ecb08daaa9d7ec56343cd82557b1db70777289b178
              code     80 bytes
              memory   64 KiB, may grow to the limit
              sandbox  recycled

            exports
              trap()
                  stateless
              spin()
                  stateless
              recurse(n: i32) -> i32
                  stateless
              grow(pages: i32) -> i32
                  not stateless: grows memory: memory.grow in `grow`
              nothing()
                  stateless
              half(x: f64) -> f64
                  stateless
              single(x: f32) -> f32
                  stateless
              wide(x: i64) -> i64
                  stateless
              vector(v: v128) -> v128
                  stateless
              collide(timeout: i32, max_depth: i32) -> (i32, i32)
                  stateless
              \u{1b}[31mred\`() -> i32
                  stateless
            exit 0
        "#]],
    );
}

#[test]
fn the_same_is_told_as_json() {
    check_all(
        &["inspect add.wat --json", "inspect state.wat --json", "inspect app.wat --json"],
        &expect![[r#"
            $ purefork inspect add.wat --json
            {"code_bytes":19,"compile":0.012,"digest":"d3fefd9da3503eaae1074a1d53ce4e2ad26370fa0142b342692bdc4b11c57914","file":"add.wat","forks":[],"fresh":"none of its functions changes anything","functions":[{"can_fork":false,"forks":[],"name":"add","params":[{"name":"a","type":"i32"},{"name":"b","type":"i32"}],"program":false,"results":["i32"],"signature":"add(a: i32, b: i32) -> i32","state":null,"stateless":true},{"can_fork":false,"forks":[],"name":"div","params":[{"name":"a","type":"i32"},{"name":"b","type":"i32"}],"program":false,"results":["i32","i32"],"signature":"div(a: i32, b: i32) -> (i32, i32)","state":null,"stateless":true}],"memories":[],"name":"math","note":null,"others":[],"pure":true,"start":false,"tables":[],"traps":[],"unknown":[],"wasi":[]}
            exit 0

            $ purefork inspect state.wat --json
            {"code_bytes":21,"compile":0.012,"digest":"9faea17bf92e5fbb29b1fe2e7958dfa60ee91e709bc3f66e66cd44a864a9d54d","file":"state.wat","forks":[],"fresh":null,"functions":[{"can_fork":false,"forks":[],"name":"next","params":[],"program":false,"results":["i32"],"signature":"next() -> i32","state":"writes a global: global.set in `bump` (called by export `next`)","stateless":false}],"memories":[{"bytes":65536,"maximum":1048576}],"name":"state","note":null,"others":[],"pure":true,"start":true,"tables":[{"elements":4,"maximum":4}],"traps":[],"unknown":[],"wasi":[]}
            exit 0

            $ purefork inspect app.wat --json
            {"code_bytes":10,"compile":0.011,"digest":"870ef33e7215d767b39e2771b16d15991ed240f233f02fc62fea958a11723152","file":"app.wat","forks":[{"name":"add","own":false,"params":["i32","i32"],"results":["i32"]}],"fresh":"none of its functions changes anything","functions":[{"can_fork":true,"forks":["add"],"name":"next","params":[{"name":"n","type":"i32"}],"program":false,"results":["i32"],"signature":"next(n: i32) -> i32","state":null,"stateless":true}],"memories":[],"name":"app","note":null,"others":[],"pure":true,"start":false,"tables":[],"traps":[],"unknown":[],"wasi":[]}
            exit 0
        "#]],
    );
}

/// Those that take or give resources, too.
#[test]
fn what_cannot_be_called_is_listed_with_the_reason() {
    check_all(
        &[
            "inspect things.wat",
            "inspect things.wat --json",
            "run things.wat make 1",
            "inspect ends.wat",
            "run ends.wat half 3",
        ],
        &expect![[r#"
            $ purefork inspect things.wat
            things.wat: pure
              digest   509d135594239a798e20d9b3aa8996f86495daceeaf52a510a219d624805704d
              code     10 bytes

            exports no function that can be called

            cannot be called
              make: it returns a resource, which ends with the call
              get: it takes a resource, which the host cannot give
            exit 0

            $ purefork inspect things.wat --json
            {"code_bytes":10,"compile":0.012,"digest":"509d135594239a798e20d9b3aa8996f86495daceeaf52a510a219d624805704d","file":"things.wat","forks":[],"fresh":"none of its functions changes anything","functions":[],"memories":[],"name":null,"note":null,"others":[{"name":"make","why":"it returns a resource, which ends with the call"},{"name":"get","why":"it takes a resource, which the host cannot give"}],"pure":true,"start":false,"tables":[],"traps":[],"unknown":[],"wasi":[]}
            exit 0

            $ purefork run things.wat make 1
            2> error: `make` cannot be called from the host: it returns a resource, which ends with the call
            exit 2

            $ purefork inspect ends.wat
            ends.wat: pure
              digest   b096f2f5f16a69ea22d39f9f66a724c27801304549a0db0d8bb985210a0f1453
              code     23 bytes
              memory   64 KiB, may grow to the limit
              traps    wbg.__wbindgen_throw

            exports
              half(n: i32) -> i32
                  stateless

            cannot be called
              \u{1b}draw: it takes a reference, which cannot pass between host and guest
            exit 0

            $ purefork run ends.wat half 3
            2> error: `half` trapped: the guest called `__wbindgen_throw`: odd
            2>   at `half` (offset 0x68); a panic, an abort or a failed assertion in the guest ends so
            exit 1
        "#]],
    );
}

#[test]
fn long_types_are_broken_into_lines() {
    check_all(
        &["inspect shapes.wat"],
        &expect![[r#"
            $ purefork inspect shapes.wat
            shapes.wat: pure
              digest   08e08aa3f1bdf947de1052600ac33ca031bb0a3ed290c9cc88ae5e26fba617eb
              code     179 bytes
              memory   64 KiB, may grow to the limit
              sandbox  recycled

            exports
              text(text: string) -> string
                  not stateless: writes memory: i32.store in `list`
              bytes(data: list<u8>) -> list<u8>
                  not stateless: writes memory: i32.store in `list`
              numbers(values: list<f32>) -> list<f32>
                  not stateless: writes memory: i32.store in `list`
              wholes(values: list<s16>) -> list<s16>
                  not stateless: writes memory: i32.store in `list`
              move(point: record { x: f64, y: f64 }) -> record { x: f64, y: f64 }
                  not stateless: writes memory: f64.store in `point`
              shapes(
                shapes: list<variant {
                  nothing,
                  circle(tuple<record { x: f64, y: f64 }, f64>),
                  polygon(record {
                    name: string,
                    points: list<record { x: f64, y: f64 }>,
                    fill: option<enum { red, green, dark-blue }>,
                  }),
                }>,
              ) -> list<variant {
                nothing,
                circle(tuple<record { x: f64, y: f64 }, f64>),
                polygon(record {
                  name: string,
                  points: list<record { x: f64, y: f64 }>,
                  fill: option<enum { red, green, dark-blue }>,
                }),
              }>
                  not stateless: writes memory: i32.store in `list`
              set(
                settings: record {
                  width: u32,
                  height: u32,
                  depth: u32,
                  border: f32,
                  margin: f32,
                  padding: f32,
                  rounded: bool,
                  visible: bool,
                  closed: bool,
                  title: string,
                  author: string,
                  color: enum { red, green, dark-blue },
                  style: flags { bold, italic, under-line },
                  seed: option<u64>,
                },
              ) -> record {
                width: u32,
                height: u32,
                depth: u32,
                border: f32,
                margin: f32,
                padding: f32,
                rounded: bool,
                visible: bool,
                closed: bool,
                title: string,
                author: string,
                color: enum { red, green, dark-blue },
                style: flags { bold, italic, under-line },
                seed: option<u64>,
              }
                  not stateless: its arguments are written to memory
              tint(image: tensor) -> tensor
                  not stateless: writes memory: i32.store in `tensor`
              maybe(value: option<option<u8>>) -> option<option<u8>>
                  not stateless: writes memory: i32.store8 in `maybe`
              measure(text: string) -> result<u32, string>
                  not stateless: writes memory: i32.store in `measure`
              letter(letter: char) -> char
                  stateless
              paint(color: enum { red, green, dark-blue }) -> enum { red, green, dark-blue }
                  stateless
              draw(style: flags { bold, italic, under-line }) -> flags { bold, italic, under-line }
                  stateless
              demo:shapes/sums@1.0.0#add(max-len: u32, more: u32) -> u32
                  stateless
              demo:shapes/totals@1.0.0#total(max-len: u32, more: u32) -> u32
                  stateless
              demo:shapes/others@1.0.0#total(max-len: u32, more: u32) -> u32
                  stateless
            exit 0
        "#]],
    );
}
