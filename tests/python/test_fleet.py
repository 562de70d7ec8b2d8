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
    return named(b"ray::run_shard")


def named(prefix):
    for folder in pathlib.Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and (folder / "cmdline").read_bytes().startswith(prefix):
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


def small_documents(count):
    """Documents with calls in common, each in an order of its own, with counts and kernels."""
    made = []
    for i in range(count):
        rows = []
        for k in range(2 + i % 5):
            size = 1 + (7 * i + 3 * k) % 23
            tensor = {"tensor": {"shape": [size], "strides": [1], "dtype": "float32"}}
            kernels = [{"name": f"k{(i + j) % 3}", "count": 1 + j, "total_ns": 10 * i + j} for j in range((i + k) % 3)]
            row = {"op": "aten::abs", "args": [{"name": "self", "type": "Tensor", "value": tensor}]}
            rows.append({**row, **({"count": 1 + i % 4} if (i + k) % 2 else {}), **({"kernels": kernels} if kernels else {})})
        made.append(json.dumps({"evreplay_ir": 1, "records": rows}))
    return made


@pytest.mark.parametrize("width", [1, 2, 3, 7, 40])
def test_joining_in_a_tree_comes_to_the_same(width):
    from evreplay.fleet.plan import join, plan

    documents = small_documents(40)
    whole, parts = plan(documents), [[(document, "")] for document in documents]
    parts[11] = [(None, "not/seen")]
    while len(parts) > 1 and width > 1:
        parts = [join(part for one in parts[first : first + width] for part in one) for first in range(0, len(parts), width)]
    parts = join(part for one in parts for part in one)
    assert [path for document, path in parts if document is None] == ["not/seen"] and len(parts) == 3
    found = plan([documents[11] if document is None else document for document, _ in parts])
    assert found.keys == whole.keys and [shard.document for shard in found.shards] == [shard.document for shard in whole.shards]
    assert [shard.name for shard in found.shards] == [shard.name for shard in whole.shards]


def test_many_traces_are_joined_on_the_cluster_though_workers_are_lost(address, program, tmp_path):
    """The same shards, byte for byte, as of all documents one after the other; what the cluster does not see is read here."""
    from evreplay.fleet import Cluster, engine, plan
    from evreplay.fleet.shard import extract

    for i, text in enumerate(small_documents(70)):
        (tmp_path / f"{i:03}.json").write_text(text)
    files = sorted(map(str, tmp_path.iterdir()))
    whole, killed, over = plan([extract(file) for file in files]), [], threading.Event()

    def kill():
        while not over.is_set() and len(killed) < 3:
            for prefix in (b"ray::extract_part", b"ray::join_parts"):
                for pid in named(prefix):
                    try:
                        os.kill(pid, signal.SIGKILL)
                        killed.append(pid)
                    except OSError:
                        pass
                    break
            over.wait(0.3)

    hunter = threading.Thread(target=kill)
    hunter.start()
    try:
        with Cluster(address, retries=9) as cluster:
            parts = list(engine.extract_all(cluster, files, []))
    finally:
        over.set()
        hunter.join()
    assert killed and len(parts) == 1
    found = plan(parts)
    assert [shard.document for shard in found.shards] == [shard.document for shard in whole.shards] and found.keys == whole.keys


def test_a_task_that_is_always_lost_takes_nothing_along(address, program, tmp_path, monkeypatch):
    from evreplay.fleet import Cluster, engine, plan
    from evreplay.fleet.shard import extract

    for i, text in enumerate(small_documents(3)):
        (tmp_path / f"{i}.json").write_text(text)
    files = sorted(map(str, tmp_path.iterdir()))
    monkeypatch.setattr(engine, "extract_part", deadly)
    with Cluster(address, retries=0) as cluster:
        found = list(engine.extract_all(cluster, files, []))
    assert [shard.document for shard in plan(found).shards] == [shard.document for shard in plan([extract(file) for file in files]).shards]


def deadly(files, options):
    from evreplay.fleet.shard import extract_part

    if any(file.endswith("/1.json") for file in files):
        os._exit(9)
    return extract_part(files, options)


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


@pytest.fixture
def seats(program):
    """Where the command is a program: else each shard starts an interpreter, as every command does then."""
    from evreplay.fleet import shard

    if len(program) != 1:
        pytest.skip("the command is not installed as a program")
    yield shard
    if shard._seat:
        shard._seat.close()
        shard._seat = None


