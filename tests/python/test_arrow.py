"""Tables through the Arrow C stream interface, and traces that are built in Python."""
import gc
import sys

import pytest
from conftest import add_event, event, has, mm_event, needs_numpy, needs_torch, run_python, trace_text

import evreplay
from evreplay import TraceBuilder, arrow

pytestmark = needs_numpy
needs_arrow = pytest.mark.skipif(not has("pyarrow"), reason="pyarrow is not installed; requirements/tools.txt pins it")
needs_pandas = pytest.mark.skipif(not (has("pandas") and has("pyarrow")), reason="pandas is not installed; requirements/tools.txt pins it")


def build():
    """An operator in an operator, a launch, its kernel on another track, and something without a time."""
    builder = TraceBuilder()
    builder.push("aten::linear", start_ns=0, duration_ns=100, pid=1, tid=7, sequence=3)
    builder.push("aten::mm", start_ns=10, duration_ns=50, pid=1, tid=7, dims=[[4, 8], [8, 16]], types=["float", "float"], strides=[[8, 1], [16, 1]],
                 values=["", ""])  # fmt: skip
    builder.push("cudaLaunchKernel", "cuda_runtime", start_ns=20, duration_ns=5, pid=1, tid=7, correlation=42)
    builder.push("gemm_ü", "kernel", start_ns=200, duration_ns=30, pid=0, tid=9, correlation=42, device=0, stream=7)
    builder.push("note", "user_annotation", start_ns=evreplay.NO_TIME, pid=1, tid=7, phase="i")
    assert len(builder) == 5
    return builder


def test_builder__a_trace_as_from_a_file():
    builder = build()
    trace = builder.finish()
    assert len(trace) == 5 and trace.format is evreplay.Format.BUILT and len(builder) == 0
    linear, mm, launch, kernel, _ = trace
    assert mm.parent == linear and launch.parent == mm and linear.device_events == [kernel] and linear.device_time_ns == 30
    assert mm.argument("dims") == [[4, 8], [8, 16]] and (kernel.device, kernel.stream, kernel.tid) == (0, 7, "9")
    record = trace.record(1)
    assert record.status is evreplay.Outcome.OK and record.arg("mat2").value.shape == (8, 16)
    builder.push("again", start_ns=0)
    assert [one.name for one in builder.finish()] == ["again"]


def test_builder__same_record_as_from_json():
    builder = TraceBuilder()
    one = add_event()
    builder.push(one["name"], start_ns=10000, duration_ns=5000, pid=1, tid=1, dims=one["args"]["Input Dims"], types=one["args"]["Input type"],
                 strides=one["args"]["Input Strides"], values='["", "", "1"]')  # fmt: skip
    built, read = builder.finish().record(0), evreplay.Trace.open(trace_text(one)).record(0)
    assert built.arguments_text == read.arguments_text and built.schema == read.schema


def test_builder__wrong_input():
    builder = TraceBuilder(max_events=1)
    assert len(builder) == 0
    with pytest.raises(ValueError, match="one letter"):
        builder.push("x", start_ns=0, phase="XX")
    with pytest.raises(ValueError, match="negative"):
        builder.reserve(-1)
    builder.reserve(1)
    builder.push("x", start_ns=0)
    with pytest.raises(evreplay.Error) as caught:
        builder.push("y", start_ns=0)
    assert caught.value.code is evreplay.Status.LIMIT and len(builder) == 1
    builder.close()
    with pytest.raises(evreplay.Error, match="closed"):
        builder.push("z", start_ns=0)


