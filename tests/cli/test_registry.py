"""Operators of other libraries: imported when first needed, initialized by what their arguments mean."""
import importlib.util
import json
import os
import pathlib

import pytest
from conftest import shared

MODULES = pathlib.Path(os.environ.get("EVREPLAY_TEST_MODULES", "no-modules"))
OPERATORS = next(MODULES.glob("evrtest_ops/*.so"), None)


def tensor(*shape, dtype="float"):
    strides = [1] * len(shape)
    for i in reversed(range(len(shape) - 1)):
        strides[i] = strides[i + 1] * shape[i + 1]
    return {"shape": shape, "dtype": dtype, "strides": strides, "init": "normal"}


def record(op, **arguments):
    return {"op_name": op, "replay_ir": {"list_pos_args": [{"arg_name": n, "arg_type": "", "value": v} for n, v in arguments.items()], "list_kwargs": []}}


MARKED = record("evrtest::marked", x=tensor(2))


@pytest.fixture
def replay(evreplay):
    if OPERATORS is None:
        pytest.skip("the operators of tests/replay/ops were not built")

    def run(records, *options):
        return evreplay("replay", "-", *options, stdin=json.dumps(records).encode())

    return run


def test_import_of_a_library(replay):
    result = replay([MARKED], "-v")
    assert result.returncode == 1 and "namespace evrtest is not registered" in result.stdout
    assert replay([MARKED], "--import", f"evrtest={OPERATORS}").returncode == 0
    missing = replay([MARKED], "--import", "evrtest=/no/such/library.so")
    assert missing.returncode == 4 and "/no/such/library.so" in missing.stderr
    assert replay([MARKED], "--import", "nonsense").returncode == 2


def test_import_of_a_module_and_of_unknown_ones(replay, monkeypatch):
    monkeypatch.setenv("EVREPLAY_MODULE_PATH", str(MODULES))
    assert replay([MARKED], "--import", "evrtest=evrtest_ops").returncode == 0
    assert replay([MARKED]).returncode == 1
    unknown = replay([MARKED], "--import-unknown")
    assert unknown.returncode == 1 and "evrtest: no libraries of this module in" in unknown.stdout


def test_configuration_file(replay, tmp_path):
    config = tmp_path / "evreplay.json"
    config.write_text(json.dumps({"namespaces": {"evrtest": [str(OPERATORS)]}, "aliases": {"evrtest::other": "evrtest::marked"},
                                  "symm_mem_args": {"evrtest::symm": ["a", "bs"]}}))
    symm = record("evrtest::symm", a=tensor(2), bs=[tensor(2)], n=1)
    result = replay([record("evrtest::other", x=tensor(3)), symm], "--config", config, "-v")
    assert result.returncode == 0, result.stdout
    assert "argument a is not in symmetric memory" in result.stdout
    config.write_text('{"names": {}}')
    broken = replay([MARKED], "--config", config)
    assert broken.returncode == 4 and "no such setting" in broken.stderr


MOE = record("evrtest::moe", hidden_states=tensor(24, 16), w1=tensor(8, 32, 16), topk_weights=tensor(24, 2), topk_ids=tensor(24, 2, dtype="int"),
             sorted_token_ids=tensor(152, dtype="int"), expert_ids=tensor(19, dtype="int"), num_tokens_post_padded=tensor(1, dtype="int"), block_size_m=8)


def test_initializers_and_their_options(replay):
    load = ("--import", f"evrtest={OPERATORS}")
    assert replay([MOE], *load).returncode == 0
    assert replay([MOE], *load, "--init", "moe_distribution=zipf", "--init", "moe_zipf_s=2").returncode == 0
    assert replay([MOE], *load, "--no-auto-init").returncode == 1
    odd = replay([MOE], *load, "--init", "moe_distribution=odd", "-v")
    assert odd.returncode == 1 and "MoeRoutingInit failed" in odd.stdout
    assert replay([MOE], *load, "--init", "nonsense").returncode == 2


@pytest.mark.parametrize("name", ["old_format_cpu_dlrm", "mtia_fbgemm_inference"])
def test_fbgemm_calls_of_real_traces(evreplay, tmp_path, name):
    if importlib.util.find_spec("fbgemm_gpu") is None:
        pytest.skip("fbgemm_gpu is not installed beside torch")
    trace = shared() / "corpus" / f"{name}.json.gz"
    if not trace.exists():
        pytest.skip("the corpus of real traces is absent")
    out = tmp_path / "results.json"
    evreplay("replay", trace, "--op-filter", "fbgemm::*", "--json", out)
    results = json.loads(out.read_text())["results"]
    given = [r for r in results if r["reason"] not in ("missing-values", "no-such-op")]
    assert given and sum(r["status"] == "ok" for r in given) >= 0.9 * len(given), given
    assert all(r["detail"] for r in results if r["status"] != "ok")


def test_batch_context_of_a_real_trace(evreplay):
    trace = shared() / "corpus" / "mi300_vllm_piecewise_execution.json.gz"
    if not trace.exists():
        pytest.skip("the corpus of real traces is absent")
    records = json.loads(evreplay("extract", trace).stdout)["records"]
    batches = [r["batch"] for r in records if "batch" in r]
    assert batches and all(b == batches[0] for b in batches)
    assert (batches[0]["context_requests"], batches[0]["context_tokens"], batches[0]["context_cached"]) == (9, 8155, 8430)
    assert (batches[0]["generation_requests"], batches[0]["generation_tokens"]) == (37, 37)
