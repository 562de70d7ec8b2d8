"""Results: what became of each record of a run, written for people and programs, read again, and compared."""

from __future__ import annotations

import ctypes
import dataclasses
import enum
import os
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from . import _native as native
from . import _native_results as raw
from ._handle import Handle, Owner, call, out, take_sized_text
from ._native import NO_UID, lib
from .arrow import Floats, Tabular, Texts, attributes
from .context import Context, context_or_default, need_numpy
from .errors import Error, Status, closed
from .measuring import Conditions, Statistics, conditions_of, statistics_of
from .records import Outcome, Record, reason_advice, reason_name

if TYPE_CHECKING:
    from .measuring import Samples

#: Forms of a report, and how files of them are called.
FORMS = {"json": 0, "csv": 1, "markdown": 2, "junit": 3, "html": 4, "text": 5}
_SUFFIXES = {".json": "json", ".csv": "csv", ".md": "markdown", ".xml": "junit", ".html": "html", ".htm": "html", ".txt": "text"}


def form_number(form: str) -> int:
    """Of the library."""
    if form not in FORMS:
        raise ValueError(f"form must be one of {', '.join(FORMS)}, not {form!r}")
    return FORMS[form]


def form_of(path: pathlib.Path, form: str) -> str:
    """What was asked for, else what the name of the file says."""
    made = form or _SUFFIXES.get(path.suffix.lower(), "")
    if not made:
        raise ValueError(f"the name {path.name} says no form: give one of {', '.join(FORMS)}")
    return made


def record_key(record: Record) -> str:
    """The key of a record: operator, overload and arguments, as 32 hexadecimal digits; the same in every version of the library."""
    text = ctypes.create_string_buffer(33)
    call(lib.evr_ir_key, record.pointer, text)
    return text.value.decode()


class Verdict(enum.IntEnum):
    """What a check found."""

    GOOD = 0
    BAD = 1
    SKIPPED = 2


@dataclasses.dataclass(frozen=True)
class Check:
    """One check of a result."""

    name: str
    verdict: Verdict
    detail: str


@dataclasses.dataclass(frozen=True)
class RankResult:
    """What became of a record on one of several ranks. A rank outside of the record's group is skipped, without a reason. Times that are not known are None."""

    rank: int
    status: Outcome
    reason: str
    median_ns: float | None
    first_run_ns: float | None


@dataclasses.dataclass(frozen=True)
class RunInfo:
    """What the results of a run have in common."""

    runtime: str = ""
    device: str = ""
    device_name: str = ""
    driver: str = ""
    input: str = ""
    seed: int = 0
    started_s: int = 0
    wall_s: float = 0.0
    interrupted: bool = False

    def native(self) -> raw.ResultsInfo:
        """For the library."""
        texts = {name: native.string(getattr(self, name)) for name in ("runtime", "device", "device_name", "driver", "input")}
        return raw.ResultsInfo(flags=int(self.interrupted), seed=self.seed, started_s=self.started_s, wall_s=self.wall_s, **texts)


def _known(nanoseconds: float) -> float | None:
    return None if nanoseconds < 0 else nanoseconds


class Borrowed:
    """Stands for the list of a result that the library shows for the time of a callback."""

    is_open = True

    @property
    def pointer(self) -> int:
        """Raises once the callback is over."""
        if not self.is_open:
            raise closed("result, which was borrowed for the time of a callback,")
        return 0


