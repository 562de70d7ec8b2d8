"""Traces that are built event by event, without a file in between."""

from __future__ import annotations

import ctypes
import json
from typing import Any

from . import _native as native
from ._handle import Handle, Owner, call, out
from ._native import lib
from .context import Context, context_or_default
from .trace import PYTHON, Trace


def _json(value: Any) -> native.Str:
    return native.Str() if value is None else native.string(value if isinstance(value, (str, bytes)) else json.dumps(value))


class TraceBuilder:
    """Events go in with push(), a trace comes out of finish(). For programs that record calls themselves. One thread at a time.

    `python` lets python functions join the tree.
    """

    def __init__(self, *, python: bool = False, max_events: int = 0, context: Context | None = None) -> None:
        self.context = context_or_default(context)
        options = native.TraceOptions(flags=PYTHON if python else 0, max_events=max_events)
        pointer = out(lib.evr_trace_builder_new, self.context.pointer, options)
        self.handle = Handle("trace builder", pointer, lib.evr_trace_builder_free, Owner(), self.context.handle)
        self._count = 0

    def reserve(self, events: int) -> None:
        """Makes room beforehand."""
        if events < 0:
            raise ValueError("a number of events must not be negative")
        with self.handle.owner.lock:
            call(lib.evr_trace_builder_reserve, self.handle.pointer, events)

    def push(
        self,
        name: str,
        category: str = "cpu_op",
        *,
        start_ns: int,
        duration_ns: int = 0,
        pid: int = 0,
        tid: int = 0,
        phase: str = "X",
        correlation: int = 0,
        external_id: int = 0,
        sequence: int = -1,
        forward_thread: int = 0,
        device: int = -1,
        stream: int = -1,
        dims: Any = None,
        types: Any = None,
        strides: Any = None,
        values: Any = None,
    ) -> int:
        """Adds an event and gives its uid. `dims`, `types`, `strides` and `values` are what a profiler records as "Input Dims", "Input type",
        "Input Strides" and "Concrete Inputs": lists, or their JSON; None means that it was not recorded."""
        if len(phase) != 1 or not phase.isascii():
            raise ValueError(f"a phase is one letter, not {phase!r}")
        event = native.EventDesc(
            phase=phase.encode(),
            name=native.string(name),
            category=native.string(category),
            pid=pid,
            tid=tid,
            start_ns=start_ns,
            duration_ns=duration_ns,
            correlation=correlation,
            external_id=external_id,
            sequence=sequence,
            forward_thread=forward_thread,
            device=device,
            stream=stream,
            dims=_json(dims),
            types=_json(types),
            strides=_json(strides),
            values=_json(values),
        )
        with self.handle.owner.lock:
            call(lib.evr_trace_builder_push, self.handle.pointer, ctypes.byref(event))
            self._count += 1
            return self._count - 1

    def __len__(self) -> int:
        return self._count

    def finish(self) -> Trace:
        """Makes the trace and empties the builder, which can be used again."""
        with self.handle.owner.lock:
            pointer = out(lib.evr_trace_builder_finish, self.handle.pointer)
            self._count = 0
        return Trace(pointer, self.context)

    def close(self) -> None:
        """Frees it and what was pushed."""
        self.handle.close()

    def __enter__(self) -> TraceBuilder:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<evreplay.TraceBuilder of {self._count} events>" if self.handle.is_open else "<evreplay.TraceBuilder (closed)>"
