"""evreplay db on a store: one SQLite file."""
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest
from conftest import EVREPLAY
from test_registry import record, tensor


def result(key, op="aten::add", median=1000.0, **more):
    """A timed result as evr_results_write() makes it, as far as the reader needs it."""
    return {"op": op, "overload": "Tensor", "arguments": "float32[8,8], float32[8,8], 1", "status": "ok", "key": key, "count": 2, "device": "cuda:0",
            "protocol": "evreplay-protocol/1 stop=precision", "samples": [median - 1, median, median + 1],
            "statistics": {"count": 3, "median": median, "median_low": median - 1, "median_high": median + 1, "min": median - 1, "max": median + 1}} | more


def document(*results, device_name="NVIDIA H200", runtime="torch 2.13.0", driver="driver 570", started_s=1700000000):
    return {"document": "evreplay-results", "version": 1, "runtime": runtime, "device": "cuda:0", "device_name": device_name, "driver": driver,
            "input": "trace.json", "seed": 0, "started_s": started_s, "wall_s": 1.0, "results": list(results)}


@pytest.fixture
def write(tmp_path):
    def write(name, *results, **about):
        path = tmp_path / name
        path.write_text(json.dumps(document(*results, **about)))
        return path

    return write


@pytest.fixture
def store(tmp_path):
    return tmp_path / "times.db"


def keys(evreplay, store, *options):
    return [(r["key"], r["median_ns"]) for r in json.loads(evreplay("db", "history", store, "--json", *options).stdout)["history"]]


def test_add_once_with_history(evreplay, store, write):
    first = write("a.json", result("k1"), result("k2", median=50), {"op": "my::slow", "status": "failed", "reason": "timeout"})
    done = evreplay("db", "add", store, first)
    assert done.returncode == 0 and done.stdout == f"{store}: 2 results added, 1 left out: failed or not timed\n", done.stderr
    second = write("b.json", result("k1", median=900), started_s=1700000500)
    assert f"{store}: 1 results added, 2 known already" in evreplay("db", "add", store, first, second).stdout
    assert keys(evreplay, store, "k1") == [("k1", 900), ("k1", 1000)]
    assert keys(evreplay, store, "--op", "aten::*") == [("k1", 900), ("k1", 1000), ("k2", 50)]
    assert keys(evreplay, store, "--op", "*", "--limit", 1) == [("k1", 900)]
    assert keys(evreplay, store, "--op", "*", "--device-name", "AMD MI300X") == []
    text = evreplay("db", "history", store, "k1").stdout
    assert "2023-11-14 22:13:20" in text and "NVIDIA H200, torch 2.13.0, driver 570" in text and "900 ns" in text
    assert text.index("900 ns") < text.index("1.000 µs")
    assert evreplay("db", "check", store).returncode == 0
    assert sqlite3.connect(store).execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_merge(evreplay, store, write, tmp_path):
    other, third = tmp_path / "other.db", tmp_path / "third.db"
    evreplay("db", "add", store, write("a.json", result("k1")))
    evreplay("db", "add", other, write("b.json", result("k1"), result("k1", median=7)))
    evreplay("db", "add", third, write("c.json", result("k3"), device_name="AMD MI300X"))
    done = evreplay("db", "merge", store, other, third)
    assert done.returncode == 0 and "2 results added, 1 known already" in done.stdout
    assert "0 results added, 3 known already" in evreplay("db", "merge", store, other, third).stdout
    assert sorted(keys(evreplay, store, "--op", "*")) == [("k1", 7), ("k1", 1000), ("k3", 1000)]


def test_export_and_import(evreplay, store, write, tmp_path):
    out, again, back = tmp_path / "out.json", tmp_path / "again.db", tmp_path / "back.json"
    evreplay("db", "add", store, write("a.json", result("k1"), result("k2", median=50)))
    assert evreplay("db", "export", store, "-o", out).returncode == 0
    assert [r["key"] for r in json.loads(out.read_text())["results"]] == ["k1", "k2"]
    assert "2 results added" in evreplay("db", "import", again, out).stdout
    assert "2 known already" in evreplay("db", "import", store, "-", stdin=out.read_bytes()).stdout
    evreplay("db", "export", again, "-o", back)
    assert back.read_bytes() == out.read_bytes()
    evreplay("db", "add", store, write("b.json", result("k1", median=3), device_name="AMD MI300X", driver="rocm 6"))
    both = evreplay("db", "export", store)
    assert both.returncode == 4 and both.stdout == ""
    assert '--device-name "AMD MI300X" --runtime "torch 2.13.0" --driver "rocm 6"' in both.stderr
    one = json.loads(evreplay("db", "export", store, "--device-name", "AMD MI300X").stdout)
    assert one["device_name"] == "AMD MI300X" and [r["statistics"]["median"] for r in one["results"]] == [3]


