"""What operators free stays in the process: no call pays for pages of the call before."""
import json
import resource

import pytest


def tensor(*shape):
    strides = [1] * len(shape)
    for i in reversed(range(len(shape) - 1)):
        strides[i] = strides[i + 1] * shape[i + 1]
    return {"shape": list(shape), "dtype": "float", "strides": strides, "init": "normal"}


def convolution():
    """Its buffers together are larger than what glibc keeps by itself."""
    args = {"input": tensor(1, 32, 56, 56), "weight": tensor(32, 32, 3, 3), "bias": None, "stride": [1, 1], "padding": [1, 1], "dilation": [1, 1],
            "transposed": False, "output_padding": [0, 0], "groups": 1}  # fmt: skip
    positional = [{"arg_name": name, "arg_type": "", "value": value} for name, value in args.items()]
    return [{"op_name": "aten::convolution", "overload": "default", "replay_ir": {"list_pos_args": positional, "list_kwargs": []}}]


def test_bench__faults_no_pages(evreplay, tmp_path):
    (tmp_path / "in.json").write_text(json.dumps(convolution()))

    def faults(iterations):
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt
        result = evreplay("bench", tmp_path / "in.json", "--threads", "1", "--warmup", "5", "--iterations", iterations, "--json", tmp_path / "out.json")
        if result.returncode == 5:
            pytest.skip("there is no bridge to torch")
        assert result.returncode == 0, result.stderr
        conditions = json.loads((tmp_path / "out.json").read_text())["results"][0]["conditions"]
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt - before, conditions["calls"]

    (few, short), (many, long) = faults(20), faults(220)
    assert (many - few) / (long - short) < 20
