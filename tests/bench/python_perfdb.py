#!/usr/bin/env python3
"""The way a script updates a performance database: csv, dictionaries, a signature for each row. What bench_perfdb compares with.

usage: python_perfdb.py DATABASE OP_SUMMARY [--durable]      prints: seconds cpu_seconds updated added peak_rss_bytes

With --durable each file is written beside the old one, brought to the disk and put in its place, as evreplay does; without, it is simply written over.
"""
import csv
import math
import os
import pathlib
import resource
import sys
import time

BASE = ["OP State", "Accelerator Core", "Input Shapes", "Input Data Types", "Input Formats", "Output Shapes", "Output Data Types", "Output Formats"]
MEASURED, PROFILED = "Average Duration(us)", "Profiling Average Duration(us)"
SAME = {"BFLOAT16": "BF16", "HALF": "FLOAT16", "FP16": "FLOAT16", "FP32": "FLOAT", "FLOAT32": "FLOAT", "FP64": "DOUBLE", "FLOAT64": "DOUBLE"}
NOTHING = {"", "()", "N/A", "NA", "NULL", "None", "none"}


def number(text):
    try:
        return float(text.strip())
    except ValueError:
        return 0.0


def slots(cell):
    cell = cell.strip().strip('"')
    return [part.strip().strip('"') for part in cell.split(";")] if cell else []


def shape(slot):
    if slot in NOTHING:
        return ""
    if slot[0] == "(" and slot[-1] == ")":
        slot = slot[1:-1]
    return ",".join(slot.replace(",", " ").split())


def element_type(name):
    name = name.upper().removeprefix("DT_")
    return SAME.get(name, name)


def joined(parts):
    return ";".join(parts).rstrip(";")


def signature(row):
    inputs, outputs = [shape(s) for s in slots(row["Input Shapes"])], [shape(s) for s in slots(row["Output Shapes"])]
    types = [element_type(a) if s else "" for s, a in zip(inputs, slots(row["Input Data Types"]))]
    formats = [a if s else "" for s, a in zip(inputs, slots(row["Input Formats"]))]
    results = [element_type(a) if s else "" for s, a in zip(outputs, slots(row["Output Data Types"]))]
    return joined(inputs), joined(types), joined(formats), joined(outputs), joined(results)


def read_profile(path):
    groups = {}
    with open(path, encoding="utf-8-sig", newline="") as f:
        reader = csv.DictReader(f)
        counters = [c for c in reader.fieldnames if c.startswith(("aic", "aiv"))]
        for row in reader:
            groups.setdefault(row["OP Type"], {}).setdefault(signature(row), []).append(row)
    merged = {}
    for op, calls in groups.items():
        for key, rows in calls.items():
            new = {c: rows[0][c].strip() for c in BASE if c in rows[0]}
            new["Accelerator Core"] = rows[0]["Task Type"].strip()
            new[MEASURED] = f"{min(number(r['Task Duration(us)']) for r in rows):.6f}"
            for c in counters:
                new["MicroBench " + c] = f"{sum(number(r[c]) for r in rows) / len(rows):.6f}"
            merged.setdefault(op, []).append((key, new))
    return merged


def label(row):
    return f"{row['Input Shapes'] or 'N/A'} -> {row['Output Shapes'] or 'N/A'}"


def write(path, columns, rows, durable):
    target = path.with_suffix(".part") if durable else path
    with open(target, "w", encoding="utf-8", newline="") as f:
        writer = csv.DictWriter(f, columns, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
        if durable:
            f.flush()
            os.fsync(f.fileno())
    if durable:
        os.replace(target, path)


def update(path, samples, gaps, duplicates, durable):
    with open(path, encoding="utf-8-sig", newline="") as f:
        reader = csv.DictReader(f)
        columns, rows = reader.fieldnames, list(reader)
    index, counts = {}, {}
    for row in rows:
        key = signature(row)
        index.setdefault(key, row)
        counts[key] = counts.get(key, 0) + 1
    duplicates += [(label(index[key]), n) for key, n in counts.items() if n > 1]
    before = [dict(row) for row in rows]
    updated = added = 0
    for key, new in samples:
        row = index.get(key)
        if row is None:
            index[key] = new
            rows.append(new)
            added += 1
            continue
        updated += row[MEASURED].strip() != new[MEASURED]
        row.update((c, v) for c, v in new.items() if c not in BASE and c in row)
        measured, profiled = number(row[MEASURED]), number(row[PROFILED])
        if profiled > 0 and math.isfinite(profiled) and not 0.8 <= measured / profiled <= 1.2:
            gaps.append((max(measured / profiled, profiled / measured), abs(measured - profiled), path.stem, label(row)))
    if rows != before:
        write(path, columns, rows, durable)
    return updated, added


def main(database, profile, *options):
    start = time.perf_counter()
    samples = read_profile(profile)
    updated = added = 0
    gaps, duplicates = [], []
    for path in sorted(pathlib.Path(database).glob("*.csv")):
        more = update(path, samples.get(path.stem, []), gaps, duplicates, "--durable" in options)
        updated, added = updated + more[0], added + more[1]
    gaps.sort(reverse=True)
    seconds = time.perf_counter() - start
    print(seconds, time.process_time(), updated, added, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


if __name__ == "__main__":
    main(*sys.argv[1:])
