"""The C interface of libevreplay as ctypes sees it: every structure, callback type and function of the public headers.

Nothing here is for users: the package's typed classes stand above it. tests/python/test_native.py holds each declaration against the
headers, by a C program that prints sizes and offsets.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, Union, c_char, c_char_p, c_double, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any

from . import _find
from . import _native_results as _results
from . import _native_sets as _sets
from ._c import PROGRESS as PROGRESS
from ._c import SCHEMA as SCHEMA
from ._c import SCHEMA_SOURCE as SCHEMA_SOURCE
from ._c import Err as Err
from ._c import Handle as Handle
from ._c import Out as Out
from ._c import Str as Str
from ._c import Versioned as Versioned
from ._c import callback as callback
from ._c import string as string
from ._c import strings as strings

ABI_VERSION = 1
NO_UID = 2**64 - 1
NO_TIME = -(2**63)

# ctypes puts a derived structure's fields behind its base's, padded as C does, so _fields_ below leave struct_size out.

# base.h

ALLOC = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_size_t)
RESIZE = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_void_p, c_size_t, c_size_t)
RELEASE = ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_size_t)
LOG = ctypes.CFUNCTYPE(None, c_void_p, c_int32, Str)


class Allocator(Versioned):
    """evr_allocator"""

    _fields_ = [("reserved", c_uint32), ("user", c_void_p), ("alloc", ALLOC), ("resize", RESIZE), ("release", RELEASE)]


class ContextOptions(Versioned):
    """evr_context_options"""

    _fields_ = [("log_level", c_int32), ("allocator", POINTER(Allocator)), ("log", LOG), ("log_user", c_void_p), ("plugin_path", c_char_p)]


# trace.h

READ = ctypes.CFUNCTYPE(c_int32, c_void_p, c_void_p, c_size_t, POINTER(c_size_t))


class Event(Versioned):
    """evr_event"""

    _fields_ = [
        ("kind", c_int32),
        ("name", Str),
        ("category", Str),
        ("pid", Str),
        ("tid", Str),
        ("start_ns", c_int64),
        ("duration_ns", c_int64),
        ("parent", c_uint64),
        ("correlation", c_uint64),
        ("external_id", c_uint64),
        ("sequence", c_int64),
        ("forward_thread", c_int64),
        ("device", c_int64),
        ("stream", c_int64),
        ("track", c_uint32),
        ("signature", c_uint32),
        ("phase", c_char),
        ("reserved", c_char * 7),
    ]


class TraceOptions(Versioned):
    """evr_trace_options"""

    _fields_ = [
        ("flags", c_uint32),
        ("threads", c_uint32),
        ("reserved", c_uint32),
        ("progress", PROGRESS),
        ("progress_user", c_void_p),
        ("max_events", c_uint64),
        ("window_bytes", c_uint64),
    ]


class Source(Versioned):
    """evr_source"""

    _fields_ = [("reserved", c_uint32), ("user", c_void_p), ("read", READ), ("size", c_uint64)]


class EventFilter(Versioned):
    """evr_event_filter"""

    _fields_ = [("kind", c_int32), ("category", Str), ("name", Str), ("from_ns", c_int64), ("to_ns", c_int64)]


class EventDesc(Versioned):
    """evr_event_desc"""

    _fields_ = [
        ("phase", c_char),
        ("reserved", c_char * 3),
        ("name", Str),
        ("category", Str),
        ("pid", c_int64),
        ("tid", c_int64),
        ("start_ns", c_int64),
        ("duration_ns", c_int64),
        ("correlation", c_uint64),
        ("external_id", c_uint64),
        ("sequence", c_int64),
        ("forward_thread", c_int64),
        ("device", c_int64),
        ("stream", c_int64),
        ("dims", Str),
        ("types", Str),
        ("strides", Str),
        ("values", Str),
    ]


# ir.h


class Tensor(Versioned):
    """evr_tensor"""

    _fields_ = [
        ("dtype", c_int32),
        ("rank", c_uint32),
        ("flags", c_uint32),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
        ("storage_offset", c_int64),
        ("storage_elements", c_int64),
        ("dtype_text", Str),
        ("device", Str),
        ("init", Str),
    ]


class Complex(Structure):
    """evr_complex"""

    _fields_ = [("re", c_double), ("im", c_double)]


class List(Structure):
    """evr_list; `items` points to evr_value"""

    _fields_ = [("items", c_void_p), ("len", c_size_t)]


class ValueUnion(Union):
    """evr_value.u"""

    _fields_ = [("i", c_int64), ("f", c_double), ("c", Complex), ("s", Str), ("tensor", POINTER(Tensor)), ("list", List), ("handle", c_void_p)]


class Value(Structure):
    """evr_value"""

    _fields_ = [("kind", c_uint32), ("reserved", c_uint32), ("u", ValueUnion)]


class Argument(Versioned):
    """evr_argument"""

    _fields_ = [
        ("flags", c_uint32),
        ("name", Str),
        ("type", Str),
        ("value", Value),
        ("provenance", c_int32),
        ("reserved", c_int32),
        ("note", Str),
    ]


class Kernel(Structure):
    """evr_kernel"""

    _fields_ = [("name", Str), ("count", c_uint64), ("total_ns", c_int64)]


class Batch(Versioned):
    """evr_batch_context"""

    _fields_ = [
        ("reserved", c_uint32),
        ("context_requests", c_int64),
        ("context_tokens", c_int64),
        ("context_cached", c_int64),
        ("generation_requests", c_int64),
        ("generation_tokens", c_int64),
        ("generation_cached", c_int64),
    ]


class ExtractorOptions(Versioned):
    """evr_extractor_options"""

    _fields_ = [("flags", c_uint32), ("torch_version", Str)]


class Call(Versioned):
    """evr_call"""

    _fields_ = [
        ("status", c_int32),
        ("reason", c_int32),
        ("reserved", c_uint32),
        ("uid", c_uint64),
        ("count", c_uint64),
        ("cpu_ns", c_int64),
        ("device_ns", c_int64),
        ("op", Str),
    ]


# registry.h

CALL = ctypes.CFUNCTYPE(c_int32, c_void_p, c_void_p, c_void_p, POINTER(Str), c_size_t, Err)
FREE = ctypes.CFUNCTYPE(None, c_void_p)


class Callable(Versioned):
    """evr_callable"""

    _fields_ = [("reserved", c_uint32), ("self", c_void_p), ("call", CALL), ("free", FREE)]


VISIT_NAME = ctypes.CFUNCTYPE(None, c_void_p, Str)
IMPORT_MODULE = ctypes.CFUNCTYPE(c_int32, c_void_p, c_char_p, Err)
FIND_CALLABLE = ctypes.CFUNCTYPE(c_int32, c_void_p, c_char_p, POINTER(Callable), Err)
SYMM_MEM_ARGS = ctypes.CFUNCTYPE(c_int32, c_void_p, c_char_p, VISIT_NAME, c_void_p, Err)


class HostHooks(Versioned):
    """evr_host_hooks"""

    _fields_ = [
        ("reserved", c_uint32),
        ("user", c_void_p),
        ("import_module", IMPORT_MODULE),
        ("find_callable", FIND_CALLABLE),
        ("symm_mem_args", SYMM_MEM_ARGS),
    ]


# ranks.h

LOST = ctypes.CFUNCTYPE(c_int32, c_void_p, c_uint64, c_int32, c_char_p, Err)
RANKS_BEGIN = ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(ctypes.c_uint8), c_size_t, LOST, c_void_p, Err)
RANKS_RECORD = ctypes.CFUNCTYPE(c_int32, c_void_p, c_uint64, c_char_p, Err)
RANKS_GROUP = ctypes.CFUNCTYPE(c_int32, c_void_p, c_char_p, POINTER(c_int64), c_size_t, Err)
RANKS_DROP = ctypes.CFUNCTYPE(c_int32, c_void_p, c_char_p, Err)
RANKS_LARGEST = ctypes.CFUNCTYPE(c_int32, c_void_p, c_char_p, c_void_p, c_size_t, Err)
RANKS_SHARE = ctypes.CFUNCTYPE(c_int32, c_void_p, c_int32, c_void_p, c_size_t, Err)
RANKS_END = ctypes.CFUNCTYPE(c_int32, c_void_p, Err)


class Ranks(Versioned):
    """evr_ranks"""

    _fields_ = [
        ("flags", c_uint32),
        ("rank", c_int32),
        ("count", c_int32),
        ("local_rank", c_int32),
        ("local_count", c_int32),
        ("group_size", c_int32),
        ("expert_size", c_int32),
        ("clock_offset_ns", c_double),
        ("user", c_void_p),
        ("begin", RANKS_BEGIN),
        ("record", RANKS_RECORD),
        ("group", RANKS_GROUP),
        ("drop", RANKS_DROP),
        ("largest", RANKS_LARGEST),
        ("share", RANKS_SHARE),
        ("end", RANKS_END),
    ]


class Group(Versioned):
    """evr_group"""

    _fields_ = [
        ("size", c_int32),
        ("name", Str),
        ("description", Str),
        ("backend", Str),
        ("ranks", POINTER(c_int64)),
        ("rank_count", c_size_t),
    ]


# init.h

APPLIES = ctypes.CFUNCTYPE(c_int32, c_void_p, c_void_p)
INIT = ctypes.CFUNCTYPE(c_int32, c_void_p, c_void_p, Err)


class CustomInit(Versioned):
    """evr_custom_init"""

    _fields_ = [
        ("reserved", c_uint32),
        ("name", c_char_p),
        ("op_names", POINTER(c_char_p)),
        ("applies", APPLIES),
        ("init", INIT),
        ("destroy", FREE),
        ("user", c_void_p),
    ]


class InitTensor(Versioned):
    """evr_init_tensor"""

    _fields_ = [
        ("dtype", c_int32),
        ("rank", c_uint32),
        ("reserved", c_uint32),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
        ("storage_offset", c_int64),
        ("storage", c_void_p),
        ("storage_bytes", c_uint64),
    ]


# replay.h


class RuntimeOptions(Versioned):
    """evr_runtime_options"""

    _fields_ = [("threads", c_int32), ("bridge", c_char_p), ("device", c_char_p), ("max_bytes", c_uint64), ("seed", c_uint64)]


class ReplayerOptions(Versioned):
    """evr_replayer_options"""

    _fields_ = [("flags", c_uint32)]


#: C name of each structure.
STRUCTURES: dict[str, type[Structure]] = {
    "evr_str": Str,
    "evr_allocator": Allocator,
    "evr_context_options": ContextOptions,
    "evr_event": Event,
    "evr_trace_options": TraceOptions,
    "evr_source": Source,
    "evr_event_filter": EventFilter,
    "evr_event_desc": EventDesc,
    "evr_tensor": Tensor,
    "evr_complex": Complex,
    "evr_list": List,
    "evr_value": Value,
    "evr_argument": Argument,
    "evr_kernel": Kernel,
    "evr_batch_context": Batch,
    "evr_extractor_options": ExtractorOptions,
    "evr_call": Call,
    "evr_callable": Callable,
    "evr_host_hooks": HostHooks,
    "evr_ranks": Ranks,
    "evr_group": Group,
    "evr_custom_init": CustomInit,
    "evr_init_tensor": InitTensor,
    "evr_runtime_options": RuntimeOptions,
    "evr_replayer_options": ReplayerOptions,
    **_results.STRUCTURES,
    **_sets.STRUCTURES,
}

_I32, _U32, _I64, _U64, _SIZE = c_int32, c_uint32, c_int64, c_uint64, c_size_t
_P = c_void_p

#: Result and arguments of each function; `None` is void.
FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    # base.h
    "evr_context_new": (_I32, [POINTER(ContextOptions), Out, Err]),
    "evr_context_free": (None, [_P]),
    "evr_context_plugin_path": (Str, [_P]),
    "evr_version": (_U32, []),
    "evr_version_string": (c_char_p, []),
    "evr_abi_check": (_I32, [_U32, Err]),
    "evr_status_name": (c_char_p, [_I32]),
    "evr_error_code": (_I32, [_P]),
    "evr_error_message": (c_char_p, [_P]),
    "evr_error_hint": (c_char_p, [_P]),
    "evr_error_offset": (_I64, [_P]),
    "evr_error_uid": (_U64, [_P]),
    "evr_error_op": (c_char_p, [_P]),
    "evr_error_cause": (_P, [_P]),
    "evr_error_make": (_I32, [_P, Err, _I32, c_char_p, c_char_p]),
    "evr_error_free": (None, [_P]),
    # trace.h
    "evr_trace_open_file": (_I32, [_P, c_char_p, POINTER(TraceOptions), Out, Err]),
    "evr_trace_open_memory": (_I32, [_P, _P, _SIZE, POINTER(TraceOptions), Out, Err]),
    "evr_trace_open_source": (_I32, [_P, POINTER(Source), POINTER(TraceOptions), Out, Err]),
    "evr_trace_free": (None, [_P]),
    "evr_trace_format": (_I32, [_P]),
    "evr_trace_event_count": (_U64, [_P]),
    "evr_trace_json_bytes": (_U64, [_P]),
    "evr_trace_memory": (_U64, [_P]),
    "evr_trace_damage": (_P, [_P]),
    "evr_trace_metadata_count": (_SIZE, [_P]),
    "evr_trace_metadata_at": (None, [_P, _SIZE, POINTER(Str), POINTER(Str)]),
    "evr_trace_metadata": (Str, [_P, Str]),
    "evr_trace_span": (None, [_P, POINTER(_I64), POINTER(_I64)]),
    "evr_trace_category_count": (_SIZE, [_P]),
    "evr_trace_category_at": (None, [_P, _SIZE, POINTER(Str), POINTER(_I32), POINTER(_U64)]),
    "evr_trace_event": (_I32, [_P, _U64, POINTER(Event), Err]),
    "evr_trace_arg": (Str, [_P, _U64, _I32]),
    "evr_trace_first_child": (_U64, [_P, _U64]),
    "evr_trace_next_sibling": (_U64, [_P, _U64]),
    "evr_trace_device_events": (POINTER(_U64), [_P, _U64, POINTER(_SIZE)]),
    "evr_trace_device_time": (_I64, [_P, _U64]),
    "evr_trace_launcher": (_U64, [_P, _U64]),
    "evr_trace_forward_of": (_U64, [_P, _U64]),
    "evr_trace_backward_of": (_U64, [_P, _U64]),
    "evr_trace_annotation_of": (_U64, [_P, _U64]),
    "evr_trace_next": (_U64, [_P, POINTER(EventFilter), _U64]),
    "evr_trace_starts": (_P, [_P]),
    "evr_trace_durations": (_P, [_P]),
    "evr_trace_name_ids": (_P, [_P]),
    "evr_trace_tracks": (_P, [_P]),
    "evr_trace_name_count": (_SIZE, [_P]),
    "evr_trace_name": (Str, [_P, _U32]),
    "evr_trace_category_ids": (_P, [_P]),
    "evr_trace_copy_column": (_I32, [_P, _I32, _P, Err]),
    "evr_trace_builder_new": (_I32, [_P, POINTER(TraceOptions), Out, Err]),
    "evr_trace_builder_reserve": (_I32, [_P, _U64, Err]),
    "evr_trace_builder_push": (_I32, [_P, POINTER(EventDesc), Err]),
    "evr_trace_builder_finish": (_I32, [_P, Out, Err]),
    "evr_trace_builder_free": (None, [_P]),
    # ir.h
    "evr_dtype_name": (c_char_p, [_I32]),
    "evr_dtype_parse": (_I32, [Str]),
    "evr_dtype_size": (_SIZE, [_I32]),
    "evr_outcome_name": (c_char_p, [_I32]),
    "evr_reason_name": (c_char_p, [_I32]),
    "evr_reason_advice": (c_char_p, [_I32]),
    "evr_batch_context_parse": (_I32, [Str, POINTER(Batch)]),
    "evr_ir_op": (Str, [_P]),
    "evr_ir_overload": (Str, [_P]),
    "evr_ir_schema": (Str, [_P]),
    "evr_ir_argument_count": (_SIZE, [_P]),
    "evr_ir_argument": (POINTER(Argument), [_P, _SIZE]),
    "evr_ir_count": (_U64, [_P]),
    "evr_ir_uid": (_U64, [_P]),
    "evr_ir_device": (Str, [_P]),
    "evr_ir_autocast": (_I32, [_P]),
    "evr_ir_kernel_count": (_SIZE, [_P]),
    "evr_ir_kernel": (POINTER(Kernel), [_P, _SIZE]),
    "evr_ir_status": (_I32, [_P]),
    "evr_ir_reason": (_I32, [_P]),
    "evr_ir_detail": (Str, [_P]),
    "evr_ir_batch_context": (_I32, [_P, POINTER(Batch)]),
    "evr_ir_group": (POINTER(Group), [_P]),
    "evr_ir_arguments": (_I32, [_P, Out, Err]),
    "evr_ir_free": (None, [_P]),
    "evr_extractor_new": (_I32, [_P, _P, POINTER(ExtractorOptions), Out, Err]),
    "evr_extractor_free": (None, [_P]),
    "evr_extractor_ask": (_I32, [_P, SCHEMA_SOURCE, _P, Err]),
    "evr_extractor_calls": (_I32, [_P, POINTER(POINTER(Call)), POINTER(_SIZE), Err]),
    "evr_extractor_record": (_I32, [_P, _U64, Out, Err]),
    "evr_extractor_explain": (_I32, [_P, _U64, Out, Err]),
    "evr_ir_read": (_I32, [_P, _P, _SIZE, Out, Err]),
    "evr_ir_set_count": (_SIZE, [_P]),
    "evr_ir_set_at": (_P, [_P, _SIZE]),
    "evr_ir_set_runtime": (c_double, [_P, _SIZE]),
    "evr_ir_set_free": (None, [_P]),
    "evr_ir_write": (_I32, [_P, POINTER(_P), _SIZE, _I32, Out, POINTER(_SIZE), Err]),
    "evr_ir_write_log": (_I32, [_P, POINTER(_P), _SIZE, POINTER(c_double), Out, POINTER(_SIZE), POINTER(_SIZE), Err]),
    "evr_text_free": (None, [_P, _P]),
    # registry.h
    "evr_register_namespace": (_I32, [_P, Str, POINTER(Str), _SIZE, Err]),
    "evr_namespace_sources": (POINTER(Str), [_P, Str, POINTER(_SIZE)]),
    "evr_allow_unknown_imports": (_I32, [_P, _I32, Err]),
    "evr_unknown_imports_allowed": (_I32, [_P]),
    "evr_set_module_path": (_I32, [_P, Str, Err]),
    "evr_module_path": (Str, [_P]),
    "evr_register_alias": (_I32, [_P, Str, Str, Err]),
    "evr_alias_of": (Str, [_P, Str]),
    "evr_register_string_default": (_I32, [_P, Str, Str, Err]),
    "evr_string_default_of": (Str, [_P, Str]),
    "evr_set_init_option": (_I32, [_P, Str, Str, Err]),
    "evr_init_option_of": (Str, [_P, Str]),
    "evr_register_symm_mem_args": (_I32, [_P, Str, POINTER(Str), _SIZE, Err]),
    "evr_symm_mem_args": (POINTER(Str), [_P, Str, POINTER(_SIZE)]),
    "evr_set_host_hooks": (_I32, [_P, POINTER(HostHooks), Err]),
    "evr_set_ranks": (_I32, [_P, POINTER(Ranks), Err]),
    "evr_get_ranks": (None, [_P, POINTER(Ranks)]),
    "evr_ir_communicates": (_I32, [_P]),
    "evr_ir_fit_ranks": (_I32, [_P, POINTER(Ranks), Out, POINTER(_I64), POINTER(_SIZE), POINTER(_I32), Err]),
    "evr_configure": (_I32, [_P, _P, _SIZE, Err]),
    "evr_configuration": (_I32, [_P, Out, POINTER(_SIZE), Err]),
    "evr_configure_file": (_I32, [_P, c_char_p, Err]),
    # init.h
    "evr_register_custom_init": (_I32, [_P, POINTER(CustomInit), Err]),
    "evr_custom_init_name": (Str, [_P, _SIZE]),
    "evr_init_context": (_P, [_P]),
    "evr_init_record": (_P, [_P]),
    "evr_init_seed": (_U64, [_P]),
    "evr_init_find": (_SIZE, [_P, c_char_p]),
    "evr_init_option": (Str, [_P, c_char_p]),
    "evr_init_random": (_U32, [_P, _U32, _U64]),
    "evr_init_tensor_at": (_I32, [_P, _SIZE, _SIZE, POINTER(InitTensor), Err]),
    "evr_init_write_i64": (_I32, [_P, _SIZE, _SIZE, POINTER(_I64), _SIZE, Err]),
    "evr_init_write_f64": (_I32, [_P, _SIZE, _SIZE, POINTER(c_double), _SIZE, Err]),
    "evr_init_set_value": (_I32, [_P, _SIZE, POINTER(Value), Err]),
    "evr_init_warn": (_I32, [_P, c_char_p]),
    # replay.h
    "evr_runtime_open": (_I32, [_P, POINTER(RuntimeOptions), Out, Err]),
    "evr_runtime_free": (None, [_P]),
    "evr_runtime_device": (Str, [_P]),
    "evr_runtime_version": (Str, [_P]),
    "evr_runtime_bridge_path": (Str, [_P]),
    "evr_runtime_register_symm_mem_args": (_I32, [_P, Str, POINTER(Str), _SIZE, Err]),
    "evr_runtime_load_library": (_I32, [_P, c_char_p, Err]),
    "evr_runtime_schemas": (_I32, [_P, Str, SCHEMA, _P, Err]),
    "evr_runtime_teach": (_I32, [_P, _P, Err]),
    "evr_replayer_new": (_I32, [_P, _P, POINTER(ReplayerOptions), Out, Err]),
    "evr_replayer_free": (None, [_P]),
    "evr_replayer_run": (_I32, [_P, Err]),
    "evr_replayer_run_many": (_I32, [_P, _U64, Err]),
    "evr_replay_outcome": (None, [_I32, _P, POINTER(_I32), POINTER(_I32)]),
    "evr_replayer_argument": (_I32, [_P, _SIZE, POINTER(Value), Err]),
    "evr_replayer_set_argument": (_I32, [_P, _SIZE, POINTER(Value), Err]),
    "evr_replayer_result_count": (_SIZE, [_P]),
    "evr_replayer_result": (_I32, [_P, _SIZE, POINTER(Value), Err]),
    "evr_replayer_describe": (_I32, [_P, POINTER(Value), POINTER(Tensor), Err]),
    "evr_replayer_read": (_I32, [_P, POINTER(Value), _U64, _P, _U64, Err]),
    "evr_replayer_to_dlpack": (_I32, [_P, POINTER(Value), Out, Err]),
    "evr_replayer_warning_count": (_SIZE, [_P]),
    "evr_replayer_warning": (Str, [_P, _SIZE]),
    "evr_replayer_initializer": (Str, [_P]),
    "evr_replayer_bytes": (_U64, [_P]),
    "evr_replayer_repro": (_I32, [_P, Out, POINTER(_SIZE), Err]),
    **_results.FUNCTIONS,
    **_sets.FUNCTIONS,
}


def declare(library: ctypes.CDLL) -> None:
    """Gives each function its types. A function that the library lacks means that it is older than the package."""
    missing = []
    for name, (result, arguments) in FUNCTIONS.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            missing.append(name)
            continue
        function.restype, function.argtypes = result, arguments
    if missing:
        raise ImportError(f"{library._name} is older than this package: it lacks {', '.join(missing)}")


def check(library: ctypes.CDLL) -> None:
    """Refuses a library that speaks another ABI."""
    error = c_void_p()
    if library.evr_abi_check(ABI_VERSION, ctypes.byref(error)) != 0:
        message = library.evr_error_message(error).decode()
        library.evr_error_free(error)
        raise ImportError(f"{library._name} does not fit this package: {message}")


lib = _find.load()
declare(lib)
check(lib)
