"""The command inside of Python, as the console script and `python -m evreplay` run it."""
import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from conftest import DATA, add_event, event, needs_torch, trace_text

PLAIN = DATA / "small_kineto.json"


def evreplay(*arguments, stdin=None, **environment):
    command = [sys.executable, "-m", "evreplay", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120, env={**os.environ, **environment})


@pytest.mark.parametrize("arguments", [["info", PLAIN], ["--version"], ["--help"], ["nonsense"], ["list", PLAIN, "--json"], ["info", "/no/such"], []])
def test_command__as_the_program(arguments):
    program = subprocess.run([os.environ["EVREPLAY"], *map(str, arguments)], capture_output=True, text=True, timeout=120)
    result = evreplay(*arguments)
    assert (result.returncode, result.stdout, result.stderr) == (program.returncode, program.stdout, program.stderr)


def test_command__takes_standard_input():
    result = evreplay("events", "-", "--jsonl", stdin=trace_text(add_event()).decode())
    assert result.returncode == 0 and json.loads(result.stdout)["name"] == "aten::add"


def test_command__from_a_program(capfd):
    from evreplay.command import main

    before = signal.getsignal(signal.SIGINT)
    assert main(["events", str(PLAIN), "--cat", "kernel"]) == 0
    assert "gemm" in capfd.readouterr().out and signal.getsignal(signal.SIGINT) is before
    assert main(["nonsense"]) == 2


@needs_torch
@pytest.mark.parametrize("isolated", [False, True])
def test_command__replays_operators_that_python_defines(tmp_path, isolated):
    """The program cannot: there is no interpreter in it to import the module."""
    worker = tmp_path / "evreplay-python-worker"
    worker.write_text(f"#!{sys.executable}\nimport sys\nfrom evreplay.worker import main\nsys.exit(main())\n")
    worker.chmod(0o755)
    (tmp_path / "evrcommand.py").write_text(
        textwrap.dedent(
            """
            import torch
            library = torch.library.Library("evrcommand", "DEF")
            library.define("double(Tensor x) -> Tensor")
            library.impl("double", lambda x: x + x, "CPU")
            """
        )
    )
    trace = tmp_path / "trace.json"
    trace.write_bytes(trace_text(event("evrcommand::double", [[4]], ["float"], [[1]])))
    path = f"{tmp_path}:{os.environ['PYTHONPATH']}"
    how = ["--isolate"] if isolated else []
    wanted = ["--import", "evrcommand=evrcommand", "--json", tmp_path / "out.json"]
    result = evreplay("replay", trace, *wanted, *how, PYTHONPATH=path, EVREPLAY_WORKER=str(worker))
    assert result.returncode == 0, result.stderr
    (one,) = json.loads((tmp_path / "out.json").read_text())["results"]
    assert (one["op"], one["status"]) == ("evrcommand::double", "ok")
    refused = evreplay("replay", trace, PYTHONPATH=path)
    assert refused.returncode == 1 and "no-such-op" in refused.stdout + refused.stderr


def test_worker__says_what_it_is_for():
    result = subprocess.run([sys.executable, "-m", "evreplay.worker"], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert result.returncode == 2 and "no use by itself" in result.stderr


def test_worker__of_the_installation_is_found(monkeypatch, tmp_path):
    import evreplay.command as command

    monkeypatch.delenv("EVREPLAY_WORKER", raising=False)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "evreplay")])
    script = tmp_path / "evreplay-python-worker"
    script.write_text("")
    script.chmod(0o755)
    command._find_worker()
    assert os.environ.pop("EVREPLAY_WORKER") == str(script)


def test_command__interrupted_as_any_program(tmp_path):
    """It waits for standard input, which never comes."""
    child = subprocess.Popen(
        [sys.executable, "-m", "evreplay", "info", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:  # until it reads: a signal before that is Python's own to answer
        with open(f"/proc/{child.pid}/maps") as maps:
            if "libevreplay_command" in maps.read():
                break
        time.sleep(0.02)
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    _, told = child.communicate(timeout=30)
    assert child.returncode == -signal.SIGINT and told == b""


def test_command__runs_the_program_where_the_library_is_missing(monkeypatch, tmp_path):
    import evreplay.command as command

    ran = []
    monkeypatch.setattr(command, "in_process_path", lambda: None)
    monkeypatch.setattr(os, "execv", lambda path, words: ran.append((str(path), words)) or sys.exit(0))
    monkeypatch.setattr(command, "program_path", lambda: "/opt/bin/evreplay")
    with pytest.raises(SystemExit):
        command.main(["info", "x"])
    assert ran == [("/opt/bin/evreplay", ["evreplay", "info", "x"])]


def test_command__missing_says_what_to_do(monkeypatch, capsys):
    import evreplay.command as command

    monkeypatch.setattr(command, "in_process_path", lambda: None)
    monkeypatch.setattr(command, "program_path", lambda: None)
    assert command.main([]) == 5
    assert "EVREPLAY_LIBRARY" in capsys.readouterr().err


def test_command__finds_what_was_built():
    import evreplay.command as command

    assert command.in_process_path().name == "libevreplay_command.so"
    assert os.path.realpath(command.program_path()) == os.path.realpath(os.environ["EVREPLAY"])
