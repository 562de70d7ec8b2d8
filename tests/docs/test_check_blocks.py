"""The check of the documents tells what it should."""
import pathlib
import subprocess
import sys

import pytest

SOURCE = pathlib.Path(__file__).parent.parent.parent
GOOD = [
    "```text\nanything\n```\n",
    "```console\n$ printf 'a\\nb\\nc 12.5 ms\\n'\na\n…\nc 3 ms\n```\n",
    "```sh\ntrue\n```\n",
    "```json\n{}\n```\n",
    "<!-- from examples/ci/workflow.yml -->\n```yaml\n" + (SOURCE / "examples/ci/workflow.yml").read_text() + "```\n",
]
BAD = [
    "```c\nint x;\n```\n",
    "```\nls\n```\n",
    "```console\n$ echo a\nb\n```\n",
    "```console\n$ echo a; echo b\na\n```\n",
    "```console\n$ false\n```\n",
    "```sh\nfalse\n```\n",
    "```json\n{\n```\n",
    "<!-- from examples/ci/workflow.yml -->\n```yaml\nother\n```\n",
    "<!-- from examples/first/first.c:nowhere -->\n```c\n```\n",
    "<!-- from lib/base/str.c -->\n```c\n```\n",
    "<!-- run by tests/python/test_docs.py -->\n```python\npass\n```\n",
    "<!-- not run: x -->\n```sh\nfalse\n```\n",
]


def looked_at(tmp_path, text):
    page = tmp_path / "page.md"
    page.write_text(text)
    return subprocess.run([sys.executable, SOURCE / "tests/docs/check_blocks.py", SOURCE, tmp_path, page], capture_output=True, text=True)


@pytest.mark.parametrize("text", GOOD)
def test_good_blocks_pass(tmp_path, text):
    done = looked_at(tmp_path, text)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("text", BAD)
def test_bad_blocks_are_told(tmp_path, text):
    done = looked_at(tmp_path, text)
    assert done.returncode == 1 and "page.md:" in done.stdout, done.stdout + done.stderr


def test_what_is_missing_is_told_once(tmp_path):
    block = "```console\n$ false\n```\n"
    done = looked_at(tmp_path, "<!-- needs torch -->\n" + block + "\nand\n\n" + block)
    assert done.returncode == 77 and done.stdout.count("skipped:") == 1, done.stdout + done.stderr
