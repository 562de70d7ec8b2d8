"""No code in a document is only text: each fenced block is a piece of a file that the tests build or run, or is run here.

usage: check_blocks.py SOURCE_FOLDER BIN_FOLDER [--python PYTHON] [--shared FOLDER] [--torch] [DOCUMENT…]

What a block is, says its language or a comment before it:
  <!-- from examples/x.c:region -->      the lines of that file between `region NAME` and `endregion NAME`, or the file without `:region`; other than sh and console
  ```console                             lines that begin with "$ " are run, and what they write must be what follows. `…` stands for anything, in a line or for lines;
                                         times differ from machine to machine, so numbers before "ns", "µs", "ms" and "s" are not looked at
  ```sh                                  is run, line by line, and must end well; with a `from` comment it is a file
  ```python  <!-- run by FILE -->        that test takes the blocks of this document and runs them
  ```text                                is a drawing, a grammar or a format, not code
  ```json                                is read
  <!-- files: NAME = PATH, … -->         before the first block: what the commands find in their folder; PATH is in the source folder, or `shared:PATH`
  <!-- needs torch -->                   without the bridge the document's commands are not run
  <!-- not run: why -->                  the one way out, for commands that set up the machine

Blocks of a document are run in their order in one empty folder. Exit code: 77 when all is well as far as it could be looked at, and something is missing.
"""
import argparse
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import textwrap

FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```[ ]*$", re.S | re.M)
NOTE = re.compile(r"<!--\s*(.*?)\s*-->")
TIME = re.compile(r"\b\d[\d.,]* (?:ns|µs|ms|s)\b")


class Wrong(Exception):
    pass


class Missing(Exception):
    pass


def region(path, name):
    """The marked lines of a file, without the indentation they share."""
    text = path.read_text()
    if not name:
        return text
    found = re.search(rf"^[^\n]*\bregion {re.escape(name)}\b[^\n]*\n(.*?)^[^\n]*\bendregion {re.escape(name)}\b", text, re.S | re.M)
    if not found:
        raise Wrong(f"{path} has no region {name}")
    return textwrap.dedent(found[1])


def pattern(expected):
    """What is shown, as an expression: blanks count as one, times do not count, `…` is anything."""
    lines = []
    for line in expected:
        line = " ".join(TIME.sub("0 s", line).split())
        lines.append(r"(?:[^\n]*\n)*?" if line == "…" else re.escape(line).replace("…", "[^\n]*") + r"\n")
    return re.compile("".join(lines))


def plain(text):
    return "".join(" ".join(TIME.sub("0 s", line).split()) + "\n" for line in text.splitlines())


class Session:
    """The folder in which the commands of a document are run."""

    def __init__(self, options, work, notes):
        self.folder, self.options = pathlib.Path(work) / "here", options
        self.folder.mkdir()
        bins = pathlib.Path(work) / "bin"
        bins.mkdir()
        (self.folder / "examples").symlink_to(options.source / "examples")
        path = os.pathsep.join([str(bins), str(options.bin), os.environ["PATH"]])
        self.environment = {**os.environ, "PATH": path, "EVREPLAY_LIBRARY": str(options.bin.parent / "lib"), "PYTHONPATH": str(options.source / "bindings/python"),
                            "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}  # fmt: skip
        (bins / "python3").write_text(f'#!/bin/sh\nexec {shlex.quote(str(options.python))} "$@"\n')  # a link would lose its virtual environment
        (bins / "python3").chmod(0o755)
        for note in notes:
            if note.startswith("files:"):
                self.provide(note[len("files:") :])
            if note == "needs torch" and not options.torch:
                raise Missing("the bridge to torch was not built")

    def provide(self, files):
        for pair in files.split(","):
            name, _, path = (part.strip() for part in pair.partition("="))
            shared = path.startswith("shared:")
            at = self.options.shared / path[len("shared:") :] if shared else self.options.source / path
            if shared and not at.exists():
                raise Missing(f"{at} is not there")
            if not at.exists():
                raise Wrong(f"{at} is not there")
            (self.folder / name).symlink_to(at)

    def run(self, command):
        done = subprocess.run(["bash", "-c", command], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise Wrong(f"$ {command}\nended with {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def console(self, block):
        lines = block.splitlines()
        starts = [i for i, line in enumerate(lines) if line.startswith("$ ")] + [len(lines)]
        if starts[0]:
            raise Wrong("a console block begins with a command")
        for at, end in zip(starts, starts[1:]):
            written, shown = self.run(lines[at][2:]), [line for line in lines[at + 1 : end] if line.strip()]
            kept = "".join(line for line in plain(written).splitlines(True) if line.strip())
            if shown and not pattern(shown).fullmatch(kept):
                raise Wrong(f"{lines[at]}\nwrites\n{written}")


def check_python(source, document, note):
    test = source / note
    if not test.exists() or document.name not in test.read_text():
        raise Wrong(f"{note} does not run {document.name}")


def quoted(source, note, body):
    path, _, name = note.partition(":")
    if not (source / path).is_file() or path.split("/")[0] not in ("examples", "tests"):
        raise Wrong(f"{path} is no file of examples or tests")
    want = region(source / path, name)
    if body != want:
        raise Wrong(f"differs from {note}, which is\n{want}")


def check_block(options, document, language, body, note, session):
    kind, _, rest = note.partition(" ")
    if kind == "from":
        quoted(options.source, rest, body)
    elif note.startswith("not run:"):
        if language != "sh" or len(note) < len("not run: because"):
            raise Wrong("only commands may be left out, and with a reason")
    elif note.startswith("run by "):
        check_python(options.source, document, note[len("run by ") :])
    elif language == "console":
        session().console(body)
    elif language == "sh":
        for line in body.splitlines():
            session().run(line)
    elif language == "json":
        try:
            json.loads(body)
        except ValueError as problem:
            raise Wrong(f"is no JSON: {problem}") from None
    elif language != "text":
        raise Wrong(f"a block of {language or 'no language'} with neither `from` nor `run by`")


def check(options, document):
    """Looks at one document; gives what is wrong, what is missing, and the number of blocks."""
    text, wrong, missing, live = document.read_text(), [], [], []
    everywhere, name = NOTE.findall(text), os.path.relpath(document, options.source)

    def session():
        if not live:
            try:
                live.append(Session(options, work, everywhere))
            except (Missing, Wrong) as problem:  # the same for every block of the document
                live.append(problem)
        if isinstance(live[0], Exception):
            raise live[0]
        return live[0]

    with tempfile.TemporaryDirectory() as work:
        blocks = list(FENCE.finditer(text))
        for found in blocks:
            before = text[: found.start()].rstrip()
            note = NOTE.search(before[before.rfind("<!--") :]) if before.endswith("-->") else None
            general = next((one for one in everywhere if one.startswith("run by ")), "") if found[1] == "python" else ""
            try:
                check_block(options, document, found[1].strip(), found[2], note[1] if note else general, session)
            except Wrong as problem:
                wrong.append(f"{name}:{text.count(chr(10), 0, found.start()) + 1}: {problem}")
            except Missing as problem:
                missing.append(f"{name}: {problem}")
    if text.count("\n```") != 2 * len(blocks) and not text.startswith("```"):
        wrong.append(f"{document}: a fence is not closed")
    return wrong, missing, len(blocks)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("bin", type=pathlib.Path)
    parser.add_argument("documents", nargs="*", type=pathlib.Path)
    parser.add_argument("--python", type=pathlib.Path, default=pathlib.Path(sys.executable))
    parser.add_argument("--shared", type=pathlib.Path, default=pathlib.Path("/nonexistent"))
    parser.add_argument("--torch", action="store_true")
    options = parser.parse_args()
    options.source, options.bin = options.source.resolve(), options.bin.resolve()
    documents = [path.resolve() for path in options.documents] or [options.source / "README.md", options.source / "CONTRIBUTING.md", *sorted((options.source / "docs").rglob("*.md"))]
    wrong, missing, blocks = [], [], 0
    for document in documents:
        bad, absent, count = check(options, document)
        wrong, missing, blocks = wrong + bad, missing + absent, blocks + count
    print(*wrong, f"{blocks} blocks in {len(documents)} documents, {len(wrong)} wrong", sep="\n")
    for reason in sorted(set(missing)):
        print(f"skipped: {reason}")
    return 1 if wrong else 77 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
