"""The operators of records.json as PyTorch runs them."""
import json
import pathlib

import torch

DTYPES = {"float": torch.float32, "c10::BFloat16": torch.bfloat16, "c10::Half": torch.float16, "long int": torch.int64}


def live(value, device):
    if isinstance(value, dict):
        dtype = DTYPES[value["dtype"]]
        return torch.zeros(value["shape"], dtype=dtype, device=device) if dtype == torch.int64 else torch.randn(value["shape"], device=device).to(dtype)
    return [live(v, device) for v in value] if isinstance(value, list) else value


def calls(path, device):
    """(record, function that runs it) of each."""
    for record in json.loads(pathlib.Path(path).read_text()):
        namespace, name = record["op_name"].split("::")
        operator = getattr(getattr(getattr(torch.ops, namespace), name), record.get("overload", "default"))
        replay = record["replay_ir"]
        positional = [live(a["value"], device) for a in replay["list_pos_args"]]
        named = {a["arg_name"]: live(a["value"], device) for a in replay["list_kwargs"]}
        yield record, lambda operator=operator, positional=positional, named=named: operator(*positional, **named)


def wait(device):
    if device != "cpu":
        torch.cuda.synchronize()
