"""What runs on a node: the command, in a process of its own that ends with the task.

Shards are run by a seat: a process of the command that stays as long as the worker of Ray does, has torch loaded, and forks for each shard. What it costs to
start an interpreter, a command and a worker with torch is paid once for each place, not for each shard.
"""

from __future__ import annotations

import json
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from .plan import Part, join

# Dies with its parent, then becomes the command: a lost task leaves nothing running that its repetition would compete with.
_TRAMPOLINE = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, {signal}); os.getppid() == {parent} or os._exit(1); os.execv(sys.argv[1], sys.argv[1:])"
# Another bridge would bring another torch than the one that a seat has loaded, and visits are to find their memory elsewhere each time, which forks do not.
_NOT_IN_A_SEAT = ("--bridge", "--visits")
_SOME_FAILED = 1  # exit code: records failed, as their results say


class ShardError(RuntimeError):
    """The command could not run a shard at all."""

    def __init__(self, code: int, told: str) -> None:
        super().__init__(code, told)
        self.code = code
        self.told = told

    def __str__(self) -> str:
        return f"the command ended with {self.code}: {self.told}"


def command() -> list[str]:
    """The command of this node: the program, or this interpreter with the package."""
    from ..command import program_path

    program = os.environ.get("EVREPLAY_PROGRAM") or program_path()
    return [str(program)] if program else [sys.executable, "-m", "evreplay"]


def _bound_to_this(words: Sequence[str]) -> list[str]:
    """A command line for something that dies with this process."""
    return [sys.executable, "-S", "-c", _TRAMPOLINE.format(signal=int(signal.SIGKILL), parent=os.getpid()), *words]


def run_command(arguments: Sequence[str]) -> tuple[int, str, str]:
    """Exit code, standard output and the end of standard error."""
    result = subprocess.run(_bound_to_this([*command(), *arguments]), capture_output=True, text=True, check=False)
    return result.returncode, result.stdout, result.stderr[-4000:].strip()


class _SeatLost(Exception):
    """It is gone, and with it what it ran."""


class Seat:
    """The process that stays: `evreplay seat`. It runs nothing itself, so nothing that a record does reaches it."""

    def __init__(self, program: str) -> None:
        self.of = self.surroundings(program)
        self._process = subprocess.Popen(
            _bound_to_this([program, "seat"]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )

    @staticmethod
    def surroundings(program: str) -> tuple[Any, ...]:
        """What its forks inherit: a seat of others is of no use."""
        return program, os.getcwd(), dict(os.environ)

    def run(self, arguments: Sequence[str], folder: pathlib.Path) -> tuple[int, str, str]:
        """As run_command(); what is printed goes through files in the folder."""
        out, err = folder / "out.txt", folder / "err.txt"
        texts = b"".join(os.fsencode(text) + b"\0" for text in (str(out), str(err), *arguments))
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(struct.pack("=I", len(texts)) + texts)
            answer = self._process.stdout.read(4)
        except OSError:
            answer = b""
        if not answer or len(answer) != 4:
            raise _SeatLost
        code = os.waitstatus_to_exitcode(struct.unpack("=i", answer)[0])
        return code, out.read_text(errors="replace") if out.exists() else "", err.read_text(errors="replace")[-4000:].strip() if err.exists() else ""

    def close(self) -> None:
        """Ends it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        self._process.kill()
        self._process.wait()


_seat: Seat | None = None  # of this worker of Ray, from its first shard on


def _run_in_seat(arguments: Sequence[str], folder: pathlib.Path) -> tuple[int, str, str]:
    """As run_command(), without starting a program. A seat that was killed is replaced, once; where there is none, a program is started."""
    global _seat
    words = command()
    by_itself = any(argument.startswith(_NOT_IN_A_SEAT) for argument in arguments)
    for _ in range(2 if len(words) == 1 and not by_itself else 0):
        if _seat is not None and _seat.of != Seat.surroundings(words[0]):
            _seat.close()
            _seat = None
        try:
            _seat = _seat or Seat(words[0])
            return _seat.run(arguments, folder)
        except _SeatLost:
            assert _seat
            _seat.close()
            _seat = None
    return run_command(arguments)


def extract(path: str, options: Sequence[str] = ()) -> str:
    """The records of an input as a document. Those that cannot be replayed are among them, with their reason."""
    code, document, told = run_command(["extract", path, *options])
    if code not in (0, _SOME_FAILED):
        raise ShardError(code, told)
    return document


def extract_part(files: Sequence[str], options: Sequence[str] = ()) -> list[Part]:
    """The records of neighbouring inputs, joined; what is not seen here, or cannot be read, is told by its path."""

    def one(path: str) -> Part:
        try:
            return extract(path, options), ""
        except ShardError:
            return None, path

    return join(one(path) for path in files)


def join_parts(*parts: Sequence[Part]) -> list[Part]:
    """What several tasks made, in their order, as one would have made it."""
    return join(part for of_one in parts for part in of_one)


def run_shard(verb: str, document: str, options: Sequence[str]) -> dict[str, Any]:
    """Runs the records of a document; `verb` is replay or bench. Returns the results document."""
    with tempfile.TemporaryDirectory(prefix="evreplay-shard-") as folder:
        records, results = pathlib.Path(folder) / "records.json", pathlib.Path(folder) / "results.json"
        records.write_text(document)
        code, _, told = _run_in_seat([verb, str(records), "--isolate", "--json", str(results), *options], pathlib.Path(folder))
        if code not in (0, _SOME_FAILED) or not results.exists():
            raise ShardError(code, told)
        found: dict[str, Any] = json.loads(results.read_text())
        return found
