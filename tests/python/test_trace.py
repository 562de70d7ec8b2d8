"""Traces: opening, events, columns, errors."""
import gc
import gzip
import io
import json
import threading
import weakref

import pytest
from conftest import DATA, add_event, event, needs_numpy, trace_text

import evreplay
from evreplay import EventKind, Trace

PLAIN = DATA / "small_kineto.json"


@pytest.fixture
def recorded():
    return json.loads(PLAIN.read_text())["traceEvents"]


@pytest.mark.parametrize("name", ["small_kineto.json", "small_kineto.json.gz", "small_kineto.json.zst"])
@pytest.mark.parametrize("how", ["str", "path", "bytes", "bytearray", "memoryview", "file", "file without seek"])
def test_open__every_kind_of_source(recorded, name, how):
    class OnlyRead:
        def __init__(self, file):
            self.read = file.read

    path = DATA / name
    source = {
        "str": lambda: str(path),
        "path": lambda: path,
        "bytes": path.read_bytes,
        "bytearray": lambda: bytearray(path.read_bytes()),
        "memoryview": lambda: memoryview(path.read_bytes()),
        "file": lambda: io.BytesIO(path.read_bytes()),
        "file without seek": lambda: OnlyRead(io.BytesIO(path.read_bytes())),
    }[how]()
    with Trace.open(source) as trace:
        assert len(trace) == len(recorded)
        assert [one.name for one in trace] == [one["name"] for one in recorded]


def test_open__a_bytearray_is_free_afterwards():
    text = bytearray(PLAIN.read_bytes())
    Trace.open(text)
    text.extend(b"more")  # raises BufferError while somebody looks at its memory


def test_open__other_sources_are_refused():
    with pytest.raises(TypeError, match="not int"):
        Trace.open(7)
    with pytest.raises(ValueError, match="null"):
        Trace.open("a\0b")


def test_open__no_such_file():
    with pytest.raises(evreplay.Error) as caught:
        Trace.open("/no/such/trace.json")
    assert caught.value.code is evreplay.Status.IO
    assert "/no/such/trace.json" in caught.value.message and caught.value.hint in str(caught.value)
    assert (caught.value.offset, caught.value.uid, caught.value.op, caught.value.cause) == (None, None, None, None)


