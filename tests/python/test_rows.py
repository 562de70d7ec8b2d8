"""Rows of a performance database that run, and their times given back."""
import csv
import gc

import pytest
from conftest import has, needs_torch

import evreplay
from evreplay import Outcome, PerfDB, Protocol, RowMap, Rows, UpdateRun, replay_batch

COLUMNS = ["OP State", "Accelerator Core", "Input Shapes", "Input Data Types", "Input Formats", "Output Shapes", "Output Data Types", "Output Formats",
           "Average Duration(us)", "Profiling Average Duration(us)"]  # fmt: skip
QUICK = Protocol(stop="count", samples=6)
MINE = "types F9 = float32\nformats ODD = plain\nrow Add\n  in0 [*s]\n  out0 [*s]\n  call aten::neg(in0)\n"


def put(folder, op, *rows):
    with (folder / f"{op}.csv").open("w", newline="") as f:
        csv.writer(f).writerows([COLUMNS, *rows])


def line(inputs, output, measured="", types="FLOAT"):
    many = len(inputs.split(";"))
    return ["dynamic", "AIV", inputs, ";".join([types] * many), ";".join(["ND"] * many), output, types, "ND", measured, ""]


def durations(folder, op):
    with (folder / f"{op}.csv").open(newline="") as f:
        return [row["Average Duration(us)"] for row in csv.DictReader(f)]


@pytest.fixture
def folder(tmp_path):
    put(tmp_path, "Add", line("2,64;2,64", "2,64"), line("2,64;2,64", "2,64"), line("3,64;3,64", "3,64", "5.5"))
    put(tmp_path, "SwiGlu", line("5,64", "5,32"))
    put(tmp_path, "Unheard", line("5", "5"))
    return tmp_path


@pytest.fixture
def database(folder, context):
    return PerfDB(folder, context=context)


def test_rows__each_with_records_or_the_reason(database):
    rows = Rows.open(database, ops=["Add", "Un*"])
    assert [(row.op, row.file, row.line) for row in rows] == [("Add", "Add.csv", 2), ("Add", "Add.csv", 3), ("Add", "Add.csv", 4), ("Unheard", "Unheard.csv", 2)]
    first, again, other, unheard = rows
    assert first.status is Outcome.OK and first.shapes == "2,64;2,64 -> 2,64" and first.reason == first.composite == "" and first.measured_us is None
    assert [record.op for record in rows.records] == ["aten::add", "aten::add"]
    assert first.records[0] is again.records[0] is rows.records[0] and other.records == (rows.records[1],)
    assert rows.records[0].arg("self").value.shape == (2, 64)
    assert unheard.status is Outcome.SKIPPED and unheard.records == () and unheard.reason.startswith("unknown-operator: ")
    assert rows[-1].op == "Unheard" and [row.line for row in rows[:2]] == [2, 3]
    with pytest.raises(IndexError):
        rows[4]


def test_rows__choice(database):
    assert [row.line for row in Rows.open(database, mode="missing-only", ops="Add")] == [2, 3]
    assert len(Rows.open(database, ops=["Nothing"])) == 0
    with pytest.raises(ValueError, match="missing-only"):
        Rows.open(database, mode="some")
    with pytest.raises(evreplay.Error) as caught:
        Rows.open(database, max_file_bytes=10)
    assert caught.value.code is evreplay.Status.LIMIT


@needs_torch
def test_rows__run_and_put_back(database, folder, context, runtime):
    rows = Rows.open(database, runtime=runtime)
    composite = next(row for row in rows if row.op == "SwiGlu")
    assert composite.composite == "silu, then product" and [record.op for record in composite.records] == ["aten::silu", "aten::mul"]
    results = replay_batch(rows.records, timed=True, protocol=QUICK)
    assert rows.take(results) == 4
    medians = {one.key: one.median_ns / 1000 for one in results}
    for row in rows:
        expected = sum(medians[evreplay.record_key(record)] for record in row.records)
        assert row.measured_us == (pytest.approx(expected) if expected else None)
    report = rows.update()
    assert [(run.op, run.line, run.status) for run in report.runs] == [
        ("Add", 2, "success"), ("Add", 3, "success"), ("Add", 4, "success"), ("SwiGlu", 2, "success"), ("Unheard", 2, "skipped"),
    ]  # fmt: skip
    assert report.runs[3].duration_us == pytest.approx(rows[3].measured_us) and report.runs[4].reason.startswith("unknown-operator")
    assert durations(folder, "SwiGlu") == [f"{rows[3].measured_us:.6f}"] and float(durations(folder, "Add")[2]) != 5.5
    assert {file.op: file.status for file in report.files} == {"Add": "success", "SwiGlu": "success", "Unheard": "skipped"}


