"""The store, the performance database, and artifacts."""
import json
import os
import subprocess
import sys
import zipfile

import pytest
from conftest import add_event, event, mm_event, needs_torch, trace_text

import evreplay
from evreplay import Artifact, Outcome, PerfDB, Protocol, Results, Store, pack, record_key, replay_batch

QUICK = Protocol(stop="count", samples=10, launch="batch", batch=10, seconds=2.0)
HEADER = (
    "OP State,Accelerator Core,Input Shapes,Input Data Types,Input Formats,Output Shapes,Output Data Types,Output Formats,"
    "Average Duration(us),Profiling Average Duration(us)\r\n"
)
SUMMARY = (
    "Device_id,OP Type,OP State,Task Type,Task Duration(us),Input Shapes,Input Data Types,Input Formats,"
    "Output Shapes,Output Data Types,Output Formats\n"
)


@pytest.fixture
def records(context):
    trace = evreplay.Trace.open(trace_text(mm_event(), add_event(), add_event(8, 8), event("CatBackward0", [], [])), context=context)
    return list(trace.extractor().records())


@pytest.fixture
def results(records):
    return replay_batch(records, protocol=QUICK)


@pytest.fixture
def store(tmp_path, results):
    with Store(tmp_path / "times.db", create=True) as store:
        store.add(results)
        yield store


@needs_torch
def test_store__adds_once(tmp_path, results):
    with Store(tmp_path / "times.db", create=True) as store:
        first = store.add(results)
        assert (first.added, first.known, first.unusable) == (3, 0, 1)
        assert store.add(results) == evreplay.StoreChanges(0, 3, 1) == store.import_json(results.to_text())
        store.check()
        assert store.path.endswith("times.db") and len(store.find()) == 3


@needs_torch
def test_store__find(store, records, results):
    (row,) = store.find(key=record_key(records[0]))
    assert (row.op, row.arguments, row.samples) == ("aten::mm", records[0].arguments_text, 1)
    assert row.median_ns == results[0].median_ns and row.device_name == results.info.device_name and row.distance == 0
    assert {one.op for one in store.find(op="aten::a*")} == {"aten::add"} and len(store.find(op="aten::a*", limit=1)) == 1
    assert len(store.find(device_name="no such device")) == 0 and len(store.find(protocol=QUICK)) == 3
    assert len(store.find(protocol=Protocol())) == 0
    (stack,) = store.stacks()
    assert stack.samples == 3 and stack.runtime == results.info.runtime


@needs_torch
def test_store__history(store, records):
    store.add(replay_batch(records[:1], protocol=QUICK))
    key = record_key(records[0])
    assert len(store.find(key=key)) == 1 and store.find(key=key)[0].samples == 2
    newest, oldest = store.history(key)
    assert newest.taken_s >= oldest.taken_s and newest.median_ns == store.find(key=key)[0].median_ns


@needs_torch
def test_store__nearest_and_missing(store, records, context):
    wanted = evreplay.Trace.open(trace_text(add_event(16, 8)), context=context).record(0)
    near = store.nearest(wanted)
    assert [row.arguments for row in near] == [records[2].arguments_text, records[1].arguments_text]
    assert 0 < near[0].distance < near[1].distance and len(store.nearest(wanted, limit=1)) == 1
    assert store.missing([records[0], wanted]) == [wanted] and store.missing([]) == []


@needs_torch
def test_store__select_export_and_merge(store, results, tmp_path):
    selected = store.select(op="aten::mm")
    assert isinstance(selected, Results) and selected[0].median_ns == results[0].median_ns
    with Store(tmp_path / "other.db", create=True) as other:
        assert other.import_json(store.export()).added == 3
    with Store(tmp_path / "third.db", create=True) as third:
        assert third.merge(tmp_path / "other.db").added == 3
        rows = third.find()
    assert len(rows) == 3 and rows[0].op  # an answer outlives the store
    with pytest.raises(evreplay.Error, match="closed"):
        third.find()


