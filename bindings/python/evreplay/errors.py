"""The one exception of the package, and how failures of the library become it."""

from __future__ import annotations

import ctypes
import enum
import threading
from typing import Any

from ._native import NO_UID, lib


class Status(enum.IntEnum):
    """Codes of evreplay/base.h."""

    OK = 0
    INVALID = -1
    NOMEM = -2
    IO = -3
    FORMAT = -4
    TRUNCATED = -5
    UNSUPPORTED = -6
    NOT_FOUND = -7
    LIMIT = -8
    ABI = -9
    STATE = -10
    CANCELLED = -11
    PLUGIN = -12
    NO_DEVICE = -13
    OP = -14
    NO_SCHEMA = -15
    MISSING_VALUE = -16
    TOO_LARGE = -17
    NOT_REPLAYABLE = -18
    INTERNAL = -99

    @classmethod
    def of(cls, code: int) -> Status:
        """The member of a code; INTERNAL for one that a later library invented."""
        try:
            return cls(code)
        except ValueError:
            return cls.INTERNAL


class Error(Exception):
    """Why a call failed.

    `code` says what kind of failure it is, `message` what and where, `hint` what to do next. `offset` is a byte offset in the inflated
    input, `uid` an event and `op` an operator, each None when it does not apply. `cause` is the error below, or the exception that a
    callback of yours raised.
    """

    def __init__(
        self,
        code: Status,
        message: str,
        hint: str = "",
        *,
        cause: BaseException | None = None,
        offset: int | None = None,
        uid: int | None = None,
        op: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.cause = cause
        self.offset = offset
        self.uid = uid
        self.op = op
        self.__cause__ = cause

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (int(self.code), self.message, self.hint, self.cause, self.offset, self.uid, self.op)


def _rebuild(
    code: int, message: str, hint: str, cause: BaseException | None, offset: int | None, uid: int | None, op: str | None
) -> Error:
    return Error(Status(code), message, hint, cause=cause, offset=offset, uid=uid, op=op)


def closed(what: str) -> Error:
    """For a handle that was given back."""
    return Error(Status.STATE, f"the {what} is closed", "keep it open while it is used, for example with a `with` block around all of its use")


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace")


def read(pointer: Any) -> Error:
    """The exception of an evr_error, which stays the caller's."""
    offset, uid, below = lib.evr_error_offset(pointer), lib.evr_error_uid(pointer), lib.evr_error_cause(pointer)
    return Error(
        Status.of(lib.evr_error_code(pointer)),
        _text(lib.evr_error_message(pointer)),
        _text(lib.evr_error_hint(pointer)),
        cause=read(below) if below else None,
        offset=None if offset < 0 else offset,
        uid=None if uid == NO_UID else uid,
        op=_text(lib.evr_error_op(pointer)) or None,
    )


# An exception cannot pass through C. A callback leaves it here, and the call that the callback was made from picks it up on the same thread.
_raised = threading.local()


def leave(exception: BaseException) -> None:
    """Keeps what a callback raised for the call around it."""
    _raised.exception = exception


def pick_up() -> BaseException | None:
    """What a callback left, once."""
    exception: BaseException | None = getattr(_raised, "exception", None)
    _raised.exception = None
    return exception


def check(status: int, error: ctypes.c_void_p) -> None:
    """Raises when a call failed, or when a callback inside of it was interrupted. Frees the error."""
    exception = pick_up()
    if status == 0 and (exception is None or isinstance(exception, Exception)):
        return
    made = None
    if error.value:
        made = read(error)
        lib.evr_error_free(error)
        error.value = None
    if exception is not None and not isinstance(exception, Exception):
        raise exception  # KeyboardInterrupt and SystemExit stay what they are
    if made is None:
        made = Error(Status.of(status), f"the call failed with {_text(lib.evr_status_name(status))}")
    if exception is not None:
        made.cause = made.__cause__ = exception
    raise made


def describe(exception: BaseException) -> str:
    """An exception as one line: "ValueError: no such head"."""
    text = str(exception).strip()
    name = type(exception).__name__
    return f"{name}: {text}" if text else name


def make(context: Any, error: Any, exception: BaseException) -> int:
    """Turns what a callback raised into an evr_error in `*error`, and gives the code to return."""
    code, hint = Status.INTERNAL, ""
    message = describe(exception)
    if isinstance(exception, Error):
        code, message, hint = exception.code, exception.message, exception.hint
    elif isinstance(exception, MemoryError):
        code = Status.NOMEM
    elif isinstance(exception, OSError) and not isinstance(exception, ImportError):
        code = Status.IO
    elif isinstance(exception, ImportError):
        code = Status.NOT_FOUND
    elif isinstance(exception, (TypeError, ValueError)):
        code = Status.INVALID
    elif isinstance(exception, (KeyboardInterrupt, SystemExit)):
        code = Status.CANCELLED
    raw = message.encode("utf-8", "replace")
    return int(lib.evr_error_make(context, error, int(code), raw, hint.encode("utf-8", "replace") or None))
