"""list, extract and replay of operator-input logs, and of documents of records."""
import csv
import io
import json
import re

import pytest
from conftest import DATA

LOG = DATA / "small_oplog.txt"
COUNTS = [int(n) for n in re.findall(r"^cnt: (\d+)", LOG.read_text(), re.M)]


@pytest.fixture(params=["file", "stdin"])
def given(request):
    """How a command is given the log: its last argument, and its standard input."""
    return (LOG, None) if request.param == "file" else ("-", LOG.read_bytes())


def test_list(evreplay, given):
    path, stdin = given
    rows = json.loads(evreplay("list", path, "--json", "--sort", "file", stdin=stdin).stdout)["results"]
    assert [r["count"] for r in rows] == COUNTS
    assert all(r["uid"] is None for r in rows)
    by_op = {(r["op"], r["overload"]): r for r in rows}
    assert by_op["aten::addmm", ""]["arguments"] == "float32[16], float32[4,8], float32[8,16], beta=1, alpha=1"
    assert by_op["aten::sum", "dim_IntList"]["status"] == "ok"
    assert by_op["aten::mm", ""]["status"] == "failed" and "sparse" in by_op["aten::mm", ""]["detail"]
    ranked = json.loads(evreplay("list", path, "--json", "--sort", "count", "--top", "2", stdin=stdin).stdout)["results"]
    assert [r["count"] for r in ranked] == sorted(COUNTS, reverse=True)[:2]


def test_list_as_text_and_csv(evreplay):
    text = evreplay("list", LOG, "--op", "aten::cat").stdout.splitlines()
    assert len(text) == 2 and text[1].split()[:2] == ["-", "2"]
    rows = list(csv.DictReader(io.StringIO(evreplay("list", LOG, "--csv", "--sort", "file").stdout)))
    assert [int(r["count"]) for r in rows] == COUNTS and {r["uid"] for r in rows} == {""}


def test_extract(evreplay, given):
    path, stdin = given
    result = evreplay("extract", path, stdin=stdin)
    assert result.returncode == 1  # one of them is sparse
    records = json.loads(result.stdout)["records"]
    assert [r.get("count", 1) for r in records] == COUNTS
    add = [r for r in records if r["op"] == "aten::add"][1]
    assert add["overload"] == "Tensor" and [a["name"] for a in add["args"]] == ["self", "other", "alpha"]
    assert add["args"][0]["value"]["tensor"]["strides"] == [1, 5]
    assert evreplay("extract", path, "--op", "aten::add", stdin=stdin).returncode == 0
    foreign = json.loads(evreplay("extract", path, "--format", "tracelens", "--top", "1", "--sort", "count", stdin=stdin).stdout)
    assert foreign[0]["op_name"] == "aten::add" and foreign[0]["count"] == max(COUNTS)


def test_extract_as_a_log(evreplay, trace, tmp_path):
    log = tmp_path / "out.txt"
    assert evreplay("extract", LOG, "--format", "log", "-o", log).returncode == 1  # the sparse one is left out
    assert evreplay("extract", log, "--format", "log").stdout == log.read_text()
    assert "T([" in log.read_text() and "sparse" not in log.read_text()
    evreplay("extract", trace, "--format", "log", "-o", log)
    of_trace = json.loads(evreplay("extract", trace).stdout)["records"]
    of_log = json.loads(evreplay("extract", log).stdout)["records"]
    by_status = {s: sorted(r["op"] for r in of_trace if r.get("status", "ok") == s) for s in ("ok", "skipped")}
    assert len(of_log) >= len(by_status["ok"]) > 0 and set(by_status["ok"]) <= {r["op"] for r in of_log} and not set(by_status["skipped"]) & {r["op"] for r in of_log}
    assert evreplay("extract", LOG, "--format", "xml").returncode == 2


