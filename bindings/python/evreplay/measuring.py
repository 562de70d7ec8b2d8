"""Measuring: how long a replayer, or any function, takes on a device, and how that was found out."""

from __future__ import annotations

import ctypes
import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from . import _native as native
from . import _native_results as raw
from ._handle import Handle, Owner, call, out, take_sized_text
from ._native import lib
from .context import Context, context_or_default, name_bytes, need_numpy, path_bytes
from .errors import Error, Status, closed, leave, make
from .runtime import Replayer, Runtime

if TYPE_CHECKING:
    import numpy
    import numpy.typing

    Samples = numpy.typing.NDArray[numpy.float64]

MeasureProgress = Callable[[int, float], object]

# Words for the numbers of measure.h; "" is 0, the default.
_WORDS: dict[str, tuple[str, ...]] = {
    "stop": ("", "precision", "count", "stdrel", "entropy"),
    "warmup": ("", "stable", "count"),
    "flush": ("", "none", "write", "read"),
    "launch": ("", "auto", "single", "batch", "graph"),
    "gate": ("", "auto", "off", "on"),
    "throttle": ("", "discard", "keep"),
}
_PRESETS = ("default", "fixed", "nvbench")
_GATEABLE, _PARALLEL = 1, 2
_NEW, _NATIVE = 1, 2


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How a time is taken; part of every result. Empty texts and zeros are defaults, see evreplay/measure.h for each member.

    `stop` is precision, count, stdrel or entropy; `warmup` stable or count; `flush` none, write or read (written, then read clean); `launch` auto, single,
    batch or graph; `gate` auto, off or on; `throttle` discard or keep.
    """

    stop: str = ""
    warmup: str = ""
    flush: str = ""
    launch: str = ""
    gate: str = ""
    throttle: str = ""
    warmup_calls: int = 0
    samples: int = 0
    min_samples: int = 0
    max_samples: int = 0
    batch: int = 0
    flush_bytes: int = 0
    seed: int = 0
    precision: float = 0.0
    min_seconds: float = 0.0
    seconds: float = 0.0
    noise: float = 0.0
    device_seconds: float = 0.0
    entropy_angle: float = 0.0
    entropy_r2: float = 0.0
    gate_seconds: float = 0.0
    fill: str = ""

    @classmethod
    def preset(cls, name: str = "default") -> Protocol:
        """A named one: "default" (precision 1 %, warm cache), "fixed" (50 calls of warm-up, 100 samples, each after a flush), "nvbench"."""
        if name not in _PRESETS:
            raise ValueError(f"name must be one of {', '.join(_PRESETS)}, not {name!r}")
        made = raw.Protocol()
        call(lib.evr_protocol_preset, _PRESETS.index(name), ctypes.byref(made))
        return cls._of(made)

    @classmethod
    def parse(cls, line: str, *, context: Context | None = None) -> Protocol:
        """Reads what text() wrote; members it lacks are default."""
        made = raw.Protocol()
        call(lib.evr_protocol_parse, context_or_default(context).pointer, native.string(line), ctypes.byref(made))
        return cls._of(made)

    @classmethod
    def _of(cls, made: raw.Protocol) -> Protocol:
        fields = {field.name: getattr(made, field.name) for field in dataclasses.fields(cls)}
        fields |= {name: words[fields[name]] for name, words in _WORDS.items()}
        return cls(**{**fields, "fill": made.fill.decode("utf-8", "replace")})

    def native(self) -> raw.Protocol:
        """For the library. Raises ValueError for a word it does not know."""
        made = raw.Protocol()
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name in _WORDS:
                words = _WORDS[field.name]
                if value not in words:
                    raise ValueError(f"{field.name} must be one of {', '.join(words[1:])}, not {value!r}")
                value = words.index(value)
            setattr(made, field.name, name_bytes(value) if field.name == "fill" else value)
        return made

    def text(self, *, context: Context | None = None) -> str:
        """One line that says everything, defaults written out: the same protocol gives the same line."""
        owner = context_or_default(context).pointer
        return take_sized_text(owner, lib.evr_protocol_text, owner, self.native())

    def check_same(self, other: Protocol, *, context: Context | None = None) -> None:
        """Raises Error (INVALID), naming every difference, unless times taken under the two compare."""
        call(lib.evr_protocol_same, context_or_default(context).pointer, self.native(), other.native())


def protocol_at(protocol: Protocol | None) -> Any:
    """A pointer for the library; None is its default."""
    return None if protocol is None else ctypes.pointer(protocol.native())


@dataclasses.dataclass(frozen=True)
class Statistics:
    """What a list of times says, in nanoseconds. `median_low` and `median_high` are the interval of the median; see evreplay/measure.h."""

    flags: int
    count: int
    median: float
    median_low: float
    median_high: float
    coverage: float
    mad: float
    iqr: float
    q1: float
    q3: float
    min: float
    max: float
    mean: float
    std: float
    drift: float
    correlation: float
    dip: float
    mode_low: float
    mode_high: float
    mode_share: float
    outliers: int

    @classmethod
    def of(cls, samples: Sequence[float] | Any, *, context: Context | None = None) -> Statistics:
        """Of times in the order they came in."""
        array = (ctypes.c_double * max(1, len(samples)))(*samples)
        made = raw.Statistics()
        call(lib.evr_statistics_of, context_or_default(context).pointer, array, len(samples), ctypes.byref(made))
        return statistics_of(made)

    @property
    def drifts(self) -> bool:
        """Samples rise or fall over the run."""
        return bool(self.flags & 1)

    @property
    def bimodal(self) -> bool:
        """There are two times; see mode_low, mode_high and mode_share."""
        return bool(self.flags & 2)

    @property
    def correlated(self) -> bool:
        """Neighbours resemble each other; the interval allows for it."""
        return bool(self.flags & 4)

    @property
    def few(self) -> bool:
        """Too few samples for an interval of 95 %."""
        return bool(self.flags & 8)


def _copied(cls: Any, made: ctypes.Structure) -> Any:
    return cls(**{field.name: getattr(made, field.name) for field in dataclasses.fields(cls)})


def statistics_of(made: raw.Statistics) -> Statistics:
    """A copy of the library's."""
    copied: Statistics = _copied(Statistics, made)
    return copied


