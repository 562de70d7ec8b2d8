#!/usr/bin/env python3
"""Every entry of every trace's list of events has a row, as Python's json module counts them.

usage: check_accounting.py COUNT_EVENTS CORPUS_FOLDER
"""
import gzip
import json
import pathlib
import subprocess
import sys


def main(program, folder):
    files = sorted(pathlib.Path(folder).glob("*.json.gz"))
    if not files:
        print(f"skipped: the corpus of real traces is not at {folder}")
        return 77
    p = subprocess.run([program, *files], capture_output=True, text=True, check=False)
    if p.returncode:
        print(p.stderr)
        return 1
    bad = 0
    for path, line in zip(files, p.stdout.splitlines(), strict=True):
        got = [int(x) for x in line.split()]
        text = gzip.open(path).read()
        document = json.loads(text)
        events = document if isinstance(document, list) else document.get("traceEvents", document.get("nodes"))
        same = got == [len(events), len(events), len(text)]
        bad += not same
        print(f"{path.name:44} {got[0]:7} rows, {len(events):7} events{'' if same else f'  DIFFERENT: {got}, {len(text)} bytes'}")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
