"""The performance database: a folder of CSV files with measured times of operators, by shape, type and format."""

from __future__ import annotations

import ctypes
import dataclasses
import os
from collections.abc import Iterable
from typing import Any

from . import _native as native
from . import _native_results as raw
from ._handle import Handle, Owner, call, out, take_sized_text, take_text
from ._native import lib
from .context import Context, context_or_default, name_bytes, path_bytes
from .store import _milliseconds

_CREATE, _PRUNE = 1, 1
_MODES = {"all": 0, "missing-only": 1}
_STATUSES = {1: "success", 2: "skipped", 3: "failed"}
_STATUS_NUMBERS = {name: number for number, name in _STATUSES.items()}
_ITEMS = {"missing": 1, "deleted": 2, "duplicate": 3}
_FORMS = {"markdown": 1, "gaps-csv": 2, "json": 3}


@dataclasses.dataclass(frozen=True)
class UpdateTotals:
    """Sums over all files of a report; evreplay/perfdb.h says what each counts."""

    complete: bool
    files: int
    written: int
    rows: int
    updated: int
    added: int
    unchanged: int
    missing: int
    unmatched: int
    deleted: int
    duplicates: int
    malformed: int
    gaps: int
    source_files: int
    source_rows: int


@dataclasses.dataclass(frozen=True)
class UpdateFile:
    """What happened to one operator. `status` is success, skipped or failed, for the `reason` given."""

    op: str
    name: str
    status: str
    reason: str
    written: bool
    rows: int
    updated: int
    added: int
    unchanged: int
    missing: int
    unmatched: int
    deleted: int
    duplicates: int
    malformed: int
    missing_shapes: list[str]
    deleted_shapes: list[str]
    duplicate_shapes: dict[str, int]


@dataclasses.dataclass(frozen=True)
class UpdateGap:
    """A row that was measured again, and whose measured and profiled times lie apart."""

    op: str
    name: str
    signature: str
    measured_us: float
    profiled_us: float
    ratio: float


@dataclasses.dataclass(frozen=True)
class UpdateProblem:
    """A row that could not be read, and what was done with it."""

    path: str
    line: int
    message: str


@dataclasses.dataclass(frozen=True)
class UpdateRun:
    """A row that was run. `status` is success, with a duration, skipped or failed, for the `reason` given. Texts are as they stand in the row's cells; an empty
    `ep_size` is that of the update, and line 0 is not known."""

    op: str
    status: str
    input_shapes: str
    input_types: str
    input_formats: str
    output_shapes: str
    output_types: str
    output_formats: str
    duration_us: float = 0.0
    reason: str = ""
    state: str = ""
    core: str = ""
    ep_size: str = ""
    line: int = 0

    def native(self) -> raw.PerfdbRun:
        """For the library."""
        if self.status not in _STATUS_NUMBERS:
            raise ValueError(f"the status of a run is one of {', '.join(_STATUS_NUMBERS)}, not {self.status!r}")
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        made = {name: native.string(value) if isinstance(value, str) else value for name, value in fields.items()}
        return raw.PerfdbRun(**{**made, "status": _STATUS_NUMBERS[self.status]})


def _numbers(cls: Any, made: ctypes.Structure, **more: Any) -> Any:
    fields = {field.name: getattr(made, field.name) for field in dataclasses.fields(cls) if field.name not in more}
    return cls(**{name: value.text() if hasattr(value, "text") else value for name, value in fields.items()}, **more)


