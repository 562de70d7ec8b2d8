#!/usr/bin/env python3
"""Values that a profiler wrote down are taken out of its traces, as older ones would have left them; what is inferred then has to be what was there.

usage: check_inference.py EVREPLAY CORPUS_FOLDER

Twice: without any values, as before PyTorch 2.0, and without lists, as some builds between; without strides both times. Rules that say of themselves that they assume
something are counted, and judged by nothing: they have no more to go by.
"""
import collections
import json
import pathlib
import sys
import tempfile

import corpus

LEAST_RIGHT = 0.99
ASSUMED = ("assumed", "makes the same work", "make the same work")


def without_values(args):
    return {k: v for k, v in args.items() if k not in ("Concrete Inputs", "Input Strides")}


def without_lists(args):
    types = ["" if t == "ScalarList" else t for t in args.get("Input type", [])]
    values = ["" if v.startswith("[") else v for v in args["Concrete Inputs"]]
    return {**{k: v for k, v in args.items() if k != "Input Strides"}, "Input type": types, "Concrete Inputs": values}


def records_of(program, trace):
    text = corpus.command(program, "extract", trace, "--format", "evreplay", exit_codes=(0, 1))
    return {r["uid"]: r for r in json.loads(text)["records"]}


def same(name, recorded, inferred, record):
    if name.startswith("dim") and isinstance(recorded, int) and recorded < 0:
        shape = record["args"][0]["value"]["tensor"]["shape"]
        recorded += max(len(shape), 1)
    return recorded == inferred


def compare(recorded, inferred, counts, wrong):
    """Arguments that a rule found, by rule: [right, wrong]."""
    for uid, r in inferred.items():
        before = recorded.get(uid, {})
        arguments = list(zip(before.get("args", []), r.get("args", []), strict=False))
        if before.get("status") != "ok" or before.get("overload") != r.get("overload") or len(arguments) != len(before.get("args", [])):
            continue
        for a, b in arguments:
            if b.get("from") != "rule" or a.get("from", "trace") != "trace":
                continue
            good = same(a["name"], a["value"], b["value"], before)
            counts[b["note"]][not good] += 1
            if not good:
                wrong.append(f"event {uid} ({r['op']}): {a['name']} was {json.dumps(a['value'])}, inferred {json.dumps(b['value'])}: {b['note']}")


def main(program, folder):
    files = corpus.traces(folder)
    if not files:
        print(f"skipped: the corpus of real traces is not at {folder}")
        return 77
    counts, wrong = collections.defaultdict(lambda: [0, 0]), []
    with tempfile.TemporaryDirectory() as scratch:
        stripped = pathlib.Path(scratch, "stripped.json")
        for trace in files:
            events = corpus.events_of(trace)
            if not any("Concrete Inputs" in e.get("args", {}) for e in events):
                continue
            recorded = records_of(program, trace)
            for strip in (without_values, without_lists):
                changed = [{**e, "args": strip(e["args"])} if "Concrete Inputs" in e.get("args", {}) else e for e in events]
                stripped.write_text(json.dumps({"traceEvents": changed}))
                compare(recorded, records_of(program, stripped), counts, wrong)
    told = [0, 0]
    print("| rule | right | otherwise |\n| --- | --- | --- |")
    for note, (right, other) in sorted(counts.items(), key=lambda c: -sum(c[1])):
        print(f"| {note} | {right:,} | {other:,} |")
        if not any(word in note for word in ASSUMED):
            told = [told[0] + right, told[1] + other]
    wrong = [w for w in wrong if not any(word in w for word in ASSUMED)]
    print("".join(f"    {w}\n" for w in wrong[:20]) + f"told by shapes and events around the call: {told[0]} right, {told[1]} wrong")
    if not sum(told):
        print("no trace holds values: nothing was checked")
    return not sum(told) or told[0] < LEAST_RIGHT * sum(told)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
