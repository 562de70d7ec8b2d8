"""The store: measured times in one SQLite file, by call, device, software and protocol, with their history."""

from __future__ import annotations

import ctypes
import dataclasses
import os
from collections.abc import Sequence
from typing import Any, overload

from . import _native as native
from . import _native_results as raw
from ._handle import Handle, Owner, call, out
from ._native import lib
from .arrow import Floats, Tabular, Texts, attributes
from .context import Context, context_or_default, path_bytes
from .measuring import Protocol
from .records import Record
from .results import Results

_CREATE, _READ_ONLY = 1, 2
_HISTORY = 1
_REPLACE = 1


@dataclasses.dataclass(frozen=True)
class StoreChanges:
    """What became of results that were added: new ones, those that were in the store already, and those without a key or a time."""

    added: int
    known: int
    unusable: int


@dataclasses.dataclass(frozen=True)
class CsvChanges:
    """What became of a folder of CSV files: files of operators, those that were in the store already, other files; rows, those that cannot be read (`problems`
    says where), those without a time; samples that are new, and known."""

    files: int
    unchanged: int
    foreign: int
    rows: int
    malformed: int
    untimed: int
    added: int
    known: int
    problems: tuple[tuple[str, int, str], ...]  # path, line (0 = the file), what is wrong


@dataclasses.dataclass(frozen=True)
class StoreRow:
    """One sample of a row: what was called, where, and how long it took. `samples` is how many the row has; `distance` is set by Store.nearest()."""

    key: str
    op: str
    overload: str
    arguments: str
    device_name: str
    runtime: str
    driver: str
    protocol: str
    input: str
    taken_s: int
    samples: int
    median_ns: float
    median_low_ns: float
    median_high_ns: float
    distance: float


_FIELDS = [field.name for field in dataclasses.fields(StoreRow)]
_WHOLE = {"taken_s", "samples"}
_TEXTS = {"key", "op", "overload", "arguments", "device_name", "runtime", "driver", "protocol", "input"}


class StoreRows(Sequence[StoreRow], Tabular):
    """An answer. Outlives the store."""

    def __init__(self, pointer: int, context: Context) -> None:
        self.handle = Handle("list of rows", pointer, lib.evr_store_rows_free, Owner(), context.handle)

    def __len__(self) -> int:
        return int(lib.evr_store_rows_count(self.handle.pointer))

    @overload
    def __getitem__(self, index: int) -> StoreRow: ...

    @overload
    def __getitem__(self, index: slice) -> list[StoreRow]: ...

    def __getitem__(self, index: int | slice) -> StoreRow | list[StoreRow]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        made = lib.evr_store_rows_at(self.handle.pointer, range(len(self))[index])[0]
        return StoreRow(**{name: getattr(made, name).text() if name in _TEXTS else getattr(made, name) for name in _FIELDS})

    def _columns(self) -> dict[str, Any]:
        return attributes(self, {name: Texts if name in _TEXTS else list if name in _WHOLE else Floats for name in _FIELDS})

    def close(self) -> None:
        """Frees it."""
        self.handle.close()

    def __repr__(self) -> str:
        return f"<evreplay.StoreRows {len(self)}>" if self.handle.is_open else "<evreplay.StoreRows (closed)>"


def _filter(limit: int = 0, history: bool = False, protocol: str | Protocol = "", **texts: str) -> raw.StoreFilter:
    line = protocol.text() if isinstance(protocol, Protocol) else protocol
    made = {name: native.string(text) for name, text in {**texts, "protocol": line}.items()}
    return raw.StoreFilter(flags=_HISTORY if history else 0, limit=limit, **made)


