"""Replays and times every call of a file of records: what TraceLens' batched_replay.py does, with evreplay underneath.

usage: python batched_replay.py FILE [--device cuda|cpu] [--op-filter TEXT] [--op-limit N] [--stop-on-error] [-v]

`evreplay replay` and `evreplay bench` do more: isolation, reports, trustworthy timing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import evreplay
from evreplay.EventReplay.utils import benchmark_func


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Replays the operator calls of a file of records.")
    parser.add_argument("repro_file", help="records as get_repro_info() gives them, in a JSON list")
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"], help="where to run (default: cuda)")
    parser.add_argument("--verbose", "-v", action="store_true", help="show arguments and results")
    parser.add_argument("--stop-on-error", action="store_true", help="end with the first failure")
    parser.add_argument("--op-limit", type=int, help="replay at most so many calls")
    parser.add_argument("--op-filter", help="only operators whose name contains this text")
    return parser.parse_args(arguments)


def show_arguments(record: evreplay.Record) -> None:
    """One line for each."""
    print(f"  Reconstructing arguments for '{record.op}'...")
    for title, keyword_only in (("Positional", False), ("Keyword", True)):
        print(f"  {title} Args:")
        for one in record.args:
            if one.keyword_only == keyword_only:
                value = one.value
                if isinstance(value, evreplay.TensorSpec):
                    value = {"shape": list(value.shape), "dtype": value.dtype_text, "strides": list(value.strides)}
                print(f"  {one.name} {one.type}: {value}")


def show_result(result: Any) -> None:
    """A tensor in short, anything else as it is."""
    if hasattr(result, "dtype") and hasattr(result, "device"):
        print(f"  Result: Tensor(shape={result.shape}, dtype={result.dtype}, device={result.device})")
    else:
        print(f"  Result: {result}")


def replay(runtime: evreplay.Runtime, record: evreplay.Record, verbose: bool) -> None:
    """Runs one call and times it."""
    if verbose:
        show_arguments(record)
    with runtime.replayer(record) as replayer:
        replayer.run()
        results = replayer.results()
        times = benchmark_func(lambda: replayer.run_many(1), runtime.device)
    print(f"  Average time taken: {times['mean_us']:.2f} us  (median: {times['median_us']:.2f} us)")
    if record.count > 1:
        print(f"  Count in workload: {record.count}\n  Est time in workload: {times['mean_us'] * record.count:.2f} us")
    if verbose:
        print(f"  Successfully executed {record.op}.")
        for result in results:
            show_result(result)


def open_runtime(device: str) -> evreplay.Runtime:
    """On the CPU when there is no such device."""
    try:
        return evreplay.Runtime(device)
    except evreplay.Error as error:
        if error.code is not evreplay.Status.NO_DEVICE:
            raise
        print(f"Warning: {error.message}. Falling back to CPU.")
        return evreplay.Runtime("cpu")


def run(options: argparse.Namespace) -> int:
    """Replays the file. Returns the number of failures."""
    records = evreplay.load_records(options.repro_file)
    chosen = [record for record in records if not options.op_filter or options.op_filter in record.op][: options.op_limit]
    runtime = open_runtime(options.device)
    print(f"Running repro from '{options.repro_file}' on device '{runtime.device}'")
    attempted = errors = 0
    for record in chosen:
        attempted += 1
        print(f"\n[{attempted}/{len(chosen)}] Replaying: {record.op}")
        try:
            replay(runtime, record, options.verbose)
        except evreplay.Error as error:
            print(f"  Error: Failed to execute '{record.op}'. {error}")
            errors += 1
            if options.stop_on_error:
                break
    print(f"\n--- Replay Summary ---\nTotal operations in file: {len(records)}")
    print(f"Attempted replays: {attempted}\nSuccessful replays: {attempted - errors}\nErrors encountered: {errors}")
    return errors


def main(arguments: Sequence[str] | None = None) -> int:
    """The script."""
    try:
        return 1 if run(parse(arguments)) else 0
    except (OSError, evreplay.Error) as error:
        print(f"batched_replay.py: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
