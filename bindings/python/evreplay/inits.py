"""Initializers written in Python: what the tensors of a record hold before it runs."""

from __future__ import annotations

import ctypes
import itertools
import sys
import warnings
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, overload

from . import _native as native
from ._handle import call
from ._native import lib
from .context import Context, context_or_default, logger, name_bytes, need_numpy
from .errors import Error, Status, leave, make
from .records import Batch, Record
from .values import DType, from_python


class _Passthrough:
    def __repr__(self) -> str:
        return "evreplay.PASSTHROUGH"


#: What CustomInit.init() returns when the record is not its business after all: the next initializer is asked.
PASSTHROUGH = _Passthrough()
_PASSTHROUGH = 1

_NUMPY_NAMES = {
    "float16": "float16", "float32": "float32", "float64": "float64", "complex64": "complex64", "complex128": "complex128", "bool": "bool",
    "uint8": "uint8", "uint16": "uint16", "uint32": "uint32", "uint64": "uint64", "int8": "int8", "int16": "int16", "int32": "int32",
    "int64": "int64", "quint8": "uint8", "qint8": "int8", "qint32": "int32",
}  # fmt: skip


class _CallOnly:
    """Stands for the handle of what is lent for the time of one call."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.is_open = True

    @property
    def pointer(self) -> int:
        """Raises when the call is over."""
        if not self.is_open:
            raise Error(Status.STATE, f"the {self.what} is gone: it lives for one call", "copy what is needed later")
        return 0


class InitView:
    """A record being set up, as an initializer sees it. Lives for the call of init(), and so do the arrays that tensor() gives."""

    def __init__(self, pointer: int, context: Context) -> None:
        self._pointer = pointer
        self._life = _CallOnly("view")
        self._lent: list[tuple[str, Any]] = []
        self.context = context
        self.record = Record(lib.evr_init_record(pointer), context, self._life)  # type: ignore[arg-type]

    @property
    def pointer(self) -> int:
        """For the library. Raises when the call is over."""
        self._life.pointer  # noqa: B018
        return self._pointer

    @property
    def op(self) -> str:
        """The operator."""
        return self.record.op

    @property
    def seed(self) -> int:
        """The runtime's seed."""
        return int(lib.evr_init_seed(self.pointer))

    @property
    def batch(self) -> Batch | None:
        """The batch that an annotation around the call tells."""
        return self.record.batch

    def has(self, name: str) -> bool:
        """Whether there is an argument of that name."""
        return bool(lib.evr_init_find(self.pointer, name_bytes(name)) != ctypes.c_size_t(-1).value)

    def index(self, name: str) -> int:
        """Place of the argument of a name. Raises KeyError when there is none."""
        index = int(lib.evr_init_find(self.pointer, name_bytes(name)))
        if index == ctypes.c_size_t(-1).value:
            raise KeyError(f"{self.op} has no argument {name!r}")
        return index

    def value(self, name: str) -> Any:
        """Value of an argument as the record has it; a TensorSpec for a tensor."""
        return self.record.args[self.index(name)].value

    def option(self, key: str, default: Any = None) -> Any:
        """Text of an option set with set_init_option(), else the default."""
        text = lib.evr_init_option(self.pointer, name_bytes(key)).text_or_none()
        return default if text is None else text

    def random(self, stream: int = 0, index: int = 0) -> int:
        """A random number below 2³²: the same for the same seed, stream and index."""
        return int(lib.evr_init_random(self.pointer, stream, index))

    def warn(self, message: str) -> None:
        """A sentence for whoever reads the result."""
        lib.evr_init_warn(self.pointer, message.encode("utf-8", "replace"))

    def tensor(self, name: str, item: int = 0) -> Any:
        """A tensor as a numpy array over its own memory: what is written to it is what the operator gets. `item` is the place in a list of tensors.

        Types that numpy lacks (bfloat16, float8 and smaller) come as unsigned integers of their size; write() converts numbers to them.
        """
        numpy = need_numpy("InitView.tensor()")
        raw = native.InitTensor()
        call(lib.evr_init_tensor_at, self.pointer, self.index(name), item, ctypes.byref(raw))
        dtype = DType(raw.dtype)
        numpy_name = _NUMPY_NAMES.get(dtype.name) or {1: "uint8", 2: "uint16", 4: "uint32"}.get(dtype.itemsize)
        if not numpy_name:
            raise Error(Status.UNSUPPORTED, f"numpy has no type for the {dtype} of argument {name}", "use write()")
        shape, strides = raw.shape[: raw.rank] if raw.rank else [], raw.strides[: raw.rank] if raw.rank else []
        size = numpy.dtype(numpy_name).itemsize
        if not raw.storage or not raw.storage_bytes or 0 in shape:
            return numpy.empty(shape, numpy_name)
        memory = (ctypes.c_char * raw.storage_bytes).from_address(raw.storage)
        self._lent.append((name, memory))
        return numpy.ndarray(shape, numpy_name, memory, raw.storage_offset * size, [stride * size for stride in strides])

    def write(self, name: str, values: Any, item: int = 0) -> None:
        """Writes numbers to a tensor, in row-major order, converted to its type: an array, a tensor, or nested lists."""
        numbers = _flat(values)
        whole = all(isinstance(number, int) for number in numbers)
        function, element = (lib.evr_init_write_i64, ctypes.c_int64) if whole else (lib.evr_init_write_f64, ctypes.c_double)
        array = (element * max(1, len(numbers)))(*numbers)
        call(function, self.pointer, self.index(name), item, array, len(numbers))

    def set(self, name: str, value: Any) -> None:
        """Replaces an argument that is no tensor."""
        keep: list[Any] = []
        raw = from_python(value, keep)
        call(lib.evr_init_set_value, self.pointer, self.index(name), ctypes.byref(raw))

    def _end(self, owner: str) -> None:
        self._life.is_open = False
        kept = [name for name, memory in self._lent if sys.getrefcount(memory) > 3]  # the list's, the loop's and the call's own
        self._lent.clear()
        if kept:
            warnings.warn(
                f"initializer {owner} kept the array of {', '.join(kept)}, whose memory is not its own any more: keep a copy",
                RuntimeWarning,
                stacklevel=2,
            )


