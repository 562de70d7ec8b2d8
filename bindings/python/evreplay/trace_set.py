"""The traces of many ranks as one: read side by side, their clocks brought together, their collectives matched."""

from __future__ import annotations

import ctypes
import dataclasses
import enum
import os
from collections.abc import Sequence
from typing import Any, overload

from . import _native_sets as raw
from ._handle import Handle, Owner, call, out
from ._native import lib
from .arrow import Tabular, Texts, attributes
from .context import Context, context_or_default, path_bytes
from .errors import closed
from .trace import Event, Progress, Trace, open_flags, reading


class Clock(enum.IntEnum):
    """How far the times of a rank can be held against those of others."""

    REFERENCE = 0
    SHARED = 1
    ESTIMATED = 2
    UNKNOWN = 3


@dataclasses.dataclass(frozen=True)
class RankInfo:
    """One rank of a set. `offset_ns` added to its trace's times gives the set's; `waited_ns` is the time that it waited for the last rank of its
    collectives, `awaited_ns` what others lost to it where it came last. What was not recorded is None, or empty."""

    rank: int
    world_size: int | None
    clock: Clock
    trace: Trace = dataclasses.field(repr=False, compare=False)
    path: str
    host: str
    offset_ns: int
    offset_spread_ns: int
    collectives: int
    unmatched: int
    waited_ns: int
    awaited_ns: int


@dataclasses.dataclass(frozen=True)
class Participation:
    """One rank's part in a collective. The start is on the set's clock, and of the device work where there is some."""

    rank: int
    uid: int
    start_ns: int
    duration_ns: int
    trace: Trace = dataclasses.field(repr=False, compare=False)

    @property
    def event(self) -> Event:
        """In that rank's trace, whose times are its own clock's."""
        return self.trace[self.uid]


@dataclasses.dataclass(frozen=True)
class Collective:
    """One operation that all ranks of a process group take part in. Times are the set's. `skew_ns` is the time from the first rank's arrival to the last's, which is
    the slowest rank's; `shortest_ns` the shortest duration on any rank, which is what it takes when nobody waits. `sequence` is the recorded
    number, else the place within the group. What was not recorded is None, or empty."""

    name: str
    group: str
    dtype: str
    elements: int | None
    sequence: int
    members: int
    group_size: int | None
    slowest_rank: int
    first_ns: int
    last_ns: int
    end_ns: int
    skew_ns: int
    shortest_ns: int
    _set: TraceSet = dataclasses.field(repr=False, compare=False)
    _index: int = dataclasses.field(repr=False, compare=False)

    @property
    def participations(self) -> list[Participation]:
        """The part of each rank that took part, in order of rank."""
        return [self._set._participation(self._index, member) for member in range(self.members)]


_TEXTS = ("name", "group", "dtype")
_COLUMNS = tuple(field.name for field in dataclasses.fields(Collective) if not field.name.startswith("_"))


class Collectives(Sequence[Collective], Tabular):
    """The collectives of a set that at least two of its ranks took part in, in order of first arrival. As a table it has a row for each."""

    def __init__(self, traces: TraceSet) -> None:
        self._set = traces

    def __len__(self) -> int:
        return int(lib.evr_trace_set_collective_count(self._set.pointer))

    @overload
    def __getitem__(self, index: int) -> Collective: ...

    @overload
    def __getitem__(self, index: slice) -> list[Collective]: ...

    def __getitem__(self, index: int | slice) -> Collective | list[Collective]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        place, made = range(len(self))[index], raw.Collective()
        call(lib.evr_trace_set_collective, self._set.pointer, place, ctypes.byref(made))
        fields: dict[str, Any] = {name: getattr(made, name) for name in _COLUMNS if name not in _TEXTS}
        fields.update({name: getattr(made, name).text() for name in _TEXTS})
        fields["elements"] = None if made.elements < 0 else made.elements
        fields["group_size"] = made.group_size or None
        return Collective(**fields, _set=self._set, _index=place)

    def _columns(self) -> dict[str, Any]:
        return attributes(self, {name: Texts if name in _TEXTS else list for name in _COLUMNS})

    def __repr__(self) -> str:
        return f"<evreplay.Collectives {len(self)}>" if self._set.is_open else "<evreplay.Collectives (closed)>"


