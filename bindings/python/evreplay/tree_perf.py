"""TreePerfAnalyzer, as far as scripts that replay events use it: events as the dicts the profiler wrote, by uid and around each other, and tables of what launched
kernels, in which scripts look for what to replay."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, overload

from . import launchers
from .trace import Event, EventKind, Trace


#: What device work can hang below.
_LAUNCH = {EventKind.OP, EventKind.RUNTIME, EventKind.PYTHON, EventKind.ANNOTATION}


def _number(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text


def event_dict(event: Event) -> dict[str, Any]:
    """An event as the profiler wrote it, with times in microseconds, and with uids: its own as "UID", its "parent", what launched it included, its "children", and its
    device work as "gpu_events"."""
    made: dict[str, Any] = {"ph": event.phase, "cat": event.category, "name": event.name, "UID": event.uid}
    made["pid"], made["tid"] = _number(event.pid), _number(event.tid)
    if event.start_ns is not None:
        made["ts"], made["dur"] = event.start_ns / 1000, event.duration_ns / 1000
    made["args"] = event.argument("all") or {}
    around = event.parent or event.launcher
    if around is not None:
        made["parent"] = around.uid
    made["gpu_events"] = event.device_uids if event.kind in _LAUNCH else []
    below = [child.uid for child in event.children]
    if event.kind is EventKind.RUNTIME:
        below += [uid for uid in made["gpu_events"] if event.trace[uid].launcher == event]
    if below:
        made["children"] = below
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

    def get_parent_event(self, event: dict[str, Any]) -> dict[str, Any] | None:
        """The innermost event around it, or what launched it."""
        return self.events[event["parent"]] if event.get("parent") is not None else None

    def get_children_events(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        """What is right below it."""
        return [self.events[uid] for uid in event.get("children", ())]

    def get_gpu_events(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        """Kernels, copies and fills launched by it or by anything below it."""
        return [self.events[uid] for uid in event.get("gpu_events", ())]

    def traverse_parents_and_print(self, node: dict[str, Any], cpu_op_fields: Sequence[str] = ()) -> None:
        """Prints an event and those around it, the outermost last."""
        depth = 0
        event: dict[str, Any] | None = node
        while event is not None:
            print(f"{depth:>3} up: {_line(event, cpu_op_fields)}" if depth else f"  node: {_line(event, cpu_op_fields)}")
            depth, event = depth + 1, self.get_parent_event(event)

    def traverse_subtree_and_print(self, node: dict[str, Any], prune_non_gpu: bool = True, cpu_op_fields: Sequence[str] = ()) -> None:
        """Prints an event and what is below it; without what launched nothing when `prune_non_gpu`."""
        waiting = [(0, node)]
        while waiting:
            depth, event = waiting.pop()
            print("  " * depth + _line(event, cpu_op_fields))
            below = self.get_children_events(event)
            kept = [one for one in below if not prune_non_gpu or one["gpu_events"] or one["cat"] in launchers.DEVICE_WORK]
            waiting.extend((depth + 1, one) for one in reversed(kept))


def _line(event: dict[str, Any], fields: Sequence[str]) -> str:
    name = event["name"] if len(event["name"]) <= 80 else event["name"][:79] + "…"
    told = [f"{field}: {event['args'][field]}" for field in fields if event["cat"] == "cpu_op" and field in event["args"]]
    return ", ".join([f"UID {event['UID']}", event["cat"], name, *([f"{event['dur']} us"] if "dur" in event else []), *told])


class TreePerfAnalyzer:
    """A trace and its tree."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.tree = Tree(trace)

    @classmethod
    def from_file(cls, profile_filepath: str | os.PathLike[str]) -> TreePerfAnalyzer:
        """Reads a trace."""
        return cls(Trace.open(profile_filepath, all_args=True))

    def get_df_kernel_launchers(self, id_cols: bool = False, include_kernel_details: bool = False, include_nccl: bool = False) -> Any:
        """A pandas.DataFrame with a row for each call that launched kernels itself: the innermost operator around their launches, else the runtime call."""
        return launchers.frame(self.trace, id_cols=id_cols, details=include_kernel_details, communication=include_nccl)

    @staticmethod
    def get_df_kernel_launchers_unique_args(
        df_kernel_launchers: Any, event_name: str | None = None, agg_metrics: Sequence[str] = ("mean",), include_pct: bool = False
    ) -> Any:
        """A row for each combination of name and arguments, the costliest first. "ex_UID" is the first of its calls."""
        return launchers.unique_args(df_kernel_launchers, event_name, agg_metrics, include_pct)
