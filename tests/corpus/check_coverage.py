#!/usr/bin/env python3
"""Every call of every trace ends in one status; what the trace holds becomes a record; extraction, twice, says what the list says.

usage: check_coverage.py EVREPLAY CORPUS_FOLDER ORACLE_FOLDER CHECK_IR

What a call lacks is looked up in the trace by Python, not taken from the reason that the library gives.
"""
import collections
import json
import pathlib
import re
import subprocess
import sys

import corpus

LEAST_RECORDS = 0.99          # of the aten calls whose arguments are in the trace
LEAST_EQUAL, LEAST_ROWS = 0.98, 0.995  # of the existing tool's records and tree rows


def parameter_counts():
    """The most parameters of any overload of an operator, by torch. Without torch any call may have too many."""
    try:
        import torch
    except ImportError:
        print("no torch: calls that fit no overload are left out")
        return lambda op: 0
    return lambda op: max((len(s.arguments) for s in torch._C._jit_get_schemas_for_operator(op)), default=None)


def check_statuses(rows, events):
    wrong = []
    for row in rows:
        if row["reason"] not in corpus.REASONS.get(row["status"], ()):
            wrong.append(f"event {row['uid']} ({row['op']}): status {row['status']!r} with reason {row['reason']!r}")
        if (row["status"] == "ok") != (row["detail"] == ""):
            wrong.append(f"event {row['uid']} ({row['op']}): {row['status']} with detail {row['detail']!r}")
        if row["count"] < 1 or not corpus.is_call(events[row["uid"]]) or row["op"] != events[row["uid"]]["name"]:
            wrong.append(f"event {row['uid']} is no call of {row['op']}")
    if len({row["uid"] for row in rows}) != len(rows):
        wrong.append("an event is listed twice")
    calls, counted = sum(map(corpus.is_call, events)), sum(row["count"] for row in rows)
    if calls != counted:
        wrong.append(f"{calls} calls in the trace, counts add up to {counted}")
    return wrong


def check_extraction(program, trace, rows):
    """The records, and how they differ from the list."""
    text = [corpus.command(program, "extract", trace, "--format", "evreplay", exit_codes=(0, 1)) for _ in range(2)]
    wrong = [] if text[0] == text[1] else ["the second extraction gives other bytes"]
    records = {r["uid"]: r for r in json.loads(text[0])["records"]}
    for row in rows:
        r = records.get(row["uid"], {})
        said = [r.get("op"), r.get("count", 1), r.get("status", "ok"), r.get("reason", ""), r.get("detail", "")]
        if r.get("status", "ok") == "ok" and any(corpus.missing(a["value"]) for a in r.get("args", [])):
            wrong.append(f"event {row['uid']} ({row['op']}) is ok, but an argument has no value")
        if said != [row[k] for k in ("op", "count", "status", "reason", "detail")]:
            wrong.append(f"event {row['uid']}: listed as {row['status']}:{row['reason']} {row['detail']!r}, extracted as {said}")
    if len(records) != len(rows):
        wrong.append(f"{len(rows)} unique calls are listed, {len(records)} are extracted")
    return records, wrong


def check_records(rows, records, events, parameters):
    """[aten calls that lack nothing, those of them with a record], as unique calls."""
    got, wrong = [0, 0], []
    for row in rows:
        if not row["op"].startswith("aten::") or row["uid"] not in records:
            continue
        if row["status"] == "ok":
            got = [got[0] + 1, got[1] + 1]
        elif not corpus.why_not(events[row["uid"]], records[row["uid"]], parameters):
            got[0] += 1
            wrong.append(f"event {row['uid']} ({row['op']}) lacks nothing, but is {row['status']}:{row['reason']}: {row['detail']}")
    return got, [] if got[1] >= LEAST_RECORDS * got[0] else wrong


def check_expected(program, trace, expected, check_ir):
    """Against the records and trees of the existing tool."""
    p = subprocess.run([sys.executable, check_ir, program, trace, expected], capture_output=True, text=True, check=False)
    last = (p.stdout.splitlines() or [""])[-1]
    numbers = [int(x) for x in re.findall(r"\d+", last)]
    good = p.returncode == 0 and len(numbers) == 4
    good = good and numbers[0] >= LEAST_EQUAL * numbers[1] and numbers[2] >= LEAST_ROWS * numbers[3]
    return last, [] if good else [f"check_ir: exit {p.returncode}: {p.stdout[-800:]}{p.stderr[-400:]}"]


def main(program, folder, oracle, check_ir):
    files = corpus.traces(folder)
    if not files:
        print(f"skipped: the corpus of real traces is not at {folder}")
        return 77
    parameters, bad, total = parameter_counts(), 0, collections.Counter()
    for trace in files:
        rows, events = corpus.listed(program, trace), corpus.events_of(trace)
        wrong = check_statuses(rows, events)
        records, different = check_extraction(program, trace, rows)
        (whole, good), lost = check_records(rows, records, events, parameters)
        expected, compared, unlike = pathlib.Path(oracle) / trace.name, "nothing to compare with", []
        if expected.exists():
            compared, unlike = check_expected(program, trace, expected, check_ir)
        wrong += different + lost + unlike
        total += {"calls": len(rows), "whole": whole, "compared": expected.exists()}
        print(f"{corpus.short_name(trace):32} {len(rows):5} unique calls, {good:5} of {whole:5} whole aten calls are records; {compared}")
        print("".join(f"    {w}\n" for w in wrong[:10]), end="")
        bad += len(wrong)
    if not total["whole"]:
        print("no trace holds a whole call of aten: nothing was checked")
    return bad != 0 or not total["whole"]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
