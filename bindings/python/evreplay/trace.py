"""Traces and their events."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import enum
import importlib
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Union

from . import _native as native
from ._handle import Handle, Owner, call, out
from ._native import NO_TIME, NO_UID, lib
from .arrow import Masked, Tabular, Texts
from .context import Context, context_or_default, need_numpy, path_bytes
from .errors import Error, Status, leave, read

if TYPE_CHECKING:
    import numpy
    import numpy.typing

    from .records import Extractor

    IntColumn = numpy.typing.NDArray[numpy.int64]
    IdColumn = numpy.typing.NDArray[numpy.uint32]

Progress = Callable[[int, int], object]
Readable = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, BinaryIO]

RECOVER, PYTHON, ALL_ARGS = 1, 2, 4


class EventKind(enum.IntEnum):
    """What an event is, whichever spelling the profiler used."""

    OTHER = 0
    OP = 1
    RUNTIME = 2
    KERNEL = 3
    MEMCPY = 4
    MEMSET = 5
    PYTHON = 6
    ANNOTATION = 7
    GPU_ANNOTATION = 8
    MEMORY = 9
    FLOW = 10
    METADATA = 11

    @classmethod
    def of(cls, number: int) -> EventKind:
        """The member of a number; OTHER for one of a later library."""
        return _KINDS.get(number, cls.OTHER)


_KINDS = {kind.value: kind for kind in EventKind}


class Format(enum.IntEnum):
    """What a trace was read from."""

    BUILT = 0
    KINETO = 1
    EXECUTION = 2


_ARGUMENTS = {"dims": 1, "types": 2, "strides": 3, "values": 4, "schema": 5, "outputs": 6, "all": 7}


@dataclasses.dataclass(frozen=True)
class Category:
    """A category of events."""

    name: str
    kind: EventKind
    events: int


def _uid(number: int) -> int | None:
    return None if number == NO_UID else number


class Event:
    """One event of a trace. What was not recorded is None."""

    __slots__ = ("_raw", "trace", "uid")

    def __init__(self, trace: Trace, uid: int) -> None:
        self.trace = trace
        self.uid = uid
        self._raw = native.Event()
        error = ctypes.c_void_p()
        if lib.evr_trace_event(trace.pointer, uid, ctypes.byref(self._raw), ctypes.byref(error)) != 0:
            made = read(error)
            lib.evr_error_free(error)
            raise made

    @property
    def kind(self) -> EventKind:
        """What it is."""
        return EventKind.of(self._raw.kind)

    @property
    def name(self) -> str:
        """As recorded, unescaped."""
        self.trace.pointer  # noqa: B018  the texts live as long as the trace
        return str(self._raw.name.text())

    @property
    def category(self) -> str:
        """As recorded."""
        self.trace.pointer  # noqa: B018
        return str(self._raw.category.text())

    @property
    def pid(self) -> str:
        """Process as recorded, number or text."""
        self.trace.pointer  # noqa: B018
        return str(self._raw.pid.text())

    @property
    def tid(self) -> str:
        """Thread as recorded, number or text."""
        self.trace.pointer  # noqa: B018
        return str(self._raw.tid.text())

    @property
    def start_ns(self) -> int | None:
        """Start on the trace's own clock."""
        return None if self._raw.start_ns == NO_TIME else self._raw.start_ns

    @property
    def duration_ns(self) -> int:
        """0 when it was not recorded."""
        return int(self._raw.duration_ns)

    @property
    def phase(self) -> str:
        """The format's `ph`; empty when it is missing."""
        return "" if self._raw.phase == b"\0" else self._raw.phase.decode("latin-1")

    @property
    def correlation(self) -> int | None:
        """Links a runtime call to its device work."""
        return self._raw.correlation or None

    @property
    def external_id(self) -> int | None:
        """The profiler's own id."""
        return self._raw.external_id or None

    @property
    def sequence(self) -> int | None:
        """Forward-backward sequence number."""
        return None if self._raw.sequence < 0 else self._raw.sequence

    @property
    def device(self) -> int | None:
        """Index of the device."""
        return None if self._raw.device < 0 else self._raw.device

    @property
    def stream(self) -> int | None:
        """Stream on the device."""
        return None if self._raw.stream < 0 else self._raw.stream

    @property
    def track(self) -> int:
        """Number of its process and thread."""
        return int(self._raw.track)

    @property
    def signature(self) -> int:
        """Equal for events of equal recorded arguments; 0 when none were recorded."""
        return int(self._raw.signature)

    def _event(self, uid: int) -> Event | None:
        return None if uid == NO_UID else Event(self.trace, uid)

    @property
    def parent_uid(self) -> int | None:
        """Uid of the innermost event around it."""
        return _uid(self._raw.parent)

    @property
    def parent(self) -> Event | None:
        """As parent_uid."""
        return self._event(self._raw.parent)

    @property
    def children(self) -> list[Event]:
        """Operators and runtime calls right below it, by start."""
        found, trace = [], self.trace.pointer
        uid = lib.evr_trace_first_child(trace, self.uid)
        while uid != NO_UID:
            found.append(Event(self.trace, uid))
            uid = lib.evr_trace_next_sibling(trace, uid)
        return found

    @property
    def device_uids(self) -> list[int]:
        """Kernels, copies and fills launched by it or by anything below it, in order of launch."""
        count = ctypes.c_size_t()
        uids = lib.evr_trace_device_events(self.trace.pointer, self.uid, ctypes.byref(count))
        return uids[: count.value] if count.value else []

    @property
    def device_events(self) -> list[Event]:
        """As device_uids."""
        return [Event(self.trace, uid) for uid in self.device_uids]

    @property
    def device_time_ns(self) -> int:
        """Time in which at least one of them ran."""
        return int(lib.evr_trace_device_time(self.trace.pointer, self.uid))

    @property
    def launcher(self) -> Event | None:
        """The runtime call that launched a device event."""
        return self._event(lib.evr_trace_launcher(self.trace.pointer, self.uid))

    @property
    def forward(self) -> Event | None:
        """The forward operator of a backward one."""
        return self._event(lib.evr_trace_forward_of(self.trace.pointer, self.uid))

    @property
    def backward(self) -> Event | None:
        """The first backward operator of a forward one."""
        return self._event(lib.evr_trace_backward_of(self.trace.pointer, self.uid))

    @property
    def annotation(self) -> Event | None:
        """The innermost user annotation around its start on the same thread."""
        return self._event(lib.evr_trace_annotation_of(self.trace.pointer, self.uid))

    def argument_text(self, which: str) -> str:
        """Text of a recorded argument: dims, types, strides, values, schema, outputs or all. Empty when it was not recorded."""
        if which not in _ARGUMENTS:
            raise ValueError(f"which must be one of {', '.join(_ARGUMENTS)}, not {which!r}")
        return str(lib.evr_trace_arg(self.trace.pointer, self.uid, _ARGUMENTS[which]).text())

    def argument(self, which: str) -> Any:
        """As argument_text(), with its JSON read; None when it was not recorded."""
        text = self.argument_text(which)
        return text or None if which == "schema" else json.loads(text) if text else None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Event) and other.trace is self.trace and other.uid == self.uid

    def __hash__(self) -> int:
        return hash((id(self.trace), self.uid))

    def __repr__(self) -> str:
        return f"<evreplay.Event {self.uid} {self.kind.name} {self.name!r}>" if self.trace.is_open else f"<evreplay.Event {self.uid}>"


