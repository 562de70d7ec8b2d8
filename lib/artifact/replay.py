#!/usr/bin/env python3
"""Runs the operator calls of an artifact of libevreplay with nothing but torch.

Reads records.json and manifest.json beside this file or in the zip file it is in, makes the tensors as they were recorded, fills them with the same bits as
libevreplay does, calls torch.ops by overload, takes times by the artifact's protocol, and prints them beside those that the manifest expects.
"""
import argparse
import contextlib
import fnmatch
import hashlib
import importlib
import json
import math
import os
import statistics
import struct
import sys
import time
import zipfile

import torch

VERSION = 1
MOST_BYTES = 64 << 20  # of one JSON file
PERIOD = 1048573       # elements after which counted contents repeat
LOOKED_AT = 1 << 16    # bytes of a storage that its digest is made of
WORD = 0xFFFFFFFF
LAYOUTS = ["strided", "sparse_coo", "sparse_csr", "_mkldnn", "sparse_csc", "sparse_bsr", "sparse_bsc", "jagged"]
MEMORY_FORMATS = ["contiguous_format", "preserve_format", "channels_last", "channels_last_3d"]
# Bits of exponent and mantissa, bias, greatest magnitude.
NARROW = {"float16": (5, 10, 15, 0x7BFF), "float8_e4m3fn": (4, 3, 7, 0x7E), "float8_e5m2": (5, 2, 15, 0x7B), "float8_e4m3fnuz": (4, 3, 8, 0x7F),
          "float8_e5m2fnuz": (5, 2, 16, 0x7F), "float4_e2m1fn_x2": (2, 1, 1, 7), "complex32": (5, 10, 15, 0x7BFF)}
RAW = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64, 16: torch.complex128}
WHOLE = {"int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"}


class Refused(Exception):
    """A record that cannot be run here; the message says why."""


# ---- contents: Philox 4x32-10, counted


def multiply(a, b):
    """High and low words of products of words, in 64-bit integers with sign."""
    low = (a & 0xFFFF) * b
    high = (a >> 16) * b + (low >> 16)
    return high >> 16, ((high & 0xFFFF) << 16) | (low & 0xFFFF)


def philox(seed, stream, counter):
    """Four words for each counter."""
    c0, c1 = counter & WORD, counter >> 32
    c2, c3 = torch.full_like(c0, stream & WORD), torch.full_like(c0, stream >> 32)
    k0, k1 = seed & WORD, seed >> 32
    for _ in range(10):
        a_high, a_low = multiply(c0, 0xD2511F53)
        b_high, b_low = multiply(c2, 0xCD9E8D57)
        c0, c1, c2, c3 = b_high ^ c1 ^ k0, b_low, a_high ^ c3 ^ k1, a_low
        k0, k1 = (k0 + 0x9E3779B9) & WORD, (k1 + 0xBB67AE85) & WORD
    return torch.stack([c0, c1, c2, c3], dim=-1)


def single(value):
    return torch.tensor(value, dtype=torch.float32)


def normal(w):
    total = (w & 255) + (w >> 8 & 255) + (w >> 16 & 255) + (w >> 24) - 510
    return (total.to(torch.float32) * single(0.00676603)).to(torch.float64)


def random_values(kind, low, high, w):
    if kind == "normal":
        return normal(w)
    if kind == "uniform":
        part = (single(high) - single(low)) * ((w >> 8).to(torch.float32) * single(2.0**-24))
        return (single(low) + part).to(torch.float64)
    if kind == "integers":
        width = min(int(high - low), WORD) if high > low else 1
        return (int(low) + multiply(w, width)[0]).to(torch.float64)
    return (w.to(torch.float64) < low * 2.0**32).to(torch.float64)


def whole(bound):
    return min(int(bound), 1 << 53) if bound > 0 else 0


