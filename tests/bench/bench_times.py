#!/usr/bin/env python3
"""Our medians beside torch.utils.benchmark's for 40 operators on the CPU: in one process, on the very same tensors, one thread, taken in turns.

usage: bench_times.py [TURNS] [--python] [--only GLOB]     (EVREPLAY_LIBRARY and EVREPLAY_BRIDGE as for the tests; needs torch and numpy)

The peer is Timer(language="c++"): one program, compiled once, with a call of each operator through its own C++ function, on tensors that it finds at the addresses of ours.
Its results are written to where ours were: an operator that is bound by memory takes up to three times as long with results on other pages, whoever times it.
Without a compiler, or with --python, it is the timer of Python, which adds a microsecond or two to every call, and has its results elsewhere.

A machine that others use too gets faster and slower from one tenth of a second to the next, and single operators by some percent for minutes. So the turns are short, a turn of the
peer's is held against ours before and after it, and all operators are gone through several times, some turns each. Neither side leaves out what a neighbour disturbed: the peer cannot tell, and what
only one of them leaves out makes it the faster. What is printed is the median of the ratios, with the interval it lies in (95 %) and the range in which the middle half of them lies. Where that
interval is wider than 1 % to either side there are more turns, up to six times as many.
"""
import argparse
import ctypes
import fnmatch
import functools
import json
import os
import re
import shutil
import statistics
import sys
import time

import torch
from torch.utils.benchmark import Timer

import evreplay

SHARE = 0.02  # seconds of one side in one turn
KNOWN, MOST = 0.01, 6  # of the median ratio; times as many turns for it
ROUNDS = 4  # that the turns of an operator are spread over
STRETCH = 0.0002  # seconds of one sample of the peer, or two calls
CPP_TYPES = {torch.float32: "at::kFloat", torch.int64: "at::kLong"}


def tensor(*shape, dtype="float"):
    strides = [1] * len(shape)
    for i in reversed(range(len(shape) - 1)):
        strides[i] = strides[i + 1] * shape[i + 1]
    return {"shape": list(shape), "dtype": dtype, "strides": strides, "init": "normal"}


def record(op, overload="default", named=(), **positional):
    return {"op_name": f"aten::{op}", "overload": overload, "replay_ir": {
        "list_pos_args": [{"arg_name": n, "arg_type": "", "value": v} for n, v in positional.items()],
        "list_kwargs": [{"arg_name": n, "arg_type": "", "value": v} for n, v in named]}}


def records():
    big, square = tensor(1 << 19), tensor(512, 512)
    for op in ("abs", "neg", "exp", "sin", "cos", "tanh", "sigmoid", "relu", "sqrt", "floor", "ceil", "erf", "log1p", "reciprocal", "sign", "square"):
        yield record(op, self=big)
    for op in ("mul", "div", "maximum", "minimum", "atan2", "pow"):
        yield record(op, {"mul": "Tensor", "div": "Tensor", "pow": "Tensor_Tensor"}.get(op, "default"), self=big, **{"exponent" if op == "pow" else "other": big})
    for op in ("add", "sub"):
        yield record(op, "Tensor", [("alpha", 1)], self=big, other=big)
    for n in (128, 256, 512):
        yield record("mm", self=tensor(n, n), mat2=tensor(n, n))
    yield record("addmm", "default", [("beta", 1), ("alpha", 1)], self=tensor(512), mat1=square, mat2=square)
    yield record("bmm", self=tensor(8, 128, 128), mat2=tensor(8, 128, 128))
    yield record("_softmax", self=tensor(512, 1024), dim=-1, half_to_float=False)
    yield record("native_layer_norm", input=tensor(512, 1024), normalized_shape=[1024], weight=tensor(1024), bias=tensor(1024), eps=1e-5)
    yield record("sum", "dim_IntList", [("dtype", None)], self=tensor(1024, 1024), dim=[-1], keepdim=False)
    yield record("mean", "dim", [("dtype", None)], self=tensor(1024, 1024), dim=[0], keepdim=False)
    yield record("amax", self=tensor(1024, 1024), dim=[-1], keepdim=False)
    yield record("cumsum", "default", [("dtype", None)], self=tensor(512, 1024), dim=1)
    yield record("sort", self=tensor(64, 1024), dim=-1, descending=False)
    yield record("cat", tensors=[tensor(512, 512), tensor(512, 512)], dim=1)
    yield record("clone", "default", [("memory_format", None)], self=big)
    yield record("embedding", weight=tensor(1000, 256), indices=tensor(4096, dtype="long int"), padding_idx=-1, scale_grad_by_freq=False, sparse=False)
    yield record("convolution", input=tensor(1, 32, 56, 56), weight=tensor(32, 32, 3, 3), bias=None, stride=[1, 1], padding=[1, 1], dilation=[1, 1], transposed=False,
                 output_padding=[0, 0], groups=1)


