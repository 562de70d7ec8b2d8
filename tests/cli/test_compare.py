"""evreplay compare: exit codes, forms, and what it says about input that is none."""
import json
import random

import pytest


def result(index, op, median, rng=None, **more):
    samples = [median * (1 + 0.01 * rng.gauss(0, 1)) for _ in range(40)] if rng else None
    ordered = sorted(samples or [median])
    middle = ordered[len(ordered) // 2]
    statistics = {"count": len(ordered), "median": middle, "median_low": middle * 0.997, "median_high": middle * 1.003, "coverage": 0.95, "q1": middle, "q3": middle,
                  "min": ordered[0], "max": ordered[-1]}
    return {"index": index, "op": op, "key": f"{index:032x}", "count": 2, "status": "ok", "statistics": statistics, "samples": samples, **more}


def document(seed, **slower):
    rng = random.Random(seed)
    ops = [f"aten::op_{i}" for i in range(12)]
    return {"document": "evreplay-results", "version": 1, "runtime": "torch 2.13.0", "device": "cuda:0",
            "results": [result(i, op, 1000 * (i + 1) * slower.get(op[6:], 1), rng) for i, op in enumerate(ops)]}


def with_protocol(document, protocol, rows=slice(None)):
    for row in document["results"][rows]:
        row["protocol"] = protocol
    return document


@pytest.fixture
def files(tmp_path):
    def write(**documents):
        paths = []
        for name, content in documents.items():
            path = tmp_path / f"{name}.json"
            path.write_text(json.dumps(content))
            paths.append(path)
        return paths

    return write


def test_the_same_is_good(evreplay, files):
    run = evreplay("compare", *files(base=document(1), new=document(2)))
    assert run.returncode == 0 and run.stderr == ""
    assert "Regressions: 0" in run.stdout and "Matched: 12" in run.stdout


def test_a_regression_is_3(evreplay, files):
    run = evreplay("compare", *files(base=document(1), new=document(2, op_3=1.08)))
    assert run.returncode == 3
    assert "Regressions: 1" in run.stdout and "aten::op_3" in run.stdout


def test_numbers_beyond_reading_are_cut(evreplay, files):
    run = evreplay("compare", *files(base=document(1), new=document(2, op_3=1e9)))
    assert run.returncode == 3 and "over +100000 % (over +100000 % to over +100000 %)  aten::op_3" in run.stdout
    assert max(map(len, run.stdout.splitlines())) < 200


def test_an_improvement_is_good(evreplay, files):
    run = evreplay("compare", *files(base=document(1), new=document(2, op_3=0.9)))
    assert run.returncode == 0 and "Improvements: 1" in run.stdout


def test_times_that_never_compare_are_4(evreplay, files):
    """A gate whose two sides were timed in different ways must not stay green for good."""
    cold = with_protocol(document(1), "evreplay-protocol/1 flush=write")
    run = evreplay("compare", *files(base=cold, new=with_protocol(document(2), "evreplay-protocol/1 flush=none")))
    assert run.returncode == 4 and "no operator's times compare" in run.stderr and "flush" in run.stderr
    assert "Nothing can be said" in run.stdout
    some = with_protocol(document(2), "evreplay-protocol/1 flush=none", slice(1, None))
    some["results"][0]["protocol"] = "evreplay-protocol/1 flush=write"
    assert evreplay("compare", *files(base=cold, new=some)).returncode == 0


def test_what_breaks_is_a_regression(evreplay, files):
    new = document(2)
    new["results"][5] = {"index": 5, "op": "aten::op_5", "key": f"{5:032x}", "status": "failed", "reason": "crashed", "detail": "signal 11"}
    run = evreplay("compare", *files(base=document(1), new=new))
    assert run.returncode == 3 and "signal 11" in run.stdout


@pytest.mark.parametrize("threshold", ["0.2", "20%"])
def test_threshold(evreplay, files, threshold):
    assert evreplay("compare", *files(base=document(1), new=document(2, op_3=1.08)), "--threshold", threshold).returncode == 0


@pytest.mark.parametrize("args", [["--threshold", "x"], ["--threshold", "-1"], ["--threshold", "0"], ["--threshold", "200%"], ["--error-rate", "nan"],
                                  ["--json", "-", "--html", "-"]])
def test_usage(evreplay, files, args):
    run = evreplay("compare", *files(base=document(1), new=document(2)), *args)
    assert run.returncode == 2 and run.stdout == "" and run.stderr


@pytest.mark.parametrize("count", [0, 1, 3])
def test_number_of_inputs(evreplay, files, count):
    assert evreplay("compare", *(files(base=document(1)) * count)).returncode == 2


def test_every_form(evreplay, files, tmp_path):
    base, new = files(base=document(1), new=document(2, op_3=1.08))
    out = {form: tmp_path / f"out.{form}" for form in ("json", "markdown", "html", "junit", "csv")}
    run = evreplay("compare", base, new, *(part for form, path in out.items() for part in (f"--{form}", path)))
    assert run.returncode == 3 and "Regressions: 1" in run.stdout
    changes = json.loads(out["json"].read_text())["changes"]
    assert [c["op"] for c in changes if c["change"] == "regression"] == ["aten::op_3"]
    assert 1.06 < next(c["ratio"] for c in changes if c["op"] == "aten::op_3") < 1.10
    assert out["markdown"].read_text().startswith("<!-- evreplay compare -->")
    assert out["html"].read_text().startswith("<!doctype html>")
    assert "<failure" in out["junit"].read_text()
    assert len(out["csv"].read_text().splitlines()) == 13


def test_a_form_on_standard_output_is_alone(evreplay, files):
    run = evreplay("compare", *files(base=document(1), new=document(2)), "--json", "-")
    assert run.returncode == 0 and json.loads(run.stdout)["summary"]["matched"] == 12


def test_standard_input(evreplay, files):
    (new,) = files(new=document(2))
    run = evreplay("compare", "-", new, stdin=json.dumps(document(1)).encode())
    assert run.returncode == 0 and "Matched: 12" in run.stdout
    assert evreplay("compare", "-", "-", stdin=b"").returncode == 2


def test_the_same_seed_says_the_same(evreplay, files):
    paths = files(base=document(1), new=document(2, op_3=1.04))
    runs = [evreplay("compare", *paths, "--json", "-", "--seed", seed).stdout for seed in ("1", "1", "2")]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("content, says", [(b"", "JSON"), (b"{}", "no document of results"), (b'{"evreplay_ir":1,"records":[]}', "no document of results"),
                                           (b'{"document":"evreplay-results","version":9,"results":[]}', "version 9"),
                                           (b'{"document":"evreplay-results","version":1,"results":[{"op":"a"', "byte")])
def test_bad_input_is_4(evreplay, files, tmp_path, content, says):
    (new,) = files(new=document(2))
    bad = tmp_path / "bad.json"
    bad.write_bytes(content)
    for args in ((bad, new), (new, bad)):
        run = evreplay("compare", *args)
        assert run.returncode == 4 and run.stdout == "" and "bad.json" in run.stderr and says in run.stderr


def test_missing_file_is_4(evreplay, files):
    (new,) = files(new=document(2))
    run = evreplay("compare", "/no/such/file.json", new)
    assert run.returncode == 4 and "/no/such/file.json" in run.stderr


def test_unwritable_form_is_4(evreplay, files, tmp_path):
    assert evreplay("compare", *files(base=document(1), new=document(2)), "--html", tmp_path / "no" / "where").returncode == 4
