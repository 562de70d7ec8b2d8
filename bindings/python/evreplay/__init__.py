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
from .context import Context, default_context
from .errors import Error, Status
from .EventReplay import EventReplayer, extract_batch_context
from .inits import PASSTHROUGH, CustomInit, InitView, list_custom_inits, register_custom_init
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
from .runtime import Replayer, Runtime, outcome
from .tensors import LiveTensor
from .trace import Category, Event, EventKind, Format, Trace
from .tree_perf import TreePerfAnalyzer
from .values import MISSING, Device, DType, Generator, Layout, MemoryFormat, TensorSpec

__version__: str = lib.evr_version_string().decode()

__all__ = [
    "MISSING",
    "NO_TIME",
    "PASSTHROUGH",
    "Argument",
    "Batch",
    "Call",
    "Category",
    "Context",
    "CustomInit",
    "DType",
    "Device",
    "Error",
    "Event",
    "EventKind",
    "EventReplay",
    "EventReplayer",
    "Extractor",
    "Format",
    "Generator",
    "Group",
    "InitView",
    "Kernel",
    "Layout",
    "LiveTensor",
    "MemoryFormat",
    "Outcome",
    "Provenance",
    "Record",
    "Replayer",
    "Runtime",
    "Status",
    "TensorSpec",
    "Trace",
    "TreePerfAnalyzer",
    "__version__",
    "allow_unknown_imports",
    "configure",
    "configure_file",
    "default_context",
    "extract_batch_context",
    "list_custom_inits",
    "load_records",
    "outcome",
    "read_records",
    "reason_advice",
    "register_alias",
    "register_callable",
    "register_custom_init",
    "register_namespace",
    "register_string_default",
    "register_symm_mem_args",
    "set_init_option",
    "write_records",
]
