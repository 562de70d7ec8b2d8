"""What the declarations of the C interface are made of: texts, callbacks, and structures that begin with their own size."""

from __future__ import annotations

import collections.abc
import ctypes
from ctypes import POINTER, Structure, c_char, c_char_p, c_int32, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, TypeVar

# Opaque handles are plain pointers.
Handle = c_void_p
Out = POINTER(c_void_p)
Err = POINTER(c_void_p)


class Str(Structure):
    """evr_str: borrowed text."""

    _fields_ = [("data", POINTER(c_char)), ("len", c_size_t)]

    def text(self) -> str:
        """The text; empty for NULL."""
        length = self.len
        if not length:
            return ""
        raw: bytes = self.data[:length]
        return raw.decode("utf-8", "surrogateescape")

    def text_or_none(self) -> str | None:
        """The text; None for NULL."""
        return self.text() if self.data else None


def string(text: str | bytes) -> Str:
    """An evr_str that keeps its own bytes alive."""
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    return Str(ctypes.cast(c_char_p(raw), POINTER(c_char)), len(raw))


def strings(texts: list[str]) -> Any:
    """An array of evr_str."""
    return (Str * max(1, len(texts)))(*(string(text) for text in texts))


Function = TypeVar("Function")


def callback(prototype: Any) -> collections.abc.Callable[[Function], Function]:
    """Decorator: makes a Python function one that C can call. Keep the result as long as C does."""

    def wrap(function: Function) -> Function:
        made: Function = prototype(function)
        return made

    return wrap


class Versioned(Structure):
    """A structure that begins with its own size, filled in here."""

    _fields_ = [("struct_size", c_uint32)]

    def __init__(self, *args: Any, **fields: Any) -> None:
        super().__init__(ctypes.sizeof(type(self)), *args, **fields)


# Callbacks that several headers take.
PROGRESS = ctypes.CFUNCTYPE(c_int32, c_void_p, c_uint64, c_uint64)
SCHEMA = ctypes.CFUNCTYPE(c_int32, c_void_p, Str)
SCHEMA_SOURCE = ctypes.CFUNCTYPE(c_int32, c_void_p, Str, SCHEMA, c_void_p, Err)
