"""Replaying from Python, and sharing tensors with torch and numpy."""
import gc
import os
import threading
import weakref

import pytest
from conftest import add_event, event, mm_event, needs_numpy, needs_torch, run_python, trace_text

import evreplay
from evreplay import Replayer, Runtime, Status

pytestmark = needs_torch


def test_runtime__what_it_is(runtime):
    import torch

    assert runtime.device == "cpu" and runtime.version == f"torch {torch.__version__.partition('+')[0]}"
    assert runtime.bridge_path == os.environ["EVREPLAY_BRIDGE"] and "on cpu" in repr(runtime)
    assert any(text.startswith("aten::mm(") for text in runtime.schemas("aten::mm"))


def test_runtime__uses_the_torch_of_this_process(runtime):
    """One libtorch is mapped, and what Python defines in it the replay finds."""
    import torch

    with open("/proc/self/maps") as maps:
        mapped = {line.split()[-1] for line in maps if "libtorch_cpu" in line}
    assert len(mapped) == 1
    library = torch.library.Library("evrpython", "DEF")
    library.define("twice(Tensor x) -> Tensor")
    library.impl("twice", lambda x: x * 2, "CPU")
    assert runtime.schemas("evrpython::twice") == ["evrpython::twice(Tensor x) -> Tensor"]
    made = evreplay.Record.from_json(_schemaless("evrpython::twice"))
    replayer = runtime.replayer(made)
    replayer.run()
    assert torch.equal(replayer.results()[0], replayer.arg(0) * 2)


def _schemaless(op, *values):
    import json

    tensor = {"arg_name": "x", "arg_type": "Tensor", "value": {"shape": [4], "dtype": "float", "strides": [1], "init": "normal"}}
    rest = [{"arg_name": f"arg{i + 1}", "arg_type": "", "value": value} for i, value in enumerate(values)]
    return json.dumps([{"op_name": op, "replay_ir": {"list_pos_args": [tensor, *rest], "list_kwargs": []}}])


def test_runtime__errors():
    with pytest.raises(evreplay.Error) as caught:
        Runtime(bridge="/no/such/bridge.so")
    assert caught.value.code is Status.PLUGIN and "/no/such/bridge.so" in caught.value.message and caught.value.hint
    with pytest.raises(evreplay.Error) as caught:
        Runtime("cuda:93")
    assert caught.value.code is Status.NO_DEVICE
    assert evreplay.outcome(caught.value) == (evreplay.Outcome.FAILED, "no-kernel-for-device")


def test_replayer__computes_what_torch_does(runtime, record):
    import torch

    replayer = runtime.replayer(record(mm_event()))
    replayer.run()
    arguments = replayer.args
    assert list(arguments) == ["self", "mat2"]
    assert torch.equal(replayer.results()[0], torch.mm(arguments["self"], arguments["mat2"]))
    assert replayer.bytes == (4 * 8 + 8 * 16) * 4
    assert replayer.warnings == [] and replayer.initializer is None


def test_replayer__tensors_share_memory(runtime, record):
    replayer = runtime.replayer(record(add_event()))
    replayer.arg("self").fill_(2)
    replayer.arg(1).fill_(5)
    replayer()
    assert replayer.results()[0].eq(7).all()
    replayer.set_arg("alpha", 3)
    replayer.run_many(4)
    assert replayer.results()[0].eq(17).all() and replayer.arg("alpha") == 3


def test_replayer__results_outlive_it(runtime, record):
    import torch

    replayer = runtime.replayer(record(add_event()))
    replayer.run()
    result, argument = replayer.results()[0], replayer.arg(0)
    expected, kept = result.clone(), argument.clone()
    replayer.run()
    replayer.close()
    runtime.close()
    gc.collect()
    assert torch.equal(result, expected) and torch.equal(argument, kept)


