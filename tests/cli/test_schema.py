"""What extract writes is what docs/ir.schema.json describes, and nothing beyond it."""
import copy
import json

import pytest
from conftest import DATA, shared

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed; requirements/tools.txt pins it")

SCHEMA = json.loads((DATA.parent.parent / "docs" / "ir.schema.json").read_text())


def some(traces):
    """Three far apart in the list."""
    return [traces[0], traces[len(traces) // 2], traces[-1]] if traces else []


SMALL = sorted(DATA.glob("small_*.json*"))
CORPUS = some(sorted((shared() / "corpus").glob("*.json.gz"))) or [None]


def closed(schema):
    """The same, with every field that it does not name forbidden: readers ignore those, this library writes none."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    more = {"additionalProperties": False} if schema.get("type") == "object" and "properties" in schema else {}
    return {**{name: closed(part) for name, part in schema.items()}, **more}


VALIDATOR = jsonschema.Draft202012Validator(closed(SCHEMA))


def problems(document):
    """The innermost ones: of a value that fits no kind, the one that comes nearest."""
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in
            (jsonschema.exceptions.best_match([e]) for e in VALIDATOR.iter_errors(document))]


def test_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("trace", SMALL + CORPUS, ids=lambda p: p.name if p else "absent")
def test_extract_writes_what_the_schema_describes(evreplay, trace):
    if trace is None:
        pytest.skip("the corpus of real traces is absent")
    result = evreplay("extract", trace, "--format", "evreplay")
    assert result.returncode in (0, 1), result.stderr
    document = json.loads(result.stdout)
    assert document["records"]
    assert problems(document)[:5] == []


def first_tensor(record):
    return next(a["value"]["tensor"] for a in record["args"] if isinstance(a["value"], dict) and "tensor" in a["value"])


DAMAGE = {
    "another major": lambda d, r: d.update(evreplay_ir=2),
    "no list of records": lambda d, r: d.pop("records"),
    "no operator": lambda d, r: r.pop("op"),
    "an unknown status": lambda d, r: r.update(status="fine"),
    "an unknown reason": lambda d, r: r.update(reason="tired"),
    "an unknown field": lambda d, r: r.update(mood="good"),
    "a negative uid": lambda d, r: r.update(uid=-1),
    "an argument without a name": lambda d, r: r["args"][0].pop("name"),
    "an unknown origin": lambda d, r: r["args"][0].update({"from": "hearsay"}),
    "a value of no kind": lambda d, r: r["args"][0].update(value={"colour": 3}),
    "a tensor without strides": lambda d, r: first_tensor(r).pop("strides"),
    "a size that is no number": lambda d, r: first_tensor(r).update(shape=["x"]),
    "a kernel without a count": lambda d, r: r.update(kernels=[{"name": "k", "total_ns": 1}]),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_noticed(evreplay, trace, damage):
    document = json.loads(evreplay("extract", trace).stdout)
    good = next(r for r in document["records"] if any("tensor" in a["value"] for a in r["args"] if isinstance(a["value"], dict)))
    document["records"] = [good]
    assert problems(copy.deepcopy(document)) == []
    DAMAGE[damage](document, good)
    assert problems(document)