def test_what_is_wrong_is_said(evreplay, store, write, tmp_path):
    good, bad = write("a.json", result("k1")), tmp_path / "bad.json"
    bad.write_text('{"document": "evreplay-results", "version": 1, "results": [7]}')
    done = evreplay("db", "add", store, bad, good)
    assert done.returncode == 4 and str(bad) in done.stderr and "1 results added" in done.stdout
    assert evreplay("db", "history", tmp_path / "none.db", "k1").returncode == 4
    assert evreplay("db", "history", store).returncode == 2
    assert evreplay("db", "add", store).returncode == 2
    assert evreplay("db", "export", store, good).returncode == 2
    assert evreplay("db", "merge", store, tmp_path / "none.db").returncode == 4
    text = evreplay("db", "add", bad, good)
    assert text.returncode == 4 and "not a database" in text.stderr and bad.read_text().startswith("{")
    folder = evreplay("db", "add", tmp_path, good)
    assert folder.returncode == 4 and "is a folder" in folder.stderr and "CSV" in folder.stderr
    cut = tmp_path / "cut.db"
    cut.write_bytes(store.read_bytes()[:9000])
    broken = evreplay("db", "check", cut)
    assert broken.returncode == 4 and "cut.db" in broken.stderr and "damaged" in broken.stderr
    update = evreplay("db", "update", store, "--from", tmp_path)
    assert update.returncode == 4


@pytest.mark.parametrize("command", ["add", "merge", "import", "export", "history", "nearest", "check", "missing", "fill", "report"])
def test_help(evreplay, command):
    done = evreplay("db", command, "--help")
    assert done.returncode == 0 and done.stdout.startswith(f"usage: evreplay db {command} STORE")
    assert f"  {command} " in evreplay("db", "--help").stdout


def listed(evreplay, trace):
    """The calls of the trace that can run, with the keys that a store would know them by."""
    return [r for r in json.loads(evreplay("list", trace, "--json").stdout)["results"] if r["status"] == "ok"]


def test_missing_and_report_of_a_trace(evreplay, store, trace, write):
    evreplay("db", "add", store, write("a.json"))
    calls = listed(evreplay, trace)
    found = json.loads(evreplay("db", "missing", store, trace, "--json").stdout)
    assert [c["uid"] for c in found["missing"]] == [c["uid"] for c in calls] and len(calls) > 2
    assert found["known"] == {"kinds": 0, "calls": 0, "kernel_ns": 0}
    assert found["all"]["calls"] == sum(c["count"] for c in calls)
    assert found["all"]["kernel_ns"] == sum(c["kernel_ns"] for c in calls)
    once = [c["kernel_ns"] / c["count"] for c in found["missing"]]
    ratios = [0.80, 1.21, 0.5]  # just inside, outside above, far outside below
    known = [result(c["key"], op=c["op"], median=t * r) for c, t, r in zip(found["missing"], once, ratios)]
    evreplay("db", "add", store, write("b.json", *known))
    left = json.loads(evreplay("db", "missing", store, trace, "--json").stdout)
    assert [c["key"] for c in left["missing"]] == [c["key"] for c in found["missing"][3:]]
    report = json.loads(evreplay("db", "report", store, trace, "--json").stdout)
    assert report["known"]["kinds"] == 3 and report["known"]["calls"] == sum(c["count"] for c in found["missing"][:3])
    assert report["known"]["kernel_ns"] == sum(c["kernel_ns"] for c in found["missing"][:3])
    assert [(g["key"], pytest.approx(g["ratio"])) for g in report["gaps"]] == [(found["missing"][2]["key"], 0.5), (found["missing"][1]["key"], 1.21)]
    text = evreplay("db", "report", store, trace).stdout
    assert "gaps outside [0.80, 1.20]    2" in text and "0.500" in text and "1.210" in text
    elsewhere = json.loads(evreplay("db", "report", store, trace, "--json", "--device-name", "AMD MI300X").stdout)
    assert elsewhere["known"]["kinds"] == 0 and elsewhere["gaps"] == []
    assert "have no entry" in evreplay("db", "missing", store, trace, "--top", 1).stdout


