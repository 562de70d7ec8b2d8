#!/usr/bin/env python3
"""Writes the seed corpora of the fuzz targets: small inputs, one for each construct a target knows.

usage: make_seeds.py [FOLDER]      (default: corpus/ beside this script)

Found crashers are kept beside the seeds as found-*; this script leaves them alone.
"""
import gzip
import hashlib
import io
import json
import pathlib
import subprocess
import sys
import zipfile

JSON = [
    "{}", "[]", "0", "-1.5e-7", "true", "null", '"a"', '"\\u00e9\\ud83d\\ude00\\ud800x\\n\\"\\\\"', "[1,[2,[3,{}]],\"x\"]",
    '{"a":1,"b":[true,false,null],"c":{"d":"e"}}', "{\"a\" : NaN, \"b\":Infinity,\"c\":-Infinity}", " [ 1 , 2 ] ", "[1,]", "{\"a\"}", "{,}",
    "[1 2]", '{"a":1,}', '"open', "[\"\x01\"]", "{\"a\":[1,2}", "]", ":", "[" * 70, '{"a":' * 40 + "1" + "}" * 40, "1 2 3", '"\\',
]

OP = {"ph": "X", "cat": "cpu_op", "name": "aten::add", "pid": 1, "tid": 2, "ts": 10.125, "dur": 20,
      "args": {"External id": 3, "Sequence number": 4, "Fwd thread id": 0, "Input Dims": [[2, 3], [], [[4], [5]]],
               "Input type": ["float", "Scalar", "TensorList"], "Input Strides": [[3, 1], [], [[1], [1]]],
               "Concrete Inputs": ["", "1", ""]}}
CHILD = {**OP, "name": "aten::mm", "ts": 11, "dur": 5}
LAUNCH = {"ph": "X", "cat": "cuda_runtime", "name": "cudaLaunchKernel", "pid": 1, "tid": 2, "ts": 12, "dur": 2,
          "args": {"correlation": 7, "External id": 3, "cbid": 211}}
KERNEL = {"ph": "X", "cat": "kernel", "name": "void k<float>(int)", "pid": 0, "tid": 7, "ts": 14, "dur": 4,
          "args": {"correlation": 7, "device": 0, "stream": 7, "grid": [1, 2, 3], "External id": 3}}
BACKWARD = {**OP, "name": "autograd::engine::evaluate_function: AddBackward0", "tid": 3, "ts": 40, "args": {"Sequence number": 4, "Fwd thread id": 2}}
PYTHON = {"ph": "X", "cat": "python_function", "name": "m.py(3): f", "pid": 1, "tid": 2, "ts": 9, "dur": 30, "args": {"Python id": 1, "Python parent id": None}}
NOTE = {"ph": "X", "cat": "user_annotation", "name": "ProfilerStep#1", "pid": 1, "tid": "main", "ts": 1, "dur": 90, "args": {}}
META = {"ph": "M", "name": "process_name", "pid": 1, "tid": 0, "ts": 0, "args": {"name": "python"}}
FLOW = [{"ph": "s", "id": 7, "pid": 1, "tid": 2, "ts": 12, "cat": "ac2g", "name": "ac2g"},
        {"ph": "f", "id": 7, "pid": 0, "tid": 7, "ts": 14, "cat": "ac2g", "name": "ac2g", "bp": "e"}]
INSTANT = {"ph": "i", "cat": "cpu_instant_event", "s": "t", "name": "[memory]", "pid": 1, "tid": 2, "ts": 13,
           "args": {"Bytes": 512, "Device Type": 1, "Total Allocated": 1024, "Addr": 140000}}
MODERN = {"schemaVersion": 1, "deviceProperties": [{"id": 0, "name": "GPU"}], "traceEvents":
          [META, NOTE, PYTHON, OP, CHILD, LAUNCH, KERNEL, *FLOW, INSTANT, BACKWARD], "traceName": "t.json"}
OLD = {"traceEvents": [{"ph": "X", "cat": "Operator", "name": "aten::add", "pid": 1, "tid": "2", "ts": 5, "dur": 3, "args":
                        {"Device": 24572, "External id": 1, "Trace name": "PyTorch Profiler", "Trace iteration": 0,
                         "Fwd thread id": 0, "Sequence number": 0, "Input Dims": [[1], []], "Input type": ["GenericList", "Int"]}}]}
