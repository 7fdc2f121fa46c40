#!/usr/bin/env python3
"""Runs purefork's figures and those of every peer that is installed, and prints one table.

Each peer is a script in this folder that prints one JSON object; one whose package is not there exits with 3 and says
how to install it. purefork is measured before and after the peers, so that a drift of the machine's speed shows.
"""

import argparse
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
NOT_INSTALLED = 3
CARGO = os.environ.get("CARGO", "cargo")
FIGURES = [CARGO, "bench", "-q", "-p", "purefork", "--bench", "figures"]
# Rows from purefork's own figures: name, crate, isolation, and the names of the two figures.
OWN = ("purefork", "purefork", "as if fresh", "batch, purefork", "round trip, purefork")
OWN_MEMORY = ("purefork, with a memory, 1 thread", "purefork", "as if fresh", None, "fresh, purefork")
FLOORS = [
    ("Rust, crossbeam-channel", "crossbeam-channel", "none", "batch, channel", "round trip, channel"),
    ("Rust, rayon", "rayon", "none", "batch, rayon", None),
]
KEYS = ("batch_us", "trip_us")
PEERS = [
    ["torch_fork.py"],
    ["thread_pool.py"],
    ["process_pool.py", "--multiprocessing"],
    ["process_pool.py"],
    ["ray_tasks.py", "--actors"],
    ["ray_tasks.py"],
    ["extism_plugin.py"],
    ["extism_plugin.py", "--fresh"],
    ["wasmtime_fresh.py"],
    ["wasmtime_fresh.py", "--memory"],
    ["node_fresh.mjs"],
    ["node_fresh.mjs", "--memory"],
    ["piscina.mjs"],
    ["piscina.mjs", "--memory"],
]
DRIFT = 1.25


def main():
    args = arguments()
    peers = [peer for peer in PEERS if not args.words or any(word in " ".join(peer) for word in args.words)]
    progress("building purefork's figures")
    subprocess.run(FIGURES + ["--no-run"], cwd=ROOT, check=True, stdout=sys.stderr)
    before = figures()
    results = {"measured": [], "missing": [], "failed": []}
    for peer in peers:
        progress(" ".join(peer))
        kind, result = measure(peer, args)
        results[kind].append(result)
    after = figures()
    if args.json:
        print(json.dumps({"machine": machine(), "before": before, "after": after, **results}, indent=2))
    else:
        show(before, after, **results)
    return 1 if results["failed"] else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("words", nargs="*", metavar="WORD", help="only the peers with it in their script or option")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--limit", type=float, default=180, metavar="SECONDS", help="time for each peer (default: 180)")
    parser.add_argument("--python", default=sys.executable, help="the Python that has the peers' packages")
    parser.add_argument("--node", default="node", help="the Node that runs the .mjs peers")
    return parser.parse_args()


def figures():
    progress("purefork")
    words = ["--", "--json", "batch", "trip", "fresh"]
    out = subprocess.run(FIGURES + words, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(out[out.index("{"):])


def measure(peer, args):
    """Runs a peer's script in a process group of its own, which ends with it or at the time limit."""
    script, *options = peer
    command = [args.python if script.endswith(".py") else args.node, str(HERE / script), *options]
    failed = {"name": " ".join(peer)}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        try:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True)
        except FileNotFoundError:
            return "missing", {**failed, "install": f"install {command[0]}"}
        try:
            code = child.wait(args.limit)
        except subprocess.TimeoutExpired:
            return "failed", {**failed, "why": f"not done after {args.limit:g} s"}
        finally:
            end(child)
        lines = text(out)
        if code in (0, NOT_INSTALLED) and lines:
            return "measured" if code == 0 else "missing", json.loads(lines[-1])
        # Node's last line is its version: the one that names the error says more.
        errors = text(err)
        named = [line for line in errors if "Error" in line.split(":", 1)[0]]
        return "failed", {**failed, "why": (named or errors or [f"exit code {code}"])[-1]}


def end(child):
    """Ends a peer and the workers that it started."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except AttributeError:  # no process groups on Windows
        child.kill()
    except (ProcessLookupError, PermissionError):
        pass
    child.wait()


def text(file):
    file.seek(0)
    return [line for line in file.read().splitlines() if line.strip()]


def machine():
    return f"{os.cpu_count()} CPUs, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def own(row, run):
    name, crate, isolation, batch, trip = row
    return {"name": name, "version": crate_version(crate), "isolation": isolation, "memory": row is OWN_MEMORY,
            "batch_n": 100_000 if batch else None, "batch_us": run.get(batch), "trip_us": run.get(trip)}


def crate_version(crate):
    """As Cargo.lock has it; nothing if it has several."""
    found = subprocess.run([CARGO, "pkgid", "-p", crate], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    return re.split("[@#]", found)[-1]


def show(before, after, measured, missing, failed):
    runs = [{**own(OWN, run), "name": f"purefork, {when}"} for run, when in [(before, "before"), (after, "after")]]
    memory = own(OWN_MEMORY, before)
    base = {key: sum(run[key] for run in runs) / 2 for key in KEYS}
    plain = runs + [own(row, before) for row in FLOORS] + ranked(measured, memory=False)
    print(f"\n{machine()}\n× is the ratio to purefork: the mean of before and after; with a memory, to that row\n")
    print_table([(plain, base), ([memory] + ranked(measured, memory=True), memory)])

    for key, what in zip(KEYS, ["batch", "fork + wait"]):
        low, high = sorted(run[key] for run in runs)
        if high > low * DRIFT:
            print(f"\nThe machine was not quiet: purefork's {what} took {low:.3f} and {high:.3f} µs. Run it again.")
    installs = {}
    for peer in missing:
        installs.setdefault(peer["install"], {})[peer["name"]] = None
    print_list("Not installed:", [(install, "; ".join(names)) for install, names in installs.items()])
    print_list("Failed:", [(peer["name"], peer["why"]) for peer in failed])


def ranked(rows, memory):
    return sorted((row for row in rows if row["memory"] == memory), key=lambda row: row["batch_us"])


def print_table(groups):
    """Groups of rows, each with what its rows are compared with, under one head."""
    head = ["", "version", "isolation", "batch of", "µs/call", "×", "µs/fork+wait", "×"]
    groups = [[cells(row, base) for row in rows] for rows, base in groups]
    widths = [max(map(len, column)) for column in zip(head, *(line for group in groups for line in group))]
    rule = ["─" * width for width in widths]
    for line in [head] + [line for group in groups for line in [rule] + group]:
        words = [cell.ljust(width) for cell, width in zip(line[:3], widths)]
        numbers = [cell.rjust(width) for cell, width in zip(line[3:], widths[3:])]
        print("  ".join(words + numbers))


def cells(row, base):
    line = [row["name"], row["version"], row["isolation"], f"{row['batch_n']:,}" if row["batch_n"] else "–"]
    for key in KEYS:
        compared = row[key] and base[key]
        line += [number(row[key]), number(row[key] / base[key] if compared else None)]
    return line


def print_list(title, lines):
    if lines:
        width = max(len(left) for left, _ in lines)
        print("\n" + "\n".join([title] + [f"  {left.ljust(width)}  {right}" for left, right in lines]))


def number(value):
    """Three digits that count."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def progress(what):
    print(f"… {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
