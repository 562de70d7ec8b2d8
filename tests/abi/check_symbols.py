#!/usr/bin/env python3
"""The library exports what its headers declare and what symbols.txt lists, no more and no less; a plug-in exports its entry only.

usage: check_symbols.py [--refresh] [--complete] INCLUDE_FOLDER LIBRARY PLUGIN_FOLDER GOLDEN

--complete: every module is in this build, so a declaration without its function is a difference. --refresh writes GOLDEN anew. A line that disappears from it, or moves to another version, breaks compiled users.
"""
import pathlib
import subprocess
import sys

import public_api

ENTRIES = {"evr_bridge_init", "evr_backend_init", "evr_command_run"}


def exported(library):
    p = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True)
    symbols = set()
    for line in p.stdout.splitlines():
        _, kind, name = line.split(maxsplit=2)
        if kind != "A":  # the version node itself
            symbols.add(name.replace("@@", " "))
    return symbols


def report(title, names):
    for name in sorted(names):
        print(f"{title}: {name}")
    return len(names)


def main(args):
    refresh, complete = "--refresh" in args, "--complete" in args
    include, library, plugins, golden = [a for a in args if not a.startswith("--")]
    symbols = exported(library)
    names = {s.split()[0] for s in symbols}
    declared = public_api.functions(include)
    bad = report("declared in a public header but not exported", declared.keys() - names)
    if not complete:
        print("note: modules are missing from this build, so that is no difference")
        bad = 0
    bad += report("exported but declared in no public header", names - declared.keys())
    if refresh:
        pathlib.Path(golden).write_text("".join(s + "\n" for s in sorted(symbols)))
    want = set(pathlib.Path(golden).read_text().splitlines())
    bad += report("in symbols.txt but gone from the library", want - symbols)
    bad += report("new in the library; add it with --refresh", symbols - want)
    checked = 0
    for plugin in sorted(pathlib.Path(plugins).glob("libevreplay_*.so")):
        checked += 1
        extra = exported(str(plugin)) - ENTRIES
        bad += report(f"{plugin.name} exports more than its entry", extra)
        if not exported(str(plugin)) & ENTRIES:
            bad += report(f"{plugin.name} lacks its entry", {"one of " + ", ".join(sorted(ENTRIES))})
    print(f"{len(symbols)} symbols, {len(declared)} declarations, {checked} plug-ins, {bad} differences")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
