"""Rows that run: calls of a performance database as records, which give their times back."""

from __future__ import annotations

import ctypes
import dataclasses
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, overload

from . import _native as native
from . import _native_sets as raw
from ._handle import Handle, Owner, call, out
from ._native import lib
from .arrow import Floats, Tabular, Texts, attributes
from .context import Context, context_or_default, name_bytes, path_bytes
from .errors import Status, closed, leave, make
from .perfdb import PerfDB, UpdateReport, mode_number, texts, update_options
from .records import Outcome, Record
from .results import Results
from .runtime import Runtime


class RowMap:
    """Which calls of PyTorch the operators of a database stand for, as data: the map that comes with the library, and what is added to it.

    The language is that of docs/perfdb.md. May be read from any thread once it is complete.
    """

    def __init__(self, *, context: Context | None = None) -> None:
        self.context = context_or_default(context)
        pointer = out(lib.evr_row_map_new, self.context.pointer)
        self._handle: Handle | None = Handle("row map", pointer, lib.evr_row_map_free, Owner(), self.context.handle)

    @property
    def handle(self) -> Handle:
        """The library's handle. Raises when the map is closed."""
        if self._handle is None:
            raise closed("row map")
        return self._handle

    def add(self, text: str | bytes, name: str = "<text>") -> None:
        """Adds what a text says. Operators that it names replace those of the same name; on an error, which begins with "NAME:LINE: ", nothing is changed."""
        data = text.encode() if isinstance(text, str) else text
        handle = self.handle
        with handle.owner.lock:
            call(lib.evr_row_map_add, handle.pointer, data, len(data), name_bytes(name))

    def add_file(self, path: str | os.PathLike[str]) -> None:
        """As add(), from a file of at most 16 MiB."""
        handle = self.handle
        with handle.owner.lock:
            call(lib.evr_row_map_add_file, handle.pointer, path_bytes(path))

    def __contains__(self, op: object) -> bool:
        return isinstance(op, str) and bool(lib.evr_row_map_has(self.handle.pointer, native.string(op)))

    def close(self) -> None:
        """Gives the map up. Its memory goes when the last rows that were chosen with it are gone."""
        self._handle = None

    def __repr__(self) -> str:
        return f"<evreplay.RowMap{'' if self._handle else ' (closed)'}>"


@dataclasses.dataclass(frozen=True)
class Row:
    """One row. Its status is ok when it has records and, once results are in, when they ran; else `reason` says why not. `composite` names what several calls do
    together, and is empty for one call. `measured_us` is None when it was not measured."""

    op: str
    file: str
    line: int
    shapes: str
    status: Outcome
    reason: str
    composite: str
    measured_us: float | None
    records: tuple[Record, ...] = dataclasses.field(repr=False)


_TEXTS = ("op", "file", "shapes", "reason", "composite")


