"""The corpus of real traces, read by Python alone, and what the command says about the same files."""
import gzip
import itertools
import json
import pathlib
import re
import subprocess

REASONS = {
    "ok": {""},
    "skipped": {"autograd-node", "annotation", "python-function", "communication-without-group", "jit-graph", "triton-kernel"},
    "failed": {"no-such-op", "no-schema-match", "missing-values", "no-kernel-for-device", "too-large", "timeout", "crashed", "op-error", "rank-lost"},
}
NO_TENSOR = re.compile(r"|Scalar|ScalarList|Bool|Int|Double|None|Device|Generator|Stream|Str(ing)?|TensorList|GenericList.*")


def traces(folder):
    return sorted(pathlib.Path(folder).glob("*.json.gz"))


def short_name(path):
    return path.name.removesuffix(".json.gz")


def command(program, *arguments, exit_codes=(0,)):
    """Standard output, as bytes; any other exit code is an error that shows what the command said."""
    p = subprocess.run([program, *map(str, arguments)], capture_output=True, check=False)
    if p.returncode not in exit_codes:
        raise RuntimeError(f"{' '.join(map(str, arguments))}: exit {p.returncode}: {p.stderr.decode()[:400]}")
    return p.stdout


def listed(program, trace):
    return json.loads(command(program, "list", trace, "--json", "--sort", "file"))["results"]


def events_of(trace):
    """The list of events, or of an execution trace's nodes; uids are indexes into it."""
    with gzip.open(trace) as f:
        document = json.load(f)
    return document if isinstance(document, list) else document.get("traceEvents", document.get("nodes"))


def attributes(node):
    return {**node, **{a["name"]: a["value"] for a in node.get("attrs", [])}}


def is_call(event):
    """Kineto says so by category; of an execution trace's nodes, what has a schema, or came from the dispatcher (scope 0)."""
    if "cat" in event or "ph" in event:
        return event.get("cat") in ("cpu_op", "Operator")
    node = attributes(event)
    if node.get("op_schema") or node.get("kernel_backend"):
        return True
    return node.get("scope") == 0 and not event.get("name", "").startswith("[")


def recorded_arguments(event):
    """(type, shape, value) of each argument, empty texts for what is not there; None when the trace says nothing of arguments."""
    if "ph" in event:
        args = event.get("args", {})
        types, shapes, values = args.get("Input type"), args.get("Input Dims"), args.get("Concrete Inputs")
    else:
        inputs = event.get("inputs", [])
        new = isinstance(inputs, dict)
        types = inputs.get("types") if new else event.get("input_types")
        shapes = inputs.get("shapes") if new else event.get("input_shapes")
        values = inputs.get("values") if new else inputs
    if types is None:
        return None
    shapes, values = shapes or [[]] * len(types), values or [""] * len(types)
    return list(itertools.zip_longest(types, shapes, values, fillvalue=""))


def missing(value):
    if isinstance(value, list):
        return any(map(missing, value))
    return isinstance(value, dict) and "missing" in value


def lacks(argument, index, arguments):
    """True when the trace does not hold this argument of a record and its schema has no value to take instead."""
    kind, shape, value = arguments[index] if index < len(arguments) else ("", [], "")
    if not NO_TENSOR.fullmatch(kind) or (kind.endswith("List") and shape):
        return False
    if value not in ("", "[]") and "..." not in str(value):
        return False
    default = re.search(rf"\s{re.escape(argument['name'])}=([^,)]*)", argument["schema"])
    return not default or (default[1] == "None" and kind != "")


def why_not(event, record, parameters):
    """Why no record can be made of a call, as far as Python's reading of the trace shows it; '' when nothing is lacking.

    `parameters` gives the most parameters that any overload of an operator has, or None when that is not known."""
    arguments = recorded_arguments(event)
    if arguments is None:
        return "the trace holds no arguments"
    given = [dict(a, schema=record.get("schema", "")) for a in record.get("args", [])]
    absent = [i for i, a in enumerate(given) if missing(a["value"])]
    if absent:
        return f"{given[absent[0]]['name']} was not recorded" if any(lacks(given[i], i, arguments) for i in absent) else ""
    most = parameters(record["op"])
    if record.get("reason") == "no-schema-match" and most is not None and len(arguments) > most:
        return f"{len(arguments)} arguments were recorded, and no overload has more than {most}"
    return ""
