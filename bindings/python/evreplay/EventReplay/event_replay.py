"""EventReplayer as TraceLens' users know it, on top of evreplay's records and replayers."""

from __future__ import annotations

import contextlib
import copy
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .. import inits
from ..context import Context, default_context
from ..errors import Error, Status
from ..records import Outcome, Record
from ..runtime import Replayer, Runtime
from ..trace import Trace
from .custom_inits import CustomInit, MoeRoutingInit, PagedAttentionInit
from .utils import TensorCfg

_TENSOR_KEYS = {"shape", "dtype", "strides"}
_runtimes: dict[tuple[int, str], Runtime] = {}


def _runtime(device: str) -> Runtime:
    """One for each device of the default context."""
    context = default_context()
    key = (context.pointer, device)
    if key not in _runtimes:
        _runtimes[key] = Runtime(device, context=context)
    return _runtimes[key]


def _plain(value: Any) -> Any:
    """Numbers of numpy and pandas, for JSON."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"an event holds a {type(value).__name__}, which no profiler writes")


def _batch_annotation(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    batch = event.get("batch_context")
    if not batch:
        return []
    name = f"execute_context_{batch['n_prefill']}({batch['prefill_tokens']})_generation_{batch['n_decode']}({batch['decode_tokens']})"
    return [{"ph": "X", "cat": "user_annotation", "name": name, "pid": 1, "tid": 1, "ts": 0, "dur": 100}]


def _trace_of(event: Mapping[str, Any], context: Context) -> tuple[Trace, int]:
    """A trace of just this event, and its uid there."""
    call = {"ph": "X", "cat": "cpu_op", "name": event["name"], "pid": 1, "tid": 1, "ts": 1, "dur": 1, "args": event.get("args") or {}}
    around = _batch_annotation(event)
    text = json.dumps({"traceEvents": [*around, call]}, default=_plain)
    return Trace.open(text.encode(), context=context), len(around)


def _with_tensors(value: Any) -> Any:
    """TraceLens' IR, with its descriptions of tensors as objects."""
    if isinstance(value, dict) and _TENSOR_KEYS <= value.keys():
        return TensorCfg(value["shape"], value["dtype"], value["strides"], value.get("init"))
    return [_with_tensors(item) for item in value] if isinstance(value, list) else value


def _without_tensors(value: Any) -> Any:
    if isinstance(value, TensorCfg):
        return copy.deepcopy(value.__dict__)
    return [_without_tensors(item) for item in value] if isinstance(value, list) else value


