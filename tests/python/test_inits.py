"""Initializers written in Python."""
import gc
import json

import pytest
from conftest import add_event, event, needs_numpy, needs_torch, trace_text

import evreplay
from evreplay import PASSTHROUGH, CustomInit, Runtime, Status

pytestmark = [needs_torch, needs_numpy]


class Fill(CustomInit):
    op_names = ["aten::add"]

    def init(self, view):
        view.tensor("self")[:] = 3
        view.write("other", [[5.5] * 4] * 4)


def test_init__fills_tensors(context, runtime, record):
    init = evreplay.register_custom_init(Fill(), context=context)
    assert isinstance(init, Fill) and evreplay.list_custom_inits(context)[0] == "Fill"
    replayer = runtime.replayer(record(add_event()))
    replayer.run()
    assert replayer.initializer == "Fill" and replayer.results()[0].eq(8.5).all()
    without = runtime.replayer(record(add_event()), auto_init=False)
    assert without.initializer is None and not without.arg(0).eq(3).all()


def test_init__as_decorators(context, runtime, record):
    @evreplay.register_custom_init(op_names=["aten::add"], context=context)
    def ones(view):
        view.tensor("self")[...] = 1

    @evreplay.register_custom_init(op_names=["aten::mm"], name="other name", context=context)
    class Named(CustomInit):
        def init(self, view):
            pass

    assert callable(ones) and isinstance(Named, type)
    assert evreplay.list_custom_inits(context)[:2] == ["ones", "other name"]
    assert runtime.replayer(record(add_event())).arg(0).eq(1).all()


def test_init__a_class_is_enough(context):
    assert evreplay.register_custom_init(Fill, context=context) is Fill
    assert evreplay.list_custom_inits(context)[0] == "Fill"


def test_init__first_match_wins_and_passes_through(context, runtime, record):
    asked = []

    def make(label, answer, applies=True):
        class One(CustomInit):
            name = label
            op_names = ["aten::add"]

            def applies(self, record):
                assert record.op == "aten::add" and record.args[0].value.shape == (4, 4)
                return applies

            def init(self, view):
                asked.append(label)
                return answer

        return One

    for label, answer, applies in (("away", None, False), ("passes", PASSTHROUGH, True), ("takes", None, True), ("late", None, True)):
        evreplay.register_custom_init(make(label, answer, applies), context=context)
    assert runtime.replayer(record(add_event())).initializer == "takes"
    assert asked == ["passes", "takes"]


def test_init__exact_names_only(context, runtime, record):
    @evreplay.register_custom_init(op_names=["aten::ad", "add", "aten::add.Tensor"], context=context)
    def never(view):
        raise AssertionError

    replayer = runtime.replayer(record(add_event()))
    assert replayer.initializer is None and replayer.warnings == []


def test_init__by_applies_alone(context, runtime, record):
    class Any(CustomInit):
        def applies(self, record):
            return record.op.startswith("aten::")

        def init(self, view):
            view.write("self", [[0] * 4] * 4)

    evreplay.register_custom_init(Any, context=context)
    assert runtime.replayer(record(add_event())).arg(0).eq(0).all()


def test_init__failures_are_warnings(context, runtime, record):
    @evreplay.register_custom_init(op_names=["aten::add"], context=context)
    def broken(view):
        view.tensor("self")
        raise ValueError("heads do not divide")

    replayer = runtime.replayer(record(add_event()))
    assert replayer.initializer is None
    (warning,) = replayer.warnings
    assert "broken" in warning and "ValueError: heads do not divide" in warning
    replayer.run()


def test_init__applies_that_fails_is_told(context, runtime, record):
    class Bad(CustomInit):
        op_names = ["aten::add"]

        def applies(self, record):
            raise LookupError("table is gone")

        def init(self, view):
            raise AssertionError

    evreplay.register_custom_init(Bad, context=context)
    assert "LookupError: table is gone" in runtime.replayer(record(add_event())).warnings[0]


@pytest.mark.parametrize("lazy", [False, True])
def test_init__interrupted(context, runtime, record, lazy):
    @evreplay.register_custom_init(op_names=["aten::add"], context=context)
    def stop(view):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runtime.replayer(record(add_event()), lazy=lazy).run()


