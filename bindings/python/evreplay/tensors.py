"""Live tensors of a replayer, shared with torch, numpy and everything else that speaks DLPack."""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from typing import Any

from . import _native as native
from ._native import lib
from .errors import check
from .values import TensorSpec, spec

_UNUSED = b"dltensor"

_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype = ctypes.py_object
_DESTRUCTOR = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, _DESTRUCTOR]

_is_valid = ctypes.pythonapi.PyCapsule_IsValid
_is_valid.restype = ctypes.c_int
_is_valid.argtypes = [ctypes.c_void_p, ctypes.c_char_p]

_pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of.restype = ctypes.c_void_p
_pointer_of.argtypes = [ctypes.c_void_p, ctypes.c_char_p]


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


@native.callback(_DESTRUCTOR)
def _drop_unused(capsule: int) -> None:
    # A consumer renames the capsule when it takes the tensor over; under its first name the tensor is still ours to delete.
    if _is_valid(capsule, _UNUSED):
        managed = ctypes.cast(_pointer_of(capsule, _UNUSED), ctypes.POINTER(_DLManagedTensor))
        managed[0].deleter(managed)


class LiveTensor:
    """A tensor that a replayer holds, as an object of the DLPack protocol: torch.from_dlpack() and numpy.from_dlpack() take it without a copy.

    Its memory lives as long as anything that was made from it.
    """

    def __init__(self, managed: int, description: TensorSpec) -> None:
        self._capsule: Any = _new_capsule(managed, _UNUSED, _drop_unused)
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
        if self._capsule is None:
            raise BufferError("the tensor was given away already: ask the replayer for it again")
        capsule, self._capsule = self._capsule, None
        return capsule

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
