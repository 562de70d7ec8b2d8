"""Records of operator calls, and the extractor that makes them."""

from __future__ import annotations

import ctypes
import dataclasses
import enum
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from . import _native as native
from ._handle import Handle, Owner, call, out, take_text
from ._native import NO_UID, lib
from .context import Context, context_or_default
from .errors import Error, Status, check
from .values import to_python

if TYPE_CHECKING:
    from .runtime import Runtime
    from .trace import Trace


class Outcome(enum.IntEnum):
    """How a unique call or a record ends."""

    OK = 0
    SKIPPED = 1
    FAILED = 2

    def __str__(self) -> str:
        return self.name.lower()


class Provenance(enum.IntEnum):
    """Where the value of an argument came from."""

    TRACE = 0
    DEFAULT = 1
    RULE = 2
    GENERATOR = 3
    NOWHERE = 4


_KWARG, _WRITTEN = 1, 2
_FORMATS = {"evreplay": 0, "tracelens": 1, "log": 2}


@dataclasses.dataclass(frozen=True)
class Argument:
    """One argument of a record. `value` is MISSING when there is none; `note` names the rule, the generator, or the reason."""

    name: str
    type: str
    value: Any
    provenance: Provenance
    note: str
    keyword_only: bool
    written: bool


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel, copy or fill that a call launched, over all calls with the same arguments."""

    name: str
    count: int
    total_ns: int


@dataclasses.dataclass(frozen=True)
class Group:
    """The process group that a call talked in; a size of 0 and no ranks where they are not known."""

    name: str = ""
    size: int = 0
    ranks: tuple[int, ...] = ()
    description: str = ""
    backend: str = ""


@dataclasses.dataclass(frozen=True)
class Batch:
    """What an inference server said of the batch a call ran in."""

    context_requests: int = 0
    context_tokens: int = 0
    context_cached: int = 0
    generation_requests: int = 0
    generation_tokens: int = 0
    generation_cached: int = 0

    @classmethod
    def parse(cls, annotation: str) -> Batch | None:
        """Reads an annotation of vLLM or SGLang; None when it is none."""
        raw = native.Batch()
        return cls._of(raw) if lib.evr_batch_context_parse(native.string(annotation), ctypes.byref(raw)) else None

    @classmethod
    def _of(cls, raw: native.Batch) -> Batch:
        return cls(**{field.name: getattr(raw, field.name) for field in dataclasses.fields(cls)})


@dataclasses.dataclass(frozen=True)
class Call:
    """All calls of one operator with the same recorded arguments."""

    op: str
    uid: int
    count: int
    cpu_ns: int
    device_ns: int
    status: Outcome
    reason: str


def reason_name(reason: int) -> str:
    """Such as "missing-values"; empty for none."""
    return (lib.evr_reason_name(reason) or b"").decode()


def reason_advice(reason: int) -> str:
    """What a user can do about it."""
    return (lib.evr_reason_advice(reason) or b"").decode()


class Record:
    """One operator call, immutable: its operator, its overload and every argument. May be read from any thread."""

    #: Nanoseconds of one call, where an operator-input log says so (`# 5.25 us`); else None.
    runtime_ns: float | None

    def __init__(self, pointer: int, context: Context, handle: Handle, runtime_ns: float | None = None) -> None:
        self._pointer = pointer
        self.context = context
        self._handle = handle  # its own, or that of the set it lies in
        self.runtime_ns = runtime_ns

    @property
    def pointer(self) -> int:
        """For the library."""
        self._handle.pointer  # noqa: B018  raises when it is closed
        return self._pointer

    @property
    def op(self) -> str:
        """Such as "aten::add"."""
        return str(lib.evr_ir_op(self.pointer).text())

    @property
    def overload(self) -> str:
        """Such as "Tensor"; empty for the default overload and without a schema."""
        return str(lib.evr_ir_overload(self.pointer).text())

    @property
    def schema(self) -> str:
        """The whole schema; empty without one."""
        return str(lib.evr_ir_schema(self.pointer).text())

    @property
    def args(self) -> list[Argument]:
        """Arguments in the schema's order, positional first."""
        return [self._argument(i) for i in range(lib.evr_ir_argument_count(self.pointer))]

    def arg(self, name: str) -> Argument:
        """The argument of a name. Raises KeyError when there is none."""
        for argument in self.args:
            if argument.name == name:
                return argument
        raise KeyError(f"{self.op} has no argument {name!r}")

    def _argument(self, index: int) -> Argument:
        raw = lib.evr_ir_argument(self.pointer, index)[0]
        return Argument(
            name=raw.name.text(),
            type=raw.type.text(),
            value=to_python(raw.value),
            provenance=Provenance(raw.provenance),
            note=raw.note.text(),
            keyword_only=bool(raw.flags & _KWARG),
            written=bool(raw.flags & _WRITTEN),
        )

    def arg_index(self, name: str) -> int:
        """Place of the argument of a name. Raises KeyError when there is none."""
        for i in range(lib.evr_ir_argument_count(self.pointer)):
            if lib.evr_ir_argument(self.pointer, i)[0].name.text() == name:
                return i
        raise KeyError(f"{self.op} has no argument {name!r}")

    @property
    def arguments_text(self) -> str:
        """The arguments in words, such as "float32[8,8], 1, dim=-1"."""
        return take_text(self.context.pointer, out(lib.evr_ir_arguments, self.pointer))

    @property
    def count(self) -> int:
        """Calls with the same arguments."""
        return int(lib.evr_ir_count(self.pointer))

    @property
    def uid(self) -> int | None:
        """Event it was made from."""
        uid = int(lib.evr_ir_uid(self.pointer))
        return None if uid == NO_UID else uid

    @property
    def device(self) -> str:
        """Where the call ran; empty if unknown."""
        return str(lib.evr_ir_device(self.pointer).text())

    @property
    def kernels(self) -> list[Kernel]:
        """What the calls launched."""
        raw = (lib.evr_ir_kernel(self.pointer, i)[0] for i in range(lib.evr_ir_kernel_count(self.pointer)))
        return [Kernel(one.name.text(), one.count, one.total_ns) for one in raw]

    @property
    def status(self) -> Outcome:
        """Of the extraction."""
        return Outcome(lib.evr_ir_status(self.pointer))

    @property
    def reason(self) -> str:
        """Such as "missing-values"; empty when it is ok."""
        return reason_name(lib.evr_ir_reason(self.pointer))

    @property
    def advice(self) -> str:
        """What to do about the reason."""
        return reason_advice(lib.evr_ir_reason(self.pointer))

    @property
    def detail(self) -> str:
        """Names what is missing or wrong."""
        return str(lib.evr_ir_detail(self.pointer).text())

    @property
    def autocast(self) -> str:
        """Element type that autocast turned arguments into, such as "bfloat16"; empty when it was off."""
        return str((lib.evr_dtype_name(lib.evr_ir_autocast(self.pointer)) or b"").decode())

    @property
    def batch(self) -> Batch | None:
        """The batch that an annotation around the call tells."""
        raw = native.Batch()
        return Batch._of(raw) if lib.evr_ir_batch_context(self.pointer, ctypes.byref(raw)) else None

    @property
    def communicates(self) -> bool:
        """Whether its operator talks to other ranks."""
        return bool(lib.evr_ir_communicates(self.pointer))

    @property
    def group(self) -> Group | None:
        """The process group that it talked in, where the trace tells."""
        raw = lib.evr_ir_group(self.pointer)
        if not raw:
            return None
        one = raw[0]
        ranks = tuple(one.ranks[i] for i in range(one.rank_count))
        return Group(one.name.text(), one.size, ranks, one.description.text(), one.backend.text())

    def to_json(self, format: str = "evreplay") -> str:
        """As JSON, "evreplay" (docs/ir-format.md) or "tracelens", or as an operator-input "log"."""
        return write_records([self], format)

    @staticmethod
    def from_json(data: str | bytes, *, context: Context | None = None) -> Record:
        """Reads a document of exactly one record, of either form."""
        records = read_records(data, context=context)
        if len(records) != 1:
            raise Error(Status.INVALID, f"one record is needed, and the document has {len(records)}", "use read_records()")
        return records[0]

    def __repr__(self) -> str:
        if not self._handle.is_open:
            return "<evreplay.Record (closed)>"
        name = f"{self.op}.{self.overload}" if self.overload else self.op
        return f"<evreplay.Record {name} {self.status}{':' + self.reason if self.reason else ''}>"


