#!/usr/bin/env python3
"""What isolation costs, and what 25 poisoned records among 500 cost the others.

usage: bench_batch.py [--runs N] [--sizes N...] EVREPLAY OPERATORS.so     (the operators of tests/replay/ops)

The bar: the poisoned batch takes no more than 1.5 times the clean one and what its timeouts are. Two kinds of clean batch are looked at: records of no work at all, where
the start of the first worker is nearly all there is, and records with enough work for a few seconds.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

GOOD = ["abs", "neg", "exp", "sin", "relu", "sigmoid", "tanh", "floor"]
POISON = {  # what becomes of each
    "crash": "crashed",
    "abort": "crashed",
    "exit": "crashed",
    "refuse": "op-error",
    "hang": "timeout",
    "reserve": "too-large",
    "wrong_device": "op-error",
}
BAR, TIMEOUT = 1.5, 2


def record(op, name, size):
    tensor = {"shape": [size], "dtype": "float", "strides": [1], "init": "normal"}
    return {"op_name": op, "replay_ir": {"list_pos_args": [{"arg_name": name, "arg_type": "Tensor", "value": tensor}], "list_kwargs": []}}


def batch(size):
    good = [record(f"aten::{GOOD[i % len(GOOD)]}", "self", size + i) for i in range(475)]
    mixed, kinds = list(good), list(POISON)
    for i in range(25):
        mixed.insert(i * 19 + 7, record(f"evrpoison::{kinds[i % len(kinds)]}", "x", 3))
    return good, mixed


def run(program, records, *options):
    with tempfile.TemporaryDirectory() as folder:
        what, out = pathlib.Path(folder) / "in.json", pathlib.Path(folder) / "out.json"
        what.write_text(json.dumps(records))
        begun = time.monotonic()
        subprocess.run([program, "replay", what, "--json", out, *map(str, options)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return time.monotonic() - begun, json.loads(out.read_text())["results"]


def least(runs, *what):
    return min((run(*what) for _ in range(runs)), key=lambda r: r[0])


def isolation(program, runs, load):
    good, _ = batch(1)
    here, isolated = least(runs, program, good, *load)[0], least(runs, program, good, "--isolate", *load)[0]
    one = least(runs, program, good[:1], "--isolate", *load)[0] - least(runs, program, good[:1], *load)[0]
    each = (isolated - here - one) / len(good) * 1e3
    print(f"475 records: {here:.2f} s here, {isolated:.2f} s isolated, of which {one:.2f} s to start workers: {each:.3f} ms a record (bar 2 ms)")
    return each <= 2


def poisoned(program, runs, size, load):
    good, mixed = batch(size)
    clean_wall, clean = least(runs, program, good, "--isolate", *load)
    wall, rows = least(runs, program, mixed, "--isolate", "--timeout", TIMEOUT, *load)
    bad = [r for r in rows if r["op"].startswith("evrpoison")]
    fine = [r for r in rows if r["op"].startswith("aten")]
    same = sum((a["key"], a["status"]) == (b["key"], b["status"]) for a, b in zip(fine, clean, strict=True))
    named = sum(r["reason"] == POISON[r["op"].split("::")[1]] for r in bad)
    hangs = sum(r["reason"] == "timeout" for r in bad)
    less = wall - hangs * TIMEOUT
    print(f"500 records of about {size} numbers, 25 poisoned: {same} of 475 as without, {named} of 25 named; clean {clean_wall:.2f} s, poisoned {wall:.2f} s, "
          f"less {hangs} timeouts of {TIMEOUT} s {less:.2f} s: {less / clean_wall:.2f} times (bar {BAR}), {(less - clean_wall) / 25 * 1e3:.0f} ms a poison")
    return same == 475 and named == 25 and less <= BAR * clean_wall


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("operators")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1, 500_000, 2_000_000])
    o = parser.parse_args()
    load = ("--import", f"evrpoison={o.operators}")
    good = [isolation(o.program, o.runs, load)] + [poisoned(o.program, o.runs, size, load) for size in o.sizes]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
