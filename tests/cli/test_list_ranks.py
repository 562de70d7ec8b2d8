"""list of several traces: ranks and their collectives."""
import csv
import io
import json


def trace(rank, late, count=5):
    events = [{"ph": "X", "cat": "cpu_op", "name": "record_param_comms", "pid": 1, "tid": 1, "ts": 1000 + 100 * i + late, "dur": 50 - late,
               "args": {"Collective name": "allreduce", "In msg nelems": 8 << i, "dtype": "Float", "Group size": 2, "Process Group Name": "dp", "Process Group Ranks": "[0, 1]"}}
              for i in range(count)]
    return {"distributedInfo": {"rank": rank, "world_size": 2}, "host_name": "a", "baseTimeNanoseconds": 0, "traceEvents": events}


def folder(tmp_path):
    for rank, late in ((0, 0), (1, 20)):
        (tmp_path / f"r{rank}.json").write_text(json.dumps(trace(rank, late)))
    return tmp_path


def test_text_names_the_slowest_rank(evreplay, tmp_path):
    result = evreplay("list", folder(tmp_path))
    assert result.returncode == 0, result.stderr
    ranks, collectives = result.stdout.split("\n\n")
    assert [line.split()[:2] for line in ranks.splitlines()[1:]] == [["0", "reference"], ["1", "shared"]]
    assert len(collectives.splitlines()) == 6
    assert collectives.splitlines()[1].split()[:3] == ["20.000", "µs", "1"]


def test_json_has_every_participation(evreplay, tmp_path):
    found = json.loads(evreplay("list", folder(tmp_path), "--json", "--sort", "file").stdout)
    assert [r["waited_ns"] for r in found["ranks"]] == [100000, 0] and [r["awaited_ns"] for r in found["ranks"]] == [0, 100000]
    assert [c["elements"] for c in found["collectives"]] == [8, 16, 32, 64, 128]
    for i, c in enumerate(found["collectives"]):
        assert c["skew_ns"] == 20000 and c["slowest_rank"] == 1 and c["shortest_ns"] == 30000
        assert [(m["rank"], m["uid"], m["duration_ns"]) for m in c["members"]] == [(0, i, 50000), (1, i, 30000)]


def test_csv_top_and_files_by_name(evreplay, tmp_path):
    folder(tmp_path)
    result = evreplay("list", tmp_path / "r1.json", tmp_path / "r0.json", "--csv", "--top", "2")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert len(rows) == 2 and rows[0]["skew_ns"] == "20000" and rows[0]["group"] == "dp"


def test_pattern_that_nothing_matches(evreplay, tmp_path):
    result = evreplay("list", folder(tmp_path), "--op", "broadcast*", "--csv")
    assert result.returncode == 0 and len(result.stdout.splitlines()) == 1


def test_empty_folder_says_what_traces_end_in(evreplay, tmp_path):
    result = evreplay("list", tmp_path)
    assert result.returncode == 4 and ".json.gz" in result.stderr


def test_a_trace_without_a_rank_beside_those_with_one(evreplay, tmp_path):
    folder(tmp_path)
    other = trace(0, 0)
    del other["distributedInfo"]
    (tmp_path / "x.json").write_text(json.dumps(other))
    result = evreplay("list", tmp_path)
    assert result.returncode == 4 and "x.json" in result.stderr and "rank3.json" in result.stderr