EXECUTION = {"schema": "1.1.1-chakra.0.0.4", "pid": 1, "time": "now", "start_ts": 1, "nodes": [
    {"id": 1, "name": "[pytorch|profiler|execution_trace|thread]", "ctrl_deps": 1, "inputs": {"values": [], "shapes": [], "types": []},
     "outputs": {"values": [], "shapes": [], "types": []}, "attrs": [{"name": "rf_id", "type": "uint64", "value": 1}]},
    {"id": 2, "name": "aten::add", "ctrl_deps": 1,
     "inputs": {"values": [[3, 4, 0, 6, 4, "cpu"], 1], "shapes": [[2, 3], []], "types": ["Tensor(float)", "Int"], "strides": [[3, 1], []]},
     "outputs": {"values": [[5, 6, 0, 6, 4, "cpu"]], "shapes": [[2, 3]], "types": ["Tensor(float)"]},
     "attrs": [{"name": "rf_id", "type": "uint64", "value": 2}, {"name": "fw_parent", "type": "uint64", "value": 0},
               {"name": "seq_id", "type": "int64", "value": -1}, {"name": "scope", "type": "uint64", "value": 0},
               {"name": "tid", "type": "uint64", "value": 1}, {"name": "fw_tid", "type": "uint64", "value": 0},
               {"name": "op_schema", "type": "string", "value": "aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor"}]}]}
EXECUTION_OLD = {"schema": "1.0.1", "pid": 1, "nodes": [{"name": "aten::mm", "id": 2, "rf_id": 1, "parent": 1, "fw_parent": 0, "seq_id": -1,
    "scope": 0, "tid": 1, "fw_tid": 0, "op_schema": "", "inputs": [[1, 2, 0, 6, 4, "cuda:0"]], "input_shapes": [[2, 3]],
    "input_types": ["Tensor(float)"], "outputs": [], "output_shapes": [], "output_types": []}]}


def zstd(data):
    return subprocess.run(["zstd", "-q", "-19", "-c"], input=data, capture_output=True, check=True).stdout


