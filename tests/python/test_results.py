"""Batches, their results, reports, and comparisons."""
import csv
import io
import json
import os
import sys
import types
import xml.etree.ElementTree

import pytest
from conftest import add_event, event, mm_event, needs_numpy, needs_torch, run_python, trace_text

import evreplay
from evreplay import ChangeKind, Outcome, Protocol, RankResult, Results, RunInfo, Verdict, compare, replay_batch
from evreplay.results import FORMS

QUICK = Protocol(stop="count", samples=12, launch="batch", batch=20, seconds=2.0)


@pytest.fixture
def records(context):
    trace = evreplay.Trace.open(trace_text(mm_event(), add_event(), event("CatBackward0", [], []), mm_event()), context=context)
    return list(trace.extractor().records())


@pytest.fixture
def timed(records):
    return replay_batch(records, timed=True, protocol=QUICK, samples=True, input="a trace", seed=3)


@needs_torch
def test_batch__every_record_ends_in_a_result(records):
    results = replay_batch(records, checks=["finite", "repeat"])
    assert [one.op for one in results] == ["aten::mm", "aten::add", "CatBackward0"]
    mm, add, cat = results
    assert mm.status is Outcome.OK and mm.count == 2 and mm.uid == 0 and mm.index == 0 and mm.key == evreplay.record_key(records[0])
    assert [(check.name, check.verdict) for check in add.checks] == [("finite", Verdict.GOOD), ("repeat", Verdict.GOOD)]
    assert mm.arguments == records[0].arguments_text and mm.tensor_bytes > 0 and mm.first_run_ns > 0
    assert mm.statistics is None and mm.median_ns is None and mm.conditions is None and mm.protocol == "" and mm.trace_kernel_ns is None
    assert (cat.status, cat.reason) == (Outcome.SKIPPED, "autograd-node") and cat.advice and cat.detail is not None
    assert results.info.runtime.startswith("torch") and results.info.device == "cpu" and not results.info.interrupted
    assert results[-1].op == "CatBackward0" and [one.op for one in results[:2]] == ["aten::mm", "aten::add"]
    with pytest.raises(IndexError):
        results[3]


@needs_torch
@needs_numpy
def test_batch__timed(timed):
    assert timed.info.input == "a trace" and timed.info.seed == 3
    for one in timed[:2]:
        assert one.statistics.count == 12 == len(one.samples) and one.median_ns == one.statistics.median > 0
        assert one.conditions.launch == "batch" and one.conditions.batch == 20 and Protocol.parse(one.protocol).samples == 12


@needs_torch
def test_batch__isolated(records):
    results = replay_batch(records, isolate=True, timed=True, protocol=QUICK)
    assert [one.status for one in results] == [Outcome.OK, Outcome.OK, Outcome.SKIPPED] and results[0].statistics.count == 12


@needs_torch
def test_batch__isolated_crash_is_a_result(ops, context):
    """One record that takes its process with it does not take the batch."""
    x = {"name": "x", "type": "Tensor", "value": {"tensor": {"shape": [3], "strides": [1], "dtype": "float32"}}}
    crash, fine = ({"op": op, "args": [{**x, "name": name}]} for op, name in (("evrpoison::crash", "x"), ("aten::relu", "self")))
    document = json.dumps({"evreplay_ir": 1, "records": [fine, crash, fine]})
    context.register_namespace("evrpoison", os.environ["EVREPLAY_TEST_OPS"])
    assert ops.schemas("evrpoison::crash")
    results = replay_batch(evreplay.read_records(document, context=context), isolate=True)
    assert [(one.status, one.reason) for one in results] == [(Outcome.OK, ""), (Outcome.FAILED, "crashed"), (Outcome.OK, "")]
    assert "crashed" in results[1].detail