def test_columns__of_what_only_some_have():
    trace = build().finish()
    assert list(trace.column("parent")) == [-1, 0, 1, -1, -1]
    assert list(trace.column("correlation")) == [-1, -1, 42, 42, -1]
    assert list(trace.column("stream")) == [-1, -1, -1, 7, -1] and list(trace.column("device")) == [-1, -1, -1, 0, -1]
    assert list(trace.column("sequence")) == [3, -1, -1, -1, -1] and list(trace.column("external_id")) == [-1] * 5
    assert [trace.categories[i].name for i in trace.category_ids] == ["cpu_op", "cpu_op", "cuda_runtime", "kernel", "user_annotation"]
    with pytest.raises(ValueError, match="parent, correlation"):
        trace.column("name")


def as_told(trace, uid):
    """What a row must hold, asked event by event."""
    one = trace[uid]
    return {
        "uid": uid, "name": one.name, "category": one.category, "kind": one.kind.name.lower(), "pid": one.pid, "tid": one.tid,
        "start_ns": one.start_ns, "duration_ns": one.duration_ns, "parent": one.parent_uid, "correlation": one.correlation,
        "external_id": one.external_id, "sequence": one.sequence, "forward_thread": None, "device": one.device, "stream": one.stream,
    }  # fmt: skip


@needs_arrow
def test_arrow__a_trace():
    import pyarrow

    trace = build().finish()
    table = pyarrow.table(trace)
    table.validate(full=True)
    assert table.to_pylist() == [as_told(trace, uid) for uid in range(5)]
    assert pyarrow.types.is_dictionary(table.schema.field("name").type) and table.schema.field("start_ns").type == pyarrow.int64()
    assert table["stream"].null_count == 4 and table["uid"].null_count == 0


@needs_arrow
def test_arrow__a_trace_from_a_file():
    import pyarrow
    from conftest import DATA

    trace = evreplay.Trace.open(DATA / "small_kineto.json")
    table = pyarrow.table(trace)
    table.validate(full=True)
    found = [{name: value for name, value in row.items() if name != "forward_thread"} for row in table.to_pylist()]
    told = [{name: value for name, value in as_told(trace, uid).items() if name != "forward_thread"} for uid in range(len(trace))]
    assert found == told


@needs_arrow
def test_arrow__empty():
    import pyarrow

    table = pyarrow.table(TraceBuilder().finish())
    assert table.num_rows == 0 and "name" in table.column_names
    assert pyarrow.table(evreplay.Results()).num_rows == 0


@needs_arrow
def test_arrow__stands_on_nothing_of_ours():
    trace = build().finish()
    column = trace.to_arrow()["name"].chunk(0)  # the batch that it lay in is released, and it and its dictionary live on
    trace.close()
    del trace
    gc.collect()
    assert column.to_pylist() == ["aten::linear", "aten::mm", "cudaLaunchKernel", "gemm_ü", "note"]


@needs_arrow
def test_arrow__released_while_an_exception_is_on_its_way():
    """Where no Python code may run: the exception arrives as it was raised."""
    def take(*anything):
        raise AssertionError("not reached")

    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            take(build().finish().to_arrow(), 1 / 0)
        with pytest.raises(ZeroDivisionError):
            take(build().finish().__arrow_c_stream__(), 1 / 0)


@needs_arrow
def test_arrow__streams_are_let_go():
    import pyarrow

    trace = build().finish()
    arrow.capsules.sweep()
    assert not arrow.capsules.kept
    capsule = trace.__arrow_c_stream__()
    arrow.capsules.sweep()
    assert len(arrow.capsules.kept) == 1
    del capsule
    arrow.capsules.sweep()
    assert not arrow.capsules.kept
    for _ in range(5):
        pyarrow.RecordBatchReader.from_stream(trace)
    assert len(arrow.capsules.kept) <= 1


@needs_arrow
def test_arrow__texts_and_gaps():
    import pyarrow

    class Table(arrow.Tabular):
        def _columns(self):
            return {"text": arrow.Texts(["a", None, "", "ü\udcff"] * 5), "whole": [1, None, 3, 4] * 5, "part": arrow.Floats([0.5, None, 1, float("nan")] * 5)}

    table = Table().to_arrow()
    table.validate(full=True)
    assert table["text"].to_pylist()[:4] == ["a", None, "", "ü?"] and table["text"].null_count == 5
    assert table["whole"].to_pylist() == [1, None, 3, 4] * 5 and table["part"].to_pylist()[:3] == [0.5, None, 1.0]
    assert pyarrow.RecordBatchReader.from_stream(Table()).read_all().num_rows == 20


