"""Small things that scripts written for TraceLens import from its `EventReplay.utils`."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass
class TensorCfg:
    """Description of a tensor in an IR."""

    shape: list[int]
    dtype: str
    strides: list[int]
    init: str | None = "normal"


def _once_on_device(torch: Any, function: Callable[[], Any], device: str) -> float:
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    function()
    end.record()
    torch.cuda.synchronize(device)
    return float(begin.elapsed_time(end)) * 1000.0


def _once_on_host(function: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    function()
    return (time.perf_counter() - begin) * 1e6


def benchmark_func(function: Callable[[], Any], device: str, warmup: int = 50, avg_steps: int = 100) -> dict[str, Any]:
    """Times a function: median_us, mean_us, std_us, min_us, max_us, and all_us of every step. By device events where the device has them.

    A rough figure; `evreplay bench` says how it measured.
    """
    import torch

    on_device = str(device).startswith("cuda")
    for _ in range(warmup):
        function()
    if on_device:
        torch.cuda.synchronize(device)
    steps = [_once_on_device(torch, function, device) if on_device else _once_on_host(function) for _ in range(max(1, avg_steps))]
    return {
        "median_us": statistics.median(steps),
        "mean_us": statistics.fmean(steps),
        "std_us": statistics.pstdev(steps),
        "min_us": min(steps),
        "max_us": max(steps),
        "all_us": steps,
    }


def summarize_tensor(tensor: Any) -> str:
    """A tensor in one line."""
    return f"Tensor(shape={tensor.shape}, dtype={tensor.dtype}, device={tensor.device}, strides={tensor.stride()})"
