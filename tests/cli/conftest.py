"""The command under test, and small traces to try it on."""
import gzip
import json
import os
import pathlib
import subprocess

import pytest

EVREPLAY = os.environ.get("EVREPLAY", "evreplay")
DATA = pathlib.Path(__file__).parent.parent / "data"


def shared() -> pathlib.Path:
    return pathlib.Path(os.environ.get("EVREPLAY_SHARED_FOLDER", "no-shared-folder"))


@pytest.fixture
def evreplay():
    def run(*args, stdin=None, binary=False):
        result = subprocess.run([EVREPLAY, *map(str, args)], input=stdin, capture_output=True, timeout=120)
        if not binary:
            result.stdout, result.stderr = result.stdout.decode(), result.stderr.decode()
        return result

    return run


@pytest.fixture
def trace() -> pathlib.Path:
    return DATA / "small_kineto.json"


@pytest.fixture
def events(trace):
    return json.loads(trace.read_text())["traceEvents"]


@pytest.fixture
def truncated(trace, tmp_path) -> pathlib.Path:
    text = trace.read_bytes()
    path = tmp_path / "cut.json.gz"
    path.write_bytes(gzip.compress(text[: len(text) * 2 // 3]))
    return path
