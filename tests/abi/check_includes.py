#!/usr/bin/env python3
"""Module arrows point one way: a folder of lib/ includes itself and what stands before it, and nothing of a device or of torch.

usage: check_includes.py SOURCE_FOLDER
"""
import pathlib
import re
import sys

# What each module may include besides itself. Plug-in loading sits on base alone; what uses plug-ins may include it.
BASE = ["base"]
SCHEMA = BASE + ["schema"]
TRACE = SCHEMA + ["trace"]
REGISTRY = TRACE + ["registry"]
IR = REGISTRY + ["ir"]
INIT = IR + ["init"]
REPLAY = INIT + ["plugin", "replay"]
PERFDB = REPLAY + ["measure", "perfdb"]
REPORT = PERFDB + ["report"]
ARROWS = {
    "base": [],
    "plugin": BASE,
    "schema": BASE,
    "trace": SCHEMA,
    "trace_set": TRACE,
    "registry": TRACE,
    "ir": REGISTRY,
    "init": IR,
    "replay": INIT + ["plugin"],
    "measure": BASE + ["plugin"],  # what is measured is a callback: neither records nor replayers are known
    "perfdb": BASE,
    "rows": IR + ["perfdb"],  # keys and results of records come through the public headers
    "report": PERFDB,
    "batch": REPORT,
    "store": REPORT,
    "artifact": REPORT,
}
FOREIGN = re.compile(r"^(torch|ATen|c10|cuda|hip|rocm|nccl|rccl|cublas|cudnn|Python\.h)", re.I)
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)

# Headers of lib/ that programs outside it may include, on purpose.
OPEN_TO_BINDINGS = {"base/json_write.h", "base/buf.h", "base/str.h", "base/error.h", "base/context.h", "base/arena.h", "trace/json.h"}


def sources(folder):
    return sorted(p for p in folder.rglob("*") if p.suffix in {".c", ".h", ".cpp", ".hpp", ".inc"})


def check_lib(lib):
    for path in sources(lib):
        module = path.relative_to(lib).parts[0]
        if module not in ARROWS:
            yield path, f"module {module}/ has no arrows: say in {pathlib.Path(__file__).name} what it may include"
            continue
        for mark, name in INCLUDE.findall(path.read_text(errors="replace")):
            target = name.split("/")[0]
            if FOREIGN.match(name):
                yield path, f"includes <{name}>: devices and torch belong into plug-ins"
            elif mark == '"' and target in ARROWS and target != module and target not in ARROWS[module]:
                yield path, f'includes "{name}": {module}/ may not know {target}/'
            elif mark == '"' and not (lib / name).exists():
                yield path, f'includes "{name}": inside lib/ write "module/file.h"'


def check_bindings(root, lib):
    for folder in ("bindings", "bridge", "backends"):
        for path in sources(root / folder) if (root / folder).is_dir() else []:
            for mark, name in INCLUDE.findall(path.read_text(errors="replace")):
                if mark == '"' and (lib / name).exists() and not (path.parent / name).exists() and name not in OPEN_TO_BINDINGS:
                    yield path, f'includes "{name}": only the public headers and {len(OPEN_TO_BINDINGS)} listed ones are open to it'


def main(root):
    root = pathlib.Path(root)
    lib = root / "lib"
    problems = [*check_lib(lib), *check_bindings(root, lib)]
    for path, text in problems:
        print(f"{path.relative_to(root)}: {text}")
    print(f"{len(sources(lib))} files of lib/, {len(problems)} problems")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
