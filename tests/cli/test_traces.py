"""info and events on traces of every packing, whole and damaged, held against Python's reading of the same file."""
import collections
import decimal
import json

import pytest
from conftest import DATA, shared


@pytest.mark.parametrize("name", ["small_kineto.json", "small_kineto.json.gz", "small_kineto.json.zst"])
def test_info_counts_every_event(evreplay, events, name):
    info = json.loads(evreplay("info", DATA / name, "--json").stdout)
    assert info["version"] == 1
    assert info["events"] == len(events) == sum(c["events"] for c in info["categories"])
    ops = [e for e in events if e.get("cat") == "cpu_op"]
    assert info["operator_calls"] == len(ops)
    unique = {(e["name"], *(json.dumps(e.get("args", {}).get(k)) for k in
                            ("Input Dims", "Input type", "Input Strides", "Concrete Inputs"))) for e in ops}
    assert info["unique_calls"] == len(unique)


def test_info_text_and_stdin(evreplay, trace):
    from_file = evreplay("info", trace)
    assert from_file.returncode == 0 and "operators" in from_file.stdout
    assert evreplay("info", "-", stdin=trace.read_bytes()).stdout == from_file.stdout


def test_events_are_the_file_s(evreplay, trace, events):
    text = json.loads(trace.read_text(), parse_float=decimal.Decimal)["traceEvents"]
    lines = [json.loads(line, parse_float=decimal.Decimal) for line in evreplay("events", trace, "--jsonl").stdout.splitlines()]
    assert [line["uid"] for line in lines] == list(range(len(events)))
    for line, event in zip(lines, text):
        assert line["name"] == event["name"] and line["cat"] == event.get("cat", "")
        assert line["ts"] == decimal.Decimal(event["ts"])
        assert line["dur"] == decimal.Decimal(event.get("dur", 0))


def test_events_filters(evreplay, trace, events):
    names = [json.loads(line)["name"] for line in evreplay("events", trace, "--cat", "cpu_op", "--jsonl").stdout.splitlines()]
    assert names == [e["name"] for e in events if e.get("cat") == "cpu_op"]
    some = names[0]
    listed = evreplay("events", trace, "--name", some).stdout.splitlines()
    assert len(listed) == collections.Counter(e["name"] for e in events)[some]


def test_truncated_file(evreplay, truncated):
    result = evreplay("info", truncated)
    assert result.returncode == 4 and "byte" in result.stderr and "--recover" in result.stderr
    result = evreplay("info", truncated, "--recover", "--json")
    assert result.returncode == 0 and "warning" in result.stderr
    info = json.loads(result.stdout)
    assert info["events"] > 0 and info["damage"]


CORPUS = sorted((shared() / "oracle" / "ir").glob("*.json.gz")) or [None]