def test_the_newest_time_counts(evreplay, store, trace, write):
    evreplay("db", "add", store, write("a.json"))
    call = json.loads(evreplay("db", "missing", store, trace, "--json").stdout)["missing"][0]
    once = call["kernel_ns"] / call["count"]
    for started_s, factor in ((2000, 1), (1000, 9)):
        evreplay("db", "add", store, write("x.json", result(call["key"], median=once * factor), started_s=started_s, runtime=f"torch {factor}"))
    assert json.loads(evreplay("db", "report", store, trace, "--json").stdout)["gaps"] == []
    old = json.loads(evreplay("db", "report", store, trace, "--json", "--runtime", "torch 9").stdout)
    assert [g["ratio"] for g in old["gaps"]] == [pytest.approx(9)]


@pytest.fixture
def needs_bridge(evreplay):
    if evreplay("replay", "-", stdin=json.dumps([record("aten::abs", self=tensor(2))]).encode()).returncode == 5:
        pytest.skip("no bridge to torch was built")


def written(tmp_path, count):
    path = tmp_path / "records.json"
    path.write_text(json.dumps([record("aten::abs", self=tensor(i + 1)) for i in range(count)]))
    return path


def test_fill(evreplay, store, tmp_path, needs_bridge):
    what = written(tmp_path, 5)
    first = evreplay("db", "fill", store, what, "--iterations", 10, "--top", 2)
    assert first.returncode == 0 and "5 of 5 records have no time yet" in first.stderr and "2 results added" in first.stdout, first.stderr
    rest = evreplay("db", "fill", store, what, "--iterations", 10)
    assert "3 of 5 records have no time yet" in rest.stderr and "3 results added" in rest.stdout
    none = evreplay("db", "fill", store, what, "--iterations", 10)
    assert none.returncode == 0 and "0 of 5 records" in none.stderr and "0 results added" in none.stdout
    other = evreplay("db", "fill", store, what, "--iterations", 11, "--isolate")  # another protocol: other rows
    assert other.returncode == 0 and "5 of 5 records" in other.stderr and "5 results added" in other.stdout, other.stderr
    again = evreplay("db", "fill", store, what, "--iterations", 11)  # the isolated runs are of the same device and stack
    assert "0 of 5 records" in again.stderr
    assert "0 of 5 unique calls have no entry" in evreplay("db", "missing", store, what).stdout
    assert len(keys(evreplay, store, "--op", "aten::abs")) == 10