class UpdateReport:
    """What an update did. Immutable."""

    def __init__(self, pointer: int, context: Context) -> None:
        self.context = context
        self.handle = Handle("report of an update", pointer, lib.evr_perfdb_report_free, Owner(), context.handle)

    @property
    def pointer(self) -> int:
        """For the library."""
        return self.handle.pointer

    @property
    def totals(self) -> UpdateTotals:
        """Sums over all files."""
        made = raw.PerfdbTotals()
        call(lib.evr_perfdb_report_totals, self.pointer, ctypes.byref(made))
        totals: UpdateTotals = _numbers(UpdateTotals, made, complete=bool(made.complete))
        return totals

    @property
    def files(self) -> list[UpdateFile]:
        """What happened to each operator, by name; those that were measured and have no file are the last."""
        return [self._file(i) for i in range(lib.evr_perfdb_report_file_count(self.pointer))]

    def _file(self, index: int) -> UpdateFile:
        made = raw.PerfdbFile()
        call(lib.evr_perfdb_report_file, self.pointer, index, ctypes.byref(made))
        shapes = {kind: self._shapes(index, number) for kind, number in _ITEMS.items()}
        file: UpdateFile = _numbers(
            UpdateFile,
            made,
            status=_STATUSES.get(made.status, ""),
            written=bool(made.written),
            missing_shapes=list(shapes["missing"]),
            deleted_shapes=list(shapes["deleted"]),
            duplicate_shapes=shapes["duplicate"],
        )
        return file

    def _shapes(self, file: int, kind: int) -> dict[str, int]:
        found, rows = {}, ctypes.c_uint64()
        for i in range(lib.evr_perfdb_report_item_count(self.pointer, file, kind)):
            text = lib.evr_perfdb_report_item(self.pointer, file, kind, i, ctypes.byref(rows)).text()
            found[text] = rows.value
        return found

    @property
    def gaps(self) -> list[UpdateGap]:
        """The widest first."""
        return [self._one(UpdateGap, raw.PerfdbGap(), lib.evr_perfdb_report_gap, i) for i in range(lib.evr_perfdb_report_gap_count(self.pointer))]

    @property
    def problems(self) -> list[UpdateProblem]:
        """Rows that could not be read, the first 1,000."""
        count = lib.evr_perfdb_report_problem_count(self.pointer)
        return [self._one(UpdateProblem, raw.PerfdbProblem(), lib.evr_perfdb_report_problem, i) for i in range(count)]

    @property
    def runs(self) -> list[UpdateRun]:
        """Rows that were run, in the order given to the update."""
        found, made = [], raw.PerfdbRun()
        for i in range(lib.evr_perfdb_report_run_count(self.pointer)):
            call(lib.evr_perfdb_report_run, self.pointer, i, ctypes.byref(made))
            found.append(_numbers(UpdateRun, made, status=_STATUSES.get(made.status, "")))
        return found

    def _one(self, cls: Any, made: Any, function: Any, index: int) -> Any:
        call(function, self.pointer, index, ctypes.byref(made))
        return _numbers(cls, made)

    def to_text(self, form: str = "markdown") -> str:
        """As markdown, gaps-csv (every gap) or json (everything)."""
        if form not in _FORMS:
            raise ValueError(f"form must be one of {', '.join(_FORMS)}, not {form!r}")
        return take_sized_text(self.context.pointer, lib.evr_perfdb_report_text, self.pointer, _FORMS[form])

    def write(self, folder: str | os.PathLike[str], *, stamp: str | None = None) -> str:
        """Writes the report and all gaps into a folder, and gives the path of the first. Reports that are there already stay."""
        name = name_bytes(stamp) if stamp is not None else None
        pointer = out(lib.evr_perfdb_report_write, self.pointer, path_bytes(folder), name)
        return take_text(self.context.pointer, pointer)

    def close(self) -> None:
        """Frees it."""
        self.handle.close()

    def __repr__(self) -> str:
        return f"<evreplay.UpdateReport of {self.totals.files} files>" if self.handle.is_open else "<evreplay.UpdateReport (closed)>"


def mode_number(mode: str) -> int:
    """Of the library."""
    if mode not in _MODES:
        raise ValueError(f"mode must be one of {', '.join(_MODES)}, not {mode!r}")
    return _MODES[mode]


def texts(names: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], encode: Any) -> tuple[Any, int]:
    """One or more names as an array for the library, and their number."""
    made = [encode(name) for name in ([names] if isinstance(names, (str, os.PathLike)) else names)]
    return (ctypes.c_char_p * max(1, len(made)))(*made), len(made)


def update_options(
    sources: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    mode: str,
    prune: bool,
    ep_size: int,
    ops: Iterable[str],
    runs: Iterable[UpdateRun] = (),
) -> raw.PerfdbUpdateOptions:
    """Of the library; keeps what it points to."""
    paths, path_count = texts(sources, path_bytes)
    names, name_count = texts(ops, name_bytes)
    ran = [ctypes.pointer(run.native()) for run in runs]
    return raw.PerfdbUpdateOptions(
        mode=mode_number(mode),
        flags=_PRUNE if prune else 0,
        ep_size=ep_size,
        sources=paths,
        ops=names,
        source_count=path_count,
        op_count=name_count,
        runs=(ctypes.POINTER(raw.PerfdbRun) * max(1, len(ran)))(*ran),
        run_count=len(ran),
    )


class PerfDB:
    """A folder of CSV files, one for each operator, in the format of docs/perfdb.md. Calls from several threads take turns."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        create: bool = False,
        lock_timeout_s: float = 0.0,
        max_file_bytes: int = 0,
        context: Context | None = None,
    ) -> None:
        self.context = context_or_default(context)
        options = raw.PerfdbOptions(
            flags=_CREATE if create else 0, lock_timeout_ms=_milliseconds(lock_timeout_s), max_file_bytes=max_file_bytes
        )
        pointer = out(lib.evr_perfdb_open, self.context.pointer, path_bytes(path), options)
        self.handle = Handle("performance database", pointer, lib.evr_perfdb_free, Owner(), self.context.handle)

    @property
    def path(self) -> str:
        """As given."""
        return str(lib.evr_perfdb_path(self.handle.pointer).text())

    def update(
        self,
        sources: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = (),
        *,
        mode: str = "all",
        prune: bool = False,
        ep_size: int = 0,
        ops: Iterable[str] = (),
        runs: Iterable[UpdateRun] = (),
    ) -> UpdateReport:
        """Merges what a profiler measured: op_summary CSV files, or folders in which they are looked for.

        Mode "all" updates every row that was measured again and adds new ones; "missing-only" fills rows without any valid duration. `prune` removes rows
        that have none afterwards, `ep_size` is the number of ranks of expert parallelism, `ops` restricts to these operators. `runs` are rows that
        were run elsewhere: their times update the rows of their own operator (see Rows for rows that run here). Whenever the process ends, each file
        is whole, old or new.
        """
        options = update_options(sources, mode, prune, ep_size, ops, runs)
        with self.handle.owner.lock:
            pointer = out(lib.evr_perfdb_update, self.handle.pointer, options)
        return UpdateReport(pointer, self.context)

    def close(self) -> None:
        """Closes it. Reports live on."""
        self.handle.close()

    def __enter__(self) -> PerfDB:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<evreplay.PerfDB {self.path}>" if self.handle.is_open else "<evreplay.PerfDB (closed)>"