class Store:
    """An open store. Calls from several threads take turns; two stores may be used at once, on the same file too.

    Samples are only ever added. The newest of a row, which is a key on a device, a stack and a protocol, is its current one.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        create: bool = False,
        read_only: bool = False,
        lock_timeout_s: float = 0.0,
        context: Context | None = None,
    ) -> None:
        self.context = context_or_default(context)
        flags = (_CREATE if create else 0) | (_READ_ONLY if read_only else 0)
        options = raw.StoreOptions(flags=flags, lock_timeout_ms=_milliseconds(lock_timeout_s))
        pointer = out(lib.evr_store_open, self.context.pointer, path_bytes(path), options)
        self.handle = Handle("store", pointer, lib.evr_store_free, Owner(), self.context.handle)

    @property
    def pointer(self) -> int:
        """For the library."""
        return self.handle.pointer

    @property
    def path(self) -> str:
        """As given."""
        return str(lib.evr_store_path(self.pointer).text())

    def check(self) -> None:
        """Reads all of the file. Raises Error (FORMAT) when it is damaged."""
        with self.handle.owner.lock:
            call(lib.evr_store_check, self.pointer)

    # Adding

    def _change(self, function: Any, *arguments: Any) -> StoreChanges:
        made = raw.StoreChanges()
        with self.handle.owner.lock:
            call(function, self.pointer, *arguments, ctypes.byref(made))
        return StoreChanges(made.added, made.known, made.unusable)

    def add(self, results: Results) -> StoreChanges:
        """Adds the results of a run. What is in the store already is not added again."""
        return self._change(lib.evr_store_add, results.pointer)

    def import_json(self, data: str | bytes) -> StoreChanges:
        """Adds what Results.to_text("json") or export() wrote."""
        text = data.encode() if isinstance(data, str) else data
        return self._change(lib.evr_store_import, text, len(text))

    def merge(self, path: str | os.PathLike[str]) -> StoreChanges:
        """Adds everything of another store, its history included."""
        return self._change(lib.evr_store_merge, path_bytes(path))

    def _csv(self, function: Any, *arguments: Any, flags: int = 0, **texts: str) -> CsvChanges:
        problems: list[tuple[str, int, str]] = []

        @native.callback(raw.STORE_PROBLEM)
        def note(user: object, path: Any, line: int, message: Any) -> None:
            problems.append((path.text(), line, message.text()))

        options = raw.StoreCsvOptions(flags=flags, problem=note, **{name: native.string(text) for name, text in texts.items()})
        made = raw.StoreCsvChanges()
        with self.handle.owner.lock:
            call(function, self.pointer, *arguments, options, ctypes.byref(made))
        counts = {field.name: getattr(made, field.name) for field in dataclasses.fields(CsvChanges) if field.name != "problems"}
        return CsvChanges(problems=tuple(problems), **counts)

    def import_csv(self, path: str | os.PathLike[str], *, device_name: str = "", runtime: str = "", driver: str = "") -> CsvChanges:
        """Adds the rows of a CSV folder (docs/perfdb.md), or of one of its files."""
        return self._csv(lib.evr_store_import_csv, path_bytes(path), device_name=device_name, runtime=runtime, driver=driver)

    def export_csv(self, folder: str | os.PathLike[str], *, replace: bool = False, **filter: Any) -> CsvChanges:
        """Writes the newest version of every file that was imported; with `replace` over what is there."""
        return self._csv(lib.evr_store_export_csv, path_bytes(folder), _filter(**filter), flags=_REPLACE if replace else 0)

    # Asking

    def _rows(self, function: Any, *arguments: Any) -> StoreRows:
        with self.handle.owner.lock:
            return StoreRows(out(function, self.pointer, *arguments), self.context)

    def find(
        self,
        *,
        key: str = "",
        op: str = "",
        device_name: str = "",
        runtime: str = "",
        driver: str = "",
        protocol: str | Protocol = "",
        history: bool = False,
        limit: int = 0,
    ) -> StoreRows:
        """Current rows that pass: `op` is a pattern with * and ?, the rest is exact (record_key() gives a record's key). With `history` every sample, of one
        row the newest first."""
        texts = {"key": key, "op": op, "device_name": device_name, "runtime": runtime, "driver": driver}
        return self._rows(lib.evr_store_find, _filter(limit, history, protocol, **texts))

    def history(self, key: str, **filter: Any) -> StoreRows:
        """Every sample of a key; as find()."""
        return self.find(key=key, history=True, **filter)

    def nearest(
        self,
        record: Record,
        *,
        device_name: str = "",
        runtime: str = "",
        driver: str = "",
        protocol: str | Protocol = "",
        limit: int = 0,
    ) -> StoreRows:
        """Current rows of the same operator with as many tensors of the same types, nearest first; 10 unless `limit` says otherwise. A distance of 1 is a
        factor of 2 in one dimension; see evreplay/store.h."""
        wanted = _filter(limit, False, protocol, device_name=device_name, runtime=runtime, driver=driver)
        return self._rows(lib.evr_store_nearest, record.pointer, wanted)

    def nearest_to(self, op: str, arguments: str, *, overload: str = "", protocol: str | Protocol = "", limit: int = 0, **texts: str) -> StoreRows:
        """nearest() to arguments in words, such as "float32[8,128], float32[128,64]"."""
        words = (native.string(text) for text in (op, overload, arguments))
        return self._rows(lib.evr_store_nearest_to, *words, _filter(limit, False, protocol, **texts))

    def missing(
        self, records: Sequence[Record], *, device_name: str = "", runtime: str = "", driver: str = "", protocol: str | Protocol = ""
    ) -> list[Record]:
        """The records that no row is of."""
        wanted = _filter(0, False, protocol, device_name=device_name, runtime=runtime, driver=driver)
        pointers = (ctypes.c_void_p * max(1, len(records)))(*(record.pointer for record in records))
        marks = (ctypes.c_uint8 * max(1, len(records)))()
        with self.handle.owner.lock:
            call(lib.evr_store_missing, self.pointer, pointers, len(records), wanted, marks)
        return [record for record, mark in zip(records, marks, strict=False) if mark]

    def stacks(self) -> StoreRows:
        """One row for each device and stack, in the order they came; only device_name, runtime, driver, samples and taken_s are set."""
        return self._rows(lib.evr_store_stacks)

    def select(
        self,
        *,
        key: str = "",
        op: str = "",
        device_name: str = "",
        runtime: str = "",
        driver: str = "",
        protocol: str | Protocol = "",
        history: bool = False,
        limit: int = 0,
    ) -> Results:
        """As find(), as a list of results for reports and comparisons. The rows must be of one device and stack."""
        texts = {"key": key, "op": op, "device_name": device_name, "runtime": runtime, "driver": driver}
        with self.handle.owner.lock:
            pointer = out(lib.evr_store_select, self.pointer, _filter(limit, history, protocol, **texts))
        return Results(context=self.context, pointer=pointer)

    def export(self, **filter: Any) -> str:
        """select() as JSON, which import_json() takes."""
        with self.select(**filter) as results:
            return results.to_text("json")

    # Life

    def close(self) -> None:
        """Closes it. Answers live on."""
        self.handle.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<evreplay.Store {self.path}>" if self.handle.is_open else "<evreplay.Store (closed)>"


def _milliseconds(seconds: float) -> int:
    if not 0 <= seconds <= 4_000_000:
        raise ValueError("a time limit is between 0 and 4,000,000 seconds")
    return 0 if seconds == 0 else max(1, round(seconds * 1000))