def test_open__damage_tells_its_place():
    text = PLAIN.read_bytes()
    with pytest.raises(evreplay.Error) as caught:
        Trace.open(text[: len(text) // 2])
    assert caught.value.code is evreplay.Status.TRUNCATED and caught.value.offset == len(text) // 2
    with Trace.open(text[: len(text) // 2], recover=True) as trace:
        assert 0 < len(trace) < 235
        assert trace.damage.code is evreplay.Status.TRUNCATED and trace.damage.offset == len(text) // 2
    with Trace.open(text) as trace:
        assert trace.damage is None


def test_open__what_a_file_raises_is_the_cause():
    class Broken:
        def read(self, size):
            raise RuntimeError("the network is down")

    with pytest.raises(evreplay.Error) as caught:
        Trace.open(Broken())
    assert caught.value.code is evreplay.Status.IO
    assert isinstance(caught.value.cause, RuntimeError) and caught.value.__cause__ is caught.value.cause


def test_open__a_file_that_gives_too_much():
    class Generous:
        def read(self, size):
            return b" " * (size + 1)

    with pytest.raises(evreplay.Error) as caught:
        Trace.open(Generous())
    assert "gave" in str(caught.value.cause)


def test_open__a_text_file_says_how_to_open_it():
    with open(PLAIN) as file, pytest.raises(evreplay.Error) as caught:
        Trace.open(file)
    assert "mode 'rb'" in str(caught.value.cause)


def test_open__progress_is_told_and_can_stop(tmp_path):
    big = tmp_path / "big.json.gz"
    big.write_bytes(gzip.compress(trace_text(*[add_event()] * 20000), 1))
    told = []
    Trace.open(big, progress=lambda read, total: told.append((read, total)))
    assert told and told[-1][0] <= told[-1][1] == big.stat().st_size

    def stop(read, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Trace.open(big, progress=stop)

    def fail(read, total):
        raise ZeroDivisionError("mine")

    with pytest.raises(evreplay.Error) as caught:
        Trace.open(big, progress=fail)
    assert caught.value.code is evreplay.Status.CANCELLED and isinstance(caught.value.cause, ZeroDivisionError)


def test_open__a_bar_of_tqdm_where_it_is(monkeypatch):
    import sys
    import types

    bars = []

    class Bar:
        n, total, closed = 0, None, False

        def __init__(self, **how):
            bars.append(self)

        def update(self, more):
            self.n += more

        def close(self):
            self.closed = True

    module = types.ModuleType("tqdm.auto")
    module.tqdm = Bar
    monkeypatch.setitem(sys.modules, "tqdm", types.ModuleType("tqdm"))
    monkeypatch.setitem(sys.modules, "tqdm.auto", module)
    Trace.open(PLAIN, progress=True)
    (bar,) = bars
    assert bar.closed and bar.n <= bar.total == PLAIN.stat().st_size
    with pytest.raises(evreplay.Error):
        Trace.open("/no/such/file", progress=True)
    assert bars[1].closed
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    assert len(Trace.open(PLAIN, progress=True)) == 235


def test_open__limits():
    with pytest.raises(evreplay.Error) as caught:
        Trace.open(PLAIN, max_events=3)
    assert caught.value.code is evreplay.Status.LIMIT


def test_open__other_threads_run_meanwhile(tmp_path):
    """The lock is given up in long calls: a thread that counts goes on counting."""
    big = tmp_path / "big.json"
    big.write_bytes(trace_text(*[add_event()] * 100000))
    counted, done = [0], threading.Event()

    def count():
        while not done.is_set():
            counted[0] += 1

    other = threading.Thread(target=count)
    other.start()
    before = counted[0]
    Trace.open(big, progress=None)
    after = counted[0]
    done.set()
    other.join()
    assert after - before > 100


def test_trace__what_it_is():
    with Trace.open(PLAIN) as trace:
        assert trace.format is evreplay.Format.KINETO
        assert trace.json_bytes == PLAIN.stat().st_size
        assert trace.memory > 0
        assert trace.metadata["traceName"] == json.loads(PLAIN.read_text())["traceName"]
        assert ("cpu_op", EventKind.OP, 72) in [(one.name, one.kind, one.events) for one in trace.categories]
        start, end = trace.span_ns
        assert end > start
        assert "235 events" in repr(trace)
    assert repr(trace) == "<evreplay.Trace (closed)>"


def test_trace__empty():
    with Trace.open(b'{"traceEvents": []}') as trace:
        assert len(trace) == 0 and list(trace) == [] and trace.span_ns is None and trace.calls() == []


def test_trace__closed_says_so():
    trace = Trace.open(PLAIN)
    first = trace[2]
    trace.close()
    trace.close()
    for use in (lambda: len(trace), lambda: trace[0], lambda: first.name, lambda: first.children, trace.calls, lambda: trace.starts):
        with pytest.raises(evreplay.Error) as caught:
            use()
        assert caught.value.code is evreplay.Status.STATE
    assert "2" in repr(first)


def test_events__fields(recorded):
    with Trace.open(PLAIN) as trace:
        for one, there in zip(trace, recorded):
            assert one.phase == there["ph"] and one.category == there.get("cat", "") and one.pid == str(there["pid"])
            assert one.duration_ns == round(there.get("dur", 0) * 1000)
        gemm = trace[5]
        assert (gemm.kind, gemm.device, gemm.stream, gemm.launcher) == (EventKind.KERNEL, 0, 7, trace[4])
        assert gemm.correlation == trace[4].correlation
        outer = trace[2]
        assert outer.children == [trace[3]] and trace[3].parent == outer and outer.parent is None
        assert outer.device_uids == [5] and outer.device_events == [gemm] and outer.device_time_ns == 5500
        assert outer.annotation.name == "ProfilerStep#0"
        assert outer.argument("dims") == json.loads(outer.argument_text("dims")) == recorded[2]["args"]["Input Dims"]
        assert outer.argument("schema") is None and outer.argument_text("outputs") == ""
        assert outer.signature and outer.signature == trace[41].signature != trace[8].signature
        with pytest.raises(ValueError, match="dims, types"):
            outer.argument("shapes")


def test_events__found_by_place_and_filter():
    with Trace.open(PLAIN) as trace:
        assert trace[-1] == trace[234] and hash(trace[-1]) == hash(trace[234])
        for outside in (235, -236):
            with pytest.raises(IndexError, match="235 events"):
                trace[outside]
        assert [one.uid for one in trace.events(kind=EventKind.KERNEL)] == [one.uid for one in trace if one.kind is EventKind.KERNEL]
        assert {one.name for one in trace.events(name="aten::c*", category="cpu_op")} == {"aten::cat", "aten::clamp_min"}
        start = trace[41].start_ns
        assert all(one.start_ns < start + 10 for one in trace.events(from_ns=start, to_ns=start + 10))


def test_events__forward_and_backward():
    with Trace.open(PLAIN) as trace:
        pairs = [(one, one.forward) for one in trace if one.forward]
        assert pairs
        for backward, forward in pairs:
            assert forward.backward and forward.sequence == backward.sequence


def test_events__names_that_are_not_ascii():
    name = "aten::größe 数 \U0001f600"
    with Trace.open(trace_text(event(name, [], []))) as trace:
        assert trace[0].name == name
        assert [one.uid for one in trace.events(name=name)] == [0]


@needs_numpy
def test_columns__views_without_copies(recorded):
    import numpy

    trace = Trace.open(PLAIN)
    starts, durations, ids, tracks = trace.starts, trace.durations, trace.name_ids, trace.tracks
    assert (starts.dtype, durations.dtype, ids.dtype, tracks.dtype) == (numpy.int64, numpy.int64, numpy.uint32, numpy.uint32)
    assert starts.tolist() == [one.start_ns if one.start_ns is not None else evreplay.NO_TIME for one in trace]
    assert durations.tolist() == [one.duration_ns for one in trace]
    assert [trace.names[i] for i in ids] == [one["name"] for one in recorded]
    assert tracks.tolist() == [one.track for one in trace]
    assert starts.__array_interface__["data"][0] == trace.starts.__array_interface__["data"][0], "the same memory, twice"
    with pytest.raises(ValueError, match="read-only"):
        starts[0] = 1


@needs_numpy
def test_columns__outlive_the_trace():
    trace = Trace.open(PLAIN)
    gone = weakref.ref(trace.handle)
    column = trace.durations[::2]
    total = int(column.sum())
    trace.close()
    del trace
    gc.collect()
    assert gone() is not None and int(column.sum()) == total
    del column
    gc.collect()
    assert gone() is None


@needs_numpy
def test_columns__of_an_empty_trace():
    with Trace.open(b"[]") as trace:
        assert trace.starts.shape == (0,) and trace.name_ids.shape == (0,)


def test_columns__without_numpy_say_so(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "numpy", None)
    with Trace.open(PLAIN) as trace, pytest.raises(evreplay.Error, match="needs numpy") as caught:
        trace.starts
    assert caught.value.code is evreplay.Status.UNSUPPORTED and "pip install numpy" in caught.value.hint


def test_errors__survive_pickling():
    import pickle

    error = evreplay.Error(evreplay.Status.FORMAT, "bad", "good", cause=ValueError("why"), offset=3, uid=4, op="aten::add")
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.code, copy.message, copy.hint, copy.offset, copy.uid, copy.op) == (error.code, "bad", "good", 3, 4, "aten::add")
    assert isinstance(copy.cause, ValueError) and str(copy) == "bad\ngood"


def test_threads__many_readers():
    trace = Trace.open(PLAIN)
    failures = []

    def read():
        try:
            for _ in range(20):
                assert sum(one.duration_ns for one in trace) == expected
        except BaseException as exception:
            failures.append(exception)

    expected = sum(one.duration_ns for one in trace)
    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert not failures
