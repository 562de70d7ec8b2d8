"""Tables for pandas, pyarrow, polars and others: columns handed over through the Arrow C stream interface, by ctypes and without pyarrow."""

from __future__ import annotations

import ctypes
import importlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from ctypes import POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from typing import Any

from . import _native as native

_NULLABLE = 2
_EINVAL = 22


class _Schema(Structure):
    """ArrowSchema of the C data interface."""


class _Array(Structure):
    """ArrowArray of the C data interface."""


class _Stream(Structure):
    """ArrowArrayStream of the C stream interface."""


_RELEASE_SCHEMA = ctypes.CFUNCTYPE(None, POINTER(_Schema))
_RELEASE_ARRAY = ctypes.CFUNCTYPE(None, POINTER(_Array))
_GET_SCHEMA = ctypes.CFUNCTYPE(c_int, POINTER(_Stream), POINTER(_Schema))
_GET_NEXT = ctypes.CFUNCTYPE(c_int, POINTER(_Stream), POINTER(_Array))
_LAST_ERROR = ctypes.CFUNCTYPE(c_void_p, POINTER(_Stream))
_RELEASE_STREAM = ctypes.CFUNCTYPE(None, POINTER(_Stream))

_Schema._fields_ = [
    ("format", c_char_p),
    ("name", c_char_p),
    ("metadata", c_char_p),
    ("flags", c_int64),
    ("n_children", c_int64),
    ("children", POINTER(POINTER(_Schema))),
    ("dictionary", POINTER(_Schema)),
    ("release", _RELEASE_SCHEMA),
    ("private_data", c_void_p),
]
_Array._fields_ = [
    ("length", c_int64),
    ("null_count", c_int64),
    ("offset", c_int64),
    ("n_buffers", c_int64),
    ("n_children", c_int64),
    ("buffers", POINTER(c_void_p)),
    ("children", POINTER(POINTER(_Array))),
    ("dictionary", POINTER(_Array)),
    ("release", _RELEASE_ARRAY),
    ("private_data", c_void_p),
]
_Stream._fields_ = [
    ("get_schema", _GET_SCHEMA),
    ("get_next", _GET_NEXT),
    ("get_last_error", _LAST_ERROR),
    ("release", _RELEASE_STREAM),
    ("private_data", c_void_p),
]


class Texts:
    """A column of texts. With `indexes`, numbers (uint16 or uint32 of numpy) of `texts`; without, the texts themselves, None where there is none."""

    def __init__(self, texts: Sequence[str | None], indexes: Any = None) -> None:
        self.texts = texts
        self.indexes = indexes


class Masked:
    """A column of numbers, some of which are not there. `valid` is an array of bool, or None when all are."""

    def __init__(self, numbers: Any, valid: Any = None) -> None:
        self.numbers = numbers
        self.valid = valid


# What a consumer holds is kept here until it releases it: its buffers, and the structures below it.
_held: dict[int, Any] = {}
_keys = itertools.count(1)


def _hold(what: Any) -> int:
    key = next(_keys)
    _held[key] = what
    return key


def _release_below(made: Any) -> None:
    """A parent releases the children and the dictionary that were not moved away."""
    below = [made.children[i] for i in range(made.n_children)] + ([made.dictionary] if made.dictionary else [])
    for one in below:
        if one.contents.release:
            one.contents.release(one)


def _release(pointer: Any, none: Any) -> None:
    made: Any = pointer[0]
    _release_below(made)
    key = made.private_data
    made.release = none
    _held.pop(key, None)


@native.callback(_RELEASE_SCHEMA)
def _release_schema(pointer: Any) -> None:
    _release(pointer, _RELEASE_SCHEMA())


@native.callback(_RELEASE_ARRAY)
def _release_array(pointer: Any) -> None:
    _release(pointer, _RELEASE_ARRAY())


def _pointers(kind: Any, items: Sequence[Any]) -> Any:
    return (POINTER(kind) * max(1, len(items)))(*(ctypes.pointer(item) for item in items))


def _fill_schema(made: Any, form: bytes, name: str, children: Sequence[Any] = (), dictionary: Any = None) -> None:
    below = _pointers(_Schema, children)
    made.format, made.name, made.flags = form, name.encode("utf-8", "replace"), 0 if children else _NULLABLE
    made.n_children = len(children)
    made.children = below if children else None
    made.dictionary = ctypes.pointer(dictionary) if dictionary is not None else None
    made.private_data = _hold((form, made.name, below, children, dictionary))
    made.release = _release_schema


