#!/usr/bin/env python3
"""Writes docs/results/coverage.md: what becomes of the calls of each trace of the corpus, beside the existing tool's numbers.

usage: coverage_table.py EVREPLAY SHARED_FOLDER PAGE [--replay] [--seconds N] [--process-seconds N] [--max-bytes B]

--replay runs the aten records on the CPU too, at most 300 seconds a trace and 12 a process, small tensors first. Without it the page
keeps the section it has, with its date.
"""
import argparse
import collections
import datetime
import gzip
import json
import os
import pathlib
import platform
import re
import subprocess
import tempfile
import time

import check_coverage
import corpus

MOST_RECORDS, MOST_ELEMENTS = 40, 1 << 24  # of one process, which is what a slow record takes with it; a larger record runs alone
NOT_HERE = ("no-kernel-for-device", "no-such-op", "too-large")  # nothing to run on this machine

INTRO = """# Coverage, measured

What `evreplay` makes of a corpus of real traces of other machines, written by `tests/corpus/coverage_table.py`; `corpus.coverage` among the tests holds every status
against the traces.
"""

RECORDS = """
`evreplay list`, {date}. *ok*: a record can be made. The shares are those of ok among ok and failed: what is skipped is no operator (labels, autograd nodes),
or its code or its ranks are not in the trace (collectives, compiled graphs, generated kernels). The share of calls weighs each unique call by its count, the share of kernel time by the
time of the kernels below it; operators that run inside others have their kernels counted in both. *In generated kernels*: the share of all kernel time that is below calls of
generated kernels, of which there is no record. "–": there are no such calls, or no kernels.

The last columns are the existing Python tool's (TraceLens), from the files recorded with it: the unique calls it counts, and how many of the records in the file are equal to
ours in every name, type and value. It counts only calls with arguments, and none in traces without strides, so 0 is its own number. A file holds 220 records at most and does
not say how many of the other calls the tool could make a record of: it has no number to put beside ok. "no file": nothing was recorded.

{table}

What fails lacks a value that the profiler did not write down: traces without shapes (et_linear_kineto, nccl_collectives, no_shapes_large), without values
(old_format_cpu_dlrm, part of mtia_fbgemm_inference), and lists of more tensors than a profiler writes. {mismatch}
"""

MISMATCH = """*no-schema-match* are calls
under a name that PyTorch has, with more arguments than any of its overloads takes: another build's operators."""

REPLAY = """
`evreplay replay --max-bytes {limit}`, {date}, {cores} cores of an {cpu} without a GPU, {torch}; the aten records, at most {seconds} s a trace and
{process} s a process, those of small tensors first; a large one has a process of its own. *With a CPU kernel* leaves out what has none, what is too large and what was not reached.

{table}

{rest}"""


def number(n):
    return f"{n:,}"


def percent(part, whole):
    """One decimal, rounded down, so that 100 % means all."""
    return f"{1000 * part // whole / 10:.1f} %" if whole else "–"


def share(rows, weight):
    good = sum(weight(r) for r in rows if r["status"] == "ok")
    whole = good + sum(weight(r) for r in rows if r["status"] == "failed")
    return percent(good, whole)


def table(head, lines):
    return "\n".join("| " + " | ".join(map(str, cells)) + " |" for cells in (head, ["---"] * len(head), *lines))


def expected_cells(program, shared, trace):
    """What the recorded file of the existing tool says: its unique calls, and how many of its records are equal to ours."""
    path = shared / "oracle" / "ir" / trace.name
    if not path.exists():
        return ["no file", "no file"]
    recorded = json.loads(gzip.open(path).read())
    last, wrong = check_coverage.check_expected(program, trace, path, shared / "tools" / "check_ir")
    if wrong:
        raise SystemExit(f"{trace.name}: {wrong[0]}")
    equal, _, records = last.split()[:3]
    return [number(recorded["totals"]["unique"]), f"{equal} of {records}" if recorded["ir"] else "holds none"]


def records_table(program, shared, traces):
    listed = {trace: corpus.listed(program, trace) for trace in traces}
    seen = {(r["status"], r["reason"]) for rows in listed.values() for r in rows}
    order = [(status, reason) for status in ("ok", "skipped", "failed") for reason in sorted(corpus.REASONS[status])]
    columns = [c for c in order if c in seen]
    head = ["trace", "unique calls", *(":".join(c).strip(":") for c in columns), "ok of unique", "of calls", "of kernel time",
            "in generated kernels", "TraceLens: unique calls", "its records equal to ours"]

    def cells(name, rows, device_ns, expected):
        counts = collections.Counter((r["status"], r["reason"]) for r in rows)
        return [name, number(len(rows)), *(number(counts[c]) for c in columns), share(rows, lambda r: 1), share(rows, lambda r: r["count"]),
                share(rows, lambda r: r["kernel_ns"]), percent(sum(r["kernel_ns"] for r in rows if r["reason"] == "triton-kernel"), device_ns),
                *expected]

    device_ns = {t: json.loads(corpus.command(program, "info", t, "--json"))["device_ns"] for t in traces}
    lines = [cells(corpus.short_name(t), rows, device_ns[t], expected_cells(program, shared, t)) for t, rows in listed.items()]
    lines.append(cells("all", [r for rows in listed.values() for r in rows], sum(device_ns.values()), ["", ""]))
    return table(head, lines), ("failed", "no-schema-match") in seen


def elements(value):
    """Of all tensors in a value, the most that can be told without running: a measure of the work."""
    if isinstance(value, list):
        return sum(map(elements, value))
    if not isinstance(value, dict) or "tensor" not in value:
        return 0
    n = 1
    for size in value["tensor"]["shape"]:
        n *= size
    return n


