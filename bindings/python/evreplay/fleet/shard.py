"""What runs on a node: the command, in a process of its own that ends with the task."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

# Dies with its parent, then becomes the command: a lost task leaves nothing running that its repetition would compete with.
_TRAMPOLINE = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, {signal}); os.getppid() == {parent} or os._exit(1); os.execv(sys.argv[1], sys.argv[1:])"
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


def run_command(arguments: Sequence[str]) -> tuple[int, str, str]:
    """Exit code, standard output and the end of standard error."""
    trampoline = _TRAMPOLINE.format(signal=int(signal.SIGKILL), parent=os.getpid())
    result = subprocess.run([sys.executable, "-S", "-c", trampoline, *command(), *arguments], capture_output=True, text=True, check=False)
    return result.returncode, result.stdout, result.stderr[-4000:].strip()


def extract(path: str, options: Sequence[str] = ()) -> str:
    """The records of an input as a document. Those that cannot be replayed are among them, with their reason."""
    code, document, told = run_command(["extract", path, *options])
    if code not in (0, _SOME_FAILED):
        raise ShardError(code, told)
    return document


def run_shard(verb: str, document: str, options: Sequence[str]) -> dict[str, Any]:
    """Runs the records of a document; `verb` is replay or bench. Returns the results document."""
    with tempfile.TemporaryDirectory(prefix="evreplay-shard-") as folder:
        records, results = pathlib.Path(folder) / "records.json", pathlib.Path(folder) / "results.json"
        records.write_text(document)
        code, _, told = run_command([verb, str(records), "--isolate", "--json", str(results), *options])
        if code not in (0, _SOME_FAILED) or not results.exists():
            raise ShardError(code, told)
        found: dict[str, Any] = json.loads(results.read_text())
        return found
