#!/usr/bin/env python3
"""Judges the replay of a trace that was made on this device by this PyTorch.

usage: own.py PLAIN.json WITH_KERNELS.json DEVICE    (results without and with the check of kernels)
"""
import json
import pathlib
import statistics
import sys

SAME, NEAR = 0.9, 0.05  # of the records that have kernels; of the trace's time


def results(path):
    return json.loads(pathlib.Path(path).read_text())["results"]


def main(plain, checked, device):
    plain, checked = results(plain), results(checked)
    verdicts = {"good": [], "bad": [], "skipped": []}
    for row in checked:
        for check in row["checks"]:
            if check["name"] == "kernels":
                verdicts[check["verdict"]].append((row["op"], check["detail"]))
    seen = len(verdicts["good"]) + len(verdicts["bad"])
    print(f"kernels: {len(verdicts['good'])} of {seen} records as in the trace; {len(verdicts['skipped'])} without a verdict")
    for op, detail in verdicts["bad"][:10] + verdicts["skipped"][:3]:
        print(f"  {op}: {detail[:200]}")
    timed = lambda rows: {r["key"]: r["statistics"]["median"] for r in rows if r["statistics"]}
    before, after = timed(plain), timed(checked)
    shadow = [after[k] / before[k] for k in before.keys() & after.keys()]
    if shadow:
        print(f"times with the recorder in the process: {statistics.median(shadow):.3f} of those without, over {len(shadow)} records")
    long = [r["statistics"]["median"] / r["trace_kernel_ns"] for r in plain if r["statistics"] and (r["trace_kernel_ns"] or 0) >= 20_000]
    if long:
        near = sum(abs(x - 1) <= NEAR for x in long)
        print(f"at 20 us and more: median ratio to the trace's kernel time {statistics.median(long):.3f}; {near} of {len(long)} within {NEAR:.0%}")
    if device == "cpu":
        return 0 if checked and not seen else "a CPU has no kernels to compare"
    if not seen:
        return "no record got a verdict on its kernels"
    return 0 if len(verdicts["good"]) >= SAME * seen else "too many records ran other kernels than in the trace"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