@needs_arrow
def test_arrow__another_schema_and_parts():
    """What a stream is asked for is a wish: the library gives its own types, and the receiver converts them."""
    import pyarrow

    trace = build().finish()
    own = pyarrow.table(trace)
    wish = pyarrow.schema([field.with_type(pyarrow.string()) if pyarrow.types.is_dictionary(field.type) else field for field in own.schema])
    table = pyarrow.table(trace, schema=wish)
    assert table.schema == wish and table.to_pylist() == own.to_pylist()
    for start in range(6):
        part = table.slice(start, 3)
        part.validate(full=True)
        assert part.to_pylist() == own.slice(start, 3).to_pylist() == [as_told(trace, uid) for uid in range(start, min(start + 3, 5))]


@needs_arrow
def test_arrow__two_readers_of_one_trace():
    trace = build().finish()
    assert trace.to_arrow().equals(trace.to_arrow())


@needs_torch
@needs_pandas
def test_pandas__results_and_rows(tmp_path):
    records = list(evreplay.Trace.open(trace_text(mm_event(), add_event(), event("CatBackward0", [], []))).extractor().records())
    results = evreplay.replay_batch(records, protocol=evreplay.Protocol(stop="count", samples=6))
    frame = results.to_pandas()
    assert list(frame["op"]) == ["aten::mm", "aten::add", "CatBackward0"] and list(frame["status"]) == ["ok", "ok", "skipped"]
    assert frame["median"][0] == results[0].median_ns and frame["median"].isna()[2] and frame["samples"][1] == 6
    with evreplay.Store(tmp_path / "x.db", create=True) as store:
        store.add(results)
        rows = store.find().to_pandas()
    assert set(rows["op"]) == {"aten::mm", "aten::add"} and (rows["median_ns"] > 0).all()


@needs_pandas
def test_pandas__a_trace():
    import pandas

    trace = build().finish()
    frame = trace.to_pandas()
    assert frame.groupby("name", observed=True)["duration_ns"].sum()["aten::mm"] == 50
    assert list(pandas.DataFrame.from_arrow(trace)["duration_ns"]) == [100, 50, 5, 30, 0]


@needs_pandas
def test_pandas__times_keep_their_last_digits():
    builder, start = TraceBuilder(), 1_766_000_000_123_456_789  # no float has it
    builder.push("aten::mm", start_ns=start, duration_ns=5, sequence=2**53 + 1)
    builder.push("note", "user_annotation", start_ns=evreplay.NO_TIME, phase="i")
    frame = builder.finish().to_pandas()
    assert frame["start_ns"][0] == start and frame["sequence"][0] == 2**53 + 1
    assert frame["start_ns"].isna().tolist() == [False, True] and str(frame["duration_ns"].dtype) == "int64"


def test_pandas__not_installed(monkeypatch):
    trace = build().finish()
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"to_pandas\(\) needs pandas, which is not installed: pip install pandas"):
        trace.to_pandas()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match="needs pyarrow"):
        trace.to_arrow()


@needs_arrow
def test_arrow__held_at_the_end():
    run_python(
        "import evreplay, pyarrow\n"
        "builder = evreplay.TraceBuilder()\n"
        "builder.push('aten::mm', start_ns=0)\n"
        "trace = builder.finish()\n"
        "table = pyarrow.table(trace)\n"
        "capsule = trace.__arrow_c_stream__()\n"
        "pyarrow.kept = table['name']\n"
        "import sys; sys.kept = pyarrow.RecordBatchReader.from_stream(trace)"
    )