def ordered_values(kind, low, high, seed, stream, shape):
    """For each element in row-major order."""
    count, row = math.prod(shape), shape[-1] if shape else 1
    at = torch.arange(count)
    if kind == "steps":
        return low + high * at.to(torch.float64)
    last = at % row if row else at
    if kind == "offsets":
        return (whole(high) * last // (row - 1)).to(torch.float64) if row > 1 else torch.zeros(count, dtype=torch.float64)
    if kind == "spread":
        return (whole(high) * (at + 1) // count - whole(high) * at // count).to(torch.float64)
    if kind == "permutation":
        n = whole(high) if high >= 1 else count
        words = philox(seed, stream, torch.zeros(1, dtype=torch.int64))[0].tolist()
        step = words[0] % n
        while math.gcd(step, n) != 1:
            step = (step + 1) % n
        return ((at % n * step + words[1]) % n).to(torch.float64)
    if kind == "dominant":
        r = at // row % row
        w = philox(seed, stream, torch.minimum(r, last) * row + torch.maximum(r, last))[:, 0]
        return torch.where(r == last, float(row), 0.1 * normal(w))
    raise Refused(f"contents \"{kind}\" are not known to this replayer")


def narrow(bits, e, m, bias, most):
    """float32 to the nearest of a narrower float, ties to even; all as integers."""
    sign, magnitude = bits >> 31 << (e + m), bits & 0x7FFFFFFF
    exponent = (magnitude >> 23) - 127 + bias
    mantissa = (magnitude & 0x7FFFFF) | 0x800000
    shift = (23 - m + (1 - exponent).clamp(min=0)).clamp(max=40)
    one = torch.ones_like(shift)
    kept, rest, half = mantissa >> shift, mantissa & ((one << shift) - 1), one << (shift - 1)
    kept = kept + ((rest > half) | ((rest == half) & (kept & 1 == 1))).to(torch.int64)
    kept = (kept + ((exponent - 1).clamp(min=0) << m)).clamp(max=most)
    return torch.where((magnitude < 1 << 23) | (exponent < -m), sign, sign | kept)


def encode(values, dtype):
    """Numbers (float64) as the bits of elements, in integers of their size."""
    size, bits = item_size(dtype), values.to(torch.float32).view(torch.int32).to(torch.int64) & WORD
    if dtype == "complex128":
        return values.to(torch.complex128)
    if dtype == "float64":
        return values.view(torch.int64)
    if dtype in ("float32", "complex64"):
        out = bits
    elif dtype == "bfloat16":
        out = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
    elif dtype == "bool":
        out = (values != 0).to(torch.int64)
    elif dtype == "float8_e8m0fnu":
        out = (bits >> 23 & 0xFF).clamp(120, 134)
    elif dtype in NARROW:
        out = narrow(bits, *NARROW[dtype])
        if dtype.endswith("fnuz"):
            out = torch.where(out == 0x80, 0, out)
        if dtype == "float4_e2m1fn_x2":
            out = out | out << 4
    elif dtype in WHOLE:
        out = values.to(torch.int64)
    else:
        raise Refused(f"tensors of type {dtype} cannot be filled")
    return out.to(RAW[size])


def item_size(dtype):
    kind = getattr(torch, dtype, None) if dtype else None
    if not isinstance(kind, torch.dtype):
        raise Refused(f"this torch has no element type {dtype}")
    return torch.empty((), dtype=kind, device="meta").element_size()


def extent(t):
    """Elements of a tensor's storage."""
    offset, shape, strides = t.get("storage_offset", 0), t["shape"], t["strides"]
    if offset < 0 or len(shape) != len(strides) or min(shape + strides, default=0) < 0:
        raise Refused("a tensor with negative sizes")
    reach = 0 if 0 in shape else 1 + sum((n - 1) * s for n, s in zip(shape, strides))
    return max(offset + reach, t.get("storage_elements", 0))


def storage_of(t, fill, seed, stream):
    """The raw storage, on the host."""
    kind, low, high = (fill, 0.0, 0.0) if isinstance(fill, str) else fill
    n, dtype = extent(t), t["dtype"]
    raw = RAW[item_size(dtype)]
    if kind == "constant":
        return encode(torch.full((1,), low, dtype=torch.float64), dtype).expand(n).clone()
    if kind in ("normal", "uniform", "integers", "booleans"):
        first = min(n, PERIOD)
        words = philox(seed, stream, torch.arange((first + 3) // 4)).reshape(-1)[:first]
        pattern = encode(random_values(kind, low, high, words), dtype)
        if n == first:
            return pattern
        out = torch.empty(n, dtype=raw)
        times = n // PERIOD
        out[: times * PERIOD].view(times, PERIOD).copy_(pattern)
        out[times * PERIOD :] = pattern[: n - times * PERIOD]
        return out
    out = torch.zeros(n, dtype=raw)
    shape = t["shape"]
    if math.prod(shape):
        values = encode(ordered_values(kind, low, high, seed, stream, shape), dtype).reshape(shape)
        view = out.as_strided(shape, t["strides"], t.get("storage_offset", 0))
        for d in range(len(shape)):  # what is written over and over keeps the last
            if t["strides"][d] == 0:
                values, view = values.narrow(d, shape[d] - 1, 1), view.narrow(d, 0, 1)
        view.copy_(values)
    return out


# ---- calls


class Inputs:
    """Tensors of a record in the order they are made, and a digest of what they hold."""

    def __init__(self, fills, seed, device):
        self.fills, self.seed, self.device = fills, seed, device
        self.count, self.hash = 0, hashlib.sha256()

    def tensor(self, t):
        if self.count >= len(self.fills):
            raise Refused("the manifest does not say what this tensor holds")
        raw = storage_of(t, self.fills[self.count], self.seed, self.count + 1)
        self.count += 1
        size = raw.numel() * raw.element_size()
        self.hash.update(struct.pack("<Q", size))
        self.hash.update(bytes_of(raw[: LOOKED_AT // raw.element_size()]))
        storage = raw.to(self.device).view(getattr(torch, t["dtype"]))
        return storage.as_strided(t["shape"], t["strides"], t.get("storage_offset", 0))

    def value(self, v):
        if isinstance(v, list):
            return [self.value(item) for item in v]
        if not isinstance(v, dict):
            return v
        kind, what = next(iter(v.items()))
        if kind == "tensor":
            return self.tensor(what)
        if kind == "float":
            return float(what)
        if kind == "complex":
            return complex(*(self.value(part) for part in what))
        if kind == "dtype" and isinstance(what, str):
            return getattr(torch, what)
        if kind == "layout":
            return getattr(torch, LAYOUTS[what])
        if kind == "memory_format":
            return getattr(torch, MEMORY_FORMATS[what])
        if kind == "device":
            return self.device
        if kind == "generator":
            return torch.Generator(self.device).manual_seed(what)
        raise Refused(f"a value of kind {kind} cannot be made")

    def argument(self, a):
        """Of a record. Storages stand in it as tensors; streams do not, and a call is given the current one."""
        value = self.value(a["value"])
        if a.get("type") == "Storage" and isinstance(value, torch.Tensor):
            return value.untyped_storage()
        if a.get("type") == "Stream" and value is None:
            if self.device.type != "cuda":
                raise Refused(f"argument {a['name']} is a stream, which {self.device.type} has none of; replay it on the kind of device that the trace came from")
            return torch.cuda.current_stream(self.device)
        return value


def bytes_of(t):
    """The elements' bytes in row-major order."""
    return t.detach().resolve_conj().resolve_neg().contiguous().cpu().reshape(-1).view(torch.uint8).numpy().tobytes() if t.numel() else b""


def flatten(value):
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from flatten(item)


def outputs_digest(value):
    digest = hashlib.sha256()
    for t in flatten(value):
        digest.update(struct.pack(f"<{t.dim()}q", *t.shape))
        digest.update(bytes_of(t))
    return digest.hexdigest()[:32]


def find_op(record):
    space, _, name = record["op"].partition("::")
    try:
        packet = getattr(getattr(torch.ops, space), name)
        return getattr(packet, record.get("overload") or "default") if record.get("schema") else packet
    except AttributeError:
        raise Refused(f"torch {torch.__version__} has no operator {record['op']}.{record.get('overload') or 'default'}; --import MODULE loads more") from None


def is_missing(argument):
    value = argument.get("value", {"missing": True})
    return isinstance(value, dict) and "missing" in value


def arguments_of(record, op, inputs):
    """Positional and keyword arguments. Every tensor is made, in order."""
    schema = getattr(op, "_schema", None)
    keyword = {a.name for a in schema.arguments if a.kwarg_only} if schema else set()
    optional = {a.name for a in schema.arguments if a.has_default_value()} if schema else set()
    positional, named, skipped = [], {}, False
    for a in record["args"]:
        if is_missing(a):
            if a["name"] not in optional:
                raise Refused(f"argument {a['name']} has no value: {a.get('note', '')}")
            skipped = True
            continue
        value = inputs.argument(a)
        if skipped or a["name"] in keyword or a.get("kwarg"):
            named[a["name"]] = value
        else:
            positional.append(value)
    return positional, named


def bytes_needed(v):
    if isinstance(v, list):
        return sum(map(bytes_needed, v))
    if isinstance(v, dict) and "tensor" in v:
        return extent(v["tensor"]) * item_size(v["tensor"]["dtype"])
    return 0


# ---- times


class Protocol:
    """What the manifest's protocol says of warm-up, samples and flush. Rules that end by themselves are replaced by a fixed number of samples."""

    def __init__(self, line, options):
        said = dict(part.split("=", 1) for part in line.split() if "=" in part)
        fixed = said.get("stop") == "count"
        number = lambda name, default: int(said[name]) if fixed and said.get(name, "-").isdigit() else default
        self.warmup, self.samples = number("warmup_calls", 50), number("samples", 100)
        self.flush = 0 if said.get("flush") == "none" else number("flush_bytes", 256 << 20)
        if options.quick:
            self.warmup, self.samples, self.flush = 3, 10, 0
        self.warmup = options.warmup if options.warmup is not None else self.warmup
        self.samples = options.samples if options.samples is not None else self.samples
        self.flush = options.flush_bytes if options.flush_bytes is not None else self.flush
        self.same = fixed and not options.quick and options.warmup is options.samples is options.flush_bytes is None

    def __str__(self):
        return f"{self.warmup} calls of warm-up, {self.samples} samples of one call, " + (f"flush of {self.flush >> 20} MiB before each" if self.flush else "no flush")


def measure(run, protocol, device, scratch):
    """Nanoseconds of each sample."""
    times = []
    cuda = device.type == "cuda"
    for _ in range(protocol.warmup):
        run()
    for _ in range(protocol.samples):
        if scratch is not None:
            scratch.zero_()
        if cuda:
            torch.cuda.synchronize(device)
            begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
            run()
            end.record()
            end.synchronize()
            times.append(begin.elapsed_time(end) * 1e6)
        else:
            begin = time.perf_counter_ns()
            run()
            times.append(float(time.perf_counter_ns() - begin))
    return times


def memory_for(device):
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] * 9 // 10
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 9 // 10


def casting(record, device):
    """Autocast, if the recorded call ran under it."""
    if not record.get("autocast"):
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=getattr(torch, record["autocast"]), cache_enabled=False)


def replay(record, expected, manifest, options, protocol, device, scratch):
    """What became of one record."""
    row = {"key": expected["key"], "op": record["op"], "overload": record.get("overload", ""), "uid": record.get("uid"), "status": "ok", "detail": "",
           "inputs": None, "inputs_expected": expected.get("inputs"), "outputs": None, "median_ns": None, "samples": [],
           "expected_ns": expected.get("median_ns", expected.get("kernel_ns"))}
    try:
        if record.get("status", "ok") != "ok":
            row["status"] = record["status"]
            raise Refused(f"{record.get('reason', '')}: {record.get('detail', '')}")
        row["status"] = "failed"
        op = find_op(record)
        need = sum(bytes_needed(a.get("value")) for a in record["args"])
        if need > (options.max_bytes or memory_for(device)):
            raise Refused(f"{need / 1e9:.2f} GB of tensors are more than there is room for")
        seed = manifest["seed"] if options.seed is None else options.seed
        torch.manual_seed(seed & 0x7FFFFFFFFFFFFFFF)
        inputs = Inputs(expected["fills"], seed, device)
        positional, named = arguments_of(record, op, inputs)
        row["inputs"] = inputs.hash.hexdigest()[:32]
        if expected.get("inputs") and seed == manifest["seed"] and row["inputs"] != expected["inputs"]:
            raise Refused("the tensors do not hold the bits they should; please report it")
        if expected.get("initializer"):
            row["detail"] = f"{expected['initializer']} fills tensors of this record, which only libevreplay does"
        with torch.no_grad(), casting(record, device):
            result = op(*positional, **named)
            row["outputs"] = outputs_digest(result)
            del result
            if protocol.samples:
                row["samples"] = measure(lambda: op(*positional, **named), protocol, device, scratch)
                row["median_ns"] = statistics.median(row["samples"])
        row["status"] = "ok"
    except Refused as why:
        row["detail"] = str(why)
    except Exception as why:  # whatever an operator raises is the result of its record
        row["detail"] = f"{type(why).__name__}: {why}".splitlines()[0]
    return row


# ---- the command


def read(path, name):
    if os.path.isdir(path):
        with open(os.path.join(path, name), "rb") as f:
            data = f.read(MOST_BYTES + 1)
    else:
        with zipfile.ZipFile(path) as z, z.open(name) as f:
            data = f.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        sys.exit(f"replay.py: {name} is larger than {MOST_BYTES >> 20} MiB")
    return json.loads(data)


def load(path):
    manifest, document = read(path, "manifest.json"), read(path, "records.json")
    if manifest.get("evreplay_artifact") != VERSION or document.get("evreplay_ir") != 1:
        sys.exit("replay.py: the artifact is of another version than this file")
    records, expected = document["records"], manifest["expected"]
    if len(records) != len(expected):
        sys.exit("replay.py: manifest.json and records.json do not belong together")
    return manifest, list(zip(records, expected))


def show_time(ns):
    if ns is None:
        return "-"
    for unit, factor in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= factor:
            return f"{ns / factor:.3f} {unit}"
    return f"{ns:.0f} ns"


def show(row):
    ratio = f"{row['median_ns'] / row['expected_ns']:.2f}" if row["median_ns"] and row["expected_ns"] else "-"
    bits = "-" if not row["inputs_expected"] or not row["inputs"] else "same" if row["inputs"] == row["inputs_expected"] else "other"
    name = row["op"] + ("." + row["overload"] if row["overload"] else "")
    print(f"{row['status']:8} {show_time(row['median_ns']):>12} {show_time(row['expected_ns']):>12} {ratio:>6}  {bits:5}  {name}" +
          (f"  {row['detail']}" if row["detail"] else ""), flush=True)


def pick_device(asked, records):
    if asked:
        return torch.device(asked)
    recorded = next((r["device"] for r, _ in records if r.get("device")), "cpu")
    return torch.device("cuda" if recorded.startswith("cuda") and torch.cuda.is_available() else "cpu")


def parse(argv):
    here = os.path.dirname(os.path.abspath(__file__))
    p = argparse.ArgumentParser(prog="replay.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("artifact", nargs="?", default=here, help="zip file or folder (default: where this file is)")
    p.add_argument("--device", help="cpu, cuda, cuda:1 (default: the kind the records come from, where there is one)")
    p.add_argument("--uid", type=int, action="append", help="only the record of this event; may be given again")
    p.add_argument("--op-filter", metavar="GLOB", help="only operators whose name matches")
    p.add_argument("--import", dest="modules", metavar="MODULE", action="append", default=[], help="a Python module that brings operators; may be given again")
    p.add_argument("--quick", action="store_true", help="10 samples, no flush")
    p.add_argument("--warmup", type=int, metavar="N")
    p.add_argument("--samples", type=int, metavar="N", help="0 = run once, take no times")
    p.add_argument("--flush-bytes", type=int, metavar="N", help="written before every sample; 0 = nothing")
    p.add_argument("--max-bytes", type=int, metavar="N", help="tensors of one record (default: 90 %% of free memory)")
    p.add_argument("--seed", type=int, help="of contents, instead of the artifact's")
    p.add_argument("--json", metavar="FILE", help="results, with digests and samples")
    return p.parse_args(argv)


def main(argv=None):
    options = parse(argv)
    manifest, records = load(options.artifact)
    for module in options.modules:
        importlib.import_module(module)
    device = pick_device(options.device, records)
    protocol = Protocol(manifest.get("protocol", ""), options)
    here = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    print(f"torch {torch.__version__} on {here}; expected: {manifest.get('runtime') or 'times of the trace'}"
          f"{', ' + (manifest.get('device_name') or manifest['device']) if manifest.get('device') else ''}")
    print(f"protocol: {protocol}" + ("" if protocol.same else "; not the manifest's, so that times do not compare"))
    print(f"{'status':8} {'median':>12} {'expected':>12} {'ratio':>6}  {'bits':5}  operator")
    scratch = torch.empty(protocol.flush, dtype=torch.uint8, device=device) if protocol.flush and protocol.samples else None
    rows = []
    for record, expected in records:
        if (options.uid and record.get("uid") not in options.uid) or (options.op_filter and not fnmatch.fnmatchcase(record["op"], options.op_filter)):
            continue
        rows.append(replay(record, expected, manifest, options, protocol, device, scratch))
        show(rows[-1])
    counts = {s: sum(r["status"] == s for r in rows) for s in ("ok", "skipped", "failed")}
    print(f"{len(rows)} records: {counts['ok']} ok, {counts['skipped']} skipped, {counts['failed']} failed")
    if options.json:
        with open(options.json, "w") as f:
            json.dump({"version": VERSION, "runtime": f"torch {torch.__version__}", "device": str(device), "protocol": str(protocol), "results": rows}, f)
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