class Rows(Sequence[Row], Tabular):
    """Rows of a database that were chosen, each with its records or with the reason why it has none: use Rows.open(). As a table it has a line for each.

    Run `records` like any others, give the results to take(), and update() puts the times into the database. Calls from several threads take turns.
    """

    def __init__(self, pointer: int, database: PerfDB, keep: Any = None) -> None:
        self.context = database.context
        self.database = database
        self.handle = Handle("rows of a database", pointer, lib.evr_rows_free, Owner(), (self.context.handle, keep))
        count = ctypes.c_size_t()
        found = lib.evr_rows_records(pointer, ctypes.byref(count))
        self._records = [Record(found[i], self.context, self.handle) for i in range(count.value)]

    @classmethod
    def open(
        cls,
        database: PerfDB,
        map: RowMap | None = None,
        *,
        mode: str = "all",
        ops: Iterable[str] = (),
        runtime: Runtime | None = None,
        like: Results | Iterable[Results] = (),
        max_file_bytes: int = 0,
    ) -> Rows:
        """Reads rows of a database and makes their records by a map, that of the library when none is given.

        Mode "missing-only" leaves out rows with a valid duration; `ops` are patterns of operator names with * and ?. `runtime` is asked for schemas, so that
        records fit the torch that will run them. With `like`, calls are only of operators that these results have: rows then become the records that the results were made of.
        """
        map = map or RowMap(context=database.context)
        known = [like] if isinstance(like, Results) else list(like)
        names, count = texts(ops, name_bytes)
        with _asking(runtime) as ask:
            options = raw.RowsOptions(
                mode=mode_number(mode),
                map=map.handle.pointer,
                ops=names,
                op_count=count,
                max_file_bytes=max_file_bytes,
                like=(ctypes.c_void_p * max(1, len(known)))(*(results.pointer for results in known)),
                like_count=len(known),
            )
            if ask:
                options.source = ask
            with map.handle.owner.lock, database.handle.owner.lock:
                pointer = out(lib.evr_rows_open, database.context.pointer, database.handle.pointer, options, free=lib.evr_rows_free)
        return cls(pointer, database, map.handle)

    @property
    def pointer(self) -> int:
        """For the library."""
        return self.handle.pointer

    @property
    def records(self) -> list[Record]:
        """The records of all rows, each call once."""
        return list(self._records)

    def __len__(self) -> int:
        return int(lib.evr_rows_count(self.pointer))

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...

    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        made = raw.RowInfo()
        with self.handle.owner.lock:
            call(lib.evr_rows_at, self.pointer, range(len(self))[index], ctypes.byref(made))
            return Row(
                **{name: getattr(made, name).text() for name in _TEXTS},
                line=made.line,
                status=Outcome(made.status),
                measured_us=made.measured_us or None,
                records=tuple(self._records[made.records[i]] for i in range(made.record_count)),
            )

    def _columns(self) -> dict[str, Any]:
        rows = list(self)
        made = attributes(rows, {**dict.fromkeys(("op", "file"), Texts), "line": list, "shapes": Texts})
        made["status"] = Texts([str(row.status) for row in rows])
        return {**made, **attributes(rows, {"reason": Texts, "composite": Texts, "measured_us": Floats})}

    def take(self, results: Results) -> int:
        """Gives results to the rows, which are found by their records' keys, and tells how many belong to one. Later results of a call replace earlier ones, but none
        that was timed is replaced by one that was not."""
        taken = ctypes.c_uint64()
        with self.handle.owner.lock:
            call(lib.evr_rows_take, self.pointer, results.pointer, ctypes.byref(taken))
        return taken.value

    def update(
        self,
        database: PerfDB | None = None,
        sources: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = (),
        *,
        mode: str = "all",
        prune: bool = False,
        ep_size: int = 0,
        ops: Iterable[str] = (),
        only_taken: bool = False,
    ) -> UpdateReport:
        """PerfDB.update() with what was measured of the rows, of the database that they are of unless another is given. Rows that no result was taken for
        are left out when `only_taken`, else they are reported as skipped: not run."""
        database = database or self.database
        options = update_options(sources, mode, prune, ep_size, ops)
        with self.handle.owner.lock, database.handle.owner.lock:
            pointer = out(lib.evr_rows_update, self.pointer, database.handle.pointer, options, int(only_taken))
        return UpdateReport(pointer, database.context)

    def close(self) -> None:
        """Frees them and their records."""
        self.handle.close()

    def __enter__(self) -> Rows:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<evreplay.Rows {len(self)} of {self.database.path}>" if self.handle.is_open else "<evreplay.Rows (closed)>"


@contextmanager
def _asking(runtime: Runtime | None) -> Iterator[Any]:
    """The library's callback that asks a runtime for schemas, while no other thread may use that; an operator that nobody knows has none."""
    if runtime is None:
        yield None
        return
    stands_on = runtime.handle

    @native.callback(native.SCHEMA_SOURCE)
    def ask(user: object, op: native.Str, visit: Any, to: int, err: Any) -> int:
        try:
            status = int(lib.evr_runtime_schemas(stands_on.pointer, op, visit, to, err))
            if status != Status.NOT_FOUND:
                return status
            if err and err[0]:
                lib.evr_error_free(err[0])
                err[0] = None
            return 0
        except BaseException as exception:
            leave(exception)
            return make(runtime.context.pointer, err, exception)

    with stands_on.owner.lock:
        yield ask
