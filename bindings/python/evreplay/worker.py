"""evreplay-python-worker: what `evreplay-worker` is, with an interpreter inside, so that isolated records find operators that modules of Python bring."""

from __future__ import annotations

import ctypes
import os
import stat
import sys

from . import _native as native
from ._handle import call
from ._process import die_with_parent
from .context import Context
from .errors import Error
from .tensors import torch_if_there

_FROM, _TO = 3, 4


def _is_line(descriptor: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def main() -> int:
    """The program. Ends when the batch that started it closes the line."""
    if not (_is_line(_FROM) and _is_line(_TO)):
        print("evreplay-python-worker is started by libevreplay, for `evreplay replay --isolate`; it has no use by itself", file=sys.stderr)
        return 2
    die_with_parent()
    serve = native.lib["evr_worker_serve"]
    serve.argtypes = [ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32, native.Err]
    try:
        torch_if_there()
        with Context(log=lambda level, message: print(message, file=sys.stderr)) as context:
            call(serve, context.pointer, _FROM, _TO)
    except Error as error:
        print(f"evreplay-python-worker: {error}", file=sys.stderr)
        return 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # nothing is left to be told, and what operators loaded may take its time to go


if __name__ == "__main__":
    sys.exit(main())