class _View:
    """Memory of a trace for numpy. An array keeps it, and it keeps the trace."""

    def __init__(self, handle: Handle, address: int, count: int, typestr: str) -> None:
        self._handle = handle
        self.__array_interface__ = {"version": 3, "shape": (count,), "typestr": typestr, "data": (address, True)}


_SPARSE = ("parent", "correlation", "external_id", "sequence", "forward_thread", "device", "stream")


class Trace(Tabular):
    """An immutable trace: use Trace.open(), or TraceBuilder. May be read from any thread. As a table it has a row for each event.

    Columns are views of the trace's own memory: they keep it until the last of them is gone, even beyond close().
    """

    def __init__(self, pointer: int, context: Context, handle: Handle | None = None) -> None:
        self.context = context
        self._handle: Handle | None = handle or Handle("trace", pointer, lib.evr_trace_free, Owner(), context.handle)
        self._extractor: Extractor | None = None

    @classmethod
    def open(
        cls,
        source: Readable,
        *,
        recover: bool = False,
        python: bool = False,
        all_args: bool = False,
        threads: int = 0,
        max_events: int = 0,
        progress: Progress | bool | None = None,
        context: Context | None = None,
    ) -> Trace:
        """Reads a trace from a path, bytes, or a binary file object; plain, gzip or zstd, whatever its name.

        `recover` keeps every whole event before damage (see `damage`), `python` lets python functions join the tree, `all_args` keeps
        every argument of every event. `progress(read, total)` is called now and then; what it raises stops the reading. True is a bar of tqdm,
        where that is installed.
        """
        context = context_or_default(context)
        with reading(progress) as step:
            options = native.TraceOptions(flags=open_flags(recover, python, all_args), threads=threads, progress=step, max_events=max_events)
            return cls(_open(context, source, options), context)

    # Life

    @property
    def handle(self) -> Handle:
        """The library's handle. Raises when the trace is closed."""
        if self._handle is None:
            raise Error(Status.STATE, "the trace is closed", "keep it open while its events are used")
        return self._handle

    @property
    def pointer(self) -> int:
        """For the library."""
        return self.handle.pointer

    @property
    def is_open(self) -> bool:
        """Whether close() was not called."""
        return self._handle is not None

    def close(self) -> None:
        """Gives the trace up. Its memory goes when the last column or extractor that stands on it is gone."""
        self._handle = None
        self._extractor = None

    def __enter__(self) -> Trace:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<evreplay.Trace of {len(self)} events>" if self.is_open else "<evreplay.Trace (closed)>"

    # What it is

    @property
    def format(self) -> Format:
        """What it was read from."""
        return Format(lib.evr_trace_format(self.pointer))

    @property
    def json_bytes(self) -> int:
        """Size of the inflated text."""
        return int(lib.evr_trace_json_bytes(self.pointer))

    @property
    def memory(self) -> int:
        """Bytes it holds."""
        return int(lib.evr_trace_memory(self.pointer))

    @property
    def damage(self) -> Error | None:
        """Why reading stopped early under `recover`; None when the input was whole."""
        damage = lib.evr_trace_damage(self.pointer)
        return read(damage) if damage else None

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Top-level fields besides the events."""
        fields, name, text = {}, native.Str(), native.Str()
        for i in range(lib.evr_trace_metadata_count(self.pointer)):
            lib.evr_trace_metadata_at(self.pointer, i, ctypes.byref(name), ctypes.byref(text))
            fields[name.text()] = json.loads(text.text())
        return fields

    @property
    def span_ns(self) -> tuple[int, int] | None:
        """The earliest start and the latest end; None without timed events."""
        start, end = ctypes.c_int64(), ctypes.c_int64()
        lib.evr_trace_span(self.pointer, ctypes.byref(start), ctypes.byref(end))
        return None if start.value == NO_TIME else (start.value, end.value)

    @property
    def categories(self) -> list[Category]:
        """Categories in order of first sight."""
        found, name, kind, events = [], native.Str(), ctypes.c_int32(), ctypes.c_uint64()
        for i in range(lib.evr_trace_category_count(self.pointer)):
            lib.evr_trace_category_at(self.pointer, i, ctypes.byref(name), ctypes.byref(kind), ctypes.byref(events))
            found.append(Category(name.text(), EventKind.of(kind.value), events.value))
        return found

    # Events

    def __len__(self) -> int:
        return int(lib.evr_trace_event_count(self.pointer))

    def __getitem__(self, uid: int) -> Event:
        count = len(self)
        if not -count <= uid < count:
            raise IndexError(f"the trace has {count} events")
        return Event(self, uid % count)

    def __iter__(self) -> Iterator[Event]:
        return (Event(self, uid) for uid in range(len(self)))

    def events(
        self,
        *,
        kind: EventKind | None = None,
        category: str = "",
        name: str = "",
        from_ns: int = 0,
        to_ns: int = 0,
    ) -> Iterator[Event]:
        """Events that pass: of a kind, of a category, of a name (a pattern with * and ?), that overlap a span of time."""
        wanted = native.EventFilter(
            kind=int(kind or 0), category=native.string(category), name=native.string(name), from_ns=from_ns, to_ns=to_ns
        )
        uid = lib.evr_trace_next(self.pointer, ctypes.byref(wanted), 0)
        while uid != NO_UID:
            yield Event(self, uid)
            uid = lib.evr_trace_next(self.pointer, ctypes.byref(wanted), uid + 1)

    # Columns

    def _column(self, function: Any, typestr: str) -> Any:
        handle = self.handle
        numpy = need_numpy("reading columns")
        return numpy.asarray(_View(handle, function(handle.pointer) or 0, len(self), typestr)) if len(self) else numpy.empty(0, typestr)

    @property
    def starts(self) -> IntColumn:
        """Start of each event in nanoseconds; NO_TIME where none was recorded. A view, read-only."""
        column: IntColumn = self._column(lib.evr_trace_starts, "<i8")
        return column

    @property
    def durations(self) -> IntColumn:
        """Duration of each event in nanoseconds. A view, read-only."""
        column: IntColumn = self._column(lib.evr_trace_durations, "<i8")
        return column

    @property
    def name_ids(self) -> IdColumn:
        """Number of each event's name, for `names`. A view, read-only."""
        column: IdColumn = self._column(lib.evr_trace_name_ids, "<u4")
        return column

    @property
    def tracks(self) -> IdColumn:
        """Number of each event's process and thread. A view, read-only."""
        column: IdColumn = self._column(lib.evr_trace_tracks, "<u4")
        return column

    @property
    def names(self) -> list[str]:
        """Texts of name_ids."""
        return [lib.evr_trace_name(self.pointer, i).text() for i in range(lib.evr_trace_name_count(self.pointer))]

    @property
    def category_ids(self) -> numpy.typing.NDArray[numpy.uint16]:
        """Number of each event's category, for `categories`. A view, read-only."""
        column: numpy.typing.NDArray[numpy.uint16] = self._column(lib.evr_trace_category_ids, "<u2")
        return column

    def column(self, name: str) -> IntColumn:
        """A copy of what only some events have: parent, correlation, external_id, sequence, forward_thread, device or stream; -1 where there is none."""
        if name not in _SPARSE:
            raise ValueError(f"name must be one of {', '.join(_SPARSE)}, not {name!r}")
        numbers: IntColumn = need_numpy("reading columns").empty(len(self), "int64")
        call(lib.evr_trace_copy_column, self.pointer, _SPARSE.index(name) + 1, numbers.ctypes.data)
        return numbers

    def _columns(self) -> dict[str, Any]:
        numpy = need_numpy("a table of events")
        starts, tracks = self.starts, self.tracks
        numbers, first = numpy.unique(tracks, return_index=True)
        threads = [self[int(uid)] for uid in first]
        places = numpy.searchsorted(numbers, tracks).astype("uint32")
        categories = self.categories
        made: dict[str, Any] = {
            "uid": numpy.arange(len(self), dtype="uint64"),
            "name": Texts(self.names, self.name_ids),
            "category": Texts([category.name for category in categories], self.category_ids),
            "kind": Texts([category.kind.name.lower() for category in categories], self.category_ids),
            "pid": Texts([one.pid for one in threads], places),
            "tid": Texts([one.tid for one in threads], places),
            "start_ns": Masked(starts, starts != NO_TIME),
            "duration_ns": self.durations,
        }
        for name in _SPARSE:
            column = self.column(name)
            made[name] = Masked(column, column >= 0)
        return made

    # Records

    def extractor(self, *, torch_version: str = "") -> Extractor:
        """An extractor of its own; `torch_version` says whose schemas are used when no runtime is asked."""
        from .records import Extractor

        return Extractor(self, torch_version=torch_version)

    def calls(self) -> Any:
        """The unique calls, by first event; see Extractor.calls()."""
        return self._shared_extractor().calls()

    def record(self, uid: int) -> Any:
        """The record of one event; see Extractor.record()."""
        return self._shared_extractor().record(uid)

    def _shared_extractor(self) -> Extractor:
        if self._extractor is None:
            self._extractor = self.extractor()
        return self._extractor


