"""evreplay db: the performance database."""
import csv
import json
import shutil
import subprocess

import pytest
from conftest import EVREPLAY, shared

HEADER = ("OP State,Accelerator Core,Input Shapes,Input Data Types,Input Formats,Output Shapes,Output Data Types,Output Formats,"
          "Average Duration(us),Profiling Average Duration(us)\r\n")
SUMMARY = ("Device_id,OP Type,OP State,Task Type,Task Duration(us),Input Shapes,Input Data Types,Input Formats,"
           "Output Shapes,Output Data Types,Output Formats\n")


@pytest.fixture
def db(tmp_path):
    folder = tmp_path / "db"
    folder.mkdir()
    (folder / "Add.csv").write_bytes((HEADER + ',,2,F,ND,2,F,ND,,10\r\n,,3,F,ND,3,F,ND,,\r\n').encode())
    (folder / "Mul.csv").write_bytes((HEADER + ",,2,F,ND,2,F,ND,4,5\r\n").encode())
    return folder


@pytest.fixture
def profile(tmp_path):
    folder = tmp_path / "profile" / "PROF_1" / "mindstudio_profiler_output"
    folder.mkdir(parents=True)
    (folder / "op_summary_0.csv").write_text(SUMMARY + "0,Add,,,7,2,F,ND,2,F,ND\n0,Mul,,,8,2,F,ND,2,F,ND\n0,Add,,,9,4,F,ND,4,F,ND\n")
    return tmp_path / "profile"


def test_update(evreplay, db, profile):
    result = evreplay("db", "update", db, "--from", profile)
    assert result.returncode == 0 and result.stderr == ""
    assert (db / "Add.csv").read_bytes().decode() == HEADER + (
        ",,2,F,ND,2,F,ND,7.000000,10\r\n,,3,F,ND,3,F,ND,,\r\n,,4,F,ND,4,F,ND,9.000000,\r\n")
    assert "2 updated, 1 added, 0 deleted" in result.stdout and "2 of 2 files changed" in result.stdout


def test_json(evreplay, db, profile):
    result = evreplay("db", "update", db, "--from", profile, "--prune", "--json")
    assert result.returncode == 0
    found = json.loads(result.stdout)
    assert found["version"] == 1 and not found["complete"]
    add, mul = found["files"]
    assert (add["op"], add["csv"], add["status"]) == ("Add", "Add.csv", "success")
    assert (add["updated"], add["added"], add["missing"], add["deleted"]) == (1, 1, ["4 -> 4"], ["3 -> 3"])
    assert mul["updated"] == 1 and found["totals"]["updated"] == 2
    assert [g["op"] for g in found["gaps"]] == ["Mul", "Add"]
    assert found["gaps"][0]["ratio"] == 8 / 5


def test_lists_take_several_words(evreplay, db, profile, tmp_path):
    other = tmp_path / "op_summary_1.csv"
    other.write_text(SUMMARY + "0,Mul,,,6,2,F,ND,2,F,ND\n0,Sub,,,6,2,F,ND,2,F,ND\n")
    result = evreplay("db", "update", db, "--ops", "Mul", "Sub", "--from", profile, other, "--json")
    assert result.returncode == 0
    found = json.loads(result.stdout)
    assert found["totals"]["source_files"] == 2
    assert {f["op"]: (f["updated"], f["added"]) for f in found["files"]} == {"Mul": (1, 0), "Sub": (0, 1)}
    assert "6.000000" in (db / "Mul.csv").read_text() and (db / "Sub.csv").exists()
    assert "7.000000" not in (db / "Add.csv").read_text()


def test_missing_only_ends_early(evreplay, db, profile):
    assert evreplay("db", "update", db, "--from", profile, "--mode", "missing-only", "--prune").returncode == 0
    before = (db / "Add.csv").stat()
    result = evreplay("db", "update", db, "--from", "/no/such/profile", "--mode", "missing-only")
    assert result.returncode == 0 and "nothing changed" in result.stdout
    assert (db / "Add.csv").stat().st_mtime_ns == before.st_mtime_ns


def test_report(evreplay, db, profile, tmp_path):
    result = evreplay("db", "update", db, "--from", profile, "--report", tmp_path / "reports")
    assert result.returncode == 0 and "report: " in result.stderr
    report, = (tmp_path / "reports").glob("profile_update_report_*.md")
    gaps, = (tmp_path / "reports").glob("duration_gap_hotspots_full_*.csv")
    assert "## Overview" in report.read_text() and gaps.name in report.read_text()
    assert len(gaps.read_text().splitlines()) == 3


