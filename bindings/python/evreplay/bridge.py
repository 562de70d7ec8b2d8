"""The bridge for the torch that is installed: found in the cache, or built there once from the sources that come with the package."""

from __future__ import annotations

import concurrent.futures
import fcntl
import hashlib
import importlib.util
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable

from . import _native as native
from .context import logger
from .errors import Error, Status

NAME = "libevreplay_torch.so"
_FLAGS = ["-std=c++20", "-O2", "-g0", "-fPIC", "-fvisibility=hidden", "-fvisibility-inlines-hidden", "-D_GNU_SOURCE", "-w"]
_LINES_OF_A_FAILURE = 20


def _source_folders() -> tuple[pathlib.Path, pathlib.Path] | None:
    """The bridge's sources and the headers, of the package or of the checkout it lies in."""
    package = pathlib.Path(__file__).resolve().parent
    for root in (package, package.parent.parent.parent):
        if (root / "bridge" / "torch" / "entry.cpp").exists() and (root / "include" / "evreplay" / "bridge.h").exists():
            return root / "bridge" / "torch", root / "include"
    return None


def torch_folder() -> pathlib.Path | None:
    """Where torch is installed; it is not imported."""
    found = importlib.util.find_spec("torch")
    return pathlib.Path(found.origin).parent if found and found.origin else None


def _compiler() -> list[str] | None:
    """$CXX, or a compiler that is there."""
    words = shlex.split(os.environ.get("CXX", ""))
    if words:
        return words
    found = next((path for path in map(shutil.which, ("g++", "c++", "clang++")) if path), None)
    return [found] if found else None


def _sources() -> tuple[list[pathlib.Path], pathlib.Path, pathlib.Path]:
    folders = _source_folders()
    if not folders:
        raise Error(Status.PLUGIN, "the package came without the sources of the bridge", "install it from a checkout, or set EVREPLAY_BRIDGE")
    code, include = folders
    return sorted(code.glob("*.cpp")), code, include


def cache_path() -> pathlib.Path:
    """Where the bridge for this torch, this library and these sources is or would be."""
    torch = torch_folder()
    if not torch:
        raise Error(Status.PLUGIN, "torch is not installed in this Python", "pip install torch")
    _, code, include = _sources()
    digest = hashlib.sha256(f"{torch}\n{' '.join(_FLAGS)}\n".encode())
    for path in [torch / "version.py", *sorted(code.iterdir()), *sorted((include / "evreplay").glob("*.h"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    base = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    return base / "evreplay" / f"bridge-{native.lib.evr_version_string().decode()}-{digest.hexdigest()[:16]}" / NAME


def _run(command: list[str], what: str) -> None:
    try:
        result = subprocess.run(command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)
    except OSError as error:
        raise Error(Status.PLUGIN, f"the compiler {command[0]} cannot be run: {error}", "set CXX to a C++20 compiler", cause=error) from error
    if result.returncode:
        lines = (result.stderr or result.stdout).strip().splitlines()
        told = "\n".join(lines[:_LINES_OF_A_FAILURE])
        raise Error(Status.PLUGIN, f"{what} cannot be built:\n{told}", "a C++20 compiler (g++ 10, clang 12) is needed; set CXX to one")


def _string_abi(torch: pathlib.Path) -> int:
    """Which of the two string types of the C++ library torch was built with: it shows in its symbols."""
    return int(b"NSt7__cxx1112basic_string" in (torch / "lib" / "libc10.so").read_bytes())


def _build(target: pathlib.Path) -> None:
    torch = torch_folder()
    sources, code, include = _sources()
    compiler = _compiler()
    assert torch
    if not compiler:
        raise Error(
            Status.PLUGIN,
            "the bridge to torch has to be compiled, and there is no C++ compiler",
            "install one (Debian: apt-get install g++), or set EVREPLAY_BRIDGE to a bridge that was built elsewhere for this torch",
        )
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        flags = [*_FLAGS, f"-D_GLIBCXX_USE_CXX11_ABI={_string_abi(torch)}", f"-I{include}", f"-I{code}", "-isystem", str(torch / "include")]

        def compile_one(source: pathlib.Path) -> str:
            made = os.path.join(folder, source.stem + ".o")
            _run([*compiler, *flags, "-c", str(source), "-o", made], f"{source.name} of the bridge")
            return made

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            objects = list(pool.map(compile_one, sources))
        linked = os.path.join(folder, NAME)
        libraries = [str(torch / "lib" / "libtorch_cpu.so"), str(torch / "lib" / "libc10.so"), "-ldl", f"-Wl,-rpath,{torch / 'lib'}"]
        script = f"-Wl,--version-script={code / 'bridge.map'}"
        _run([*compiler, "-shared", "-o", linked, *objects, *libraries, script, "-Wl,-z,defs"], "the bridge")
        os.replace(linked, target)


def ensure(tell: Callable[[str], object] | None = None) -> pathlib.Path:
    """The bridge for the torch that is installed. Builds it when it is not in the cache, which takes a minute or two, once."""
    target = cache_path()
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():  # another process may have built it meanwhile
            (tell or logger.warning)(f"building the bridge for the torch in {torch_folder()} (once: a minute or two)")
            _build(target)
    return target
