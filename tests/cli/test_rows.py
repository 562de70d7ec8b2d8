"""evreplay db update --run: rows of a database that are replayed, and results of replays as a source."""
import csv
import json
import os
import subprocess

import pytest
from conftest import EVREPLAY
from test_registry import OPERATORS

COLUMNS = ["OP State", "Accelerator Core", "Input Shapes", "Input Data Types", "Input Formats", "Output Shapes", "Output Data Types", "Output Formats",
           "Average Duration(us)", "Profiling Average Duration(us)"]

# operator: input shapes, types, output shapes, types; formats are ND
ROWS = {
    "MatMulV2": ("16,8;8,4", "FLOAT;FLOAT", "16,4", "FLOAT"),
    "MatMulV3": ("8,16;4,8", "DT_BF16;DT_BF16", "16,4", "DT_BF16"),
    "MatMul": ("16,8;4,8;4", "FLOAT;FLOAT;FLOAT", "16,4", "FLOAT"),
    "MatMulCommon": ("2,5,8;8,4", "FLOAT;FLOAT", "2,5,4", "FLOAT"),
    "BatchMatMulV2": ("3,16,8;3,4,8", "FLOAT;FLOAT", "3,16,4", "FLOAT"),
    "TransposeBatchMatMul": ("16,3,8;3,8,4", "FLOAT;FLOAT", "16,3,4", "FLOAT"),
    "QuantBatchMatmulV3": ("32,32;64,32;64", "INT8;INT8;FLOAT", "32,64", "DT_BF16"),
    "Add": ("2,64;2,64", "FLOAT;FLOAT", "2,64", "FLOAT"),
    "Mul": ("2,64;", "FLOAT;FLOAT", "2,64", "FLOAT"),
    "RealDiv": ("2,64;64", "FLOAT;FLOAT", "2,64", "FLOAT"),
    "Cast": ("2,64", "FLOAT", "2,64", "DT_BF16"),
    "RmsNorm": ("2,5,64;64", "FLOAT;FLOAT", "2,5,64;2,5,1", "FLOAT;FLOAT"),
    "SoftmaxV2": ("5,64", "FLOAT", "5,64", "FLOAT"),
    "SwiGlu": ("5,64", "FLOAT", "5,32", "FLOAT"),
    "Transpose": ("64,7;2", "FLOAT;INT64", "7,64", "FLOAT"),
    "GatherV2": ("100,64;2,7;1", "FLOAT;INT64;INT64", "2,7,64", "FLOAT"),
    "Index": ("100,64;2;2;17", "FLOAT;INT64;INT64;INT64", "17,64", "FLOAT"),
    "Slice": ("64,128;2;2", "FLOAT;INT64;INT64", "64,32", "FLOAT"),
    "Sort": ("5,64", "FLOAT", "5,64;5,64", "FLOAT;INT32"),
    "ArgMaxV2": ("5,64;1", "FLOAT;INT32", "5", "INT32"),
    "MaskedFill": ("5,64;5,64;", "FLOAT;BOOL;FLOAT", "5,64", "FLOAT"),
    "PadV3": ("5,60;4;1", "FLOAT;INT64;FLOAT", "8,64", "FLOAT"),
    "ScatterNdUpdate": ("10,20,64;7,2;7,64", "FLOAT;INT64;FLOAT", "10,20,64", "FLOAT"),
    "FusedInferAttentionScore": ("2,8,16,64;2,2,32,64;2,2,32,64", "FLOAT;FLOAT;FLOAT", "2,8,16,64", "FLOAT"),
    "MoeTokenPermute": ("16,64;16,2", "FLOAT;INT64", "32,64;32", "FLOAT;INT32"),
    "MoeTokenUnpermute": ("32,64;32;16,2", "FLOAT;INT32;FLOAT", "16,64", "FLOAT"),
    "MoeGatingTopKSoftmax": ("16,64", "FLOAT", "16,8;16,8", "FLOAT;INT32"),
    "MoeGatingTopK": ("16,64;64", "FLOAT;FLOAT", "16,8;16,8", "FLOAT;INT32"),
}
NOT_HERE = {  # what torch alone does not have, and why
    "DynamicQuant": (("5,64", "DT_BF16", "5,64;5", "INT8;FLOAT"), "needs-namespace: "),
    "DispatchFFNCombine": (("64,71", "DT_BF16", "64,71", "DT_BF16"), "needs-N-ranks: "),
    "Unheard": (("5", "FLOAT", "5", "FLOAT"), "unknown-operator: "),
}


