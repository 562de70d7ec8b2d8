"""Tables of the calls that launched kernels, by call and by arguments, for scripts that choose what to replay."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from .arrow import need
from .trace import Event, EventKind, Trace

#: Categories of what runs on a device.
DEVICE_WORK = ("kernel", "gpu_memcpy", "gpu_memset")
ARGUMENTS = ("Input Dims", "Input type", "Input Strides", "Concrete Inputs")
_DIRECT, _SUBTREE = "total_direct_kernel_time", "total_subtree_kernel_time"


def _pandas() -> Any:
    return need("pandas", "tables of kernel launchers")


def _fixed(value: Any) -> Any:
    """Lists as tuples, so that rows can be grouped by them."""
    return tuple(map(_fixed, value)) if isinstance(value, list) else value


def _busy_us(events: Iterable[Event]) -> float:
    """Time in which at least one of them ran."""
    total, end = 0, -(1 << 63)
    for start, stop in sorted((one.start_ns, one.start_ns + one.duration_ns) for one in events if one.start_ns is not None):
        total += max(0, stop - max(start, end))
        end = max(end, stop)
    return total / 1000


def _launcher(runtime: Event) -> Event:
    """The innermost operator around a launch, beyond functions of Python, else the launch."""
    above = runtime.parent
    while above is not None and above.kind is EventKind.PYTHON:
        above = above.parent
    return above if above is not None and above.kind is EventKind.OP else runtime


def _is_communication(name: str) -> bool:
    return "nccl" in name.lower() or "rccl" in name.lower()


def _row(event: Event, kernels: list[Event], id_cols: bool, details: bool) -> dict[str, Any]:
    args = event.argument("all") or {}
    made: dict[str, Any] = {"name": event.name, "UID": event.uid, _DIRECT: _busy_us(kernels), _SUBTREE: event.device_time_ns / 1000}
    made["direct_kernel_count"] = len(kernels)
    made.update((name, _fixed(args.get(name))) for name in ARGUMENTS)
    if id_cols:
        made.update(pid=event.pid, tid=event.tid, external_id=event.external_id)
    if details:
        made["kernel_details"] = [{"name": one.name, "dur": one.duration_ns / 1000, "stream": one.stream} for one in kernels]
    return made


def frame(trace: Trace, *, id_cols: bool = False, details: bool = False, communication: bool = False) -> Any:
    """A row for each launcher, by start."""
    found: dict[int, tuple[Event, list[Event]]] = {}
    for kernel in itertools.chain.from_iterable(trace.events(kind=kind) for kind in (EventKind.KERNEL, EventKind.MEMCPY, EventKind.MEMSET)):
        if _is_communication(kernel.name) and not communication:
            continue
        runtime = kernel.launcher
        if runtime is not None:
            event = _launcher(runtime)
            found.setdefault(event.uid, (event, []))[1].append(kernel)
    listed = sorted(found.values(), key=lambda pair: (pair[0].start_ns or 0, pair[0].uid))
    rows = [_row(event, sorted(kernels, key=lambda one: one.start_ns or 0), id_cols, details) for event, kernels in listed]
    columns = ["name", "UID", _DIRECT, _SUBTREE, "direct_kernel_count", *ARGUMENTS]
    return _pandas().DataFrame(rows, columns=None if rows else columns)


def _summary(details: Iterable[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    durations: dict[str, list[float]] = {}
    for call in details:
        for kernel in call:
            durations.setdefault(kernel["name"], []).append(kernel["dur"])
    return [{"name": name, "count": len(all_of), "total_duration_us": sum(all_of), "mean_duration_us": sum(all_of) / len(all_of)}
            for name, all_of in durations.items()]  # fmt: skip


def unique_args(launchers: Any, event_name: str | None = None, metrics: Sequence[str] = ("mean",), with_share: bool = False) -> Any:
    """Launchers of equal names and arguments together, the costliest first."""
    if event_name is not None:
        launchers = launchers[launchers["name"] == event_name]
    alike = _pandas().Series([repr(row) for row in zip(*(launchers[name] for name in ("name", *ARGUMENTS)))], launchers.index, dtype="object")
    groups = launchers.groupby(alike, sort=False)
    made = groups[["name", *ARGUMENTS]].first()
    made["operation_count"], made["ex_UID"] = groups["UID"].count(), groups["UID"].first()
    for column in (_DIRECT, _SUBTREE):
        for metric in dict.fromkeys([*metrics, "sum"]):
            made[f"{column}_{metric}"] = groups[column].agg(metric)
    if "kernel_details" in launchers.columns:
        made["kernel_details_summary"] = groups["kernel_details"].agg(_summary)
    made = made.sort_values([f"{_DIRECT}_sum", "ex_UID"], ascending=[False, True]).reset_index(drop=True)
    if with_share:
        made["Percentage (%)"] = made[f"{_DIRECT}_sum"] / made[f"{_DIRECT}_sum"].sum() * 100
        made["Cumulative Percentage (%)"] = made["Percentage (%)"].cumsum()
    return made