def replay_batch(program, records, options, deadline):
    """Results of a few records, or None when time ran out. A crash costs the one record that it belongs to."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder, "records.json"), pathlib.Path(folder, "results.json")
        source.write_text(json.dumps({"evreplay_ir": 1, "records": records}))
        try:
            p = subprocess.run([program, "replay", source, "--json", target, *options], capture_output=True, text=True, check=False,
                               timeout=max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            return None
        if p.returncode in (0, 1):
            return json.loads(target.read_text())
        if p.returncode > 0:
            raise SystemExit(f"replay: exit {p.returncode}: {p.stderr.strip()}")
    if len(records) == 1:
        return {"results": [{"op": records[0]["op"], "status": "failed", "reason": "crashed", "detail": f"signal {-p.returncode}"}]}
    halves = [replay_batch(program, part, options, deadline) for part in (records[: len(records) // 2], records[len(records) // 2 :])]
    return None if None in halves else {**halves[0], "results": halves[0]["results"] + halves[1]["results"]}


def batches(records):
    """Small tensors first; records of a few elements share a process."""
    sizes = sorted(((sum(elements(a["value"]) for a in r.get("args", [])), i) for i, r in enumerate(records)))
    batch, total = [], 0
    for size, i in sizes:
        if batch and (len(batch) == MOST_RECORDS or total + size > MOST_ELEMENTS):
            yield batch
            batch, total = [], 0
        batch, total = [*batch, records[i]], total + size
    if batch:
        yield batch


def replay_trace(program, trace, options, limits):
    """(results, records not reached, runtime). A process has a limit of its own, so that a slow record leaves time to others."""
    text = corpus.command(program, "extract", trace, exit_codes=(0, 1))
    records = [r for r in json.loads(text)["records"] if r["op"].startswith("aten::") and r.get("status", "ok") == "ok"]
    results, left, runtime, deadline = [], [], "", time.monotonic() + limits.seconds
    for batch in batches(records):
        now = time.monotonic()
        got = replay_batch(program, batch, options, min(deadline, now + limits.process_seconds)) if now < deadline else None
        if got is None:
            left += batch
        else:
            results += got["results"]
            runtime = got.get("runtime", runtime)
    return results, left, runtime


def replay_table(program, traces, options, limits):
    lines, total, errors, slow, runtime = [], collections.Counter(), collections.Counter(), collections.Counter(), ""
    for trace in traces:
        results, left, said = replay_trace(program, trace, options, limits)
        runtime = said or runtime
        counts = collections.Counter(r["reason"] or "ok" for r in results)
        counts["left"], counts["aten"] = len(left), len(results) + len(left)
        slow += collections.Counter(f"`{r['op']}`" for r in left)
        counts["runnable"] = len(results) - sum(counts[k] for k in NOT_HERE)
        errors += collections.Counter(f"`{r['op']}`: {r['detail'].splitlines()[0][:160]}" for r in results
                                      if r["status"] != "ok" and r["reason"] not in NOT_HERE)
        lines.append([corpus.short_name(trace), *replay_cells(counts)])
        print(*lines[-1], sep="  ", flush=True)
        total += counts
    lines.append(["all", *replay_cells(total)])
    rest = "What failed, by operator and message:\n\n" + "".join(f"- {n} × {text}\n" for text, n in errors.most_common())
    if slow:
        rest += "\nNot reached within the time: " + ", ".join(f"{n} × {op}" for op, n in slow.most_common()) + ".\n"
    head = ["trace", "aten records", "with a CPU kernel", "ran", "share", "failed", "no CPU kernel", "other library", "too large", "not reached"]
    return table(head, lines), rest if errors or slow else "None failed.\n", runtime


def replay_cells(counts):
    ran, runnable = counts["ok"], counts["runnable"]
    return [number(counts["aten"]), number(runnable), number(ran), percent(ran, runnable), number(runnable - ran),
            *(number(counts[k]) for k in ("no-kernel-for-device", "no-such-op", "too-large", "left"))]


def sections(page):
    """{heading: text} of a page's second-level sections."""
    parts = re.split(r"^## (.*)\n", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def processor():
    text = pathlib.Path("/proc/cpuinfo").read_text() if os.path.exists("/proc/cpuinfo") else ""
    name = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
    return name[1].strip() if name else platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("shared", type=pathlib.Path)
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("--replay", action="store_true")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--process-seconds", type=float, default=12)
    parser.add_argument("--max-bytes", default="1500000000")
    o = parser.parse_args()
    traces = corpus.traces(o.shared / "corpus")
    if not traces:
        parser.error(f"the corpus of real traces is not at {o.shared / 'corpus'}")
    kept = sections(o.page.read_text() if o.page.exists() else "")
    date = datetime.date.today().isoformat()
    text, mismatch = records_table(o.program, o.shared, traces)
    kept["Records"] = RECORDS.format(date=date, table=text, mismatch=MISMATCH if mismatch else "").rstrip() + "\n\n"
    if o.replay:
        text, rest, torch = replay_table(o.program, traces, ["--max-bytes", o.max_bytes], o)
        kept["Replay on the CPU"] = REPLAY.format(limit=o.max_bytes, date=date, cores=os.cpu_count(), cpu=processor(), torch=torch,
                                                  seconds=f"{o.seconds:g}", process=f"{o.process_seconds:g}", table=text, rest=rest)
    first = [h for h in ("Records", "Replay on the CPU") if h in kept]
    order = first + [h for h in kept if h not in first]
    o.page.write_text(INTRO + "".join(f"\n## {h}\n{kept[h].rstrip()}\n" for h in order))


if __name__ == "__main__":
    main()
