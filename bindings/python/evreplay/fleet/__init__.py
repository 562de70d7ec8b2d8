"""Many records on many machines: batches, folders of traces and gaps of a store, in shards over a Ray cluster.

The driver makes records of the inputs, each different call once, and sends them in shards. A shard is run by the command (`evreplay replay|bench
--isolate`) on whichever node has room, so a record that crashes, hangs or takes all memory costs only itself; a node or worker that is lost costs
the shard's time, which is run again elsewhere. Results are kept as they come (a journal, a store) and are known by what they are of: a shard that
was run twice counts once.

    evreplay fleet bench traces/ --address auto --journal run.jsonl --store times.db --json results.json -- --precision 0.02
"""

from .engine import Cluster, Failure, run
from .merge import Outcome, merge
from .plan import Plan, Shard, plan

__all__ = ["Cluster", "Failure", "Outcome", "Plan", "Shard", "merge", "plan", "run"]