@needs_numpy
def test_replayer__results_lie_in_one_place(runtime):
    """Not in two or three in turn, as malloc would have it; what somebody still holds is not written over."""
    import torch

    for elements in (60_000, 1 << 19, 3 << 19):
        log = f"Operator: aten.neg.default\ncnt: 1, ((T([{elements}], f32),), {{}})\n"
        with runtime.replayer(evreplay.read_records(log, context=runtime.context)[0]) as replayer:
            places = set()
            for _ in range(8):
                replayer.run()
                places.add(replayer.results()[0].data_ptr())
            assert len(places) == 1
            held = replayer.results()[0]
            values = held.clone()
            held_at = held.data_ptr()
            replayer.args["self"].add_(1)
            replayer.run()
            assert replayer.results()[0].data_ptr() != held_at and torch.equal(held, values)
            thread = threading.Thread(target=lambda: [replayer.run() for _ in range(4)])  # what one lends, another may give back
            thread.start()
            thread.join()
            replayer.run()
            assert torch.equal(replayer.results()[0], values - 1) and torch.equal(held, values)


def test_replayer__tensors_for_numpy(runtime, record):
    import numpy

    replayer = runtime.replayer(record(add_event()))
    replayer.run()
    shared = replayer.share("self")
    assert shared.shape == (4, 4) and shared.__dlpack_device__() == (1, 0) and "float32" in repr(shared)
    array = numpy.from_dlpack(shared)
    assert array.shape == (4, 4)
    result = numpy.from_dlpack(replayer.share_result(0))
    assert numpy.allclose(result, array + numpy.from_dlpack(replayer.share(1)))
    with pytest.raises(BufferError, match="given away"):
        numpy.from_dlpack(shared)


def test_replayer__a_capsule_dropped_while_an_exception_is_on_its_way():
    """Where no Python code may run: the exception arrives as it was raised, and the tensor goes when the next one is shared."""
    run_python(
        "import evreplay, json\n"
        "from evreplay import tensors\n"
        "tensor = {'tensor': {'shape': [4], 'strides': [1], 'dtype': 'float32'}}\n"
        "one = {'op': 'aten::relu', 'args': [{'name': 'self', 'type': 'Tensor', 'value': tensor}]}\n"
        "record = evreplay.read_records(json.dumps({'evreplay_ir': 1, 'records': [one]}))[0]\n"
        "replayer = evreplay.Runtime().replayer(record)\n"
        "freed, delete = [], tensors.capsules.drop\n"
        "tensors.capsules.drop = lambda managed: (freed.append(managed), delete(managed))\n"
        "for i in range(3):\n"
        "    try:\n"
        "        print(replayer.share('self').__dlpack__(), 1 / 0)\n"
        "    except ZeroDivisionError:\n"
        "        pass\n"
        "    assert len(freed) == i\n"
        "taken = tensors.torch_if_there().from_dlpack(replayer.share('self'))\n"
        "tensors.capsules.sweep()\n"
        "assert len(freed) == 3 and not tensors.capsules.kept and taken.shape == (4,)\n"
    )


def test_replayer__a_shared_tensor_that_nobody_takes_is_freed(runtime, record):
    replayer = runtime.replayer(record(add_event(512, 512)))
    replayer.run()

    def resident():
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    for _ in range(50):
        replayer.run()
        replayer.share_result(0)
    before = resident()
    for _ in range(300):
        replayer.run()
        replayer.share_result(0)  # 1 MB each
    assert resident() - before < 100 << 20


def test_replayer__lists_and_several_results(runtime, record):
    replayer = runtime.replayer(record(event("aten::split", [[6, 2], [], []], ["float", "Scalar", "Scalar"], [[2, 1], [], []], ["", "2", "0"])))
    replayer.run()
    (pieces,) = replayer.results()
    assert [tuple(piece.shape) for piece in pieces] == [(2, 2)] * 3
    two = runtime.replayer(record(event("aten::max", [[6, 2], [], []], ["float", "Scalar", "Scalar"], [[2, 1], [], []], ["", "1", "False"])))
    two.run()
    assert [str(one.dtype) for one in two.results()] == ["torch.float32", "torch.int64"]


