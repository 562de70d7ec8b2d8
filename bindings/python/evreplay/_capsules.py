"""Capsules that are handed to others, and what they stand for.

Receivers release what they hold whenever their objects go, also while an exception is on its way, when Python code must not run. So capsules have no destructor that
Python would be needed for: they are kept here while anyone else has them, and what nobody took goes when the next is made.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from typing import Any

_new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(("PyCapsule_New", ctypes.pythonapi))
_is_valid = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_char_p)(("PyCapsule_IsValid", ctypes.pythonapi))


def _references(kept: list[tuple[Any, Any]], index: int) -> int:
    capsule, _ = kept[index]
    return sys.getrefcount(capsule)


_OURS = _references([(object(), None)], 0)  # of what only the list has; how many a call adds differs between versions of Python


class Capsules:
    """Capsules of one name. `drop` frees what one stands for that nobody took; a receiver that takes it over may rename the capsule to say so."""

    def __init__(self, name: bytes, drop: Callable[[Any], None]) -> None:
        self.name = name
        self.drop = drop
        self.kept: list[tuple[Any, Any]] = []
        self._lock = threading.Lock()

    def sweep(self) -> None:
        """Lets go of what nobody has a capsule of."""
        if not self._lock.acquire(blocking=False):
            return  # another thread is at it, or the garbage collector called from below
        try:
            for index in reversed(range(len(self.kept))):
                if _references(self.kept, index) <= _OURS:
                    capsule, what = self.kept.pop(index)
                    if _is_valid(capsule, self.name):
                        self.drop(what)
        finally:
            self._lock.release()

    def new(self, address: int, what: Any) -> Any:
        """A capsule of what lies at an address."""
        self.sweep()
        capsule = _new(address, self.name, None)
        self.kept.append((capsule, what))
        return capsule
