"""The wheel that `pip install .` makes: complete, and alone in a folder it works."""
import os
import pathlib
import subprocess
import sys
import zipfile

import pytest
from conftest import DATA, has

ROOT = pathlib.Path(__file__).parent.parent.parent

pytestmark = pytest.mark.skipif(not has("scikit_build_core") or not has("pip"), reason="scikit-build-core or pip is not installed")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "--no-index", "-q", "-w", folder, ROOT]
    result = subprocess.run(command, capture_output=True, text=True, timeout=540)
    assert result.returncode == 0, result.stdout + result.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    (folder / "name").write_text(wheel.name)
    os.chmod(folder / "evreplay" / "bin" / "evreplay", 0o755)  # zipfile keeps no modes
    return folder


def run(installed, *arguments, **environment):
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(installed), "HOME": str(installed), **environment}
    return subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, timeout=120, cwd=installed, env=environment)


def test_wheel__named_for_every_python_3(installed):
    import evreplay

    name = (installed / "name").read_text()
    assert name.startswith(f"evreplay-{evreplay.__version__}-py3-none-linux_")


def test_wheel__has_what_belongs_to_it(installed):
    files = {str(path.relative_to(installed / "evreplay")) for path in (installed / "evreplay").rglob("*") if path.is_file()}
    assert {"py.typed", "bin/evreplay", "lib/libevreplay.so", "lib/evreplay/libevreplay_command.so", "include/evreplay/evreplay.h"} <= files
    assert {"bridge/torch/entry.cpp", "bridge/torch/bridge.map", "EventReplay/batched_replay_readme.md"} <= files
    assert [one for one in files if one.startswith("lib/libevreplay.so")] == ["lib/libevreplay.so"], "one file, no copies for links"
    sources = {str(path.relative_to(ROOT / "bindings/python/evreplay")) for path in (ROOT / "bindings/python/evreplay").rglob("*.py")}
    assert sources <= files
    entries = next(installed.glob("*.dist-info")) / "entry_points.txt"
    assert "evreplay = evreplay.command:main" in entries.read_text() and "evreplay-python-worker = evreplay.worker:main" in entries.read_text()
    assert "libexec/evreplay/evreplay-worker" in files


def test_wheel__works_by_itself(installed):
    code = f"import evreplay; print(evreplay._native.lib._name); print(len(evreplay.Trace.open({str(DATA / 'small_kineto.json.gz')!r})))"
    result = run(installed, "-c", code)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == [str(installed / "evreplay" / "lib" / "libevreplay.so"), "235"]


def test_wheel__command(installed):
    inside = run(installed, "-m", "evreplay", "events", DATA / "small_kineto.json", "--cat", "kernel")
    assert inside.returncode == 0 and "gemm" in inside.stdout and not inside.stderr
    program = subprocess.run([installed / "evreplay" / "bin" / "evreplay", "--version"], capture_output=True, text=True, timeout=60)
    assert program.returncode == 0 and program.stdout.startswith("evreplay ")


def test_wheel__without_torch_it_says_what_to_install(installed, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['torch'] = None\n")  # as where it is not installed
    told = run(installed, "-m", "evreplay", "doctor", PYTHONPATH=f"{tmp_path}{os.pathsep}{installed}")
    assert told.returncode == 0 and "pip install torch" in told.stderr and "torch bridge   not found" in told.stdout
    quiet = run(installed, "-m", "evreplay", "info", DATA / "small_kineto.json", PYTHONPATH=f"{tmp_path}{os.pathsep}{installed}")
    assert quiet.returncode == 0 and not quiet.stderr


@pytest.mark.skipif(not has("torch"), reason="torch is not installed")
def test_wheel__doctor_does_not_compile(installed, tmp_path):
    told = run(installed, "-m", "evreplay", "doctor", XDG_CACHE_HOME=str(tmp_path))
    assert told.returncode == 0 and "compiled when it is first needed" in told.stderr and "torch bridge   not found" in told.stdout
    assert not list(tmp_path.rglob("*"))
