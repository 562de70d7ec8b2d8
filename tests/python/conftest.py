"""Traces to try the package on, and what a test may need and not find."""
import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import pytest

DATA = pathlib.Path(__file__).parent.parent / "data"


def has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


needs_numpy = pytest.mark.skipif(not has("numpy"), reason="numpy is not installed")
needs_torch = pytest.mark.skipif(
    not has("torch") or "EVREPLAY_BRIDGE" not in os.environ, reason="torch is not installed, or this build has no bridge for it"
)


def event(name, dims, types, strides=None, values=None, **more):
    """A call as a profiler records it."""
    args = {"Input Dims": dims, "Input type": types}
    if strides is not None:
        args["Input Strides"] = strides
    args["Concrete Inputs"] = values or [""] * len(dims)
    return {"ph": "X", "cat": "cpu_op", "name": name, "pid": 1, "tid": 1, "ts": 10, "dur": 5, "args": args, **more}


def add_event(rows=4, columns=4):
    return event("aten::add", [[rows, columns]] * 2 + [[]], ["float", "float", "Scalar"], [[columns, 1]] * 2 + [[]], ["", "", "1"])


def mm_event(m=4, k=8, n=16):
    return event("aten::mm", [[m, k], [k, n]], ["float", "float"], [[k, 1], [n, 1]])


def trace_text(*events) -> bytes:
    return json.dumps({"traceEvents": list(events)}).encode()


def run_python(code, *, check=True, timeout=120, **environment):
    """A new interpreter. Its standard error must stay empty: nothing is printed when it ends."""
    result = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-W", "error::RuntimeWarning", "-c", code],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **environment},
    )
    if check:
        assert result.returncode == 0 and not result.stderr, f"exit {result.returncode}\n{result.stdout}\n{result.stderr}"
    return result


@pytest.fixture
def context():
    """A context of its own, so that what one test registers does not reach the next."""
    import evreplay

    return evreplay.Context()


@pytest.fixture
def record(context):
    """Makes the record of an event."""
    import evreplay

    def make(one):
        trace = evreplay.Trace.open(trace_text(one), context=context)
        return trace.record(0)

    return make


@pytest.fixture
def runtime(context):
    import evreplay

    return evreplay.Runtime("cpu", context=context)


@pytest.fixture
def ops(runtime):
    """The operators of tests/replay/ops, which look at what they are given."""
    path = os.environ.get("EVREPLAY_TEST_OPS")
    if not path or not os.path.exists(path):
        pytest.skip("the custom operators of tests/replay/ops were not built")
    runtime.load_library(path)
    return runtime