def outcome(document):
    return [(r["key"], r["status"], r["reason"]) for r in document["results"]]


def below(pid):
    """Numbers and command lines of the processes that descend from one."""
    parents = {}
    for folder in pathlib.Path("/proc").iterdir():
        try:
            if folder.name.isdigit():
                parents.setdefault(int((folder / "stat").read_text().rpartition(")")[2].split()[1]), []).append(int(folder.name))
        except OSError:
            continue
    found = list(parents.get(pid, []))
    for one in found:
        found += parents.get(one, [])
    return found


def poisoned(tmp_path):
    """Records of which one ends its process."""
    library = os.environ.get("EVREPLAY_TEST_OPS")
    if not library:
        pytest.skip("the custom operators of tests/replay/ops were not built")
    crash = {"op_name": "evrpoison::crash", "replay_ir": {"list_pos_args": [{**record("abs", 2)["replay_ir"]["list_pos_args"][0], "arg_name": "x"}], "list_kwargs": []}}
    return [record("abs", 3), crash, record("neg", 4), record("exp", 5)], ["--import", f"evrpoison={library}"]


def test_a_place_keeps_what_shards_need(seats, tmp_path):
    """One process for many shards, in which nothing of a record stays: what crashes costs itself, and results are those of a program of their own."""
    what, options = poisoned(tmp_path)
    path = tmp_path / "records.json"
    path.write_text(json.dumps(what))
    made = seats.extract(str(path))
    assert seats.run_command(["replay", str(path), "--isolate", "--json", str(tmp_path / "one.json"), *options])[0] == 1
    first = seats.run_shard("replay", made, options)
    seat = seats._seat._process.pid
    assert outcome(first) == outcome(json.loads((tmp_path / "one.json").read_text()))
    assert [(r["status"], r["reason"]) for r in first["results"]] == [("ok", ""), ("failed", "crashed"), ("ok", ""), ("ok", "")]
    for _ in range(3):
        assert outcome(seats.run_shard("replay", made, options)) == outcome(first)
    assert seats._seat._process.pid == seat and not below(seat)  # the same one, and nothing is left of the shards


def test_a_seat_that_was_killed_costs_nothing(seats, tmp_path):
    made = seats.extract(document(tmp_path, 40))
    seats.run_shard("replay", made, [])
    seat = seats._seat._process.pid
    hunted = threading.Thread(target=kill_when_busy, args=(seat,))
    hunted.start()
    found = seats.run_shard("bench", made, ["--iterations", "60", "--threads", "1"])
    hunted.join()
    assert [r["status"] for r in found["results"]] == ["ok"] * 40 and all(r["statistics"]["count"] == 60 for r in found["results"])
    assert seats._seat._process.pid != seat


def kill_when_busy(seat):
    until = time.monotonic() + 60
    while not below(seat) and time.monotonic() < until:
        time.sleep(0.005)
    os.kill(seat, signal.SIGKILL)


def test_a_seat_of_other_surroundings_is_replaced(seats, tmp_path, monkeypatch):
    made = seats.extract(document(tmp_path, 2))
    seats.run_shard("replay", made, [])
    seat = seats._seat._process
    monkeypatch.setenv("EVREPLAY_ANYTHING", "else")
    seats.run_shard("replay", made, [])
    assert seats._seat._process.pid != seat.pid and seat.poll() is not None
    with pytest.raises(seats.ShardError) as raised:
        seats.run_shard("replay", made, ["--no-such-option"])
    assert raised.value.code == 2 and "no-such-option" in raised.value.told


def test_visits_are_processes_of_their_own(seats, tmp_path):
    found = seats.run_shard("bench", seats.extract(document(tmp_path, 1)), ["--visits", "2", "--iterations", "10"])
    assert found["results"][0]["status"] == "ok" and seats._seat is None


def test_a_command_without_seats_runs_shards_all_the_same(seats, tmp_path, monkeypatch):
    """An older one, or none that can be kept: the program is started for each."""
    made, program = seats.extract(document(tmp_path, 2)), seats.command()[0]
    script = tmp_path / "evreplay"
    script.write_text(f'#!/bin/sh\n[ "$1" = seat ] && exit 2\nexec {program} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("EVREPLAY_PROGRAM", str(script))
    assert [r["status"] for r in seats.run_shard("replay", made, [])["results"]] == ["ok", "ok"]
    assert seats._seat is None
