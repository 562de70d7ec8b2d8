"""A rank of its own, started by torchrun: replays every record that talks to others and compares what comes out with what mathematics says.

usage: check_collectives.py [lacking=OP,...] GROUP_SIZE,... INPUT...

What each rank put in is sent round by all_gather_object, which is none of the operators under test; the expected result is computed from that in float64.
Every record is run by groups of each of the sizes, which are the first ranks; messages from one rank to another are of records of their own, as their two ends differ.
Operators that this torch's gloo lacks are left out. A line for each says on how many ranks there was something to compare.
"""

import json
import pathlib
import sys
import time

import torch
import torch.distributed as dist

import evreplay
from evreplay import ranks


def tensors(value):
    """All tensors of a value, in order."""
    if isinstance(value, torch.Tensor):
        return [value]
    return [t for one in value for t in tensors(one)] if isinstance(value, (list, tuple)) else []


def reduced(parts, how):
    """One tensor of the ranks' parts, as the reduction makes it."""
    stack = torch.stack([p.to(torch.float64) for p in parts])
    make = {"sum": lambda s: s.sum(0), "avg": lambda s: s.mean(0), "product": lambda s: s.prod(0), "min": lambda s: s.amin(0), "max": lambda s: s.amax(0)}
    return make[how](stack)