@needs_torch
def test_store__ways_to_fail(store, results, tmp_path):
    with pytest.raises(evreplay.Error) as caught:
        Store(tmp_path / "none.db")
    assert caught.value.code is evreplay.Status.NOT_FOUND
    (tmp_path / "text.db").write_text("no database at all, but long enough to be looked at" * 20)
    with pytest.raises(evreplay.Error) as caught:
        Store(tmp_path / "text.db")
    assert caught.value.code is evreplay.Status.FORMAT
    with Store(store.path, read_only=True) as reader, pytest.raises(evreplay.Error) as caught:
        reader.add(results)
    assert caught.value.code is evreplay.Status.STATE
    with pytest.raises(evreplay.Error) as caught:
        store.import_json("{")
    assert caught.value.code in (evreplay.Status.FORMAT, evreplay.Status.TRUNCATED)
    with pytest.raises(ValueError, match="seconds"):
        Store(store.path, lock_timeout_s=-1)


# CSV


@pytest.fixture
def db(tmp_path):
    folder = tmp_path / "db"
    folder.mkdir()
    (folder / "Add.csv").write_bytes((HEADER + ",,2,F,ND,2,F,ND,,10\r\n,,3,F,ND,3,F,ND,,\r\n").encode())
    (folder / "Mul.csv").write_bytes((HEADER + ",,2,F,ND,2,F,ND,4,5\r\nshort\r\n").encode())
    return folder


def test_store__csv_in_and_out(db, tmp_path):
    with evreplay.Store(tmp_path / "csv.db", create=True) as store:
        taken = store.import_csv(db, device_name="A1")
        assert (taken.files, taken.rows, taken.malformed, taken.untimed, taken.added) == (2, 4, 1, 1, 3)
        assert [(os.path.basename(path), line) for path, line, _ in taken.problems] == [("Mul.csv", 3)]
        assert store.import_csv(db, device_name="A1").unchanged == 2
        store.export_csv(tmp_path / "out")
        for name in ("Add.csv", "Mul.csv"):
            assert (tmp_path / "out" / name).read_bytes() == (db / name).read_bytes()
        with pytest.raises(evreplay.Error):
            store.export_csv(tmp_path / "out")
        assert store.export_csv(tmp_path / "out", replace=True).files == 2


def test_store__nearest_to_words(store):
    rows = store.nearest_to("aten::add", "float32[5,4], float32[5,4], 1", overload="Tensor")
    assert rows and rows[0].op == "aten::add" and rows[0].distance > 0


@pytest.fixture
def profile(tmp_path):
    folder = tmp_path / "profile" / "PROF_1"
    folder.mkdir(parents=True)
    (folder / "op_summary_0.csv").write_text(SUMMARY + "0,Add,,,7,2,F,ND,2,F,ND\n0,Mul,,,8,2,F,ND,2,F,ND\n0,Add,,,9,4,F,ND,4,F,ND\n")
    return tmp_path / "profile"


def test_perfdb__update(db, profile, tmp_path):
    with PerfDB(db) as perfdb:
        report = perfdb.update(profile, prune=True)
        assert perfdb.path == str(db)
    text = (db / "Add.csv").read_bytes().decode()
    assert text == HEADER + ",,2,F,ND,2,F,ND,7.000000,10\r\n,,4,F,ND,4,F,ND,9.000000,\r\n"
    totals = report.totals
    assert (totals.updated, totals.added, totals.deleted, totals.written, totals.source_rows) == (2, 1, 1, 2, 3) and not totals.complete
    add, mul = report.files
    assert (add.op, add.name, add.status, add.written, add.missing_shapes, add.deleted_shapes) == (
        "Add", "Add.csv", "success", True, ["4 -> 4"], ["3 -> 3"])  # fmt: skip
    assert mul.updated == 1 and mul.malformed == 1
    assert [(gap.op, gap.signature, gap.measured_us, gap.profiled_us) for gap in report.gaps] == [("Mul", "2 -> 2", 8, 5), ("Add", "2 -> 2", 7, 10)]
    (problem,) = report.problems
    assert problem.path.endswith("Mul.csv") and problem.line == 3 and problem.message
    assert "Mul" in report.to_text() and report.to_text("gaps-csv").count("\n") == 3 and json.loads(report.to_text("json"))["version"] == 1
    written = report.write(tmp_path / "reports", stamp="20260131_235959")
    assert written.endswith("profile_update_report_20260131_235959.md") and len(list((tmp_path / "reports").iterdir())) == 2