def cells(row, measured="", profiled=""):
    formats = ";".join("ND" for _ in row[1].split(";"))
    return ["dynamic", "AI_CORE", row[0], row[1], formats, row[2], row[3], ";".join("ND" for _ in row[3].split(";")), measured, profiled]


def put(folder, op, *rows):
    folder.mkdir(exist_ok=True)
    with (folder / f"{op}.csv").open("w", newline="") as f:
        csv.writer(f).writerows([COLUMNS, *rows])


def durations(folder, op):
    with (folder / f"{op}.csv").open(newline="") as f:
        return [row["Average Duration(us)"] for row in csv.DictReader(f)]


@pytest.fixture
def db(tmp_path):
    return tmp_path / "db"


@pytest.fixture
def update(tmp_path, db):
    """Runs an update with a folder for temporary things of its own. Gives the result, the document, and what is left in that folder."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()

    def update(*args):
        command = [EVREPLAY, "db", "update", db, "--json", *args]
        result = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300, env={**os.environ, "TMPDIR": str(temporary)})
        if result.returncode == 5:
            pytest.skip("no bridge to torch was built")
        left = [p for folder in temporary.glob("evreplay-run-*") for p in folder.iterdir()]
        return result, json.loads(result.stdout) if result.stdout else None, left

    return update


RUN = ("--run", "--repeat-count", 3)


def test_every_operator_on_the_cpu(update, db):
    for op, row in ROWS.items():
        put(db, op, cells(row))
    for op, (row, _) in NOT_HERE.items():
        put(db, op, cells(row))
    result, found, left = update(*RUN)
    assert result.returncode == 0, result.stderr
    runs = {r["op"]: r for r in found["runs"]}
    assert {op: (runs[op]["status"], runs[op]["reason"]) for op in ROWS} == {op: ("success", "") for op in ROWS}
    for op in ROWS:
        assert runs[op]["measured_us"] > 0 and durations(db, op) == [f"{runs[op]['measured_us']:.6f}"]
    for op, (_, reason) in NOT_HERE.items():
        assert runs[op]["status"] == "skipped" and runs[op]["reason"].startswith(reason) and durations(db, op) == [""]
    files = {f["op"]: f["status"] for f in found["files"]}
    assert files == {**{op: "success" for op in ROWS}, **{op: "skipped" for op in NOT_HERE}}
    assert left == []


def test_patterns_repeats_and_a_kept_folder(update, db, tmp_path):
    for op in ("MatMulV2", "MatMulV3", "Add"):
        put(db, op, cells(ROWS[op]))
    result, found, _ = update("--run", "--repeat-count", 7, "--ops", "MatMul*", "--work", tmp_path / "work")
    assert result.returncode == 0, result.stderr
    assert [r["op"] for r in found["runs"]] == ["MatMulV2", "MatMulV3"] and durations(db, "Add") == [""]
    kept = json.loads((tmp_path / "work" / "combined.json").read_text())["results"]
    assert [(r["op"], r["statistics"]["count"]) for r in kept] == [("aten::mm", 7)] * 2
    assert f"{tmp_path}/work" in result.stderr


def test_rows_of_a_family_keep_their_own_times(update, db):
    """A profile's MatMulV2 may be a call of MatMulV3's file; a row that was run is not."""
    row = cells(ROWS["MatMulV2"])
    put(db, "MatMulV2", row)
    put(db, "MatMulV3", row)
    result, found, _ = update("--run", "--ops", "MatMulV2")
    assert result.returncode == 0, result.stderr
    assert durations(db, "MatMulV2") != [""] and durations(db, "MatMulV3") == [""]


def test_missing_only(update, db):
    put(db, "Add", cells(ROWS["Add"], "12.5"), cells(("3;3", "FLOAT;FLOAT", "3", "FLOAT")), cells(("4;4", "FLOAT;FLOAT", "4", "FLOAT"), "", "9"))
    result, found, _ = update(*RUN, "--mode", "missing-only")
    assert result.returncode == 0, result.stderr
    assert [r["line"] for r in found["runs"]] == [3]
    first, second, third = durations(db, "Add")
    assert first == "12.5" and float(second) > 0 and third == ""
    result, found, _ = update(*RUN, "--mode", "missing-only", "--bridge", "/no/such/bridge")
    assert result.returncode == 0 and found["complete"]


POISON = """
# one that crashes and one that refuses
schema evrpoison::crash(Tensor x) -> Tensor
schema evrpoison::refuse(Tensor x) -> Tensor
row Boom
    call evrpoison::crash(in0)
