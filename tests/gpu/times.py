#!/usr/bin/env python3
"""Our medians beside those of torch.profiler (kernel time), torch.utils.benchmark and triton's do_bench, for the same operators in one run. The first two find the
cache warm, as we do without a flush; do_bench empties it before each run, as we do with one.

usage: times.py EVREPLAY DEVICE RECORDS.json OUT.json
"""
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import operators
import torch

PROTOCOL = "evreplay-protocol/1 precision=0.005 seconds=1.5" # the time of one operator is bounded, so that a slow one does not take that of those behind it


def profiled(run, device):
    """Kernel time of one call, by the profiler: what ran on the device alone, not what launched it."""
    if device == "cpu":
        return None
    from torch.autograd import DeviceType
    from torch.profiler import ProfilerActivity, profile
    for _ in range(5):
        run()
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CUDA]) as p:
        for _ in range(50):
            run()
        torch.cuda.synchronize()
    return sum(e.time_range.elapsed_us() for e in p.events() if e.device_type == DeviceType.CUDA) / 50 * 1000


def benchmarked(run):
    from torch.utils.benchmark import Timer
    return Timer("run()", globals={"run": run}, num_threads=torch.get_num_threads()).blocked_autorange(min_run_time=0.3).median * 1e9


def do_bench(run, device):
    if device == "cpu":
        return None
    try:
        from triton.testing import do_bench as bench
    except ImportError:
        return None
    return bench(run, return_mode="median") * 1e6


def ours(program, device, records, *options):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out.json"
        subprocess.run([program, "bench", records, "--device", device, *options, "--json", out], check=False, stdout=subprocess.DEVNULL)
        return {row["index"]: row for row in json.loads(out.read_text())["results"]} # one that was not reached is not there


def median(row):
    return row["statistics"]["median"] if row and row["statistics"] else None


def main(program, device, records, out):
    warm = ours(program, device, records, "--protocol", PROTOCOL, "--budget", "60")
    cold = {} if device == "cpu" else ours(program, device, records, "--protocol", "fixed", "--budget", "30") # do_bench is for devices too
    rows = []
    with torch.no_grad():
        for index, (record, run) in enumerate(operators.calls(records, device)):
            mine = warm.get(index)
            rows.append({"op": record["op_name"], "arguments": mine["arguments"] if mine else "", "ours": median(mine), "ours_cold": median(cold.get(index)),
                         "profiler": profiled(run, device), "benchmark": benchmarked(run), "do_bench": do_bench(run, device)})
    pathlib.Path(out).write_text(json.dumps({"device": device, "torch": torch.__version__, "rows": rows}, indent=1))
    print("our median, and its ratio to the profiler's kernel time and to benchmark; behind a flush, and its ratio to do_bench")
    for r in rows:
        ratio = lambda a, b: f"{r[a] / r[b]:8.3f}" if r[a] and r[b] else f"{'-':>8}"
        print(f"{r['op']:28} {r['ours'] or 0:9.0f} ns {ratio('ours', 'profiler')} {ratio('ours', 'benchmark')}   {r['ours_cold'] or 0:9.0f} ns "
              f"{ratio('ours_cold', 'do_bench')}   {r['arguments'][:60]}")
    if not all(r["ours"] for r in rows):
        return "an operator got no time"
    long = [r["ours"] / r["profiler"] for r in rows if r["profiler"] and r["profiler"] >= 20_000]
    if long:
        print(f"at 20 us and more: median ratio to the profiler's kernel time {statistics.median(long):.3f}, {sum(0.95 <= x <= 1.05 for x in long)} of {len(long)} within 5 %")
        return int(any(not 0.9 <= x <= 1.1 for x in long))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