class Result:
    """What became of one record. Reads from the list it lies in. What is not known is None."""

    __slots__ = ("_handle", "_where")

    def __init__(self, handle: Handle | Borrowed, where: int | Any) -> None:
        self._handle = handle
        self._where = where  # place in the list, which may move when it grows; or a pointer into one that does not

    @property
    def raw(self) -> raw.Result:
        """The library's structure. Raises when the list is closed."""
        pointer = self._handle.pointer
        made: raw.Result = (lib.evr_results_at(pointer, self._where) if isinstance(self._where, int) else self._where)[0]
        return made

    @property
    def op(self) -> str:
        """Such as "aten::add"."""
        return str(self.raw.op.text())

    @property
    def overload(self) -> str:
        """Such as "Tensor"; may be empty."""
        return str(self.raw.overload.text())

    @property
    def arguments(self) -> str:
        """In words, such as "float32[8,8], 1"."""
        return str(self.raw.arguments.text())

    @property
    def key(self) -> str:
        """Of the record; see record_key()."""
        return str(self.raw.key.text())

    @property
    def status(self) -> Outcome:
        """How it ended."""
        return Outcome(self.raw.status)

    @property
    def reason(self) -> str:
        """Such as "op-error"; empty when it is ok."""
        return reason_name(self.raw.reason)

    @property
    def advice(self) -> str:
        """What to do about the reason."""
        return reason_advice(self.raw.reason)

    @property
    def detail(self) -> str:
        """Names what is missing or wrong."""
        return str(self.raw.detail.text())

    @property
    def index(self) -> int:
        """Place of the record in its input."""
        return int(self.raw.index)

    @property
    def uid(self) -> int | None:
        """Event it was made from."""
        return None if self.raw.uid == NO_UID else int(self.raw.uid)

    @property
    def count(self) -> int:
        """Calls with the same arguments: the weight of the result."""
        return int(self.raw.count)

    @property
    def initializer(self) -> str | None:
        """That filled tensors."""
        return self.raw.initializer.text() or None

    @property
    def device(self) -> str:
        """Where it ran; may be empty."""
        return str(self.raw.device.text())

    @property
    def warnings(self) -> list[str]:
        """What whoever reads the result should know."""
        made = self.raw
        return [made.warnings[i].text() for i in range(made.warning_count)]

    @property
    def checks(self) -> list[Check]:
        """That were asked for."""
        made = self.raw
        found = (made.checks[i] for i in range(made.check_count))
        return [Check(one.name.text(), Verdict(one.verdict), one.detail.text()) for one in found]

    @property
    def tensor_bytes(self) -> int:
        """Memory of its tensors."""
        return int(self.raw.tensor_bytes)

    @property
    def trace_kernel_ns(self) -> float | None:
        """Device time of one call in the trace, mean of all."""
        return _known(self.raw.trace_kernel_ns)

    @property
    def trace_cpu_ns(self) -> float | None:
        """Duration of one call on the CPU in the trace."""
        return _known(self.raw.trace_cpu_ns)

    @property
    def first_run_ns(self) -> float | None:
        """Of the first run, results allocated."""
        return _known(self.raw.first_run_ns)

    @property
    def statistics(self) -> Statistics | None:
        """None when it was not timed."""
        found = self.raw.statistics
        return statistics_of(found[0]) if found else None

    @property
    def conditions(self) -> Conditions | None:
        """None when it was not timed."""
        found = self.raw.conditions
        return conditions_of(found[0]) if found else None

    @property
    def median_ns(self) -> float | None:
        """None when it was not timed."""
        found = self.raw.statistics
        return float(found[0].median) if found else None

    @property
    def protocol(self) -> str:
        """How the time was taken, as Protocol.text() writes it; empty when it was not timed."""
        return str(self.raw.protocol.text())

    @property
    def samples(self) -> Samples:
        """Nanoseconds of one call, copied; empty unless they were kept."""
        numpy = need_numpy("reading samples")
        made = self.raw
        found: Samples = numpy.array(made.samples[: made.sample_count] if made.sample_count else [], dtype="float64")
        return found

    @property
    def ranks(self) -> list[RankResult]:
        """What became of it on each rank, when several ran it together; the result's own times are then of the slowest rank in each sample. Else empty."""
        made = self.raw
        found = (made.ranks[i] for i in range(made.rank_count))
        return [
            RankResult(one.rank, Outcome(one.status), reason_name(one.reason), _known(one.median_ns), _known(one.first_run_ns)) for one in found
        ]

    @property
    def visit(self) -> int | None:
        """Which of several visits to its record this is, from 1, while a batch goes on. None of the only one, and of all of them together."""
        return int(self.raw.visit) or None

    @property
    def visits(self) -> list[float]:
        """Medians, in nanoseconds, of the visits that the statistics are of. Empty where the record was timed once."""
        made = self.raw
        return [float(made.visits[i]) for i in range(made.visit_count)]

    @property
    def slowest_rank(self) -> int | None:
        """The rank whose median is the longest."""
        made = self.raw
        return int(made.slowest_rank) if made.rank_count and made.slowest_rank >= 0 else None

    def to_json(self, *, context: Context | None = None) -> str:
        """The object that stands for it in a report, on one line."""
        owner = context_or_default(context).pointer
        return take_sized_text(owner, lib.evr_result_write, owner, ctypes.byref(self.raw))

    def __repr__(self) -> str:
        if not self._handle.is_open:
            return "<evreplay.Result (closed)>"
        name = f"{self.op}.{self.overload}" if self.overload else self.op
        time = "" if self.median_ns is None else f" {self.median_ns:.0f} ns"
        return f"<evreplay.Result {name} {self.status}{':' + self.reason if self.reason else ''}{time}>"


