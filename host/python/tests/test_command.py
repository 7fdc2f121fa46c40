"""The command line in Python's process: what it reads and writes, its exit codes, and Ctrl-C."""

import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import ROOT, SLOW

ADD = str(ROOT / "examples/add.wat")


def command(*words, stdin=None, **options):
    return subprocess.run([sys.executable, "-m", "purefork", *words], input=stdin, capture_output=True, text=True, timeout=120, **options)


def test_rows_of_csv_and_ndjson_are_mapped(tmp_path):
    rows = tmp_path / "rows.csv"
    rows.write_text("a,b\n1,2\n3,4\n")
    done = command("map", "-q", ADD, "add", str(rows))
    assert (done.returncode, done.stdout, done.stderr) == (0, "add\n3\n7\n", "")
    done = command("map", "-q", ADD, "add", stdin='{"a":1,"b":2}\n{"a":5,"b":6}\n')
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n11\n", "")
    out = tmp_path / "out.ndjson"
    done = command("map", "-q", ADD, "add", str(rows), "-o", str(out), "--into", "sum")
    assert (done.returncode, done.stdout, out.read_text()) == (0, "", '{"a":1,"b":2,"sum":3}\n{"a":3,"b":4,"sum":7}\n')


def test_the_exit_code_is_that_of_the_binary(tmp_path):
    done = command("map", "-q", ADD, "div", stdin='{"a":1,"b":0}\n')
    assert done.returncode == 1 and "integer divide by zero" in done.stderr
    assert command("map", ADD, "nothing", stdin="").returncode == 2
    impure = tmp_path / "impure.wat"
    impure.write_text('(module (import "env" "now" (func $now (result i64))) (func (export "f") (result i64) (call $now)))')
    assert command("run", str(impure), "f").returncode == 3
    # The formats of Arrow are another binary's.
    done = command("map", ADD, "add", str(tmp_path / "rows.parquet"))
    assert done.returncode == 2 and "`parquet` is a format of the binary `purefork-arrow`" in done.stderr


def test_a_reader_that_has_enough_ends_a_map(tmp_path):
    rows = tmp_path / "rows.ndjson"
    rows.write_text('{"a":1,"b":2}\n' * 200_000)
    with subprocess.Popen([sys.executable, "-m", "purefork", "map", "-q", ADD, "add", str(rows)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"3\n"
        process.stdout.close()
        assert process.wait(timeout=120) == 0 and process.stderr.read() == b""


@pytest.mark.skipif(os.name == "nt", reason="of Unix")
def test_standard_files_that_are_closed_are_nobody_elses(tmp_path):
    rows = tmp_path / "rows.csv"
    rows.write_text("a,b\n1,2\n")
    done = command("map", "-q", ADD, "add", str(rows), preexec_fn=lambda: os.close(1))
    assert (done.returncode, done.stderr, rows.read_text()) == (0, "", "a,b\n1,2\n")
    done = command("map", "-q", ADD, "add", preexec_fn=lambda: os.close(0))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(os.name == "nt", reason="of Unix")
@pytest.mark.parametrize("verb", ["map", "run"])
def test_ctrl_c_ends_the_command(tmp_path, verb):
    module, rows, out = tmp_path / "slow.wat", tmp_path / "rows.ndjson", tmp_path / "out.ndjson"
    module.write_text(SLOW)
    # A row that ends, and one that does not.
    rows.write_text('{"n":1}\n{"n":-1}\n')
    words = {
        "map": ["map", str(module), "slow", str(rows), "-o", str(out), "--threads", "1"],
        "run": ["run", str(module), "slow", "--", "-1"],
    }
    with subprocess.Popen([sys.executable, "-m", "purefork", *words[verb]], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        # It is there once it has had processor time for a while: it is interrupted again and again until it ends.
        ended = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < ended:
            used = sum(map(int, open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()[11:13])) if os.path.exists("/proc") else 1000
            if used > 150:
                process.send_signal(signal.SIGINT)
                break
            time.sleep(0.05)
        _, errors = process.communicate(timeout=60)
    assert b"Traceback" not in errors, errors
    if verb == "map":
        assert process.returncode == 130 and b"interrupted" in errors and not out.exists()
    else:
        assert process.returncode == -signal.SIGINT
