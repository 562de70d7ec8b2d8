"""What Python does for the library: imports modules, finds functions, and tells what torch knows of symmetric memory.

The functions that C calls are made once and live as long as the process. They are told apart by the context's own pointer.
"""

from __future__ import annotations

import ctypes
import importlib
import itertools
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from . import _native as native
from ._native import lib
from .errors import Status, leave, make

#: Functions registered by hand, by context and operator.
_registered: dict[tuple[int, str], Callable[..., Any]] = {}
#: What the library holds: one entry for each record that a Python function stands in for.
_in_use: dict[int, tuple[int, str, Callable[..., Any]]] = {}
#: What such functions returned last, by replayer.
results: dict[int, Any] = {}
_keys = itertools.count(1)


def register_callable(context: int, op: str, function: Callable[..., Any] | None) -> None:
    """See Context.register_callable()."""
    if function is None:
        _registered.pop((context, op), None)
    elif callable(function):
        _registered[(context, op)] = function
    else:
        raise TypeError(f"a function is needed for {op}, not {type(function).__name__}")


@native.callback(native.IMPORT_MODULE)
def _import_module(context: int, module: bytes, error: Any) -> int:
    try:
        importlib.import_module(module.decode())
        return 0
    except BaseException as exception:  # what a module raises while it is imported is anything at all
        if not isinstance(exception, Exception):
            leave(exception)
        return make(context, error, exception)


def _allowed_modules(context: int, namespace: str) -> list[str]:
    """Modules that functions of a namespace may come from: what was registered for it, or its own name when unknown ones are allowed."""
    count = ctypes.c_size_t()
    sources = lib.evr_namespace_sources(context, native.string(namespace), ctypes.byref(count))
    texts = [sources[i].text() for i in range(count.value)]
    if not texts and lib.evr_unknown_imports_allowed(context):
        texts = [namespace]
    return [text for text in texts if "/" not in text and not text.endswith(".so")]


def _own_function(module: ModuleType, name: str) -> Callable[..., Any] | None:
    """A function that the module's package defines itself. One that it merely imported, such as os.system, is not the package's, and a trace,
    which names functions at will, must not reach it."""
    function = getattr(module, name, None)
    if function is None or not callable(function) or isinstance(function, type):
        return None
    home = getattr(function, "__module__", None)
    package = module.__name__.partition(".")[0]
    return function if isinstance(home, str) and home.partition(".")[0] == package else None


def find_function(context: int, op: str) -> Callable[..., Any] | None:
    """The function of an operator's name: registered by hand, else "module::function" of a namespace that may be imported."""
    registered = _registered.get((context, op))
    if registered:
        return registered
    namespace, colons, name = op.partition("::")
    if not colons or namespace in ("aten", "prim") or not name.isidentifier() or name.startswith("__"):
        return None
    for source in _allowed_modules(context, namespace):
        try:
            module = importlib.import_module(source)
        except Exception:  # the import's own failure was reported when the namespace was imported
            continue
        function = _own_function(module, name)
        if function:
            return function
    return None


@native.callback(native.FIND_CALLABLE)
def _find_callable(context: int, op: bytes, found: Any, error: Any) -> int:
    try:
        name = op.decode("utf-8", "surrogateescape")
        function = find_function(context, name)
        if function is None:
            return Status.NOT_FOUND
        key = next(_keys)
        _in_use[key] = (context, name, function)
        found[0].self, found[0].call, found[0].free = key, _call, _free
        return 0
    except BaseException as exception:
        leave(exception)
        return make(context, error, exception)


@native.callback(native.FREE)
def _free(key: int) -> None:
    _in_use.pop(key, None)


@native.callback(native.CALL)
def _call(key: int, replayer: int, values: int, names: Any, count: int, error: Any) -> int:
    context = 0
    try:
        from . import tensors, values as conversion

        context, _, function = _in_use[key]
        items = ctypes.cast(values, ctypes.POINTER(native.Value))
        arguments = [conversion.to_python(items[i], lambda v: tensors.live(replayer, v)) for i in range(count)]
        results[replayer] = function(*arguments)
        return 0
    except BaseException as exception:
        leave(exception)
        status = make(context, error, exception)
        return status if isinstance(exception, MemoryError) or not isinstance(exception, Exception) else _op_error(context, error, exception)


def _op_error(context: int, error: Any, exception: Exception) -> int:
    """The function ran and failed: that is the operator's failure, whatever it raised."""
    from .errors import describe

    if error and error[0]:
        lib.evr_error_free(error[0])
        error[0] = None
    return int(lib.evr_error_make(context, error, int(Status.OP), describe(exception).encode("utf-8", "replace"), None))


def torch_symm_mem_args(op: str) -> list[str]:
    """Arguments that torch.library was told live in symmetric memory (torch 2.14 and later), of any overload: the library looks for those that the one
    in use has."""
    registry = getattr(sys.modules.get("torch._library.simple_registry"), "singleton", None)
    entries = getattr(registry, "_data", None)  # find() would make an entry for every operator that is asked for
    if not isinstance(entries, dict):
        return []
    names: dict[str, None] = {}
    for known, entry in list(entries.items()):
        if known == op or known.startswith(op + "."):
            told = getattr(getattr(entry, "symm_mem_args", None), "get", lambda: None)()
            names.update((str(name), None) for name in told or ())
    return list(names)


@native.callback(native.SYMM_MEM_ARGS)
def _symm_mem_args(context: int, op: bytes, visit: Any, to: int, error: Any) -> int:
    try:
        for name in torch_symm_mem_args(op.decode("utf-8", "surrogateescape")):
            visit(to, native.string(name))
        return 0
    except BaseException as exception:
        leave(exception)
        return make(context, error, exception)


def install(context: int) -> None:
    """Sets the hooks of a context."""
    for key in [key for key in _registered if key[0] == context]:  # of a context that was at the same place in memory
        del _registered[key]
    hooks = native.HostHooks(user=context, import_module=_import_module, find_callable=_find_callable, symm_mem_args=_symm_mem_args)
    from ._handle import call

    call(lib.evr_set_host_hooks, context, hooks)