def _flat(values: Any) -> list[Any]:
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, (bool, int, float)):
        return [int(values) if isinstance(values, bool) else values]
    if isinstance(values, Iterable) and not isinstance(values, (str, bytes)):
        return [number for value in values for number in _flat(value)]
    raise TypeError(f"numbers are needed, not {type(values).__name__}")


class CustomInit:
    """Base class of initializers.

    `op_names` are the exact names of the operators that it is for; without any, override applies(). The first registered initializer
    that takes a record is the only one. What init() raises becomes a warning on the replayer, and the record runs with what the
    library's own rules put into its tensors.
    """

    #: For messages; the class's name by default.
    name: str = ""
    #: Exact names, such as "aten::index_add_". Empty: any operator that applies() takes.
    op_names: Sequence[str] = ()

    def applies(self, record: Record) -> bool:
        """Whether it is for this record. Asked before any tensor is looked at."""
        return True

    def init(self, view: InitView) -> Any:
        """Writes tensors through the view. Return PASSTHROUGH to leave the record to the next initializer."""
        raise NotImplementedError(f"{type(self).__name__} does not override init()")


class _Registered:
    def __init__(self, init: CustomInit, name: str, context: Context) -> None:
        self.init = init
        self.name = name
        self._context = weakref.ref(context)  # which owns this entry
        self.failure: BaseException | None = None  # of applies(), which has no way to say so

    @property
    def context(self) -> Context:
        """Alive while anything asks: the runtime that sets a record up holds it."""
        return context_or_default(self._context())


_registered: dict[int, _Registered] = {}
_keys = itertools.count(1)


@native.callback(native.APPLIES)
def _applies(key: int, record: int) -> int:
    entry = _registered[key]
    life = _CallOnly("record")
    try:
        return int(bool(entry.init.applies(Record(record, entry.context, life))))  # type: ignore[arg-type]
    except BaseException as exception:
        entry.failure = exception  # init() is asked next, and tells it
        return 1
    finally:
        life.is_open = False


@native.callback(native.INIT)
def _init(key: int, pointer: int, error: Any) -> int:
    view: InitView | None = None
    try:
        entry = _registered[key]
        failure, entry.failure = entry.failure, None
        if failure is not None:
            raise failure
        view = InitView(pointer, entry.context)
        return _PASSTHROUGH if entry.init.init(view) is PASSTHROUGH else 0
    except BaseException as exception:
        if not isinstance(exception, Exception):
            leave(exception)  # Ctrl-C ends the call around this one
        else:
            logger.debug("an initializer failed", exc_info=True)
        status = make(lib.evr_init_context(pointer), error, exception)
        exception.__traceback__ = None  # its frames hold arrays over memory that is lent
        return status
    finally:
        if view is not None:
            view._end(_registered[key].name)


@native.callback(native.FREE)
def _destroy(key: int) -> None:
    _registered.pop(key, None)


Registered = TypeVar("Registered")


@overload
def register_custom_init(init: Registered, *, context: Context | None = None) -> Registered: ...


@overload
def register_custom_init(
    *, op_names: Sequence[str], name: str = "", context: Context | None = None
) -> Callable[[Registered], Registered]: ...


def register_custom_init(init: Any = None, *, op_names: Sequence[str] = (), name: str = "", context: Context | None = None) -> Any:
    """Adds an initializer behind those registered before: an instance or a class of CustomInit.

    As a decorator of a class: `@register_custom_init`. Of a function that takes the view: `@register_custom_init(op_names=["ns::op"])`.
    """
    if init is None:
        return lambda decorated: _register_decorated(decorated, op_names, name, context)
    _register(init() if isinstance(init, type) else init, context_or_default(context))
    return init


def _register_decorated(decorated: Any, op_names: Sequence[str], name: str, context: Context | None) -> Any:
    made = decorated() if isinstance(decorated, type) else decorated
    if not isinstance(made, CustomInit):
        function, made = made, CustomInit()
        made.init = function  # type: ignore[method-assign]
        made.name = getattr(function, "__name__", "initializer")
    made.op_names = op_names or made.op_names
    made.name = name or made.name
    _register(made, context_or_default(context))
    return decorated


def _register(init: CustomInit, context: Context) -> None:
    if not isinstance(init, CustomInit):
        raise TypeError(f"an initializer is a CustomInit, not {type(init).__name__}")
    if isinstance(init.op_names, str):
        raise TypeError(f"op_names is a list of names: [{init.op_names!r}]")
    names = [name_bytes(op) for op in init.op_names]
    if not names and type(init).applies is CustomInit.applies:
        raise Error(
            Status.INVALID, f"{type(init).__name__} has neither op_names nor an applies() of its own", "say which operators it is for"
        )
    key = next(_keys)
    name = init.name or type(init).__name__
    _registered[key] = _Registered(init, name, context)
    array = (ctypes.c_char_p * (len(names) + 1))(*names, None) if names else None
    raw = native.CustomInit(name=name_bytes(name), op_names=array, applies=_applies, init=_init, destroy=_destroy, user=key)
    call(lib.evr_register_custom_init, context.pointer, raw)  # a failure has called _destroy


def list_custom_inits(context: Context | None = None) -> list[str]:
    """Names of the initializers in the order they are asked, built-in ones last."""
    return context_or_default(context).custom_init_names()
