"""The traces of many ranks: known arrivals, written here as files."""
import gc
import json
import weakref

import pytest
from conftest import has, needs_numpy, run_python

import evreplay
from evreplay import Clock, TraceSet

STEPS = 12
NAMES = ("allreduce", "_allgather_base", "allreduce")
needs_pandas = pytest.mark.skipif(not (has("pandas") and has("pyarrow")), reason="pandas is not installed; requirements/tools.txt pins it")


def write(folder, late_us, clock_us, hosts=None):
    """A trace for each rank, which arrives so late at every collective and whose clock is so far ahead. The last one to arrive needs 50 us."""
    for rank, (late, clock) in enumerate(zip(late_us, clock_us)):
        events = []
        for step in range(STEPS):
            arrive, last = 1000 + step * 500 + late, 1000 + step * 500 + max(late_us)
            args = {"Collective name": NAMES[step % 3], "In msg nelems": 64, "dtype": "Float", "Process Group Name": "tp", "Seq": step}
            if step:
                args["Group size"] = len(late_us)
            else:
                del args["In msg nelems"]
            events.append({"ph": "X", "cat": "cpu_op", "name": "record_param_comms", "pid": 1, "tid": 1, "ts": arrive + clock, "dur": last + 50 - arrive,
                           "args": args})  # fmt: skip
        document = {"distributedInfo": {"rank": rank, "world_size": len(late_us)}, "traceEvents": events}
        if hosts:
            document.update(host_name=hosts[rank], baseTimeNanoseconds=1000)
        (folder / f"run_rank-{rank}.json").write_text(json.dumps(document))
    return folder


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path, (0, 30, 10), (0, 777, -123456))


def test_set__skews_and_the_slowest_rank(folder):
    with TraceSet.open(folder) as traces:
        assert len(traces) == 3 and [rank.rank for rank in traces.ranks] == [0, 1, 2]
        assert [one.name for one in traces.collectives] == [NAMES[step % 3] for step in range(STEPS)]
        for step, one in enumerate(traces.collectives):
            assert (one.skew_ns, one.slowest_rank, one.shortest_ns, one.members, one.sequence) == (30_000, 1, 50_000, 3, step)
            assert (one.group, one.dtype, one.last_ns - one.first_ns, one.end_ns - one.last_ns) == ("tp", "Float", 30_000, 50_000)
            assert [part.start_ns - one.first_ns for part in one.participations] == [0, 30_000, 10_000]
            assert [part.duration_ns for part in one.participations] == [80_000, 50_000, 70_000]
        assert traces.collectives[0].elements is None and traces.collectives[0].group_size is None
        assert traces.collectives[-1].elements == 64 and traces.collectives[-1].group_size == 3
        assert traces.collectives[2:4] == [traces.collectives[2], traces.collectives[3]]
        with pytest.raises(IndexError):
            traces.collectives[STEPS]


def test_set__ranks_and_their_clocks(tmp_path):
    write(tmp_path, (0, 10, 20, 7), (0, 0, 5000, 5000), ["node0", "node0", "node1", "node1"])
    traces = TraceSet.open(tmp_path)
    assert [rank.clock for rank in traces.ranks] == [Clock.REFERENCE, Clock.SHARED, Clock.ESTIMATED, Clock.ESTIMATED]
    assert [rank.offset_ns for rank in traces.ranks] == [0, 0, -5_000_000, -5_000_000]
    assert [rank.host for rank in traces.ranks] == ["node0", "node0", "node1", "node1"]
    assert [rank.waited_ns for rank in traces.ranks] == [STEPS * (20 - late) * 1000 for late in (0, 10, 20, 7)]
    assert [rank.awaited_ns for rank in traces.ranks] == [0, 0, STEPS * 10_000, 0]
    last = traces.rank(3)
    assert (last.rank, last.world_size, last.collectives, last.unmatched) == (3, 4, STEPS, 0) and last.path.endswith("run_rank-3.json")
    with pytest.raises(KeyError, match="rank 4"):
        traces.rank(4)


def test_set__some_files_one_after_the_other(folder):
    traces = TraceSet.open(str(folder / "run_rank-2.json"), folder / "run_rank-0.json", threads=1)
    assert [rank.rank for rank in traces.ranks] == [0, 2] and traces.collectives[0].slowest_rank == 2
    assert [part.rank for part in traces.collectives[0].participations] == [0, 2]
    assert traces.rank(2).world_size == 3


