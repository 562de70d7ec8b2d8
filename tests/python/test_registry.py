"""The registry, and what Python does for it: imports, functions, torch's own registrations."""
import json
import sys
import textwrap

import pytest
from conftest import add_event, event, needs_torch, trace_text

import evreplay
from evreplay import Runtime, Status


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Makes a module that can be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    made = []

    def make(name, text):
        path = tmp_path / (name.replace(".", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        made.append(name)

    yield make
    for name in made:
        sys.modules.pop(name, None)


def call_of(op, *values):
    """A record of a call with one tensor x and plain values."""
    tensor = {"arg_name": "x", "arg_type": "Tensor", "value": {"shape": [4], "dtype": "float", "strides": [1], "init": "normal"}}
    plain = [{"arg_name": f"arg{i + 1}", "arg_type": "", "value": value} for i, value in enumerate(values)]
    return json.dumps([{"op_name": op, "replay_ir": {"list_pos_args": [tensor, *plain], "list_kwargs": []}}])


# What is registered


def test_namespaces__shipped_and_registered(context):
    assert context.namespace_sources("fbgemm") == ["fbgemm_gpu"] and context.namespace_sources("nobody") == []
    context.register_namespace("mine", "mine.ops")
    context.register_namespace("ours", ["a", "/opt/b.so"])
    assert context.namespace_sources("mine") == ["mine.ops"] and context.namespace_sources("ours") == ["a", "/opt/b.so"]
    context.register_namespace("mine", [])
    assert context.namespace_sources("mine") == []
    with pytest.raises(evreplay.Error) as caught:
        context.register_namespace("", ["x"])
    assert caught.value.code is Status.INVALID


def test_texts__set_and_taken_out(context):
    assert context.alias_of("_rocm_C::wvSplitK") == "_rocm_C::wvSpltK" and context.alias_of("aten::add") is None
    context.register_alias("old::op", "new::op")
    assert context.alias_of("old::op") == "new::op"
    assert context.string_default_of("kv_cache_dtype") == "auto" and context.string_default_of("other") is None
    context.register_string_default("other", "")
    assert context.string_default_of("other") == ""
    context.set_init_option("moe_zipf_s", 1.5)
    assert context.init_option("moe_zipf_s") == "1.5"
    context.set_init_option("moe_zipf_s", None)
    assert context.init_option("moe_zipf_s") is None
    context.register_symm_mem_args("ns::op", ["a", "b"])
    assert context.symm_mem_args("ns::op") == ["a", "b"] and context.symm_mem_args("ns::other") == []
    assert not context.unknown_imports_allowed
    context.allow_unknown_imports()
    assert context.unknown_imports_allowed
    context.set_module_path(["/a", "/b"])
    assert context.module_path == "/a:/b"


def test_contexts__know_nothing_of_each_other(context):
    context.register_alias("old::op", "new::op")
    assert evreplay.Context().alias_of("old::op") is None


def test_functions__of_the_default_context():
    evreplay.register_namespace("evr_default", ["a"])
    evreplay.register_alias("evr_default::a", "evr_default::b")
    evreplay.register_string_default("evr_default", "text")
    evreplay.register_symm_mem_args("evr_default::a", ["x"])
    evreplay.set_init_option("evr_default", "1")
    evreplay.configure('{"aliases": {"evr_default::c": "evr_default::d"}}')
    evreplay.allow_unknown_imports(False)
    default = evreplay.default_context()
    assert default.namespace_sources("evr_default") == ["a"] and default.alias_of("evr_default::a") == "evr_default::b"
    assert default.string_default_of("evr_default") == "text" and default.symm_mem_args("evr_default::a") == ["x"]
    assert default.init_option("evr_default") == "1" and default.alias_of("evr_default::c") == "evr_default::d"


def test_configure__file_and_text(context, tmp_path):
    path = tmp_path / "evreplay.json"
    path.write_text('{"namespaces": {"ns": ["m"]}, "aliases": {"a::b": "c::d"}, "init_options": {"k": "v"}, "import_unknown": true}')
    context.configure_file(path)
    assert context.namespace_sources("ns") == ["m"] and context.alias_of("a::b") == "c::d" and context.unknown_imports_allowed
    other = evreplay.Context()
    other.configure(context.configuration())
    assert other.namespace_sources("ns") == ["m"] and other.alias_of("a::b") == "c::d" and other.init_option("k") == "v"
    context.configure(b'{"import_unknown": false}')
    assert not context.unknown_imports_allowed
    with pytest.raises(evreplay.Error) as caught:
        context.configure('{"aliases": 3}')
    assert caught.value.code is Status.FORMAT and caught.value.offset is not None
    with pytest.raises(evreplay.Error) as caught:
        context.configure_file(tmp_path / "none.json")
    assert caught.value.code is Status.IO


def test_context__closed_and_logged():
    told = []
    context = evreplay.Context(log=lambda level, message: told.append((level, message)), log_level=4, plugin_path=["/a", "/b"])
    with context:
        pass
    with pytest.raises(evreplay.Error, match="context is closed"):
        context.alias_of("a")
    assert "closed" in repr(context)


# Imports


@needs_torch
def test_import__a_module_brings_its_operators(context, module):
    module(
        "evrpackage.ops",
        """
        import torch
        library = torch.library.Library("evrimported", "DEF")
        library.define("double(Tensor x) -> Tensor")
        library.impl("double", lambda x: x + x, "CPU")
        """,
    )
    context.register_namespace("evrimported", "evrpackage.ops")
    runtime = Runtime(context=context)
    replayer = runtime.replayer(evreplay.Record.from_json(call_of("evrimported::double"), context=context))
    replayer.run()
    assert replayer.results()[0].equal(replayer.arg(0) * 2) and "evrpackage.ops" in sys.modules


@needs_torch
def test_import__what_a_module_raises_is_told(context, module):
    module("evrbroken", "raise ValueError('no such device: flux capacitor')")
    context.register_namespace("evrbroken", ["evrbroken", "evr_not_there"])
    with pytest.raises(evreplay.Error) as caught:
        Runtime(context=context).schemas("evrbroken::op")
    assert caught.value.code is Status.NOT_FOUND
    assert "evrbroken: ValueError: no such device: flux capacitor" in caught.value.message
    assert "evr_not_there: ModuleNotFoundError: No module named 'evr_not_there'" in caught.value.message
    assert "evr_register_namespace" in caught.value.hint


@needs_torch
def test_import__a_module_that_leaves_leaves(context, module):
    module("evrleaves", "import sys; sys.exit(3)")
    context.register_namespace("evrleaves", "evrleaves")
    with pytest.raises(SystemExit):
        Runtime(context=context).schemas("evrleaves::op")


@needs_torch
def test_import__unknown_namespaces_only_when_allowed(context, module):
    module("evrunknown", "ran = True")
    with pytest.raises(evreplay.Error, match="evrunknown is not registered"):
        Runtime(context=context).schemas("evrunknown::op")
    assert "evrunknown" not in sys.modules
    context.allow_unknown_imports()
    with pytest.raises(evreplay.Error):
        Runtime(context=context).schemas("evrunknown::op")
    assert "evrunknown" in sys.modules


@needs_torch
def test_import__without_python(module):
    module("evrpure", "ran = True")
    context = evreplay.Context(import_modules=False)
    context.register_namespace("evrpure", "evrpure")
    with pytest.raises(evreplay.Error):
        Runtime(context=context).schemas("evrpure::op")
    assert "evrpure" not in sys.modules


@needs_torch
def test_extractor__asks_a_runtime(context, ops):
    one = event("evrtest::text", [[4], []], ["float", ""], [[1], []], ["", ""])
    trace = evreplay.Trace.open(trace_text(one), context=context)
    assert trace.record(0).schema == ""
    with trace.extractor() as extractor:
        extractor.ask(ops)
        record = extractor.record(0)
        with pytest.raises(evreplay.Error) as caught:
            extractor.ask(ops)
        assert caught.value.code is Status.STATE
    assert record.schema == "evrtest::text(Tensor x, str kv_cache_dtype) -> Tensor" and record.arg("kv_cache_dtype").value == "auto"
    replayer = ops.replayer(record)
    replayer.run()  # raises unless the text is "auto"
    assert any("kv_cache_dtype" in warning for warning in replayer.warnings)


# Python functions that stand in for operators


@needs_torch
def test_callables__of_a_registered_module(context, module):
    module(
        "evrfunctions",
        """
        import os
        from os import system
        def scale(x, factor, texts):
            assert texts == ["a", None]
            return x * factor, 5
        class Kind: pass
        def nothing(x): pass
        """,
    )
    context.register_namespace("evrfunctions", "evrfunctions")
    runtime = Runtime(context=context)
    replayer = runtime.replayer(evreplay.Record.from_json(call_of("evrfunctions::scale", 2.5, ["a", None]), context=context))
    replayer.run()
    scaled, five = replayer.results()
    assert scaled.equal(replayer.arg(0) * 2.5) and five == 5
    quiet = runtime.replayer(evreplay.Record.from_json(call_of("evrfunctions::nothing"), context=context))
    quiet.run()
    assert quiet.results() == []
    for other in ("system", "os", "Kind", "__import__", "__builtins__", "os.system", "missing", ""):
        with pytest.raises(evreplay.Error) as caught:
            runtime.replayer(evreplay.Record.from_json(call_of(f"evrfunctions::{other}"), context=context))
        assert caught.value.code is Status.NOT_FOUND, other


@needs_torch
def test_callables__only_what_may_be_imported(context, module):
    module("evrstranger", "def f(x): return x")
    record = evreplay.Record.from_json(call_of("evrstranger::f"), context=context)
    with pytest.raises(evreplay.Error):
        Runtime(context=context).replayer(record)
    assert "evrstranger" not in sys.modules
    context.allow_unknown_imports()
    Runtime(context=context).replayer(record).run()


@needs_torch
def test_callables__registered_by_hand(context):
    seen = []
    context.register_callable("hand::made", lambda x, n: seen.append((tuple(x.shape), n)))
    runtime = Runtime(context=context)
    made = evreplay.Record.from_json(call_of("hand::made", 3), context=context)
    runtime.replayer(made).run_many(2)
    assert seen == [((4,), 3)] * 2
    context.register_callable("hand::made", None)
    with pytest.raises(evreplay.Error):
        runtime.replayer(made)
    with pytest.raises(TypeError):
        context.register_callable("hand::made", 3)


@needs_torch
def test_callables__never_stand_in_for_torchs_own(context):
    context.allow_unknown_imports()
    with pytest.raises(evreplay.Error) as caught:
        Runtime(context=context).replayer(evreplay.Record.from_json(call_of("aten::no_such_operator"), context=context))
    assert caught.value.code is Status.NOT_FOUND


@needs_torch
def test_callables__what_they_raise(context):
    def fail(x):
        raise ZeroDivisionError("by design")

    def interrupt(x):
        raise KeyboardInterrupt

    context.register_callable("hand::fails", fail)
    context.register_callable("hand::interrupts", interrupt)
    runtime = Runtime(context=context)
    with pytest.raises(evreplay.Error) as caught:
        runtime.replayer(evreplay.Record.from_json(call_of("hand::fails"), context=context)).run()
    assert caught.value.code is Status.OP and "ZeroDivisionError: by design" in caught.value.message
    assert isinstance(caught.value.cause, ZeroDivisionError)
    with pytest.raises(KeyboardInterrupt):
        runtime.replayer(evreplay.Record.from_json(call_of("hand::interrupts"), context=context)).run()


@needs_torch
def test_callables__are_released(context):
    from evreplay import _hooks

    context.register_callable("hand::made", lambda x: x)
    runtime = Runtime(context=context)
    before = len(_hooks._in_use), len(_hooks.results)
    replayer = runtime.replayer(evreplay.Record.from_json(call_of("hand::made"), context=context))
    replayer.run()
    assert (len(_hooks._in_use), len(_hooks.results)) == (before[0] + 1, before[1] + 1)
    replayer.close()
    assert (len(_hooks._in_use), len(_hooks.results)) == before


# Symmetric memory


@needs_torch
def test_symmetric__names_are_checked(ops):
    ops.register_symm_mem_args("evrtest::symm", ["a", "bs"])
    assert ops.context.symm_mem_args("evrtest::symm") == ["a", "bs"]
    with pytest.raises(evreplay.Error, match="no tensor argument \"q\"; it has a, bs"):
        ops.register_symm_mem_args("evrtest::symm", ["q"])
    with pytest.raises(evreplay.Error) as caught:
        ops.register_symm_mem_args("evrtest::nobody", ["q"])
    assert caught.value.code is Status.NOT_FOUND


@needs_torch
def test_symmetric__torch_was_told(ops, monkeypatch):
    """Registrations of torch.library, with torch's own registry where it has them (2.14 and later), else with one of the same shape."""
    import torch
    import torch._library.simple_registry as registry

    from evreplay import _hooks

    if hasattr(torch.library.Library, "register_symm_mem_args"):
        library = torch.library.Library("evrtest", "FRAGMENT")
        library.register_symm_mem_args("symm", ["a"])
    else:
        names = type("Holder", (), {"get": lambda self: ["a"]})()
        entry = type("Entry", (), {"symm_mem_args": names})()
        monkeypatch.setitem(registry.singleton._data, "evrtest::symm", entry)
    before = len(registry.singleton._data)
    assert _hooks.torch_symm_mem_args("evrtest::symm") == ["a"]
    monkeypatch.setitem(registry.singleton._data, "evrtest::symm.other", registry.singleton._data["evrtest::symm"])
    before += 1
    assert _hooks.torch_symm_mem_args("evrtest::symm") == ["a"] and _hooks.torch_symm_mem_args("evrtest::sym") == []
    assert _hooks.torch_symm_mem_args("aten::add") == [] and len(registry.singleton._data) == before, "asking leaves no trace"
    one = event("evrtest::symm", [[4], [[4]], []], ["float", "TensorList", "Scalar"], [[1], [[1]], []], ["", "", "2"])
    tensor = {"shape": [4], "dtype": "float", "strides": [1], "init": "normal"}
    arguments = [("a", "Tensor", tensor), ("bs", "Tensor[]", [tensor]), ("n", "int", 2)]
    text = [{"op_name": one["name"], "replay_ir": {"list_kwargs": [], "list_pos_args": [dict(zip(("arg_name", "arg_type", "value"), a)) for a in arguments]}}]
    replayer = ops.replayer(evreplay.Record.from_json(json.dumps(text), context=ops.context))
    assert any(warning.startswith("argument a is not in symmetric memory") for warning in replayer.warnings), replayer.warnings
    replayer.run()
