"""Initializers as TraceLens has them: objects that change a replayer's `args` in place.

New code does better with evreplay.CustomInit, which works with every way to replay and needs neither torch nor positions.
"""

from __future__ import annotations

import abc
from typing import Any

from ..records import Batch


class CustomInit(abc.ABC):
    """Base class of initializers. `op_patterns` are exact names of operators."""

    op_patterns: list[str] = []

    def applies_to(self, replayer: Any) -> bool:
        """Whether it is for this replayer's event."""
        return replayer.event.get("name", "") in self.op_patterns

    @abc.abstractmethod
    def initialize(self, replayer: Any, **kwargs: Any) -> str | None:
        """Changes replayer.args and replayer.kwargs. Returns a line that says what it did."""


class _OfTheLibrary(CustomInit):
    """Stands for an initializer of the library, which has run by the time this one is asked."""

    def initialize(self, replayer: Any, **kwargs: Any) -> str | None:
        """Says that the library's own did it."""
        name: str | None = replayer.initializer
        return f"[custom init] {replayer.event.get('name', '')} — {name}" if name else None


class PagedAttentionInit(_OfTheLibrary):
    """The library's, which goes by the parts that arguments play and not by these names alone."""

    op_patterns = ["_rocm_C::paged_attention"]


class MoeRoutingInit(_OfTheLibrary):
    """The library's, which goes by the parts that arguments play and not by these names alone."""

    op_patterns = ["aiter::ck_moe_stage1", "aiter::ck_moe_stage2"]


def _steps(events: Any) -> list[tuple[float, float, Batch]]:
    """Annotations that tell a batch, by their start: start, end, batch."""
    steps = []
    for event in events:
        if (event.get("cat") or "") == "user_annotation":
            batch = Batch.parse(event.get("name", ""))
            if batch:
                start = float(event.get("ts", 0))
                steps.append((start, start + float(event.get("dur", 0)), batch))
    return sorted(steps, key=lambda step: step[0])


def extract_batch_context(analyzer: Any) -> int:
    """Attaches to every paged-attention event what the server's annotation around it says of its batch, as `event["batch_context"]`.

    `analyzer` is a TreePerfAnalyzer, or anything else with `tree.events`. Returns how many events were annotated.
    """
    events = analyzer.tree.events
    steps = _steps(events)
    annotated = 0
    for event in events:
        if "paged_attention" not in event.get("name", "") or not (event.get("args") or {}).get("Input Dims"):
            continue
        time = float(event.get("ts", 0))
        batch = next((batch for start, end, batch in steps if start <= time <= end), None)
        if batch:
            event["batch_context"] = {
                "n_prefill": batch.context_requests,
                "prefill_tokens": batch.context_tokens,
                "n_decode": batch.generation_requests,
                "decode_tokens": batch.generation_tokens,
            }
            annotated += 1
    return annotated
