#!/usr/bin/env python3
"""How much more a fleet of two workers does than one process, on a machine with two cores.

usage: bench_fleet.py [--records N] [--iterations N] [--rounds N] [--shard N] [--discard] EVREPLAY      (with a python that has Ray, PYTHONPATH on bindings/python)

Small single-threaded operators of the CPU, each record with a shape of its own, are timed under one protocol (a) by one process, (b) by two plain processes at the same
time, half of the records each, and (c) by two Ray nodes of one processor each. (b) is what the machine can give while others use it, too: its two cores are shared, so
figures count against it. Keys, statuses and protocols of all three have to be the same. Samples are kept when somebody else used the core, unless --discard
says otherwise: waiting for others is no throughput, and two workers of one machine can be the others.

What a place and a shard cost besides their records is told as time of the processors, which others do not change much: from it follows what two free cores would give.

The bar: the fleet does at least 1.7 times what the one process does.
"""
import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

BAR = 1.7
POINTWISE = ("exp", "sin", "tanh", "sigmoid", "log1p", "erf")


def tensor(name, *shape):
    strides = [shape[1], 1]
    return {"arg_name": name, "arg_type": "Tensor", "value": {"shape": list(shape), "dtype": "float", "strides": strides, "init": "normal"}}


def record(op, *arguments):
    return {"op_name": f"aten::{op}", "replay_ir": {"list_pos_args": list(arguments), "list_kwargs": []}}


def records(count):
    """0.2 to 2 ms each on a core of these days: every fourth multiplies, the others go once over their elements."""
    made = []
    for i in range(count):
        if i % 4 == 3:
            n = 160 + i % 97
            made.append(record("mm", tensor("self", n, 200 + i // 97), tensor("mat2", 200 + i // 97, n)))
        else:
            made.append(record(POINTWISE[i % len(POINTWISE)], tensor("self", 64 + i % 61, 2000 + i)))
    return made


def load():
    return " ".join(f"{x:.1f}" for x in os.getloadavg())


class Bench:
    def __init__(self, o, folder):
        self.program, self.folder, self.shard = str(pathlib.Path(o.program).resolve()), pathlib.Path(folder), o.shard
        self.options = ["--iterations", str(o.iterations), "--warmup", "3", "--launch", "single", "--threads", "1"]
        if not o.discard:
            _, (result,) = self.processes(self.write("one.json", records(1)))
            self.options = ["--protocol", result["protocol"].replace("throttle=discard", "throttle=keep"), "--threads", "1"]

    def write(self, name, what):
        path = self.folder / name
        path.write_text(json.dumps(what))
        return path

    def start(self, path):
        out = path.with_suffix(".out.json")
        out.unlink(missing_ok=True)
        return out, subprocess.Popen([self.program, "bench", path, "--json", out, *self.options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def processes(self, *paths):
        """Wall time of one process for each file, all at once, and their results together."""
        begun, results = time.monotonic(), []
        under_way = [self.start(path) for path in paths]
        for out, process in under_way:
            told = process.communicate()[1]
            if not out.exists():
                sys.exit(told.decode())
        wall = time.monotonic() - begun
        for out, _ in under_way:
            results += json.loads(out.read_text())["results"]
        return wall, results

    def fleet(self, path):
        """Wall times with and without the start of the cluster, and the results."""
        begun = time.monotonic()
        from evreplay import fleet

        import ray
        from ray.cluster_utils import Cluster

        nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        try:
            nodes.add_node(num_cpus=1)
            with fleet.Cluster(nodes.address) as cluster:
                started = time.monotonic()
                plan = fleet.plan([fleet.shard.extract(str(path))], size=self.shard, slots=cluster.slots)
                outcome, failures = fleet.run(plan, cluster, "bench", self.options)
                ended = time.monotonic()
        finally:
            ray.shutdown()
            nodes.shutdown()
        if failures:
            sys.exit(failures[0].reason)
        found = [result for document in fleet.merge(outcome) for result in document["results"]]
        return ended - begun, ended - started, len(plan.shards), found


def children_cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def of_empty_shards(document, bench, count):
    """Processor time of a place and of so many shards that have next to nothing to do."""
    from evreplay.fleet import shard

    before = children_cpu()
    for _ in range(count):
        shard.run_shard("bench", document, bench.options)
    if shard._seat:
        shard._seat.close()  # its time is known when it is over
        shard._seat = None
    return children_cpu() - before


def on_free_cores(path, bench, alone, shards):
    """What a place takes by itself, what a shard takes there, and how many times one process two workers would do: by processor time."""
    from evreplay.fleet import shard

    document, more = shard.extract(str(path)), 8
    first = of_empty_shards(document, bench, 1)
    each = (of_empty_shards(document, bench, 1 + more) - first) / more
    return first - each, each, 2 * alone / (alone + 2 * (first - each + -(-shards // 2) * each))


def same(one, other):
    def told(results):
        return sorted((r["key"], r["status"], r["reason"], r.get("protocol")) for r in results)

    return told(one) == told(other)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--records", type=int, default=2000)
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--shard", type=int, default=0, help="records of a shard; 0 = as the fleet chooses")
    parser.add_argument("--discard", action="store_true", help="take samples again that others disturbed, as a measurement does by default")
    o = parser.parse_args()
    os.environ["EVREPLAY_PROGRAM"] = str(pathlib.Path(o.program).resolve())
    good, best = True, 0.0
    with tempfile.TemporaryDirectory() as folder:
        bench, what = Bench(o, folder), records(o.records)
        whole, halves = bench.write("all.json", what), [bench.write(f"half{i}.json", what[i::2]) for i in (0, 1)]
        first = bench.write("first.json", what[:1])
        for _ in range(o.rounds):
            before = load()
            start = bench.processes(first)[0]
            used = children_cpu()
            one, alone = bench.processes(whole)
            used = children_cpu() - used
            two, both = bench.processes(*halves)
            cold, warm, shards, found = bench.fleet(whole)
            medians = sorted(r["statistics"]["median"] for r in alone if r["status"] == "ok")
            good &= same(alone, both) and same(alone, found)
            print(f"{len(alone)} records, medians {medians[0] / 1e6:.2f} to {medians[-1] / 1e6:.2f} ms, load {before} before and {load()} after")
            print(f"  one process {one:.1f} s, of which start-up {start:.1f} s: {len(alone) / one:.0f} records a second")
            print(f"  two plain processes {two:.1f} s: {one / two:.2f} times with start-up, {(one - start) / (two - start):.2f} without")
            print(f"  two Ray workers, {shards} shards, {warm:.1f} s after {cold - warm:.1f} s for the cluster: {one / cold:.2f} times with start-up, "
                  f"{(one - start) / warm:.2f} without that of the cluster (bar {BAR}); {two / warm:.2f} of the two plain processes")
            place, each, free = on_free_cores(first, bench, used, shards)
            print(f"  time of processors: {used:.1f} s for the one process, {place:.2f} s more for each place and {each:.3f} s for each shard: {free:.2f} times on two free cores")
            print(f"  keys, statuses and protocols {'the same' if same(alone, both) and same(alone, found) else 'DIFFER'}", flush=True)
            best = max(best, (one - start) / warm)
    return 0 if good and best >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
