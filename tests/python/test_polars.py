"""Every table as a data frame of polars, which reads the streams with code of its own. Skipped where polars is not installed: nothing pins it."""
import gc
import sys

import pytest
import test_arrow
import test_rows
import test_trace_set
from conftest import DATA, add_event, has, mm_event, needs_numpy, needs_torch, trace_text

import evreplay
from evreplay import PerfDB, Results, Rows, TraceBuilder, TraceSet

needs_polars = pytest.mark.skipif(not has("polars"), reason="polars is not installed")
pytestmark = needs_numpy


def check(table, frame):
    """Names, values and gaps are those that the columns were made of."""
    columns = table._columns()
    assert frame.columns == list(columns) and frame.height == len(table)
    for name, column in columns.items():
        kind = type(column).__name__
        found = frame[name].to_list()
        if kind == "Texts" and column.indexes is not None:
            assert found == [column.texts[int(i)] for i in column.indexes], name
            assert str(frame.schema[name]).startswith("Categorical"), name
        elif kind == "Texts":
            assert found == list(column.texts) and str(frame.schema[name]) == "String", name
        elif kind == "Masked":
            assert found == [int(number) if there else None for number, there in zip(column.numbers, column.valid)], name
        else:
            assert found == list(column), name
            assert kind != "Floats" or str(frame.schema[name]) == "Float64", name


@needs_polars
def test_polars__a_trace():
    import polars

    for trace in (test_arrow.build().finish(), evreplay.Trace.open(DATA / "small_kineto.json")):
        frame = trace.to_polars()
        check(trace, frame)
        assert polars.DataFrame(trace).equals(frame)
    trace = test_arrow.build().finish()
    frame = trace.to_polars()
    assert frame["start_ns"].to_list() == [0, 10, 20, 200, None] and frame["stream"].null_count() == 4
    assert frame.filter(polars.col("name") == "gemm_ü")["tid"].to_list() == ["9"]
    assert dict(frame.group_by("category").agg(polars.col("duration_ns").sum()).iter_rows())["cpu_op"] == 150
    assert polars.DataFrame(trace, schema_overrides={"name": polars.String, "uid": polars.Int64})["name"].to_list() == frame["name"].to_list()
    assert polars.scan_arrow_c_stream(trace).collect().equals(frame)


@needs_polars
def test_polars__no_rows(tmp_path, context):
    for table in (TraceBuilder().finish(), Results()):
        frame = table.to_polars()
        check(table, frame)
        assert frame.height == 0 and frame.width > 5
    with evreplay.Store(tmp_path / "x.db", create=True) as store:
        check(store.find(), store.find().to_polars())
    test_rows.put(tmp_path, "Add", test_rows.line("2,64;2,64", "2,64"))
    rows = Rows.open(PerfDB(tmp_path, context=context), ops=["Nothing"])
    check(rows, rows.to_polars())


@needs_polars
def test_polars__parts_of_a_frame():
    trace = test_arrow.build().finish()
    frame, told = trace.to_polars(), [trace[uid].name for uid in range(5)]
    for start in range(6):
        for count in range(6 - start):
            part = frame.slice(start, count)
            assert part["name"].to_list() == told[start : start + count]
            assert part["sequence"].to_list() == frame["sequence"].to_list()[start : start + count]
            assert type(part)(part)["tid"].to_list() == part["tid"].to_list()


@needs_polars
def test_polars__outlives_what_it_was_made_of():
    trace, results = test_arrow.build().finish(), Results.load(DATA / "report" / "sample.json")
    frames, told = (trace.to_polars(), results.to_polars()), ([one.name for one in trace], [one.op for one in results])
    trace.close()
    results.close()
    del trace, results
    gc.collect()
    assert frames[0]["name"].to_list() == told[0] and frames[1]["op"].to_list() == told[1]
    column = frames[0]["name"]
    del frames
    gc.collect()
    assert column.to_list() == told[0] and column.null_count() == 0


@needs_polars
def test_polars__results():
    results = Results.load(DATA / "report" / "sample.json")
    check(results, results.to_polars())
    assert results.to_polars()["status"].to_list() == [str(one.status) for one in results]


@needs_polars
def test_polars__collectives(tmp_path):
    with TraceSet.open(test_trace_set.write(tmp_path, (0, 30, 10), (0, 777, -123456))) as traces:
        collectives = traces.collectives
        check(collectives, collectives.to_polars())
        assert collectives.to_polars()["elements"].to_list()[:2] == [None, 64]
        frame = collectives.to_polars()
    assert frame["skew_ns"].unique().to_list() == [30_000]


@needs_polars
def test_polars__rows_of_a_database(tmp_path, context):
    test_rows.put(tmp_path, "Add", test_rows.line("2,64;2,64", "2,64"), test_rows.line("3,64;3,64", "3,64", "5.5"))
    rows = Rows.open(PerfDB(tmp_path, context=context))
    check(rows, rows.to_polars())
    assert rows.to_polars()["line"].to_list() == [2, 3]


@needs_torch
@needs_polars
def test_polars__rows_of_a_store(tmp_path):
    records = list(evreplay.Trace.open(trace_text(mm_event(), add_event())).extractor().records())
    with evreplay.Store(tmp_path / "x.db", create=True) as store:
        store.add(evreplay.replay_batch(records, protocol=evreplay.Protocol(stop="count", samples=6)))
        rows = store.find()
        check(rows, rows.to_polars())
        assert set(rows.to_polars()["op"]) == {"aten::mm", "aten::add"}


def test_polars__not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ImportError, match=r"to_polars\(\) needs polars, which is not installed: pip install polars"):
        test_arrow.build().finish().to_polars()