class Results(Sequence[Result], Tabular):
    """The results of a run, in the order of its records.

    Made by replay_batch(), read with read() and load(), or put together with append(). Belongs to one thread at a time while it grows.
    """

    def __init__(self, info: RunInfo | None = None, *, context: Context | None = None, pointer: int | None = None) -> None:
        self.context = context_or_default(context)
        if pointer is None:
            pointer = out(lib.evr_results_new, self.context.pointer, (info or RunInfo()).native())
        self.handle = Handle("list of results", pointer, lib.evr_results_free, Owner(), self.context.handle)
        self._compared = False  # comparisons point into it

    @classmethod
    def read(cls, data: str | bytes, *, context: Context | None = None) -> Results:
        """Reads what to_text("json") wrote."""
        context = context_or_default(context)
        text = data.encode() if isinstance(data, str) else data
        return cls(context=context, pointer=out(lib.evr_results_read, context.pointer, text, len(text)))

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, context: Context | None = None) -> Results:
        """As read(), from a file."""
        return cls.read(pathlib.Path(path).read_bytes(), context=context)

    @property
    def pointer(self) -> int:
        """For the library."""
        return self.handle.pointer

    @property
    def info(self) -> RunInfo:
        """What they have in common."""
        made = lib.evr_results_about(self.pointer)[0]
        texts = {name: getattr(made, name).text() for name in ("runtime", "device", "device_name", "driver", "input")}
        return RunInfo(**texts, seed=made.seed, started_s=made.started_s, wall_s=made.wall_s, interrupted=bool(made.flags & 1))

    def __len__(self) -> int:
        return int(lib.evr_results_count(self.pointer))

    @overload
    def __getitem__(self, index: int) -> Result: ...

    @overload
    def __getitem__(self, index: slice) -> list[Result]: ...

    def __getitem__(self, index: int | slice) -> Result | list[Result]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return Result(self.handle, range(len(self))[index])

    def append(self, result: Result | str) -> None:
        """Copies a result of another list, or reads one that Result.to_json() wrote."""
        self._may_change()
        if isinstance(result, str):
            text = result.encode()
            call(lib.evr_results_add_text, self.pointer, text, len(text))
        else:
            call(lib.evr_results_add, self.pointer, ctypes.byref(result.raw))

    def finish(self, info: RunInfo) -> None:
        """Puts the results in the order of their `index`, and replaces what they have in common."""
        self._may_change()
        call(lib.evr_results_finish, self.pointer, info.native())

    def _may_change(self) -> None:
        if self._compared:
            raise Error(Status.STATE, "the list is part of a comparison", "compare once all results are in it")

    def to_text(self, form: str = "json") -> str:
        """A report: json (everything), csv, markdown, junit, html (one page that needs nothing else) or text. The same results give the same bytes."""
        return take_sized_text(self.context.pointer, lib.evr_results_write, self.pointer, form_number(form))

    def save(self, path: str | os.PathLike[str], form: str = "") -> None:
        """Writes a report to a file. Its name says which form, unless one is given."""
        place = pathlib.Path(path)
        place.write_bytes(self.to_text(form_of(place, form)).encode("utf-8", "surrogateescape"))

    def _columns(self) -> dict[str, Any]:
        made = attributes(self, _COLUMNS)
        times = [row.statistics for row in self]
        made["samples"] = [one.count if one else None for one in times]
        for name in _TIMES:
            made[name] = Floats([getattr(one, name) if one else None for one in times])
        return made

    def close(self) -> None:
        """Frees it."""
        self.handle.close()

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<evreplay.Results of {len(self)} records>" if self.handle.is_open else "<evreplay.Results (closed)>"


_TIMES = ("median", "median_low", "median_high", "mad", "iqr", "min", "max", "mean", "std")
_COLUMNS: dict[str, Any] = {
    **dict.fromkeys(("index", "uid"), list),
    **dict.fromkeys(("op", "overload", "arguments", "key"), Texts),
    "status": lambda outcomes: Texts([str(outcome) for outcome in outcomes]),
    **dict.fromkeys(("reason", "detail"), Texts),
    "count": list,
    **dict.fromkeys(("device", "initializer", "protocol"), Texts),
    "tensor_bytes": list,
    **dict.fromkeys(("trace_kernel_ns", "trace_cpu_ns", "first_run_ns"), Floats),
}


# Comparing