row Refuses
    call evrpoison::refuse(in0)
"""


@pytest.fixture
def poisoned(db, tmp_path):
    if OPERATORS is None:
        pytest.skip("the operators of tests/replay/ops were not built")
    (tmp_path / "poison.rows").write_text(POISON)
    one = cells(("3", "FLOAT", "3", "FLOAT"))
    put(db, "Boom", one, cells(("4", "FLOAT", "4", "FLOAT")))
    put(db, "Refuses", one)
    put(db, "Add", cells(ROWS["Add"]))
    put(db, "Mul", cells(ROWS["Mul"]))
    return ("--map", tmp_path / "poison.rows", "--import", f"evrpoison={OPERATORS}")


def test_failing_operators_are_run_again_alone(update, db, poisoned, evreplay):
    result, found, left = update(*RUN, *poisoned)
    assert result.returncode == 1
    status = {f["op"]: (f["status"], f["reason"]) for f in found["files"]}
    assert status["Add"] == status["Mul"] == ("success", "")
    assert status["Boom"][0] == "failed" and status["Boom"][1].startswith("2 of 2 rows failed, line 2: crashed")
    assert status["Refuses"][0] == "failed" and status["Refuses"][1].startswith("1 of 1 rows failed, line 2: op-error")
    assert float(durations(db, "Add")[0]) > 0 and durations(db, "Boom") == ["", ""]
    assert sorted(p.name for p in left) == ["alone-1.json", "alone-2.json", "combined.journal", "combined.json", "records.ir"]
    assert "run again alone" in result.stderr and str(left[0].parent) in result.stderr
    # The kept results are a source of the same times.
    before = durations(db, "Add")
    put(db, "Add", cells(ROWS["Add"]))
    again = evreplay("db", "update", db, "--from", *[p for p in left if p.suffix == ".json"], *poisoned)
    assert again.returncode == 1 and durations(db, "Add") == before


def test_fail_fast(update, db, poisoned):
    result, found, left = update(*RUN, *poisoned, "--fail-fast", "--ops", "Boom", "Mul", "Refuses")
    assert result.returncode == 1
    runs = {(r["op"], r["line"]): (r["status"], r["reason"].split(":")[0]) for r in found["runs"]}
    assert runs["Boom", 2] == ("failed", "crashed") and runs["Boom", 3] == ("skipped", "not-run") == runs["Mul", 2]
    assert "alone" not in result.stderr and "combined.json" in [p.name for p in left]


def test_a_map_replaces_shipped_operators(update, db, tmp_path):
    (tmp_path / "mine.rows").write_text("types F9 = float32\nformats ODD = plain\nrow Add\n  in0 [*s]\n  out0 [*s]\n  call aten::neg(in0)\n")
    put(db, "Add", ["", "", "3;3", "F9;F9", "ODD;ODD", "3", "F9", "ODD", "", ""])
    result, found, _ = update(*RUN, "--map", tmp_path / "mine.rows", "--work", tmp_path / "work")
    assert result.returncode == 0, result.stderr
    assert [r["op"] for r in json.loads((tmp_path / "work" / "combined.json").read_text())["results"]] == ["aten::neg"]


@pytest.mark.parametrize("text, line, message", [
    ("row Add\n  call aten::add.Tensor(in0, ,)\n", 2, "a value was expected"),
    ("row Add\n  in0 [a\n", 2, "a shape such as [m, k] was expected"),
    ("row Add\n  call aten::neg(nothing)\n", 2, "a name stands in none of the shapes above"),
    ("\n\nrows Add\n", 3, 'there is no "rows" in a row map'),
    ("row Add\nrow Mul\n  call aten::neg(in0)\n", 2, "what begins on line 1 says no"),
])
def test_malformed_maps(update, db, tmp_path, text, line, message):
    put(db, "Add", cells(ROWS["Add"]))
    path = tmp_path / "bad.rows"
    path.write_text(text)
    result, _, _ = update("--run", "--map", path)
    assert result.returncode == 4 and f"{path}:{line}: {message}" in result.stderr and "docs/perfdb.md" in result.stderr
    assert durations(db, "Add") == [""]


def test_results_of_bench_are_a_source(update, db, evreplay, tmp_path):
    """The same calls, from a document of records: the same keys."""
    put(db, "MatMulV2", cells(ROWS["MatMulV2"]), cells(("9,9;9,9", "FLOAT;FLOAT", "9,9", "FLOAT")))
    put(db, "SwiGlu", cells(ROWS["SwiGlu"]))
    result, _, _ = update(*RUN, "--work", tmp_path / "work")
    assert result.returncode == 0, result.stderr
    document = json.loads((tmp_path / "work" / "records.ir").read_text())
    assert len(document["records"]) == 4
    document["records"] = [r for r in document["records"] if "9" not in json.dumps(r["args"]) or r["op"] != "aten::mm"]
    (tmp_path / "calls.json").write_text(json.dumps(document))
    assert evreplay("bench", tmp_path / "calls.json", "--iterations", 3, "--json", tmp_path / "bench.json").returncode == 0
    put(db, "MatMulV2", cells(ROWS["MatMulV2"]), cells(("9,9;9,9", "FLOAT;FLOAT", "9,9", "FLOAT")))
    put(db, "SwiGlu", cells(ROWS["SwiGlu"]))
    result, found, _ = update("--from", tmp_path / "bench.json")
    assert result.returncode == 0, result.stderr
    medians = {r["op"]: r["statistics"]["median"] / 1000 for r in json.loads((tmp_path / "bench.json").read_text())["results"]}
    assert durations(db, "MatMulV2") == [f"{medians['aten::mm']:.6f}", ""]
    assert durations(db, "SwiGlu") == [f"{medians['aten::silu'] + medians['aten::mul']:.6f}"]
    assert "3 of 3 results are of rows" in result.stderr
    assert [(r["op"], r["line"]) for r in found["runs"]] == [("MatMulV2", 2), ("SwiGlu", 2)]
    # Results without times are told and change nothing.
    assert evreplay("replay", tmp_path / "calls.json", "--json", tmp_path / "replay.json").returncode == 0
    result, found, _ = update("--from", tmp_path / "replay.json")
    assert [r["status"] for r in found["runs"]] == ["skipped"] * 2 and found["runs"][0]["reason"].startswith("not-timed")
    assert durations(db, "MatMulV2") == [f"{medians['aten::mm']:.6f}", ""]


@pytest.mark.parametrize("args, text", [(["--fail-fast"], "--fail-fast belongs to --run"), (["--run", "--timeout", "soon"], "--timeout takes"), ([], "--run to take them")])
def test_usage(db, evreplay, args, text):
    result = evreplay("db", "update", db, *args)
    assert result.returncode == 2 and text in result.stderr
