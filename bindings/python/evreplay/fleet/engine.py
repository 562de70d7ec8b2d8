"""Shards over a Ray cluster, or over the processors of this machine when there is none."""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..errors import Error, Status
from .merge import Journal, Outcome
from .plan import Part, Plan, Shard
from .shard import ShardError, extract, extract_part, join_parts, run_shard

_JOINED = 32  # documents that one task joins


@dataclasses.dataclass(frozen=True)
class Failure:
    """A shard that no node could run."""

    shard: Shard
    reason: str


@dataclasses.dataclass
class Cluster:
    """Where shards run and what each takes there.

    address: of a Ray cluster ("auto" = the one of this machine); empty = a local one, ended with the run
    cpus, gpus, resources: what a task takes of its node
    retries: how often a shard is run again when its worker or node is lost
    """

    address: str = ""
    cpus: float = 1
    gpus: float = 0
    resources: Mapping[str, float] = dataclasses.field(default_factory=dict)
    retries: int = 3
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)

    _ray: Any = dataclasses.field(default=None, repr=False)

    def __enter__(self) -> Cluster:
        try:
            self._ray = importlib.import_module("ray")
        except ImportError as error:
            raise Error(Status.PLUGIN, "Ray is not installed", "pip install ray") from error
        runtime = {"env_vars": dict(self.environment)} if self.environment else None
        try:
            self._ray.init(address=self.address or "local", log_to_driver=False, logging_level="ERROR", runtime_env=runtime, include_dashboard=False if not self.address else None)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise Error(Status.NO_DEVICE, f"no Ray cluster answers at {self.address or 'this machine'}: {error}", "start one with `ray start --head`, or leave --address out") from error
        return self

    def __exit__(self, *exception: object) -> None:
        self._ray.shutdown()

    @property
    def slots(self) -> int:
        """Tasks that fit at the same time."""
        have = self._ray.cluster_resources()
        wanted = {"CPU": self.cpus, "GPU": self.gpus, **self.resources}
        fit = [int(have.get(name, 0) / amount) for name, amount in wanted.items() if amount > 0]
        return max(1, min(fit, default=1))

    def check(self) -> None:
        """Raises when no node has what a task takes; it would wait for ever."""
        wanted = {"CPU": self.cpus, "GPU": self.gpus, **self.resources}
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        if not any(all(node.get(name, 0) >= amount for name, amount in wanted.items()) for node in nodes):
            need = ", ".join(f"{amount:g} {name}" for name, amount in wanted.items() if amount > 0)
            raise Error(Status.NO_DEVICE, f"no node of the cluster has {need}", "see `ray status`, and ask for less with --cpus, --gpus or --resource")

    def _task(self, function: Callable[..., Any], **more: Any) -> Any:
        """A task of Ray, which takes what was said of its node."""
        how = {"num_cpus": self.cpus, "num_gpus": self.gpus or None, "resources": dict(self.resources) or None, **more}
        return self._ray.remote(function).options(max_retries=self.retries, retry_exceptions=False, **how)

    def tree(self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]], together: Callable[..., Any]) -> Any:
        """Runs calls on the cluster, and `together` on results of neighbours, as often as it takes until one is left: only that comes here. What is lost on the
        way is made again. Raises what Ray raises when it is lost too often."""
        task, joins = self._task(function), self._task(together, num_gpus=None, resources=None)
        under_way = [task.remote(*arguments) for arguments in calls]
        while len(under_way) > 1:
            under_way = [joins.remote(*under_way[first : first + _JOINED]) for first in range(0, len(under_way), _JOINED)]
        return self._ray.get(under_way[0])

    @property
    def losses(self) -> type[Exception]:
        """What is raised when a task or its worker was lost too often."""
        lost: type[Exception] = self._ray.exceptions.RayError
        return lost

    def each(self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any, Exception | None]]:
        """Runs calls on the cluster; index, result and error of each as they end. Enough of them are under way to keep all places busy, not all: what
        waits for one of many looks at every one, so that is done once for all that ended."""
        ray, task = self._ray, self._task(function)
        left = iter(enumerate(calls))
        waiting: dict[Any, int] = {}

        def more() -> bool:
            for index, arguments in itertools.islice(left, max(64, 4 * self.slots) - len(waiting)):
                waiting[task.remote(*arguments)] = index
            return bool(waiting)

        try:
            while more():
                ray.wait(list(waiting), num_returns=1)
                for done in ray.wait(list(waiting), num_returns=len(waiting), timeout=0)[0]:
                    index = waiting.pop(done)
                    more()
                    try:
                        yield index, ray.get(done), None
                    except ray.exceptions.RayTaskError as error:  # the function raised; ray keeps what
                        yield index, None, error.cause if isinstance(error.cause, Exception) else error
                    except ray.exceptions.RayError as error:  # the worker or node is lost, as often as it was tried
                        yield index, None, error
        finally:
            for under_way in waiting:
                ray.cancel(under_way, force=True)


def _joined(cluster: Cluster, files: Sequence[str], options: Sequence[str]) -> list[Part]:
    """Records of the files, joined on the cluster; what it did not see by its path."""
    size = max(1, min(_JOINED, len(files) // (4 * cluster.slots)))
    calls = [(list(files[first : first + size]), list(options)) for first in range(0, len(files), size)]
    try:
        parts: list[Part] = cluster.tree(extract_part, calls, join_parts)
        return parts
    except cluster.losses:  # one that is lost again and again takes all that waits for it along: each file by itself, then
        alone: list[list[Part]] = [[(None, file)] for file in files]
        for index, found, error in cluster.each(extract_part, [([file], list(options)) for file in files]):
            alone[index] = alone[index] if error else found
        return join_parts(*alone)


def extract_all(cluster: Cluster, files: Sequence[str], options: Sequence[str]) -> Iterator[str]:
    """Documents that have all records of the files, in the files' order. They are made and joined on the cluster where it sees the files, else here."""
    for document, path in _joined(cluster, files, options) if len(files) > 1 else [(None, file) for file in files]:
        yield extract(path, options) if document is None else document


def run(
    plan: Plan,
    cluster: Cluster,
    verb: str,
    options: Sequence[str] = (),
    *,
    journal: Journal | None = None,
    on_results: Callable[[Shard, dict[str, Any], list[int]], None] | None = None,
) -> tuple[Outcome, list[Failure]]:
    """Runs a plan. What the journal has is not run again; `on_results` gets each shard's results as they come, those of the journal first."""
    outcome, failures = Outcome(plan, started_s=int(time.time())), list[Failure]()
    begun = time.monotonic()

    def take(shard: Shard, document: dict[str, Any]) -> None:
        new = outcome.add(shard, document)
        if on_results:
            on_results(shard, document, new)

    left = []
    for shard in plan.shards:
        known = journal.shards.get(shard.name) if journal else None
        if known:
            take(shard, known)
        else:
            left.append(shard)
    for index, document, error in cluster.each(run_shard, [(verb, shard.document, list(options)) for shard in left]):
        if error is not None:
            failures.append(Failure(left[index], error.told if isinstance(error, ShardError) else str(error).strip().splitlines()[0]))
            continue
        if journal:
            journal.add(left[index], document)
        take(left[index], document)
    outcome.wall_s = time.monotonic() - begun
    return outcome, failures
