#!/usr/bin/env python3
"""Medians of the same records by how the cache was emptied before each sample: not, over its size by writing, with a read pass after that, and over 256 MB.

usage: flushes.py FOLDER    (with flush_none.json, flush_write.json, flush_read.json, flush_fixed.json)
"""
import json
import pathlib
import sys


def medians(path):
    return {r["index"]: r["statistics"] and r["statistics"]["median"] for r in json.loads(path.read_text())["results"]}


def main(folder):
    folder = pathlib.Path(folder)
    ways = ["none", "write", "read", "fixed"]
    all_of = {way: medians(folder / f"flush_{way}.json") for way in ways}
    rows = json.loads((folder / "flush_none.json").read_text())["results"]
    print(f"{'operator':28}" + "".join(f"{way:>14}" for way in ways))
    for row in rows:
        values = [all_of[way].get(row["index"]) for way in ways]
        print(f"{row['op']:28}" + "".join(f"{v:11.0f} ns" if v else f"{'-':>14}" for v in values) + f"  {row['arguments'][:60]}")
    return 0 if all(any(all_of[way].values()) for way in ways) else "a way to flush gave no times"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
