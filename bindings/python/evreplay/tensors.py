"""Live tensors of a replayer, shared with torch, numpy and everything else that speaks DLPack."""

from __future__ import annotations

import ctypes
import importlib.util
import sys
import weakref
from typing import Any

from . import _native as native
from ._capsules import Capsules
from ._native import lib
from .errors import check
from .values import TensorSpec, spec


class _DLDevice(ctypes.Structure):
    _fields_ = [("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32)]


class _DLDataType(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16)]


class _DLTensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device", _DLDevice),
        ("ndim", ctypes.c_int32),
        ("dtype", _DLDataType),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class _DLManagedTensor(ctypes.Structure):
    pass


_DELETER = ctypes.CFUNCTYPE(None, ctypes.POINTER(_DLManagedTensor))
_DLManagedTensor._fields_ = [("dl_tensor", _DLTensor), ("manager_ctx", ctypes.c_void_p), ("deleter", _DELETER)]


def _delete(managed: int) -> None:
    """Gives a tensor back that nobody took over."""
    there = ctypes.cast(managed, ctypes.POINTER(_DLManagedTensor))
    there[0].deleter(there)


# A consumer renames the capsule when it takes the tensor over; under its first name the tensor is still ours to delete.
capsules = Capsules(b"dltensor", _delete)


class LiveTensor:
    """A tensor that a replayer holds, as an object of the DLPack protocol: torch.from_dlpack() and numpy.from_dlpack() take it without a copy.

    Its memory lives as long as anything that was made from it.
    """

    def __init__(self, managed: int, description: TensorSpec) -> None:
        self._managed = managed
        self._unused = weakref.finalize(self, _delete, managed)
        self._unused.atexit = False
        device = ctypes.cast(managed, ctypes.POINTER(_DLManagedTensor))[0].dl_tensor.device
        self._device = (int(device.device_type), int(device.device_id))
        self.spec = description

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes."""
        return self.spec.shape

    def __dlpack__(self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: bool | None = None) -> Any:
        if dl_device is not None and tuple(dl_device) != self._device:
            raise BufferError("the tensor stays on its device")
        if copy:
            raise BufferError("make the copy on the other side")
        if not self._unused.detach():
            raise BufferError("the tensor was given away already: ask the replayer for it again")
        return capsules.new(self._managed, self._managed)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._device

    def __repr__(self) -> str:
        return f"<evreplay.LiveTensor {list(self.spec.shape)} {self.spec.dtype} {self.spec.device}>"


def torch_if_there() -> Any:
    """torch when it is imported or installed, else None."""
    torch = sys.modules.get("torch")
    if torch is None and importlib.util.find_spec("torch") is not None:
        import torch
    return torch


def describe(replayer: int, value: native.Value) -> TensorSpec:
    """Shape, element type and device of a live tensor."""
    raw, error = native.Tensor(), ctypes.c_void_p()
    check(lib.evr_replayer_describe(replayer, ctypes.byref(value), ctypes.byref(raw), ctypes.byref(error)), error)
    return spec(raw)


def share(replayer: int, value: native.Value) -> LiveTensor:
    """A live tensor through DLPack."""
    managed, error = ctypes.c_void_p(), ctypes.c_void_p()
    description = describe(replayer, value)
    check(lib.evr_replayer_to_dlpack(replayer, ctypes.byref(value), ctypes.byref(managed), ctypes.byref(error)), error)
    return LiveTensor(managed.value or 0, description)


def live(replayer: int, value: native.Value) -> Any:
    """A live tensor as a torch tensor that shares its memory; a LiveTensor without torch."""
    shared = share(replayer, value)
    torch = torch_if_there()
    return shared if torch is None else torch.from_dlpack(shared)
