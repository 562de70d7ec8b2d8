"""One of several ranks: what the library asks of the others is done by torch.distributed.

The process that torchrun starts only watches (supervisor.py); this is in the one below it, which runs the records.
"""

from __future__ import annotations

import ctypes
import datetime
import json
import mmap
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from . import _native as native
from ._handle import Handle, Owner
from ._native import lib
from .context import Context, context_or_default
from .errors import Error, Status, check, leave, make
from .records import Record

#: Exit code of a process whose fellow ranks are gone: it is started again with them.
LOST = 79
CHILD, GENERATION, VERDICTS, PIPE, SIGNS, SOLO, OWN, TIMEOUT = (
    f"EVREPLAY_RANK_{name}" for name in ("CHILD", "GENERATION", "VERDICTS", "PIPE", "SIGNS", "SOLO", "OWN", "TIMEOUT")
)
_NEEDED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_PINGS = 16


def in_environment() -> bool:
    """Whether this process was started as one of several ranks."""
    return all(os.environ.get(name) for name in _NEEDED)


def number(name: str, default: int = 0) -> int:
    """A number of the environment."""
    return int(os.environ.get(name) or default)


def connect(master: bool = False, timeout: float = 300) -> Any:
    """The store that the ranks meet in: torchrun's, or one that rank 0 holds. What is in it is of this start of the ranks alone."""
    import torch.distributed  # noqa: F401  (makes the module below)
    from torch._C._distributed_c10d import PrefixStore, TCPStore

    held = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
    store = TCPStore(
        os.environ["MASTER_ADDR"],
        number("MASTER_PORT"),
        None,
        master and number("RANK") == 0 and not held,
        datetime.timedelta(seconds=timeout),
        wait_for_workers=False,
    )
    return PrefixStore(f"evreplay/{number('TORCHELASTIC_RESTART_COUNT')}", store)


