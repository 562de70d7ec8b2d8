"""Where libevreplay.so is."""

from __future__ import annotations

import ctypes.util
import os
import pathlib
from collections.abc import Iterator

NAME = "libevreplay.so"
SONAME = NAME + ".0"


def candidates() -> Iterator[str]:
    """Files to try, best first. A path in $EVREPLAY_LIBRARY is the only one."""
    named = os.environ.get("EVREPLAY_LIBRARY")
    if named:
        yield os.path.join(named, NAME) if os.path.isdir(named) else named
        return
    package = pathlib.Path(__file__).resolve().parent
    for folder in (package, package / "lib", package / "lib64"):
        yield from (str(folder / name) for name in (SONAME, NAME) if (folder / name).exists())
    checkout = package.parent.parent.parent
    if (checkout / "include" / "evreplay" / "base.h").exists():  # a source checkout, not an installed package
        built = checkout / "build" / "default" / "lib" / NAME
        if built.exists():
            yield str(built)
    found = ctypes.util.find_library("evreplay")
    if found:
        yield found


def load() -> ctypes.CDLL:
    """The library. Raises ImportError with everything that was tried."""
    tried = []
    for path in candidates():
        try:
            return ctypes.CDLL(path)
        except OSError as error:
            tried.append(f"\n  {path}: {error}")
    looked = "".join(tried) or " nothing was found beside the package, in a build folder of its checkout, or by the system's linker"
    raise ImportError(f"{NAME} cannot be loaded; tried:{looked}\nBuild it, or set EVREPLAY_LIBRARY to its file or folder.")