@needs_torch
def test_batch__progress(records):
    told = []
    results = replay_batch(records, progress=lambda result, done, total: told.append((result and result.op, done, total)))
    assert told == [("aten::mm", 1, 3), ("aten::add", 2, 3), ("CatBackward0", 3, 3)] and len(results) == 3

    stopped = replay_batch(records, progress=lambda result, done, total: False)
    assert len(stopped) == 1 and stopped.info.interrupted

    def fail(result, done, total):
        raise ValueError("enough")

    with pytest.raises(evreplay.Error, match="enough") as caught:
        replay_batch(records, progress=fail)
    assert caught.value.code is evreplay.Status.CANCELLED and isinstance(caught.value.cause, ValueError)

    def interrupt(result, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay_batch(records, progress=interrupt)


@needs_torch
def test_batch__what_progress_is_told_is_borrowed(records):
    kept = []
    replay_batch(records, progress=lambda result, done, total: kept.append(result))
    with pytest.raises(evreplay.Error, match="callback"):
        kept[0].op


@needs_torch
def test_batch__a_bar_of_tqdm(records, monkeypatch):
    class Bar:
        made = []

        def __init__(self, total, **more):
            self.total, self.n, self.closed = total, 0, False
            Bar.made.append(self)

        def update(self, step):
            self.n += step

        def set_postfix_str(self, text, refresh):
            self.text = text

        def close(self):
            self.closed = True

    monkeypatch.setitem(sys.modules, "tqdm", types.ModuleType("tqdm"))
    monkeypatch.setitem(sys.modules, "tqdm.auto", types.SimpleNamespace(tqdm=Bar))
    replay_batch(records, progress=True)
    assert [(bar.total, bar.n, bar.closed) for bar in Bar.made] == [(3, 3, True)]
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    assert len(replay_batch(records, progress=True)) == 3


@needs_torch
def test_batch__journal(records, tmp_path):
    journal = tmp_path / "journal"
    first = replay_batch(records, journal=journal, progress=lambda result, done, total: done < 2)
    assert len(first) == 2
    ran = []
    second = replay_batch(records, journal=journal, resume=True, progress=lambda result, done, total: ran.append(result.op) and None)
    assert len(second) == 3 and ran == ["CatBackward0"]


def test_batch__wrong_words(context):
    with pytest.raises(ValueError, match="finite, repeat"):
        replay_batch([], checks="fast", context=context)


@needs_torch
def test_batch__failures(records):
    with pytest.raises(evreplay.Error) as caught:
        replay_batch(records, bridge="/no/such/bridge.so")
    assert caught.value.code is evreplay.Status.PLUGIN
    assert len(replay_batch([])) == 0


@needs_torch
def test_reports__all_forms(timed, tmp_path):
    made = json.loads(timed.to_text("json"))
    assert [one["op"] for one in made["results"]] == ["aten::mm", "aten::add", "CatBackward0"]
    rows = list(csv.DictReader(io.StringIO(timed.to_text("csv"))))
    assert [row["op"] for row in rows] == ["aten::mm", "aten::add", "CatBackward0"]
    cases = xml.etree.ElementTree.fromstring(timed.to_text("junit")).findall(".//testcase")
    assert len(cases) == 3
    assert timed.to_text("html").lstrip().lower().startswith("<!doctype html") and "aten::mm" in timed.to_text("markdown")
    assert "3" in timed.to_text("text")
    assert all(timed.to_text(form) == timed.to_text(form) for form in FORMS)
    for suffix, form in ((".json", "json"), (".csv", "csv"), (".md", "markdown"), (".xml", "junit"), (".html", "html"), (".txt", "text")):
        timed.save(tmp_path / f"report{suffix}")
        assert (tmp_path / f"report{suffix}").read_text() == timed.to_text(form)
    with pytest.raises(ValueError, match="json, csv"):
        timed.to_text("pdf")
    with pytest.raises(ValueError, match="says no form"):
        timed.save(tmp_path / "report")


@needs_torch
@needs_numpy
def test_results__read_back(timed, tmp_path):
    timed.save(tmp_path / "results.json")
    again = Results.load(tmp_path / "results.json")
    assert again.to_text() == timed.to_text() and again.info == timed.info
    assert list(again[0].samples) == list(timed[0].samples) and again[0].statistics == timed[0].statistics
    with pytest.raises(evreplay.Error) as caught:
        Results.read(timed.to_text()[:100])
    assert caught.value.code in (evreplay.Status.TRUNCATED, evreplay.Status.FORMAT) and caught.value.offset is not None


@needs_torch
def test_results__of_several_ranks(timed):
    assert timed[0].ranks == [] and timed[0].slowest_rank is None
    line = json.loads(timed[0].to_json())
    each = [
        {"rank": 0, "status": "ok", "reason": "", "median_ns": 1500.5, "first_run_ns": 9000.0},
        {"rank": 1, "status": "failed", "reason": "crashed", "median_ns": None, "first_run_ns": None},
        {"rank": 2, "status": "skipped", "reason": "", "median_ns": None, "first_run_ns": None},
    ]
    results = Results()
    results.append(json.dumps({**line, "ranks": {"slowest": 0, "each": each}}))
    results.append(json.dumps({**line, "ranks": {"slowest": None, "each": each[1:]}}))
    for of in (results, Results.read(results.to_text())):
        assert of[0].slowest_rank == 0 and of[1].slowest_rank is None
        assert of[0].ranks == [
            RankResult(0, Outcome.OK, "", 1500.5, 9000.0),
            RankResult(1, Outcome.FAILED, "crashed", None, None),
            RankResult(2, Outcome.SKIPPED, "", None, None),
        ]
        assert of[1].ranks == of[0].ranks[1:]
    assert json.loads(results[0].to_json())["ranks"] == {"slowest": 0, "each": each}


@needs_torch
def test_results__put_together(timed):
    made = Results(RunInfo(runtime="torch 9", device="cpu", seed=5))
    made.append(timed[1])
    first = made[0]
    for _ in range(200):  # the list moves in memory, and what was handed out moves with it
        made.append(timed[0].to_json())
    assert first.op == "aten::add" and len(made) == 201 and made.info.seed == 5
    made.finish(RunInfo(runtime="torch 10", interrupted=True))
    assert made.info.runtime == "torch 10" and made.info.interrupted and made[-1].op == "aten::add"
    one = made[0]
    made.close()
    with pytest.raises(evreplay.Error, match="closed"):
        one.op


def slower(results, factor):
    """The same results with other times."""
    made = json.loads(results.to_text())
    for one in made["results"]:
        if one.get("statistics"):
            for name in ("median", "median_low", "median_high", "q1", "q3", "min", "max", "mean", "mode_low", "mode_high"):
                one["statistics"][name] = factor * (one["statistics"][name] or 0)
            one["samples"] = [factor * sample for sample in one["samples"]]
    return Results.read(json.dumps(made))


@needs_torch
def test_compare__the_same_twice(timed):
    found = compare(timed, Results.read(timed.to_text()))
    assert found.exit_code == 0 and not found.regressions and found.summary.matched == 3 and found.summary.ratio == 1.0
    assert {one.kind for one in found} <= {ChangeKind.NONE, ChangeKind.UNKNOWN}


@needs_torch
def test_compare__slower_is_a_regression(timed):
    newer = slower(timed, 3.0)
    with compare(timed, newer) as found:
        assert found.exit_code == 3 and found.summary.regressions == 2 == len(found.regressions)
        worst = found[0]
        assert worst.kind is ChangeKind.REGRESSION and abs(worst.ratio - 3) < 1e-6 and worst.p_value < 0.05
        assert worst.base.op == worst.newer.op == worst.op and worst.ratio_low <= worst.ratio <= worst.ratio_high
        assert "3.0" in found.to_text("text") and len({found.to_text(form) for form in FORMS}) == 6
    back = compare(newer, timed)
    assert back.exit_code == 0 and back.summary.improvements == 2
    assert compare(timed, slower(timed, 1.5), threshold=0.9).exit_code == 0


@needs_torch
def test_compare__holds_what_it_points_into(timed):
    newer = slower(timed, 1.0)
    found = compare(timed, newer)
    with pytest.raises(evreplay.Error) as caught:
        newer.append(timed[0])
    assert caught.value.code is evreplay.Status.STATE
    newer.close()
    with pytest.raises(evreplay.Error, match="closed"):
        found.summary


@needs_torch
def test_compare__new_and_gone(timed):
    one, other = Results(timed.info), Results(timed.info)
    one.append(timed[0])
    other.append(timed[1])
    kinds = {change.kind: (change.base, change.newer) for change in compare(one, other)}
    assert set(kinds) == {ChangeKind.NEW, ChangeKind.GONE}
    assert kinds[ChangeKind.NEW][0] is None and kinds[ChangeKind.GONE][1] is None


@needs_torch
def test_results__open_at_the_end():
    run_python(
        "import evreplay\n"
        "from conftest import *\n"
        "records = list(evreplay.Trace.open(trace_text(mm_event())).extractor().records())\n"
        "results = evreplay.replay_batch(records)\n"
        "one = results[0]\n"
        "found = evreplay.compare(results, results)",
        PYTHONPATH=":".join([*sys.path]),
    )
