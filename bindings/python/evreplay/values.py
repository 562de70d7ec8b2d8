"""Values of arguments and results, between C and Python."""

from __future__ import annotations

import ctypes
import dataclasses
import enum
from collections.abc import Callable, Sequence
from typing import Any

from . import _native as native
from ._native import lib
from .errors import Error, Status


class Kind(enum.IntEnum):
    """What an evr_value holds."""

    MISSING = 0
    NONE = 1
    BOOL = 2
    INT = 3
    FLOAT = 4
    COMPLEX = 5
    STR = 6
    DTYPE = 7
    LAYOUT = 8
    DEVICE = 9
    MEMORY_FORMAT = 10
    GENERATOR = 11
    TENSOR = 12
    LIST = 13
    HANDLE = 14


class _Missing:
    """An argument whose value is not known."""

    def __repr__(self) -> str:
        return "evreplay.MISSING"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "MISSING"


#: Stands for a value that was not recorded and that no rule gives.
MISSING = _Missing()


class DType(int):
    """An element type: PyTorch's number, with its name."""

    @property
    def name(self) -> str:
        """As PyTorch prints it without "torch."; empty for an unknown one."""
        return (lib.evr_dtype_name(int(self)) or b"").decode()

    @property
    def itemsize(self) -> int:
        """Bytes of one element; 0 for an unknown type."""
        return int(lib.evr_dtype_size(int(self)))

    @classmethod
    def parse(cls, text: str) -> DType:
        """Of any spelling that profilers and PyTorch use. Raises ValueError for an unknown one."""
        number = lib.evr_dtype_parse(native.string(text))
        if number < 0:
            raise ValueError(f"unknown element type {text!r}")
        return cls(number)

    def __repr__(self) -> str:
        return f"evreplay.DType({self.name or int(self)!r})"

    def __str__(self) -> str:
        return self.name or str(int(self))

    __hash__ = int.__hash__


class Device(str):
    """A device, such as "cuda:0"."""

    __slots__ = ()


class Layout(int):
    """A memory layout, as PyTorch numbers them."""

    __slots__ = ()


class MemoryFormat(int):
    """A memory format, as PyTorch numbers them."""

    __slots__ = ()


@dataclasses.dataclass(frozen=True)
class Generator:
    """A random generator; only its seed is known."""

    seed: int


@dataclasses.dataclass(frozen=True)
class TensorSpec:
    """Description of a tensor."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: DType
    dtype_text: str = ""
    device: str = ""
    storage_offset: int = 0
    storage_elements: int = 0
    init: str = ""
    strides_assumed: bool = False
    dtype_inferred: bool = False


STRIDES_ASSUMED, DTYPE_INFERRED = 1, 2


def spec(tensor: native.Tensor) -> TensorSpec:
    """A description that outlives the record."""
    rank = tensor.rank
    return TensorSpec(
        shape=tuple(tensor.shape[:rank]) if rank else (),
        strides=tuple(tensor.strides[:rank]) if rank else (),
        dtype=DType(tensor.dtype),
        dtype_text=tensor.dtype_text.text(),
        device=tensor.device.text(),
        storage_offset=tensor.storage_offset,
        storage_elements=tensor.storage_elements,
        init=tensor.init.text(),
        strides_assumed=bool(tensor.flags & STRIDES_ASSUMED),
        dtype_inferred=bool(tensor.flags & DTYPE_INFERRED),
    )


def _no_tensor(value: native.Value) -> Any:
    raise Error(Status.INTERNAL, "a live tensor where none can be")


_PLAIN: dict[int, Callable[[native.Value], Any]] = {
    Kind.MISSING: lambda v: MISSING,
    Kind.NONE: lambda v: None,
    Kind.BOOL: lambda v: bool(v.u.i),
    Kind.INT: lambda v: v.u.i,
    Kind.FLOAT: lambda v: v.u.f,
    Kind.COMPLEX: lambda v: complex(v.u.c.re, v.u.c.im),
    Kind.STR: lambda v: v.u.s.text(),
    Kind.DTYPE: lambda v: DType(v.u.i),
    Kind.LAYOUT: lambda v: Layout(v.u.i),
    Kind.DEVICE: lambda v: Device(v.u.s.text()),
    Kind.MEMORY_FORMAT: lambda v: MemoryFormat(v.u.i),
    Kind.GENERATOR: lambda v: Generator(v.u.i),
    Kind.TENSOR: lambda v: spec(v.u.tensor[0]),
}


def to_python(value: native.Value, tensor: Callable[[native.Value], Any] = _no_tensor) -> Any:
    """A value as Python has it; `tensor` turns live tensors into something."""
    if value.kind == Kind.HANDLE:
        return tensor(value)
    if value.kind == Kind.LIST:
        items = ctypes.cast(value.u.list.items, ctypes.POINTER(native.Value))
        return [to_python(items[i], tensor) for i in range(value.u.list.len)]
    convert = _PLAIN.get(value.kind)
    return convert(value) if convert else MISSING


def _torch_value(value: Any) -> tuple[Kind, int | str] | None:
    """torch.float32, torch.strided and their kind, by their type's name: torch need not be there."""
    name = f"{type(value).__module__}.{type(value).__name__}"
    if name == "torch.dtype":
        return Kind.DTYPE, DType.parse(str(value))
    if name == "torch.device":
        return Kind.DEVICE, str(value)
    return None


def from_python(value: Any, keep: list[Any]) -> native.Value:
    """A plain value for C. What must live as long as it is put into `keep`."""
    made = native.Value()
    as_torch = _torch_value(value)
    if as_torch:
        value = DType(as_torch[1]) if as_torch[0] == Kind.DTYPE else Device(as_torch[1])
    if value is None:
        made.kind = Kind.NONE
    elif isinstance(value, bool):
        made.kind, made.u.i = Kind.BOOL, int(value)
    elif isinstance(value, (DType, Layout, MemoryFormat)):
        made.kind = {DType: Kind.DTYPE, Layout: Kind.LAYOUT}.get(type(value), Kind.MEMORY_FORMAT)
        made.u.i = int(value)
    elif isinstance(value, Generator):
        made.kind, made.u.i = Kind.GENERATOR, value.seed
    elif isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise OverflowError(f"{value} does not fit 64 bits")
        made.kind, made.u.i = Kind.INT, value
    elif isinstance(value, float):
        made.kind, made.u.f = Kind.FLOAT, value
    elif isinstance(value, complex):
        made.kind, made.u.c = Kind.COMPLEX, native.Complex(value.real, value.imag)
    elif isinstance(value, str):
        text = native.string(value)
        keep.append(text)
        made.kind, made.u.s = Kind.DEVICE if isinstance(value, Device) else Kind.STR, text
    elif isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        items = (native.Value * max(1, len(value)))(*(from_python(item, keep) for item in value))
        keep.append(items)
        made.kind, made.u.list = Kind.LIST, native.List(ctypes.addressof(items), len(value))
    elif hasattr(value, "__index__"):
        return from_python(int(value), keep)
    elif hasattr(value, "__float__") and not hasattr(value, "__dlpack__"):
        return from_python(float(value), keep)
    else:
        raise TypeError(f"a {type(value).__name__} is no plain value of an argument")
    return made
