"""The C interface of libevreplay as ctypes sees it, the part about many traces and about rows of databases. See _native.py."""

from __future__ import annotations

from ctypes import POINTER, Structure, c_char_p, c_double, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any

from ._c import PROGRESS, SCHEMA_SOURCE, Err, Out, Str, Versioned
from ._native_results import PerfdbUpdateOptions

# trace_set.h


class TraceSetOptions(Versioned):
    """evr_trace_set_options"""

    _fields_ = [("flags", c_uint32), ("threads", c_uint32), ("reserved", c_uint32), ("progress", PROGRESS), ("progress_user", c_void_p)]


class Rank(Versioned):
    """evr_rank"""

    _fields_ = [
        ("rank", c_int32),
        ("world_size", c_int32),
        ("clock", c_int32),
        ("trace", c_void_p),
        ("path", Str),
        ("host", Str),
        ("offset_ns", c_int64),
        ("offset_spread_ns", c_int64),
        ("collectives", c_uint64),
        ("unmatched", c_uint64),
        ("waited_ns", c_int64),
        ("awaited_ns", c_int64),
    ]


class Collective(Versioned):
    """evr_collective"""

    _fields_ = [
        ("slowest_rank", c_int32),
        ("name", Str),
        ("group", Str),
        ("dtype", Str),
        ("elements", c_int64),
        ("sequence", c_uint64),
        ("members", c_uint32),
        ("group_size", c_uint32),
        ("first_ns", c_int64),
        ("last_ns", c_int64),
        ("end_ns", c_int64),
        ("skew_ns", c_int64),
        ("shortest_ns", c_int64),
    ]


class Participation(Versioned):
    """evr_participation"""

    _fields_ = [("index", c_uint32), ("uid", c_uint64), ("start_ns", c_int64), ("duration_ns", c_int64)]


# rows.h


class RowsOptions(Versioned):
    """evr_rows_options"""

    _fields_ = [
        ("mode", c_int32),
        ("map", c_void_p),
        ("ops", POINTER(c_char_p)),
        ("op_count", c_size_t),
        ("source", SCHEMA_SOURCE),
        ("source_user", c_void_p),
        ("max_file_bytes", c_uint64),
        ("like", POINTER(c_void_p)),
        ("like_count", c_size_t),
    ]


class RowInfo(Versioned):
    """evr_row_info"""

    _fields_ = [
        ("status", c_int32),
        ("op", Str),
        ("file", Str),
        ("line", c_uint64),
        ("shapes", Str),
        ("reason", Str),
        ("composite", Str),
        ("records", POINTER(c_size_t)),
        ("record_count", c_size_t),
        ("measured_us", c_double),
    ]


#: C name of each structure.
STRUCTURES: dict[str, type[Structure]] = {
    "evr_trace_set_options": TraceSetOptions,
    "evr_rank": Rank,
    "evr_collective": Collective,
    "evr_participation": Participation,
    "evr_rows_options": RowsOptions,
    "evr_row_info": RowInfo,
}

_I32, _U64, _SIZE, _P = c_int32, c_uint64, c_size_t, c_void_p

#: Result and arguments of each function; `None` is void.
FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    # trace_set.h
    "evr_trace_set_open": (_I32, [_P, POINTER(c_char_p), _SIZE, POINTER(TraceSetOptions), Out, Err]),
    "evr_trace_set_free": (None, [_P]),
    "evr_trace_set_rank_count": (_SIZE, [_P]),
    "evr_trace_set_rank": (_I32, [_P, _SIZE, POINTER(Rank), Err]),
    "evr_trace_set_collective_count": (_SIZE, [_P]),
    "evr_trace_set_collective": (_I32, [_P, _SIZE, POINTER(Collective), Err]),
    "evr_trace_set_participation": (_I32, [_P, _SIZE, _SIZE, POINTER(Participation), Err]),
    # rows.h
    "evr_row_map_new": (_I32, [_P, Out, Err]),
    "evr_row_map_free": (None, [_P]),
    "evr_row_map_add": (_I32, [_P, _P, _SIZE, c_char_p, Err]),
    "evr_row_map_add_file": (_I32, [_P, c_char_p, Err]),
    "evr_row_map_has": (_I32, [_P, Str]),
    "evr_rows_open": (_I32, [_P, _P, POINTER(RowsOptions), Out, Err]),
    "evr_rows_free": (None, [_P]),
    "evr_rows_count": (_SIZE, [_P]),
    "evr_rows_at": (_I32, [_P, _SIZE, POINTER(RowInfo), Err]),
    "evr_rows_records": (POINTER(c_void_p), [_P, POINTER(_SIZE)]),
    "evr_rows_take": (_I32, [_P, _P, POINTER(_U64), Err]),
    "evr_rows_update": (_I32, [_P, _P, POINTER(PerfdbUpdateOptions), _I32, Out, Err]),
}