def test_malformed_rows_are_told(evreplay, db, profile):
    with (db / "Add.csv").open("a") as f:
        f.write("broken,row\r\n")
    result = evreplay("db", "update", db, "--from", profile)
    assert result.returncode == 1
    assert f"{db}/Add.csv:4: there are fewer fields than columns" in result.stderr
    assert "broken,row\r\n" in (db / "Add.csv").read_bytes().decode()


def test_create(evreplay, profile, tmp_path):
    path = tmp_path / "new"
    assert evreplay("db", "update", path, "--from", profile).returncode == 4
    assert evreplay("db", "update", path, "--from", profile, "--create").returncode == 0
    assert sorted(p.name for p in path.iterdir()) == ["Add.csv", "Mul.csv"]


@pytest.mark.parametrize("args, text", [
    ([], "usage"), (["updat"], "did you mean update"), (["update"], "input is missing"), (["update", "db"], "--from"),
    (["update", "db", "--from", "x", "--mode", "some"], "missing-only"), (["update", "db", "--frmo", "x"], "--from"),
    (["update", "db", "--from", "x", "--ep-size", "5G"], "5368709120 is too large"), (["update", "db", "--from", "x", "--ep-size", "0"], "0 is too small"),
    (["update", "db", "--from", "x", "--ep-size", "-1"], "--ep-size takes a whole number"),
    (["update", "db", "--from", "x", "--ep-size", "8 ranks"], "--ep-size takes a whole number"),
    (["update", "db", "--from", "x", "--lock-timeout", "5G"], "--lock-timeout is too large"),
])
def test_usage_errors(evreplay, args, text):
    result = evreplay("db", *args)
    assert result.returncode == 2 and result.stdout == "" and text in result.stderr


def test_ranks_of_expert_parallelism(evreplay, tmp_path):
    """The same call among other numbers of ranks is another row; operators without experts have no such column."""
    folder, profile = tmp_path / "db", tmp_path / "op_summary_1.csv"
    columns = "OP State,{}Input Shapes,Input Data Types,Input Formats,Output Shapes,Output Data Types,Output Formats"
    lines = [f"OP Type,{columns.format('Task Type,Task Duration(us),')}", *(f"{op},,,6,2,F,ND,2,F,ND" for op in ("DispatchFFNCombine", "Add"))]
    profile.write_text("\n".join(lines) + "\n")
    for ranks in (8, 16, 8, None):
        words = [] if ranks is None else ["--ep-size", ranks]
        result = evreplay("db", "update", folder, "--from", profile, "--create", *words)
        assert result.returncode == 0, result.stderr
    with open(folder / "DispatchFFNCombine.csv", newline="") as file:
        assert sorted(row["EP Size"] for row in csv.DictReader(file)) == ["", "16", "8"]
    with open(folder / "Add.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1 and "EP Size" not in rows[0]


def test_missing_sources(evreplay, db, tmp_path):
    result = evreplay("db", "update", db, "--from", tmp_path / "nowhere")
    assert result.returncode == 4 and "what to do" in result.stderr
    result = evreplay("db", "update", db, "--from", db)
    assert result.returncode == 4 and "no op_summary_*.csv" in result.stderr


def test_help(evreplay):
    assert "update" in evreplay("db", "--help").stdout
    text = evreplay("db", "update", "--help").stdout
    assert text.startswith("usage: evreplay db update DB") and "--ep-size N" in text


def test_full_output(db, profile):
    with open("/dev/full", "w") as full:
        result = subprocess.run([EVREPLAY, "db", "update", db, "--from", profile, "--json"], stdout=full, stderr=subprocess.PIPE)
    assert result.returncode == 4


@pytest.mark.parametrize("mode, prune", [("all", False), ("all", True), ("missing-only", False), ("missing-only", True)])
def test_recorded_databases(evreplay, tmp_path, mode, prune):
    recorded = shared() / "oracle" / "perfdb"
    if not recorded.exists():
        pytest.skip(f"the recorded databases are not at {recorded}")
    expected = recorded / f"expected_{mode}{'_prune' * prune}"
    folder = tmp_path / "db"
    shutil.copytree(recorded / "db", folder)
    for path in [folder, *folder.iterdir()]:
        path.chmod(0o755)
    result = evreplay("db", "update", folder, "--from", recorded / "profile", "--ep-size", 16, "--mode", mode, *["--prune"] * prune, "--json")
    assert result.returncode == 0
    for path in expected.glob("*.csv"):
        assert (folder / path.name).read_bytes() == path.read_bytes(), path.name
    assert len(list(folder.iterdir())) == len(list(expected.glob("*.csv")))
    found, summary = json.loads(result.stdout), json.loads((expected / "summary.json").read_text())
    keys = ["csv", "updated", "added", "unchanged", "deleted", "missing", "duplicates"]
    assert [{k: f[k] for k in keys} for f in found["files"] if f["csv"]] == summary["files"]
    assert found["gaps"] == summary["gaps"]
