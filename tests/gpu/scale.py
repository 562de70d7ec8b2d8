#!/usr/bin/env python3
"""Copies records; for a CPU, with dimensions of 32 and more an eighth as large.

usage: scale.py RECORDS.json DEVICE OUT.json
"""
import json
import pathlib
import sys


def smaller(value):
    if isinstance(value, dict):
        return {key: smaller(v) for key, v in value.items()}
    if isinstance(value, list):
        return [smaller(v) for v in value]
    return value // 8 if isinstance(value, int) and not isinstance(value, bool) and value >= 32 else value


def contiguous(value):
    """Strides that fit the shape again; all records are contiguous."""
    if isinstance(value, list):
        return [contiguous(v) for v in value]
    if not isinstance(value, dict):
        return value
    value = {key: contiguous(v) for key, v in value.items()}
    if "strides" in value:
        value["strides"], step = [], 1
        for size in reversed(value["shape"]):
            value["strides"].insert(0, step)
            step *= size
    return value


def main(source, device, target):
    records = json.loads(pathlib.Path(source).read_text())
    pathlib.Path(target).write_text(json.dumps(contiguous(smaller(records)) if device == "cpu" else records))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
