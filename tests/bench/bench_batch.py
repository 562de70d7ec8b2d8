#!/usr/bin/env python3
"""What isolation costs, and what 25 poisoned records among 500 cost the others.

usage: bench_batch.py EVREPLAY OPERATORS.so     (the operators of tests/replay/ops)
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import time

GOOD = ["abs", "neg", "exp", "sin", "relu", "sigmoid", "tanh", "floor"]
POISON = ["crash", "abort", "exit", "refuse", "hang"]
TIMEOUT = 2


def record(op, name, size):
    return {"op_name": op, "replay_ir": {"list_pos_args": [{"arg_name": name, "arg_type": "Tensor", "value": {"shape": [size], "dtype": "float", "strides": [1], "init": "normal"}}],
                                         "list_kwargs": []}}


def run(program, records, *options):
    with tempfile.TemporaryDirectory() as folder:
        what, out = pathlib.Path(folder) / "in.json", pathlib.Path(folder) / "out.json"
        what.write_text(json.dumps(records))
        begun = time.monotonic()
        subprocess.run([program, "replay", what, "--json", out, *map(str, options)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return time.monotonic() - begun, json.loads(out.read_text())["results"]


def main(program, operators):
    good = [record(f"aten::{GOOD[i % len(GOOD)]}", "self", i + 1) for i in range(475)]
    mixed = list(good)
    for i in range(25):
        mixed.insert(i * 19 + 7, record(f"evrpoison::{POISON[i % len(POISON)]}", "x", 3))
    load = ("--import", f"evrpoison={operators}")
    here = min(run(program, good, *load)[0] for _ in range(3))
    isolated = min(run(program, good, "--isolate", *load)[0] for _ in range(3))
    one = min(run(program, good[:1], "--isolate", *load)[0] for _ in range(3)) - min(run(program, good[:1], *load)[0] for _ in range(3))
    print(f"475 records: {here:.2f} s here, {isolated:.2f} s isolated, of which {one:.2f} s to start a worker: {(isolated - here - one) / 475 * 1e3:.3f} ms a record (bar 2 ms)")
    _, clean = run(program, good, "--isolate", *load)
    wall, rows = run(program, mixed, "--isolate", "--timeout", TIMEOUT, *load)
    bad = [r for r in rows if r["op"].startswith("evrpoison")]
    fine = [r for r in rows if r["op"].startswith("aten")]
    same = sum((a["key"], a["status"]) == (b["key"], b["status"]) for a, b in zip(fine, clean, strict=True))
    named = sum(r["reason"] == {"refuse": "op-error", "hang": "timeout"}.get(r["op"].split("::")[1], "crashed") for r in bad)
    hangs = sum(r["reason"] == "timeout" for r in bad)
    print(f"500 records, 25 of them poisoned: {same} of 475 as without, {named} of 25 named; {wall:.2f} s, less {hangs} timeouts of {TIMEOUT} s {wall - hangs * TIMEOUT:.2f} s")
    return 0 if same == 475 and named == 25 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
