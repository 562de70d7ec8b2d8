"""Artifacts from the command line: the same bytes every time, taken wherever records are, run by the replayer inside with torch alone."""
import importlib.util
import json
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
from conftest import shared

REPLAY = pathlib.Path(__file__).parents[2] / "lib" / "artifact" / "replay.py"
FLOATS = ["float16", "bfloat16", "float32", "float64", "float8_e5m2", "float8_e4m3fn", "float8_e5m2fnuz", "float8_e4m3fnuz", "float8_e8m0fnu", "float4_e2m1fn_x2",
          "complex32", "complex64", "complex128"]
WHOLE = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"]


def tensor(*shape, dtype="float32", strides=None, **more):
    contiguous = [1] * len(shape)
    for i in reversed(range(len(shape) - 1)):
        contiguous[i] = contiguous[i + 1] * shape[i + 1]
    return {"tensor": {"shape": list(shape), "strides": contiguous if strides is None else strides, "dtype": dtype, **more}}


def record(op, **arguments):
    return {"op": op, "args": [{"name": n, "type": "Tensor" if isinstance(v, dict) else "Any", "value": v} for n, v in arguments.items()]}


def add(**more):
    schema = "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor"
    return {**record("aten::add", self=tensor(8, 4), other=tensor(4)), "overload": "Tensor", "schema": schema, "uid": 3, **more}


def document(records):
    return json.dumps({"evreplay_ir": 1, "records": records}).encode()


@pytest.fixture
def pack(evreplay, tmp_path):
    def run(records, *options):
        out = tmp_path / "x.zip"
        result = evreplay("pack", "-", "-o", out, *options, stdin=document(records))
        assert result.returncode == 0 and result.stdout == "", result.stderr
        return out

    return run


def manifest(path):
    return json.loads(zipfile.ZipFile(path).read("manifest.json"))


def run_replayer(path, *options, cwd=None):
    pytest.importorskip("torch")
    out = pathlib.Path(cwd or path.parent) / "replayed.json"
    result = subprocess.run([sys.executable, "-I", str(path), "--json", str(out), *map(str, options)], capture_output=True, text=True, timeout=300, cwd=cwd)
    return result, json.loads(out.read_text())["results"] if out.exists() else None


def test_same_bytes_and_what_is_in_them(evreplay, trace, tmp_path):
    packed = []
    for name in ("a.zip", "b.zip"):
        result = evreplay("pack", trace, "-o", tmp_path / name)
        assert result.returncode == 0 and re.search(r"\d+ records", result.stderr)
        packed.append((tmp_path / name).read_bytes())
    assert packed[0] == packed[1]
    with zipfile.ZipFile(tmp_path / "a.zip") as z:
        assert z.testzip() is None
        assert z.namelist() == ["README.txt", "manifest.json", "records.json", "replay.py", "__main__.py"]
        assert all(i.date_time == (1980, 1, 1, 0, 0, 0) and i.external_attr >> 16 in (0o100644, 0o100755) for i in z.infolist())
        assert z.read("replay.py") == REPLAY.read_bytes()
    assert manifest(tmp_path / "a.zip")["input"] == trace.name


def test_taken_wherever_records_are(evreplay, trace, tmp_path):
    out, again = tmp_path / "x.zip", tmp_path / "y.zip"
    assert evreplay("pack", trace, "-o", out).returncode == 0
    rows = json.loads(evreplay("list", trace, "--json").stdout)["results"]
    packed = json.loads(evreplay("list", out, "--json").stdout)["results"]
    assert [(r["uid"], r["op"], r["count"], r["status"]) for r in packed] == [(r["uid"], r["op"], r["count"], r["status"]) for r in rows if r["status"] != "skipped"]
    assert packed == json.loads(evreplay("list", "-", "--json", stdin=out.read_bytes()).stdout)["results"]
    extracted = evreplay("extract", out).stdout
    assert extracted.encode() == zipfile.ZipFile(out).read("records.json")
    assert evreplay("pack", out, "-o", again).returncode == 0
    assert zipfile.ZipFile(again).read("records.json") == zipfile.ZipFile(out).read("records.json")
    assert evreplay("info", out).returncode == 4


def test_selection(evreplay, trace, tmp_path):
    out = tmp_path / "x.zip"
    rows = [r for r in json.loads(evreplay("list", trace, "--json").stdout)["results"] if r["status"] != "skipped"]

    def uids(*options):
        assert evreplay("pack", trace, "-o", out, *options).returncode == 0
        return {r["uid"] for r in json.loads(zipfile.ZipFile(out).read("records.json"))["records"]}

    assert uids("--uid", rows[0]["uid"], "--uid", rows[-1]["uid"]) == {rows[0]["uid"], rows[-1]["uid"]}
    assert uids("--top", 2) == {r["uid"] for r in rows[:2]}
    assert uids("--op-filter", rows[0]["op"]) == {r["uid"] for r in rows if r["op"] == rows[0]["op"]}
    assert evreplay("pack", trace, "-o", out, "--op-filter", "no::such").returncode == 4
    assert evreplay("pack", trace, "-o", out, "--uid", "x").returncode == 2
    assert evreplay("pack", trace).returncode == 2


