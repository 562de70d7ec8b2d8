#!/usr/bin/env python3
"""Writes the synthetic traces of this folder: small_kineto (.json .gz .zst), small_array.json, small_execution.json.

usage: make_traces.py [FOLDER]      (default: this folder)

The same bytes come out every time. Numbers and names are made up; shapes of the events follow what PyTorch's profiler writes.
"""
import gzip
import json
import pathlib
import subprocess
import sys

STEPS = 6
OPS = [("aten::linear", "aten::addmm", [[8, 16], [32, 16], [32]]), ("aten::relu", "aten::clamp_min", [[8, 32], [], []]),
       ("aten::cat", "aten::cat", [[[8, 4], [8, 4]], [], []])]


class Trace:
    def __init__(self):
        self.events, self.clock, self.correlation, self.sequence = [], 1700000000000000, 1, 0

    def tick(self, us):
        self.clock += us
        return self.clock

    def add(self, cat, name, tid, ts, dur, args, pid=4000):
        self.events.append({"ph": "X", "cat": cat, "name": name, "pid": pid, "tid": tid, "ts": round(ts + 0.125, 3), "dur": round(dur + 0.5, 3),
                            "args": args})

    def op(self, name, tid, ts, dur, dims, sequence=None, forward=0):
        types = ["GenericList" if d and isinstance(d[0], list) else "float" if d else "Scalar" for d in dims]
        args = {"External id": len(self.events), "Record function id": 0, "Concrete Inputs": ["" if d else "1" for d in dims],
                "Input type": types, "Input Strides": [[d[1], 1] if len(d) == 2 and isinstance(d[0], int) else [] for d in dims],
                "Input Dims": dims, "Ev Idx": len(self.events)}
        if sequence is not None:
            args.update({"Fwd thread id": forward, "Sequence number": sequence})
        self.add("cpu_op", name, tid, ts, dur, args)

    def launch(self, tid, ts, kernel, delay):
        c, self.correlation = self.correlation, self.correlation + 1
        self.add("cuda_runtime", "cudaLaunchKernel", tid, ts, 3, {"External id": c, "cbid": 211, "correlation": c})
        self.add("kernel", kernel, 7, ts + delay, 5, {"External id": c, "queued": 0, "device": 0, "context": 1, "stream": 7,
                 "correlation": c, "grid": [1, 2, 3], "block": [128, 1, 1]}, pid=0)
        self.events.append({"ph": "s", "id": c, "pid": 4000, "tid": tid, "ts": round(ts + 0.125, 3), "cat": "ac2g", "name": "ac2g"})
        self.events.append({"ph": "f", "id": c, "pid": 0, "tid": 7, "ts": round(ts + delay + 0.125, 3), "cat": "ac2g", "name": "ac2g", "bp": "e"})


def kineto():
    t = Trace()
    t.events.append({"ph": "M", "name": "process_name", "pid": 4000, "tid": 0, "ts": 0, "args": {"name": "python \u00e9\n\"x\""}})
    for step in range(STEPS):
        begin = t.tick(100)
        t.add("python_function", "train.py(12): step", 4000, begin - 1, 298, {"Python id": step + 1, "Python parent id": None})
        for k, (outer, inner, dims) in enumerate(OPS):
            ts = begin + 40 * k
            t.op(outer, 4000, ts, 30, dims, t.sequence + k)
            t.op(inner, 4000, ts + 2, 20, dims, t.sequence + k)
            t.launch(4000, ts + 4, f"void gemm<float, {k}>({{lambda(int)#1}})", 30 + 7 * (step % 3))
        for k, (outer, _, dims) in reversed(list(enumerate(OPS))):
            ts = begin + 150 + 40 * (len(OPS) - k)
            t.op(f"autograd::engine::evaluate_function: {outer[6:].title()}Backward0", 4001, ts, 25, [], t.sequence + k, 1)
            t.op(f"{outer[6:].title()}Backward0", 4001, ts + 1, 20, dims, t.sequence + k, 1)
            t.launch(4001, ts + 4, f"void backward<{k}>::{{lambda()#{k}}}::operator() const [\"]}}\"]", 12)
        t.sequence += len(OPS)
        t.events.append({"ph": "i", "cat": "cpu_instant_event", "s": "t", "name": "[memory]", "pid": 4000, "tid": 4000, "ts": begin + 5,
                         "args": {"Total Reserved": 0, "Total Allocated": 2048, "Bytes": 512, "Addr": 140000000000000, "Device Id": 0, "Device Type": 1}})
        t.add("user_annotation", f"ProfilerStep#{step}", 4000, begin - 2, 299, {})
        t.tick(400)
    return {"schemaVersion": 1, "deviceProperties": [{"id": 0, "name": "Made up", "totalGlobalMem": 85899345920}],
            "distributedInfo": {"backend": "nccl", "rank": 3, "world_size": 8}, "traceEvents": t.events, "traceName": "/tmp/\u2713.json"}


def execution():
    def node(number, name, parent, inputs, outputs, schema, **attrs):
        attrs = {"rf_id": number, "fw_parent": 0, "seq_id": -1, "scope": 0, "tid": 1, "fw_tid": 0, **attrs}
        return {"id": number, "name": name, "ctrl_deps": parent, "inputs": inputs, "outputs": outputs,
                "attrs": [{"name": k, "type": "uint64", "value": v} for k, v in attrs.items()] + [{"name": "op_schema", "type": "string", "value": schema}]}

    none = {"values": [], "shapes": [], "types": [], "strides": []}
    nodes = [node(1, "[pytorch|profiler|execution_trace|process]", 1, none, none, ""),
             node(2, "[pytorch|profiler|execution_trace|thread]", 1, none, none, "")]
    for k in range(20):
        tensor = [10 + k, 100 + k, 0, 6, 4, "cuda:0"]
        inputs = {"values": [tensor, tensor, 1], "shapes": [[2, 3], [2, 3], []], "types": ["Tensor(float)", "Tensor(float)", "Int"], "strides": [[3, 1], [3, 1], []]}
        outputs = {"values": [[40 + k, 100 + k, 0, 6, 4, "cuda:0"]], "shapes": [[2, 3]], "types": ["Tensor(float)"], "strides": [[3, 1]]}
        schema = "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"
        nodes.append(node(3 + 2 * k, "aten::add", 2, inputs, outputs, schema, tid=1 + k % 2))
        nodes.append(node(4 + 2 * k, "aten::copy_", 3 + 2 * k, inputs, outputs, "aten::copy_(Tensor(a!) self, Tensor src, bool non_blocking=False) -> Tensor(a!)"))
    return {"schema": "1.1.1-chakra.0.0.4", "pid": 77, "time": "2024-01-01 00:00:00", "start_ts": 5, "nodes": nodes, "finish_ts": 99}


def main(folder):
    folder = pathlib.Path(folder)
    text = json.dumps(kineto(), indent=1).encode()
    (folder / "small_kineto.json").write_bytes(text)
    (folder / "small_kineto.json.gz").write_bytes(gzip.compress(text, 9, mtime=0))
    (folder / "small_kineto.json.zst").write_bytes(
        subprocess.run(["zstd", "-q", "-19", "--check", "--no-progress", "-c"], input=text, capture_output=True, check=True).stdout)
    (folder / "small_array.json").write_text(json.dumps(kineto()["traceEvents"][:40], separators=(",", ":")))
    (folder / "small_execution.json").write_text(json.dumps(execution()))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