class TraceSet:
    """The traces of several ranks: use TraceSet.open(). Immutable, and may be read from any thread.

    Its traces are as any others, and keep the memory of the set until the last of them is gone, even beyond close().
    """

    def __init__(self, pointer: int, context: Context) -> None:
        self.context = context
        self._handle: Handle | None = Handle("set of traces", pointer, lib.evr_trace_set_free, Owner(), context.handle)
        self._traces: dict[int, Trace] = {}
        self._numbers: list[int] | None = None

    @classmethod
    def open(
        cls,
        *paths: str | os.PathLike[str],
        recover: bool = False,
        python: bool = False,
        all_args: bool = False,
        threads: int = 0,
        progress: Progress | bool | None = None,
        context: Context | None = None,
    ) -> TraceSet:
        """Reads the traces of several ranks: files, and folders whose trace files (.json, .json.gz, .json.zst) are taken.

        `threads` traces are read at the same time, one for each processor when it is 0. `progress(read, total)` is told bytes of all files; else as
        Trace.open().
        """
        context = context_or_default(context)
        names = [path_bytes(path) for path in paths]
        with reading(progress) as step:
            options = raw.TraceSetOptions(flags=open_flags(recover, python, all_args), threads=threads, progress=step)
            array = (ctypes.c_char_p * max(1, len(names)))(*names)
            return cls(out(lib.evr_trace_set_open, context.pointer, array, len(names), options, free=lib.evr_trace_set_free), context)

    @property
    def handle(self) -> Handle:
        """The library's handle. Raises when the set is closed."""
        if self._handle is None:
            raise closed("set of traces")
        return self._handle

    @property
    def pointer(self) -> int:
        """For the library."""
        return self.handle.pointer

    @property
    def is_open(self) -> bool:
        """Whether close() was not called."""
        return self._handle is not None

    @property
    def ranks(self) -> list[RankInfo]:
        """In order of rank."""
        return [self._rank(index) for index in range(len(self))]

    def rank(self, number: int) -> RankInfo:
        """The rank of a number. Raises KeyError when the set has none."""
        numbers = self._rank_numbers()
        if number not in numbers:
            raise KeyError(f"the set has no rank {number}")
        return self._rank(numbers.index(number))

    @property
    def collectives(self) -> Collectives:
        """Those that at least two ranks of the set took part in, in order of first arrival."""
        self.pointer  # noqa: B018  raises when it is closed
        return Collectives(self)

    def _rank_numbers(self) -> list[int]:
        if self._numbers is None:
            self._numbers = [self._raw_rank(index).rank for index in range(len(self))]
        return self._numbers

    def _raw_rank(self, index: int) -> raw.Rank:
        made = raw.Rank()
        call(lib.evr_trace_set_rank, self.pointer, index, ctypes.byref(made))
        return made

    def _rank(self, index: int) -> RankInfo:
        made = self._raw_rank(index)
        return RankInfo(
            rank=made.rank,
            world_size=made.world_size or None,
            clock=Clock(made.clock),
            trace=self._trace(index, made.trace),
            path=made.path.text(),
            host=made.host.text(),
            offset_ns=made.offset_ns,
            offset_spread_ns=made.offset_spread_ns,
            collectives=made.collectives,
            unmatched=made.unmatched,
            waited_ns=made.waited_ns,
            awaited_ns=made.awaited_ns,
        )

    def _trace(self, index: int, pointer: int) -> Trace:
        """The same object every time, until its user closes it. Its handle frees nothing and keeps that of the set."""
        trace = self._traces.get(index)
        if trace is None or not trace.is_open:
            trace = Trace(pointer, self.context, Handle("trace", pointer, _leave, Owner(), self.handle))
            self._traces[index] = trace
        return trace

    def _participation(self, collective: int, member: int) -> Participation:
        made = raw.Participation()
        call(lib.evr_trace_set_participation, self.pointer, collective, member, ctypes.byref(made))
        rank, known = self._rank_numbers()[made.index], self._traces.get(made.index)
        trace = known if known is not None and known.is_open else self._rank(made.index).trace
        return Participation(rank, made.uid, made.start_ns, made.duration_ns, trace)

    def close(self) -> None:
        """Gives the set up. Its memory goes when the last of its traces is gone."""
        self._handle = None
        self._traces = {}

    def __enter__(self) -> TraceSet:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __len__(self) -> int:
        return int(lib.evr_trace_set_rank_count(self.pointer))

    def __repr__(self) -> str:
        return f"<evreplay.TraceSet of {len(self)} ranks>" if self.is_open else "<evreplay.TraceSet (closed)>"


def _leave(pointer: int) -> None:
    """For handles of what belongs to another."""
