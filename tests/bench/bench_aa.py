#!/usr/bin/env python3
"""How often `evreplay compare` calls a regression between two runs of the same program, and how often it finds one that is there.

usage: bench_aa.py [--pairs N] [--precision P] [--rounds N] EVREPLAY

Takes 40 small operators of the CPU, one thread, and times them 2 N times, one process each. Run 2k is compared with run 2k+1, alternately the earlier as base and the later:
any regression between the two is false. Then the samples of one operator of the newer run, another in each pair, are made 5 % longer, which is to be found. Where either run timed that
operator while somebody else used the core, and says so, it cannot be: how many could is printed, too.
The machine has to be quiet; 20 pairs take from one minute to six, the longer the more it is shared.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

UNARY = ["abs", "neg", "exp", "sin", "relu", "sigmoid", "tanh", "floor", "sqrt", "cos", "log1p", "erf", "rsqrt", "square"]
BINARY = ["add", "mul", "div", "maximum"]
SLOWER, BAR_FALSE, BAR_FOUND = 1.05, 5, 95


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


def bench(program, what, out, precision):
    command = [program, "bench", what, "--threads", "1", "--samples", "--launch", "batch", "--precision", str(precision), "--json", out]
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def compare(program, base, newer, folder):
    out = folder / "comparison.json"
    result = subprocess.run([program, "compare", base, newer, "--json", out], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if result.returncode not in (0, 3):
        sys.exit(result.stderr.decode())
    return json.loads(out.read_text())


def regressions(comparison):
    return [c for c in comparison["changes"] if c["change"] == "regression"]


def undisturbed(path):
    """Operators that a run timed in peace, in one of its rounds at least."""
    return {row["key"] for row in json.loads(path.read_text())["results"] if not row["conditions"]["throttled"]}


def slow_down(path, index, by, to):
    """The same results with one operator's samples, and what was computed from them, longer."""
    document = json.loads(path.read_text())
    key = document["results"][index]["key"]
    for row in document["results"]:
        if row["key"] != key:
            continue
        row["samples"] = [x * by for x in row["samples"]]
        for name in ("median", "median_low", "median_high", "q1", "q3", "mean", "min", "max", "mad", "iqr", "std"):
            if row["statistics"].get(name) is not None:
                row["statistics"][name] *= by
    to.write_text(json.dumps(document))
    return key


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--precision", type=float, default=0.01)
    parser.add_argument("--rounds", type=int, default=1, help="how often each run comes by each operator")
    parser.add_argument("--keep", help="folder for the results of all runs")
    o = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(o.keep or temporary)
        folder.mkdir(exist_ok=True)
        what = folder / "records.json"
        what.write_text(json.dumps(records() * o.rounds))
        count, false_pairs, found, could, quiet = len(records()), 0, 0, 0, 0
        for pair in range(o.pairs):
            runs = [folder / f"run-{pair}-{half}.json" for half in "ab"]
            for run in runs:
                bench(o.program, what, run, o.precision)
            base, newer = runs if pair % 2 == 0 else runs[::-1]
            wrong = regressions(compare(o.program, base, newer, folder))
            false_pairs += bool(wrong)
            for c in wrong:
                print(f"pair {pair}: {json.dumps(c)[:300]}")
            key = slow_down(newer, pair * 7 % count, SLOWER, folder / "slower.json")
            hit = any(c["key"] == key for c in regressions(compare(o.program, base, folder / "slower.json", folder)))
            found += hit
            peaceful = undisturbed(runs[0]) & undisturbed(runs[1])
            findable = key in peaceful
            could += findable
            quiet += len(peaceful)
            if not hit and findable:
                print(f"pair {pair}: the slow-down of record {pair * 7 % count} was not found")
    false_part, found_part = 100 * false_pairs / o.pairs, 100 * found / max(could, 1)
    print(f"{count} operators, {o.pairs} pairs of runs in {time.monotonic() - begun:.0f} s: a regression is called in {false_pairs} ({false_part:.0f} %, bar {BAR_FALSE} %); "
          f"{100 * quiet / count / o.pairs:.0f} % of the matches were timed undisturbed; one operator 5 % slower is found in {found} of the {could} pairs that could show it "
          f"({found_part:.0f} %, bar {BAR_FOUND} %)")
    return 0 if false_part <= BAR_FALSE and could and found_part >= BAR_FOUND else 1


if __name__ == "__main__":
    sys.exit(main())
