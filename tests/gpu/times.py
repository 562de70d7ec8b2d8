#!/usr/bin/env python3
"""Our medians beside those of torch.profiler (kernel time), torch.utils.benchmark and triton's do_bench, for the same operators in one run.

usage: times.py EVREPLAY DEVICE OUT.json
"""
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import torch

RECORDS = pathlib.Path(__file__).parent / "records.json"
DTYPES = {"float": torch.float32, "c10::BFloat16": torch.bfloat16, "c10::Half": torch.float16, "long int": torch.int64}


def arguments(record, device):
    def live(value):
        if isinstance(value, dict):
            dtype = DTYPES[value["dtype"]]
            whole = dtype == torch.int64
            return torch.zeros(value["shape"], dtype=dtype, device=device) if whole else torch.randn(value["shape"], device=device).to(dtype)
        if isinstance(value, list):
            return [live(v) for v in value]
        return value

    replay = record["replay_ir"]
    return [live(a["value"]) for a in replay["list_pos_args"]], {a["arg_name"]: live(a["value"]) for a in replay["list_kwargs"]}


def profiled(run, device):
    """Kernel time of one call, by the profiler; on the CPU the operator's own time."""
    if device == "cpu":
        return None
    from torch.profiler import ProfilerActivity, profile
    for _ in range(5):
        run()
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CUDA]) as p:
        for _ in range(50):
            run()
        torch.cuda.synchronize()
    return sum(e.self_device_time_total for e in p.key_averages()) / 50 * 1000


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


def ours(program, device):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out.json"
        subprocess.run([program, "bench", RECORDS, "--device", device, "--precision", "0.005", "--json", out], check=False, stdout=subprocess.DEVNULL)
        return json.loads(out.read_text())["results"]


def main(program, device, out):
    records, rows = json.loads(RECORDS.read_text()), []
    for record, mine in zip(records, ours(program, device), strict=True):
        overload = record.get("overload", "default")
        namespace, name = record["op_name"].split("::")
        operator = getattr(getattr(getattr(torch.ops, namespace), name), overload)
        positional, named = arguments(record, device)
        with torch.no_grad():
            def run(operator=operator, positional=positional, named=named):
                return operator(*positional, **named)
            rows.append({"op": record["op_name"], "arguments": mine["arguments"], "ours": mine["statistics"] and mine["statistics"]["median"],
                         "profiler": profiled(run, device), "benchmark": benchmarked(run), "do_bench": do_bench(run, device)})
    pathlib.Path(out).write_text(json.dumps({"device": device, "torch": torch.__version__, "rows": rows}, indent=1))
    print(f"{'operator':28} {'ours':>12} {'profiler':>9} {'benchmark':>9} {'do_bench':>9}   ratios of ours to each")
    for r in rows:
        ratio = lambda k: f"{r['ours'] / r[k]:9.3f}" if r["ours"] and r[k] else f"{'-':>9}"
        print(f"{r['op']:28} {r['ours'] or 0:9.0f} ns {ratio('profiler')} {ratio('benchmark')} {ratio('do_bench')}   {r['arguments'][:60]}")
    long = [r["ours"] / r["profiler"] for r in rows if r["ours"] and r["profiler"] and r["profiler"] >= 20_000]
    if long:
        print(f"at 20 us and more: median ratio to the profiler's kernel time {statistics.median(long):.3f}, {sum(0.95 <= x <= 1.05 for x in long)} of {len(long)} within 5 %")
        return int(any(not 0.9 <= x <= 1.1 for x in long))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