def overload_of(replayer):
    """Overload and types of the arguments by name: the schema that has these names, and tensors where the record has tensors."""
    values = replayer.args
    for schema in replayer.runtime.schemas(replayer.record.op):
        whole, _, rest = schema.partition("(")
        parameters = re.sub(r"\([a-z!*>| -]*\)", "", rest.rpartition(" ->")[0].rstrip(")"))
        types = {one.split()[1].partition("=")[0]: one.split()[0] for one in parameters.split(", ") if one != "*"}
        if set(types) == set(values) and all(types[n].rstrip("?") == "Tensor" for n, value in values.items() if isinstance(value, torch.Tensor)) \
                and all(isinstance(value, torch.Tensor) for n, value in values.items() if types[n] == "Tensor"):  # fmt: skip
            return whole.partition(".")[2], types
    raise LookupError(f"no schema of {replayer.record.op} fits")


class Source:
    """One C++ program with a call of each operator. Which one runs, and where its tensors are, it is told by the environment."""

    def __init__(self):
        self.tensors, self.lists, self.lines, self.headers = [], [], [], set()

    def value(self, type, value):
        """A value as a C++ expression of the type that the operator's schema has."""
        bare = type.rstrip("?")
        if value is None:
            return "{}"
        if bare == "Tensor":
            self.tensors.append(value)
            return f"t[{len(self.tensors) - 1}]"
        if bare.endswith("]"):  # a view of a list that stands beside the call: making it is no part of the operator
            kind = bare.partition("[")[0]
            element, view = {"Tensor": ("at::Tensor", "at::TensorList"), "SymInt": ("c10::SymInt", "c10::SymIntArrayRef"), "int": ("int64_t", "at::IntArrayRef")}[kind]
            self.lists.append(f"std::vector<{element}> v{len(self.lists)}{{{', '.join(self.value(kind, one) for one in value)}}};")
            made = f"{view}(v{len(self.lists) - 1})"
            return f"at::OptionalArrayRef<{element}>({made})" if type.endswith("?") else made
        if bare == "bool":
            return str(bool(value)).lower()
        return {"int": "int64_t({})", "SymInt": "c10::SymInt({})", "float": "double({})", "Scalar": "at::Scalar({})"}[bare].format(repr(value))

    def add(self, replayer):
        record, values = replayer.record, replayer.args
        overload, types = overload_of(replayer)
        self.tensors, self.lists = [], []
        arguments = [self.value(types[a.name], values[a.name]) for a in record.args]
        name = record.op.split("::")[1] + (f"_{overload}" if overload else "")
        self.headers.add(f"#include <ATen/ops/{record.op.split('::')[1]}_ops.h>")
        setup = " ".join(f"t.push_back({self.tensor(n, one)});" for n, one in enumerate(self.tensors))
        call = f"[=]() mutable {{ at::_ops::{name}::call({', '.join(arguments)}); }}"
        self.lines.append(f"[] {{ std::vector<at::Tensor> t; {setup} {' '.join(self.lists)} return std::function<void()>({call}); }}")
        return self.tensors

    def tensor(self, n, one):
        sizes, strides = (f"{{{', '.join(map(str, numbers))}}}" for numbers in (one.shape, one.stride()))
        return f"at::from_blob(place({n}), {sizes}, {strides}, at::TensorOptions().dtype({CPP_TYPES[one.dtype]}))"

    def timer(self):
        preamble = """
            #include <ATen/ATen.h>
            %s
            #include <c10/core/CPUAllocator.h>
            #include <cstdlib>
            #include <functional>
            #include <sstream>
            #include <string>
            static void *place(int n) { return reinterpret_cast<void *>(std::stoull(std::getenv(("BENCH_TENSOR_" + std::to_string(n)).c_str()))); }
            // Whoever asks for as many bytes as a result of ours has gets that result's memory; all others get theirs from torch.
            struct Lender : c10::Allocator {
                struct Block { void *data; size_t size; bool lent; };
                std::vector<Block> blocks;
                c10::Allocator *usual = c10::GetCPUAllocator();
                inline static Lender *current = nullptr;
                Lender()
                {
                    current = this;
                    std::istringstream words(std::getenv("BENCH_RESULTS"));
                    for (unsigned long long data, size; words >> data >> size;)
                        blocks.push_back({reinterpret_cast<void *>(data), size_t(size), false});
                    c10::SetCPUAllocator(this, 255);
                }
                ~Lender() override { c10::SetCPUAllocator(usual, 255); }
                static void give_back(void *data)
                {
                    for (auto &block : current->blocks)
                        if (block.data == data) {
                            block.lent = false;
                            return;
                        }
                    current->usual->raw_deleter()(data);
                }
                c10::DataPtr allocate(size_t size) override
                {
                    for (auto &block : blocks)
                        if (block.size == size && !block.lent)
                            return block.lent = true, c10::DataPtr{block.data, block.data, &give_back, c10::Device(c10::kCPU)};
                    return usual->allocate(size);
                }
                c10::DeleterFnPtr raw_deleter() const override { return &give_back; }
                void copy_data(void *to, const void *from, size_t size) const override { std::memcpy(to, from, size); }
            };
            static const std::vector<std::function<std::function<void()>()>> makers = {
            %s
            };
        """ % ("\n".join(sorted(self.headers)), ",\n".join(self.lines))
        setup = "at::AutoDispatchBelowADInplaceOrView guard; Lender lender; auto call = makers[std::stoul(std::getenv(\"BENCH_CALL\"))]();"
        return Timer("call();", setup=setup, global_setup=preamble, language="c++", num_threads=1)