def test_fill_keeps_what_it_has_when_interrupted(evreplay, store, tmp_path, needs_bridge):
    what, journal = written(tmp_path, 400), tmp_path / "journal"
    process = subprocess.Popen([EVREPLAY, "db", "fill", store, what, "--iterations", "100", "--journal", journal], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until and (not journal.exists() or journal.read_bytes().count(b"\n") < 4):
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    out = process.communicate(timeout=60)[0].decode()
    if process.returncode == 0:
        pytest.skip("it ended before it was stopped")
    assert process.returncode == 1 and "results added" in out
    assert 3 <= len(keys(evreplay, store, "--op", "*")) < 400


def test_killed_while_adding(evreplay, store, write, tmp_path):
    """Whenever the command is killed: the store is whole, and each of its documents is in it entirely or not at all."""
    moments = random.Random(3)
    documents = [write(f"{i}.json", *(result(f"{i:02}-{k:03}") for k in range(100))) for i in range(20)]
    finished = 0
    for i in range(20):
        process = subprocess.Popen([EVREPLAY, "db", "add", store, *documents], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(moments.uniform(0, 0.15))
        process.kill()
        finished += process.wait() == 0
        if not store.exists() or store.stat().st_size == 0:
            continue
        found = sqlite3.connect(store)
        assert found.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if found.execute("PRAGMA user_version").fetchone() == (0,):
            continue
        counts = found.execute("SELECT substr(key, 1, 2), count(*) FROM record GROUP BY 1").fetchall()
        found.close()
        assert all(n == 100 for _, n in counts), counts
    assert evreplay("db", "add", store, *documents).returncode == 0
    assert len(keys(evreplay, store, "--op", "*")) == 2000


def test_many_writers(evreplay, store, write):
    documents = [write(f"{i}.json", *(result(f"{i}-{k}") for k in range(50))) for i in range(8)]
    for i in range(10):  # each makes the file anew: who comes while another makes the tables waits for them
        new = store.with_name(f"{i}.db")
        running = [subprocess.Popen([EVREPLAY, "db", "add", new, d], stdout=subprocess.DEVNULL) for d in documents]
        assert [p.wait(timeout=60) for p in running] == [0] * 8
        assert len(keys(evreplay, new, "--op", "*")) == 400


def test_an_unfinished_log_is_carried_along(evreplay, store, write, tmp_path):
    """A copy of the file and its log, as a kill leaves them, has everything."""
    holder = sqlite3.connect(store)  # keeps the log from being folded in
    evreplay("db", "add", store, write("a.json", result("k1")))
    holder.execute("BEGIN").execute("SELECT * FROM sqlite_schema").fetchall()
    evreplay("db", "add", store, write("b.json", result("k2")))
    assert os.path.getsize(f"{store}-wal") > 0
    copy = tmp_path / "copy.db"
    shutil.copy(store, copy)
    shutil.copy(f"{store}-wal", f"{copy}-wal")
    assert keys(evreplay, copy, "--op", "*") == [("k1", 1000), ("k2", 1000)]
    holder.close()


HEADER = ("OP State,Accelerator Core,Input Shapes,Input Data Types,Input Formats,Output Shapes,Output Data Types,Output Formats,"
          "Average Duration(us),Profiling Average Duration(us),Note\r\n")
ROW = 'dynamic,AI_CORE,"8,128;8,128",DT_BF16;DT_BF16,ND;ND,"8,128",DT_BF16,ND,{},5.250000,"a, b"\r\n'


def test_csv_folder_in_and_out(evreplay, store, tmp_path):
    folder, out = tmp_path / "csv", tmp_path / "out"
    folder.mkdir()
    text = HEADER + ROW.format("4.500000") + "too,short\r\n" + ROW.format("N/A").replace("128", "256")
    (folder / "Add.csv").write_text(text, newline="")
    done = evreplay("db", "import", store, folder, "--device-name", "NPU 1", "--runtime", "cann 8")
    assert done.returncode == 1 and f"{folder}/Add.csv:3: there are fewer fields than columns; kept as it is" in done.stderr
    assert "3 rows of 1 files, 3 times added, 1 rows that cannot be read" in done.stdout
    assert "1 files unchanged" in evreplay("db", "import", store, folder / "Add.csv", "--device-name", "NPU 1", "--runtime", "cann 8").stdout
    assert evreplay("db", "export", store, out).returncode == 0
    assert (out / "Add.csv").read_bytes() == text.encode()
    again = evreplay("db", "export", store, out)
    assert again.returncode == 4 and "is there already" in again.stderr
    assert evreplay("db", "export", store, out, "--force").returncode == 0
    rows = json.loads(evreplay("db", "history", store, "--op", "Add", "--newest", "--json").stdout)["history"]
    assert sorted(r["median_ns"] for r in rows) == [4500, 5250, 5250]
    assert {(r["device_name"], r["runtime"]) for r in rows} == {("NPU 1", "cann 8")}
    nothing = evreplay("db", "export", store, tmp_path / "none", "--op", "Mul")
    assert nothing.returncode == 4 and "has no such CSV files" in nothing.stderr
    assert evreplay("db", "import", store, tmp_path / "gone").returncode == 4


def test_nearest(evreplay, store, write):
    shapes = {"k1": "float32[8,128], 1", "k2": "float32[64,128], 1", "k3": "float16[8,128], 1", "k4": "float32[8,128], float32[1], 1"}
    evreplay("db", "add", store, write("a.json", *(result(k, arguments=a, median=float(i + 1)) for i, (k, a) in enumerate(shapes.items()))))

    def nearest(*options):
        done = evreplay("db", "nearest", store, "--json", *options)
        assert done.returncode == 0, done.stderr
        return [(r["key"], r["distance"]) for r in json.loads(done.stdout)["nearest"]]

    assert nearest("k1") == [("k1", 0), ("k2", 3)]
    assert nearest("--op", "aten::*", "--arguments", "float32[16,128], 1") == [("k1", 1), ("k2", 2)]
    assert nearest("--op", "aten::add", "--shapes", "32x128", "--limit", 2) == [("k2", 1), ("k1", 2)]
    assert nearest("--op", "aten::add", "--shapes", "8,128; 1") == [("k4", 0)]
    assert "distance 0.00: aten::add.Tensor" in evreplay("db", "nearest", store, "k1").stdout
    for wrong in (["k9"], ["--op", "x"], ["--op", "x", "--shapes", "a,b"], ["--op", "x", "--shapes", "1", "--arguments", "y"]):
        assert evreplay("db", "nearest", store, *wrong).returncode in (2, 4)
