"""The script of docs/ci.md works."""
import json
import os
import pathlib
import subprocess

import pytest
from conftest import EVREPLAY, DATA

ROOT = DATA.parent.parent
SCRIPT = ROOT / "examples" / "ci" / "nightly.sh"


def test_two_nights_and_a_slow_one(tmp_path, evreplay):
    trace, folder = DATA / "small_kineto.json", tmp_path / "results"
    if evreplay("replay", trace, "--op-limit", 1).returncode == 5:
        pytest.skip("no bridge to torch was built")
    path = f"{pathlib.Path(EVREPLAY).parent}{os.pathsep}{os.environ['PATH']}"

    def night():
        return subprocess.run([SCRIPT, trace, folder], env={**os.environ, "PATH": path, "TOP": "2", "BUDGET": "60"}, capture_output=True, text=True)

    first = night()
    assert first.returncode == 0 and "kept as the base" in first.stdout, first.stderr
    base = json.loads((folder / "base.json").read_text())
    for row in base["results"]:  # a base of a nanosecond makes tonight a slow one, however busy the machine was then
        if row["statistics"]:
            by = row["statistics"]["median"]
            row["samples"] = [s / by for s in row["samples"]]
            row["visits"] = [v / by for v in row["visits"]]
            for field in ("median", "median_low", "median_high", "mad", "iqr", "q1", "q3", "min", "max", "mean", "std"):
                row["statistics"][field] /= by
    (folder / "base.json").write_text(json.dumps(base))
    slow = night()
    assert slow.returncode == 3, slow.stdout + slow.stderr
    assert (folder / "comment.md").read_text() and (folder / "compare.html").exists() and (folder / "compare.xml").exists()