def test_damaged(evreplay, trace, tmp_path):
    out = tmp_path / "x.zip"
    assert evreplay("pack", trace, "-o", out).returncode == 0
    whole = out.read_bytes()
    for damaged, word in ((whole[:-5], "no end"), (whole[:50] + b"\0" + whole[51:], "README|zip|checksum|CRC"), (b"PK\3\4" + b"x" * 50, "no end")):
        result = evreplay("list", "-", stdin=damaged)
        if damaged[:50] == whole[:50] and len(damaged) == len(whole):
            continue  # of README.txt nothing is read
        assert result.returncode == 4 and re.search(word, result.stderr) and "what to do" in result.stderr
    with zipfile.ZipFile(out, "a") as z:
        z.writestr("../../evil.txt", "x")
    result = evreplay("replay", out)
    assert result.returncode in (4, 5) and not (tmp_path.parent.parent / "evil.txt").exists()
    if result.returncode == 4:
        assert "leads elsewhere" in result.stderr


def test_redaction(pack):
    secret = record("acme::lookup", path="/home/eve/weights.bin", x=tensor(2))
    kept = record("aten::div", self=tensor(2), other=tensor(2), rounding_mode="floor")
    path = pack([secret, kept], "--redact")
    text = b"".join(zipfile.ZipFile(path).read(n) for n in ("records.json", "manifest.json"))
    assert b"eve" not in text and b"standard input" not in text and b"floor" in text and b"acme::lookup" in text
    text = zipfile.ZipFile(pack([secret, kept], "--redact-operators")).read("records.json")
    assert b"acme" not in text and b"aten::div" in text
    plain = pack([secret, kept])
    assert b"/home/eve" in zipfile.ZipFile(plain).read("records.json")


def every_kind(torch):
    """A record for each element type that this torch has and each way of filling."""
    for dtype in filter(lambda name: hasattr(torch, name), FLOATS):
        yield record("aten::clone", self=tensor(1000, dtype=dtype))
        yield record("aten::sqrt", self=tensor(33, 7, dtype=dtype))
    for dtype in filter(lambda name: hasattr(torch, name), WHOLE):
        yield record("aten::div", self=tensor(50, dtype=dtype), other=tensor(50, dtype=dtype))
        yield record("aten::embedding", weight=tensor(70000, 2), indices=tensor(300, dtype=dtype))
    yield record("aten::where", condition=tensor(100, dtype="bool"))
    yield record("aten::ones", self=tensor(5, dtype="bfloat16", init="ones"), other=tensor(5, init="zeros"))
    yield record("aten::embedding_bag", indices=tensor(37, dtype="int64"), offsets=tensor(6, dtype="int64"))
    yield record("aten::searchsorted", sorted_sequence=tensor(40, dtype="int32"), self=tensor(4))
    yield record("aten::repeat_interleave", repeats=tensor(7, dtype="int64"), output_size=30)
    yield record("fbgemm::permute", permute=tensor(13, dtype="int32"), lengths=tensor(5, 2, dtype="int32"), values=tensor(41))
    yield record("aten::linalg_cholesky", self=tensor(3, 6, 6))
    yield record("aten::linalg_cholesky", self=tensor(4, 4, dtype="float64", strides=[1, 4]))
    yield record("aten::searchsorted", sorted_sequence=tensor(3, 5, strides=[0, 1]), self=tensor(4))
    yield record("aten::mul", self=tensor(2, 3, strides=[8, 2], storage_offset=3, storage_elements=64), other=tensor(0, 4), scale=tensor())
    yield record("aten::cat", tensors=[tensor(3), tensor(4, dtype="int64"), tensor(5, dtype="float16")])


@pytest.mark.parametrize("seed", [0, 2**64 - 1])
def test_replayer_makes_the_same_bits(pack, seed):
    torch = pytest.importorskip("torch")
    spec = importlib.util.spec_from_file_location("replay", REPLAY)
    replay = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(replay)
    records = list(every_kind(torch))
    packed = manifest(pack(records, "--seed", seed))
    assert packed["seed"] == seed and len(records) > 40
    for r, expected in zip(records, packed["expected"], strict=True):
        inputs = replay.Inputs(expected["fills"], seed, torch.device("cpu"))
        for argument in r["args"]:
            inputs.value(argument["value"])
        assert expected["inputs"] == inputs.hash.hexdigest()[:32], r


