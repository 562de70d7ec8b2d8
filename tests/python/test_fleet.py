"""Shards over a cluster of two nodes on this machine."""
import json
import os
import pathlib
import signal
import threading
import time

import pytest
from conftest import has, needs_torch

pytestmark = [needs_torch, pytest.mark.skipif(not has("ray"), reason="ray is not installed")]

import evreplay  # noqa: E402


def record(op, size):
    value = {"shape": [size], "dtype": "float", "strides": [1], "init": "normal"}
    return {"op_name": f"aten::{op}", "replay_ir": {"list_pos_args": [{"arg_name": "self", "arg_type": "Tensor", "value": value}], "list_kwargs": []}}


def records(count):
    return [record(("abs", "neg", "exp", "sin")[i % 4], i + 1) for i in range(count)]


@pytest.fixture(scope="module")
def address():
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    yield cluster.address
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def program(monkeypatch):
    from evreplay.fleet import shard

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (pathlib.Path(evreplay.__file__).parent.parent, os.environ.get("PYTHONPATH", "")))))
    return shard.command()


def document(tmp_path, count):
    path = tmp_path / "records.json"
    path.write_text(json.dumps(records(count)))
    return str(path)


def fleet(*words):
    from evreplay.fleet.__main__ import main

    return main([str(word) for word in words])


def statuses(path):
    return [(r["key"], r["status"], r["reason"]) for r in json.loads(pathlib.Path(path).read_text())["results"]]


def workers():
    """Processes that run a shard."""
    for folder in pathlib.Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and (folder / "cmdline").read_bytes().startswith(b"ray::run_shard"):
                yield int(folder.name)
        except OSError:
            continue


def test_the_same_results_as_one_process(address, program, tmp_path):
    from evreplay.fleet.shard import run_command

    what = document(tmp_path, 60)
    assert run_command(["replay", what, "--json", str(tmp_path / "one.json")])[0] == 0
    assert fleet("replay", what, "--address", address, "--shard", 9, "--json", tmp_path / "many.json") == 0
    assert statuses(tmp_path / "many.json") == statuses(tmp_path / "one.json")


def test_calls_of_several_inputs_count_together(address, program, tmp_path):
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps(records(10)))
    assert fleet("replay", tmp_path, "--address", address, "--json", tmp_path / "out" ) == 0
    assert [r["count"] for r in json.loads((tmp_path / "out").read_text())["results"]] == [2] * 10


def test_a_worker_killed_in_the_middle_loses_nothing(address, program, tmp_path):
    killed = []

    def kill():
        until = time.monotonic() + 60
        while not killed and time.monotonic() < until:
            for pid in workers():
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
                break
            time.sleep(0.01)

    hunter = threading.Thread(target=kill)
    hunter.start()
    code = fleet("bench", document(tmp_path, 40), "--address", address, "--shard", 10, "--journal", tmp_path / "j", "--json", tmp_path / "out", "--", "--iterations", 50)
    hunter.join()
    assert code == 0 and killed
    found = json.loads((tmp_path / "out").read_text())["results"]
    assert [r["index"] for r in found] == list(range(40)) and all(r["statistics"]["count"] == 50 for r in found)
    assert len((tmp_path / "j").read_text().splitlines()) == 1 + 4


def test_resume_runs_nothing_twice_and_refuses_other_options(address, program, tmp_path, capsys):
    what, journal = document(tmp_path, 20), tmp_path / "j"
    assert fleet("replay", what, "--address", address, "--shard", 5, "--journal", journal) == 0
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:3]) + lines[3][:40])  # killed while it wrote the third
    assert fleet("replay", what, "--address", address, "--shard", 5, "--journal", journal, "--resume", "--json", tmp_path / "out") == 0
    again = journal.read_bytes().splitlines(keepends=True)
    assert again[:3] == lines[:3] and len(again) == 5
    assert [r["index"] for r in json.loads((tmp_path / "out").read_text())["results"]] == list(range(20))
    assert fleet("replay", what, "--address", address, "--journal", journal) == 4
    assert fleet("bench", what, "--address", address, "--journal", journal, "--resume") == 4
    assert "not the journal of this run" in capsys.readouterr().err


def test_a_store_is_filled_once(address, program, tmp_path, capsys):
    what, store = document(tmp_path, 12), tmp_path / "s.db"
    assert fleet("bench", what, "--address", address, "--store", store, "--", "--iterations", 20, "--op-filter", "aten::abs") == 0
    assert fleet("fill", what, "--address", address, "--store", store, "--", "--iterations", 20) == 0
    assert "9 different calls" in capsys.readouterr().err
    assert fleet("fill", what, "--address", address, "--store", store) == 0
    assert "0 different calls" in capsys.readouterr().err


def test_a_shard_that_no_node_can_run_is_told(address, program, tmp_path, capsys):
    code = fleet("replay", document(tmp_path, 8), "--address", address, "--json", tmp_path / "out", "--", "--bridge", "/no/such/bridge.so")
    told = capsys.readouterr().err
    assert code == 5 and "8 records have no result" in told and "/no/such/bridge.so" in told
    assert not (tmp_path / "out").exists()


def test_what_no_node_has_is_an_answer(address, program, tmp_path, capsys):
    assert fleet("replay", document(tmp_path, 3), "--address", address, "--resource", "abacus=1") == 5
    assert "abacus" in capsys.readouterr().err


def test_usage():
    assert fleet("fill", "x.json") == 2
    assert fleet("replay", "x.json", "--resume") == 2


def test_results_that_come_again_are_not_counted():
    from evreplay.fleet import Outcome, Plan, Shard

    shard = Shard("s", "", (4, 5))
    outcome = Outcome(Plan((shard,), ("a",) * 6, ()))
    document = {"runtime": "t", "device": "cpu", "device_name": "n", "driver": "d", "results": [{"index": 0, "status": "ok"}, {"index": 1, "status": "failed"}]}
    assert outcome.add(shard, document) == [4, 5] and outcome.add(shard, document) == []
    assert outcome.repeated == 2 and outcome.missing == [0, 1, 2, 3]
