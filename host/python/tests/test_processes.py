"""Signals, forked processes, sub-interpreters and the interpreter's end: each in a process of its own."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from conftest import FIB, MATH, SLOW

HEADER = f"""
import asyncio, os, signal, sys, threading, time
import purefork as pf
MATH, FIB, SLOW = {MATH!r}, {FIB!r}, {SLOW!r}
"""


def run(code, interrupt_after=None, timeout=60):
    process = subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-c", HEADER + textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if interrupt_after is not None:
        assert process.stdout.readline() == "ready\n"
        time.sleep(interrupt_after)
        process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"it hangs: {out}{err}") from None
    return process.returncode, out, err


WAITS = {
    "a wait that runs the call": "executor.load(SLOW).slow.fork(10**11).wait()",
    "a call": "executor.load(SLOW).slow(10**11)",
    "a wait for a worker": "f = executor.load(MATH).spin.fork(); time.sleep(0.1); f.wait()",
    "a wait with a timeout": "f = executor.load(MATH).spin.fork(); f.wait(1000)",
    "wait_all": "pf.wait_all([executor.load(SLOW).slow.fork(10**11) for _ in range(8)])",
    "as_completed": "next(pf.as_completed([executor.load(MATH).spin.fork()]))",
    "a promise": "p = pf.Promise(); p.future.wait()",
    "map": "executor.load(SLOW).slow.map([10**11] * 100)",
    "executor.map": "list(executor.map(executor.load(SLOW).slow, [10**11] * 100))",
    "await": "asyncio.run((lambda f: main(f))(executor.load(MATH).spin.fork()))",
    "result": "executor.submit(executor.load(SLOW).slow, 10**11).result()",
}


@pytest.mark.parametrize("delay", [0.02, 0.3])
@pytest.mark.parametrize("what", WAITS)
def test_ctrl_c_ends(what, delay):
    code = f"""
    async def main(f): await f
    executor = pf.Executor(threads=2, cache=False)
    begun = time.monotonic()
    try:
        print("ready", flush=True)
        {WAITS[what]}
        print("it ended")
    except KeyboardInterrupt:
        print("KeyboardInterrupt", time.monotonic() - begun < 20)
    executor.shutdown(cancel_futures=True)
    """
    status, out, err = run(code, interrupt_after=delay)
    assert (status, out) == (0, "KeyboardInterrupt True\n"), err


@pytest.mark.parametrize("what", ["a call", "wait_all", "map"])
def test_ctrl_c_ends_a_wait_where_another_library_is_told_of_signals(what):
    code = f"""
    import socket
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    signal.set_wakeup_fd(ours.fileno())
    executor = pf.Executor(threads=2, cache=False)
    try:
        print("ready", flush=True)
        {WAITS[what]}
        print("it ended")
    except KeyboardInterrupt:
        print("KeyboardInterrupt", theirs.recv(1))
    executor.shutdown(cancel_futures=True)
    """
    status, out, err = run(code, interrupt_after=0.3)
    assert (status, out) == (0, "KeyboardInterrupt b'\\x02'\n"), err


def test_a_call_that_others_run_goes_on_when_the_wait_is_interrupted():
    status, out, err = run(
        """
        executor = pf.Executor(threads=1, cache=False)
        future = executor.load(SLOW).slow.fork(2 * 10**9)
        while executor.load(MATH) is None: pass
        time.sleep(0.05)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        try: future.wait()
        except KeyboardInterrupt: print("interrupted")
        print(future.wait())
        """
    )
    assert status == 0 and out.endswith("2000000000\n"), err


def test_a_forked_child_is_told_and_has_an_executor_of_its_own():
    status, out, err = run(
        """
        module = pf.load(MATH)
        done, executor = module.add.fork(1, 2), pf.Executor(threads=2, cache=False)
        done.wait()
        spinning = executor.load(MATH).spin.fork()
        child = os.fork()
        if child == 0:
            try: module.add(1, 2)
            except pf.Invalid as error: print("invalid", flush=True)
            try: spinning.wait(10)
            except pf.Invalid: print("invalid", flush=True)
            print(done.wait(), pf.load(MATH).add(3, 4), pf.load(FIB).fib(10), flush=True)
            sys.exit(0)
        _, status = os.waitpid(child, 0)
        print("child", status, module.add(5, 6), spinning.cancel())
        """
    )
    assert (status, out) == (0, "invalid\ninvalid\n3 7 55\nchild 0 11 True\n"), err


def test_a_child_that_compiles_does_not_hang():
    status, out, err = run(
        """
        # Compiled by many threads in the parent, which the child has not.
        functions = "".join(f'(func (export "f{n}") (param i32) (result i32) (i32.add (local.get 0) (i32.const {n})))' for n in range(200))
        pf.Executor(threads=2, cache=False).load(f"(module {functions})")
        child = os.fork()
        if child == 0:
            print(pf.Executor(threads=2, cache=False).load(f"(module {functions} (func))").f7(1), flush=True)
            os._exit(0)
        print(os.waitpid(child, 0)[1])
        """
    )
    assert (status, out) == (0, "8\n0\n"), err


@pytest.mark.parametrize(
    "outstanding",
    [
        "futures = [module.spin.fork() for _ in range(4)]",
        "for _ in range(2000): module.add.fork(1, 2).add_done_callback(lambda f: f.done())",
        "futures = [module.spin.fork().then(lambda f: f.done()) for _ in range(4)]",
        "threading.Thread(target=module.spin, daemon=True).start(); time.sleep(0.1)",
        "threading.Thread(target=lambda: [module.add(1, 2) for _ in iter(int, 1)], daemon=True).start(); time.sleep(0.1)",
        "module.spin.fork(); del executor, module",
        "futures = [module.add.fork(1, 2).then(lambda f: f.wait() * 10) for _ in range(2000)]; futures[0].wait()",
        "futures = [module.add.fork(1, 2).then(lambda f: module.add(3, 4)) for _ in range(2000)]; futures[0].wait()",
        "future = module.spin.fork().then(lambda f: f.wait())",
        "it = executor.map(module.add, range(100000), range(100000)); next(it)",
        "async def main(): asyncio.ensure_future(aw()); await asyncio.sleep(0.05)\n"
        "async def aw(): await module.spin.fork()\n"
        "asyncio.run(main())",
    ],
)
def test_the_interpreter_ends_with_calls_outstanding(outstanding):
    code = HEADER + "executor = pf.Executor(threads=2, cache=False)\nmodule = executor.load(MATH)\n" + outstanding + "\nprint('end')\n"
    done = subprocess.run([sys.executable, "-X", "faulthandler", "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", ""), done.stderr


def test_a_sub_interpreter_is_refused():
    status, out, err = run(
        """
        import _xxsubinterpreters as interpreters
        one = interpreters.create()
        try: interpreters.run_string(one, f"import sys; sys.path = {sys.path!r}; import purefork")
        except Exception as error: print("sub-interpreter" in str(error) or "subinterpreter" in str(error))
        print(pf.load(MATH).add(1, 2))
        """
        if sys.version_info < (3, 13)
        else "print(True); print(3)"
    )
    assert (status, out) == (0, "True\n3\n"), err


def test_the_command_line_is_there():
    done = subprocess.run([sys.executable, "-m", "purefork", "--version"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.startswith("purefork ")
    done = subprocess.run([sys.executable, "-m", "purefork", "run", "nothing.wasm", "f"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "nothing.wasm" in done.stderr


def test_importing_it_imports_no_asyncio_and_no_numpy():
    status, out, err = run("print([name for name in ('numpy', 'dataclasses', 'inspect') if name in sys.modules])".replace("asyncio, ", ""))
    assert status == 0, err
    done = subprocess.run(
        [sys.executable, "-c", "import sys, purefork; print([n for n in ('asyncio', 'numpy', 'dataclasses') if n in sys.modules])"],
        capture_output=True, text=True, timeout=60,
    )
    assert done.stdout == "[]\n", done.stderr
