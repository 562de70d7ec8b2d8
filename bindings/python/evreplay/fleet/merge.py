"""From the results of shards to one run: every record once, in the order of the plan."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from collections.abc import Sequence
from typing import Any

from .plan import Plan, Shard


@dataclasses.dataclass
class Outcome:
    """What came back: results by place in the plan, each with the machine it was measured on."""

    plan: Plan
    results: dict[int, dict[str, Any]] = dataclasses.field(default_factory=dict)
    stacks: dict[int, tuple[str, str, str, str]] = dataclasses.field(default_factory=dict)  # runtime, device, device's name, driver
    repeated: int = 0  # results that came again and were not counted
    wall_s: float = 0.0
    started_s: int = 0

    def add(self, shard: Shard, document: dict[str, Any]) -> list[int]:
        """Takes the results of a shard; those that are there already stay as they are. Returns the places of the new ones."""
        stack = (document["runtime"], document["device"], document["device_name"], document["driver"])
        new = []
        for result in document["results"]:
            place = shard.indexes[result["index"]]
            if place in self.results:
                self.repeated += 1
                continue
            self.results[place] = {**result, "index": place}
            self.stacks[place] = stack
            new.append(place)
        return new

    @property
    def missing(self) -> list[int]:
        """Places of records without a result."""
        return [place for place in range(len(self.plan)) if place not in self.results]


def _document(outcome: Outcome, stack: tuple[str, str, str, str], places: list[int]) -> dict[str, Any]:
    runtime, device, device_name, driver = stack
    rows = [outcome.results[place] for place in places]
    return {
        "document": "evreplay-results",
        "version": 1,
        "runtime": runtime,
        "device": device,
        "device_name": device_name,
        "driver": driver,
        "input": ", ".join(outcome.plan.inputs),
        "seed": 0,
        "started_s": outcome.started_s,
        "wall_s": outcome.wall_s,
        "interrupted": bool(outcome.missing),
        "results": rows,
    }


def merge(outcome: Outcome) -> list[dict[str, Any]]:
    """One results document for each stack that measured something, the one with most results first: times of different machines are not one
    run's."""
    by_stack: dict[tuple[str, str, str, str], list[int]] = {}
    for place in sorted(outcome.results):
        by_stack.setdefault(outcome.stacks[place], []).append(place)
    ordered = sorted(by_stack.items(), key=lambda item: (-len(item[1]), item[0]))
    return [_document(outcome, stack, places) for stack, places in ordered]


class Journal:
    """A line for each shard that came back, on the disk before the next is waited for. The first line says what was run how; results of other
    options are not taken for these."""

    def __init__(self, path: str | os.PathLike[str], run: Sequence[str], *, resume: bool) -> None:
        self.path = pathlib.Path(path)
        self.shards: dict[str, dict[str, Any]] = {}
        there = self.path.exists() and self.path.stat().st_size > 0
        if there and not resume:
            raise FileExistsError(f"{self.path} is there already: go on with it by --resume, or name another file")
        whole = self._read(list(run)) if there else 0
        self._file = open(self.path, "ab")
        self._file.truncate(whole)  # a line that a kill cut short
        if whole == 0:
            self._write({"journal": "evreplay-fleet", "version": 1, "run": list(run)})

    def _read(self, run: list[str]) -> int:
        whole = 0
        with open(self.path, "rb") as file:
            for number, line in enumerate(file):
                if not line.endswith(b"\n"):
                    break
                entry = self._parse(line, number)
                if number == 0 and (entry.get("journal") != "evreplay-fleet" or entry.get("run") != run):
                    raise ValueError(f"{self.path} is not the journal of this run ({' '.join(run)}): name another file")
                if number:
                    self.shards[entry["shard"]] = entry["document"]
                whole += len(line)
        return whole

    def _parse(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            entry: dict[str, Any] = json.loads(line)
            return entry
        except ValueError as error:
            raise ValueError(f"{self.path}, line {number + 1}: no journal of `evreplay fleet`, or damaged: {error}") from error

    def _write(self, entry: dict[str, Any]) -> None:
        self._file.write(json.dumps(entry, separators=(",", ":")).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def add(self, shard: Shard, document: dict[str, Any]) -> None:
        """Keeps the results of a shard."""
        self._write({"shard": shard.name, "document": document})

    def close(self) -> None:
        """Ends it."""
        self._file.close()