def test_init__what_the_view_tells(context, record):
    told = {}

    @evreplay.register_custom_init(op_names=["aten::add"], context=context)
    def look(view):
        told.update(
            op=view.op, seed=view.seed, batch=view.batch, has=(view.has("self"), view.has("nobody")), value=view.value("alpha"),
            spec=view.value("self"), option=view.option("k"), other=view.option("none", 7),
            random=[view.random(stream, index) for stream in (0, 1) for index in (0, 1, 5)],
        )  # fmt: skip
        for ask in (view.index, view.tensor, lambda name: view.write(name, [1])):
            with pytest.raises(KeyError):
                ask("nobody")
        with pytest.raises(evreplay.Error):
            view.write("self", [1, 2, 3])
        with pytest.raises(TypeError):
            view.write("self", "text")
        with pytest.raises(evreplay.Error):
            view.tensor("alpha")
        view.set("alpha", 4)
        view.warn("a word of warning")

    context.set_init_option("k", "v")
    annotation = {"ph": "X", "cat": "user_annotation", "name": "execute_context_2(18)_generation_5(5)", "pid": 1, "tid": 1, "ts": 0, "dur": 90}
    made = evreplay.Trace.open(trace_text(annotation, add_event()), context=context).record(1)
    replayers = [Runtime(seed=seed, context=context).replayer(made) for seed in (11, 11, 12)]
    first = dict(told)
    assert replayers[0].warnings == ["a word of warning"] and replayers[0].arg("alpha") == 4
    assert first["op"] == "aten::add" and first["batch"] == evreplay.Batch(2, 18, 0, 5, 5, 0) and first["has"] == (True, False)
    assert first["value"] == 1 and first["spec"].shape == (4, 4) and (first["option"], first["other"]) == ("v", 7)
    assert len(set(first["random"])) == 6


def test_init__numbers_depend_on_the_seed_only(context, record):
    drawn = []

    @evreplay.register_custom_init(op_names=["aten::add"], context=context)
    def draw(view):
        drawn.append((view.seed, view.random(3, 4)))

    for seed in (1, 1, 2):
        Runtime(seed=seed, context=context).replayer(record(add_event()))
    assert drawn[0] == drawn[1] and drawn[1][1] != drawn[2][1]


def test_init__strided_tensors_and_lists(context, runtime, record):
    import torch

    @evreplay.register_custom_init(op_names=["aten::add", "aten::cat"], context=context)
    def count(view):
        if view.op == "aten::cat":
            for item in range(2):
                view.tensor("tensors", item)[:] = item + 1
            with pytest.raises(evreplay.Error):
                view.tensor("tensors", 2)
            return
        import numpy

        array = view.tensor("self")
        assert array.shape == (2, 3) and array.strides == (4, 8), "column by column"
        array[:] = numpy.arange(6).reshape(2, 3)
        view.write("other", numpy.arange(6, dtype="int32").reshape(2, 3))

    one = event("aten::add", [[2, 3], [2, 3], []], ["float", "float", "Scalar"], [[1, 2], [3, 1], []], ["", "", "1"])
    replayer = runtime.replayer(record(one))
    assert torch.equal(replayer.arg("self"), torch.arange(6.0).reshape(2, 3)) and torch.equal(replayer.arg("other"), replayer.arg("self"))
    cat = event("aten::cat", [[[4], [4]], []], ["TensorList", "Scalar"], [[[1], [1]], []], ["", "0"])
    lists = runtime.replayer(record(cat))
    lists.run()
    assert lists.results()[0].tolist() == [1.0] * 4 + [2.0] * 4


def test_init__types_that_numpy_lacks(context, runtime, record):
    @evreplay.register_custom_init(op_names=["aten::add"], context=context)
    def fill(view):
        assert view.tensor("self").dtype == "uint16"
        view.write("self", [[1.5] * 4] * 4)

    one = event("aten::add", [[4, 4], [4, 4], []], ["c10::BFloat16", "c10::BFloat16", "Scalar"], [[4, 1], [4, 1], []], ["", "", "1"])
    assert runtime.replayer(record(one)).arg("self").float().eq(1.5).all()