class EventReplayer:
    """Replays one event of a trace, given as the profiler wrote it: a dict with "name" and "args".

    `lazy` defers tensors to the first replay(); then the device need not be there to look at the IR. `auto_init` asks initializers,
    `init_kwargs` are options for them. `args` and `kwargs` are the operator's, with tensors that share memory with the replay.
    """

    _custom_init_registry: list[CustomInit] = [PagedAttentionInit(), MoeRoutingInit()]

    args: list[Any]
    kwargs: dict[str, Any]

    @classmethod
    def register_custom_init(cls, init: CustomInit | inits.CustomInit) -> None:
        """Adds an initializer behind those registered before and in front of the library's. The first that applies is the only one."""
        if isinstance(init, inits.CustomInit):
            inits.register_custom_init(init)
            return
        registry = cls._custom_init_registry
        builtin = next((i for i, one in enumerate(registry) if isinstance(one, (PagedAttentionInit, MoeRoutingInit))), len(registry))
        registry.insert(builtin, init)

    @classmethod
    def register_namespace(cls, namespace: str, modules: Sequence[str]) -> None:
        """Modules to import when an operator of the namespace is first needed."""
        default_context().register_namespace(namespace, modules)

    @classmethod
    def list_custom_inits(cls) -> list[tuple[str, list[str]]]:
        """Name and operators of each initializer, in the order they are asked."""
        return [(type(one).__name__, list(one.op_patterns)) for one in cls._custom_init_registry]

    def __init__(
        self,
        event: dict[str, Any],
        device: str = "cuda",
        lazy: bool = False,
        verbose: bool = False,
        auto_init: bool = True,
        init_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        self.event = event
        self.device = device
        self.lazy = lazy
        self.verbose = verbose
        self._auto_init = auto_init
        self._init_kwargs = dict(init_kwargs or {})
        self._inits_applied = False
        self._replayer: Replayer | None = None
        self._say(f"Preparing {event['name']} event for replay")
        self.record = self._make_record()
        info = json.loads(self.record.to_json("tracelens"))
        info = info[0] if isinstance(info, list) else info
        self.event_replay_IR: dict[str, list[dict[str, Any]]] = {
            part: [{**one, "value": _with_tensors(one["value"])} for one in info["replay_ir"][part]] for part in ("list_pos_args", "list_kwargs")
        }
        self.matched_schema = self.record.schema or None
        self._say(f"Matched {self.matched_schema}" if self.matched_schema else "No schema found; all arguments are positional")
        if not lazy:
            self._set_up()

    def _say(self, text: str) -> None:
        if self.verbose:
            print(text)

    def _make_record(self) -> Record:
        trace, uid = _trace_of(self.event, default_context())
        with trace.extractor() as extractor:
            try:
                extractor.ask(_runtime("cpu" if self.lazy else self.device))  # knows custom operators, and imports their namespaces
            except Error as error:
                if not self.lazy or error.code not in (Status.PLUGIN, Status.ABI):
                    raise
                self._say(f"Without torch only its own operators are known: {error.message}")
            record = extractor.record(uid)
            self._say(extractor.explain(uid).rstrip())
        if record.status is not Outcome.OK:
            message = f"{record.op} cannot be replayed ({record.reason}): {record.detail}"
            raise Error(Status.NOT_REPLAYABLE, message, record.advice, op=record.op)
        return record

    # Setting up

    @contextlib.contextmanager
    def _options(self) -> Iterator[None]:
        """Sets init_kwargs for the time of one set-up."""
        context = default_context()
        before = {key: context.init_option(key) for key in self._init_kwargs}
        try:
            for key, value in self._init_kwargs.items():
                context.set_init_option(key, value)
            yield
        finally:
            for key, text in before.items():
                context.set_init_option(key, text)

    def _set_up(self) -> None:
        self._say("setting up args and kwargs")
        runtime = _runtime(self.device)
        with runtime.handle.owner.lock, self._options():
            self._replayer = runtime.replayer(self.record, auto_init=self._auto_init)
        arguments = self.record.args
        values = [self._replayer.arg(i) for i in range(len(arguments))]
        self.args = [value for one, value in zip(arguments, values) if not one.keyword_only]
        self.kwargs = {one.name: value for one, value in zip(arguments, values) if one.keyword_only}
        self._place = [(not one.keyword_only, one.name) for one in arguments]
        self._seen = values

    @property
    def initializer(self) -> str | None:
        """Name of the library's initializer that filled tensors."""
        return self._replayer.initializer if self._replayer else None

    def _apply_custom_inits(self) -> None:
        self._inits_applied = True
        for one in self._custom_init_registry:
            if one.applies_to(self):
                try:
                    summary = one.initialize(self, **self._init_kwargs)
                    if summary:
                        print(summary)
                except Exception as error:
                    warnings.warn(f"[custom init] {type(one).__name__} failed: {error}", RuntimeWarning, stacklevel=3)
                return

    def _take_changes(self, replayer: Replayer) -> None:
        """What was put into args or kwargs since the last call. Tensors that were written to need nothing: they share memory."""
        positional = iter(self.args)
        for i, (in_args, name) in enumerate(self._place):
            value = next(positional) if in_args else self.kwargs[name]
            seen = self._seen[i]
            if value is seen:
                continue
            if hasattr(seen, "copy_"):
                seen.copy_(value)  # raises when the shape differs
            else:
                replayer.set_arg(i, value)
                self._seen[i] = value

    # Replaying

    def replay(self) -> Any:
        """Runs the operator without waiting for its device, and gives its result as torch would."""
        if self._replayer is None:
            self._set_up()
        replayer = self._replayer
        assert replayer is not None
        if self._auto_init and not self._inits_applied:
            self._apply_custom_inits()
        self._take_changes(replayer)
        replayer.run_many(1)
        results = replayer.results()
        return None if not results else results[0] if len(results) == 1 else tuple(results)

    def get_repro_info(self) -> dict[str, Any]:
        """What is needed to make the same call again, ready for json.dump(). Asking twice gives the same."""
        return {
            "op_name": self.event["name"],
            "replay_ir": {
                part: [{**one, "value": _without_tensors(one["value"])} for one in arguments]
                for part, arguments in self.event_replay_IR.items()
            },
        }
