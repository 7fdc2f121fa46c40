"""Extism: a plugin that stays, one for each thread; with --fresh, a fresh plugin for each call, compiled once.

Extism passes bytes: here two little-endian i32 in one u64, and their sum in another.
"""

import struct
from concurrent.futures import ThreadPoolExecutor

import timing

FRESH = timing.flag("fresh", "make a fresh plugin for each call")
NAME = "Extism, " + ("a fresh plugin" if FRESH else "one plugin")

try:
    import extism
    from extism.extism import CompiledPlugin  # not re-exported by 1.1.1
except ModuleNotFoundError as error:
    if error.name != "extism":
        raise
    timing.not_installed(NAME, "pip install extism")

ADD = b"""(module
    (import "extism:host/env" "input_load_u64" (func $input (param i64) (result i64)))
    (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
    (import "extism:host/env" "store_u64" (func $store (param i64 i64)))
    (import "extism:host/env" "output_set" (func $output (param i64 i64)))
    (func (export "add") (result i32) (local $in i64) (local $at i64)
        (local.set $in (call $input (i64.const 0)))
        (local.set $at (call $alloc (i64.const 8)))
        (call $store (local.get $at) (i64.extend_i32_s (i32.add
            (i32.wrap_i64 (local.get $in))
            (i32.wrap_i64 (i64.shr_u (local.get $in) (i64.const 32))))))
        (call $output (local.get $at) (i64.const 8))
        (i32.const 0)))"""

PAIR = struct.Struct("<ii")
SUM = struct.Struct("<q")


def caller(plugin):
    return lambda a, b: SUM.unpack(plugin().call("add", PAIR.pack(a, b)))[0]


def kept():
    plugin = extism.Plugin(ADD)
    return caller(lambda: plugin)


if FRESH:
    compiled = CompiledPlugin(ADD)
    calls = [caller(lambda: extism.Plugin(compiled))] * timing.THREADS
    numbers, isolation = (2_000, 1_000), "fresh sandbox"
else:
    calls = [kept() for _ in range(timing.THREADS)]
    numbers, isolation = (20_000, 10_000), "sandbox, kept"

with ThreadPoolExecutor(timing.THREADS) as pool:
    batches = [timing.inline(calls[0]), timing.halves(pool, calls)]
    timing.report(NAME, timing.version("extism"), isolation, batches, timing.inline(calls[0]), *numbers, rounds=5)