def _fill_array(made: Any, length: int, nulls: int, buffers: Sequence[Any], children: Sequence[Any] = (), dictionary: Any = None) -> None:
    addresses = (c_void_p * max(1, len(buffers)))(*(_address(buffer) for buffer in buffers))
    below = _pointers(_Array, children)
    made.length, made.null_count, made.n_buffers, made.n_children = length, nulls, len(buffers), len(children)
    made.buffers = addresses
    made.children = below if children else None
    made.dictionary = ctypes.pointer(dictionary) if dictionary is not None else None
    made.private_data = _hold((addresses, list(buffers), below, children, dictionary))
    made.release = _release_array


def _address(buffer: Any) -> int | None:
    if buffer is None:
        return None
    interface = getattr(buffer, "__array_interface__", None)
    return int(interface["data"][0]) if interface else ctypes.addressof(buffer)


_NUMPY_FORMATS = {"int64": b"l", "uint64": b"L", "int32": b"i", "uint32": b"I", "uint16": b"S", "float64": b"g"}


class _Column:
    """One column, made ready: its format, and its buffers with whatever they stand on."""

    def __init__(self, name: str, what: Any) -> None:
        self.name = name
        self.dictionary: _Column | None = None
        self.nulls = 0
        if isinstance(what, Texts) and what.indexes is not None:
            self._of_numbers(Masked(what.indexes))
            self.dictionary = _Column("", Texts(what.texts))
        elif isinstance(what, Texts):
            self._of_texts(what.texts)
        elif isinstance(what, Masked):
            self._of_numbers(what)
        elif isinstance(what, list):
            self._of_list(what)
        else:
            self._of_numbers(Masked(what))

    def _of_numbers(self, what: Masked) -> None:
        numbers = what.numbers
        self.format = _NUMPY_FORMATS[str(numbers.dtype)]
        self.length = len(numbers)
        bits = None
        if what.valid is not None:
            self.nulls = self.length - int(what.valid.sum())
            if self.nulls:
                numpy: Any = importlib.import_module("numpy")
                bits = numpy.packbits(what.valid, bitorder="little")
        self.buffers: list[Any] = [bits, numbers]

    def _of_list(self, items: list[Any]) -> None:
        """Numbers of Python: float64 when one is a float, else int64."""
        is_float = any(isinstance(item, float) for item in items)
        kind: Any = ctypes.c_double if is_float else c_int64
        self.format = b"g" if is_float else b"l"
        self.length = len(items)
        self.buffers = [self._bits(items), (kind * max(1, len(items)))(*(item or 0 for item in items))]

    def _of_texts(self, texts: Sequence[str | None]) -> None:
        raw = [text.encode("utf-8", "replace") if text else b"" for text in texts]
        ends = list(itertools.accumulate(map(len, raw), initial=0))
        self.format = b"U"  # utf8 with 64-bit offsets: no sum of sizes is too large
        self.length = len(raw)
        data = b"".join(raw)
        self.buffers = [self._bits(texts), (c_int64 * len(ends))(*ends), (ctypes.c_char * max(1, len(data))).from_buffer_copy(data or b"\0")]

    def _bits(self, items: Sequence[Any]) -> Any:
        """A bit for each item that is there; None when all are."""
        self.nulls = sum(item is None for item in items)
        if not self.nulls:
            return None
        bits = bytearray((len(items) + 7) // 8)
        for i, item in enumerate(items):
            if item is not None:
                bits[i // 8] |= 1 << i % 8
        return (ctypes.c_uint8 * len(bits)).from_buffer_copy(bits)

    def schema(self) -> Any:
        made: Any = _Schema()
        _fill_schema(made, self.format, self.name, dictionary=self.dictionary.schema() if self.dictionary else None)
        return made

    def array(self) -> Any:
        made: Any = _Array()
        _fill_array(made, self.length, self.nulls, self.buffers, dictionary=self.dictionary.array() if self.dictionary else None)
        return made


class _Table:
    """The state of one stream: a table is one batch."""

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self.columns = [_Column(name, what) for name, what in columns.items()]
        self.is_read = False
        self.error = b""


def _table(stream: Any) -> _Table:
    table: _Table = _held[stream[0].private_data]
    return table


def _guard(stream: Any, work: Any) -> int:
    try:
        work(_table(stream))
        return 0
    except Exception as exception:
        _table(stream).error = f"{type(exception).__name__}: {exception}".encode("utf-8", "replace")
        return _EINVAL


@native.callback(_GET_SCHEMA)
def _get_schema(stream: Any, to: Any) -> int:
    return _guard(stream, lambda table: _fill_schema(to[0], b"+s", "", [column.schema() for column in table.columns]))


@native.callback(_GET_NEXT)
def _get_next(stream: Any, to: Any) -> int:
    def fill(table: _Table) -> None:
        if table.is_read:  # an array that was released marks the end
            to[0].release = _RELEASE_ARRAY()
            return
        length = table.columns[0].length if table.columns else 0
        _fill_array(to[0], length, 0, [None], [column.array() for column in table.columns])
        table.is_read = True

    return _guard(stream, fill)


@native.callback(_LAST_ERROR)
def _get_last_error(stream: Any) -> int | None:
    table = _table(stream)
    return ctypes.cast(c_char_p(table.error), c_void_p).value if table.error else None


@native.callback(_RELEASE_STREAM)
def _release_stream(stream: Any) -> None:
    key = stream[0].private_data
    stream[0].release = _RELEASE_STREAM()
    _held.pop(key, None)


# A consumer may let go when the interpreter ends and modules are emptied: these functions, and this module with them, stay.
_immortal = ctypes.PYFUNCTYPE(None, ctypes.py_object)(("Py_IncRef", ctypes.pythonapi))
for _kept in (globals(), *(_release_schema, _release_array, _get_schema, _get_next, _get_last_error, _release_stream)):
    _immortal(_kept)

_NAME = b"arrow_array_stream"
_DESTRUCTOR = ctypes.CFUNCTYPE(None, c_void_p)
_new_capsule = ctypes.PYFUNCTYPE(ctypes.py_object, c_void_p, c_char_p, _DESTRUCTOR)(("PyCapsule_New", ctypes.pythonapi))
_pointer_of = ctypes.PYFUNCTYPE(c_void_p, c_void_p, c_char_p)(("PyCapsule_GetPointer", ctypes.pythonapi))
_streams: dict[int, Any] = {}


@native.callback(_DESTRUCTOR)
def _drop(capsule: int) -> None:
    # A consumer moves the stream out and marks this one as released; one that it left is ours to release.
    address = _pointer_of(capsule, _NAME)
    stream = _streams.pop(address, None)
    if stream is not None and stream.release:
        stream.release(ctypes.pointer(stream))


def stream(columns: Mapping[str, Any]) -> Any:
    """A capsule of the Arrow PyCapsule interface with a table of these columns: arrays of numpy, lists of numbers, Texts, Masked."""
    made: Any = _Stream(_get_schema, _get_next, _get_last_error, _release_stream, _hold(_Table(columns)))
    address = ctypes.addressof(made)
    _streams[address] = made
    return _new_capsule(address, _NAME, _drop)


def _need(module: str, what: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"{what} needs {module}, which is not installed: pip install {module}") from error


class Tabular:
    """What has columns: any library that speaks Arrow's C interface takes it, such as pyarrow.table(x), polars.from_arrow(x) and
    pandas.DataFrame.from_arrow(x)."""

    def _columns(self) -> Mapping[str, Any]:
        raise NotImplementedError

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        return stream(self._columns())

    def to_arrow(self) -> Any:
        """A pyarrow.Table."""
        return _need("pyarrow", "to_arrow()").table(self)

    def to_pandas(self) -> Any:
        """A pandas.DataFrame. Texts that repeat are categorical."""
        _need("pandas", "to_pandas()")
        return _need("pyarrow", "to_pandas()").table(self).to_pandas()


def rows(items: Iterable[Any], names: Mapping[str, bool]) -> dict[str, Any]:
    """Columns of attributes of items; True for those that are texts."""
    listed = list(items)
    made = {name: [getattr(item, name) for item in listed] for name in names}
    return {name: Texts(made[name]) if is_text else made[name] for name, is_text in names.items()}
