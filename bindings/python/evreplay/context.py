"""Contexts: log, search path for plug-ins, and what is registered about operators."""

from __future__ import annotations

import ctypes
import logging
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from . import _hooks
from . import _native as native
from ._handle import Handle, Owner, call, out, take_text
from ._native import lib
from .errors import Error, Status, check

logger = logging.getLogger("evreplay")
logger.addHandler(logging.NullHandler())

LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG = 1, 2, 3, 4
_PYTHON_LEVELS = {LOG_ERROR: logging.ERROR, LOG_WARNING: logging.WARNING, LOG_INFO: logging.INFO, LOG_DEBUG: logging.DEBUG}

# Lives as long as the process: a context is kept alive by handles that Python does not see.
_log_functions: list[Callable[[int, str], None]] = []


@native.callback(native.LOG)
def _log(user: int | None, level: int, message: native.Str) -> None:
    try:
        if user:
            _log_functions[user - 1](level, message.text())
        else:
            logger.log(_PYTHON_LEVELS.get(level, logging.DEBUG), "%s", message.text())
    except Exception:  # there is no call that it could be raised from
        logger.exception("a log function failed")


def path_bytes(path: str | os.PathLike[str]) -> bytes:
    """A path for C."""
    raw = os.fsencode(path)
    if b"\0" in raw:
        raise ValueError("embedded null byte in a path")
    return raw


def name_bytes(text: str) -> bytes:
    """A name for C."""
    raw = text.encode("utf-8", "surrogateescape")
    if b"\0" in raw:
        raise ValueError("embedded null character in a name")
    return raw


