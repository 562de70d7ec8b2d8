#!/usr/bin/env python3
"""What the results of replayed traces say of their kernels.

usage: kernels.py FOLDER    (of the JSON documents that tests/gpu/run left)
"""
import json
import pathlib
import statistics
import sys


def rows(folder):
    for path in sorted(pathlib.Path(folder).glob("*.json")):
        document = json.loads(path.read_text())
        if path.stem.startswith(("own_", "flush_", "graphs", "times")):
            continue
        if isinstance(document, dict) and document.get("document") == "evreplay-results":
            for row in document["results"]:
                yield path.stem + (" *" if document["interrupted"] else ""), row


def main(folder):
    table, ratios = {}, []
    for name, row in rows(folder):
        counts = table.setdefault(name, {"ok": 0, "failed": 0, "skipped": 0, "same": 0, "different": 0, "near": 0, "long": 0})
        kernels = next((c for c in row["checks"] if c["name"] == "kernels"), None)
        other = kernels and kernels["verdict"] == "bad" and row["detail"].startswith("check kernels") # counted apart
        counts["ok" if row["status"] == "ok" or other else "skipped" if row["status"] == "skipped" else "failed"] += 1
        if kernels and kernels["verdict"] != "skipped":
            counts["same" if kernels["verdict"] == "good" else "different"] += 1
        if row["statistics"] and row["trace_kernel_ns"] and row["trace_kernel_ns"] >= 20_000:
            ratio = row["statistics"]["median"] / row["trace_kernel_ns"]
            ratios.append(ratio)
            counts["long"] += 1
            counts["near"] += 0.95 <= ratio <= 1.05
    print(f"{'trace':34} {'ok':>5} {'failed':>6} {'skipped':>7} {'kernels same':>12} {'different':>9} {'>=20 us':>7} {'within 5 %':>10}")
    for name, c in table.items():
        print(f"{name:34} {c['ok']:5} {c['failed']:6} {c['skipped']:7} {c['same']:12} {c['different']:9} {c['long']:7} {c['near']:10}")
    if any(name.endswith("*") for name in table):
        print("* its time was over before all records were reached")
    if ratios:
        print(f"median ratio to the trace's kernel time: {statistics.median(ratios):.3f} over {len(ratios)} records (a trace of another kind of device says little)")
    return 0 if table else "no results were found"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
