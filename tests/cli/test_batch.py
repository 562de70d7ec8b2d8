"""Batches from the command line: timed, isolated, journalled, killed and resumed, interrupted."""
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import time

import pytest
from conftest import EVREPLAY
from test_registry import OPERATORS, record, tensor

GOOD = ["abs", "neg", "exp", "sin", "relu", "sigmoid", "tanh", "floor"]


def records(count):
    return [record(f"aten::{GOOD[i % len(GOOD)]}", self=tensor(i + 1)) for i in range(count)]


@pytest.fixture
def run(evreplay, tmp_path):
    def run(command, what, *options):
        out = tmp_path / "out.json"
        out.unlink(missing_ok=True)
        result = evreplay(command, "-", "--json", out, *options, stdin=json.dumps(what).encode())
        if result.returncode == 5:
            pytest.skip("no bridge to torch was built")
        return result, json.loads(out.read_text())["results"] if out.exists() else None

    return run


def test_bench_takes_times(run):
    result, rows = run("bench", records(2), "--iterations", 30, "--warmup", 2, "--flush", "write", "--samples", "-v")
    assert result.returncode == 0, result.stderr
    for row in rows:
        assert row["statistics"]["count"] == 30 == len(row["samples"])
        assert 0 < row["statistics"]["median_low"] <= row["statistics"]["median"] <= row["statistics"]["median_high"]
        assert "flush=write" in row["protocol"] and "warmup=count warmup_calls=2" in row["protocol"]
    again, same = run("bench", records(1), "--protocol", rows[0]["protocol"])
    assert again.returncode == 0 and same[0]["protocol"] == rows[0]["protocol"]


def test_visits(run, evreplay, tmp_path):
    how = ("--iterations", 10, "--visits", 4, "--isolate", "--threads", 1)
    result, rows = run("bench", records(3), *how)
    assert result.returncode == 0, result.stderr
    assert [row["index"] for row in rows] == [0, 1, 2]
    lines = [line for line in result.stdout.splitlines() if "aten::" in line]
    assert len(lines) == 3 and "Attempted replays: 3" in result.stdout
    for row, line in zip(rows, lines):
        assert 1 <= len(row["visits"]) <= 4 and "visit" not in row and row["samples"] is None
        assert min(row["visits"]) <= row["statistics"]["median"] <= max(row["visits"])
        assert len(row["visits"]) == 1 or f"of {len(row['visits'])} visits" in line
    base, slower = tmp_path / "base.json", tmp_path / "slower.json"
    document = json.loads((tmp_path / "out.json").read_text())
    for row in document["results"]:  # steady ones, by hand: that is what is compared
        row["visits"] = [1000.0, 1001.0, 999.0, 1000.5, 1002.0]
    base.write_text(json.dumps(document))
    document["results"][1]["visits"] = [1.06 * x for x in document["results"][1]["visits"]]
    slower.write_text(json.dumps(document))
    assert evreplay("compare", base, base).returncode == 0
    result = evreplay("compare", base, slower)
    assert result.returncode == 3 and "aten::neg" in result.stdout


@pytest.mark.parametrize("options", [("--precision", "0"), ("--precision", "x"), ("--flush", "often"), ("--protocol", "mine"), ("--timeout", "-1"), ("--check", "luck")])
def test_bench_refuses_nonsense(run, options):
    assert run("bench", records(1), *options)[0].returncode == 2


def told(result):
    return [line for line in result.stdout.split("--- Replay Summary")[0].splitlines() if line]


def test_bench_tells_each_time_as_it_comes(evreplay, run, trace, tmp_path):
    run("bench", records(1), "--iterations", 5)
    out = tmp_path / "results.json"
    by = {}
    for command, *options in (("bench", "--iterations", 10), ("bench", "--iterations", 10, "-v"), ("replay",), ("replay", "-v")):
        lines = told(evreplay(command, trace, *options, "--json", out))
        rows = json.loads(out.read_text())["results"]
        by[command, options[-1:] == ["-v"]] = [line.split()[:2] for line in lines]
        timed = [line for line in lines if line.split()[1] == "ok"]
        assert all(re.search(r" \[\S+ (ns|µs|ms), \S+ (ns|µs|ms)\] .* \S+\(.*float32\[8,", line) for line in timed if command == "bench"), lines
    every = [[str(r["uid"]), r["status"]] for r in rows]
    assert {status for _, status in every} == {"ok", "failed", "skipped"}
    assert by["bench", True] == by["replay", True] == every
    assert by["bench", False] == [x for x in every if x[1] != "skipped"]
    assert by["replay", False] == [x for x in every if x[1] == "failed"]


def test_a_report_has_standard_output_to_itself(evreplay, run):
    run("bench", records(1), "--iterations", 5)
    result = evreplay("bench", "-", "--iterations", 5, "--json", "-", stdin=json.dumps(records(2)).encode())
    assert len(json.loads(result.stdout)["results"]) == 2
    assert "aten::neg" in result.stderr and "Replay Summary" in result.stderr


@pytest.mark.parametrize("options", [("bench",), ("bench", "--isolate"), ("db", "fill")], ids=["here", "isolated", "fill"])
def test_what_the_device_cannot_do_is_missing(evreplay, run, tmp_path, options):
    run("bench", records(1), "--iterations", 5)
    words, flags = [o for o in options if o[0] != "-"], [o for o in options if o[0] == "-"]
    store = [tmp_path / "store.db"] if "fill" in words else []
    result = evreplay(*words, *store, "-", "--graph", *flags, stdin=json.dumps(records(1)).encode())
    assert result.returncode == 5 and "has no graphs" in result.stderr and "what to do: " in result.stderr