def open_flags(recover: bool, python: bool, all_args: bool) -> int:
    """Of the library."""
    return (RECOVER if recover else 0) | (PYTHON if python else 0) | (ALL_ARGS if all_args else 0)


@contextlib.contextmanager
def reading(progress: Progress | bool | None) -> Iterator[Any]:
    """The library's callback for `progress`, for as long as something is read."""
    tell, end = _bar() if progress is True else (progress or None, None)

    @native.callback(native.PROGRESS)
    def step(user: object, done: int, total: int) -> int:  # also where Ctrl-C gets in
        try:
            if tell:
                tell(done, total)
            return 0
        except BaseException as exception:
            leave(exception)
            return 1

    try:
        yield step
    finally:
        if end:
            end()


def _bar() -> tuple[Progress | None, Callable[[], object] | None]:
    """A bar of tqdm, and what ends it."""
    try:
        tqdm: Any = importlib.import_module("tqdm.auto").tqdm
    except ImportError:
        return None, None
    bar = tqdm(unit="B", unit_scale=True, unit_divisor=1024, leave=False)

    def tell(done: int, total: int) -> None:
        bar.total = total or None
        bar.update(done - bar.n)

    return tell, bar.close


def _open(context: Context, source: Readable, options: native.TraceOptions) -> int:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _open_memory(context, source, options)
    if isinstance(source, (str, os.PathLike)):
        return out(lib.evr_trace_open_file, context.pointer, path_bytes(source), options)
    if hasattr(source, "read"):
        return _open_file_object(context, source, options)
    raise TypeError(f"a path, bytes or a binary file is needed, not {type(source).__name__}")


