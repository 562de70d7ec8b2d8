"""Every symbol of the public headers has a text, and doxygen has nothing to say against it.

usage: check_doxygen.py SOURCE_FOLDER
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile


def bare(include):
    """Comments that say since when and nothing else: doxygen takes them for texts."""
    return [f"{path.name}:{text.count(chr(10), 0, found.start()) + 1}" for path in sorted(include.glob("*.h")) for text in [path.read_text()]
            for found in re.finditer(r"/\*\*<?\s*(?:@since [\d.]+\s*)?\*/", text)]  # fmt: skip


def main():
    source = pathlib.Path(sys.argv[1])
    empty = bare(source / "include" / "evreplay")
    if empty:
        print("comments without a text:", *empty, sep="\n")
        return 1
    if not shutil.which("doxygen"):
        print("skipped: doxygen is not installed")
        return 77
    settings = (source / "docs" / "Doxyfile").read_text()
    with tempfile.TemporaryDirectory() as work:
        settings += f"\nOUTPUT_DIRECTORY = {work}\nGENERATE_HTML = NO\nGENERATE_XML = YES\n"
        done = subprocess.run(["doxygen", "-"], input=settings, capture_output=True, text=True, cwd=source)
        pages = len(list(pathlib.Path(work, "xml").glob("*_8h.xml")))
    print(done.stdout + done.stderr, end="")
    headers = len(list((source / "include" / "evreplay").glob("*.h")))
    if pages != headers:
        print(f"{pages} of {headers} headers were read")
        return 1
    return 1 if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