def read_records(data: str | bytes, *, context: Context | None = None) -> list[Record]:
    """Reads records from text: this library's IR, TraceLens' IR, or an operator-input log; the format is detected."""
    context = context_or_default(context)
    raw = data.encode() if isinstance(data, str) else data
    pointer = out(lib.evr_ir_read, context.pointer, raw, len(raw))
    handle = Handle("set of records", pointer, lib.evr_ir_set_free, Owner(), context.handle)
    times = [lib.evr_ir_set_runtime(pointer, i) for i in range(lib.evr_ir_set_count(pointer))]
    return [Record(lib.evr_ir_set_at(pointer, i), context, handle, ns if ns >= 0 else None) for i, ns in enumerate(times)]


def load_records(path: str | os.PathLike[str], *, context: Context | None = None) -> list[Record]:
    """As read_records(), from a file."""
    with open(path, "rb") as file:
        return read_records(file.read(), context=context)


def write_records(records: Sequence[Record], format: str = "evreplay", *, context: Context | None = None) -> str:
    """Writes records as one document; the same records give the same text. A "log" is an operator-input log: its records have their runtime_ns behind them, and what it cannot say
    is left out."""
    if format not in _FORMATS:
        raise ValueError(f"format must be one of {', '.join(_FORMATS)}, not {format!r}")
    owner = records[0].context if records and context is None else context_or_default(context)
    pointers = (ctypes.c_void_p * max(1, len(records)))(*(record.pointer for record in records))
    text, size, error = ctypes.c_void_p(), ctypes.c_size_t(), ctypes.c_void_p()
    made = ctypes.byref(text), ctypes.byref(size)
    if format == "log":
        times = (ctypes.c_double * max(1, len(records)))(*(-1 if record.runtime_ns is None else record.runtime_ns for record in records))
        status = lib.evr_ir_write_log(owner.pointer, pointers, len(records), times, *made, None, ctypes.byref(error))
    else:
        status = lib.evr_ir_write(owner.pointer, pointers, len(records), _FORMATS[format], *made, ctypes.byref(error))
    check(status, error)
    return take_text(owner.pointer, text.value, size.value)