def test_replayer_runs(pack, tmp_path):
    path = pack([add(), add(uid=4), record("no::such", x=tensor(2)), add(status="failed", reason="missing-values", detail="gone")])
    result, rows = run_replayer(path, "--device", "cpu", "--warmup", 1, "--samples", 3, "--flush-bytes", 4096)
    assert result.returncode == 1, result.stderr
    assert [r["status"] for r in rows] == ["ok", "ok", "failed", "failed"] and "4 records: 2 ok, 0 skipped, 2 failed" in result.stdout
    assert rows[0]["inputs"] == rows[0]["inputs_expected"] and len(rows[0]["samples"]) == 3 and rows[0]["median_ns"] > 0
    assert "no::such" in rows[2]["detail"] and "gone" in rows[3]["detail"]
    result, one = run_replayer(path, "--device", "cpu", "--quick", "--uid", 4)
    assert result.returncode == 0 and len(one) == 1 and one[0]["outputs"] == rows[1]["outputs"]
    _, other = run_replayer(path, "--device", "cpu", "--samples", 0, "--seed", 9, "--uid", 4)
    assert other[0]["outputs"] != one[0]["outputs"] and other[0]["status"] == "ok"
    folder = tmp_path / "unpacked"
    shutil.unpack_archive(path, folder)
    before = sorted(p.name for p in folder.iterdir())
    result, unpacked = run_replayer(folder / "replay.py", "--device", "cpu", "--samples", 0, "--uid", 4, cwd=tmp_path)
    assert result.returncode == 0 and unpacked[0]["outputs"] == one[0]["outputs"] and sorted(p.name for p in folder.iterdir()) == before


def test_replayer_gives_storages_and_streams(pack):
    schema = "aten::set_.source_Storage_storage_offset(Tensor(a!) self, Storage source, SymInt storage_offset, SymInt[] size, SymInt[] stride=[]) -> Tensor(a!)"
    storage = {**record("aten::set_", self=tensor(0), source=tensor(30), storage_offset=2, size=[4, 7], stride=[7, 1]), "overload": "source_Storage_storage_offset"}
    stream = {**record("aten::record_stream", self=tensor(4), s=None), "schema": "aten::record_stream(Tensor(a!) self, Stream s) -> ()"}
    storage["schema"], storage["args"][1]["type"], stream["args"][1]["type"] = schema, "Storage", "Stream"
    result, rows = run_replayer(pack([storage, stream]), "--device", "cpu", "--samples", 0)
    assert result.returncode == 1 and rows[0]["status"] == "ok" and rows[0]["inputs"] == rows[0]["inputs_expected"], result.stdout
    assert rows[1]["status"] == "failed" and "argument s is a stream" in rows[1]["detail"]


def test_replayer_runs_under_autocast(evreplay, pack, tmp_path):
    linear = {**record("aten::linear", input=tensor(4, 8), weight=tensor(2, 8, dtype="bfloat16")), "schema": "aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor"}
    cast = {**linear, "autocast": "bfloat16"}
    result, rows = run_replayer(pack([linear, cast]), "--device", "cpu", "--samples", 0)
    assert result.returncode == 1 and [r["status"] for r in rows] == ["failed", "ok"], result.stdout
    replayed = evreplay("replay", "-", "--json", tmp_path / "r.json", stdin=document([linear, cast]))
    if replayed.returncode == 5:
        pytest.skip("no bridge to torch was built")
    rows = json.loads((tmp_path / "r.json").read_text())["results"]
    assert [r["status"] for r in rows] == ["failed", "ok"] and rows[0]["key"] != rows[1]["key"]


def test_replayer_notices_other_bits(pack, tmp_path):
    path, changed = pack([add()]), tmp_path / "changed.zip"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b'"fills":["normal"', b'"fills":[["uniform",0.0,1.0]'))
    result, rows = run_replayer(changed, "--device", "cpu", "--samples", 0)
    assert result.returncode == 1 and rows[0]["status"] == "failed" and "bits" in rows[0]["detail"]


def test_results_bring_times_and_protocol(evreplay, tmp_path, pack):
    results, out = tmp_path / "r.json", tmp_path / "again.json"
    bench = evreplay("bench", "-", "--json", results, "--iterations", 12, "--warmup", 2, "--seed", 5, stdin=document([add()]))
    if bench.returncode == 5:
        pytest.skip("no bridge to torch was built")
    path = pack([add()], "--results", results)
    row, packed = json.loads(results.read_text())["results"][0], manifest(path)
    assert packed["expected"][0]["median_ns"] == row["statistics"]["median"] and packed["protocol"] == row["protocol"] and packed["seed"] == 5
    assert packed["runtime"].startswith("torch ")
    assert evreplay("bench", path, "--json", out).returncode == 0
    again = json.loads(out.read_text())
    assert again["results"][0]["protocol"] == row["protocol"] and again["results"][0]["key"] == row["key"] and again["seed"] == 5
    replayed, rows = run_replayer(path, "--device", "cpu")
    assert replayed.returncode == 0 and len(rows[0]["samples"]) == 12 and "do not compare" not in replayed.stdout
    bad = evreplay("pack", "-", "-o", out, "--results", path, stdin=document([add()]))
    assert bad.returncode == 4


TRACES = [p for p in sorted((shared() / "corpus").glob("*.json.gz")) if p.stat().st_size < 4 << 20]


@pytest.mark.skipif(not TRACES, reason="no corpus of traces")
def test_hundred_records_in_forty_kilobytes(evreplay, tmp_path):
    out, packed = tmp_path / "x.zip", 0
    for trace in TRACES:
        result = evreplay("pack", trace, "--top", 100, "-o", out)
        if result.returncode == 0:
            packed += 1
            assert out.stat().st_size <= 40000, trace
    assert packed
