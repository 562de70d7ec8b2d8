"""`evreplay fleet` hands over to the package of Python; what it does there is tested in tests/python/test_fleet.py."""
import importlib.util
import os
import pathlib
import re
import subprocess
import sys

import pytest
from conftest import EVREPLAY

PACKAGE = pathlib.Path(__file__).parents[2] / "bindings/python"


@pytest.fixture
def echo(tmp_path):
    """An interpreter that says what it was given, and ends with 4."""
    path = tmp_path / "echo"
    path.write_text('#!/bin/sh\nshift 2\nprintf "%s\\n" "$@"\nexit 4\n')
    path.chmod(0o755)
    return path


def test_the_words_arrive_and_the_exit_code_comes_back(evreplay, echo):
    result = evreplay("fleet", "bench", "a b.json", "--cpus", "2", "dir", "--resource", "h200=1", "--resource=x=2", "--resume", "--journal=j", "--python", echo, "--", "--device", "cuda", "--", "-v")
    assert result.stdout.splitlines() == ["evreplay.fleet", "--cpus=2", "--resource=h200=1", "--resource=x=2", "--journal=j", "--resume", "bench", "a b.json", "dir", "--", "--device", "cuda", "--", "-v"]  # fmt: skip
    assert result.returncode == 4


def test_many_inputs(evreplay, echo):
    names = [f"rank{i}.json.gz" for i in range(5000)]
    assert evreplay("fleet", "replay", *names, "--python", echo).stdout.splitlines() == ["evreplay.fleet", "replay", *names]


@pytest.mark.parametrize("words", [[], ["bench"], ["benhc", "x.json"], ["x.json"], ["--", "bench", "x.json"]])
def test_usage(evreplay, echo, words):
    result = evreplay("fleet", *words, "--python", echo) if "--" not in words else evreplay("fleet", "--python", echo, *words)
    assert result.returncode == 2 and "replay, bench or fill" in result.stderr and result.stdout == ""


def test_typing_errors_get_a_suggestion(evreplay):
    result = evreplay("fleet", "bench", "x", "--jornal=j")
    assert result.returncode == 2 and "--journal" in result.stderr


@pytest.mark.parametrize("words", [["fleet", "bench", "x"], ["launch", "--", "bench", "x"]])
def test_what_is_missing_is_said(evreplay, words, tmp_path):
    words.insert(1, f"--python={tmp_path}/none")
    result = evreplay(*words)
    assert result.returncode == 5 and f"{tmp_path}/none" in result.stderr and "--python" in result.stderr
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    bare.chmod(0o755)
    words[1] = f"--python={bare}"
    result = evreplay(*words)
    assert result.returncode == 5 and " has no " in result.stderr and "what to do" in result.stderr


def test_launch_needs_the_package_as_well(evreplay, tmp_path):
    if not importlib.util.find_spec("torch"):
        pytest.skip("torch is not installed")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nunset PYTHONPATH\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    if subprocess.run([python, "-c", "import evreplay"], capture_output=True, check=False).returncode == 0:
        pytest.skip("evreplay is installed for this interpreter")
    result = evreplay("launch", f"--python={python}", "--", "bench", "x")
    assert result.returncode == 5 and " has no evreplay" in result.stderr and "torchrun" not in result.stderr


def test_both_sides_have_the_same_options(evreplay):
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE), "EVREPLAY_LIBRARY": str(pathlib.Path(EVREPLAY).parents[1] / "lib")}
    there = subprocess.run([sys.executable, "-m", "evreplay.fleet", "--help"], env=environment, capture_output=True, text=True, check=True).stdout
    options = [set(re.findall(r"^ +(?:-h, )?(--[\w-]+)", text, re.M)) for text in (evreplay("fleet", "--help").stdout, there)]
    assert options[0] - {"--python"} == options[1]