class Context:
    """Allocator, log and registry of one user of the library.

    Most programs need none of their own: every function that takes a context uses default_context() without one. What is registered
    with one context is unknown to another.

    `log(level, message)` receives messages up to `log_level` (1 error … 4 debug); without it they go to the logger "evreplay". With
    `import_modules` (the default) namespaces are imported by importlib and operators may be Python functions; without it only shared
    libraries are loaded.
    """

    def __init__(
        self,
        *,
        log: Callable[[int, str], None] | None = None,
        log_level: int = LOG_INFO,
        plugin_path: str | Iterable[str] | None = None,
        import_modules: bool = True,
    ) -> None:
        user = None
        if log is not None:
            _log_functions.append(log)
            user = len(_log_functions)
        if plugin_path is not None and not isinstance(plugin_path, str):
            plugin_path = ":".join(plugin_path)
        options = native.ContextOptions(
            log_level=log_level, log=_log, log_user=user, plugin_path=name_bytes(plugin_path) if plugin_path else None
        )
        pointer = out(lib.evr_context_new, options)
        self.handle = Handle("context", pointer, lib.evr_context_free, Owner())
        if import_modules:
            _hooks.install(pointer)

    @property
    def pointer(self) -> int:
        """For the library."""
        return self.handle.pointer

    def close(self) -> None:
        """Gives up this reference. What was made with the context keeps it alive."""
        self.handle.close()

    def __enter__(self) -> Context:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<evreplay.Context{'' if self.handle.is_open else ' (closed)'}>"

    # Namespaces

    def register_namespace(self, name: str, sources: str | Sequence[str]) -> None:
        """Where the operators of a namespace come from: modules, or shared libraries by path. All are loaded, in that order, when one of its operators
        is first needed. An empty list takes the namespace out."""
        texts = [sources] if isinstance(sources, str) else list(sources)
        call(lib.evr_register_namespace, self.pointer, native.string(name), native.strings(texts), len(texts))

    def namespace_sources(self, name: str) -> list[str]:
        """What was registered for a namespace; empty when it is unknown."""
        return _list(lib.evr_namespace_sources, self.pointer, name)

    def allow_unknown_imports(self, allow: bool = True) -> None:
        """Whether a namespace that is not registered may be imported as a module of its own name. A trace is an untrusted input: off at first."""
        call(lib.evr_allow_unknown_imports, self.pointer, int(allow))

    @property
    def unknown_imports_allowed(self) -> bool:
        """See allow_unknown_imports()."""
        return bool(lib.evr_unknown_imports_allowed(self.pointer))

    def set_module_path(self, folders: str | Sequence[str]) -> None:
        """Folders in which shared libraries of modules are looked for when modules are not imported by Python."""
        text = folders if isinstance(folders, str) else ":".join(folders)
        call(lib.evr_set_module_path, self.pointer, native.string(text))

    @property
    def module_path(self) -> str:
        """See set_module_path()."""
        return str(lib.evr_module_path(self.pointer).text())

    # Names and texts

    def register_alias(self, op: str, target: str) -> None:
        """`op` of a trace is looked for as `target` where it does not exist itself."""
        call(lib.evr_register_alias, self.pointer, native.string(op), native.string(target))

    def alias_of(self, op: str) -> str | None:
        """The alias of an operator."""
        return lib.evr_alias_of(self.pointer, native.string(op)).text() or None

    def register_string_default(self, argument: str, value: str) -> None:
        """Text for every argument of that name whose own text the profiler dropped."""
        call(lib.evr_register_string_default, self.pointer, native.string(argument), native.string(value))

    def string_default_of(self, argument: str) -> str | None:
        """See register_string_default()."""
        text: str | None = lib.evr_string_default_of(self.pointer, native.string(argument)).text_or_none()
        return text

    def set_init_option(self, key: str, value: object) -> None:
        """An option of initializers, such as moe_distribution="zipf". None takes it out."""
        text = native.Str() if value is None else native.string(str(value))
        call(lib.evr_set_init_option, self.pointer, native.string(key), text)

    def init_option(self, key: str) -> str | None:
        """See set_init_option()."""
        text: str | None = lib.evr_init_option_of(self.pointer, native.string(key)).text_or_none()
        return text

    def register_symm_mem_args(self, op: str, names: Sequence[str]) -> None:
        """Names the arguments of an operator that live in symmetric memory. Runtime.register_symm_mem_args() checks them at once."""
        names = [names] if isinstance(names, str) else list(names)
        call(lib.evr_register_symm_mem_args, self.pointer, native.string(op), native.strings(names), len(names))

    def symm_mem_args(self, op: str) -> list[str]:
        """See register_symm_mem_args()."""
        return _list(lib.evr_symm_mem_args, self.pointer, op)

    def register_callable(self, op: str, function: Callable[..., Any] | None) -> None:
        """A Python function that stands in for an operator no dispatcher knows. It gets the record's values in their order. None takes it out."""
        _hooks.register_callable(self.pointer, op, function)

    # Configuration

    def configure(self, text: str | bytes) -> None:
        """Registers what a JSON text says; see evreplay/registry.h for its keys."""
        raw = text.encode() if isinstance(text, str) else text
        call(lib.evr_configure, self.pointer, raw, len(raw))

    def configure_file(self, path: str | os.PathLike[str]) -> None:
        """As configure(), from a file."""
        call(lib.evr_configure_file, self.pointer, path_bytes(path))

    def configuration(self) -> str:
        """All that configure() could have set, as such a text."""
        text, size, error = ctypes.c_void_p(), ctypes.c_size_t(), ctypes.c_void_p()
        check(lib.evr_configuration(self.pointer, ctypes.byref(text), ctypes.byref(size), ctypes.byref(error)), error)
        return take_text(self.pointer, text.value, size.value)

    # Initializers

    def custom_init_names(self) -> list[str]:
        """Names of the initializers in the order they are asked, built-in ones last."""
        names: list[str] = []
        while name := lib.evr_custom_init_name(self.pointer, len(names)).text():
            names.append(name)
        return names


def _list(function: Any, pointer: int, name: str) -> list[str]:
    count = ctypes.c_size_t()
    items = function(pointer, native.string(name), ctypes.byref(count))
    return [items[i].text() for i in range(count.value)]


_default: Context | None = None
_default_lock = threading.Lock()


def default_context() -> Context:
    """The context of all calls that are given none. Made on first use."""
    global _default
    with _default_lock:
        if _default is None or not _default.handle.is_open:
            _default = Context()
        return _default


def context_or_default(context: Context | None) -> Context:
    """What was given, else the default."""
    return default_context() if context is None else context


def need_numpy(what: str) -> Any:
    """numpy, or an error that says what needs it."""
    try:
        import numpy
    except ImportError as error:
        raise Error(Status.UNSUPPORTED, f"{what} needs numpy, which is not installed", "pip install numpy", cause=error) from error
    return numpy
