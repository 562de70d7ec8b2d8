"""The C interface of libevreplay as ctypes sees it, the part about times: measuring, results, batches, databases and artifacts. See _native.py."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, c_char, c_char_p, c_double, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any

from ._c import Err, Out, Str, Versioned

# backend.h


class DeviceDesc(Versioned):
    """evr_device_desc"""

    _fields_ = [
        ("flags", c_uint32),
        ("name", Str),
        ("driver", Str),
        ("clock", Str),
        ("settings", Str),
        ("memory_bytes", c_uint64),
        ("cache_bytes", c_uint64),
        ("tick_ns", c_double),
        ("clock_mhz", c_double),
        ("memory_clock_mhz", c_double),
        ("look_ns", c_double),
    ]


class DeviceState(Versioned):
    """evr_device_state"""

    _fields_ = [
        ("throttle", c_uint32),
        ("throttle_count", c_uint64),
        ("clock_mhz", c_double),
        ("memory_clock_mhz", c_double),
        ("temperature_c", c_double),
        ("power_w", c_double),
    ]


class KernelRun(Versioned):
    """evr_kernel_run"""

    _fields_ = [("stream", c_uint32), ("name", Str), ("start_ns", c_double), ("duration_ns", c_double)]


KERNEL = ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(KernelRun))

# measure.h

RUN = ctypes.CFUNCTYPE(c_int32, c_void_p, Err)
MEASURE_PROGRESS = ctypes.CFUNCTYPE(c_int32, c_void_p, c_uint64, c_double)
AGREE = ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(c_double), c_size_t, Err)


class Statistics(Versioned):
    """evr_statistics"""

    _fields_ = [
        ("flags", c_uint32),
        ("count", c_uint64),
        ("median", c_double),
        ("median_low", c_double),
        ("median_high", c_double),
        ("coverage", c_double),
        ("mad", c_double),
        ("iqr", c_double),
        ("q1", c_double),
        ("q3", c_double),
        ("min", c_double),
        ("max", c_double),
        ("mean", c_double),
        ("std", c_double),
        ("drift", c_double),
        ("correlation", c_double),
        ("dip", c_double),
        ("mode_low", c_double),
        ("mode_high", c_double),
        ("mode_share", c_double),
        ("outliers", c_uint64),
    ]


class Protocol(Versioned):
    """evr_protocol"""

    _fields_ = [
        ("stop", c_int32),
        ("warmup", c_int32),
        ("flush", c_int32),
        ("launch", c_int32),
        ("gate", c_int32),
        ("throttle", c_int32),
        ("flags", c_uint32),
        ("warmup_calls", c_uint64),
        ("samples", c_uint64),
        ("min_samples", c_uint64),
        ("max_samples", c_uint64),
        ("batch", c_uint64),
        ("flush_bytes", c_uint64),
        ("seed", c_uint64),
        ("precision", c_double),
        ("min_seconds", c_double),
        ("seconds", c_double),
        ("noise", c_double),
        ("device_seconds", c_double),
        ("entropy_angle", c_double),
        ("entropy_r2", c_double),
        ("gate_seconds", c_double),
        ("fill", c_char * 32),
    ]


class MeterOptions(Versioned):
    """evr_meter_options"""

    _fields_ = [
        ("device", c_int32),
        ("backend", c_char_p),
        ("backend_path", c_char_p),
        ("stream", c_int32),
        ("flags", c_uint32),
        ("native_stream", c_void_p),
    ]


class Measured(Versioned):
    """evr_measured"""

    _fields_ = [
        ("flags", c_uint32),
        ("run", RUN),
        ("prepare", RUN),
        ("user", c_void_p),
        ("progress", MEASURE_PROGRESS),
        ("progress_user", c_void_p),
        ("agree", AGREE),
    ]


class Conditions(Versioned):
    """evr_conditions"""

    _fields_ = [
        ("flags", c_uint32),
        ("launch", c_int32),
        ("gate", c_int32),
        ("batch", c_uint64),
        ("flush_bytes", c_uint64),
        ("warmup_calls", c_uint64),
        ("calls", c_uint64),
        ("discarded", c_uint64),
        ("gate_timeouts", c_uint64),
        ("harness_ns", c_double),
        ("tick_ns", c_double),
        ("host_ns", c_double),
        ("device_ns", c_double),
        ("wall_ns", c_double),
        ("precision", c_double),
        ("clock_mhz", c_double),
        ("temperature_c", c_double),
    ]

# report.h


class Check(Versioned):
    """evr_check"""

    _fields_ = [("verdict", c_int32), ("name", Str), ("detail", Str)]


class RankResult(Versioned):
    """evr_rank_result"""

    _fields_ = [("rank", c_int32), ("status", c_int32), ("reason", c_int32), ("median_ns", c_double), ("first_run_ns", c_double)]


class Result(Versioned):
    """evr_result"""

    _fields_ = [
        ("flags", c_uint32),
        ("status", c_int32),
        ("reason", c_int32),
        ("index", c_uint64),
        ("uid", c_uint64),
        ("count", c_uint64),
        ("key", Str),
        ("op", Str),
        ("overload", Str),
        ("arguments", Str),
        ("detail", Str),
        ("initializer", Str),
        ("device", Str),
        ("warnings", POINTER(Str)),
        ("warning_count", c_size_t),
        ("checks", POINTER(Check)),
        ("check_count", c_size_t),
        ("tensor_bytes", c_uint64),
        ("trace_kernel_ns", c_double),
        ("trace_cpu_ns", c_double),
        ("first_run_ns", c_double),
        ("statistics", POINTER(Statistics)),
        ("conditions", POINTER(Conditions)),
        ("protocol", Str),
        ("samples", POINTER(c_double)),
        ("sample_count", c_size_t),
        ("ranks", POINTER(RankResult)),
        ("rank_count", c_size_t),
        ("slowest_rank", c_int32),
        ("visit", c_int32),
        ("visits", POINTER(c_double)),
        ("visit_count", c_size_t),
    ]


class ResultsInfo(Versioned):
    """evr_results_info"""

    _fields_ = [
        ("flags", c_uint32),
        ("runtime", Str),
        ("device", Str),
        ("device_name", Str),
        ("driver", Str),
        ("input", Str),
        ("seed", c_uint64),
        ("started_s", c_int64),
        ("wall_s", c_double),
    ]


class CompareOptions(Versioned):
    """evr_compare_options"""

    _fields_ = [("flags", c_uint32), ("threshold", c_double), ("error_rate", c_double), ("seed", c_uint64)]


class Change(Versioned):
    """evr_change"""

    _fields_ = [
        ("change", c_int32),
        ("base", POINTER(Result)),
        ("newer", POINTER(Result)),
        ("ratio", c_double),
        ("ratio_low", c_double),
        ("ratio_high", c_double),
        ("p_value", c_double),
        ("detail", Str),
    ]


class CompareSummary(Versioned):
    """evr_compare_summary"""

    _fields_ = [
        ("flags", c_uint32),
        ("matched", c_uint64),
        ("regressions", c_uint64),
        ("improvements", c_uint64),
        ("added", c_uint64),
        ("gone", c_uint64),
        ("unknown", c_uint64),
        ("base_ns", c_double),
        ("newer_ns", c_double),
        ("ratio", c_double),
        ("ratio_low", c_double),
        ("ratio_high", c_double),
    ]

# batch.h

BATCH_PROGRESS = ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(Result), c_uint64, c_uint64)


class ReplayBatchOptions(Versioned):
    """evr_replay_batch_options"""

    _fields_ = [
        ("flags", c_uint32),
        ("bridge", c_char_p),
        ("device", c_char_p),
        ("backend_path", c_char_p),
        ("protocol", POINTER(Protocol)),
        ("threads", c_int32),
        ("workers", c_int32),
        ("max_bytes", c_uint64),
        ("seed", c_uint64),
        ("timeout_s", c_double),
        ("budget_s", c_double),
        ("worker", c_char_p),
        ("journal", c_char_p),
        ("input", c_char_p),
        ("progress", BATCH_PROGRESS),
        ("progress_user", c_void_p),
        ("visits", c_uint32),
        ("reserved", c_uint32),
    ]

# perfdb.h


class PerfdbOptions(Versioned):
    """evr_perfdb_options"""

    _fields_ = [("flags", c_uint32), ("lock_timeout_ms", c_uint32), ("reserved", c_uint32), ("max_file_bytes", c_uint64)]


class PerfdbRun(Versioned):
    """evr_perfdb_run"""

    _fields_ = [
        ("status", c_int32),
        ("op", Str),
        ("state", Str),
        ("core", Str),
        ("input_shapes", Str),
        ("input_types", Str),
        ("input_formats", Str),
        ("output_shapes", Str),
        ("output_types", Str),
        ("output_formats", Str),
        ("reason", Str),
        ("line", c_uint64),
        ("duration_us", c_double),
        ("ep_size", Str),
    ]


class PerfdbUpdateOptions(Versioned):
    """evr_perfdb_update_options"""

    _fields_ = [
        ("mode", c_int32),
        ("flags", c_uint32),
        ("ep_size", c_uint32),
        ("sources", POINTER(c_char_p)),
        ("ops", POINTER(c_char_p)),
        ("source_count", c_size_t),
        ("op_count", c_size_t),
        ("runs", POINTER(POINTER(PerfdbRun))),
        ("run_count", c_size_t),
    ]


class PerfdbTotals(Versioned):
    """evr_perfdb_totals"""

    _fields_ = [
        ("complete", c_int32),
        ("files", c_uint64),
        ("written", c_uint64),
        ("rows", c_uint64),
        ("updated", c_uint64),
        ("added", c_uint64),
        ("unchanged", c_uint64),
        ("missing", c_uint64),
        ("unmatched", c_uint64),
        ("deleted", c_uint64),
        ("duplicates", c_uint64),
        ("malformed", c_uint64),
        ("gaps", c_uint64),
        ("source_files", c_uint64),
        ("source_rows", c_uint64),
    ]


class PerfdbFile(Versioned):
    """evr_perfdb_file"""

    _fields_ = [
        ("status", c_int32),
        ("op", Str),
        ("name", Str),
        ("reason", Str),
        ("written", c_int32),
        ("reserved", c_int32),
        ("rows", c_uint64),
        ("updated", c_uint64),
        ("added", c_uint64),
        ("unchanged", c_uint64),
        ("missing", c_uint64),
        ("unmatched", c_uint64),
        ("deleted", c_uint64),
        ("duplicates", c_uint64),
        ("malformed", c_uint64),
    ]


class PerfdbGap(Versioned):
    """evr_perfdb_gap"""

    _fields_ = [
        ("reserved", c_uint32),
        ("op", Str),
        ("name", Str),
        ("signature", Str),
        ("measured_us", c_double),
        ("profiled_us", c_double),
        ("ratio", c_double),
    ]


class PerfdbProblem(Versioned):
    """evr_perfdb_problem"""

    _fields_ = [("reserved", c_uint32), ("path", Str), ("line", c_uint64), ("message", Str)]

# store.h


class StoreOptions(Versioned):
    """evr_store_options"""

    _fields_ = [("flags", c_uint32), ("lock_timeout_ms", c_uint32), ("reserved", c_uint32)]


class StoreChanges(Versioned):
    """evr_store_changes"""

    _fields_ = [("reserved", c_uint32), ("added", c_uint64), ("known", c_uint64), ("unusable", c_uint64)]


STORE_PROBLEM = ctypes.CFUNCTYPE(None, c_void_p, Str, c_uint64, Str)


class StoreCsvOptions(Versioned):
    """evr_store_csv_options"""

    _fields_ = [
        ("flags", c_uint32),
        ("device_name", Str),
        ("runtime", Str),
        ("driver", Str),
        ("problem", STORE_PROBLEM),
        ("user", c_void_p),
    ]


class StoreCsvChanges(Versioned):
    """evr_store_csv_changes"""

    _fields_ = [
        ("reserved", c_uint32),
        ("files", c_uint64),
        ("unchanged", c_uint64),
        ("foreign", c_uint64),
        ("rows", c_uint64),
        ("malformed", c_uint64),
        ("untimed", c_uint64),
        ("added", c_uint64),
        ("known", c_uint64),
    ]


class StoreFilter(Versioned):
    """evr_store_filter"""

    _fields_ = [
        ("flags", c_uint32),
        ("key", Str),
        ("op", Str),
        ("device_name", Str),
        ("runtime", Str),
        ("driver", Str),
        ("protocol", Str),
        ("limit", c_uint64),
    ]


class StoreRow(Versioned):
    """evr_store_row"""

    _fields_ = [
        ("reserved", c_uint32),
        ("key", Str),
        ("op", Str),
        ("overload", Str),
        ("arguments", Str),
        ("device_name", Str),
        ("runtime", Str),
        ("driver", Str),
        ("protocol", Str),
        ("input", Str),
        ("taken_s", c_int64),
        ("samples", c_uint64),
        ("median_ns", c_double),
        ("median_low_ns", c_double),
        ("median_high_ns", c_double),
        ("distance", c_double),
    ]

# artifact.h


class ArtifactOptions(Versioned):
    """evr_artifact_options"""

    _fields_ = [("flags", c_uint32), ("results", c_void_p), ("input", Str), ("protocol", POINTER(Protocol)), ("seed", c_uint64)]


class ArtifactLimits(Versioned):
    """evr_artifact_limits"""

    _fields_ = [("files", c_uint32), ("file_bytes", c_uint64), ("total_bytes", c_uint64)]


class ArtifactInfo(Versioned):
    """evr_artifact_info"""

    _fields_ = [
        ("flags", c_uint32),
        ("library", Str),
        ("input", Str),
        ("runtime", Str),
        ("device", Str),
        ("device_name", Str),
        ("driver", Str),
        ("protocol", Str),
        ("seed", c_uint64),
    ]


class Expected(Versioned):
    """evr_expected"""

    _fields_ = [
        ("status", c_int32),
        ("key", Str),
        ("inputs", Str),
        ("initializer", Str),
        ("kernels", c_uint64),
        ("trace_kernel_ns", c_double),
        ("median_ns", c_double),
        ("median_low_ns", c_double),
        ("median_high_ns", c_double),
    ]


# arrow.h


class ArrowColumn(Versioned):
    """evr_arrow_column"""


ArrowColumn._fields_ = [
    ("flags", c_uint32),
    ("name", c_char_p),
    ("format", c_char_p),
    ("valid", c_void_p),
    ("values", c_void_p),
    ("offsets", c_void_p),
    ("nulls", c_uint64),
    ("dictionary", POINTER(ArrowColumn)),
    ("dictionary_rows", c_uint64),
]


#: C name of each structure.
STRUCTURES: dict[str, type[Structure]] = {
    "evr_device_desc": DeviceDesc,
    "evr_device_state": DeviceState,
    "evr_kernel_run": KernelRun,
    "evr_statistics": Statistics,
    "evr_protocol": Protocol,
    "evr_meter_options": MeterOptions,
    "evr_measured": Measured,
    "evr_conditions": Conditions,
    "evr_replay_batch_options": ReplayBatchOptions,
    "evr_check": Check,
    "evr_rank_result": RankResult,
    "evr_result": Result,
    "evr_results_info": ResultsInfo,
    "evr_compare_options": CompareOptions,
    "evr_change": Change,
    "evr_compare_summary": CompareSummary,
    "evr_perfdb_options": PerfdbOptions,
    "evr_perfdb_run": PerfdbRun,
    "evr_perfdb_update_options": PerfdbUpdateOptions,
    "evr_perfdb_totals": PerfdbTotals,
    "evr_perfdb_file": PerfdbFile,
    "evr_perfdb_gap": PerfdbGap,
    "evr_perfdb_problem": PerfdbProblem,
    "evr_store_options": StoreOptions,
    "evr_store_changes": StoreChanges,
    "evr_store_filter": StoreFilter,
    "evr_store_row": StoreRow,
    "evr_store_csv_options": StoreCsvOptions,
    "evr_store_csv_changes": StoreCsvChanges,
    "evr_artifact_options": ArtifactOptions,
    "evr_artifact_limits": ArtifactLimits,
    "evr_artifact_info": ArtifactInfo,
    "evr_expected": Expected,
    "evr_arrow_column": ArrowColumn,
}

_I32, _U64, _SIZE, _P = c_int32, c_uint64, c_size_t, c_void_p

#: Result and arguments of each function; `None` is void.
FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    # measure.h
    "evr_statistics_of": (_I32, [_P, _P, _SIZE, POINTER(Statistics), Err]),
    "evr_protocol_preset": (_I32, [_I32, POINTER(Protocol), Err]),
    "evr_protocol_text": (_I32, [_P, POINTER(Protocol), Out, POINTER(_SIZE), Err]),
    "evr_protocol_parse": (_I32, [_P, Str, POINTER(Protocol), Err]),
    "evr_protocol_same": (_I32, [_P, POINTER(Protocol), POINTER(Protocol), Err]),
    "evr_meter_open": (_I32, [_P, POINTER(MeterOptions), Out, Err]),
    "evr_meter_free": (None, [_P]),
    "evr_meter_backend": (_P, [_P]),
    "evr_meter_device": (_I32, [_P, POINTER(DeviceDesc), Err]),
    "evr_meter_backend_path": (Str, [_P]),
    "evr_meter_harness_ns": (c_double, [_P]),
    "evr_measure": (_I32, [_P, POINTER(Protocol), POINTER(Measured), Out, Err]),
    "evr_measurement_free": (None, [_P]),
    "evr_measurement_samples": (POINTER(c_double), [_P, POINTER(_SIZE)]),
    "evr_measurement_statistics": (None, [_P, POINTER(Statistics)]),
    "evr_measurement_conditions": (None, [_P, POINTER(Conditions)]),
    "evr_measurement_protocol": (POINTER(Protocol), [_P]),
    "evr_measurement_json": (_I32, [_P, _I32, Out, POINTER(_SIZE), Err]),
    "evr_measurement_comparable": (_I32, [_P, _P, Err]),
    "evr_meter_kernels": (_I32, [_P, POINTER(Measured), KERNEL, _P, Err]),
    # batch.h
    "evr_replay_batch": (_I32, [_P, Out, _SIZE, POINTER(ReplayBatchOptions), Out, Err]),
    "evr_replayer_measure": (_I32, [_P, _P, POINTER(Protocol), Out, Err]),
    "evr_worker_serve": (_I32, [_P, _I32, _I32, Err]),
    # report.h
    "evr_ir_key": (_I32, [_P, _P, Err]),
    "evr_results_new": (_I32, [_P, POINTER(ResultsInfo), Out, Err]),
    "evr_results_add": (_I32, [_P, POINTER(Result), Err]),
    "evr_results_finish": (_I32, [_P, POINTER(ResultsInfo), Err]),
    "evr_results_free": (None, [_P]),
    "evr_results_about": (POINTER(ResultsInfo), [_P]),
    "evr_results_count": (_SIZE, [_P]),
    "evr_results_at": (POINTER(Result), [_P, _SIZE]),
    "evr_results_write": (_I32, [_P, _I32, Out, POINTER(_SIZE), Err]),
    "evr_result_write": (_I32, [_P, POINTER(Result), Out, POINTER(_SIZE), Err]),
    "evr_results_add_text": (_I32, [_P, _P, _SIZE, Err]),
    "evr_results_read": (_I32, [_P, _P, _SIZE, Out, Err]),
    "evr_compare": (_I32, [_P, _P, _P, POINTER(CompareOptions), Out, Err]),
    "evr_comparison_free": (None, [_P]),
    "evr_comparison_count": (_SIZE, [_P]),
    "evr_comparison_at": (POINTER(Change), [_P, _SIZE]),
    "evr_comparison_summary": (None, [_P, POINTER(CompareSummary)]),
    "evr_comparison_write": (_I32, [_P, _I32, Out, POINTER(_SIZE), Err]),
    # perfdb.h
    "evr_perfdb_open": (_I32, [_P, c_char_p, POINTER(PerfdbOptions), Out, Err]),
    "evr_perfdb_free": (None, [_P]),
    "evr_perfdb_format": (_I32, [_P]),
    "evr_perfdb_path": (Str, [_P]),
    "evr_perfdb_update": (_I32, [_P, POINTER(PerfdbUpdateOptions), Out, Err]),
    "evr_perfdb_report_free": (None, [_P]),
    "evr_perfdb_report_totals": (_I32, [_P, POINTER(PerfdbTotals), Err]),
    "evr_perfdb_report_file_count": (_SIZE, [_P]),
    "evr_perfdb_report_file": (_I32, [_P, _SIZE, POINTER(PerfdbFile), Err]),
    "evr_perfdb_report_item_count": (_SIZE, [_P, _SIZE, _I32]),
    "evr_perfdb_report_item": (Str, [_P, _SIZE, _I32, _SIZE, POINTER(_U64)]),
    "evr_perfdb_report_gap_count": (_SIZE, [_P]),
    "evr_perfdb_report_gap": (_I32, [_P, _SIZE, POINTER(PerfdbGap), Err]),
    "evr_perfdb_report_problem_count": (_SIZE, [_P]),
    "evr_perfdb_report_problem": (_I32, [_P, _SIZE, POINTER(PerfdbProblem), Err]),
    "evr_perfdb_report_run_count": (_SIZE, [_P]),
    "evr_perfdb_report_run": (_I32, [_P, _SIZE, POINTER(PerfdbRun), Err]),
    "evr_perfdb_report_text": (_I32, [_P, _I32, Out, POINTER(_SIZE), Err]),
    "evr_perfdb_report_write": (_I32, [_P, c_char_p, c_char_p, Out, Err]),
    # store.h
    "evr_store_open": (_I32, [_P, c_char_p, POINTER(StoreOptions), Out, Err]),
    "evr_store_free": (None, [_P]),
    "evr_store_path": (Str, [_P]),
    "evr_store_check": (_I32, [_P, Err]),
    "evr_store_add": (_I32, [_P, _P, POINTER(StoreChanges), Err]),
    "evr_store_import": (_I32, [_P, _P, _SIZE, POINTER(StoreChanges), Err]),
    "evr_store_merge": (_I32, [_P, c_char_p, POINTER(StoreChanges), Err]),
    "evr_store_rows_free": (None, [_P]),
    "evr_store_rows_count": (_SIZE, [_P]),
    "evr_store_rows_at": (POINTER(StoreRow), [_P, _SIZE]),
    "evr_store_find": (_I32, [_P, POINTER(StoreFilter), Out, Err]),
    "evr_store_nearest": (_I32, [_P, _P, POINTER(StoreFilter), Out, Err]),
    "evr_store_nearest_to": (_I32, [_P, Str, Str, Str, POINTER(StoreFilter), Out, Err]),
    "evr_store_import_csv": (_I32, [_P, c_char_p, POINTER(StoreCsvOptions), POINTER(StoreCsvChanges), Err]),
    "evr_store_export_csv": (_I32, [_P, c_char_p, POINTER(StoreFilter), POINTER(StoreCsvOptions), POINTER(StoreCsvChanges), Err]),
    "evr_store_missing": (_I32, [_P, Out, _SIZE, POINTER(StoreFilter), _P, Err]),
    "evr_store_stacks": (_I32, [_P, Out, Err]),
    "evr_store_select": (_I32, [_P, POINTER(StoreFilter), Out, Err]),
    "evr_store_export": (_I32, [_P, POINTER(StoreFilter), Out, POINTER(_SIZE), Err]),
    # artifact.h
    "evr_artifact_write": (_I32, [_P, Out, _SIZE, POINTER(ArtifactOptions), Out, POINTER(_SIZE), Err]),
    "evr_artifact_bytes_free": (None, [_P, _P, _SIZE]),
    "evr_artifact_looks_like": (_I32, [_P, _SIZE]),
    "evr_artifact_read": (_I32, [_P, _P, _SIZE, POINTER(ArtifactLimits), Out, Err]),
    "evr_artifact_free": (None, [_P]),
    "evr_artifact_records": (_P, [_P]),
    "evr_artifact_manifest": (Str, [_P]),
    "evr_artifact_about": (None, [_P, POINTER(ArtifactInfo)]),
    "evr_artifact_expected": (POINTER(Expected), [_P, _SIZE]),
    # arrow.h
    "evr_arrow_export": (_I32, [_P, POINTER(ArrowColumn), _SIZE, _U64, _P, Err]),
}