class Extractor:
    """Makes records of one trace's events. Calls from several threads take turns."""

    def __init__(self, trace: Trace, *, torch_version: str = "") -> None:
        self.trace = trace
        self.context = trace.context
        options = native.ExtractorOptions(torch_version=native.string(torch_version))
        owner = Owner()
        pointer = out(lib.evr_extractor_new, self.context.pointer, trace.pointer, options)
        self._keep: list[Any] = [trace.handle]  # what the extractor stands on: the trace, and a runtime that it asks
        self.handle = Handle("extractor", pointer, lib.evr_extractor_free, owner, self._keep)

    def ask(self, runtime: Runtime) -> None:
        """Has a runtime asked for schemas first. To be called before the first record is made."""
        asked = runtime.handle
        with self.handle.owner.lock:
            call(lib.evr_runtime_teach, asked.pointer, self.handle.pointer)
            self._keep.append(asked)
            self.handle.owner = asked.owner  # from now on its calls are calls on the runtime

    def calls(self) -> list[Call]:
        """The unique calls, by first event."""
        items, count, error = ctypes.POINTER(native.Call)(), ctypes.c_size_t(), ctypes.c_void_p()
        with self.handle.owner.lock:
            status = lib.evr_extractor_calls(self.handle.pointer, ctypes.byref(items), ctypes.byref(count), ctypes.byref(error))
            check(status, error)
            return [
                Call(
                    op=one.op.text(),
                    uid=one.uid,
                    count=one.count,
                    cpu_ns=one.cpu_ns,
                    device_ns=one.device_ns,
                    status=Outcome(one.status),
                    reason=reason_name(one.reason),
                )
                for one in (items[i] for i in range(count.value))
            ]

    def record(self, uid: int) -> Record:
        """The record of one event. An event that cannot be replayed gives a record too: its status and reason say why."""
        with self.handle.owner.lock:
            pointer = out(lib.evr_extractor_record, self.handle.pointer, uid)
        return Record(pointer, self.context, Handle("record", pointer, lib.evr_ir_free, Owner(), self.context.handle))

    def records(self) -> Iterator[Record]:
        """The record of each unique call."""
        return (self.record(one.uid) for one in self.calls())

    def explain(self, uid: int) -> str:
        """Why that overload was chosen: one line per candidate with its score."""
        with self.handle.owner.lock:
            return take_text(self.context.pointer, out(lib.evr_extractor_explain, self.handle.pointer, uid))

    def close(self) -> None:
        """Frees it. Records live on."""
        self.handle.close()

    def __enter__(self) -> Extractor:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
