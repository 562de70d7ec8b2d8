"""Records: what they say, and the way to JSON and back."""
import json

import pytest
from conftest import DATA, add_event, event, mm_event, trace_text

import evreplay
from evreplay import MISSING, Outcome, Provenance, Record, Trace


def test_calls__grouped_by_arguments():
    trace = Trace.open(trace_text(add_event(), mm_event(), add_event(), add_event(8, 8)))
    calls = trace.calls()
    assert [(one.op, one.uid, one.count) for one in calls] == [("aten::add", 0, 2), ("aten::mm", 1, 1), ("aten::add", 3, 1)]
    assert calls[0].cpu_ns == 10000 and calls[0].status is Outcome.OK and calls[0].reason == ""


def test_calls__of_what_cannot_be_replayed():
    calls = Trace.open(DATA / "small_kineto.json").calls()
    skipped = [one for one in calls if one.status is Outcome.SKIPPED]
    assert skipped and all(one.reason == "autograd-node" for one in skipped)
    assert evreplay.reason_advice(2) and str(Outcome.SKIPPED) == "skipped"


def test_record__arguments_and_where_they_come_from(record):
    made = record(add_event())
    assert (made.op, made.overload, made.count, made.uid, made.status) == ("aten::add", "Tensor", 1, 0, Outcome.OK)
    assert made.schema.startswith("aten::add.Tensor(") and "add.Tensor ok" in repr(made)
    first, other, alpha = made.args
    assert first.value.shape == (4, 4) and first.value.strides == (4, 1) and first.value.dtype == evreplay.DType.parse("float")
    assert first.value.dtype.name == "float32" and first.value.dtype.itemsize == 4 and not first.value.strides_assumed
    assert (alpha.name, alpha.value, alpha.keyword_only, alpha.provenance) == ("alpha", 1, True, Provenance.TRACE)
    assert made.arg("other") == other
    for ask in (made.arg, made.arg_index):
        with pytest.raises(KeyError, match="no argument 'gamma'"):
            ask("gamma")


def test_record__autocast(record):
    made = record(mm_event())
    assert made.autocast == ""
    document = json.loads(made.to_json())
    document["records"][0]["autocast"] = "bfloat16"
    read = Record.from_json(json.dumps(document))
    assert read.autocast == "bfloat16" and evreplay.record_key(read) != evreplay.record_key(made)


def test_record__missing_values_say_why(record):
    made = record(event("aten::view", [[4, 4], []], ["float", ""], [[4, 1], []], ["", ""]))
    assert made.status is Outcome.FAILED and made.reason and made.detail and made.advice
    missing = [one for one in made.args if one.value is MISSING]
    assert not MISSING and all(one.provenance is Provenance.NOWHERE and one.note for one in missing)


def test_record__kernels_and_batch():
    annotation = {"ph": "X", "cat": "user_annotation", "name": "execute_context_2(18)_generation_5(5)", "pid": 1, "tid": 1, "ts": 0, "dur": 90}
    launch = {"ph": "X", "cat": "cuda_runtime", "name": "cudaLaunchKernel", "pid": 1, "tid": 1, "ts": 11, "dur": 1, "args": {"correlation": 7}}
    kernel = {"ph": "X", "cat": "kernel", "name": "k", "pid": 0, "tid": 7, "ts": 20, "dur": 3, "args": {"correlation": 7, "device": 0, "stream": 7}}
    made = Trace.open(trace_text(annotation, add_event(), launch, kernel)).record(1)
    assert [(one.name, one.count, one.total_ns) for one in made.kernels] == [("k", 1, 3000)]
    assert made.batch == evreplay.Batch.parse(annotation["name"]) == evreplay.Batch(2, 18, 0, 5, 5, 0)
    assert evreplay.Batch.parse("ProfilerStep#1") is None
    assert made.device == "cuda:0"