def traces():
    texts = [json.dumps(t, separators=(",", ":")).encode() for t in (MODERN, OLD, EXECUTION, EXECUTION_OLD, MODERN["traceEvents"])]
    texts += [json.dumps(MODERN, indent=1).encode(), b'{"traceEvents":[]}', b"[]", b'{"a":[1]}', b'{"traceEvents":[1,"x",null,[],{}]}',
              b'{"traceEvents":[{"ts":"1","dur":-5,"name":3,"cat":{},"args":[1]}]}', b'{"x":"traceEvents","traceEvents":[{}],"traceEvents":[{}]}']
    for text in texts:
        yield text
    for text in texts[:2]:
        packed = gzip.compress(text, mtime=0)
        yield packed
        yield zstd(text)
        yield gzip.compress(text[:300], mtime=0) + gzip.compress(text[300:], mtime=0)
        yield zstd(text[:300]) + zstd(text[300:])
        yield packed[:-9]
        yield text[:len(text) * 2 // 3]


def trace_seeds():
    for i, body in enumerate(traces()):
        for how, window, fail in ((0, 0, 0), (31, 1, 0), (24, 2, 0), (1, 3, 0), (0, 0, 3 + i)):
            yield bytes((how, window, fail)) + body


def builder_seeds():
    event = bytes((0, 0, 0, 1, 3, 9, 7, 2))
    yield bytes((0, 0)) + b"\x00" + event
    yield bytes((0, 0)) + b"".join(b"\x01" + bytes((k & 6, k, k % 4, k & 1, k, 20 - k, k & 7, k & 3)) for k in range(20)) + b"\xff" + b"\x01" + event
    yield bytes((7, 0)) + b"\xfe\x00\x40" + b"".join(b"\x01" + bytes((6, k, k, 1, k, 4, 5, 6, 1, 2, 3, 4, 5, 1, 2, 3, 4)) for k in range(12))
    yield bytes((0, 9)) + (b"\x01" + event) * 12


SCHEMAS = [
    "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor",
    "aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)",
    "aten::max_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, bool ceil_mode=False) -> Tensor",
    "aten::split.Tensor(Tensor(a -> *) self, SymInt split_size, int dim=0) -> Tensor(a)[]",
    "aten::native_layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight, Tensor? bias, float eps) -> (Tensor, Tensor, Tensor)",
    "aten::empty.memory_format(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
    'aten::gelu(Tensor self, *, str approximate="none") -> Tensor', "prim::TupleUnpack(Any tup) -> ...", "aten::f(...) -> ()",
    "aten::format(str self, ...) -> str", "aten::dict.str((str, tVal)[] inputs) -> Dict(str, tVal)", "aten::wait(Future(t) self) -> t",
    "ns::op(__torch__.torch.classes.a.B x, Union(int, str)? y=None, float[]? z=[1.5, -2e-3]) -> (Tensor out, int[] n)",
]
TYPES = ["Tensor", "Tensor(a!)?", "Tensor(a!)[]", "int[2]?", "Dict(str, (Tensor, int)[])", "(int, (float, str?))", "((((int))))[][][]", "Future(t)"]


def schema_seeds():
    for i, text in enumerate(SCHEMAS):
        yield bytes((0, 1)) + text.encode()
        yield bytes((1 + i, 1)) + text.encode()
        yield bytes((0, 1)) + text[:len(text) // 2].encode()
    for text in TYPES:
        yield bytes((0, 0)) + text.encode()
    yield bytes((0, 0)) + b"(" * 500


COLUMNS = b"OP State,Accelerator Core,Input Shapes,Input Data Types,Input Formats,Output Shapes,Output Data Types,Output Formats,"
SUMMARY = (b"OP Type,OP State,Task Type,Task Duration(us),Input Shapes,Input Data Types,Input Formats,Output Shapes,Output Data Types,"
           b"Output Formats,aiv_time(us)\n")
PRODUCT = b'"""1,8;8,4""",F;F,ND;ND,"""1,4""",F,ND,'
TAKEN = b'"64,8;2;2;17",A;I;I;I,ND;ND;ND;ND,"17,8",A,ND,'
CALLS = [PRODUCT, b'"1,8;4,8",F;DT_F,ND;ND,"1,4",F,ND,', TAKEN, b"2;();,FLOAT;X,ND,2,F,ND,", b"N/A,,,(2),F,ND,"]
FILES = [
    COLUMNS + b"Average Duration(us),Profiling Average Duration(us)\r\n" + b"".join(b",," + c + b"1,2\r\n" for c in CALLS),
    b"\xef\xbb\xbf" + COLUMNS + b"MicroBench Duration(us),Profiling Average aiv_time(us),EP Size,Note\n" + b"".join(
        b",," + c + b',,16,"a ""b""\n"\n' for c in CALLS),
    b"Note,Output Shapes,Input Data Types,Input Shapes\r\n1,2,F,2\r\nbad\r\n1,\"2,F,2\r\n1,2,F,3", b"a,b\n\"c\",d\n", b"",
]
PROFILE = SUMMARY + b"".join(op + b",s,t,%d," % (i + k + 1) + c + b"%d\n" % i for i, c in enumerate(CALLS) for k, op in enumerate(
    (b"Add", b"MatMulV2", b"MatMulCommon", b"Index", b"Transpose", b"DispatchFFNCombine", b"Cast")))


def csv_seeds():
    for i, text in enumerate(FILES):
        for flags in (8 * i + 1, 8 * i + 4, 8 * i + 3):
            yield bytes((0, flags)) + len(text).to_bytes(2, "big") + text + PROFILE
        yield bytes((9 + 7 * i, 8 * i)) + len(text).to_bytes(2, "big") + text + PROFILE


LOGS = [
    "Operator: aten.add.Tensor\ncnt: 12, ((T([4, 8], f16), T([4, 8], f16, stride=(1, 4))), {'alpha': 2})\n",
    "Operator: mine.op\ncnt: 1, ((None, True, -1.5e-05, (1+2j), -inf, 'a\\x41\\u00e9', torch.strided, [1, (2, 3)], f32), {'d': {'k': 1}})\n",
    "Operator: aten.sum.SymInt\r\ncnt: 3, '((T([2, 3], torch.float32, device=\"cuda:0\"), [0], True), {})'\r\n",
    "Operator: aten.mm.default\ncnt: 2, ((ST([2, 2], f32, torch.sparse_coo, True, 1), <a b>), {'x': device(type='cuda', index=0)})\n",
    "Operator: aten._to_copy.default\ncnt: 1, ((T([2], b8),), {'dtype': i64, 'layout': torch.strided, 'device': 'cuda', 'memory_format': torch.preserve_format})",
    "Operator: aten.cat.default\ncnt: 1, (([T([2], bf16), T([], bf16)], -1), {})\ncnt: 2, ((torch.Size([1]), torch.device('cpu')), {})\n",
    "Operator: aten.relu.default\ncnt: 1, ((T([2], f32),), {})  # 2.5 us on it\ncnt: 2, ((T([3], f32),), {})# 1e3 ns\n",
    "Operator: aten.mul",
]


def ir_seeds():
    for i, text in enumerate(LOGS):
        yield bytes((0,)) + text.encode()
        yield bytes((3 + 9 * i,)) + text.encode()


STATISTICS = {"count": 12, "median": 1000.5, "median_low": 999.0, "median_high": 1002.0, "coverage": 0.95, "q1": 999, "q3": 1001, "min": 998, "max": 1004,
              "mode_low": None, "drifts": False, "few": True}
RESULT = {"index": 1, "uid": 7, "key": "00112233445566778899aabbccddeeff", "op": "aten::add", "overload": "Tensor", "arguments": "float32[8]", "count": 3,
          "status": "ok", "reason": "", "detail": "", "device": "cuda:0", "isolated": True, "warnings": ["a", "\u00e9\ud83d\ude00<b>|"],
          "checks": [{"name": "finite", "verdict": "good", "detail": ""}, {"name": "repeat", "verdict": "bad", "detail": "3"}], "tensor_bytes": 96,
          "trace_kernel_ns": 900.5, "trace_cpu_ns": None, "first_run_ns": 1e6, "protocol": "evreplay-protocol/1 stop=precision", "statistics": STATISTICS,
          "conditions": {"launch": "single", "gate": "off", "batch": 1, "precision": None, "throttled": True}, "samples": [1000, 1001.5, 999]}
FAILED = {"index": 0, "uid": None, "op": "my::op", "status": "failed", "reason": "timeout", "detail": "no answer <script>"}


def results_seeds():
    document = {"document": "evreplay-results", "version": 1, "library": "0.1.0", "runtime": "torch", "device": "cuda:0", "seed": 18446744073709551615,
                "started_s": -1, "wall_s": 2.5, "interrupted": True, "unknown": [{}], "results": [RESULT, FAILED]}
    slower = {**document, "results": [{**RESULT, "samples": [2000, 2001, 2002], "statistics": {**STATISTICS, "median": 2001}}, {**FAILED, "status": "ok", "reason": ""}]}
    visits = [{**RESULT, "visits": [1000, 1001.5, 999, 1600, 1002], "visit": 2}, {**RESULT, "visits": [998, 1000.5, 1002]}]
    several = {**document, "results": [visits[0], {**visits[1], "index": 2}]}
    texts = [json.dumps(document), json.dumps(document, indent=1), json.dumps({**document, "results": []}), json.dumps({**document, "version": 2}),
             json.dumps(document) + "\0" + json.dumps(slower), json.dumps(several) + "\0" + json.dumps({**document, "results": [visits[1]]})]
    for text in texts:
        yield bytes((0,)) + text.encode()
        yield bytes((9,)) + text.encode()
        yield bytes((0,)) + text.encode()[:len(text) * 2 // 3]


TENSOR = {"tensor": {"shape": [2, 3], "strides": [3, 1], "dtype": "float32"}}
RECORDS = {"evreplay_ir": 1, "records": [
    {"op": "aten::add", "overload": "Tensor", "schema": SCHEMAS[0], "uid": 7, "count": 4, "device": "cuda:0", "kernels": [{"name": "k", "count": 4, "total_ns": 60}],
     "args": [{"name": "self", "type": "Tensor", "value": TENSOR}, {"name": "other", "type": "Tensor", "value": TENSOR}]},
    {"op": "acme::f", "status": "failed", "reason": "missing-values", "detail": "x",
     "args": [{"name": "x", "type": "str", "value": ["/a/b", {"missing": True}, {"complex": [1, {"float": "nan"}]}, {"dtype": "int8"}, "/a/b"]}]}]}
EXPECTED = [  # the keys are those of the records
    {"key": "913dd781e1c63bb9f71564b02501674a", "status": "ok", "kernels": 1, "kernel_ns": 15.0, "fills": ["normal", ["integers", 0, 8]]},
    {"key": "cdcdb86f1e199b7ea1b28842f0ac37a0", "status": "failed", "fills": []}]


def artifact_seeds():
    empty = {"evreplay_artifact": 1, "library": "0.1.0", "protocol": "evreplay-protocol/1", "seed": 18446744073709551615, "redacted": "names", "expected": []}
    texts = [(empty, {"evreplay_ir": 1, "records": []}), ({**empty, "evreplay_artifact": 2}, RECORDS), ({**empty, "expected": EXPECTED}, RECORDS), ([], {})]
    for manifest, records in texts:
        text = json.dumps(manifest) + "\0" + json.dumps(records)
        yield b"\0\1" + text.encode()
        yield b"\7\1" + text.encode()
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w", method) as z:
                z.writestr(zipfile.ZipInfo("manifest.json"), json.dumps(manifest))
                z.writestr(zipfile.ZipInfo("records.json"), json.dumps(records))
                z.writestr(zipfile.ZipInfo("../x"), "x") if method == zipfile.ZIP_STORED and manifest else None
            yield b"\0\0" + out.getvalue()
            yield b"\3\0" + out.getvalue()[:-9]


GROUPS = {"backend": "nccl", "rank": 0, "world_size": 4, "pg_config": [
    {"pg_name": "7", "pg_desc": "tp", "backend_config": "cuda:nccl", "pg_size": 4, "ranks": "[0, 1, 2, 3]"}, {"pg_name": "0", "pg_size": 2, "ranks": [0, 1]}]}
TOLD = {"Collective name": "allreduce", "In msg nelems": 64, "Out msg nelems": 64, "Group size": 4, "dtype": "Float", "In split size": "[]", "Out split size": "[]",
        "Global rank start": 0, "Global rank stride": 1, "Process Group Name": "7", "Process Group Description": "tp", "Process Group Ranks": "[0, 1, 2, 3]",
        "Src Rank": 1, "Dst Rank": 2, "Root Rank": 3, "Seq": 5}
RECORDED = {"Input Dims": [[[4, 5]], [], []], "Input type": ["TensorList", "", "Scalar"], "Input Strides": [[[5, 1]], [], []], "Concrete Inputs": ["", "", "0"]}
SPLIT = {"In split size": "[8, 16, 32, 8]", "Out split size": "[16, 16, 16, 16]", "Process Group Ranks": "[0, 1, ..."}
TALKS = [  # operator, its arguments, what is told below it, its kernel
    ("c10d::allreduce_", {}, TOLD, "ncclDevKernel_AllReduce_Max_f32_RING_LL(args)"), ("c10d::broadcast_", RECORDED, {**TOLD, "Collective name": "broadcast"}, "k"),
    ("record_param_comms", {**TOLD, "Collective name": "_allgather_base", "Out msg nelems": 256}, {**TOLD, "Collective name": "wait"}, "rccl_AllGather_bf16"),
    ("c10d::alltoall_base_", {}, {**TOLD, **SPLIT, "Collective name": "all_to_allv"}, "ncclDevKernel_SendRecv"), ("c10d::alltoall_", {}, {**TOLD, **SPLIT}, "k"),
    ("nccl:all_reduce", {"Input Dims": [[7, 3]], "Input type": ["float"]}, {**TOLD, "Collective name": "reduce_scatter"}, "nccl_SumPostDiv_"),
    ("_c10d_functional::all_gather_into_tensor", {**RECORDED, "Input Dims": [[6, 2], [], []], "Input type": ["float", "Scalar", ""]}, TOLD, "x"),
    ("record_param_comms", {**TOLD, "Collective name": "gather", "Out msg nelems": 256}, {**TOLD, "Collective name": "scatter"}, "gloo:gather"),
    ("c10d::reduce_scatter_", {}, {**TOLD, "Collective name": "reduce_scatter", "In msg nelems": 256}, "ncclDevKernel_ReduceScatter_Sum_f32")]


def collective_seeds():
    def inside(value):
        return json.dumps(value)[1:-1]
    for i, (op, args, told, kernel) in enumerate(TALKS):
        lines = [inside(GROUPS), op, inside(args), inside(told), kernel, inside({**told, "Seq": 5 + i % 2})]
        for fail, count, sizes in ((0, 3, 0), (0, 0x17, 2), (0, 0x33, 0xC3), (1 + 3 * i, 7, 0x84), (20 + 7 * i, 3, 0)):
            yield bytes((fail, count, sizes)) + "\n".join(lines).encode()


CALLS = [  # name, dims, types, strides, values: of a call, of the operator around it, of the next one
    [("aten::add", [[2, 3], [3], []], ["float", "float", "Scalar"], [[3, 1], [1], []], ["", "", "2"])],
    [("aten::cat", [[[2], [3]], []], ["TensorList", "Scalar"], [[[1], [1]], []], ["", "0"])],
    [("aten::add", [[2], []], ["Tensor(float)", "GenericList[Int]"], None, [[0, 0, 0, 2, 4, "cpu"], [1, 2]])],
    [("aten::as_strided", [[4], [], [], []], ["float", "ScalarList", "ScalarList", "Scalar"], [[1], [], [], []], ["", "[3, 2]", "(10, 1)", "5"])],
    [("ns::op", [[2], []], ["float", ""], [[1], []], ["", "1+2j"])],
    [("aten::set_", [[0], [], [], [], []], ["int", "", "Scalar", "ScalarList", "ScalarList"], None, ["", "", "4", "[3, 2]", "[]"])],
    [("aten::record_stream", [[16], []], ["float", "Stream"], None, ["", "<Stream>"])],
    [("aten::as_strided", [[4, 6], [], [], []], ["float", "", "", "Scalar"], None, None),
     ("aten::select", [[4, 6], [], []], ["float", "Scalar", "Scalar"], None, ["", "1", "-2"])],
    [("aten::as_strided", [[4, 6], [], [], []], ["float", "", "", ""], None, ["", "", "", ""]),
     ("aten::slice", [[4, 6], [], [], [], []], ["float", "Scalar", "Scalar", "", "Scalar"], None, ["", "0", "-9223372036854775808", "", "3"])],
    [("aten::_to_copy", [[2, 3]] + 6 * [[]], ["float", "Scalar", "", "", "", "Scalar", ""], None, None), ("aten::to", [[2, 3]] + 4 * [[]], ["float"] + 4 * ["Scalar"], None, None),
     ("aten::copy_", [[2, 3], [2, 3], []], ["c10::Half", "float", "Scalar"], [[1, 2], [3, 1], []], None)],
    [("aten::empty", 6 * [[]], ["", "Scalar", "", "", "Scalar", ""], None, None), ("aten::zeros", 5 * [[]], ["", "Scalar", "", "", "Scalar"], None, None),
     ("aten::zero_", [[4, 5]], ["long"], None, None)],
    [("aten::native_layer_norm_backward", [[4, 8], [4, 8], [], [4, 1], [4, 1], [8], [], []], ["float", "float", "", "float", "float", "float", "", ""], None, None)],
    [("aten::gather", [[7, 2], [], [7, 1], []], ["float", "Scalar", "long", "Scalar"], None, None)],
    [("aten::as_strided", [[4, 5], [], [], []], ["float", "ScalarList", "ScalarList", ""], None, ["", "[4, 3]", "[5, 0]", ""]),
     ("aten::index", [[4, 5], []], ["float", ""], None, ["", ""]), ("aten::reshape", [[3], []], ["long int", "ScalarList"], None, ["", "[3]"])],
    [("aten::linear", [[4, 8], [2, 8], []], ["c10::BFloat16", "c10::BFloat16", ""], None, ["", "", ""]),
     ("aten::linear", [[4, 8], [2, 8], []], ["float", "float", ""], None, ["", "", ""])],
    [("aten::convolution", [[1, 2, 4, 4], [2, 2, 3, 3]], ["float", "float"], None, ["", "", "", "(1,)", "(0, 1)", "[1, 1]", "False", "()", "1"])]]


def extract_seeds():
    for i, calls in enumerate(CALLS):
        lines = "\n".join("\n".join([name, *("" if t is None else json.dumps(t) for t in texts)]) for name, *texts in calls)
        for fail in (0, 32 + 9 * i):
            yield bytes([fail]) + lines.encode()


SEEDS = {"extract": extract_seeds, "collective": collective_seeds, "artifact": artifact_seeds, "csv": csv_seeds, "schema": schema_seeds, "ir": ir_seeds, "results": results_seeds,
         "json": lambda: [t.encode() for t in JSON], "trace": trace_seeds, "builder": builder_seeds}


def main(folder):
    for target, seeds in SEEDS.items():
        where = pathlib.Path(folder, target)
        where.mkdir(parents=True, exist_ok=True)
        for old in where.glob("seed-*"):
            old.unlink()
        for data in seeds():
            (where / f"seed-{hashlib.sha1(data).hexdigest()[:12]}").write_bytes(data)
        print(f"{target}: {len(list(where.iterdir()))} files")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "corpus")
