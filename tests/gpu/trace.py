#!/usr/bin/env python3
"""Records the operators, and a training step of a small model, with torch.profiler.

usage: trace.py RECORDS.json DEVICE OUT.json.gz
"""
import sys

import operators
import torch
from torch.profiler import ProfilerActivity, profile


def model(device):
    layer = torch.nn.TransformerEncoderLayer(256, 4, 512, batch_first=True, device=device)
    head, x = torch.nn.Linear(256, 100, device=device), torch.randn(8, 128, 256, device=device)
    optimizer = torch.optim.SGD(list(layer.parameters()) + list(head.parameters()), lr=1e-3)

    def step():
        loss = torch.nn.functional.cross_entropy(head(layer(x)).flatten(0, 1), torch.zeros(8 * 128, dtype=torch.long, device=device))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return step


def main(records, device, out):
    with torch.no_grad():
        runs = [run for _, run in operators.calls(records, device)]
    step = model(device)

    def everything():
        with torch.no_grad():
            for run in runs:
                run()
        step()
        operators.wait(device)

    for _ in range(2):
        everything()
    with profile(activities=[ProfilerActivity.CPU] + ([] if device == "cpu" else [ProfilerActivity.CUDA]), record_shapes=True) as p:
        for _ in range(3):
            everything()
    p.export_chrome_trace(out)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
