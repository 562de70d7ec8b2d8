"""From inputs to shards: records of all inputs, each different call once, cut into documents."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..records import read_records
from ..results import record_key

_TRACES = (".json", ".json.gz", ".json.zst")


@dataclasses.dataclass(frozen=True)
class Shard:
    """Records that are run together. Equal shards have equal names, whoever made them."""

    name: str
    document: str
    indexes: tuple[int, ...]  # of its records in the plan

    def __len__(self) -> int:
        return len(self.indexes)


@dataclasses.dataclass(frozen=True)
class Plan:
    """All shards, and where the records came from."""

    shards: tuple[Shard, ...]
    keys: tuple[str, ...]  # of every record
    inputs: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.keys)


def files_of(inputs: Sequence[str]) -> list[str]:
    """Inputs with folders replaced by the traces and records inside."""
    found: list[str] = []
    for one in inputs:
        path = pathlib.Path(one)
        if not path.is_dir():
            found.append(one)
            continue
        inside = sorted(str(file) for file in path.iterdir() if file.name.endswith(_TRACES) and not file.name.startswith("."))
        if not inside:
            raise FileNotFoundError(f"the folder {one} holds no traces or records ({', '.join(_TRACES)})")
        found += inside
    return found


def _add_kernels(record: dict[str, Any], other: dict[str, Any]) -> None:
    kernels = {one["name"]: dict(one) for one in record.get("kernels", [])}
    for one in other.get("kernels", []):
        mine = kernels.setdefault(one["name"], {**one, "count": 0, "total_ns": 0})
        mine["count"] += one["count"]
        mine["total_ns"] += one["total_ns"]
    if kernels:
        record["kernels"] = list(kernels.values())


def once_each(documents: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The records of all documents by key. Calls that several inputs have count together."""
    records: dict[str, dict[str, Any]] = {}
    for document in documents:
        parsed = json.loads(document)
        for raw, record in zip(parsed["records"], read_records(document), strict=True):
            key = record_key(record)
            if key in records:
                records[key]["count"] = records[key].get("count", 1) + raw.get("count", 1)
                _add_kernels(records[key], raw)
            else:
                records[key] = raw
    return records


def _document(records: Sequence[dict[str, Any]]) -> str:
    lines = ",\n".join(json.dumps(record, separators=(",", ":"), ensure_ascii=False) for record in records)
    return '{"evreplay_ir":1,"records":[\n' + lines + "\n]}\n"


#: Records of an input, or of several one after the other as one document; None and the path of one that was not seen.
Part = tuple[str | None, str]


def join(parts: Iterable[Part]) -> list[Part]:
    """The same with neighbours made one document, which has each call once. It comes to the same in whatever groups neighbours are joined."""
    made: list[Part] = []
    beside: list[str] = []

    def end() -> None:
        if beside:
            made.append((beside[0] if len(beside) == 1 else _document(list(once_each(beside).values())), ""))
            beside.clear()

    for document, path in parts:
        if document is None:
            end()
            made.append((None, path))
        else:
            beside.append(document)
    end()
    return made


def plan(documents: Iterable[str], *, inputs: Sequence[str] = (), size: int = 0, slots: int = 1, keep: Callable[[str], bool] | None = None) -> Plan:
    """Cuts the records of documents (as `evreplay extract` writes them) into shards of `size`; 0 = four for each of the `slots`, of 8 to 200
    records. `keep` picks records by key."""
    records = {key: record for key, record in once_each(documents).items() if keep is None or keep(key)}
    keys, raw = tuple(records), list(records.values())
    size = size or max(8, min(200, -(-len(raw) // (4 * max(1, slots)))))
    shards = []
    for first in range(0, len(raw), size):
        document = _document(raw[first : first + size])
        name = hashlib.sha256(document.encode()).hexdigest()[:32]
        shards.append(Shard(name, document, tuple(range(first, min(first + size, len(raw))))))
    return Plan(tuple(shards), keys, tuple(inputs))
