"""A rank of its own, started by torchrun: replays every record that talks to others and compares what comes out with what mathematics says.

usage: check_collectives.py [lacking=OP,...] GROUP_SIZE,... INPUT...

What each rank put in is sent round by all_gather_object, which is none of the operators under test; the expected result is computed from that in float64.
Every record is run by groups of each of the sizes, which are the first ranks, except those of operators that this torch's gloo lacks.
"""

import sys

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
    if name == "barrier":
        return []
    raise SystemExit(f"no mathematics for {op}")


OUTPUTS = ("output_tensor", "output_tensors", "outputs", "output", "out", "tensors", "input")


def check(runtime, record, group_size, first):
    """Whether there was something to compare. `first` is a group of the first ranks, to talk in."""
    fitted = ranks.fit(record, group_size=group_size)
    if fitted.group is None or ranks.current().rank >= fitted.group.size:
        return False
    assert fitted.group.size <= group_size, fitted
    replayer = runtime.replayer(fitted)
    arguments = replayer.args
    name = fitted.op.partition("::")[2]
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
    assert len(made) == len(should) or name == "barrier", f"{fitted.op}: {len(made)} tensors, and {len(should)} should be there"
    for got, want in zip(made, should):
        want = want.to(got.dtype)
        precise = {torch.float16: 1e-2, torch.bfloat16: 2e-2}.get(got.dtype, 1e-5)
        torch.testing.assert_close(got.reshape(-1), want.reshape(-1), rtol=precise, atol=precise, equal_nan=True, msg=lambda m: f"{fitted.op}: {m}")
    return True


def main():
    context = evreplay.Context()
    ranks.join(context)
    runtime = evreplay.Runtime(context=context, seed=dist.get_rank() + 1)
    lacking = set(sys.argv.pop(1).removeprefix("lacking=").split(",")) if sys.argv[1].startswith("lacking=") else set()
    sizes = {int(size): None for size in sys.argv[1].split(",")}
    for size in sizes:
        sizes[size] = dist.new_group(list(range(size)), backend="gloo")
    checked = dict.fromkeys(sizes, 0)
    for path in sys.argv[2:]:
        try:
            records = evreplay.load_records(path, context=context)
        except evreplay.Error:
            trace = evreplay.Trace.open(path, context=context)
            records = [trace.record(call.uid) for call in trace.calls() if call.op.startswith(("c10d::", "_c10d_functional::", "record_param_comms"))]
        for record in records:
            if record.communicates and record.op not in lacking and not (record.op == "record_param_comms" and not record.args):
                for size, first in sizes.items():
                    if dist.get_rank() < size:
                        checked[size] += check(runtime, record, size, first)
    for size, count in checked.items():
        if dist.get_rank() < size:
            print(f"{size} ranks, rank {dist.get_rank()}: {count} good\n", end="", flush=True)
    dist.barrier()
    dist.destroy_process_group()


main()
