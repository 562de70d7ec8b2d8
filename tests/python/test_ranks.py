"""Several ranks: collectives against mathematics, one report for all, and ranks that die or hang."""
import importlib.metadata
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest

from conftest import has, needs_torch

HERE = pathlib.Path(__file__).parent / "ranks"
COLLECTIVES = HERE / "collectives.json"
SHARED = pathlib.Path(os.environ.get("EVREPLAY_SHARED_FOLDER", "/nowhere")) / "corpus"
PATIENCE = 400
#: What gloo cannot do in older versions of torch.
LACKING = ["c10d::alltoall_"] if has("torch") and tuple(map(int, importlib.metadata.version("torch").split(".")[:2])) < (2, 12) else []

pytestmark = needs_torch


def torchrun(ranks, *words, **options):
    """torchrun with a program or module."""
    return [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={ranks}", "--standalone", *words]


def tensor(*shape):
    strides = [1] * len(shape)
    for i in range(len(shape) - 2, -1, -1):
        strides[i] = strides[i + 1] * shape[i + 1]
    return {"tensor": {"shape": list(shape), "strides": strides, "dtype": "float32"}}


def all_reduce(elements, **more):
    values = [("input", "Tensor", tensor(elements)), ("reduce_op", "str", "sum"), ("group_name", "Any", "0")]
    return {"op": "_c10d_functional::all_reduce", "args": [{"name": n, "type": t, "value": v} for n, t, v in values], **more}


def relu(elements):
    return {"op": "aten::relu", "args": [{"name": "self", "type": "Tensor", "value": tensor(elements)}]}


def write(folder, *records):
    path = folder / "records.json"
    path.write_text(json.dumps({"evreplay_ir": 1, "records": list(records)}))
    return path


class Launched:
    """`evreplay launch` under way."""

    def __init__(self, folder, ranks, *words, launch=()):
        self.json, self.folder = folder / "results.json", folder
        program = [sys.executable, "-m", "evreplay", "launch", f"--nproc-per-node={ranks}", *launch, "--"]
        self.process = subprocess.Popen(
            [*program, *words, f"--json={self.json}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(folder)},
            start_new_session=True,
        )

    def pids(self, child):
        """Processes of the ranks by number: those that run records, or those that watch them."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            try:
                line = (entry / "cmdline").read_bytes().split(b"\0")
                space = dict(pair.split(b"=", 1) for pair in (entry / "environ").read_bytes().split(b"\0") if b"=" in pair)
            except OSError:
                continue
            if space.get(b"TMPDIR") != str(self.folder).encode() or b"RANK" not in space:
                continue
            if b"evreplay" in line and (b"EVREPLAY_RANK_CHILD" in space) == child:
                found[int(space[b"RANK"])] = int(entry.name)
        return found

    def wait_for_results(self, count):
        """Until the journals of both ranks have so many results. Gives how many there are."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            journals = list(self.folder.glob("evreplay-*/rank?.journal"))
            kept = min((path.read_bytes().count(b"\n") - 1 for path in journals), default=0)
            if len(journals) > 1 and kept >= count:
                return kept
            time.sleep(0.02)
        raise AssertionError(f"it ended before it had {count} results:\n{self.process.stderr.read()}")

    def finish(self):
        """Exit code, results, and what it printed as errors."""
        try:
            _, told = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise
        results = json.loads(self.json.read_text())["results"] if self.json.exists() else None
        return self.process.returncode, results, told


TRACES = ("nccl_collectives", "b200_vllm_eager")


def of_corpus(name):
    path = SHARED / f"{name}.json.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path


def compared(*inputs):
    """What was compared with mathematics, by groups of four and of two ranks: one launch, since starting is what takes the time."""
    lacking = [f"lacking={','.join(LACKING)}"] if LACKING else []
    command = torchrun(4, str(HERE / "check_collectives.py"), *lacking, "4,2", *map(str, inputs))
    result = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert result.returncode == 0, result.stdout + result.stderr
    found = re.findall(r"(\S+) \d+ (\S+) of (\d) ranks: compared on (\d)", result.stdout)
    return [(file, op, int(size), int(on)) for file, op, size, on in found]


def test_collectives__against_mathematics():
    """Every operator that gloo has, on as many ranks as have a result."""
    found = compared(COLLECTIVES)
    told = [(op, size) for file, op, size, _ in found if file == COLLECTIVES.name]
    ops = [record["op"] for record in json.loads(COLLECTIVES.read_text())["records"] if record["op"] not in LACKING]
    assert sorted(told) == sorted((op, size) for op in ops for size in (2, 4))
    assert sum(file == "messages" for file, *_ in found) == 2 * 3
    for _, op, size, on in found:
        at_the_root, at_one_end = op in ("c10d::reduce_", "c10d::gather_"), op in ("c10d::send", "c10d::recv_")
        assert on == (1 if at_the_root else size // 2 if at_one_end else size), op


def test_corpus__against_mathematics():
    paths = {path.name: calls for path, calls in ((of_corpus("nccl_collectives"), 14), (of_corpus("b200_vllm_eager"), 2))}
    found = compared(*(SHARED / name for name in paths))
    for name, calls in paths.items():
        assert sorted((size, on) for file, _, size, on in found if file == name) == [(2, 2)] * calls + [(4, 4)] * calls


def talking(path):
    """Records of a trace that talk to other ranks."""
    extracted = subprocess.run([sys.executable, "-m", "evreplay", "extract", str(path)], capture_output=True, text=True)
    found = [r for r in json.loads(extracted.stdout)["records"] if r["op"].startswith(("c10d::", "_c10d_functional::", "symm_mem::", "record_param_comms"))]
    assert found, extracted.stderr
    return found


@pytest.mark.parametrize("ranks", [2, 4])
def test_corpus__every_collective_that_gloo_has(tmp_path, ranks):
    """As the command runs them. What is left out is named: waits, which carry nothing, and memory that GPUs share by NVLink."""
    records = [record for name in TRACES for record in talking(of_corpus(name))]
    code, results, told = Launched(tmp_path, ranks, "replay", str(write(tmp_path, *records)), f"--group-size={ranks}").finish()
    assert results is not None and len(results) == len(records), told
    for result in results:
        if result["op"].startswith("symm_mem::"):
            assert result["reason"] == "no-kernel-for-device", result
        elif result["reason"] == "annotation":
            assert "carries nothing" in result["detail"], result
        else:
            assert result["status"] == "ok" and [rank["status"] for rank in result["ranks"]["each"]] == ["ok"] * ranks, result
    assert sum(result["status"] == "ok" for result in results) == 16


def end_of_message(op, whom, rank):
    """A record of c10d::send or recv_, or of their functional like, to or from the neighbour of a rank."""
    values = [("tensors", "Tensor[]", [tensor(50)]), ("process_group", "__torch__.torch.classes.c10d.ProcessGroup", "7"), (whom, "int", rank ^ 1), ("tag", "int", 0)]
    result = "__torch__.torch.classes.c10d.Work"
    if not op.startswith("c10d::"):
        values, result = [("tensor", "Tensor", tensor(50)), *values[2:], ("group_name", "str", "7")], "Tensor"
    schema = f"{op}({', '.join(f'{kind} {name}' for name, kind, _ in values)}) -> {result}"
    group = {"name": "7", "size": 4, "ranks": [0, 1, 2, 3]}
    return {"op": op, "schema": schema, "args": [{"name": n, "type": t, "value": v} for n, t, v in values], "group": group}


def test_launch__both_ends_of_messages(tmp_path):
    """Each rank has its own end, of another name; what one rank sends is for its neighbour."""
    ends = [("c10d::send", "dst"), ("c10d::recv_", "src"), ("_c10d_functional::isend", "dst"), ("_c10d_functional::irecv", "src")]
    order = (0, 1, 1, 0, 2, 3) if functional_messages() else (0, 1, 1, 0)  # rank 0's; its neighbour has the other ends
    for rank in range(4):
        records = [end_of_message(*ends[i ^ (rank & 1)], rank) for i in order]
        (tmp_path / f"of{rank}.json").write_text(json.dumps({"evreplay_ir": 1, "records": records}))
    code, results, told = Launched(tmp_path, 4, "replay", str(tmp_path / "of{rank}.json"), "--timeout=60").finish()
    assert code == 0 and [result["status"] for result in results] == ["ok"] * len(order), told


def functional_messages():
    """Whether torch has them; 2.13 does."""
    code = "import torch.distributed._functional_collectives, sys, torch; sys.exit(not hasattr(torch.ops._c10d_functional, 'isend'))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_launch__one_report_with_all_ranks(tmp_path):
    path = write(tmp_path, all_reduce(8, group={"name": "5", "size": 1, "ranks": [1]}), all_reduce(1000), relu(100), all_reduce(8, group={"name": "3", "size": 8}), end_of_message("_c10d_functional::isend", "dst", 0))
    code, results, told = Launched(tmp_path, 2, "bench", str(path), "--iterations=5", "--warmup=2").finish()
    assert code == 0, told
    one, reduced, plain, too_many, message = results  # one rank has been in a group before they meet in another
    for result in (reduced, plain):
        assert result["status"] == "ok" and result["statistics"]["count"] == 5
        medians = [rank["median_ns"] for rank in result["ranks"]["each"]]
        assert len(medians) == 2 and min(medians) > 0
        assert result["ranks"]["slowest"] == medians.index(max(medians))
        assert result["statistics"]["max"] >= max(medians)
    assert (too_many["status"], too_many["reason"]) == ("skipped", "needs-8-ranks")
    assert message["reason"] == "communication-without-group" and "its other end" in message["detail"]
    assert one["status"] == "ok" and [rank["status"] for rank in one["ranks"]["each"]] == ["skipped", "ok"]
    assert one["statistics"]["median"] == pytest.approx(one["ranks"]["each"][1]["median_ns"])
    assert not [p for p in tmp_path.iterdir() if p.name.startswith("evreplay-")]  # no journal stays behind


def test_launch__sizes_follow_the_group_and_each_rank_its_own_records(tmp_path):
    shared = json.loads(COLLECTIVES.read_text())["records"]
    for rank in (0, 1):
        (tmp_path / f"of{rank}.json").write_text(json.dumps({"evreplay_ir": 1, "records": [*shared, relu(10 + rank), all_reduce(16)]}))
    code, results, told = Launched(tmp_path, 2, "replay", str(tmp_path / "of{rank}.json"), "--group-size=2").finish()
    assert code == (1 if LACKING else 0), told
    assert {result["op"] for result in results if result["status"] != "ok"} == set(LACKING) and len(results) == len(shared) + 2
    assert all("does not support" in json.dumps(result) for result in results if result["status"] != "ok")
    gathered = next(result for result in results if result["op"] == "c10d::_allgather_base_")
    assert any("recorded among 4 ranks" in warning for warning in gathered["warnings"])
    uneven = [result for result in results if result["op"] == "c10d::alltoall_base_"][1]
    assert any("even" in warning for warning in uneven["warnings"])


def exchange(rows, sent, received, size):
    """all_to_all_single with parts of their own, as expert parallelism does it."""
    values = [("input", "Tensor", tensor(rows, 2)), ("output_split_sizes", "SymInt[]", received), ("input_split_sizes", "SymInt[]", sent), ("group_name", "Any", "7")]
    schema = "_c10d_functional::all_to_all_single(Tensor input, SymInt[] output_split_sizes, SymInt[] input_split_sizes, Any group_name) -> Tensor"
    return {"op": "_c10d_functional::all_to_all_single", "schema": schema, "args": [{"name": n, "type": t, "value": v} for n, t, v in values],
            "group": {"name": "7", "size": size, "ranks": list(range(size))}}


def test_launch__experts_on_fewer_ranks(tmp_path):
    """Only exchanges follow --ep-size: what was recorded among four ranks runs among two, a reduction among four does not."""
    path = write(tmp_path, exchange(10, [1, 2, 3, 4], [2, 3, 3, 3], 4), exchange(10, [7, 3], [7, 7], 2), all_reduce(8, group={"name": "3", "size": 4}))
    code, (even, as_recorded, reduced), told = Launched(tmp_path, 2, "replay", str(path), "--ep-size=2").finish()
    assert code == 0, told
    assert (even["status"], as_recorded["status"]) == ("ok", "ok") and (reduced["status"], reduced["reason"]) == ("skipped", "needs-4-ranks")
    assert any("even ones" in warning for warning in even["warnings"])
    assert not any("even ones" in warning for warning in as_recorded["warnings"])


def test_launch__sizes_beyond_the_ranks(tmp_path):
    code, results, told = Launched(tmp_path, 1, "replay", str(write(tmp_path, exchange(8, [4, 4], [4, 4], 2))), "--ep-size=3", launch=["--max-restarts=0"]).finish()
    assert code != 0 and results is None
    assert told.count("--ep-size=3 is more than the 1 ranks that there are") == 1, told


def test_launch__killed_and_then_hanging(tmp_path):
    """The ranks begin again after each, and nothing but what was run then is lost."""
    records = [all_reduce((1 << 21) + i) for i in range(14)]  # long ones, so that a kill meets one
    launched = Launched(tmp_path, 2, "bench", str(write(tmp_path, *records)), "--iterations=40", "--warmup=1", "--timeout=8")
    first = launched.wait_for_results(2)
    os.kill(launched.pids(True)[1], signal.SIGKILL)
    launched.wait_for_results(first + 2)
    os.kill(launched.pids(True)[1], signal.SIGSTOP)
    begun = time.monotonic()
    code, results, told = launched.finish()
    assert code == 1, told
    assert [result["index"] for result in results] == list(range(14))
    crashed, hung = [result for result in results if result["status"] != "ok"]
    assert crashed["reason"] == "crashed" and "_c10d_functional::all_reduce: rank 1 was killed by signal 9" in crashed["detail"]
    assert hung["reason"] == "timeout" and "rank 1 did not answer" in hung["detail"] and crashed["index"] < hung["index"]
    assert time.monotonic() - begun < PATIENCE


def test_launch__torchruns_own_process_killed(tmp_path):
    """Twice: torchrun starts the ranks again once, then one that is left writes the report."""
    records = [all_reduce((1 << 21) + i) for i in range(14)]  # long ones, so that a kill meets one
    launched = Launched(tmp_path, 2, "bench", str(write(tmp_path, *records)), "--iterations=40", "--warmup=1", launch=["--max-restarts=1"])
    first = launched.wait_for_results(2)
    os.kill(launched.pids(False)[0], signal.SIGKILL)
    launched.wait_for_results(first + 2)
    os.kill(launched.pids(False)[0], signal.SIGKILL)
    code, results, told = launched.finish()
    assert code == 1 and results, told
    assert [result["index"] for result in results] == list(range(14))
    lost = [result for result in results if result["status"] != "ok"]
    assert {result["reason"] for result in lost} == {"rank-lost"}
    end = next(i for i in range(14) if all(result["status"] != "ok" for result in results[i:]))
    assert first < end < 14
    met = [result for result in results[:end] if result["status"] != "ok"]  # what was run at the first kill; nothing, if that came between two records
    assert len(met) <= 1 and all("_c10d_functional::all_reduce: a rank was killed while it was run" in result["detail"] for result in met)
