#!/usr/bin/env python3
"""Runs purefork's figures and those of every peer that is installed, and prints one table.

Each peer is a script in this folder that prints one JSON object; one whose package is not there exits with 3 and says
how to install it. purefork is measured before and after the peers, so that a drift of the machine's speed shows.
"""

import argparse
import json
import os
import platform
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
# Rows from purefork's own figures: name, version, isolation, and the names of the two figures.
OWN = ("purefork", "", "as if fresh", "batch, purefork", "round trip, purefork")
OWN_MEMORY = ("purefork, with a memory", "", "as if fresh", None, "fresh, purefork")
FLOORS = [
    ("Rust, crossbeam-channel", "", "none", "batch, channel", "round trip, channel"),
    ("Rust, rayon", "", "none", "batch, rayon", None),
]
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
    parser.add_argument("words", nargs="*", metavar="WORD", help="only the peers whose script or option has it in its name")
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
    except ProcessLookupError:
        pass
    child.wait()


def text(file):
    file.seek(0)
    return [line for line in file.read().splitlines() if line.strip()]


def machine():
    return f"{os.cpu_count()} CPUs, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def own(row, run):
    name, version, isolation, batch, trip = row
    return {"name": name, "version": version, "isolation": isolation,
            "batch_us": run.get(batch), "trip_us": run.get(trip), "batch_n": 100_000 if batch else None}


def show(before, after, measured, missing, failed):
    base = {key: (own(OWN, before)[key] + own(OWN, after)[key]) / 2 for key in ("batch_us", "trip_us")}
    rows = [{**own(OWN, run), "name": f"purefork, {when}"} for run, when in [(before, "before"), (after, "after")]]
    rows += [row for row in [own(OWN_MEMORY, before), *(own(row, before) for row in FLOORS)]
             if row["batch_us"] or row["trip_us"]]
    rows += sorted(measured, key=lambda row: row["batch_us"])

    lines = [["", "version", "isolation", "batch of", "µs/call", "×", "µs/fork+wait", "×"]]
    for row in rows:
        line = [row["name"], row["version"], row["isolation"], f"{row['batch_n']:,}" if row["batch_n"] else "–"]
        for key in ("batch_us", "trip_us"):
            line += [number(row[key]), number(row[key] and row[key] / base[key])]
        lines.append(line)
    widths = [max(map(len, column)) for column in zip(*lines)]
    lines.insert(1, ["─" * width for width in widths])
    print(f"\n{machine()}; × is the ratio to purefork, the mean of before and after\n")
    for line in lines:
        cells = [cell.ljust(width) if i < 3 else cell.rjust(width) for i, (cell, width) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip())

    for key, what in [("batch_us", "batch"), ("trip_us", "fork + wait")]:
        low, high = sorted(own(OWN, run)[key] for run in (before, after))
        if high > low * DRIFT:
            print(f"\nThe machine was not quiet: purefork's {what} took {low:.3f} µs and {high:.3f} µs. Run it again.")
    for title, lines in [
        ("Not installed:", [(peer["name"], peer["install"]) for peer in missing]),
        ("Failed:", [(peer["name"], peer["why"]) for peer in failed]),
    ]:
        if lines:
            width = max(len(name) for name, _ in lines)
            print("\n" + "\n".join([title] + [f"  {name.ljust(width)}  {rest}" for name, rest in lines]))


def number(value):
    """Three digits that count."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def progress(what):
    print(f"… {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