def in_turns(timer):
    """Median of short stretches, as ours are: one that is long enough for another program to get its turn in the middle says nothing."""
    once = timer.timeit(3).median
    number = max(2, int(STRETCH / max(once, 1e-9)))
    times, end = [], time.monotonic() + SHARE
    while len(times) < 5 or time.monotonic() < end:
        times.append(timer.timeit(number).median)
    return statistics.median(times) * 1e9


class Peer:
    """What is compared against."""

    def __init__(self, replayers, in_python):
        self.name = "Timer in Python" if in_python else "Timer in C++"
        self.replayers = replayers
        self.timer, self.tensors = None, []
        if not in_python:
            source = Source()
            self.tensors = [source.add(replayer) for replayer in replayers]
            self.timer = source.timer()

    def median(self, index):
        """Nanoseconds of one call."""
        if self.timer is None:
            return self.in_python(self.replayers[index])
        os.environ["BENCH_CALL"] = str(index)
        for n, one in enumerate(self.tensors[index]):
            os.environ[f"BENCH_TENSOR_{n}"] = str(one.data_ptr())
        results = [one for one in self.replayers[index].results() if isinstance(one, torch.Tensor) and one.nbytes]
        os.environ["BENCH_RESULTS"] = " ".join(f"{one.data_ptr()} {one.nbytes}" for one in results)
        return in_turns(self.timer)

    def in_python(self, replayer):
        record, values = replayer.record, replayer.args
        namespace, name = record.op.split("::")
        run = getattr(getattr(getattr(torch.ops, namespace), name), overload_of(replayer)[0] or "default")
        positional = [values[a.name] for a in record.args if not a.keyword_only]
        named = {a.name: values[a.name] for a in record.args if a.keyword_only}
        with torch.no_grad():
            timer = Timer("run(*positional, **named)", globals={"run": run, "positional": positional, "named": named}, num_threads=1)
            return in_turns(timer)


