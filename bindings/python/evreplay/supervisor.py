"""What torchrun starts for each rank: it runs no record itself, but watches the process that does.

When one of the ranks dies or hangs, all of them are started again at the record behind the one it happened in, which every rank reports as failed with the
same words. Nothing is lost, since each rank has its results in a journal. When this process is killed itself, torchrun starts all ranks again
(--max-restarts), or, if it does not, one that is left writes the report with what is missing marked as lost.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from . import ranks
from ._process import die_with_parent

_OUTPUTS = ("--json", "--csv", "--junit", "--html", "--markdown")
_TICK = 0.2
_GRACE = 2.0  # seconds beyond a record's time, in which a rank that still lives gives up by itself
_START = 300.0  # seconds to get ready in
_FUTILE = 3  # starts in a row without a record


def option(words: Sequence[str], name: str) -> str | None:
    """Value of an option of the command line."""
    found = None
    for i, word in enumerate(words):
        if word == name and i + 1 < len(words):
            found = words[i + 1]
        elif word.startswith(name + "="):
            found = word[len(name) + 1 :]
    return found


def without(words: Sequence[str], name: str) -> list[str]:
    """The command line without an option that has a value."""
    kept: list[str] = []
    skip = False
    for word in words:
        if not skip and word != name and not word.startswith(name + "="):
            kept.append(word)
        skip = not skip and word == name
    return kept


def _of_folder(folder: pathlib.Path, rank: int) -> pathlib.Path:
    """The file of a rank: the one with its number behind "rank" in its name, else the one at its place."""
    files = sorted((path for path in folder.iterdir() if path.is_file()), key=lambda path: [int(t) if t.isdigit() else t for t in re.split(r"(\d+)", path.name)])
    for path in files:
        found = re.search(r"rank[_\-.]?(\d+)", path.name)
        if found and int(found[1]) == rank:
            return path
    if rank >= len(files):
        raise SystemExit(f"evreplay: {folder} has {len(files)} files, and none is for rank {rank}")
    return files[rank]


def arguments_of(words: Sequence[str], rank: int, journal: str) -> tuple[list[str], bool]:
    """The command line of one rank, and whether it has records of its own: {rank} becomes its number, a folder as input its file; reports are
    rank 0's unless each has a name of its own."""
    made, own = list(words), False
    for name in _OUTPUTS:
        value = option(made, name)
        if rank and value and "{rank}" not in value:
            made = without(made, name)
    for i, word in enumerate(made):
        named = i and not made[i - 1].startswith("--")
        if not word.startswith("-") and pathlib.Path(word).is_dir() and (i == len(made) - 1 or named or i == 1):
            made[i], own = str(_of_folder(pathlib.Path(word), rank)), True
        elif "{rank}" in word and not word.startswith("-") and (i == 0 or made[i - 1] not in (*_OUTPUTS, "--journal")):
            own = True
    given = option(made, "--journal")
    if given and "{rank}" not in given:
        journal = f"{given}.rank{rank}"
    elif given:
        journal = given.replace("{rank}", str(rank))
    resume = [] if given and "--resume" not in made and not _restarted(journal) else ["--resume"]
    made = [word for word in without(made, "--journal") if word not in ("--resume", "--isolate")]
    return [word.replace("{rank}", str(rank)) for word in made] + ["--journal", journal, *resume], own


def _restarted(journal: str) -> bool:
    return ranks.number("TORCHELASTIC_RESTART_COUNT") > 0 and os.path.exists(journal)


