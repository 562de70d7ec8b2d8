"""Artifacts: records in one zip file that can be sent to someone else, with all it takes to run them again."""

from __future__ import annotations

import ctypes
import dataclasses
import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from . import _native as native
from . import _native_results as raw
from ._handle import Handle, Owner, out
from ._native import lib
from .batch import replay_batch
from .context import Context, context_or_default
from .errors import check
from .measuring import Protocol, protocol_at
from .records import Outcome, Record
from .results import Results

_REDACT, _REDACT_OPERATORS = 1, 2


@dataclasses.dataclass(frozen=True)
class ArtifactInfo:
    """Where an artifact comes from."""

    library: str
    input: str
    runtime: str
    device: str
    device_name: str
    driver: str
    protocol: str
    seed: int
    redacted: bool
    operators_redacted: bool


@dataclasses.dataclass(frozen=True)
class Expected:
    """What the run of a record should give. Times are None and `kernels` is 0 when they are not known."""

    status: Outcome
    key: str
    inputs: str
    initializer: str
    kernels: int
    trace_kernel_ns: float | None
    median_ns: float | None
    median_low_ns: float | None
    median_high_ns: float | None


def pack(
    records: Sequence[Record],
    path: str | os.PathLike[str] | None = None,
    *,
    results: Results | None = None,
    input: str = "",
    protocol: Protocol | None = None,
    seed: int = 0,
    redact: bool = False,
    redact_operators: bool = False,
    context: Context | None = None,
) -> bytes:
    """Packs records into an artifact, which `python3 X.zip` runs, and writes it to `path` when there is one. The same records and options give the same bytes.

    `results` are times that a replay should give; seed and protocol come from there too. `redact` leaves out names of the input and texts
    of arguments, `redact_operators` also the names of operators outside of PyTorch: such records can no longer be replayed.
    """
    owner = records[0].context if records and context is None else context_or_default(context)
    options = raw.ArtifactOptions(
        flags=(_REDACT if redact else 0) | (_REDACT_OPERATORS if redact_operators else 0),
        results=results.pointer if results is not None else None,
        input=native.string(input),
        protocol=protocol_at(protocol),
        seed=seed,
    )
    pointers = (ctypes.c_void_p * max(1, len(records)))(*(record.pointer for record in records))
    made, size, error = ctypes.c_void_p(), ctypes.c_size_t(), ctypes.c_void_p()
    status = lib.evr_artifact_write(
        owner.pointer, pointers, len(records), options, ctypes.byref(made), ctypes.byref(size), ctypes.byref(error)
    )
    check(status, error)
    try:
        packed = ctypes.string_at(made.value or 0, size.value)
    finally:
        lib.evr_artifact_bytes_free(owner.pointer, made, size)
    if path is not None:
        pathlib.Path(path).write_bytes(packed)
    return packed


def looks_like_artifact(data: bytes) -> bool:
    """Whether bytes begin as an artifact does; the first four are enough."""
    return bool(lib.evr_artifact_looks_like(data, len(data)))


class Artifact:
    """What was read of an artifact. Immutable; may be read from any thread. Nothing of it is written to disk, and no code of it is run."""

    def __init__(self, data: bytes, *, files: int = 0, file_bytes: int = 0, total_bytes: int = 0, context: Context | None = None) -> None:
        self.context = context_or_default(context)
        limits = raw.ArtifactLimits(files=files, file_bytes=file_bytes, total_bytes=total_bytes)
        pointer = out(lib.evr_artifact_read, self.context.pointer, data, len(data), limits)
        self.handle = Handle("artifact", pointer, lib.evr_artifact_free, Owner(), self.context.handle)

    @classmethod
    def open(cls, path: str | os.PathLike[str], **more: Any) -> Artifact:
        """Reads a file. `files`, `file_bytes` and `total_bytes` are what it may need at most."""
        return cls(pathlib.Path(path).read_bytes(), **more)

    @property
    def records(self) -> list[Record]:
        """Its records."""
        found = lib.evr_artifact_records(self.handle.pointer)
        return [Record(lib.evr_ir_set_at(found, i), self.context, self.handle) for i in range(lib.evr_ir_set_count(found))]

    @property
    def manifest(self) -> dict[str, Any]:
        """The whole manifest; see docs/artifacts.md."""
        made: dict[str, Any] = json.loads(lib.evr_artifact_manifest(self.handle.pointer).text())
        return made

    @property
    def info(self) -> ArtifactInfo:
        """Where it comes from."""
        made = raw.ArtifactInfo()
        lib.evr_artifact_about(self.handle.pointer, ctypes.byref(made))
        texts = ("library", "input", "runtime", "device", "device_name", "driver", "protocol")
        return ArtifactInfo(
            **{name: getattr(made, name).text() for name in texts},
            seed=made.seed,
            redacted=bool(made.flags & _REDACT),
            operators_redacted=bool(made.flags & _REDACT_OPERATORS),
        )

    @property
    def expected(self) -> list[Expected]:
        """What the run of each record should give."""
        found, index = [], 0
        while one := lib.evr_artifact_expected(self.handle.pointer, index):
            found.append(_expected(one[0]))
            index += 1
        return found

    def run(self, **options: Any) -> Results:
        """Replays its records with the seed and the protocol that it names; every option of replay_batch() may be given, too. `device` is not the artifact's
        but "cpu" unless it is given, and times are taken with `timed=True`."""
        info = self.info
        options.setdefault("seed", info.seed)
        options.setdefault("input", info.input)
        options.setdefault("context", self.context)
        if options.get("timed") and info.protocol:
            options.setdefault("protocol", Protocol.parse(info.protocol, context=self.context))
        return replay_batch(self.records, **options)

    def close(self) -> None:
        """Frees it, and its records with it."""
        self.handle.close()

    def __enter__(self) -> Artifact:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<evreplay.Artifact of {len(self.records)} records>" if self.handle.is_open else "<evreplay.Artifact (closed)>"


def _expected(made: Any) -> Expected:
    texts = {name: getattr(made, name).text() for name in ("key", "inputs", "initializer")}
    times = {name: getattr(made, name) for name in ("trace_kernel_ns", "median_ns", "median_low_ns", "median_high_ns")}
    known: dict[str, Any] = {name: None if time < 0 else time for name, time in times.items()}
    return Expected(status=Outcome(made.status), kernels=made.kernels, **texts, **known)