def test_record__outlives_trace_and_extractor():
    trace = Trace.open(trace_text(add_event()))
    with trace.extractor() as extractor:
        made = extractor.record(0)
        with pytest.raises(evreplay.Error) as caught:
            extractor.record(99)
        assert caught.value.code is evreplay.Status.NOT_FOUND
    trace.close()
    assert made.args[0].value.shape == (4, 4)
    with pytest.raises(evreplay.Error, match="extractor is closed"):
        extractor.calls()


def test_extractor__explains_and_lists():
    with Trace.open(trace_text(add_event(), mm_event())).extractor(torch_version="2.13") as extractor:
        assert [one.op for one in extractor.records()] == ["aten::add", "aten::mm"]
        text = extractor.explain(0)
        assert "aten::add.Tensor" in text and "score" in text


@pytest.mark.parametrize("form", ["evreplay", "tracelens"])
def test_json__there_and_back(record, form):
    made = record(add_event())
    text = made.to_json(form)
    again = Record.from_json(text)
    assert (again.op, again.arguments_text) == (made.op, made.arguments_text) == ("aten::add", "float32[4,4], float32[4,4], alpha=1")
    assert again.overload == (made.overload if form == "evreplay" else "")  # that form names none
    assert again.to_json(form) == text
    json.loads(text)
    with pytest.raises(ValueError, match="evreplay, tracelens"):
        made.to_json("xml")


def test_json__tracelens_form_is_theirs(record):
    document = json.loads(record(mm_event()).to_json("tracelens"))
    one = document[0] if isinstance(document, list) else document
    assert one["op_name"] == "aten::mm"
    assert [argument["arg_name"] for argument in one["replay_ir"]["list_pos_args"]] == ["self", "mat2"]


def test_json__every_kind_of_value():
    path = DATA / "ir" / "kinds.evreplay.json"
    records = evreplay.load_records(path)
    values = [argument.value for one in records for argument in one.args]
    kinds = {type(value).__name__ for value in values}
    assert {"bool", "int", "float", "str", "list", "NoneType", "TensorSpec", "DType"} <= kinds
    again = evreplay.read_records(evreplay.write_records(records))
    # NaN is no equal of itself: compared as text
    assert [repr(one.args) for one in again] == [repr(one.args) for one in records]
    with pytest.raises(evreplay.Error, match="one record is needed"):
        Record.from_json(path.read_bytes())


def test_json__bad_bytes_tell_their_place():
    with pytest.raises(evreplay.Error) as caught:
        evreplay.read_records('{"evreplay_ir":1,"records":[{"op":}]}')
    assert caught.value.code is evreplay.Status.FORMAT and caught.value.offset is not None


def test_logs__with_times():
    text = "Operator: aten.abs.default\ncnt: 4, ((T([8], f32),), {})  # 2.5 us\ncnt: 2, ((T([9], f32),), {})\n"
    records = evreplay.read_records(text)
    assert [record.runtime_ns for record in records] == [2500, None]
    assert evreplay.write_records(records, "log") == text
    records[1].runtime_ns = 1e6
    assert evreplay.read_records(evreplay.write_records(records, "log"))[1].runtime_ns == 1e6


def test_json__nothing_to_write():
    assert evreplay.read_records(evreplay.write_records([])) == []


def test_json__of_a_set_outlives_the_list():
    import gc

    one = evreplay.load_records(DATA / "ir" / "kinds.evreplay.json")[-1]
    gc.collect()
    assert one.op and one.args is not None


def test_dtypes__names_and_sizes():
    assert [evreplay.DType.parse(text).name for text in ("c10::BFloat16", "long int", "torch.int8")] == ["bfloat16", "int64", "int8"]
    with pytest.raises(ValueError, match="unknown"):
        evreplay.DType.parse("quaternion")
    assert str(evreplay.DType(6)) == "float32" and repr(evreplay.DType(6)) == "evreplay.DType('float32')"
    assert evreplay.DType(99).itemsize == 0
