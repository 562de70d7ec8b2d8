"""What Python costs: one replay over the same in C, and all events through columns.

usage: bench_python.py [EVENTS]      (needs numpy and torch; EVREPLAY_LIBRARY and EVREPLAY_BRIDGE as for the tests)

Goals: a call at most 2 µs over C, 200,000 events through columns within 10 ms. Best of several rounds, for the machine is shared.
"""
import json
import sys
import time

import numpy

import evreplay


def best(function, rounds, count=1):
    """Seconds of the processor for one call, in the best round: other programs wait their turn, and so does this one."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(count):
            function()
        times.append((time.process_time() - start) / count)
    return min(times)


def call_text(uid):
    args = {"Input Dims": [[4, 4], [4, 4], []], "Input type": ["float", "float", "Scalar"], "Input Strides": [[4, 1], [4, 1], []],
            "Concrete Inputs": ["", "", "1"]}  # fmt: skip
    name = ("aten::add", "aten::mul", "aten::sub")[uid % 3]
    return {"ph": "X", "cat": "cpu_op", "name": name, "pid": 1, "tid": 1, "ts": uid * 10, "dur": 5, "args": args}


def bench_run():
    trace = evreplay.Trace.open(json.dumps([call_text(0)]).encode())
    replayer = evreplay.Runtime().replayer(trace.record(0))
    replayer.run()
    count = 5000
    rounds = [(best(lambda: replayer.run_many(count), 1) / count, best(replayer.run, 1, count)) for _ in range(100)]
    in_c, in_python = min(c for c, _ in rounds), min(p for _, p in rounds)
    print(f"run: {in_python * 1e6:.2f} us from Python, {in_c * 1e6:.2f} us in C, {(in_python - in_c) * 1e6:.2f} us over it (goal: 2)")


def every_event(trace):
    """Starts, durations and names of all events, and time by name."""
    starts, durations, names = trace.starts, trace.durations, trace.name_ids
    by_name = numpy.bincount(names, weights=durations, minlength=len(trace.names))
    return int(starts.min()), int((starts + durations).max()), dict(zip(trace.names, by_name))


def bench_columns(count):
    trace = evreplay.Trace.open(json.dumps([call_text(i) for i in range(count)]).encode())
    seconds = best(lambda: every_event(trace), 20)
    start, end, by_name = every_event(trace)
    assert (start, end, sum(by_name.values())) == (0, (count - 1) * 10000 + 5000, count * 5000)
    print(f"columns: {seconds * 1e3:.2f} ms for {count:,} events (goal: 10 ms for 200,000)")
    seconds = best(lambda: sum(one.duration_ns for one in trace), 1)
    print(f"event by event: {seconds / count * 1e6:.2f} us for one")


if __name__ == "__main__":
    bench_run()
    bench_columns(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