def split(t, sizes, count):
    """Rows of a tensor, cut as all-to-all cuts them."""
    return list(t.split(sizes or [t.shape[0] // count] * count))


def expected(op, name, inputs, me, plain):
    """What the tensors of the result, or of the written argument, should hold on rank `me`. `inputs[r][argument]` is what rank r put in."""
    how, root = str(plain.get("reduce_op", "sum")).lower(), plain.get("root_rank", plain.get("src", 0))
    get = lambda argument: [inputs[r][argument] for r in range(len(inputs))]
    if "all_reduce" in name or "allreduce" in name:
        argument = next(a for a in ("tensors", "inputs", "input") if a in inputs[0])
        return [reduced(part, how) for part in zip(*get(argument))]
    if "broadcast" in name:
        return inputs[root]["tensors" if "tensors" in inputs[0] else "input"]
    if "_allgather_base_" in name or "all_gather_into_tensor" in name or "allgather_into_tensor" in name:
        argument = next(a for a in ("input_tensor", "inputs", "input") if a in inputs[0])
        return [torch.cat([p.reshape(-1) for p in part]) for part in zip(*get(argument))]
    if name == "allgather_coalesced_":
        return [t for r in range(len(inputs)) for t in inputs[r]["input_list"]]
    if name == "allgather_":
        return [part[0] for part in get("input_tensors")]
    if name == "reduce_scatter_":
        return [reduced([part[me] for part in get("input_tensors")], how)]
    if "reduce_scatter" in name:
        argument = next(a for a in ("input_tensor", "inputs", "input") if a in inputs[0])
        return [reduced(part, how).reshape(-1).chunk(len(inputs))[me] for part in zip(*get(argument))]
    if name == "reduce_":
        return [reduced(part, how) for part in zip(*get("tensors"))] if me == root else None
    if name == "alltoall_":
        return [part[me] for part in get("input_tensors")]
    if "alltoall_base" in name or "all_to_all_single" in name:
        return [torch.cat([split(inputs[r]["input"][0], inputs[r]["splits"], len(inputs))[me] for r in range(len(inputs))])]
    if name == "gather_":
        return [part[0] for part in get("input_tensors")] if me == root else None
    if name == "scatter_":
        return [inputs[root]["input_tensors"][me]]
    raise SystemExit(f"no mathematics for {op}")


OUTPUTS = ("output_lists", "output_tensor", "output_tensors", "outputs", "output", "out", "tensors", "input")


def check_barrier(replayer, group_size, first):
    """Nobody leaves before all have come."""
    time.sleep(0.05 * dist.get_rank())
    came = time.monotonic()
    replayer.run()
    left, everyone = time.monotonic(), [None] * group_size
    dist.all_gather_object(everyone, (came, left), group=first)
    assert min(left for _, left in everyone) >= max(came for came, _ in everyone), everyone
    return True


def check(runtime, record, group_size, first):
    """Whether there was something to compare. `first` is a group of the first ranks, to talk in."""
    fitted = ranks.fit(record, group_size=group_size)
    if fitted.group is None or ranks.current().rank >= fitted.group.size:
        return False
    assert fitted.group.size <= group_size, fitted
    replayer = runtime.replayer(fitted)
    arguments = replayer.args
    name = fitted.op.partition("::")[2]
    if name in ("barrier", "monitored_barrier_"):
        return check_barrier(replayer, group_size, first)
    mine = {argument: [t.clone() for t in tensors(value)] for argument, value in arguments.items() if tensors(value)}
    mine["splits"] = arguments.get("input_split_sizes")
    everything = [None] * group_size
    dist.all_gather_object(everything, mine, group=first)
    replayer.run()
    made = [t for result in replayer.results() for t in tensors(result)]
    if not made:
        made = next((tensors(arguments[a]) for a in OUTPUTS if a in arguments and tensors(arguments[a])), [])
    should = expected(fitted.op, name, everything, dist.get_rank(), {k: v for k, v in arguments.items() if not tensors(v)})
    if should is None:
        return False
    assert len(made) == len(should), f"{fitted.op}: {len(made)} tensors, and {len(should)} should be there"
    for got, want in zip(made, should):
        want = want.to(got.dtype)
        precise = {torch.float16: 1e-2, torch.bfloat16: 2e-2}.get(got.dtype, 1e-5)
        torch.testing.assert_close(got.reshape(-1), want.reshape(-1), rtol=precise, atol=precise, equal_nan=True, msg=lambda m: f"{fitted.op}: {m}")
    return True


def message(context, op, peer, **more):
    """A record of one end of a message."""
    tensor = {"tensor": {"shape": [5, 3], "strides": [3, 1], "dtype": "float32"}}
    values = [("tensors", "Tensor[]", [tensor]), ("process_group", "__torch__.torch.classes.c10d.ProcessGroup", "7"), *((n, "int", v) for n, v in more.items()), ("tag", "int", 0)]
    schema = f"c10d::{op}({', '.join(f'{kind} {n}' for n, kind, _ in values)}) -> __torch__.torch.classes.c10d.Work"
    record = {"op": f"c10d::{op}", "schema": schema, "args": [{"name": n, "type": t, "value": v} for n, t, v in values], "group": {"name": "7", "size": 2}}
    return evreplay.read_records(json.dumps({"evreplay_ir": 1, "records": [record]}), context=context)[0]


def check_message(runtime, record, group_size, first):
    """Whether this rank received what its neighbour sent."""
    replayer = runtime.replayer(ranks.fit(record, group_size=group_size))
    everything = [None] * group_size
    dist.all_gather_object(everything, tensors(replayer.args["tensors"])[0].clone(), group=first)
    replayer.run()
    if record.op == "c10d::send":
        return False
    torch.testing.assert_close(tensors(replayer.args["tensors"])[0], everything[dist.get_rank() ^ 1])
    return True


def messages(context):
    """Both ends of three messages between neighbours, as this rank has them."""
    peer = dist.get_rank() ^ 1
    ends = [(message(context, "send", peer, dst=peer), message(context, op, peer, **named)) for op, named in (("recv_", {"src": peer}), ("recv_any_source_", {}))]
    return [pair[dist.get_rank() % 2] for pair in ends] + [ends[0][1 - dist.get_rank() % 2]]


def records_of(path, context):
    """All records of a file that talk to others."""
    try:
        records = evreplay.load_records(path, context=context)
    except evreplay.Error:
        trace = evreplay.Trace.open(path, context=context)
        records = [trace.record(call.uid) for call in trace.calls() if call.op.startswith(("c10d::", "_c10d_functional::", "record_param_comms"))]
    return [record for record in records if record.communicates and not (record.op == "record_param_comms" and not record.args)]


def main():
    context = evreplay.Context()
    ranks.join(context)
    runtime = evreplay.Runtime(context=context, seed=dist.get_rank() + 1)
    lacking = set(sys.argv.pop(1).removeprefix("lacking=").split(",")) if sys.argv[1].startswith("lacking=") else set()
    work = [(path, record, check) for path in sys.argv[2:] for record in records_of(path, context) if record.op not in lacking]
    work += [("messages", record, check_message) for record in messages(context)]
    for size in map(int, sys.argv[1].split(",")):
        first = dist.new_group(list(range(size)), backend="gloo")
        for place, (path, record, how) in enumerate(work):
            if dist.get_rank() >= size:
                continue
            compared = [None] * size
            dist.all_gather_object(compared, how(runtime, record, size, first), group=first)
            if dist.get_rank() == 0:
                called = record.schema.partition("(")[0] or record.op
                print(f"{pathlib.Path(path).name} {place} {called} of {size} ranks: compared on {sum(compared)}\n", end="", flush=True)
    dist.barrier()
    dist.destroy_process_group()


main()