def test_replayer__set_arg_refuses_what_does_not_fit(runtime, record):
    replayer = runtime.replayer(record(add_event()))
    with pytest.raises(evreplay.Error):
        replayer.set_arg("alpha", "text")
    assert replayer.arg("alpha") == 1
    with pytest.raises(KeyError):
        replayer.set_arg("beta", 1)
    with pytest.raises(evreplay.Error):
        replayer.set_arg(77, 1)
    with pytest.raises(IndexError):
        replayer.set_arg(-1, 1)
    with pytest.raises(TypeError, match="no plain value"):
        replayer.set_arg("alpha", object())
    with pytest.raises(OverflowError):
        replayer.set_arg("alpha", 2**63)
    replayer.run()


def test_replayer__values_of_every_kind_go_in_and_out():
    import torch

    from evreplay import values

    made = [
        None, True, 7, -2.5, 1 + 2j, "text", [1, [2.5, None], "é"], evreplay.DType(6), evreplay.Device("cuda:0"), evreplay.Layout(1),
        evreplay.MemoryFormat(2), evreplay.Generator(9), (1, 2),
    ]  # fmt: skip
    for one in made:
        keep = []
        raw = values.from_python(one, keep)
        again = values.to_python(raw)
        assert again == (list(one) if isinstance(one, tuple) else one)
        assert type(again) is (list if isinstance(one, tuple) else type(one))
    keep = []
    assert values.to_python(values.from_python(torch.bfloat16, keep)).name == "bfloat16"
    assert values.to_python(values.from_python(torch.device("cpu"), keep)) == "cpu"


def test_replayer__the_operators_own_error(runtime, record):
    replayer = runtime.replayer(record(mm_event()), lazy=True)
    replayer.run()
    bad = runtime.replayer(record(event("aten::mm", [[4, 8], [9, 16]], ["float", "float"], [[8, 1], [16, 1]])))
    with pytest.raises(evreplay.Error) as caught:
        bad.run()
    assert caught.value.code is Status.OP and caught.value.op == "aten::mm" and caught.value.uid == 0
    assert evreplay.outcome(caught.value) == (evreplay.Outcome.FAILED, "op-error")


def test_replayer__too_large(context, record):
    small = Runtime(max_bytes=100, context=context)
    with pytest.raises(evreplay.Error) as caught:
        small.replayer(record(add_event()))
    assert caught.value.code is Status.TOO_LARGE


