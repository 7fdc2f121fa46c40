/* purefork.h: export C functions of numbers as a purefork guest, and fork them.
 *
 * Nothing but this header is needed: no libc, no generator.
 *
 *     #include "purefork.h"
 *
 *     PUREFORK_FORKS(int64_t, fib, (int32_t n))
 *
 *     PUREFORK_EXPORT(fib)
 *     int64_t fib(int32_t n) {
 *         if (n < 2) return n;
 *         future_fib left = fork_fib(n - 1);
 *         future_fib right = fork_fib(n - 2);
 *         return wait_fib(left) + wait_fib(right);
 *     }
 *
 * Build it and run it:
 *
 *     clang --target=wasm32 -O2 -nostdlib -Wl,--no-entry -I guest/c -o fib.wasm fib.c
 *     purefork run fib.wasm fib 20
 *
 * Parameters and results are numbers: int32_t, uint32_t, int64_t, uint64_t, float, double, and what is
 * one of these to WebAssembly (int, long long, a smaller integer, an enum). No pointers: a forked call
 * runs in a memory of its own, so an address of the caller means nothing there. A function that needs
 * strings, lists or records is a component: see purefork's Rust SDK and its WIT package.
 *
 * A call sees its arguments and the module's initial state, nothing else. What it writes to a static
 * variable is gone when it returns. A fork that is never waited for is abandoned: it may never run, and
 * nobody can tell.
 */
#ifndef PUREFORK_H
#define PUREFORK_H

#if !defined(__wasm__)
#error "purefork.h is for WebAssembly: compile with clang --target=wasm32"
#endif

#include <stdint.h> /* comes with clang: no libc is needed */

#ifdef __cplusplus
#define PUREFORK_C extern "C"
#else
#define PUREFORK_C extern
#endif

/* PUREFORK_EXPORT(NAME) before a function's definition: the host calls it by NAME. */
#define PUREFORK_EXPORT(name) __attribute__((export_name(#name))) PUREFORK_C

/* PUREFORK_FORKS(RESULT, NAME, (PARAMETERS)) at the top of a file declares
 *
 *     typedef struct { ... } future_NAME;
 *     future_NAME fork_NAME(PARAMETERS);      starts a call of NAME, returns at once
 *     RESULT wait_NAME(future_NAME);          waits for the call, returns its result
 *
 * NAME is an export of this module, or of a module linked to it (purefork run --link LIB=lib.wasm ...).
 * RESULT and PARAMETERS are those of the function NAME: the host checks them when it loads the module.
 *
 * Waiting twice for a future gives the same value. A future of one function cannot be waited for as
 * another's: their types differ. If the forked call fails, so does the call that waits for it.
 * Write (void) where there are no parameters. For a function without a result, RESULT is void.
 */
#define PUREFORK_FORKS(result, name, parameters)                                                                       \
    typedef struct {                                                                                                   \
        int32_t number;                                                                                                \
    } future_##name;                                                                                                   \
    PUREFORK_IMPORT("fork", name) future_##name fork_##name parameters;                                                \
    PUREFORK_IMPORT("wait", name) result wait_##name(future_##name future);

#define PUREFORK_IMPORT(module, name) __attribute__((import_module(module), import_name(#name))) PUREFORK_C

#endif
