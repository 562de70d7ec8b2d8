"""Building the bridge for the torch that is installed."""
import os
import pathlib
import shutil
import stat
import threading

import pytest
from conftest import has, needs_torch, run_python

import evreplay
from evreplay import Status, bridge

pytestmark = pytest.mark.skipif(not has("torch"), reason="torch is not installed")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("EVREPLAY_BRIDGE", raising=False)
    return tmp_path


@pytest.fixture
def compiler(tmp_path, monkeypatch):
    """Stands for a compiler: a script, and what it was called with."""

    def make(body):
        path, calls = tmp_path / "compiler", tmp_path / "calls"
        path.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n{body}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("CXX", str(path))
        return lambda: calls.read_text().splitlines() if calls.exists() else []

    return make


BRIDGE = os.environ.get("EVREPLAY_BRIDGE", "")  # the one of this build; tests do without it
TOUCH = 'while [ "$1" != -o ]; do shift; done; echo made > "$2"'


def test_cache__a_place_for_each_torch(monkeypatch, tmp_path):
    first = bridge.cache_path()
    assert first == bridge.cache_path() and first.name == "libevreplay_torch.so" and tmp_path in first.parents
    other = tmp_path / "torch"
    other.mkdir()
    (other / "version.py").write_text("__version__ = '9.9'")
    monkeypatch.setattr(bridge, "torch_folder", lambda: other)
    assert bridge.cache_path() != first


def test_build__once_and_told(compiler):
    calls, told = compiler(TOUCH), []
    path = bridge.ensure(told.append)
    sources = len(list((pathlib.Path(bridge._sources()[1])).glob("*.cpp")))
    assert path.read_text() == "made\n" and len(calls()) == sources + 1 and len(told) == 1 and "torch" in told[0]
    assert bridge.ensure(told.append) == path and len(calls()) == sources + 1 and len(told) == 1
    assert sorted(one.name for one in path.parent.iterdir()) == ["libevreplay_torch.lock", "libevreplay_torch.so"], "nothing is left over"


def test_build__by_one_of_many(compiler):
    calls, paths = compiler("sleep 0.2\n" + TOUCH), []
    workers = [threading.Thread(target=lambda: paths.append(bridge.ensure(lambda text: None))) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(set(paths)) == 1 and len([one for one in calls() if "-shared" in one]) == 1


def test_build__what_the_compiler_says(compiler):
    compiler("echo 'error: no concept of concepts' >&2; exit 1")
    with pytest.raises(evreplay.Error) as caught:
        bridge.ensure(lambda text: None)
    assert caught.value.code is Status.PLUGIN and "no concept of concepts" in caught.value.message and "CXX" in caught.value.hint
    assert not bridge.cache_path().exists()


def test_build__no_compiler(monkeypatch):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(evreplay.Error, match="there is no C\\+\\+ compiler") as caught:
        bridge.ensure(lambda text: None)
    assert "apt-get install" in caught.value.hint and "EVREPLAY_BRIDGE" in caught.value.hint
    monkeypatch.setenv("CXX", "/no/such/compiler")
    with pytest.raises(evreplay.Error, match="/no/such/compiler cannot be run"):
        bridge.ensure(lambda text: None)


def test_build__no_torch_and_no_sources(monkeypatch):
    monkeypatch.setattr(bridge, "torch_folder", lambda: None)
    with pytest.raises(evreplay.Error, match="torch is not installed"):
        bridge.ensure()
    monkeypatch.undo()
    monkeypatch.setattr(bridge, "_source_folders", lambda: None)
    with pytest.raises(evreplay.Error, match="without the sources"):
        bridge.ensure()


BORROW = """#!/bin/sh
# A compiler that takes objects of the build where it has them, for all sources but one: compiling them all takes minutes of two cores.
for word; do
    case $before in -c) source=${word##*/} ;; -o) made=$word ;; esac
    before=$word
done
[ -n "$source" ] && [ "$source" != entry.cpp ] && [ -f "$OBJECTS/$source.o" ] && exec cp "$OBJECTS/$source.o" "$made"
exec $REAL_CXX "$@"
"""


@needs_torch
def test_runtime__builds_one_when_none_is_installed(tmp_path, monkeypatch):
    """The library alone in a folder, as a wheel has it; built by the real compiler, through ccache where it is: one source, or all with EVREPLAY_FULL_TESTS=1."""
    folder = tmp_path / "lib"
    folder.mkdir()
    shutil.copy(os.path.realpath(os.environ["EVREPLAY_LIBRARY"]), folder / "libevreplay.so")
    compiler = next((path for path in map(shutil.which, ("g++", "c++")) if path), None)
    if not compiler:
        pytest.skip("there is no C++ compiler")
    ccache = shutil.which("ccache")
    words = f"{ccache} {compiler}" if ccache else compiler
    objects = pathlib.Path(BRIDGE).parents[2] / "bridge" / "torch" / "CMakeFiles" / "evreplay_torch.dir"
    if not os.environ.get("EVREPLAY_FULL_TESTS"):
        (tmp_path / "borrow").write_text(BORROW)
        (tmp_path / "borrow").chmod(0o755)
        monkeypatch.setenv("REAL_CXX", words)
        monkeypatch.setenv("OBJECTS", str(objects))
        words = str(tmp_path / "borrow")
    code = """
import evreplay, logging
runtime = evreplay.Runtime()
assert runtime.bridge_path == str(evreplay.bridge.cache_path()), runtime.bridge_path
assert runtime.schemas("aten::mm")
"""
    cache = os.environ.get("CCACHE_DIR") or str(pathlib.Path.home() / ".cache" / "ccache")
    environment = {"EVREPLAY_LIBRARY": str(folder), "EVREPLAY_BRIDGE": "", "CXX": words, "CCACHE_DIR": cache}
    run_python(code, timeout=540, **environment)