class ChangeKind(enum.IntEnum):
    """What changed between two runs."""

    NONE = 0
    REGRESSION = 1
    IMPROVEMENT = 2
    NEW = 3
    GONE = 4
    UNKNOWN = 5

    def __str__(self) -> str:
        return self.name.lower()


@dataclasses.dataclass(frozen=True)
class Change:
    """One record in both runs. `ratio` is the median now over the median then, 0 when it is not known; `p_value` is corrected for the number of matches."""

    kind: ChangeKind
    base: Result | None
    newer: Result | None
    ratio: float
    ratio_low: float
    ratio_high: float
    p_value: float
    detail: str

    @property
    def op(self) -> str:
        """Of either."""
        one = self.newer or self.base
        return one.op if one else ""


@dataclasses.dataclass(frozen=True)
class CompareSummary:
    """What a comparison comes to. `ratio` is that of the whole workload: median times, each times its calls."""

    matched: int
    regressions: int
    improvements: int
    added: int
    gone: int
    unknown: int
    base_ns: float
    newer_ns: float
    ratio: float
    ratio_low: float
    ratio_high: float


class Comparison(Sequence[Change]):
    """Two runs side by side: the largest change of time in the workload first. Made by compare()."""

    def __init__(self, pointer: int, base: Results, newer: Results, context: Context) -> None:
        self.context = context
        self.base = base
        self.newer = newer
        base._compared = newer._compared = True
        keep = (context.handle, base.handle, newer.handle)
        self.handle = Handle("comparison", pointer, lib.evr_comparison_free, Owner(), keep)

    @property
    def pointer(self) -> int:
        """For the library. Raises when it or one of the runs is closed."""
        if not (self.base.handle.is_open and self.newer.handle.is_open):
            raise closed("list of results that was compared")
        return self.handle.pointer

    def __len__(self) -> int:
        return int(lib.evr_comparison_count(self.pointer))

    @overload
    def __getitem__(self, index: int) -> Change: ...

    @overload
    def __getitem__(self, index: slice) -> list[Change]: ...

    def __getitem__(self, index: int | slice) -> Change | list[Change]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        made = lib.evr_comparison_at(self.pointer, range(len(self))[index])[0]
        return Change(
            kind=ChangeKind(made.change),
            base=Result(self.base.handle, made.base) if made.base else None,
            newer=Result(self.newer.handle, made.newer) if made.newer else None,
            ratio=made.ratio,
            ratio_low=made.ratio_low,
            ratio_high=made.ratio_high,
            p_value=made.p_value,
            detail=made.detail.text(),
        )

    @property
    def summary(self) -> CompareSummary:
        """What it comes to."""
        made = raw.CompareSummary()
        lib.evr_comparison_summary(self.pointer, ctypes.byref(made))
        return CompareSummary(**{field.name: getattr(made, field.name) for field in dataclasses.fields(CompareSummary)})

    @property
    def regressions(self) -> list[Change]:
        """Slower beyond threshold and noise, or failing where it did not."""
        return [change for change in self if change.kind is ChangeKind.REGRESSION]

    @property
    def exit_code(self) -> int:
        """That of `evreplay compare`: 3 when there is a regression, else 0."""
        return 3 if self.summary.regressions else 0

    def to_text(self, form: str = "text") -> str:
        """As Results.to_text()."""
        return take_sized_text(self.context.pointer, lib.evr_comparison_write, self.pointer, form_number(form))

    def save(self, path: str | os.PathLike[str], form: str = "") -> None:
        """As Results.save()."""
        place = pathlib.Path(path)
        place.write_bytes(self.to_text(form_of(place, form)).encode("utf-8", "surrogateescape"))

    def close(self) -> None:
        """Frees it. The runs stay."""
        self.handle.close()

    def __enter__(self) -> Comparison:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<evreplay.Comparison of {len(self)} records>" if self.handle.is_open else "<evreplay.Comparison (closed)>"


def compare(
    base: Results, newer: Results, *, threshold: float = 0.0, error_rate: float = 0.0, seed: int = 0, context: Context | None = None
) -> Comparison:
    """Sets two runs side by side. `threshold` is the least change that matters (0 = 0.03), `error_rate` that of calling anything a change where there is
    none, over all matches together (0 = 0.05)."""
    context = context_or_default(context)
    options = raw.CompareOptions(threshold=threshold, error_rate=error_rate, seed=seed)
    return Comparison(out(lib.evr_compare, context.pointer, base.pointer, newer.pointer, options), base, newer, context)
