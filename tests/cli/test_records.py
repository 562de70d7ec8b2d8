"""list, extract and replay; the records of real traces against those of the existing tool."""
import csv
import io
import json
import subprocess
import sys
import xml.etree.ElementTree

import pytest
from conftest import EVREPLAY, shared
from test_traces import CORPUS


def listed(evreplay, trace, *options):
    return json.loads(evreplay("list", trace, "--json", *options).stdout)["results"]


def test_list_covers_every_call_once(evreplay, trace, events):
    rows = listed(evreplay, trace)
    assert sum(row["count"] for row in rows) == sum(e.get("cat") == "cpu_op" for e in events)
    assert all(row["status"] in ("ok", "skipped", "failed") for row in rows)
    assert all(bool(row["reason"]) == (row["status"] != "ok") for row in rows)
    assert len({row["uid"] for row in rows}) == len(rows)


def test_list_orders_and_limits(evreplay, trace):
    rows = listed(evreplay, trace, "--sort", "count")
    assert [r["count"] for r in rows] == sorted((r["count"] for r in rows), reverse=True)
    assert listed(evreplay, trace, "--sort", "count", "--top", "2") == rows[:2]
    name = rows[0]["op"]
    assert {r["op"] for r in listed(evreplay, trace, "--op", name)} == {name}
    assert evreplay("list", trace, "--sort", "beauty").returncode == 2


def test_list_as_csv_is_the_same(evreplay, trace):
    rows = list(csv.DictReader(io.StringIO(evreplay("list", trace, "--csv").stdout)))
    assert [(int(r["uid"]), r["op"], r["status"]) for r in rows] == [(r["uid"], r["op"], r["status"]) for r in listed(evreplay, trace)]


def test_extract_gives_the_uids_asked_for_in_order(evreplay, trace):
    uids = [row["uid"] for row in listed(evreplay, trace)][:3][::-1]
    options = [x for uid in uids for x in ("--uid", str(uid))]
    for form in ("evreplay", "tracelens"):
        document = json.loads(evreplay("extract", trace, "--format", form, *options).stdout)
        records = document if form == "tracelens" else document["records"]
        assert [r["uid"] for r in records] == uids
    assert document[0]["replay_ir"].keys() == {"list_pos_args", "list_kwargs"}


def test_extract_says_when_records_cannot_be_replayed(evreplay, trace):
    failed = [r["uid"] for r in listed(evreplay, trace) if r["status"] == "failed"]
    good = [r["uid"] for r in listed(evreplay, trace) if r["status"] == "ok"]
    assert good and evreplay("extract", trace, "--uid", good[0]).returncode == 0
    for uid in failed[:1]:
        assert evreplay("extract", trace, "--uid", uid).returncode == 1
    assert evreplay("extract", trace, "--uid", "99999999").returncode == 4
    assert evreplay("extract", trace, "--uid", "first").returncode == 2
    assert evreplay("extract", trace, "--format", "prose").returncode == 2


def test_the_same_event_gives_the_same_bytes(evreplay, trace):
    assert evreplay("extract", trace).stdout == evreplay("extract", trace).stdout


RECORD = [{"op_name": "aten::add", "replay_ir": {"list_pos_args": [
    {"arg_name": "self", "arg_type": "Tensor", "value": {"shape": [4], "dtype": "float", "strides": [1], "init": "normal"}},
    {"arg_name": "other", "arg_type": "Tensor", "value": {"shape": [4], "dtype": "float", "strides": [1], "init": "normal"}}],
    "list_kwargs": [{"arg_name": "alpha", "arg_type": "Scalar", "value": 1}]}}]


@pytest.fixture
def replay(evreplay):
    def run(records, *args):
        result = evreplay("replay", "-", *args, stdin=json.dumps(records).encode())
        if result.returncode == 5:
            pytest.skip("no bridge to torch was built")
        return result

    return run


def test_replay_reports(replay, tmp_path):
    bad = json.loads(json.dumps(RECORD).replace("aten::add", "nobody::knows"))
    files = {form: tmp_path / f"out.{form}" for form in ("json", "csv", "junit")}
    result = replay(RECORD + bad, "-v", "--check", "finite", "--check", "repeat",
                    *(x for form, path in files.items() for x in (f"--{form}", path)))
    assert result.returncode == 1 and "no-such-op" in result.stdout and "Successful replays: 1" in result.stdout and "Errors encountered: 1" in result.stdout
    results = json.loads(files["json"].read_text())
    assert results["version"] == 1
    assert [(r["op"], r["status"], r["reason"]) for r in results["results"]] == [
        ("aten::add", "ok", ""), ("nobody::knows", "failed", "no-such-op")]
    assert [r["status"] for r in csv.DictReader(files["csv"].open())] == ["ok", "failed"]
    suite = xml.etree.ElementTree.parse(files["junit"]).getroot().find("testsuite")
    assert suite.attrib["tests"] == "2" and suite.attrib["failures"] == "1"


def test_replay_filters_and_stops(replay):
    bad = json.loads(json.dumps(RECORD).replace("aten::add", "nobody::knows"))
    assert "Total operations in file: 1\n" in replay(bad + RECORD, "--op-filter", "aten::*").stdout
    assert "Total operations in file: 1\n" in replay(bad + RECORD, "--stop-on-error").stdout
    assert "Total operations in file: 1\n" in replay(RECORD + bad, "--op-limit", "1").stdout
    assert "too-large" in replay(RECORD, "--max-bytes", "8").stdout
    assert replay(RECORD, "--check", "taste").returncode == 2
    assert replay(RECORD, "--import", "nonsense").returncode == 2
    assert replay(RECORD, "--import", "ns=/no/such/library.so").returncode == 4


def test_replay_without_a_bridge_says_what_to_do(evreplay, tmp_path):
    result = evreplay("replay", "-", "--bridge", tmp_path / "none.so", stdin=json.dumps(RECORD).encode())
    assert result.returncode == 5 and "none.so" in result.stderr


@pytest.mark.parametrize("expected", CORPUS, ids=lambda p: p.name.split(".")[0] if p else "absent")
def test_records_and_trees_of_real_traces(expected):
    if expected is None:
        pytest.skip("the corpus of real traces is absent")
    trace = shared() / "corpus" / expected.name
    result = subprocess.run([sys.executable, shared() / "tools" / "check_ir", EVREPLAY, trace, expected], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
    records, _, total, *_ = result.stdout.splitlines()[-1].split()
    assert records == total, result.stdout  # 98 % are asked for; all agree