def test_init__an_array_that_is_kept_is_told(context, runtime, record):
    kept = []

    @evreplay.register_custom_init(op_names=["aten::add"], context=context)
    def keep(view):
        kept.append(view.tensor("self"))

    with pytest.warns(RuntimeWarning, match="keep kept the array of self"):
        replayer = runtime.replayer(record(add_event()))
    kept.clear()
    replayer.run()


def test_init__arrays_that_are_not_kept_are_silent(context, runtime, record, recwarn):
    evreplay.register_custom_init(Fill, context=context)

    @evreplay.register_custom_init(op_names=["aten::mm"], context=context)
    def fail(view):
        array = view.tensor("self")
        array[:] = 1
        raise ValueError(f"after {array.sum()}")

    runtime.replayer(record(add_event()))
    runtime.replayer(record(event("aten::mm", [[2, 2], [2, 2]], ["float", "float"], [[2, 1], [2, 1]])))
    assert not [one for one in recwarn if one.category is RuntimeWarning]


def test_init__the_view_ends_with_the_call(context, runtime, record):
    views = []

    @evreplay.register_custom_init(op_names=["aten::add"], context=context)
    def take(view):
        views.extend([view, view.record])

    runtime.replayer(record(add_event()))
    for use in (lambda: views[0].seed, lambda: views[0].tensor("self"), lambda: views[1].op):
        with pytest.raises(evreplay.Error) as caught:
            use()
        assert caught.value.code is Status.STATE


def test_init__destroyed_with_its_context():
    from evreplay import inits

    context = evreplay.Context()
    evreplay.register_custom_init(Fill, context=context)
    assert [one for one in inits._registered.values() if one.context is context]
    gc.collect()
    before = len(inits._registered)
    del context
    gc.collect()
    assert len(inits._registered) == before - 1


def test_init__what_is_refused(context):
    class Empty(CustomInit):
        def init(self, view):
            pass

    with pytest.raises(evreplay.Error, match="neither op_names nor an applies"):
        evreplay.register_custom_init(Empty, context=context)
    with pytest.raises(TypeError, match="not int"):
        evreplay.register_custom_init(3, context=context)
    Empty.op_names = "aten::add"
    with pytest.raises(TypeError, match="list of names"):
        evreplay.register_custom_init(Empty, context=context)
    with pytest.raises(NotImplementedError):
        CustomInit().init(None)


def ir(op, **arguments):
    made = []
    for name, (type_, value) in arguments.items():
        if type_.startswith("Tensor"):
            shape, dtype = value
            strides = [1]
            for size in shape[:0:-1]:
                strides.insert(0, strides[0] * size)
            value = {"shape": shape, "dtype": dtype, "strides": strides, "init": None}
        made.append({"arg_name": name, "arg_type": type_, "value": value})
    return json.dumps([{"op_name": op, "replay_ir": {"list_pos_args": made, "list_kwargs": []}}])


def moe_record(context):
    tensor = "Tensor"
    return evreplay.Record.from_json(
        ir(
            "evrtest::moe",
            hidden_states=(tensor, ([16, 8], "float")),
            w1=(tensor, ([4, 8, 8], "float")),
            topk_weights=(tensor, ([16, 2], "float")),
            topk_ids=(tensor, ([16, 2], "int")),
            sorted_token_ids=(tensor, ([64], "int")),
            expert_ids=(tensor, ([16], "int")),
            num_tokens_post_padded=(tensor, ([1], "int")),
            block_size_m=("int", 4),
        ),
        context=context,
    )


def test_builtin__routing_that_the_operator_accepts(ops):
    replayer = ops.replayer(moe_record(ops.context))
    assert replayer.initializer == "MoeRoutingInit"
    replayer.run()  # raises when a token is missing, twice, or in another expert's block


def test_init__in_front_of_the_librarys_own(ops):
    @evreplay.register_custom_init(op_names=["evrtest::moe"], context=ops.context)
    def nonsense(view):
        view.tensor("topk_ids")[:] = 99

    replayer = ops.replayer(moe_record(ops.context))
    assert replayer.initializer == "nonsense"
    with pytest.raises(evreplay.Error, match="expert 99") as caught:
        replayer.run()
    assert caught.value.code is Status.OP