@dataclasses.dataclass(frozen=True)
class Conditions:
    """What a measurement found out beside its samples. `launch` and `gate` are as it was done."""

    flags: int
    launch: str
    gate: str
    batch: int
    flush_bytes: int
    warmup_calls: int
    calls: int
    discarded: int
    gate_timeouts: int
    harness_ns: float
    tick_ns: float
    host_ns: float
    device_ns: float
    wall_ns: float
    precision: float
    clock_mhz: float
    temperature_c: float

    @property
    def imprecise(self) -> bool:
        """The budget ran out before the stop rule was content."""
        return bool(self.flags & 1)

    @property
    def throttled(self) -> bool:
        """Samples taken while the device was slowed are among those that count."""
        return bool(self.flags & 4)

    @property
    def launch_bound(self) -> bool:
        """The device waited for the host."""
        return bool(self.flags & 16)


def conditions_of(made: raw.Conditions) -> Conditions:
    """A copy of the library's."""
    fields = {field.name: getattr(made, field.name) for field in dataclasses.fields(Conditions)}
    return Conditions(**{**fields, "launch": _WORDS["launch"][made.launch], "gate": _WORDS["gate"][made.gate]})


@dataclasses.dataclass(frozen=True)
class DeviceInfo:
    """What a device is. `settings` says what else times depend on."""

    name: str
    driver: str
    clock: str
    settings: str
    memory_bytes: int
    cache_bytes: int
    tick_ns: float
    clock_mhz: float
    memory_clock_mhz: float


@dataclasses.dataclass(frozen=True)
class KernelRun:
    """One kernel that ran."""

    name: str
    stream: int
    start_ns: float
    duration_ns: float


class _SampleView:
    """Memory of a measurement for numpy, which keeps it."""

    def __init__(self, handle: Handle, address: int, count: int) -> None:
        self._handle = handle
        self.__array_interface__ = {"version": 3, "shape": (count,), "typestr": "<f8", "data": (address, True)}


