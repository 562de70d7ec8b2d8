"""The replayer that artifacts carry computes what the library does: the same inputs and the same results, bit for bit."""
import importlib.util
import json
import os
import pathlib
import subprocess
import zipfile

import pytest
from conftest import needs_torch

import evreplay

pytestmark = needs_torch
REPLAY = pathlib.Path(__file__).parents[2] / "lib" / "artifact" / "replay.py"


def tensor(*shape, dtype="float32", **more):
    strides = [1] * len(shape)
    for i in reversed(range(len(shape) - 1)):
        strides[i] = strides[i + 1] * shape[i + 1]
    return {"tensor": {"shape": list(shape), "strides": strides, "dtype": dtype, **more}}


# Schema and values. The first has more elements than contents have before they repeat.
CALLS = [
    ("aten::abs(Tensor self) -> Tensor", [tensor(1100, 1000)]),
    ("aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", [tensor(8, 4), tensor(4, dtype="float64"), 2]),
    ("aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)", [tensor(8, 4), tensor(4), 0.5]),
    ("aten::embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor",
     [tensor(50, 8, dtype="bfloat16"), tensor(20, dtype="int64"), -1, False, False]),
    ("aten::cat(Tensor[] tensors, int dim=0) -> Tensor", [[tensor(3, 2), tensor(5, 2), tensor(1, 2)], 0]),
    ("aten::split.Tensor(Tensor(a -> *) self, SymInt split_size, int dim=0) -> Tensor(a)[]", [tensor(7, 3, dtype="float16"), 3, 0]),
    ("aten::linalg_cholesky(Tensor self, *, bool upper=False) -> Tensor", [tensor(2, 5, 5), True]),
    ("aten::_to_copy(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, bool non_blocking=False, "
     "MemoryFormat? memory_format=None) -> Tensor", [tensor(2, 3, 4, 4), {"dtype": "float16"}, {"layout": 0}, {"device": "cuda:0"}, None, False, {"memory_format": 2}]),
    ("aten::div.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor", [tensor(9, dtype="int32"), tensor(9, dtype="int32"), "floor"]),
    ("aten::rand_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
     [tensor(6), None, None, None, None, None]),
    ("aten::native_layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight, Tensor? bias, float eps) -> (Tensor, Tensor, Tensor)",
     [tensor(4, 16), [16], tensor(16), None, 1e-5]),
]


def record(schema, values):
    name, _, rest = schema.partition("(")
    op, _, overload = name.partition(".")
    parameters = [p for p in rest.rpartition(" ->")[0].rstrip(")").replace("(a!)", "").replace("(a -> *)", "").split(", ") if p != "*"]
    args = [{"name": p.split(" ")[1].partition("=")[0], "type": p.split(" ")[0], "value": v} for p, v in zip(parameters, values, strict=True)]
    return {"op": op, "overload": overload, "schema": schema, "args": args}


@pytest.fixture(scope="module")
def replay():
    spec = importlib.util.spec_from_file_location("replay", REPLAY)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("schema,values", CALLS, ids=[c[0].partition("(")[0] for c in CALLS])
def test_replayer_agrees_with_the_library(replay, context, tmp_path, schema, values):
    import torch

    path = tmp_path / "x.zip"
    text = json.dumps({"evreplay_ir": 1, "records": [record(schema, values)]})
    subprocess.run([os.environ["EVREPLAY"], "pack", "-", "-o", str(path), "--seed", "11"], input=text.encode(), capture_output=True, check=True, timeout=60)
    one = evreplay.read_records(zipfile.ZipFile(path).read("records.json"), context=context)[0]
    with evreplay.Runtime("cpu", seed=11, context=context) as runtime, runtime.replayer(one) as replayer:
        manifest, [(packed, expected)] = replay.load(path)
        inputs = replay.Inputs(expected["fills"], manifest["seed"], torch.device("cpu"))
        for argument in packed["args"]:
            mine, theirs = inputs.value(argument["value"]), replayer.arg(argument["name"])
            for a, b in zip(replay.flatten(mine), replay.flatten(theirs), strict=True):
                assert a.dtype == b.dtype and a.shape == b.shape and a.stride() == b.stride() and replay.bytes_of(a) == replay.bytes_of(b)
        assert inputs.hash.hexdigest()[:32] == expected["inputs"]
        replayer.run()
        options = replay.parse([str(path), "--device", "cpu", "--samples", "0"])
        row = replay.replay(packed, expected, manifest, options, replay.Protocol("", options), torch.device("cpu"), None)
        assert row["status"] == "ok", row["detail"]
        assert row["outputs"] == replay.outputs_digest(replayer.results())