@pytest.mark.parametrize("option", ["--ep-size", "--group-size"])
@pytest.mark.parametrize("value, text", [("2", "start them with evreplay launch"), ("5G", "start them with evreplay launch"), ("two", "takes a whole number"),
                                         ("-2", "takes a whole number"), ("1.5", "takes a whole number")])
def test_sizes_of_groups_need_ranks(run, option, value, text):
    result, rows = run("replay", records(1), option, value)
    assert result.returncode == 2 and rows is None and option in result.stderr and text in result.stderr


def test_filters(run):
    what = records(4) + [record("evrtest::marked", x=tensor(2))]
    load = ("--import", f"evrtest={OPERATORS}") if OPERATORS else ()
    assert [r["op"] for r in run("replay", what, "--namespace", "aten", *load)[1]] == [f"aten::{n}" for n in GOOD[:4]]
    assert len(run("replay", what, "--top", 2, *load)[1]) == 2
    assert run("replay", what, "--status", "failed", *load)[1] == []


@pytest.mark.skipif(OPERATORS is None, reason="the operators of tests/replay/ops were not built")
def test_isolated_poison(run):
    what = records(6)
    clean = run("replay", what)[1]
    for i, name in ((1, "crash"), (3, "abort"), (5, "exit"), (7, "refuse")):
        what.insert(i, record(f"evrpoison::{name}", x=tensor(3)))
    result, rows = run("replay", what, "--isolate", "--workers", 2, "--import", f"evrpoison={OPERATORS}")
    assert result.returncode == 1
    assert [r["reason"] for r in rows if r["op"].startswith("evrpoison")] == ["crashed", "crashed", "crashed", "op-error"]
    fine = [r for r in rows if r["op"].startswith("aten")]
    assert [(r["key"], r["status"]) for r in fine] == [(r["key"], r["status"]) for r in clean]


def started(*args, path):
    return subprocess.Popen([EVREPLAY, *map(str, args)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd=path)


def wait_for_lines(process, journal, count):
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until and (not journal.exists() or journal.read_bytes().count(b"\n") < count):
        time.sleep(0.002)
    assert process.poll() is None, "it ended before it was stopped"


def poisoned(count):
    """Records of which every eighth brings down its worker, raises or hangs."""
    what = records(count)
    kinds = ["crash", "abort", "exit", "refuse", "reserve", "wrong_device", "hang"]
    for i in range(count // 8):
        what.insert(i * 9 + 4, record(f"evrpoison::{kinds[i % len(kinds)]}", x=tensor(i + 3)))
    return what


KILLS = int(os.environ.get("EVREPLAY_TEST_KILLS", "4"))


@pytest.mark.parametrize("isolate", [(), ("--isolate", "--timeout", "2")], ids=["here", "isolated"])
def test_killed_at_any_moment_and_resumed(evreplay, tmp_path, isolate):
    what = tmp_path / "records.json"
    all_records = poisoned(12 * KILLS) if isolate and OPERATORS else records(15 * KILLS)
    count = len(all_records)
    what.write_text(json.dumps(all_records))
    journal, out, clean = tmp_path / "journal", tmp_path / "out.json", tmp_path / "clean.json"
    if evreplay("replay", what, "--op-limit", 1).returncode == 5:
        pytest.skip("no bridge to torch was built")
    load = ("--import", f"evrpoison={OPERATORS}") if OPERATORS else ()
    args = ("bench", what, "--iterations", 10, *isolate, *load)
    resumable = (*args, "--journal", journal, "--json", out)
    moments = random.Random(7)
    for k in range(KILLS):
        process = started(*resumable, *(("--resume",) if journal.exists() else ()), path=tmp_path)
        wait_for_lines(process, journal, 1 + k * (count - 6) // KILLS)
        time.sleep(moments.uniform(0, 0.02))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    started(*args, "--json", clean, path=tmp_path).wait(timeout=300)
    assert started(*resumable, "--resume", path=tmp_path).wait(timeout=300) == (1 if len(isolate) and OPERATORS else 0)
    rows, expected = (json.loads(p.read_text())["results"] for p in (out, clean))
    assert [r["index"] for r in rows] == list(range(count))
    assert [(r["key"], r["status"], r["reason"]) for r in rows] == [(r["key"], r["status"], r["reason"]) for r in expected]
    lines = journal.read_text().splitlines()
    assert len(lines) == count + 1 and len({json.loads(x)["index"] for x in lines[1:]}) == count  # nothing twice, nothing lost


def test_interrupt_ends_with_the_results_so_far(evreplay, tmp_path):
    what, out = tmp_path / "records.json", tmp_path / "out.json"
    what.write_text(json.dumps(records(400)))
    if evreplay("replay", what, "--op-limit", 1).returncode == 5:
        pytest.skip("no bridge to torch was built")
    journal = tmp_path / "journal"
    process = started("bench", what, "--json", out, "--isolate", "--iterations", 100, "--journal", journal, path=tmp_path)
    wait_for_lines(process, journal, 3)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 1
    document = json.loads(out.read_text())
    assert document["interrupted"] and 0 < len(document["results"]) < 400
    assert not [p for p in pathlib.Path("/proc").glob("[0-9]*/stat") if ppid_of(p) == process.pid]


def ppid_of(stat):
    try:
        return int(stat.read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return None
