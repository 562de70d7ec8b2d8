"""TreePerfAnalyzer, as far as scripts that replay events use it: finding an event of a trace by its uid, as the dict the profiler wrote."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, overload

from .trace import Event, EventKind, Trace


#: What device work can hang below.
_LAUNCH = {EventKind.OP, EventKind.RUNTIME, EventKind.PYTHON, EventKind.ANNOTATION}


def _number(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text


def event_dict(event: Event) -> dict[str, Any]:
    """An event as the profiler wrote it, with times in microseconds, its uid as "UID", its parent's, and its device work's as "gpu_events"."""
    made: dict[str, Any] = {"ph": event.phase, "cat": event.category, "name": event.name, "UID": event.uid}
    made["pid"], made["tid"] = _number(event.pid), _number(event.tid)
    if event.start_ns is not None:
        made["ts"], made["dur"] = event.start_ns / 1000, event.duration_ns / 1000
    made["args"] = event.argument("all") or {}
    if event.parent_uid is not None:
        made["parent"] = event.parent_uid
    made["gpu_events"] = event.device_uids if event.kind in _LAUNCH else []
    return made


class Events(Sequence[dict[str, Any]]):
    """All events of a trace. Each is made when it is asked for, once, so that what is written to it stays."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._made: dict[int, dict[str, Any]] = {}

    def __len__(self) -> int:
        return len(self._trace)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...

    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        uid = range(len(self))[index]
        if uid not in self._made:
            self._made[uid] = event_dict(self._trace[uid])
        return self._made[uid]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[uid] for uid in range(len(self)))


class Tree:
    """The events of a trace."""

    def __init__(self, trace: Trace) -> None:
        self.events = Events(trace)

    def get_UID2event(self, uid: int) -> dict[str, Any]:
        """The event of a uid, which is its place in the trace's list of events."""
        return self.events[int(uid)]


class TreePerfAnalyzer:
    """A trace and its tree."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.tree = Tree(trace)

    @classmethod
    def from_file(cls, profile_filepath: str | os.PathLike[str]) -> TreePerfAnalyzer:
        """Reads a trace."""
        return cls(Trace.open(profile_filepath, all_args=True))
