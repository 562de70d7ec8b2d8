"""Many records in one go: replayed, timed and checked, in this process or in workers of their own."""

from __future__ import annotations

import ctypes
import importlib
import os
import pathlib
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from . import _native as native
from . import _native_results as raw
from . import bridge as bridges
from . import tensors
from ._handle import out
from ._native import lib
from .context import Context, context_or_default, name_bytes, path_bytes
from .errors import Error, Status, describe, leave
from .measuring import Protocol, protocol_at
from .records import Record
from .results import Borrowed, Result, Results

#: Told `(result, done, total)` after each record; the result is None while nothing finished for a moment, and is borrowed for the call.
BatchProgress = Callable[["Result | None", int, int], object]

_TIMED, _SAMPLES, _NO_AUTO_INIT = 1, 64, 128
_STOP_ON_ERROR, _BY_COST, _ISOLATE, _RESUME = 256, 512, 1024, 2048
_CHECKS = {"finite": 2, "repeat": 4, "reference": 8, "mutation": 16, "kernels": 32}
_WORKERS = ("evreplay-python-worker",)


def _flags(checks: Iterable[str], flags: dict[int, bool]) -> int:
    made = sum(flag for flag, wanted in flags.items() if wanted)
    for check in [checks] if isinstance(checks, str) else checks:
        if check not in _CHECKS:
            raise ValueError(f"a check is one of {', '.join(_CHECKS)}, not {check!r}")
        made |= _CHECKS[check]
    return made


def python_worker() -> pathlib.Path | None:
    """evreplay-python-worker, the worker with an interpreter inside, where it is installed."""
    folders = (pathlib.Path(sys.executable).parent, pathlib.Path(sys.argv[0] or ".").resolve().parent)
    found = (folder / name for folder in folders for name in _WORKERS)
    return next((path for path in found if os.access(path, os.X_OK)), None)


def _bar(total: int) -> tuple[BatchProgress | None, Callable[[], object] | None]:
    """A bar of tqdm where that is installed, and what ends it."""
    try:
        tqdm: Any = importlib.import_module("tqdm.auto").tqdm
    except ImportError:
        return None, None
    bar = tqdm(total=total, unit="record", leave=False)

    def tell(result: Result | None, done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)
        if result is not None:
            bar.set_postfix_str(result.op, refresh=False)

    return tell, bar.close


def _stepper(tell: BatchProgress | None, stopped: list[BaseException]) -> Any:
    @native.callback(raw.BATCH_PROGRESS)
    def step(user: object, found: Any, done: int, total: int) -> int:  # also where Ctrl-C gets in
        borrowed = Borrowed()
        try:
            return int(tell is not None and tell(Result(borrowed, found) if found else None, done, total) is False)
        except BaseException as exception:
            leave(exception)
            stopped.append(exception)
            return 1
        finally:
            borrowed.is_open = False

    return step


def replay_batch(
    records: Sequence[Record],
    *,
    device: str = "cpu",
    timed: bool = False,
    protocol: Protocol | None = None,
    checks: str | Iterable[str] = (),
    samples: bool = False,
    visits: int = 1,
    isolate: bool = False,
    workers: int = 0,
    timeout_s: float = 0.0,
    budget_s: float = 0.0,
    stop_on_error: bool = False,
    by_cost: bool = False,
    auto_init: bool = True,
    threads: int = 0,
    max_bytes: int = 0,
    seed: int = 0,
    journal: str | os.PathLike[str] | None = None,
    resume: bool = False,
    input: str = "",
    progress: BatchProgress | bool | None = None,
    bridge: str | os.PathLike[str] | None = None,
    backend_path: str | os.PathLike[str] | None = None,
    worker: str | os.PathLike[str] | None = None,
    context: Context | None = None,
) -> Results:
    """Runs every record once, or measures it when `timed` (or when a protocol is given); each ends in a result, in the order of the records.

    `checks` are finite, repeat, reference, mutation and kernels. With several `visits` the whole list is gone through so many times, isolated in new
    processes each time, and a result is of all visits to its record. With `isolate` records run in worker processes, one for each of the ','-separated devices
    unless `workers` says otherwise: a crash or a hang (`timeout_s`) is that record's result. Workers know what was registered by name; initializers
    and functions of this process they do not have. `journal` names a file that has each result before the next record begins; the same call with
    `resume` goes on behind it. `progress(result, done, total)` is called after each record: False ends the batch with the results so far, marked
    as interrupted, and what it raises ends it without. True is a bar of tqdm, where that is installed.
    """
    owner = records[0].context if records and context is None else context_or_default(context)
    stopped: list[BaseException] = []
    tell, end = _bar(len(records)) if progress is True else (progress or None, None)
    flags = {
        _TIMED: timed or protocol is not None,
        _SAMPLES: samples,
        _NO_AUTO_INIT: not auto_init,
        _STOP_ON_ERROR: stop_on_error,
        _BY_COST: by_cost,
        _ISOLATE: isolate,
        _RESUME: resume,
    }
    options = raw.ReplayBatchOptions(
        flags=_flags(checks, flags),
        bridge=_path(bridge),
        device=name_bytes(device),
        backend_path=_path(backend_path),
        protocol=protocol_at(protocol),
        threads=threads,
        workers=workers,
        max_bytes=max_bytes,
        seed=seed,
        timeout_s=timeout_s,
        budget_s=budget_s,
        worker=_path(worker or (python_worker() if isolate and not os.environ.get("EVREPLAY_WORKER") else None)),
        journal=_path(journal),
        input=name_bytes(input),
        progress=_stepper(tell, stopped),
        visits=visits,
    )
    try:
        pointer = _run(owner, records, options)
    finally:
        if end:
            end()
    results = Results(context=owner, pointer=pointer)
    if stopped:
        results.close()
        raise Error(Status.CANCELLED, f"the progress function ended the batch: {describe(stopped[0])}", cause=stopped[0])
    return results


def _path(path: str | os.PathLike[str] | None) -> bytes | None:
    return None if path is None else path_bytes(path)


def _run(context: Context, records: Sequence[Record], options: raw.ReplayBatchOptions) -> int:
    """With the bridge that was named or is installed, else with one for this torch from the cache; as Runtime() does."""
    tensors.torch_if_there()
    pointers = (ctypes.c_void_p * max(1, len(records)))(*(record.pointer for record in records))
    arguments = (lib.evr_replay_batch, context.pointer, pointers, len(records), options)
    try:
        return out(*arguments, free=lib.evr_results_free)
    except Error as error:
        if options.bridge or os.environ.get("EVREPLAY_BRIDGE") or error.code not in (Status.PLUGIN, Status.ABI) or "worker" in error.message:
            raise
        try:
            options.bridge = path_bytes(bridges.ensure())
        except Error as failure:
            failure.cause = failure.__cause__ = error
            raise failure
    return out(*arguments, free=lib.evr_results_free)