def test_times_of_a_log(evreplay, tmp_path):
    store, log = tmp_path / "a.db", tmp_path / "times.txt"
    log.write_text("Operator: aten.abs.default\ncnt: 4, ((T([8], f32),), {})  # 2.5 us\ncnt: 2, ((T([9], f32),), {})\nOperator: aten.neg.default\ncnt: 1, ((T([8], f32),), {})  # 3 us\n")
    place = ("--device-name", "Some GPU", "--runtime", "torch 2.13.0")
    refused = evreplay("db", "import", store, log)
    assert refused.returncode == 2 and "--device-name" in refused.stderr
    done = evreplay("db", "import", store, log, *place)
    assert done.returncode == 0 and "2 results added, 1 left out" in done.stdout
    assert "2 known already" in evreplay("db", "import", store, log, *place).stdout
    out = evreplay("db", "export", store, "--log", log)
    assert out.returncode == 0 and "3 of 3 calls written, 2 of them have a time" in out.stderr
    assert "T([8], f32),), {})  # 2.5 us\n" in out.stdout and "T([9], f32),), {})\n" in out.stdout and "# 3.0 us\n" in out.stdout
    again, written = tmp_path / "b.db", tmp_path / "out.txt"
    written.write_text(out.stdout)
    assert "2 results added" in evreplay("db", "import", again, written, *place).stdout
    assert evreplay("db", "history", again, "--op", "aten::abs", "--json").stdout.count("2500") >= 1
    evreplay("db", "import", store, log, "--device-name", "Another", "--runtime", "torch 2.13.0")
    unclear = evreplay("db", "export", store, "--log", log)
    assert unclear.returncode == 4 and "Another" in unclear.stderr
    assert evreplay("db", "export", store, "--log", log, "--device-name", "Another").returncode == 0
    none = evreplay("db", "import", again, LOG, *place)
    assert none.returncode == 1 and "db fill" in none.stderr


def test_what_was_extracted_is_read_as_well(evreplay, tmp_path):
    records = tmp_path / "records.json"
    evreplay("extract", LOG, "-o", records)
    assert evreplay("extract", records).stdout == records.read_text()
    for order in ("file", "count", "name"):
        assert evreplay("list", records, "--sort", order).stdout == evreplay("list", LOG, "--sort", order).stdout


def test_records_of_a_trace_keep_uids_and_kernel_time(evreplay, trace, tmp_path):
    records = tmp_path / "records.json"
    evreplay("extract", trace, "-o", records)

    def rows(path):
        return {r["uid"]: r for r in json.loads(evreplay("list", path, "--json").stdout)["results"]}

    of_trace, of_records = rows(trace), rows(records)
    assert of_trace.keys() == of_records.keys()
    for uid, row in of_records.items():
        assert {k: row[k] for k in ("op", "count", "status", "arguments")} == {k: of_trace[uid][k] for k in ("op", "count", "status", "arguments")}
    assert sum(r["kernel_ns"] for r in of_records.values()) > 0
    uid = max(of_records)
    one = evreplay("extract", records, "--uid", uid).stdout
    assert one == evreplay("extract", trace, "--uid", uid).stdout
    missing = evreplay("extract", records, "--uid", "99999999")
    assert missing.returncode == 4 and "99999999" in missing.stderr


def test_uids_ask_for_nothing_in_a_log(evreplay):
    result = evreplay("extract", LOG, "--uid", "0")
    assert result.returncode == 4 and "have none" in result.stderr


def test_replay(evreplay, given, tmp_path):
    path, stdin = given
    report = tmp_path / "report.json"
    result = evreplay("replay", path, "--json", report, stdin=stdin)
    if result.returncode == 5:
        pytest.skip("no bridge to torch was built")
    results = json.loads(report.read_text())["results"]
    outcomes = {(r["op"], r["status"], r["reason"]) for r in results}
    assert len(results) == len(COUNTS) and result.returncode == 1
    assert {o for o in outcomes if o[1] != "ok"} == {("aten::mm", "failed", "missing-values"), ("examples::scale", "failed", "no-such-op")}


def test_damage_is_told_with_its_place(evreplay, tmp_path):
    text = LOG.read_text()
    cut = tmp_path / "cut.txt"
    cut.write_text(text[: len(text) // 2])
    for command in ("list", "extract", "replay"):
        result = evreplay(command, cut)
        if result.returncode == 5:
            continue  # replay, and no bridge to torch was built
        assert result.returncode == 4 and f"at byte {len(text) // 2}" in result.stderr and "copy it again" in result.stderr
    (tmp_path / "odd.txt").write_text("Operator: aten.mm.default\ncnt: 1, ((?,), {})\n")
    result = evreplay("list", tmp_path / "odd.txt")
    assert result.returncode == 4 and "a value was expected at byte 36" in result.stderr


def test_traces_come_through_pipes(evreplay, trace, tmp_path):
    expected = evreplay("list", trace).stdout
    assert evreplay("list", "-", stdin=trace.read_bytes()).stdout == expected
    assert evreplay("list", "-", stdin=(DATA / "small_kineto.json.gz").read_bytes()).stdout == expected
    assert evreplay("list", "/dev/stdin", stdin=trace.read_bytes()).stdout == expected
    assert evreplay("list", "/dev/stdin", stdin=LOG.read_bytes()).stdout == evreplay("list", LOG).stdout
    damaged = evreplay("list", "-", "--recover", stdin=trace.read_bytes()[:-2000])
    assert damaged.returncode == 0 and "warning" in damaged.stderr
