"""Tables for pandas, pyarrow, polars and others: columns handed over through the Arrow C stream interface, without pyarrow."""

from __future__ import annotations

import ctypes
import importlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import _native_results as raw
from ._capsules import Capsules
from ._handle import call
from ._native import lib
from .context import default_context


class Texts:
    """A column of texts. With `indexes`, numbers (uint16 or uint32 of numpy) of `texts`; without, the texts themselves, None where there is none."""

    def __init__(self, texts: Sequence[str | None], indexes: Any = None) -> None:
        self.texts = texts
        self.indexes = indexes


class Masked:
    """A column of numbers, some of which are not there: `valid` is an array of bool."""

    def __init__(self, numbers: Any, valid: Any) -> None:
        self.numbers = numbers
        self.valid = valid


class Floats(list[Any]):
    """A column of numbers of Python that are no whole ones, None where there is none. Any other list is one of whole numbers."""


_FORMATS = {"int64": b"l", "uint64": b"L", "int32": b"i", "uint32": b"I", "uint16": b"S", "float64": b"g"}


class _Column:
    """One column for the library, and what it stands on until it is copied."""

    def __init__(self, name: str, what: Any) -> None:
        self.keep: list[Any] = []
        self.native = raw.ArrowColumn(name=name.encode("utf-8", "replace"))
        if isinstance(what, Texts) and what.indexes is not None:
            self._numbers(what.indexes)
            dictionary = _Column("", Texts(what.texts))
            self.keep.append(dictionary)
            self.native.dictionary = ctypes.pointer(dictionary.native)
            self.native.dictionary_rows = dictionary.rows
        elif isinstance(what, Texts):
            self._texts(what.texts)
        elif isinstance(what, list):
            self._list(what)
        elif isinstance(what, Masked):
            self._numbers(what.numbers)
            numpy: Any = importlib.import_module("numpy")
            self._mark(numpy.packbits(what.valid, bitorder="little").tobytes(), self.rows - int(what.valid.sum()))
        else:
            self._numbers(what)

    def _hold(self, buffer: Any) -> int:
        self.keep.append(buffer)
        return ctypes.addressof(buffer)

    def _numbers(self, numbers: Any) -> None:
        numbers = importlib.import_module("numpy").ascontiguousarray(numbers)
        self.keep.append(numbers)
        self.rows = len(numbers)
        self.native.format, self.native.values = _FORMATS[str(numbers.dtype)], numbers.ctypes.data

    def _list(self, items: list[Any]) -> None:
        kind: Any = ctypes.c_double if isinstance(items, Floats) else ctypes.c_int64
        self.rows = len(items)
        self.native.format = b"g" if isinstance(items, Floats) else b"l"
        self.native.values = self._hold((kind * max(1, len(items)))(*(item or 0 for item in items)))
        self._mark_gaps(items)

    def _texts(self, texts: Sequence[str | None]) -> None:
        pieces = [text.encode("utf-8", "replace") if text else b"" for text in texts]
        ends = list(itertools.accumulate(map(len, pieces), initial=0))
        joined = b"".join(pieces)
        self.rows = len(pieces)
        self.native.format = b"U"
        self.native.offsets = self._hold((ctypes.c_int64 * len(ends))(*ends))
        self.native.values = self._hold((ctypes.c_char * max(1, len(joined))).from_buffer_copy(joined or b"\0"))
        self._mark_gaps(texts)

    def _mark_gaps(self, items: Sequence[Any]) -> None:
        bits = bytearray((len(items) + 7) // 8)
        for i, item in enumerate(items):
            bits[i // 8] |= (item is not None) << i % 8
        self._mark(bytes(bits), sum(item is None for item in items))

    def _mark(self, bits: bytes, nulls: int) -> None:
        if nulls:
            self.native.valid = self._hold((ctypes.c_uint8 * len(bits)).from_buffer_copy(bits))
            self.native.nulls = nulls


class _Stream(ctypes.Structure):
    """ArrowArrayStream."""


_RELEASE = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Stream))
_Stream._fields_ = [
    ("get_schema", ctypes.c_void_p),
    ("get_next", ctypes.c_void_p),
    ("get_last_error", ctypes.c_void_p),
    ("release", _RELEASE),
    ("private_data", ctypes.c_void_p),
]


def _release(made: Any) -> None:
    if made.release:
        made.release(ctypes.pointer(made))


# Streams that nobody took go when the next is made; the library releases the others, whenever that is.
capsules = Capsules(b"arrow_array_stream", _release)


def stream(columns: Mapping[str, Any]) -> Any:
    """A capsule of the Arrow PyCapsule interface with a table of these columns: arrays of numpy, lists of numbers, Texts, Masked, Floats."""
    made: Any = _Stream()
    ready = [_Column(name, what) for name, what in columns.items()]
    array = (raw.ArrowColumn * max(1, len(ready)))(*(column.native for column in ready))
    call(lib.evr_arrow_export, default_context().pointer, array, len(ready), ready[0].rows if ready else 0, ctypes.addressof(made))
    return capsules.new(ctypes.addressof(made), made)


def need(module: str, what: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(f"{what} needs {module}, which is not installed: pip install {module}") from error


class _Bare:
    """A stream and nothing else: polars looks whether something is a sequence before it looks for a stream, and then makes one column of objects."""

    def __init__(self, table: Tabular) -> None:
        self.__arrow_c_stream__ = table.__arrow_c_stream__


class Tabular:
    """What has columns: any library that speaks Arrow's C interface takes it, such as pyarrow.table(x) and pandas.DataFrame.from_arrow(x)."""

    def _columns(self) -> Mapping[str, Any]:
        raise NotImplementedError

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        return stream(self._columns())

    def to_arrow(self) -> Any:
        """A pyarrow.Table."""
        return need("pyarrow", "to_arrow()").table(self)

    def to_pandas(self) -> Any:
        """A pandas.DataFrame. Texts that repeat are categorical; whole numbers some of which are not there are Int64, so that a time keeps its last digits."""
        whole = need("pandas", "to_pandas()").Int64Dtype()
        table = need("pyarrow", "to_pandas()").table(self)
        frame = table.to_pandas()
        for field, column in zip(table.schema, table.columns):
            if column.null_count and str(field.type) == "int64":
                frame[field.name] = column.to_pandas(types_mapper=lambda _: whole)
        return frame

    def to_polars(self) -> Any:
        """A polars.DataFrame, without pyarrow. Texts that repeat are categorical."""
        return need("polars", "to_polars()").DataFrame(_Bare(self))


def attributes(items: Iterable[Any], kinds: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of attributes of items; the values are Texts, Floats or list."""
    listed = list(items)
    return {name: kind([getattr(item, name) for item in listed]) for name, kind in kinds.items()}
