"""Records of calls to other ranks, out of what the events below them tell."""
import json

import pytest

from conftest import trace_text

import evreplay


def call(name, ts, dur, category="cpu_op", **args):
    return {"ph": "X", "cat": category, "name": name, "pid": 1, "tid": 1, "ts": ts, "dur": dur, "args": args}


def told(name, elements, out=None, dtype="Float", **more):
    return {
        "Collective name": name, "In msg nelems": elements, "Out msg nelems": out or elements, "Group size": 4, "dtype": dtype, "In split size": "[]",
        "Out split size": "[]", "Process Group Name": "7", "Process Group Description": "tp", "Process Group Ranks": "[0, 1, 2, 3]", **more,
    }


@pytest.fixture
def trace(context):
    def make(*events):
        return evreplay.Trace.open(trace_text(*events), context=context)

    return make


def test_values_come_from_below(trace):
    one = trace(call("c10d::allreduce_", 10, 50), call("record_param_comms", 12, 40, **told("allreduce", 600)))
    record = one.record(0)
    assert (record.op, record.status.name, record.reason) == ("c10d::allreduce_", "SKIPPED", "communication-without-group")
    values = {a.name: a.value for a in record.args}
    assert [t.shape for t in values["tensors"]] == [(600,)] and values["process_group"] == "7" and values["reduce_op"] == "sum"
    assert record.group == evreplay.Group("7", 4, (0, 1, 2, 3), "tp", "")
    assert record.communicates
    again = evreplay.Record.from_json(record.to_json())
    assert again.group == record.group and again.to_json() == record.to_json()


def test_messages_of_other_sizes_are_other_calls(trace):
    events = [call("record_param_comms", 10 * i, 5, **told("allreduce", 100 * (1 + i % 2))) for i in range(6)]
    assert [(c.op, c.count) for c in trace(*events).calls()] == [("record_param_comms", 3)] * 2


def test_record_param_comms_stands_for_the_operator(trace):
    one = trace(call("record_param_comms", 10, 5, **told("_allgather_base", 30, 120, "BFloat16")), call("record_param_comms", 20, 5, **told("wait", 0)))
    record, wait = one.record(0), one.record(1)
    assert record.op == "record_param_comms" and record.schema.startswith("c10d::_allgather_base_(")
    assert [a.value.shape for a in record.args[:2]] == [(120,), (30,)]
    assert (wait.reason, wait.args) == ("annotation", [])


def test_parts_make_rows(trace):
    split = {"In split size": "[1, 2, 3, 4]", "Out split size": "[2, 2, 2, 2]"}
    record = trace(call("record_param_comms", 10, 5, **told("all_to_allv", 50, 40, **split))).record(0)
    values = {a.name: a.value for a in record.args}
    assert values["input"].shape == (10, 5) and values["output"].shape == (8, 5)
    assert list(values["input_split_sizes"]) == [1, 2, 3, 4]


@pytest.mark.parametrize("text", ["[0, 1, ...", "[]", "none", "[1, -2]", "[9999999999999999999]"])
def test_ranks_that_are_no_list(trace, text):
    record = trace(call("record_param_comms", 10, 5, **{**told("allreduce", 8), "Process Group Ranks": text})).record(0)
    assert record.group.size == 4 and record.group.ranks == ()


def test_groups_that_are_none():
    for group in ({}, {"size": -1}, {"size": 2, "ranks": [0]}, {"size": 1, "ranks": [-1]}):
        document = {"evreplay_ir": 1, "records": [{"op": "c10d::barrier", "args": [], "group": group}]}
        if group:
            with pytest.raises(evreplay.Error):
                evreplay.read_records(json.dumps(document))
        else:
            assert evreplay.read_records(json.dumps(document))[0].group.size == 0