class _Child:
    """The process that runs the records, and what it last said."""

    def __init__(self, words: Sequence[str], environment: dict[str, str]) -> None:
        self.lines, theirs = os.pipe()
        signs = os.memfd_create("evreplay-signs")
        os.ftruncate(signs, mmap.PAGESIZE)
        self._alive = ctypes.c_double.from_buffer(mmap.mmap(signs, mmap.PAGESIZE))
        os.set_blocking(self.lines, False)
        self._rest = b""
        self.index: int | None = None
        self.op = ""
        self.begun = time.monotonic()
        self.ready = self.done = False
        environment = {**environment, ranks.CHILD: "1", ranks.PIPE: str(theirs), ranks.SIGNS: str(signs)}
        self.process = subprocess.Popen([sys.executable, "-m", "evreplay", *words], env=environment, pass_fds=[theirs, signs], stdin=subprocess.DEVNULL)
        os.close(theirs)
        os.close(signs)

    def silent(self) -> float:
        """Seconds since it was seen to get on. A rank that waits for one that hangs gives up in time and gets on; the one that hangs does not."""
        return time.monotonic() - max(self.begun, self._alive.value)

    def listen(self, seconds: float) -> None:
        """Takes in what it says for a moment."""
        if not select.select([self.lines], [], [], seconds)[0]:
            return
        try:
            told = os.read(self.lines, 65536)
        except BlockingIOError:
            return
        if not told:
            time.sleep(seconds)  # its end is closed: it is about to be gone
        *lines, self._rest = (self._rest + told).split(b"\n")
        for line in lines:
            word, _, rest = line.decode("utf-8", "replace").partition(" ")
            self.ready = True
            self.done |= word == "done"
            self.begun = time.monotonic()
            self.index, self.op = None, ""
            if word == "begin":
                place, _, self.op = rest.partition(" ")
                self.index = int(place)

    def end(self) -> int:
        """Ends it, if it is not over, and gives its exit code."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.listen(0)
        os.close(self.lines)
        return self.process.returncode


class _Ended(Exception):
    """torchrun wants this process to go."""


class Supervisor:
    """One for each rank."""

    def __init__(self, words: Sequence[str]) -> None:
        self.rank, self.count = ranks.number("RANK"), ranks.number("WORLD_SIZE", 1)
        self.timeout = float(option(words, "--timeout") or 300)
        name = f"evreplay-{os.getuid()}-{os.environ.get('TORCHELASTIC_RUN_ID', 'none')}-{os.getppid()}"
        self.folder = pathlib.Path(tempfile.gettempdir()) / re.sub(r"[^\w.-]", "_", name)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.words, self.own = arguments_of(words, self.rank, str(self.folder / f"rank{self.rank}.journal"))
        self.words_of_first, _ = arguments_of(words, 0, self.words[self.words.index("--journal") + 1])
        self.verdicts: list[dict[str, Any]] = self._left_behind()
        self.generation = self.futile = 0
        self.child: _Child | None = None
        self.store: Any = None

    def run(self) -> int:
        """Until all records are done on all ranks. Gives the exit code."""
        signal.signal(signal.SIGTERM, self._on_term)
        try:
            self.child = self._start()  # it needs as long to get ready as this process
            self.store = ranks.connect(master=True)
            code = self._watch()
        except _Ended:
            return self._end_early()
        self._clean_up()
        return self._exit_code(code)

    # A generation of processes

    def _environment(self) -> dict[str, str]:
        own = {ranks.OWN: "1"} if self.own else {}
        return {
            **os.environ,
            **own,
            ranks.GENERATION: str(self.generation),
            ranks.TIMEOUT: str(self.timeout),
            ranks.VERDICTS: json.dumps(self.verdicts),
        }

    def _start(self) -> _Child:
        return _Child(self.words, self._environment())

    def _watch(self) -> int:
        while True:
            assert self.child
            verdict, code = self._until_something()
            if verdict is None:
                self.store.set(f"finished/{self.rank}", str(code))
                verdict = self._wait_for_others()
                if verdict is None:
                    return code
            self.child.end()
            self.futile = 0 if self.child.ready else self.futile + 1
            if self.futile == _FUTILE:
                print(f"evreplay: the ranks could not begin: {verdict['detail']}", file=sys.stderr)
                return 5
            if self.rank == 0:
                print(f"evreplay: {verdict['detail']}; the ranks are started again", file=sys.stderr)
            self.verdicts.append(verdict)
            self.generation += 1
            self.child = self._start()

    def _until_something(self) -> tuple[dict[str, Any] | None, int]:
        """Until this rank is done, or one of them has failed: what became of it."""
        child = self.child
        assert child
        while True:
            child.listen(_TICK)
            code = child.process.poll()
            if code is None:
                told = self._told()
                if told:
                    return told, 0
                late = child.silent()
                if late > (self.timeout + _GRACE if child.index is not None else max(self.timeout, _START)):
                    return self._tell("timeout", f"did not answer for {late:.0f} s"), 0
                continue
            child.listen(0)
            if 0 <= code <= 5 and (child.done or not child.ready):
                return None, code
            if code == ranks.LOST:  # another rank is to blame, and whoever watches it will say so
                return self._wait(self.timeout + _GRACE + 30) or self._tell("rank-lost", "lost touch with the others"), 0
            how = f"was killed by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"ended with code {code}"
            return self._tell("crashed", how), 0

    def _key(self) -> str:
        return f"failed/{self.generation}"

    def _told(self) -> dict[str, Any] | None:
        return json.loads(self.store.get(self._key())) if self.store.check([self._key()]) else None

    def _wait(self, seconds: float) -> dict[str, Any] | None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            told = self._told()
            if told:
                return told
            time.sleep(_TICK)
        return None

    def _tell(self, reason: str, how: str) -> dict[str, Any]:
        """Says to all what happened here, unless another rank was first."""
        assert self.child
        op, place = self.child.op, self.child.index
        during = f"{op}: " if op else ""
        verdict = {"index": place, "op": op, "rank": self.rank, "reason": reason, "detail": f"{during}rank {self.rank} {how}"}
        said: dict[str, Any] = json.loads(self.store.compare_set(self._key(), "", json.dumps(verdict)))
        return said

    def _wait_for_others(self) -> dict[str, Any] | None:
        keys = [f"finished/{rank}" for rank in range(self.count)]
        while not all(self.store.check([key]) for key in keys):
            told = self._told()
            if told:
                return told
            time.sleep(_TICK)
        return None

    # When torchrun is to start the ranks again, or ends them

    def _on_term(self, number: int, frame: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise _Ended

    def _left_behind(self) -> list[dict[str, Any]]:
        """What this rank was at when torchrun ended it the last time."""
        try:
            found: list[dict[str, Any]] = json.loads((self.folder / f"rank{self.rank}.left").read_text())
            return found
        except (OSError, ValueError):
            return []

    def _end_early(self) -> int:
        child = self.child
        if child:
            child.listen(0)
            child.end()
            if child.index is not None:
                detail = f"{child.op}: a rank was killed while it was run"
                self.verdicts.append({"index": child.index, "op": child.op, "reason": "rank-lost", "detail": detail})
        (self.folder / f"rank{self.rank}.left").write_text(json.dumps(self.verdicts))
        if ranks.number("TORCHELASTIC_RESTART_COUNT") >= ranks.number("TORCHELASTIC_MAX_RESTARTS") and self._is_reporter():
            words = self.words_of_first
            last = _Child(words, {**self._environment(), ranks.SOLO: "1"})
            last.process.wait()
            self._leave_code(1)
        return 128 + int(signal.SIGTERM)

    def _is_reporter(self) -> bool:
        """One of those that are left writes the report."""
        try:
            store = self.store or ranks.connect(timeout=5)
            return bool(store.compare_set("reporter", "", str(self.rank)) == str(self.rank).encode())
        except Exception:  # the store went with the rank that held it
            return self.rank == 0

    # The end

    def _clean_up(self) -> None:
        for name in (f"rank{self.rank}.journal", f"rank{self.rank}.left"):
            (self.folder / name).unlink(missing_ok=True)
        try:
            self.folder.rmdir()
        except OSError:  # other ranks are still in it
            pass

    def _leave_code(self, code: int) -> bool:
        path = os.environ.get("EVREPLAY_EXIT_FILE")
        if path and self.rank == 0 and os.path.exists(path):
            pathlib.Path(path).write_text(str(code))
        return bool(path)

    def _exit_code(self, code: int) -> int:
        """torchrun would start all ranks again for records that failed."""
        again = ranks.number("TORCHELASTIC_RESTART_COUNT") < ranks.number("TORCHELASTIC_MAX_RESTARTS")
        return 0 if self._leave_code(code) or (again and code == 1) else code


def run(words: Sequence[str]) -> int:
    """The command as one of several ranks."""
    supervisor = Supervisor(words)
    try:
        return supervisor.run()
    finally:
        if supervisor.child and supervisor.child.process.poll() is None:
            supervisor.child.process.kill()


__all__ = ["Supervisor", "arguments_of", "die_with_parent", "option", "run"]
