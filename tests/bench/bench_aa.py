#!/usr/bin/env python3
"""How often `evreplay compare` calls a regression between two runs of the same program, and how often it finds one that is there.

usage: bench_aa.py [--pairs N] [--visits N] [--precision P] EVREPLAY

Takes 40 small operators of the CPU, one thread, and times them in 2 N runs of several visits each, every round of visits in a new process. Run 2k is compared with run 2k+1, alternately
the earlier as base and the later: any regression between the two is false. Then the times of each operator of the newer run, one after the other, are made 5 % longer, which is to be
found where its noise is 2 % at the most: by the middle half of what its visits differ from their run's median by, over all runs.
The machine has to be quiet; a pair takes a minute with 12 visits.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

UNARY = ["abs", "neg", "exp", "sin", "relu", "sigmoid", "tanh", "floor", "sqrt", "cos", "log1p", "erf", "rsqrt", "square"]
BINARY = ["add", "mul", "div", "maximum"]
SLOWER, NOISE, BAR_FALSE, BAR_FOUND = 1.05, 0.02, 5, 95


def tensor(name, shape):
    strides = [1] * len(shape)
    for i in range(len(shape) - 1, 0, -1):
        strides[i - 1] = strides[i] * shape[i]
    return {"arg_name": name, "arg_type": "Tensor", "value": {"shape": shape, "dtype": "float", "strides": strides, "init": "normal"}}


def record(op, *tensors):
    return {"op_name": f"aten::{op}", "replay_ir": {"list_pos_args": list(tensors), "list_kwargs": []}}


def records():
    out = [record(op, tensor("self", [n])) for op in UNARY for n in (4096, 40000)]
    out += [record(op, tensor("self", [n]), tensor("other", [n])) for op in BINARY for n in (8192, 60000)]
    return out + [record("mm", tensor("self", [n, n]), tensor("mat2", [n, n])) for n in (32, 64, 96, 128)]


def bench(program, what, out, o):
    how = ["--visits", o.visits] + (["--isolate"] if o.visits > 1 else [])
    command = [program, "bench", what, "--threads", "1", "--samples", "--launch", "batch", "--precision", o.precision, "--json", out, *how]
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def compare(program, base, newer, folder):
    out = folder / "comparison.json"
    result = subprocess.run([program, "compare", base, newer, "--json", out], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if result.returncode not in (0, 3):
        sys.exit(result.stderr.decode())
    return json.loads(out.read_text())


def regressions(comparison):
    return [c for c in comparison["changes"] if c["change"] == "regression"]


def visits_of(row):
    return row.get("visits") or [row["statistics"]["median"]]


def noises(paths):
    """Of each operator, by the quartiles of what its visits differ from their run's median by."""
    apart = {}
    for path in paths:
        for row in json.loads(path.read_text())["results"]:
            visits = visits_of(row) if len(visits_of(row)) > 1 else row["samples"]
            middle = statistics.median(visits)
            apart.setdefault(row["key"], []).extend(x / middle - 1 for x in visits)
    quartiles = {key: statistics.quantiles(values, n=4) for key, values in apart.items()}
    return {key: (q[2] - q[0]) / 1.349 for key, q in quartiles.items()}


def slow_down(document, key, by, to):
    """The same results with one operator's times, and what was computed from them, longer."""
    document = json.loads(document)
    row = next(row for row in document["results"] if row["key"] == key)
    row["samples"] = [x * by for x in row["samples"]]
    if row.get("visits"):
        row["visits"] = [x * by for x in row["visits"]]
    for name in ("median", "median_low", "median_high", "q1", "q3", "mean", "min", "max", "mad", "iqr", "std"):
        if row["statistics"].get(name) is not None:
            row["statistics"][name] *= by
    to.write_text(json.dumps(document))


def found_in(o, base, newer, folder):
    """Of all operators, which are found when they are slower, one at a time."""
    text, slower = newer.read_text(), folder / "slower.json"
    keys, found = [row["key"] for row in json.loads(text)["results"]], set()
    for key in keys:
        slow_down(text, key, SLOWER, slower)
        if any(c["key"] == key for c in regressions(compare(o.program, base, slower, folder))):
            found.add(key)
    return keys, found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--visits", type=int, default=12, help="how often each run comes by each operator")
    parser.add_argument("--precision", type=float, default=0.01)
    parser.add_argument("--keep", help="folder for the results of all runs")
    o = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(o.keep or temporary)
        folder.mkdir(exist_ok=True)
        what = folder / "records.json"
        what.write_text(json.dumps(records()))
        runs = [folder / f"run-{i:03}.json" for i in range(2 * o.pairs)]
        for run in runs:
            if not (o.keep and run.exists()):
                bench(o.program, what, run, o)
        spent, noise = time.monotonic() - begun, noises(runs)
        false_pairs, planted, hits, all_hits = 0, 0, 0, 0
        for pair in range(o.pairs):
            base, newer = runs[2 * pair : 2 * pair + 2][:: 1 if pair % 2 == 0 else -1]
            wrong = regressions(compare(o.program, base, newer, folder))
            false_pairs += bool(wrong)
            for c in wrong:
                print(f"pair {pair}: {c['op']}({c['arguments']}) is called {100 * (c['ratio'] - 1):.1f} % slower, p {c['p_value']:.2g}; noise of its visits {100 * noise[c['key']]:.1f} %")
            keys, found = found_in(o, base, newer, folder)
            planted += sum(noise[key] <= NOISE for key in keys)
            hits += sum(noise[key] <= NOISE for key in found)
            all_hits += len(found)
    count, quiet = len(noise), sum(x <= NOISE for x in noise.values())
    false_part, found_part = 100 * false_pairs / o.pairs, 100 * hits / max(planted, 1)
    print(f"{count} operators, {2 * o.pairs} runs of {o.visits} visits in {spent:.0f} s, {o.pairs} pairs: a regression is called in {false_pairs} ({false_part:.0f} %, bar {BAR_FALSE} %); "
          f"{100 * (SLOWER - 1):.0f} % slower is found in {found_part:.1f} % of {planted} (bar {BAR_FOUND} %) of the {quiet} operators with {100 * NOISE:.0f} % noise or less, "
          f"and in {100 * all_hits / count / o.pairs:.0f} % of all")
    return 0 if false_part <= BAR_FALSE and planted and found_part >= BAR_FOUND else 1


if __name__ == "__main__":
    sys.exit(main())
