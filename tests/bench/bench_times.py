#!/usr/bin/env python3
"""Our medians beside torch.utils.benchmark's for 40 operators on the CPU, taken in turns, one thread each.

usage: bench_times.py EVREPLAY [ROUNDS]     (with a Python that has the torch of the bridge)

Of several rounds each side keeps its least median, since a busy machine only ever adds.
"""
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "gpu"))

import torch
from times import arguments
from torch.utils.benchmark import Timer


def tensor(*shape, dtype="float"):
    strides = [1] * len(shape)
    for i in reversed(range(len(shape) - 1)):
        strides[i] = strides[i + 1] * shape[i + 1]
    return {"shape": list(shape), "dtype": dtype, "strides": strides, "init": "normal"}


def record(op, overload="default", named=(), **positional):
    return {"op_name": f"aten::{op}", "overload": overload, "replay_ir": {
        "list_pos_args": [{"arg_name": n, "arg_type": "", "value": v} for n, v in positional.items()],
        "list_kwargs": [{"arg_name": n, "arg_type": "", "value": v} for n, v in named]}}


def records():
    big, square = tensor(1 << 20), tensor(512, 512)
    for op in ("abs", "neg", "exp", "sin", "cos", "tanh", "sigmoid", "relu", "sqrt", "floor", "ceil", "erf", "log1p", "reciprocal", "sign", "square"):
        yield record(op, self=big)
    for op in ("mul", "div", "maximum", "minimum", "atan2", "pow"):
        yield record(op, {"mul": "Tensor", "div": "Tensor", "pow": "Tensor_Tensor"}.get(op, "default"), self=big, **{"exponent" if op == "pow" else "other": big})
    for op in ("add", "sub"):
        yield record(op, "Tensor", [("alpha", 1)], self=big, other=big)
    for n in (128, 256, 512):
        yield record("mm", self=tensor(n, n), mat2=tensor(n, n))
    yield record("addmm", "default", [("beta", 1), ("alpha", 1)], self=tensor(512), mat1=square, mat2=square)
    yield record("bmm", self=tensor(8, 128, 128), mat2=tensor(8, 128, 128))
    yield record("_softmax", self=tensor(512, 1024), dim=-1, half_to_float=False)
    yield record("native_layer_norm", input=tensor(512, 1024), normalized_shape=[1024], weight=tensor(1024), bias=tensor(1024), eps=1e-5)
    yield record("sum", "dim_IntList", [("dtype", None)], self=tensor(1024, 1024), dim=[-1], keepdim=False)
    yield record("mean", "dim", [("dtype", None)], self=tensor(1024, 1024), dim=[0], keepdim=False)
    yield record("amax", self=tensor(1024, 1024), dim=[-1], keepdim=False)
    yield record("cumsum", "default", [("dtype", None)], self=tensor(512, 1024), dim=1)
    yield record("sort", self=tensor(64, 1024), dim=-1, descending=False)
    yield record("cat", tensors=[tensor(512, 512), tensor(512, 512)], dim=1)
    yield record("clone", "default", [("memory_format", None)], self=big)
    yield record("embedding", weight=tensor(1000, 256), indices=tensor(4096, dtype="long int"), padding_idx=-1, scale_grad_by_freq=False, sparse=False)
    yield record("convolution", input=tensor(1, 32, 56, 56), weight=tensor(32, 32, 3, 3), bias=None, stride=[1, 1], padding=[1, 1], dilation=[1, 1], transposed=False,
                 output_padding=[0, 0], groups=1)


def ours(program, one, folder):
    what, out = folder / "in.json", folder / "out.json"
    what.write_text(json.dumps([one]))
    subprocess.run([program, "bench", what, "--threads", "1", "--precision", "0.005", "--json", out], check=True, stdout=subprocess.DEVNULL)
    return json.loads(out.read_text())["results"][0]["statistics"]["median"]


def theirs(one):
    namespace, name = one["op_name"].split("::")
    operator = getattr(getattr(getattr(torch.ops, namespace), name), one["overload"])
    positional, named = arguments(one, "cpu")
    with torch.no_grad():
        return Timer("run(*positional, **named)", globals={"run": operator, "positional": positional, "named": named}, num_threads=1).blocked_autorange(min_run_time=0.2).median * 1e9


def main(program, rounds="3"):
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        for one in records():
            pairs = [(ours(program, one, pathlib.Path(folder)), theirs(one)) for _ in range(int(rounds))]
            mine, other = min(a for a, _ in pairs), min(b for _, b in pairs)
            ratios.append(mine / other)
            print(f"{one['op_name']:28} {mine / 1e3:10.1f} us, torch.utils.benchmark {other / 1e3:10.1f} us, ratio {mine / other:.3f}", flush=True)
    near = sum(0.97 <= r <= 1.03 for r in ratios)
    print(f"{near} of {len(ratios)} within 3 %, median ratio {statistics.median(ratios):.3f}, from {min(ratios):.3f} to {max(ratios):.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