def keep_heap():
    """Both sides allocate their results from the same heap; that none of them pays for pages that the other gave back, freed memory stays (bindings/heap.h)."""
    libc, trim, mapped = ctypes.CDLL(None), -1, -3
    libc.mallopt(mapped, 32 << 20)
    libc.mallopt(trim, 64 << 20)


def interval(values):
    """Of their median, whatever their distribution: 95 %."""
    ordered, count = sorted(values), len(values)
    reach = int(count / 2 - 0.98 * count**0.5)
    return ordered[max(reach, 0)], ordered[min(count - 1 - reach, count - 1)]


class Turns:
    """The times of one operator."""

    def __init__(self, mine, other):
        self.mine, self.other = mine, other
        self.pairs = []

    def take(self, turns):
        before = self.mine()
        for _ in range(turns):
            theirs, after = self.other(), self.mine()
            self.pairs.append(((before + after) / 2, theirs))
            before = after

    @property
    def ratios(self):
        return [a / b for a, b in self.pairs]

    def is_known(self):
        low, high = interval(self.ratios)
        middle = statistics.median(self.ratios)
        return max(middle - low, high - middle) <= KNOWN


def in_rounds(all_turns, turns):
    """Each operator several times, with the others in between; those whose ratio is known then are left alone."""
    for done in range(ROUNDS * MOST):
        unknown = [one for one in all_turns if done < ROUNDS or not one.is_known()]
        for one in unknown:
            one.take(max(turns // ROUNDS, 1))
        if sys.stderr.isatty():
            print(f"round {done + 1}: {len(unknown)} operators", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("turns", nargs="?", type=int, default=40)
    parser.add_argument("--python", action="store_true")
    parser.add_argument("--only", default="*")
    options = parser.parse_args()
    keep_heap()
    runtime = evreplay.Runtime("cpu", threads=1, seed=1)
    made = evreplay.read_records(json.dumps([one for one in records() if fnmatch.fnmatch(one["op_name"], f"*{options.only}")]))
    replayers = [runtime.replayer(record) for record in made]
    peer = Peer(replayers, options.python or not (shutil.which("c++") and shutil.which("ninja")))
    protocol = evreplay.Protocol(precision=0.002, seconds=SHARE, min_seconds=SHARE / 2, throttle="keep")
    medians = []

    def ours(replayer):
        return meter.measure(replayer, protocol).median_ns

    with evreplay.Meter.of(runtime) as meter:
        for replayer in replayers:
            replayer.run()
        all_turns = [Turns(functools.partial(ours, replayer), functools.partial(peer.median, index)) for index, replayer in enumerate(replayers)]
        in_rounds(all_turns, options.turns)
        for replayer, turns in zip(replayers, all_turns):
            mine, other = (statistics.median(side) for side in zip(*turns.pairs))
            ratios = turns.ratios
            low, median, high = statistics.quantiles(ratios, n=4)
            medians.append(median)
            name = f"{replayer.record.op} {replayer.record.arguments_text}"
            print(f"{name[:56]:56} {mine / 1e3:9.1f} us, {peer.name} {other / 1e3:9.1f} us, ratio {median:.3f} [{interval(ratios)[0]:.3f}, {interval(ratios)[1]:.3f}]   "
                  f"(half of {len(ratios)} from {low:.3f} to {high:.3f})")  # fmt: skip
    near = sum(0.97 <= ratio <= 1.03 for ratio in medians)
    print(f"{near} of {len(medians)} within 3 %, median ratio {statistics.median(medians):.3f}, from {min(medians):.3f} to {max(medians):.3f}")


if __name__ == "__main__":
    main()