def _open_memory(context: Context, data: bytes | bytearray | memoryview, options: native.TraceOptions) -> int:
    view = memoryview(data).cast("B")
    if isinstance(data, bytes):
        return out(lib.evr_trace_open_memory, context.pointer, data, len(data), options)
    if view.readonly:
        return _open_memory(context, bytes(view), options)
    buffer = (ctypes.c_char * len(view)).from_buffer(view)
    try:
        return out(lib.evr_trace_open_memory, context.pointer, ctypes.addressof(buffer), len(view), options)
    finally:
        del buffer  # or the bytearray cannot be resized any more


def _size_of(file: Any) -> int:
    try:
        here = file.tell()
        end = file.seek(0, io.SEEK_END)
        file.seek(here)
        return max(0, int(end) - int(here))
    except (AttributeError, OSError, TypeError, ValueError):
        return 0


def _open_file_object(context: Context, file: Any, options: native.TraceOptions) -> int:
    """Reads on the caller's thread only, so that what the file raises and Ctrl-C arrive where they belong."""

    @native.callback(native.READ)
    def fill(user: object, buffer: int, room: int, got: Any) -> int:
        try:
            piece = file.read(room)
            if isinstance(piece, str):
                raise TypeError("the file was opened as text: open it with mode 'rb'")
            piece = piece or b""
            if len(piece) > room:
                raise ValueError(f"read({room}) gave {len(piece)} bytes")
            ctypes.memmove(buffer, bytes(piece), len(piece))
            got[0] = len(piece)
            return 0
        except BaseException as exception:
            leave(exception)
            return int(Status.IO)

    options.threads = 1
    source = native.Source(read=fill, size=_size_of(file))
    return out(lib.evr_trace_open_source, context.pointer, source, options)