@needs_torch
def test_rows__results_of_another_run(database, folder, context, runtime):
    """As `db update --from`: rows become the records that the results were made of."""
    records = Rows.open(database, ops=["SwiGlu"], runtime=runtime).records
    results = replay_batch(records, timed=True, protocol=QUICK)
    rows = Rows.open(database, like=results)
    assert rows.take(results) == 2
    report = rows.update(only_taken=True, ops=["S*", "A*"])
    assert [run.op for run in report.runs] == ["SwiGlu"] and durations(folder, "Add") == ["", "", "5.5"]
    assert {run.op: run.status for run in rows.update().runs} == {"Add": "skipped", "SwiGlu": "success", "Unheard": "skipped"}
    assert Rows.open(database, ops=["Add"]).update().runs[0].reason.startswith("not-run")


def test_rows__operators_that_torch_does_not_have(database, context):
    if not has("torch"):
        pytest.skip("torch is not installed")
    context.register_namespace("_C", "vllm_of_this_test")  # announced, and not there: the runtime's word counts
    runtime = evreplay.Runtime(context=context)
    rows = Rows.open(database, ops=["SwiGlu"], runtime=runtime)
    assert [record.op for record in rows.records] == ["aten::silu", "aten::mul"]
    assert [record.op for record in Rows.open(database, ops=["SwiGlu"]).records] == ["_C::silu_and_mul"]


def test_map__added_and_in_the_way_of_errors(database, folder, tmp_path):
    map = RowMap(context=database.context)
    assert "Add" in map and "Mine" not in map and 5 not in map
    map.add("row Mine\n  in0 [*s]\n  out0 [*s]\n  call aten::neg(in0)\n")
    with pytest.raises(evreplay.Error, match="^my.rows:2: a value was expected") as caught:
        map.add("row Other\n  call aten::add.Tensor(in0, ,)\n", "my.rows")
    assert caught.value.code is evreplay.Status.FORMAT and "Mine" in map and "Other" not in map
    (tmp_path / "add.map").write_text(MINE)
    map.add_file(tmp_path / "add.map")
    put(folder, "Add", ["", "", "3;3", "F9;F9", "ODD;ODD", "3", "F9", "ODD", "", ""])
    rows = Rows.open(database, map, ops=["Add"])
    map.close()
    assert [record.op for record in rows.records] == ["aten::neg"] and rows[0].status is Outcome.OK
    with pytest.raises(evreplay.Error, match="row map is closed"):
        map.add("")
    with pytest.raises(evreplay.Error) as caught:
        RowMap().add_file(tmp_path / "none")
    assert caught.value.code is evreplay.Status.IO


def test_rows__closed_and_records_that_live_on(database):
    rows = Rows.open(database, ops=["Add"])
    record = rows.records[0]
    del rows
    gc.collect()
    assert record.op == "aten::add" and evreplay.Record.from_json(record.to_json()).op == "aten::add"
    with Rows.open(database, ops=["Add"]) as rows:
        record = rows.records[0]
    for ask in (lambda: record.op, lambda: len(rows), lambda: rows.take(evreplay.Results()), lambda: rows.update()):
        with pytest.raises(evreplay.Error) as caught:
            ask()
        assert caught.value.code is evreplay.Status.STATE
    assert "closed" in repr(rows)


def test_rows__as_a_table(database):
    if not has("pyarrow"):
        pytest.skip("pyarrow is not installed; requirements/tools.txt pins it")
    import pyarrow

    rows = Rows.open(database)
    table = pyarrow.table(rows)
    table.validate(full=True)
    assert table.column_names == ["op", "file", "line", "shapes", "status", "reason", "composite", "measured_us"]
    assert table["line"].to_pylist() == [row.line for row in rows] and table["measured_us"].null_count == len(rows) == 5
    assert table["status"].to_pylist()[-1] == "skipped"


def test_update__rows_that_were_run_elsewhere(database, folder):
    one = UpdateRun("Add", "success", "2,64;2,64", "FLOAT;FLOAT", "ND;ND", "2,64", "FLOAT", "ND", duration_us=7.25, state="dynamic", core="AIV", line=2)
    bad = UpdateRun("SwiGlu", "failed", "5,64", "FLOAT", "ND", "5,32", "FLOAT", "ND", reason="crashed: it did", state="dynamic", core="AIV", line=2)
    report = database.update(runs=[one, bad])
    assert report.runs == [one, bad] and durations(folder, "Add") == ["7.250000", "", "5.5"] and durations(folder, "SwiGlu") == [""]
    assert report.totals.updated == 1
    with pytest.raises(ValueError, match="success, skipped, failed"):
        database.update(runs=[UpdateRun("Add", "well", "", "", "", "", "", "")])
