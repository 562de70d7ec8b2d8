#!/usr/bin/env python3
"""No source file beyond 800 lines, no function beyond 120: what is longer is more than one idea. Data that a script wrote may be longer.

usage: check_size.py SOURCE_FOLDER
"""
import pathlib
import re
import subprocess
import sys

FILE_LINES = 800
FUNCTION_LINES = 120
CODE = {".c", ".h", ".cpp", ".hpp", ".cu", ".hip", ".py"}
WRITTEN_BY_SCRIPT = re.compile(r"^/\* Made by tools/\w+\.py\b")
PINNED = re.compile(r"^/\* pinned: begin \*/\n.*?^/\* pinned: end \*/\n", re.M | re.S)  # by make_layout.py
FUNCTION_END = re.compile(r"^\}")


def tracked(root):
    p = subprocess.run(["git", "-C", root, "ls-files"], capture_output=True, text=True)
    if p.returncode == 0:
        return [pathlib.Path(root, line) for line in p.stdout.splitlines()]
    return [q for q in pathlib.Path(root).rglob("*") if "build" not in q.relative_to(root).parts]  # a tarball


def long_functions(lines):
    """Bodies as this project formats them: '{' alone in column 0 opens, '}' in column 0 closes."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif start and FUNCTION_END.match(line):
            if number - start > FUNCTION_LINES:
                yield start, number - start
            start = None


def main(root):
    problems = files = 0
    for path in tracked(root):
        if path.suffix not in CODE or not path.exists():
            continue
        files += 1
        lines = path.read_text(errors="replace").splitlines()
        name = path.relative_to(root)
        if len(PINNED.sub("", "\n".join(lines)).splitlines()) > FILE_LINES and not WRITTEN_BY_SCRIPT.match(lines[0]):
            problems += 1
            print(f"{name}: {len(lines)} lines, more than {FILE_LINES}")
        for start, length in long_functions(lines) if path.suffix != ".py" else []:
            problems += 1
            print(f"{name}:{start}: a function of {length} lines, more than {FUNCTION_LINES}")
    print(f"{files} files, {problems} problems")
    return bool(problems) or not files


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
