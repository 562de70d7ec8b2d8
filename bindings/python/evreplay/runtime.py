"""Runtimes and replayers: a record becomes live tensors and a call that runs."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from typing import Any

from . import _hooks, tensors
from . import _native as native
from . import bridge as bridges
from ._handle import Handle, Owner, call, out, take_text
from ._native import lib
from .context import Context, context_or_default, name_bytes, path_bytes
from .errors import Error, Status, check, closed, leave
from .records import Outcome, Record, reason_name
from .values import from_python, to_python

LAZY, NO_AUTO_INIT = 1, 2


class Runtime:
    """A loaded bridge to torch, and a device. Calls from several threads take turns.

    Where torch is installed in this Python it is imported first, so that bridge and Python use the same one. When no bridge for it is
    installed, one is built and kept in the cache, which takes a minute or two the first time.
    """

    def __init__(
        self,
        device: str = "cpu",
        *,
        bridge: str | os.PathLike[str] | None = None,
        threads: int = 0,
        max_bytes: int = 0,
        seed: int = 0,
        context: Context | None = None,
    ) -> None:
        self.context = context_or_default(context)
        tensors.torch_if_there()
        options = native.RuntimeOptions(
            threads=threads,
            bridge=path_bytes(bridge) if bridge is not None else None,
            device=name_bytes(device),
            max_bytes=max_bytes,
            seed=seed,
        )
        pointer = _open(self.context, options)
        self.seed = seed
        self._handle: Handle | None = Handle("runtime", pointer, lib.evr_runtime_free, Owner(), self.context.handle)

    @property
    def handle(self) -> Handle:
        """The library's handle. Raises when the runtime is closed."""
        if self._handle is None:
            raise closed("runtime")
        return self._handle

    @property
    def pointer(self) -> int:
        """For the library."""
        return self.handle.pointer

    @property
    def device(self) -> str:
        """With its index."""
        return str(lib.evr_runtime_device(self.pointer).text())

    @property
    def version(self) -> str:
        """Such as "torch 2.13.0"."""
        return str(lib.evr_runtime_version(self.pointer).text())

    @property
    def bridge_path(self) -> str:
        """File that was loaded."""
        return str(lib.evr_runtime_bridge_path(self.pointer).text())

    def load_library(self, path: str | os.PathLike[str]) -> None:
        """Loads a library of custom operators."""
        with self.handle.owner.lock:
            call(lib.evr_runtime_load_library, self.pointer, path_bytes(path))

    def register_symm_mem_args(self, op: str, names: Sequence[str]) -> None:
        """As Context.register_symm_mem_args(), but the operator and the names are checked first."""
        names = [names] if isinstance(names, str) else list(names)
        with self.handle.owner.lock:
            call(lib.evr_runtime_register_symm_mem_args, self.pointer, native.string(op), native.strings(names), len(names))

    def schemas(self, op: str) -> list[str]:
        """All schemas of an operator; its namespace is imported when needed. Raises Error (NOT_FOUND) when nobody knows it."""
        found: list[str] = []

        @native.callback(native.SCHEMA)
        def keep(user: object, schema: native.Str) -> int:
            try:
                found.append(schema.text())
                return 0
            except BaseException as exception:
                leave(exception)
                return 1

        with self.handle.owner.lock:
            call(lib.evr_runtime_schemas, self.pointer, native.string(op), keep, None)
        return found

    def replayer(self, record: Record, *, lazy: bool = False, auto_init: bool = True) -> Replayer:
        """Sets a record up to run."""
        return Replayer(self, record, lazy=lazy, auto_init=auto_init)

    def close(self) -> None:
        """Makes no new replayers from now on. It goes when the last of its replayers is gone."""
        self._handle = None

    def __enter__(self) -> Runtime:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<evreplay.Runtime {self.version} on {self.device}>" if self._handle else "<evreplay.Runtime (closed)>"


# Declared types cost as much as the call itself. This function object is its own, apart from lib.evr_replayer_run, and gets ctypes objects only.
_untyped_run: Any = lib["evr_replayer_run"]


def _closed(here: object, error_at: object) -> int:
    raise closed("replayer")


def _open(context: Context, options: native.RuntimeOptions) -> int:
    """With the bridge that was named or is installed, else with one for this torch from the cache, where it is built when it is not there."""
    try:
        return out(lib.evr_runtime_open, context.pointer, options, free=lib.evr_runtime_free)
    except Error as error:
        if options.bridge or os.environ.get("EVREPLAY_BRIDGE") or error.code not in (Status.PLUGIN, Status.ABI):
            raise
        try:
            options.bridge = path_bytes(bridges.ensure())
        except Error as failure:
            failure.cause = failure.__cause__ = error
            raise failure
    return out(lib.evr_runtime_open, context.pointer, options, free=lib.evr_runtime_free)


def _free_replayer(pointer: int) -> None:
    lib.evr_replayer_free(pointer)
    _hooks.results.pop(pointer, None)


