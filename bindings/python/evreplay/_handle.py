"""Handles of the library: freed once, after everything that was made from them, and never while another thread is inside."""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

from ._native import lib
from .errors import check, closed


class Owner:
    """What one thread at a time may use: a lock, and handles to free when the thread that holds it is done."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._waiting: list[tuple[Callable[[int], None], int]] = []

    def free(self, function: Callable[[int], None], pointer: int) -> None:
        """Frees now, or leaves it to the next user when a call is in progress. May be called by the garbage collector at any point."""
        self._waiting.append((function, pointer))
        if self.lock.acquire(blocking=False):
            try:
                self.settle()
            finally:
                self.lock.release()

    def settle(self) -> None:
        """Frees what waits. To be called with the lock held."""
        while self._waiting:
            function, pointer = self._waiting.pop(0)
            function(pointer)


def _give_back(pid: int, owner: Owner, free: Callable[[int], None], pointer: int, keep: Any) -> None:
    # `keep` holds what this handle was made from, so that it goes first. A forked child leaves alone what belongs to its parent.
    if os.getpid() == pid:
        owner.free(free, pointer)


class Handle:
    """A pointer of the library and what frees it.

    Freed by close(), or when Python drops the last reference. At the interpreter's end what is still open is left to the operating
    system: other threads may be inside of a call, and there is nothing left to run a callback.
    """

    def __init__(self, what: str, pointer: int, free: Callable[[int], None], owner: Owner, keep: Any = None) -> None:
        self.what = what
        self.owner = owner
        self._pointer: int | None = pointer
        self._finalizer = weakref.finalize(self, _give_back, os.getpid(), owner, free, pointer, keep)
        self._finalizer.atexit = False

    @property
    def pointer(self) -> int:
        """For the library. Raises when the handle is closed."""
        if self._pointer is None:
            raise closed(self.what)
        return self._pointer

    @property
    def is_open(self) -> bool:
        """Whether close() was not called."""
        return self._pointer is not None

    def close(self) -> None:
        """Frees it; twice is fine."""
        with self.owner.lock:
            self._pointer = None
            self._finalizer()
            self.owner.settle()


def out(function: Any, *arguments: Any, free: Callable[[int], None] | None = None) -> int:
    """Calls a function whose last two arguments are `T **out, evr_error **err`. `free` takes back what was made when a callback inside was
    interrupted although the call went well."""
    made, error = ctypes.c_void_p(), ctypes.c_void_p()
    status = function(*arguments, ctypes.byref(made), ctypes.byref(error))
    try:
        check(status, error)
    except BaseException:
        if made.value and free:
            free(made.value)
        raise
    return made.value or 0


def call(function: Any, *arguments: Any) -> None:
    """Calls a function whose last argument is `evr_error **err`."""
    error = ctypes.c_void_p()
    check(function(*arguments, ctypes.byref(error)), error)


def take_sized_text(context: int, function: Any, *arguments: Any) -> str:
    """Calls a function whose last three arguments are `char **out, size_t *size, evr_error **err`."""
    text, size, error = ctypes.c_void_p(), ctypes.c_size_t(), ctypes.c_void_p()
    check(function(*arguments, ctypes.byref(text), ctypes.byref(size), ctypes.byref(error)), error)
    return take_text(context, text.value, size.value)


def take_text(context: int, pointer: int | None, size: int | None = None) -> str:
    """A text that the library gave away."""
    try:
        raw = ctypes.string_at(pointer, -1 if size is None else size) if pointer else b""
        return raw.decode("utf-8", "surrogateescape")
    finally:
        lib.evr_text_free(context, pointer)