class Measurement:
    """Samples, statistics over them, the protocol, and the conditions they were taken under. Immutable; outlives its meter."""

    def __init__(self, pointer: int, context: Context) -> None:
        self.context = context
        self._handle: Handle | None = Handle("measurement", pointer, lib.evr_measurement_free, Owner(), context.handle)

    @property
    def handle(self) -> Handle:
        """The library's handle. Raises when the measurement is closed."""
        if self._handle is None:
            raise closed("measurement")
        return self._handle

    @property
    def samples(self) -> Samples:
        """Nanoseconds of one call, in the order taken: a numpy view of the measurement's own memory, read-only."""
        numpy = need_numpy("reading samples")
        count = ctypes.c_size_t()
        items = lib.evr_measurement_samples(self.handle.pointer, ctypes.byref(count))
        if not count.value:
            return numpy.empty(0)  # type: ignore[no-any-return]
        address = ctypes.addressof(items.contents)
        column: Samples = numpy.asarray(_SampleView(self.handle, address, count.value))
        return column

    @property
    def statistics(self) -> Statistics:
        """Of the samples."""
        made = raw.Statistics()
        lib.evr_measurement_statistics(self.handle.pointer, ctypes.byref(made))
        return statistics_of(made)

    @property
    def median_ns(self) -> float:
        """Of the samples."""
        return self.statistics.median

    @property
    def conditions(self) -> Conditions:
        """What was found out beside the samples."""
        made = raw.Conditions()
        lib.evr_measurement_conditions(self.handle.pointer, ctypes.byref(made))
        return conditions_of(made)

    @property
    def protocol(self) -> Protocol:
        """What was asked for, with defaults in place."""
        return Protocol._of(lib.evr_measurement_protocol(self.handle.pointer)[0])

    def to_json(self, *, samples: bool = False) -> str:
        """All of it as a JSON object, every member present."""
        return take_sized_text(self.context.pointer, lib.evr_measurement_json, self.handle.pointer, int(samples))

    def check_comparable(self, other: Measurement) -> None:
        """Raises Error (INVALID), naming every difference, unless the two were taken the same way."""
        call(lib.evr_measurement_comparable, self.handle.pointer, other.handle.pointer)

    def close(self) -> None:
        """Gives it up. Its memory goes when no array stands on its samples any more."""
        self._handle = None

    def __enter__(self) -> Measurement:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._handle is None:
            return "<evreplay.Measurement (closed)>"
        found = self.statistics
        return f"<evreplay.Measurement {found.median:.0f} ns, {found.count} samples>"


def _measured(meter: Meter, what: Callable[[], object], prepare: Callable[[], object] | None, flags: int, progress: MeasureProgress | None) -> Any:
    """An evr_measured of Python functions."""

    def caller(function: Callable[[], object]) -> Any:
        @native.callback(raw.RUN)
        def run(user: object, error: Any) -> int:
            try:
                function()
                return 0
            except BaseException as exception:
                leave(exception)
                return make(meter.context.pointer, error, exception)

        return run

    @native.callback(raw.MEASURE_PROGRESS)
    def step(user: object, samples: int, part: float) -> int:  # also where Ctrl-C gets in
        try:
            if progress:
                progress(samples, part)
            return 0
        except BaseException as exception:
            leave(exception)
            return 1

    made = raw.Measured(flags=flags, run=caller(what), progress=step)
    if prepare:
        made.prepare = caller(prepare)
    return made


