"""evreplay: turns PyTorch profiler traces into portable operator records and replays them.

    import evreplay

    with evreplay.Trace.open("trace.json.gz") as trace, evreplay.Runtime("cpu") as runtime:
        for call in trace.calls():
            record = trace.record(call.uid)
            if record.status is evreplay.Outcome.OK:
                evreplay.Replayer(runtime, record).run()
"""

from . import EventReplay
from ._native import NO_TIME, lib
from .artifact import Artifact, ArtifactInfo, Expected, looks_like_artifact, pack
from .batch import replay_batch
from .builder import TraceBuilder
from .context import Context, default_context
from .errors import Error, Status
from .EventReplay import EventReplayer, extract_batch_context
from .inits import PASSTHROUGH, CustomInit, InitView, list_custom_inits, register_custom_init
from .measuring import Conditions, DeviceInfo, KernelRun, Measurement, Meter, Protocol, Statistics, measure
from .perfdb import PerfDB, UpdateFile, UpdateGap, UpdateProblem, UpdateReport, UpdateRun, UpdateTotals
from .records import (
    Argument,
    Batch,
    Call,
    Extractor,
    Group,
    Kernel,
    Outcome,
    Provenance,
    Record,
    load_records,
    read_records,
    reason_advice,
    write_records,
)
from .registry import (
    allow_unknown_imports,
    configure,
    configure_file,
    register_alias,
    register_callable,
    register_namespace,
    register_string_default,
    register_symm_mem_args,
    set_init_option,
)
from .results import (
    Change,
    ChangeKind,
    Check,
    CompareSummary,
    Comparison,
    RankResult,
    Result,
    Results,
    RunInfo,
    Verdict,
    compare,
    record_key,
)
from .rows import Row, RowMap, Rows
from .runtime import Replayer, Runtime, outcome
from .store import CsvChanges, Store, StoreChanges, StoreRow, StoreRows
from .tensors import LiveTensor
from .trace import Category, Event, EventKind, Format, Trace
from .trace_set import Clock, Collective, Collectives, Participation, RankInfo, TraceSet
from .tree_perf import TreePerfAnalyzer
from .values import MISSING, Device, DType, Generator, Layout, MemoryFormat, TensorSpec

__version__: str = lib.evr_version_string().decode()

__all__ = [
    "Argument",
    "Artifact",
    "ArtifactInfo",
    "Batch",
    "Call",
    "Category",
    "Change",
    "ChangeKind",
    "Check",
    "Clock",
    "Collective",
    "Collectives",
    "CompareSummary",
    "Comparison",
    "Conditions",
    "Context",
    "CustomInit",
    "DType",
    "Device",
    "DeviceInfo",
    "Error",
    "Event",
    "EventKind",
    "EventReplay",
    "EventReplayer",
    "Expected",
    "Extractor",
    "Format",
    "Generator",
    "Group",
    "InitView",
    "Kernel",
    "KernelRun",
    "Layout",
    "LiveTensor",
    "MISSING",
    "Measurement",
    "MemoryFormat",
    "Meter",
    "NO_TIME",
    "Outcome",
    "PASSTHROUGH",
    "Participation",
    "PerfDB",
    "Protocol",
    "Provenance",
    "RankInfo",
    "RankResult",
    "Record",
    "Replayer",
    "Result",
    "Results",
    "Row",
    "RowMap",
    "Rows",
    "RunInfo",
    "Runtime",
    "Statistics",
    "Status",
    "Store",
    "StoreChanges",
    "CsvChanges",
    "StoreRow",
    "StoreRows",
    "TensorSpec",
    "Trace",
    "TraceBuilder",
    "TraceSet",
    "TreePerfAnalyzer",
    "UpdateFile",
    "UpdateGap",
    "UpdateProblem",
    "UpdateReport",
    "UpdateRun",
    "UpdateTotals",
    "Verdict",
    "__version__",
    "allow_unknown_imports",
    "compare",
    "configure",
    "configure_file",
    "default_context",
    "extract_batch_context",
    "list_custom_inits",
    "load_records",
    "looks_like_artifact",
    "measure",
    "outcome",
    "pack",
    "read_records",
    "reason_advice",
    "record_key",
    "register_alias",
    "register_callable",
    "register_custom_init",
    "register_namespace",
    "register_string_default",
    "register_symm_mem_args",
    "replay_batch",
    "set_init_option",
    "write_records",
]