class Ranks:
    """The ranks as torch.distributed has them, and as the library is told of them."""

    def __init__(self, device: str = "cpu") -> None:
        import torch
        import torch.distributed

        dist: Any = torch.distributed
        self.torch, self.dist = torch, dist
        self.rank, self.count = number("RANK"), number("WORLD_SIZE", 1)
        self.timeout = datetime.timedelta(seconds=float(os.environ.get(TIMEOUT) or 300))
        self.lost = False
        self._groups: dict[str, Any] = {}  # that records run in
        self._talk: dict[str, Any] = {}  # the same ranks, for what is agreed about a run
        self._made: dict[str, int] = {}  # how often each was made; the same on all its members
        self._pipe = int(os.environ[PIPE]) if os.environ.get(PIPE) else None
        memory = mmap.mmap(int(os.environ[SIGNS]), mmap.PAGESIZE) if os.environ.get(SIGNS) else bytearray(8)
        self._alive = ctypes.c_double.from_buffer(memory)  # when it was last seen to get on: whoever watches it reads that, and is woken by nothing
        on_gpu = device.split(":")[0] not in ("cpu", "meta")
        self.backend = "cpu:gloo,cuda:nccl" if on_gpu else "gloo"
        if on_gpu:
            torch.cuda.set_device(number("LOCAL_RANK"))
        store = dist.PrefixStore(f"generation-{number(GENERATION)}", connect(timeout=self.timeout.total_seconds()))
        dist.init_process_group("gloo", store=store, rank=self.rank, world_size=self.count, timeout=self.timeout)
        self.clock_offset_ns = self._clock_offset()

    # What the library asks for

    def group(self, name: str, ranks: Sequence[int]) -> None:
        """Makes a process group of that name, known to torch's operators by it. All its members call."""
        if name in self._groups:
            return
        self._made[name] = nth = self._made.get(name, 0) + 1
        self._groups[name] = made = self._new_group(f"{name}/{nth}", ranks, self.backend)
        self._talk[name] = self._new_group(f"{name}/{nth}/talk", ranks, "gloo")
        self._c10d._register_process_group(name, made)

    def _new_group(self, key: str, ranks: Sequence[int], backend: str) -> Any:
        """A process group that only its members make. They meet under a key that torch makes of the ranks and of how many groups a process has; where some had been
        in a group without the others, they would wait for each other under different ones. So the key is given."""
        c10d: Any = self.dist.distributed_c10d
        naming = getattr(c10d, "_process_group_name", None)
        if naming:
            c10d._process_group_name = lambda *_, **__: key
        try:
            return self.dist.new_group(list(ranks), backend=backend, timeout=self.timeout, use_local_synchronization=True)
        finally:
            if naming:
                c10d._process_group_name = naming

    def drop(self, name: str) -> None:
        """Takes a group out of use. What it has of connections stays, so that nothing of it is met again."""
        if self._groups.pop(name, None) is not None:
            self._talk.pop(name)
            self._c10d._unregister_process_group(name)

    @property
    def _c10d(self) -> Any:
        from torch._C import _distributed_c10d

        return _distributed_c10d

    def sign(self) -> None:
        """A sign of life."""
        self._alive.value = time.monotonic()

    def largest(self, values: Any, group: str | None = None) -> None:
        """Each element of a tensor becomes the largest of all ranks'."""
        self.dist.all_reduce(values, self.dist.ReduceOp.MAX, group=self._talk[group] if group else None)

    def share(self, data: Any, from_rank: int) -> None:
        """The tensor of one rank on all ranks."""
        self.dist.broadcast(data, from_rank)

    def begin(self, done: Sequence[int]) -> list[tuple[int, str, str]]:
        """Records that this rank has no result of and will get none of: (place, reason, detail)."""
        torch, size = self.torch, len(done)
        counts = torch.tensor([float(size), -float(size)], dtype=torch.float64)
        self.largest(counts)
        if counts[0] != -counts[1]:
            raise RuntimeError(
                f"the ranks have different numbers of records, {size} here and up to {int(counts[0])} elsewhere: choose those that belong together with --op-filter"
            )
        told: list[Any] = [None] * self.count  # what one knows, all know: a rank that was killed itself knows nothing
        self.dist.all_gather_object(told, json.loads(os.environ.get(VERDICTS) or "[]"))
        verdicts = {v["index"]: v for of_one in reversed(told) for v in of_one if v.get("index") is not None}
        over = torch.tensor([1 if done[i] or i in verdicts else 0 for i in range(size)], dtype=torch.int32)
        if size:
            self.dist.all_reduce(over, self.dist.ReduceOp.MAX)
        none = {"reason": "rank-lost", "detail": "a rank went away before the result was kept on all of them"}
        found = ((i, verdicts.get(i, none)) for i in range(size) if over[i] and not done[i])
        return [(i, str(verdict["reason"]), str(verdict["detail"])) for i, verdict in found]

    def tell(self, text: str) -> None:
        """A line for the process that watches."""
        if self._pipe is not None:
            os.write(self._pipe, (text.replace("\n", " ") + "\n").encode("utf-8", "replace"))

    def _clock_offset(self) -> float:
        """What makes this rank's clock that of rank 0: half way through the quickest of a few exchanges. Ranks of one machine have one clock."""
        boot = [None] * self.count
        self.dist.all_gather_object(boot, _machine())
        if all(one == boot[0] for one in boot):
            return 0.0
        best, offset, torch = float("inf"), 0.0, self.torch
        for other in range(1, self.count):
            for _ in range(_PINGS if self.rank in (0, other) else 0):
                if self.rank == other:
                    from_ns, answer = time.monotonic_ns(), torch.zeros(1, dtype=torch.int64)
                    self.dist.send(torch.zeros(1, dtype=torch.int64), 0)
                    self.dist.recv(answer, 0)
                    to_ns = time.monotonic_ns()
                    if to_ns - from_ns < best:
                        best, offset = to_ns - from_ns, float(int(answer[0]) - (from_ns + to_ns) // 2)
                else:
                    self.dist.recv(torch.zeros(1, dtype=torch.int64), other)
                    self.dist.send(torch.tensor([time.monotonic_ns()], dtype=torch.int64), other)
        return 0.0 if boot[self.rank] == boot[0] else offset


class _Alone:
    """In place of Ranks when the others are gone for good: what was not run is told to be lost."""

    rank, count, lost, clock_offset_ns = 0, 1, False, 0.0

    def begin(self, done: Sequence[int]) -> list[tuple[int, str, str]]:
        detail = "a rank was killed, and the ranks were not started again"
        verdicts = {v["index"]: v["detail"] for v in json.loads(os.environ.get(VERDICTS) or "[]") if v.get("index") is not None}
        return [(i, "rank-lost", verdicts.get(i, f"not run: {detail}")) for i, there in enumerate(done) if not there]

    def nothing(self, *_: Any) -> None:
        """There is nobody to talk to."""

    group = drop = largest = share = tell = sign = nothing


def _machine() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return os.uname().nodename


_current: Ranks | _Alone | None = None
_context = 0


def current() -> Ranks | _Alone | None:
    """The ranks that this process is one of; None when it was not set up as one."""
    return _current


def _guarded(work: Callable[[Any], object], error: Any) -> int:
    """Whatever goes wrong between ranks means that one of them is gone: the batch ends, and the process that watches finds out which."""
    ranks = _current
    assert ranks
    try:
        ranks.sign()
        work(ranks)
        ranks.sign()
        return int(Status.OK)
    except BaseException as exception:
        ranks.lost = True
        if not isinstance(exception, Exception):
            leave(exception)
        make(_context, error, exception)
        return int(Status.CANCELLED)


def _view(address: int, count: int, kind: Any, dtype: str) -> Any:
    import torch

    return torch.frombuffer((kind * count).from_address(address), dtype=getattr(torch, dtype))


def _reasons() -> dict[str, int]:
    return {lib.evr_reason_name(i).decode(): i for i in range(1, 64) if lib.evr_reason_name(i)}


@native.callback(native.RANKS_BEGIN)
def _begin(user: int, done: Any, count: int, lost: Any, to: int, error: Any) -> int:
    told: list[int] = []

    def work(ranks: Any) -> None:
        reasons = _reasons()
        for index, reason, detail in ranks.begin([done[i] for i in range(count)]):
            told.append(lost(to, index, reasons.get(reason, reasons["rank-lost"]), detail.encode("utf-8", "replace"), error))
            if told[-1]:
                return

    status = _guarded(work, error)
    return told[-1] if status == Status.OK and told else status


@native.callback(native.RANKS_RECORD)
def _record(user: int, index: int, op: bytes, error: Any) -> int:
    return _guarded(lambda ranks: ranks.tell("over" if index == native.NO_UID else f"begin {index} {op.decode('utf-8', 'replace')}"), error)


@native.callback(native.RANKS_GROUP)
def _group(user: int, name: bytes, ranks: Any, count: int, error: Any) -> int:
    return _guarded(lambda all_ranks: all_ranks.group(name.decode(), [ranks[i] for i in range(count)]), error)


@native.callback(native.RANKS_DROP)
def _drop(user: int, name: bytes, error: Any) -> int:
    return _guarded(lambda ranks: ranks.drop(name.decode()), error)


@native.callback(native.RANKS_LARGEST)
def _largest(user: int, group: bytes | None, values: int, count: int, error: Any) -> int:
    return _guarded(lambda ranks: ranks.largest(_view(values, count, ctypes.c_double, "float64"), group.decode() if group else None), error)


@native.callback(native.RANKS_SHARE)
def _share(user: int, from_rank: int, data: int, size: int, error: Any) -> int:
    return _guarded(lambda ranks: ranks.share(_view(data, size, ctypes.c_uint8, "uint8"), from_rank), error)


@native.callback(native.RANKS_END)
def _end(user: int, error: Any) -> int:
    def work(ranks: Any) -> None:
        if ranks.count > 1:
            ranks.dist.barrier()
        ranks.tell("done")

    return _guarded(work, error)


def install(context: int, device: str = "cpu") -> Ranks | _Alone:
    """Joins the other ranks, once for a process, and tells a context of them."""
    global _current, _context
    if _current is None:
        _current = _Alone() if os.environ.get(SOLO) else Ranks(device)
    _context = context
    from ._handle import call

    hooks = native.Ranks(
        flags=1 if os.environ.get(OWN) else 0,
        rank=_current.rank,
        count=_current.count,
        local_rank=number("LOCAL_RANK"),
        local_count=number("LOCAL_WORLD_SIZE", 1),
        clock_offset_ns=_current.clock_offset_ns,
        begin=_begin,
        record=_record,
        group=_group,
        drop=_drop,
        largest=_largest,
        share=_share,
        end=_end,
    )
    call(lib.evr_set_ranks, context, hooks)
    return _current


def join(context: Context | None = None, device: str = "cpu") -> Ranks | _Alone:
    """For programs of their own that torchrun starts: joins the other ranks and tells a context of them."""
    return install(context_or_default(context).pointer, device)


def fit(record: Record, *, group_size: int = 0, expert_size: int = 0) -> Record:
    """The record that this rank runs of one that talks to others, with the group that it needs made. Every rank of the group calls.

    Raises Error (NOT_REPLAYABLE) when more ranks are needed than there are.
    """
    ranks, context = _current, record.context
    if ranks is None:
        raise Error(Status.STATE, "this process has not joined other ranks", "start it with torchrun, and call evreplay.ranks.join()")
    how = native.Ranks()
    lib.evr_get_ranks(context.pointer, ctypes.byref(how))
    how.group_size, how.expert_size = group_size, expert_size
    members, count, needed = (ctypes.c_int64 * ranks.count)(), ctypes.c_size_t(), ctypes.c_int32()
    pointer, error = ctypes.c_void_p(), ctypes.c_void_p()
    status = lib.evr_ir_fit_ranks(
        record.pointer, ctypes.byref(how), ctypes.byref(pointer), members, ctypes.byref(count), ctypes.byref(needed), ctypes.byref(error)
    )
    check(status, error)
    fitted = Record(pointer.value or 0, context, Handle("record", pointer.value or 0, lib.evr_ir_free, Owner(), context.handle))
    group = fitted.group
    if group and ranks.rank in members[: count.value]:
        ranks.group(group.name, list(members[: count.value]))
    return fitted
