"""The command `evreplay` from Python: the C command line inside this interpreter, which imports the modules that bring operators."""

from __future__ import annotations

import ctypes
import os
import pathlib
import signal
import sys
from collections.abc import Sequence

from . import _hooks, bridge, ranks
from . import _native as native

_PREPARE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_USES_TORCH = {"replay", "bench", "doctor", "verify"}
_IN_PROCESS = "libevreplay_command.so"
_WORKER = "evreplay-python-worker"


_device = "cpu"


@native.callback(_PREPARE)
def _prepare(context: int) -> None:
    try:
        _hooks.install(context)
    except Exception as error:  # the command works without, but for modules of Python
        print(f"evreplay: Python's modules cannot be imported: {error}", file=sys.stderr)
    if os.environ.get(ranks.CHILD):
        ranks.install(context, _device)


def _library() -> pathlib.Path:
    return pathlib.Path(native.lib._name).resolve()


def in_process_path() -> pathlib.Path | None:
    """The command as a library."""
    folder = _library().parent
    return next((path for path in (folder / "evreplay" / _IN_PROCESS, folder / _IN_PROCESS) if path.exists()), None)


def program_path() -> pathlib.Path | None:
    """The command as a program."""
    package, library = pathlib.Path(__file__).resolve().parent, _library()
    places = (package / "bin" / "evreplay", library.parent.parent / "bin" / "evreplay")
    return next((path for path in places if os.access(path, os.X_OK)), None)


def _import_torch(arguments: Sequence[str]) -> None:
    """Before the bridge loads its libtorch, so that there is one in the process."""
    if any(argument in _USES_TORCH for argument in arguments[:1]) or "--live" in arguments:
        from .tensors import torch_if_there

        try:
            if torch_if_there() is not None:
                _find_bridge(build=arguments[0] != "doctor")
            elif not _has_bridge():
                print("evreplay: this Python has no torch: pip install torch; the bridge to it is compiled when it is first needed", file=sys.stderr)
        except Exception as error:
            print(f"evreplay: torch cannot be used from Python: {error}", file=sys.stderr)


def _find_worker() -> None:
    """The worker with an interpreter inside, which is installed beside this script."""
    for folder in {pathlib.Path(sys.argv[0]).resolve().parent, pathlib.Path(sys.executable).parent}:
        if os.access(folder / _WORKER, os.X_OK):
            os.environ.setdefault("EVREPLAY_WORKER", str(folder / _WORKER))


def _has_bridge() -> bool:
    folder = _library().parent
    return bool(os.environ.get("EVREPLAY_BRIDGE")) or any((place / bridge.NAME).exists() for place in (folder, folder / "evreplay"))


def _find_bridge(build: bool) -> None:
    """One of the cache when none is named or installed. Who only looks does not wait for a compiler."""
    if _has_bridge():
        return
    if build or bridge.cache_path().exists():
        os.environ["EVREPLAY_BRIDGE"] = str(bridge.ensure(lambda text: print(f"evreplay: {text}", file=sys.stderr)))
    else:
        print(f"evreplay: the bridge for the torch in {bridge.torch_folder()} is compiled when it is first needed, which takes a minute or two", file=sys.stderr)


def run_in_process(library: pathlib.Path, arguments: Sequence[str]) -> int:
    """Runs the command here. Ctrl-C ends it as it ends any program."""
    entry = ctypes.CDLL(str(library)).evr_command_run
    entry.restype, entry.argtypes = ctypes.c_int, [ctypes.c_int, ctypes.POINTER(ctypes.c_char_p), _PREPARE]
    words = [b"evreplay", *map(os.fsencode, arguments)]
    _import_torch(arguments)
    _find_worker()
    sys.stdout.flush()
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.environ.setdefault("EVREPLAY_PYTHON", sys.executable)  # for launch
    try:
        code = int(entry(len(words), (ctypes.c_char_p * (len(words) + 1))(*words, None), _prepare))
        joined = ranks.current()
        return ranks.LOST if joined and joined.lost else code
    finally:
        signal.signal(signal.SIGINT, before)


def main(arguments: Sequence[str] | None = None) -> int:
    """The console script. Returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    library = in_process_path()
    if library and ranks.in_environment() and words[:1] and words[0] in ("replay", "bench"):
        from . import supervisor

        if not os.environ.get(ranks.CHILD):
            return supervisor.run(words)
        supervisor.die_with_parent()
        global _device
        _device = supervisor.option(words, "--device") or "cpu"
    if library:
        return run_in_process(library, words)
    program = program_path()
    if program:
        os.execv(program, ["evreplay", *words])
    print(
        f"evreplay: the command was not installed beside {_library()}\n"
        "  what to do: install the package again, or build the project and set EVREPLAY_LIBRARY to its build/default/lib",
        file=sys.stderr,
    )
    return 5


if __name__ == "__main__":
    sys.exit(main())
