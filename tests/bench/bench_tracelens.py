#!/usr/bin/env python3
"""Beside TraceLens' EventReplay, in one run: of which calls of a trace each makes a record, which of these run on the CPU, which records are equal, and what one costs.

usage: bench_tracelens.py TRACELENS TRACE… [--max-bytes B] [--seconds S] [--json FILE]

TRACELENS is the folder `TraceLens` of a checkout of it; its EventReplay needs torch alone. EVREPLAY_LIBRARY and EVREPLAY_BRIDGE as for the tests.

Both are asked for the same calls: those with arguments, once for each combination of name and arguments. Each runs in a process of its own, forked from one that has
loaded everything, so that a crash or a hang of either costs that call. Calls whose tensors are larger than B, and those that neither ends in S seconds, are
left out of the second count. Records are timed without torch's tensors (`lazy=True`), the least of three rounds, each in a new extractor.
"""
import argparse
import collections
import gzip
import importlib
import json
import os
import pathlib
import signal
import sys
import time
import types
import warnings

import torch

import evreplay

SAID = 120  # bytes of a message, less than a pipe holds


def event_replayer(folder):
    """Their class, without what the rest of their package needs."""
    package = types.ModuleType("TraceLens")
    package.__path__ = [str(folder)]
    sys.modules["TraceLens"] = package
    return importlib.import_module("TraceLens.EventReplay.event_replay").EventReplayer


def unique_calls(path):
    """(uid, event) of every call with arguments, once for each combination."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as file:
        recorded = json.load(file)
    seen = {}
    for uid, event in enumerate(recorded["traceEvents"]):
        args = event.get("args", {})
        if event.get("cat") in ("cpu_op", "Operator", "operator") and args.get("Input type"):
            key = json.dumps([event["name"], *(args.get(part) for part in ("Input Dims", "Input type", "Input Strides", "Concrete Inputs"))])
            seen.setdefault(key, (uid, event))
    return list(seen.values())


def attempt(function, seconds):
    """"" when it ended well in a process of its own, else what became of it. A group of its own makes sure that nothing of it stays."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.setpgid(0, 0)
        said = b""
        try:
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, 1)
            os.dup2(sink, 2)
            function()
        except BaseException as error:
            said = f"{type(error).__name__}: {error}".encode(errors="replace")[:SAID] or b"?"
        os.write(write, said)
        os._exit(0)
    os.close(write)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        said = os.read(read, SAID).decode(errors="replace")
    except TimeoutError:
        said = "timeout"
        os.kill(child, signal.SIGKILL)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        os.close(read)
    _, status = os.waitpid(child, 0)
    return said or (f"crashed: signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "")


def ring(*_):
    raise TimeoutError


def records_of(make, calls):
    """What each call gives, by place, and seconds for all: the least of three rounds."""
    best, made = float("inf"), {}
    for _ in range(3):
        one, start = make(), time.process_time()
        made = {place: record for place, (uid, event) in enumerate(calls) if (record := one(uid, event)) is not None}
        best = min(best, time.process_time() - start)
    return made, best


def compare(path, EventReplayer, options):
    trace, calls = evreplay.Trace.open(path), unique_calls(path)

    def theirs():
        def make(_, event):
            try:
                return EventReplayer(event, lazy=True).get_repro_info()
            except Exception:
                return None

        return make

    def ours():
        extractor = trace.extractor()

        def make(uid, _):
            record = extractor.record(uid)
            return record if record.status is evreplay.Outcome.OK else None

        return make

    found = collections.Counter(calls=len(calls))
    (their_records, their_seconds), (our_records, our_seconds) = records_of(theirs, calls), records_of(ours, calls)
    found.update(their_records=len(their_records), our_records=len(our_records), both=len(their_records.keys() & our_records.keys()))
    found.update(equal=sum(as_theirs(our_records[place]) == json.loads(json.dumps(their_records[place])) for place in their_records.keys() & our_records.keys()))
    why = {"theirs": collections.Counter(), "ours": collections.Counter()}
    for place, (_, event) in enumerate(calls):
        record = our_records.get(place)
        if record and record_bytes(record) > options.max_bytes:
            found["left_out"] += 1
            continue
        end = {
            "theirs": attempt(lambda: EventReplayer(event, device="cpu").replay(), options.seconds),
            "ours": attempt(lambda: evreplay.Runtime("cpu").replayer(record).run(), options.seconds) if record else "no record",
        }
        if set(end.values()) == {"timeout"}:
            found["left_out"] += 1
            continue
        found["asked"] += 1
        for side, said in end.items():
            found[f"{side}_ran"] += not said
            if said:
                why[side][f"{event['name']}: {said.splitlines()[0]}"] += 1
    return {"trace": path.name.split(".")[0], **found, "their_us": their_seconds / max(1, len(calls)) * 1e6, "our_us": our_seconds / max(1, len(calls)) * 1e6,
            "why": {side: counted.most_common(8) for side, counted in why.items()}}  # fmt: skip


def as_theirs(record):
    """A record as TraceLens writes it, less what it has no place for."""
    made = json.loads(evreplay.write_records([record], "tracelens"))[0]
    return {key: made[key] for key in ("op_name", "replay_ir")}


def record_bytes(record):
    """Of all its tensors, as elements of eight bytes: more than they are, for all types but complex ones."""
    def of(value):
        if isinstance(value, (list, tuple)):
            return sum(map(of, value))
        count = 8
        for size in getattr(value, "shape", None) or ():
            count *= max(1, size)
        return count

    return sum(of(arg.value) for arg in record.args)


def share(part, whole):
    return f"{part:,} ({part / whole:.1%})" if whole else "–"


def table(rows):
    whole = collections.Counter()
    for row in rows:
        whole.update({key: value for key, value in row.items() if isinstance(value, int)})
    lines = ["| trace | calls | records: TraceLens | evreplay | asked to run | ran: TraceLens | evreplay | µs a call: TraceLens | evreplay |", "| --- " * 9 + "|"]
    for row in [*rows, {"trace": "all", **whole}]:
        cost = [f"{row[key]:,.0f}" if key in row else "" for key in ("their_us", "our_us")]
        counts = [share(row.get(key, 0), row["calls"]) for key in ("their_records", "our_records")]
        ran = [share(row.get(key, 0), row.get("asked", 0)) for key in ("theirs_ran", "ours_ran")]
        lines.append("| " + " | ".join([row["trace"], f"{row['calls']:,}", *counts, f"{row.get('asked', 0):,}", *ran, *cost]) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tracelens", type=pathlib.Path)
    parser.add_argument("traces", nargs="+", type=pathlib.Path)
    parser.add_argument("--max-bytes", type=float, default=5e8)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, ring)
    torch.set_num_threads(1)  # a process with threads of OpenMP cannot be forked
    warnings.simplefilter("ignore")
    EventReplayer, rows = event_replayer(options.tracelens), []
    for path in options.traces:
        rows.append(compare(path, EventReplayer, options))
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
        if options.json:
            options.json.write_text(json.dumps(rows, indent=1))
    print(f"torch {torch.__version__}, tensors of at most {options.max_bytes:,.0f} bytes, {options.seconds:g} s a call\n")
    print(table(rows))
    print(f"\nrecords that both make: {sum(row['both'] for row in rows):,}, equal in every name, type and value: {sum(row['equal'] for row in rows):,}")


if __name__ == "__main__":
    main()
