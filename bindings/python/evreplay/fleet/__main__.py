"""`evreplay fleet`."""

from __future__ import annotations

import argparse
import json
import pathlib
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from ..errors import Error
from ..results import Results
from .engine import Cluster, extract_all, run
from .merge import Journal, Outcome, merge
from .plan import Plan, Shard, files_of, plan
from .shard import ShardError, run_command

_FORMS = ("json", "csv", "junit", "html", "markdown")
_GOOD, _SOME_FAILED, _USAGE, _BAD_INPUT, _MISSING = 0, 1, 2, 4, 5


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="evreplay fleet",
        description="Runs records on the nodes of a Ray cluster, in shards; without one, on the processors of this machine.",
        epilog="INPUT is what `evreplay replay` takes, or a folder of traces; a call that several of them have runs once. What follows -- goes to the "
        "command that runs each shard, such as --device cuda --precision 0.02. Exit codes are those of `evreplay replay`.",
    )
    p.add_argument("verb", choices=("replay", "bench", "fill"), help="run once, time, or time what the store has no entry of")
    p.add_argument("inputs", nargs="+", metavar="INPUT")
    p.add_argument("--address", default="", metavar="A", help="of the cluster; auto = the one of this machine; default a local one for this run")
    p.add_argument("--cpus", type=float, default=1, metavar="N", help="processors of a shard (1); operators use as many threads")
    p.add_argument("--gpus", type=float, default=0, metavar="N", help="GPUs of a shard (0)")
    p.add_argument("--resource", action="append", default=[], metavar="NAME=N", help="what else a shard takes of its node, such as a type of device")
    p.add_argument("--shard", type=int, default=0, metavar="N", help="records of a shard; default four shards for each place")
    p.add_argument("--retries", type=int, default=3, metavar="N", help="runs of a shard whose worker or node was lost (3)")
    p.add_argument("--journal", metavar="FILE", help="keep results there as they come")
    p.add_argument("--resume", action="store_true", help="go on with the journal")
    p.add_argument("--store", metavar="FILE", help="add results to this store as they come")
    p.add_argument("--extract", action="append", default=[], metavar="OPTION", help="an option of `evreplay extract` for the inputs, such as --extract=--recover")
    for form in _FORMS:
        p.add_argument(f"--{form}", metavar="FILE", help=f"results as {form}")
    return p


def _resources(words: Sequence[str]) -> dict[str, float]:
    found = {}
    for word in words:
        name, _, amount = word.partition("=")
        try:
            found[name] = float(amount or 1)
        except ValueError:
            raise SystemExit(f"evreplay fleet: --resource takes NAME=NUMBER, not {word!r}") from None
    return found


def _missing_keys(store: str, documents: Sequence[str]) -> set[str]:
    """Keys of calls that the store has no entry of."""
    keys: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        for document in documents:
            path = pathlib.Path(folder) / "records.json"
            path.write_text(document)
            code, told, problem = run_command(["db", "missing", store, str(path), "--json"])
            if code != _GOOD:
                raise ShardError(code, problem)
            keys |= {row["key"] for row in json.loads(told)["missing"]}
    return keys


def _add_to_store(store: str, document: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "results.json"
        path.write_text(json.dumps(document))
        code, _, problem = run_command(["db", "add", store, str(path)])
        if code != _GOOD:
            raise ShardError(code, problem)


def _write(outcome: Outcome, options: argparse.Namespace) -> list[str]:
    """Reports in every form asked for. Returns the paths."""
    paths = []
    for number, document in enumerate(merge(outcome)):
        results = Results.read(json.dumps(document))
        for form in _FORMS:
            if not getattr(options, form):
                continue
            path = pathlib.Path(getattr(options, form))
            if number:
                path = path.with_name(f"{path.stem}.{number + 1}{path.suffix}")
            results.save(path, form)
            paths.append(str(path))
    return paths


def _tell(text: str) -> None:
    print(f"evreplay fleet: {text}", file=sys.stderr, flush=True)


def _run(options: argparse.Namespace, rest: Sequence[str]) -> int:
    verb = "bench" if options.verb == "fill" else options.verb
    cluster = Cluster(address=options.address, cpus=options.cpus, gpus=options.gpus, resources=_resources(options.resource), retries=options.retries)
    files = files_of(options.inputs)
    threads = [] if "--threads" in rest else ["--threads", str(max(1, int(options.cpus)))]
    how = [*threads, *rest]
    journal = Journal(options.journal, [verb, *how], resume=options.resume) if options.journal else None
    with cluster:
        cluster.check()
        work: Plan = plan(extract_all(cluster, files, options.extract), inputs=files, size=options.shard, slots=cluster.slots)
        if options.verb == "fill":
            documents = [shard.document for shard in work.shards]
            keep = _missing_keys(options.store, documents).__contains__
            work = plan(documents, inputs=files, size=options.shard, slots=cluster.slots, keep=keep)
        _tell(f"{len(work)} different calls of {len(files)} inputs in {len(work.shards)} shards, {cluster.slots} at the same time")
        done = 0

        def on_results(shard: Shard, document: dict[str, Any], new: list[int]) -> None:
            nonlocal done
            if options.store:
                _add_to_store(options.store, document)
            done += len(new)
            _tell(f"{done} of {len(work)}")

        outcome, failures = run(work, cluster, verb, how, journal=journal, on_results=on_results)
    if journal:
        journal.close()
    for reason in dict.fromkeys(failure.reason for failure in failures):
        lost = sum(len(failure.shard) for failure in failures if failure.reason == reason)
        _tell(f"{lost} records have no result: {reason}")
    for path in _write(outcome, options):
        _tell(f"wrote {path}")
    return _summary(outcome, bool(failures))


def _summary(outcome: Outcome, failed: bool) -> int:
    counts: dict[str, int] = {}
    for result in outcome.results.values():
        counts[result["status"]] = counts.get(result["status"], 0) + 1
    told = ", ".join(f"{counts.get(status, 0)} {status}" for status in ("ok", "failed", "skipped"))
    machines = sorted({f"{name} ({runtime})" for runtime, _, name, _ in outcome.stacks.values()})
    print(f"{len(outcome.plan)} records: {told}, {len(outcome.missing)} without a result, in {outcome.wall_s:.1f} s on {', '.join(machines) or 'no machine'}")
    if failed:
        return _MISSING
    return _SOME_FAILED if counts.get("failed", 0) else _GOOD


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    split = words.index("--") if "--" in words else len(words)
    options = parser().parse_args(words[:split])
    if options.verb == "fill" and not options.store:
        _tell("fill needs --store DB")
        return _USAGE
    if options.resume and not options.journal:
        _tell("--resume needs --journal FILE")
        return _USAGE
    try:
        return _run(options, words[split + 1 :])
    except ShardError as error:
        _tell(str(error))
        return error.code if error.code > 0 else _MISSING
    except Error as error:
        _tell(f"{error.message}\n  what to do: {error.hint}" if error.hint else error.message)
        return _MISSING if error.code.name in ("PLUGIN", "NO_DEVICE") else _BAD_INPUT
    except (OSError, ValueError) as error:
        _tell(str(error))
        return _BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
