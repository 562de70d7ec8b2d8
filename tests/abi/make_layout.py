#!/usr/bin/env python3
"""Keeps test_layout.c, the frozen sizes and offsets of every public structure, complete.

usage: make_layout.py --check INCLUDE_FOLDER TEST_LAYOUT_C
       make_layout.py --refresh INCLUDE_FOLDER TEST_LAYOUT_C COMPILER

--check fails when a structure or member of the headers is not pinned. --refresh adds what is missing and leaves pinned lines as they
are: a pinned number that no longer holds stops the compiler, and is an ABI break to be decided on, not refreshed away.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

import public_api

PINNED = re.compile(r"^(?:SIZE\((\w+), (\d+)\)|AT\((\w+), (\w+), (\d+)\));", re.M)
BEGIN, END = "/* pinned: begin */\n", "/* pinned: end */\n"


def wanted(include):
    """(structure, member or None) in order."""
    for name, members, _ in public_api.structs(include):
        yield name, None
        for member in members:
            yield name, member


def pinned(text):
    found = {}
    for size_of, size, struct, member, offset in PINNED.findall(text):
        found[(size_of, None) if size_of else (struct, member)] = size or offset
    return found


def measure(include, compiler, keys):
    lines = ["#include <evreplay/evreplay.h>"]
    lines += [f"#include <evreplay/{h.name}>" for h in public_api.headers(include)]
    lines += ["#include <stdio.h>", "int main(void) {"]
    for struct, member in keys:
        what = f"offsetof({struct}, {member})" if member else f"sizeof({struct})"
        lines.append(f'    printf("%zu\\n", {what});')
    lines += ["    return 0;", "}"]
    with tempfile.TemporaryDirectory() as folder:
        source, program = pathlib.Path(folder, "m.c"), pathlib.Path(folder, "m")
        source.write_text("\n".join(lines) + "\n")
        subprocess.run([compiler, "-std=c11", "-I", include, source, "-o", program], check=True)
        return subprocess.run([program], check=True, capture_output=True, text=True).stdout.split()


def main(mode, include, path, compiler="cc"):
    text = pathlib.Path(path).read_text()
    have, want = pinned(text), list(wanted(include))
    if mode == "--refresh":
        numbers = dict(zip(want, measure(include, compiler, want)))
        blocks = []
        for struct, member in want:
            number = have.get((struct, member), numbers[(struct, member)])
            blocks.append(f"AT({struct}, {member}, {number});" if member else f"\nSIZE({struct}, {number});")
        head, rest = text.split(BEGIN)
        text = head + BEGIN + "\n".join(blocks) + "\n\n" + END + rest.split(END)[1]
        pathlib.Path(path).write_text(text)
        have = pinned(text)
    missing = [k for k in want if k not in have]
    gone = [k for k in have if k not in want]
    for struct, member in missing:
        print(f"not pinned: {struct}{'.' + member if member else ''}; run with --refresh")
    for struct, member in gone:
        print(f"pinned but gone from the headers: {struct}{'.' + member if member else ''}")
    print(f"{len(have)} pinned, {len(missing)} missing, {len(gone)} gone")
    return bool(missing or gone) or not want


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