def test_replayer__the_same_seed_gives_the_same_numbers(context, record):
    import torch

    made = record(add_event())
    first, again, other = (Runtime(seed=seed, context=context).replayer(made).arg(0) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_replayer__repro_runs_again(runtime, record):
    import torch

    replayer = runtime.replayer(record(mm_event()))
    replayer.run()
    assert replayer.repro() == replayer.repro()
    again = runtime.replayer(evreplay.Record.from_json(replayer.repro()))
    again.run()
    assert torch.equal(again.results()[0], replayer.results()[0])


def test_replayer__closed_says_so(runtime, record):
    replayer = runtime.replayer(record(add_event()))
    with replayer:
        replayer.run()
    replayer.close()
    for use in (replayer.run, lambda: replayer.run_many(1), replayer.results, lambda: replayer.arg(0), replayer.repro):
        with pytest.raises(evreplay.Error) as caught:
            use()
        assert caught.value.code is Status.STATE
    with runtime:
        pass
    with pytest.raises(evreplay.Error, match="runtime is closed"):
        runtime.replayer(replayer.record)


def test_runtime__closed_under_what_stands_on_it(context, record):
    """Replayers and extractors go on: the runtime goes with the last of them."""
    runtime = Runtime(context=context)
    replayer = runtime.replayer(record(add_event()))
    extractor = evreplay.Trace.open(trace_text(mm_event()), context=context).extractor()
    extractor.ask(runtime)
    assert extractor.handle.owner is runtime.handle.owner, "they take turns"
    watched = weakref.ref(runtime.handle)
    runtime.close()
    runtime.close()
    assert repr(runtime) == "<evreplay.Runtime (closed)>"
    replayer.run()
    assert replayer.results()[0].shape == (4, 4) and extractor.record(0).schema
    replayer.close()
    del replayer
    gc.collect()
    assert watched() is not None
    del extractor
    gc.collect()
    assert watched() is None


def test_replayer__keeps_what_it_stands_on(context, record):
    replayer = Replayer(Runtime(context=context), record(add_event()))
    gc.collect()
    replayer.run()
    watched = weakref.ref(replayer.runtime.handle)
    del replayer
    gc.collect()
    assert watched() is None


def test_replayer__in_a_cycle_of_references(context, record):
    class Holder:
        pass

    for _ in range(20):
        holder = Holder()
        holder.me, holder.record = holder, record(add_event())
        holder.runtime = Runtime(context=context)
        holder.replayers = [holder.runtime.replayer(holder.record) for _ in range(3)]
    del holder
    gc.collect()


def test_threads__take_turns(runtime, record):
    replayers = [runtime.replayer(record(mm_event(32, 32, 32))) for _ in range(4)]
    failures = []

    def work(replayer):
        try:
            for _ in range(300):
                replayer.run()
                assert replayer.results()[0].shape == (32, 32)
        except BaseException as exception:
            failures.append(exception)

    workers = [threading.Thread(target=work, args=(replayer,)) for replayer in replayers]
    for worker in workers:
        worker.start()
    for _ in range(50):
        runtime.replayer(replayers[0].record)  # made and freed while the others run
    for worker in workers:
        worker.join()
    assert not failures


def test_threads__a_handle_is_not_freed_under_a_call(runtime, record):
    """What the garbage collector drops while another thread is inside waits for it."""
    made = record(add_event())
    replayer = runtime.replayer(made)
    lock = runtime.handle.owner.lock
    inside, leave = threading.Event(), threading.Event()

    def hold():
        with lock:
            inside.set()
            leave.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    inside.wait(10)
    del replayer
    gc.collect()
    assert len(runtime.handle.owner._waiting) == 1
    leave.set()
    holder.join()
    runtime.replayer(made).close()
    assert not runtime.handle.owner._waiting


def test_exit__with_everything_open():
    code = """
import evreplay, json, threading
event = {"ph": "X", "cat": "cpu_op", "name": "aten::add", "pid": 1, "tid": 1, "ts": 1, "dur": 1, "args": {"Input Dims": [[64, 64], [64, 64], []],
         "Input type": ["float", "float", "Scalar"], "Input Strides": [[64, 1], [64, 1], []], "Concrete Inputs": ["", "", "1"]}}
trace = evreplay.Trace.open(json.dumps([event]).encode())
column = trace.starts
@evreplay.register_custom_init(op_names=["aten::add"])
def fill(view): view.tensor("self")[:] = 1
runtime = evreplay.Runtime()
replayer = evreplay.Replayer(runtime, trace.record(0))
replayer.run()
result, shared = replayer.results(), replayer.share(0)
class Cycle: pass
cycle = Cycle(); cycle.me = cycle; cycle.all = (trace, column, runtime, replayer, result, shared)
assert replayer.initializer == "fill"
def forever():
    while True: replayer.run_many(50)
threading.Thread(target=forever, daemon=True).start()
"""
    for _ in range(3):
        run_python(code)


def test_exit__in_a_forked_child():
    code = """
import os, gc, evreplay
trace = evreplay.Trace.open(b'[{"ph": "X", "name": "a", "ts": 1, "dur": 1}]')
child = os.fork()
if not child:
    del trace
    gc.collect()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert trace[0].name == "a"
"""
    run_python(code)


def test_without_torch__traces_and_records_work():
    code = """
import sys
class Nobody:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "numpy"): raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Nobody())
import evreplay
trace = evreplay.Trace.open(TEXT)
assert trace.calls()[0].op == "aten::add" and trace.record(0).to_json()
assert evreplay.EventReplayer.list_custom_inits()
assert "torch" not in sys.modules and "numpy" not in sys.modules
"""
    run_python(code.replace("TEXT", repr(trace_text(add_event()))))


def test_without_a_bridge__the_error_says_how_to_get_one(tmp_path):
    code = """
import evreplay
try:
    evreplay.Runtime()
except evreplay.Error as error:
    assert error.code is evreplay.Status.PLUGIN and "EVREPLAY_BRIDGE" in error.hint, error
"""
    run_python(code, EVREPLAY_BRIDGE=str(tmp_path))
