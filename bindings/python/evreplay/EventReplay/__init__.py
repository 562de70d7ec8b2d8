"""What scripts written for TraceLens' EventReplay import: change `TraceLens` to `evreplay` in the import, and they run."""

from .custom_inits import CustomInit, MoeRoutingInit, PagedAttentionInit, extract_batch_context
from .event_replay import EventReplayer
from .utils import benchmark_func

__all__ = ["CustomInit", "EventReplayer", "MoeRoutingInit", "PagedAttentionInit", "benchmark_func", "extract_batch_context"]
