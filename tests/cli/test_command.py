"""Help, exit codes, and what every command has in common."""
import os
import subprocess

import pytest
from conftest import EVREPLAY

COMMANDS = ["info", "events", "list", "extract", "replay", "bench", "compare", "pack", "launch", "fleet", "db", "doctor"]


def test_help_names_every_command(evreplay):
    result = evreplay("--help")
    assert result.returncode == 0 and result.stderr == ""
    for command in COMMANDS:
        assert f"  {command} " in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(evreplay, command):
    result = evreplay(command, "--help")
    assert result.returncode == 0
    assert result.stdout.startswith(f"usage: evreplay {command}")
    assert "--help" in result.stdout


def test_version(evreplay):
    assert evreplay("--version").stdout.split()[0] == "evreplay"


def test_no_command_is_usage(evreplay):
    result = evreplay()
    assert result.returncode == 2 and result.stdout == "" and "usage" in result.stderr


@pytest.mark.parametrize(
    "args, hint",
    [(["inof"], "info"), (["info", "--jsno", "x"], "--json"), (["events", "--catt=x", "t"], "--cat")],
)
def test_typing_errors_get_a_suggestion(evreplay, args, hint):
    result = evreplay(*args)
    assert result.returncode == 2 and f"did you mean {hint}" in result.stderr


@pytest.mark.parametrize("args", [["info"], ["info", "a", "b"], ["events", "--cat"], ["info", "--json=1", "x"],
                                  ["doctor", "x"], ["doctor", "--need", "abacus"]])
def test_usage_errors(evreplay, args):
    result = evreplay(*args)
    assert result.returncode == 2 and result.stdout == "" and result.stderr


def test_missing_file_is_named(evreplay):
    result = evreplay("info", "/no/such/trace.json")
    assert result.returncode == 4 and "/no/such/trace.json" in result.stderr and "what to do" in result.stderr


def test_not_a_trace(evreplay):
    result = evreplay("info", "-", stdin=b'{"hello": 1}')
    assert result.returncode == 4 and "traceEvents" in result.stderr


def test_reader_that_leaves(trace):
    """A closed pipe ends the command quietly."""
    process = subprocess.Popen([EVREPLAY, "events", str(trace)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.wait(timeout=60) in (0, 4)
    assert process.stderr.read() == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full is absent")
def test_full_disk_is_an_error(trace):
    with open("/dev/full", "wb") as full:
        result = subprocess.run([EVREPLAY, "events", str(trace)], stdout=full, stderr=subprocess.PIPE)
    assert result.returncode == 4 and b"failed" in result.stderr


def test_output_file_appears_whole_or_not_at_all(evreplay, trace, tmp_path):
    target = tmp_path / "info.json"
    assert evreplay("info", trace, "--json", "-o", target).returncode == 0
    assert target.read_text() == evreplay("info", trace, "--json").stdout
    assert list(tmp_path.iterdir()) == [target]
    assert evreplay("info", trace, "-o", tmp_path / "no" / "where").returncode == 4


def test_doctor(evreplay):
    result = evreplay("doctor")
    assert result.returncode == 0 and "libevreplay" in result.stdout
