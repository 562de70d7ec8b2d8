#!/usr/bin/env python3
"""The way analysis scripts read a trace: gzip, orjson, dictionaries, an event tree. What bench_trace compares with.

usage: python_tree.py TRACE      prints: seconds events linked peak_rss_bytes
"""
import gzip
import sys
import time

try:
    import orjson
except ImportError:
    print("orjson is not installed")
    sys.exit(77)

CPU = {"cpu_op", "Operator", "cuda_runtime", "cuda_driver", "hip_runtime", "hip_driver"}
DEVICE = {"kernel", "gpu_memcpy", "gpu_memset"}


def load(path):
    with open(path, "rb") as f:
        data = f.read()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    document = orjson.loads(data)
    return document["traceEvents"] if isinstance(document, dict) else document


def build(events):
    """Parents by time on each thread; device events below the runtime call of their correlation id and all its ancestors."""
    threads, launches, device = {}, {}, []
    for uid, e in enumerate(events):
        category = e.get("cat")
        if e.get("ph") != "X":
            continue
        if category in CPU:
            start = float(e["ts"])
            threads.setdefault((e.get("pid"), e.get("tid")), []).append((start, uid, start + float(e.get("dur", 0))))
        elif category in DEVICE:
            device.append(uid)
    parent, children = {}, {}
    for rows in threads.values():
        rows.sort()
        stack = []
        for start, uid, end in rows:
            while stack and start >= stack[-1][1]:
                stack.pop()
            if stack:
                parent[uid] = stack[-1][0]
                children.setdefault(stack[-1][0], []).append(uid)
            stack.append((uid, end))
            category = events[uid]["cat"]
            if category != "cpu_op" and category != "Operator":
                correlation = events[uid].get("args", {}).get("correlation")
                if correlation:
                    launches[correlation] = uid
    below = {}
    for uid in device:
        up = launches.get(events[uid].get("args", {}).get("correlation"))
        while up is not None:
            below.setdefault(up, []).append(uid)
            up = parent.get(up)
    return parent, children, below


def peak_rss():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def main(path):
    start = time.perf_counter()
    events = load(path)
    parent, _, below = build(events)
    seconds = time.perf_counter() - start
    print(f"{seconds:.6f} {len(events)} {len(parent) + len(below)} {peak_rss()}")


if __name__ == "__main__":
    main(sys.argv[1])