def test_perfdb__only_what_is_asked_for(db, profile):
    before = (db / "Mul.csv").read_bytes()
    report = PerfDB(db).update([profile / "PROF_1" / "op_summary_0.csv"], mode="missing-only", ops=["Add"])
    assert (db / "Mul.csv").read_bytes() == before and report.totals.unchanged == 1 and report.totals.added == 0
    assert PerfDB(db).update().totals.source_files == 0


def test_perfdb__ways_to_fail(db, tmp_path):
    with pytest.raises(evreplay.Error) as caught:
        PerfDB(tmp_path / "none")
    assert caught.value.code is evreplay.Status.NOT_FOUND
    assert PerfDB(tmp_path / "new", create=True).update().totals.files == 0
    with pytest.raises(evreplay.Error) as caught:
        PerfDB(db).update(tmp_path / "nowhere")
    assert caught.value.code is evreplay.Status.NOT_FOUND
    with pytest.raises(ValueError, match="missing-only"):
        PerfDB(db).update(mode="some")


# Artifacts


@needs_torch
def test_artifact__pack_open_run(records, results, tmp_path):
    path = tmp_path / "x.zip"
    packed = pack(records, path, results=results, input="a trace", seed=9)
    assert path.read_bytes() == packed == pack(records, results=results, input="a trace", seed=9)
    assert evreplay.looks_like_artifact(packed[:4]) and not evreplay.looks_like_artifact(b"{}")
    with zipfile.ZipFile(path) as zipped:
        assert "replay.py" in zipped.namelist()
    with Artifact.open(path) as artifact:
        assert [record.op for record in artifact.records] == [record.op for record in records]
        assert artifact.info.input == "a trace" and artifact.info.runtime == results.info.runtime and not artifact.info.redacted
        assert Protocol.parse(artifact.info.protocol).samples == 10 and artifact.manifest["input"] == "a trace"
        expected = artifact.expected
        assert [one.key for one in expected] == [record_key(record) for record in records]
        assert expected[0].median_ns == results[0].median_ns and expected[3].median_ns is None and expected[3].status is Outcome.SKIPPED
        assert expected[0].trace_kernel_ns is None and expected[0].kernels == 0
        ran = artifact.run(timed=True)
        assert [one.status for one in ran] == [one.status for one in results] and ran.info.seed == artifact.info.seed
        assert ran[0].protocol == artifact.info.protocol and ran.info.input == "a trace"
        one = artifact.records[0]
    with pytest.raises(evreplay.Error, match="closed"):
        one.op


@needs_torch
def test_artifact__redacted(records):
    artifact = Artifact(pack(records, input="secret", redact=True))
    assert artifact.info.redacted and artifact.info.input == "" and not artifact.info.operators_redacted
    assert artifact.run()[0].status is Outcome.OK


@needs_torch
def test_artifact__runs_by_itself(records, tmp_path):
    path = tmp_path / "x.zip"
    pack(records[:1], path)
    result = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0 and "aten::mm" in result.stdout, result.stderr


def test_artifact__ways_to_fail(context):
    with pytest.raises(evreplay.Error) as caught:
        Artifact(b"PK\3\4 no zip file", context=context)
    assert caught.value.code in (evreplay.Status.FORMAT, evreplay.Status.TRUNCATED)
    record = evreplay.Trace.open(trace_text(mm_event()), context=context).record(0)
    packed = pack([record])
    with pytest.raises(evreplay.Error) as caught:
        Artifact(packed, total_bytes=16)
    assert caught.value.code is evreplay.Status.LIMIT
    with pytest.raises(FileNotFoundError):
        Artifact.open("/no/such/file.zip")