def test_set__its_traces_are_as_any_others(folder):
    traces = TraceSet.open(folder)
    trace = traces.rank(1).trace
    assert trace is traces.ranks[1].trace and len(trace) == STEPS
    part = traces.collectives[4].participations[1]
    assert part.event == trace[4] and part.event.start_ns == (1000 + 4 * 500 + 30 + 777) * 1000
    assert part.start_ns == part.event.start_ns + traces.rank(1).offset_ns
    assert trace.record(4).op == "record_param_comms"
    trace.close()
    assert not trace.is_open and len(traces.rank(1).trace) == STEPS and part.trace is trace


@needs_numpy
def test_set__lives_as_long_as_its_traces(folder):
    traces = TraceSet.open(folder)
    gone = weakref.ref(traces.handle)
    trace = traces.rank(2).trace
    column, extractor = trace.starts, traces.rank(0).trace.extractor()
    traces.close()
    with pytest.raises(evreplay.Error, match="set of traces is closed"):
        traces.ranks
    del traces
    gc.collect()
    assert trace[0].name == "record_param_comms"
    trace.close()
    del trace
    gc.collect()
    assert gone() and column[0] == (1000 + 10 - 123456) * 1000 and len(extractor.calls()) > 0
    del column
    gc.collect()
    assert gone()
    del extractor
    gc.collect()
    assert not gone()


def test_set__closed(folder):
    traces = TraceSet.open(folder)
    collectives, one = traces.collectives, traces.collectives[0]
    traces.close()
    traces.close()
    for ask in (lambda: len(traces), lambda: collectives[0], lambda: one.participations, lambda: traces.collectives, lambda: traces.rank(0)):
        with pytest.raises(evreplay.Error) as caught:
            ask()
        assert caught.value.code is evreplay.Status.STATE
    assert "closed" in repr(traces) and "closed" in repr(collectives) and one.skew_ns == 30_000


def test_set__progress(folder):
    told, size = [], sum(path.stat().st_size for path in folder.iterdir())
    TraceSet.open(folder, progress=lambda done, total: told.append((done, total)))
    assert told and told == sorted(told) and told[-1] == (size, size)

    def stop(done, total):
        raise RuntimeError("enough")

    with pytest.raises(evreplay.Error) as caught:
        TraceSet.open(folder, progress=stop)
    assert caught.value.code is evreplay.Status.CANCELLED and isinstance(caught.value.cause, RuntimeError)

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        TraceSet.open(folder, progress=interrupt)


def test_set__what_cannot_be_read(folder, tmp_path):
    def code(*paths):
        with pytest.raises(evreplay.Error) as caught:
            TraceSet.open(*paths)
        return caught.value

    (tmp_path / "empty").mkdir()
    assert code(tmp_path / "empty").code is evreplay.Status.NOT_FOUND
    twice = code(folder / "run_rank-0.json", folder / "run_rank-0.json")
    assert twice.code is evreplay.Status.INVALID and "rank 0" in twice.message
    assert code().code is evreplay.Status.INVALID
    (tmp_path / "bad_rank-7.json").write_text('{"traceEvents": [{"ph": "X", "name": "x", "pid": 1, "tid": 1, "ts": 1, "dur": 1}, {"ph"')
    damaged = code(folder / "bad_rank-7.json")
    assert "bad_rank-7.json" in damaged.message
    assert len(TraceSet.open(folder / "bad_rank-7.json", folder / "run_rank-0.json", recover=True)) == 2


@needs_pandas
def test_set__collectives_as_a_table(folder):
    import pyarrow

    traces = TraceSet.open(folder)
    table = pyarrow.table(traces.collectives)
    table.validate(full=True)
    names = table.column_names
    assert table.to_pylist() == [{name: getattr(one, name) for name in names} for one in traces.collectives]
    assert names[:3] == ["name", "group", "dtype"] and "skew_ns" in names and table["elements"].null_count == 1
    frame = traces.collectives.to_pandas()
    assert list(frame["skew_ns"]) == [30_000] * STEPS and frame.groupby("name")["skew_ns"].sum()["allreduce"] == 30_000 * STEPS * 2 // 3


def test_set__open_at_the_interpreters_end(folder):
    run_python(
        f"import evreplay, sys\nsys.kept = evreplay.TraceSet.open({str(folder)!r})\nsys.one = sys.kept.ranks[0].trace\nsys.calls = sys.one.calls()\n"
    )
