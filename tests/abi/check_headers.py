#!/usr/bin/env python3
"""Every public header compiles alone, in C99, C11 and C++17, without a warning.

usage: check_headers.py INCLUDE_FOLDER COMPILER...   (a C++ compiler has '++' in its name)
"""
import pathlib
import subprocess
import sys

WARNINGS = ["-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Wundef", "-Werror"]
STANDARDS = {"c": [("c", "c99"), ("c", "c11")], "c++": [("c++", "c++17")]}


def main(include, *compilers):
    headers = sorted(p.name for p in pathlib.Path(include, "evreplay").glob("*.h"))
    if not headers:
        sys.exit(f"no headers in {include}/evreplay")
    failed = 0
    for compiler in compilers:
        kind = "c++" if "++" in pathlib.Path(compiler).name else "c"
        for language, standard in STANDARDS[kind]:
            strict = [] if language == "c++" else ["-Wstrict-prototypes"]
            for header in headers:
                # Twice, so that a missing include guard shows.
                line = f"#include <evreplay/{header}>\n"
                p = subprocess.run([compiler, "-x", language, f"-std={standard}", *WARNINGS, *strict, "-I", include,
                                    "-fsyntax-only", "-"], input=line + line, text=True, capture_output=True)
                if p.returncode:
                    failed += 1
                    print(f"{header} with {compiler} -std={standard}:\n{p.stderr}")
    print(f"{len(headers)} headers, {len(compilers)} compilers, {failed} failures")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