class Replayer:
    """One record, set up to run as often as asked."""

    def __init__(self, runtime: Runtime, record: Record, *, lazy: bool = False, auto_init: bool = True) -> None:
        self.runtime = runtime
        self.record = record
        options = native.ReplayerOptions(flags=(LAZY if lazy else 0) | (0 if auto_init else NO_AUTO_INIT))
        stands_on = runtime.handle
        owner = stands_on.owner
        with owner.lock:
            owner.settle()
            pointer = out(lib.evr_replayer_new, stands_on.pointer, record.pointer, options, free=_free_replayer)
        self.handle = Handle("replayer", pointer, _free_replayer, owner, (stands_on, record._handle))
        self._lock = owner.lock
        self._error = ctypes.c_void_p()
        # run() is as close to C as it gets: converted once, and swapped for what raises by close().
        self._error_at = ctypes.byref(self._error)
        self._here = ctypes.c_void_p(pointer)
        self._run = _untyped_run
        self._is_set_up = not lazy

    @property
    def pointer(self) -> int:
        """For the library."""
        return self.handle.pointer

    # Running

    def run(self) -> None:
        """Runs the operator once and waits for it. Other Python threads run meanwhile."""
        with self._lock:
            status = self._run(self._here, self._error_at)
            if status or not self._is_set_up:
                check(status, self._error)
                self._is_set_up = True

    def run_many(self, count: int) -> None:
        """Runs the operator `count` times without waiting in between."""
        if count < 0:
            raise ValueError("count must not be negative")
        with self._lock:
            check(lib.evr_replayer_run_many(self.handle.pointer, count, self._error_at), self._error)

    __call__ = run

    # Looking inside

    def _tensor(self, value: native.Value) -> Any:
        return tensors.live(self.pointer, value)

    def results(self) -> list[Any]:
        """Results of the last run; tensors are torch tensors that share memory, valid beyond the next run but not changed by it."""
        with self._lock:
            made = _hooks.results.get(self.pointer, _hooks)
            if made is not _hooks:
                return list(made) if isinstance(made, (tuple, list)) else [] if made is None else [made]
            found, raw = [], native.Value()
            for i in range(lib.evr_replayer_result_count(self.pointer)):
                call(lib.evr_replayer_result, self.pointer, i, ctypes.byref(raw))
                found.append(to_python(raw, self._tensor))
            return found

    def arg(self, which: int | str) -> Any:
        """Value of an argument as it is passed, by place or name. Tensors are torch tensors that share memory: writing to them changes the next run."""
        raw = native.Value()
        with self._lock:
            call(lib.evr_replayer_argument, self.pointer, self._index(which), ctypes.byref(raw))
            return to_python(raw, self._tensor)

    @property
    def args(self) -> dict[str, Any]:
        """All arguments by name, in the record's order; see arg()."""
        return {argument.name: self.arg(i) for i, argument in enumerate(self.record.args)}

    def set_arg(self, which: int | str, value: Any) -> None:
        """Replaces an argument that is no tensor."""
        keep: list[Any] = []
        raw = from_python(value, keep)
        with self._lock:
            call(lib.evr_replayer_set_argument, self.pointer, self._index(which), ctypes.byref(raw))

    def _index(self, which: int | str) -> int:
        if isinstance(which, str):
            return self.record.arg_index(which)
        if which < 0:
            raise IndexError("places of arguments count from 0")
        return which

    def share(self, which: int | str) -> tensors.LiveTensor:
        """A tensor argument for numpy or any other library that speaks DLPack, without torch."""
        raw = native.Value()
        with self._lock:
            call(lib.evr_replayer_argument, self.pointer, self._index(which), ctypes.byref(raw))
            return tensors.share(self.pointer, raw)

    def share_result(self, index: int) -> tensors.LiveTensor:
        """As share(), for a result of the last run."""
        raw = native.Value()
        with self._lock:
            call(lib.evr_replayer_result, self.pointer, index, ctypes.byref(raw))
            return tensors.share(self.pointer, raw)

    @property
    def warnings(self) -> list[str]:
        """What whoever reads the result should know. Complete once the record is set up."""
        count = lib.evr_replayer_warning_count(self.pointer)
        return [lib.evr_replayer_warning(self.pointer, i).text() for i in range(count)]

    @property
    def initializer(self) -> str | None:
        """Name of the initializer that filled tensors."""
        return lib.evr_replayer_initializer(self.pointer).text() or None

    @property
    def bytes(self) -> int:
        """Memory its tensors need."""
        return int(lib.evr_replayer_bytes(self.pointer))

    def repro(self) -> str:
        """Everything needed to run the same again, as one JSON record."""
        text, size, error = ctypes.c_void_p(), ctypes.c_size_t(), ctypes.c_void_p()
        with self._lock:
            check(lib.evr_replayer_repro(self.pointer, ctypes.byref(text), ctypes.byref(size), ctypes.byref(error)), error)
        return take_text(self.runtime.context.pointer, text.value, size.value)

    def close(self) -> None:
        """Frees it and its tensors, but for those that Python shares."""
        with self._lock:
            self._run = _closed
            self.handle.close()

    def __enter__(self) -> Replayer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<evreplay.Replayer {self.record.op}>" if self.handle.is_open else "<evreplay.Replayer (closed)>"


def outcome(error: Error) -> tuple[Outcome, str]:
    """Status and reason that a failure of Replayer() or run() counts as."""
    status, reason = ctypes.c_int32(), ctypes.c_int32()
    lib.evr_replay_outcome(int(error.code), None, ctypes.byref(status), ctypes.byref(reason))
    return Outcome(status.value), reason_name(reason.value)