class Meter:
    """A device's clock: a backend ("cpu", "cuda", "hip"), one of its devices, and a stream. Calls from several threads take turns.

    `stream` is the handle of a stream to measure on (0 is the device's default); without one the meter opens its own.
    """

    def __init__(
        self,
        backend: str = "cpu",
        device: int = 0,
        *,
        stream: int | None = None,
        backend_path: str | os.PathLike[str] | None = None,
        context: Context | None = None,
    ) -> None:
        self.context = context_or_default(context)
        options = raw.MeterOptions(
            device=device,
            backend=name_bytes(backend),
            backend_path=path_bytes(backend_path) if backend_path is not None else None,
            stream=_NEW if stream is None else _NATIVE,
            native_stream=stream or None,
        )
        pointer = out(lib.evr_meter_open, self.context.pointer, options, free=lib.evr_meter_free)
        self.handle = Handle("meter", pointer, lib.evr_meter_free, Owner(), self.context.handle)

    @classmethod
    def of(cls, runtime: Runtime, *, backend_path: str | os.PathLike[str] | None = None) -> Meter:
        """A meter for what a runtime replays: of its device and, on a GPU, of the stream that torch works on by default."""
        kind, _, index = runtime.device.partition(":")
        if kind == "cpu":
            return cls(backend_path=backend_path, context=runtime.context)
        names = ("cuda", "hip") if kind == "cuda" else (kind,)  # torch calls devices of either vendor "cuda"
        for name in names:
            try:
                return cls(name, int(index or 0), stream=0, backend_path=backend_path, context=runtime.context)
            except Error as error:
                if name == names[-1] or error.code not in (Status.PLUGIN, Status.NO_DEVICE):
                    raise
        raise AssertionError("there is always a last name")

    @property
    def pointer(self) -> int:
        """For the library."""
        return self.handle.pointer

    @property
    def device(self) -> DeviceInfo:
        """Device in use."""
        made = raw.DeviceDesc()
        call(lib.evr_meter_device, self.pointer, ctypes.byref(made))
        texts = {name: getattr(made, name).text() for name in ("name", "driver", "clock", "settings")}
        return DeviceInfo(**texts, **{f.name: getattr(made, f.name) for f in dataclasses.fields(DeviceInfo) if f.name not in texts})

    @property
    def backend_path(self) -> str:
        """File the backend was loaded from; empty when it is part of the library."""
        return str(lib.evr_meter_backend_path(self.pointer).text())

    @property
    def harness_ns(self) -> float:
        """What one empty sample lasts: taken off every sample."""
        return float(lib.evr_meter_harness_ns(self.pointer))

    def measure(
        self,
        what: Replayer | Callable[[], object],
        protocol: Protocol | None = None,
        *,
        prepare: Callable[[], object] | None = None,
        gateable: bool = False,
        parallel: bool = False,
        progress: MeasureProgress | None = None,
    ) -> Measurement:
        """Measures until the answer is as precise as the protocol asks.

        A replayer runs without Python in between: what its operator writes is put back before each sample. Any other function is called from Python,
        which costs some hundred nanoseconds a call; `prepare` runs before every sample, outside of the time, and `gateable` says that the function launches
        few kernels and never waits for them, `parallel` that other threads or processes take part in it. `progress(samples, part)` is told now and then; what it raises ends the measurement.
        """
        if isinstance(what, Replayer):
            return self._measure_replayer(what, protocol, prepare, progress)
        measured = _measured(self, what, prepare, _GATEABLE * gateable | _PARALLEL * parallel, progress)
        with self.handle.owner.lock:
            pointer = out(lib.evr_measure, self.pointer, protocol_at(protocol), measured, free=lib.evr_measurement_free)
        return Measurement(pointer, self.context)

    def _measure_replayer(self, replayer: Replayer, protocol: Protocol | None, prepare: object, progress: object) -> Measurement:
        if prepare or progress:
            raise TypeError("a replayer is measured without Python in between: give its run() for `prepare` or `progress`")
        with self.handle.owner.lock, replayer.handle.owner.lock:
            pointer = out(
                lib.evr_replayer_measure, replayer.pointer, self.pointer, protocol_at(protocol), free=lib.evr_measurement_free
            )
        return Measurement(pointer, replayer.runtime.context)

    def kernels(self, what: Callable[[], object]) -> list[KernelRun]:
        """Runs a function once with the device's kernels recorded. Raises Error (UNSUPPORTED) where the backend records none."""
        found: list[KernelRun] = []

        @native.callback(raw.KERNEL)
        def keep(user: object, one: Any) -> int:
            try:
                found.append(KernelRun(one[0].name.text(), one[0].stream, one[0].start_ns, one[0].duration_ns))
                return 0
            except BaseException as exception:
                leave(exception)
                return 1

        measured = _measured(self, what, None, False, None)
        with self.handle.owner.lock:
            call(lib.evr_meter_kernels, self.pointer, measured, keep, None)
        return found

    def close(self) -> None:
        """Frees it. Measurements live on."""
        self.handle.close()

    def __enter__(self) -> Meter:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<evreplay.Meter {self.device.name}>" if self.handle.is_open else "<evreplay.Meter (closed)>"


def measure(
    what: Replayer | Callable[[], object], protocol: Protocol | None = None, *, context: Context | None = None, **more: Any
) -> Measurement:
    """Measures a replayer on its device, or a function on the CPU; see Meter.measure()."""
    with Meter.of(what.runtime) if isinstance(what, Replayer) else Meter(context=context) as meter:
        return meter.measure(what, protocol, **more)
