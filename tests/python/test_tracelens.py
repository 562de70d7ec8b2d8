"""Scripts written for TraceLens. What its documents show is in SNIPPETS, with nothing changed but the import."""
import json
import pathlib
import textwrap
import warnings

import pytest
from conftest import DATA, add_event, event, has, mm_event, needs_numpy, needs_torch, trace_text

import evreplay
from evreplay import EventReplay, EventReplayer, TreePerfAnalyzer, extract_batch_context

PLAIN = DATA / "small_kineto.json"
needs_pandas = pytest.mark.skipif(not has("pandas"), reason="pandas is not installed; requirements/tools.txt pins it")


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    """What a test registers is gone after it."""
    monkeypatch.setattr(EventReplayer, "_custom_init_registry", EventReplayer._custom_init_registry[:])


class TestTree:
    def test_events_are_those_of_the_file(self):
        recorded = json.loads(PLAIN.read_text())["traceEvents"]
        tree = TreePerfAnalyzer.from_file(PLAIN).tree
        assert len(tree.events) == len(recorded)
        for uid, there in enumerate(recorded):
            one = tree.get_UID2event(uid)
            assert one["UID"] == uid and one["name"] == there["name"] and one["cat"] == there.get("cat", "")
            if there["ph"] == "X" and "args" in there:
                assert one["args"] == there["args"] and one["dur"] == there.get("dur", 0), uid

    def test_device_work_is_listed(self):
        tree = TreePerfAnalyzer.from_file(PLAIN).tree
        assert [tree.get_UID2event(uid)["cat"] for uid in tree.get_UID2event(2)["gpu_events"]] == ["kernel"]

    def test_an_event_is_made_once(self):
        tree = TreePerfAnalyzer.from_file(PLAIN).tree
        tree.get_UID2event(3)["mark"] = 1
        assert tree.events[3]["mark"] == 1 and [one for one in tree.events if "mark" in one] == tree.events[3:4]


def launched(correlation, ts, name="gemm", dur=20, **call):
    """A call with its launch and its kernel, 50 us later."""
    one = mm_event(**call)
    one.update(ts=ts, dur=10)
    launch = {"ph": "X", "cat": "cuda_runtime", "name": "cudaLaunchKernel", "pid": 1, "tid": 1, "ts": ts + 2, "dur": 3, "args": {"correlation": correlation}}
    kernel = {"ph": "X", "cat": "kernel", "name": name, "pid": 0, "tid": 7, "ts": ts + 50, "dur": dur, "args": {"correlation": correlation, "stream": 7}}
    return one, launch, kernel


class TestAround:
    def analyzer(self, tmp_path):
        linear = {**mm_event(), "name": "aten::linear", "ts": 0, "dur": 30}
        bare = {"ph": "X", "cat": "cuda_runtime", "name": "cudaLaunchKernel", "pid": 1, "tid": 1, "ts": 400, "dur": 3, "args": {"correlation": 9}}
        alone = {"ph": "X", "cat": "kernel", "name": "fill", "pid": 0, "tid": 7, "ts": 450, "dur": 1, "args": {"correlation": 9, "stream": 7}}
        every = [linear, *launched(1, 5), *launched(2, 100), *launched(3, 200, dur=90, m=6), *launched(4, 300, name="ncclDevKernel_AllReduce"), bare, alone]
        path = tmp_path / "trace.json"
        path.write_bytes(trace_text(*every))
        return TreePerfAnalyzer.from_file(path)

    def test_what_is_around_and_below(self, tmp_path, capsys):
        tree = self.analyzer(tmp_path).tree
        linear, mm, launch, kernel = map(tree.get_UID2event, range(4))
        assert tree.get_parent_event(kernel) is launch and tree.get_parent_event(launch) is mm and tree.get_parent_event(mm) is linear
        assert tree.get_parent_event(linear) is None
        assert tree.get_children_events(linear) == [mm] and tree.get_children_events(mm) == [launch] and tree.get_children_events(launch) == [kernel]
        assert tree.get_children_events(kernel) == [] and tree.get_gpu_events(linear) == [kernel] and tree.get_gpu_events(kernel) == []
        tree.traverse_parents_and_print(kernel, cpu_op_fields=("Input Dims",))
        told = capsys.readouterr().out.splitlines()
        assert [line.split(": UID ")[0].strip() for line in told] == ["node", "1 up", "2 up", "3 up"]
        assert "gemm, 20.0 us" in told[0] and told[2].endswith("Input Dims: [[4, 8], [8, 16]]") and "aten::linear" in told[3]
        tree.traverse_subtree_and_print(linear)
        told = capsys.readouterr().out.splitlines()
        assert [len(line) - len(line.lstrip()) for line in told] == [0, 2, 4, 6] and "gemm" in told[3]

    def test_what_launched_nothing_is_left_out(self, tmp_path, capsys):
        path = tmp_path / "trace.json"
        path.write_bytes(trace_text({**mm_event(), "ts": 0, "dur": 99}, {**add_event(), "ts": 1, "dur": 2}, *launched(1, 5)))
        tree = TreePerfAnalyzer.from_file(path).tree
        tree.traverse_subtree_and_print(tree.get_UID2event(0))
        assert "aten::add" not in capsys.readouterr().out
        tree.traverse_subtree_and_print(tree.get_UID2event(0), prune_non_gpu=False)
        assert "aten::add" in capsys.readouterr().out

    @needs_pandas
    def test_launchers(self, tmp_path):
        analyzer = self.analyzer(tmp_path)
        frame = analyzer.get_df_kernel_launchers(id_cols=True, include_kernel_details=True)
        assert list(frame["name"]) == ["aten::mm", "aten::mm", "aten::mm", "cudaLaunchKernel"] and list(frame["UID"]) == [1, 4, 7, 13]
        assert list(frame["total_direct_kernel_time"]) == [20, 20, 90, 1] and list(frame["direct_kernel_count"]) == [1] * 4
        assert frame["Input Dims"][0] == ((4, 8), (8, 16)) and frame["kernel_details"][2] == [{"name": "gemm", "dur": 90, "stream": 7}]
        assert frame["Input Dims"][3] is None and list(frame["tid"]) == ["1"] * 4
        assert "aten::mm" in list(analyzer.get_df_kernel_launchers(include_nccl=True)["name"])[3:]
        (tmp_path / "none.json").write_bytes(trace_text(mm_event()))
        empty = TreePerfAnalyzer.from_file(tmp_path / "none.json")
        assert len(empty.get_df_kernel_launchers()) == 0
        assert len(empty.get_df_kernel_launchers_unique_args(empty.get_df_kernel_launchers(), include_pct=True)) == 0

    @needs_pandas
    def test_launchers_of_equal_arguments(self, tmp_path):
        analyzer = self.analyzer(tmp_path)
        frame = analyzer.get_df_kernel_launchers(include_kernel_details=True)
        unique = analyzer.get_df_kernel_launchers_unique_args(frame, agg_metrics=["mean", "max"], include_pct=True)
        assert list(unique["ex_UID"]) == [7, 1, 13] and list(unique["operation_count"]) == [1, 2, 1]
        assert list(unique["total_direct_kernel_time_sum"]) == [90, 40, 1] and list(unique["total_direct_kernel_time_mean"]) == [90, 20, 1]
        assert unique["Cumulative Percentage (%)"].iloc[-1] == pytest.approx(100) and unique["total_direct_kernel_time_max"][1] == 20
        assert unique["kernel_details_summary"][1] == [{"name": "gemm", "count": 2, "total_duration_us": 40, "mean_duration_us": 20}]
        only = TreePerfAnalyzer.get_df_kernel_launchers_unique_args(frame, event_name="aten::mm")
        assert list(only["ex_UID"]) == [7, 1] and "Percentage (%)" not in only
        assert analyzer.tree.get_UID2event(only.iloc[0]["ex_UID"])["args"]["Input Dims"] == [[6, 8], [8, 16]]


@needs_torch
class TestReplayer:
    def test_replays_what_the_profiler_wrote(self):
        import torch

        replayer = EventReplayer(mm_event(), device="cpu")
        result = replayer.replay()
        assert torch.equal(result, torch.mm(*replayer.args)) and replayer.kwargs == {}
        assert replayer.matched_schema == "aten::mm(Tensor self, Tensor mat2) -> Tensor"

    def test_an_event_of_a_report_has_only_name_and_args(self):
        row = {key: mm_event()[key] for key in ("name", "args")}
        row["args"] = {key: tuple(map(tuple, value)) if "Dims" in key else value for key, value in row["args"].items()}
        assert EventReplayer(row, device="cpu").replay().shape == (4, 16)

    @needs_numpy
    def test_numbers_of_pandas_and_numpy(self):
        import numpy

        one = mm_event()
        one["args"]["Input Dims"] = [[numpy.int64(4), numpy.int64(8)], [numpy.int64(8), numpy.int64(16)]]
        assert EventReplayer(one, device="cpu").replay().shape == (4, 16)

    def test_args_are_live(self):
        replayer = EventReplayer(add_event(), device="cpu")
        replayer.args[0].fill_(1)
        replayer.args[1] = replayer.args[1] * 0 + 2
        replayer.kwargs["alpha"] = 3
        assert replayer.replay().eq(7).all()
        assert replayer.replay().eq(7).all()

    def test_results_of_any_number(self):
        two = event("aten::max", [[6, 2], [], []], ["float", "Scalar", "Scalar"], [[2, 1], [], []], ["", "1", "False"])
        values, places = EventReplayer(two, device="cpu").replay()
        assert values.shape == places.shape == (6,)

    def test_lazy_makes_tensors_on_the_first_replay(self):
        replayer = EventReplayer(mm_event(), device="cpu", lazy=True)
        assert not hasattr(replayer, "args")
        replayer.replay()
        assert isinstance(replayer.args, list) and len(replayer.args) == 2

    def test_lazy_needs_no_device(self):
        replayer = EventReplayer(mm_event(), lazy=True)  # cuda by default
        assert replayer.get_repro_info()["op_name"] == "aten::mm"

    def test_repro_info_is_theirs_and_the_same_twice(self):
        replayer = EventReplayer(mm_event(20, 2048, 64), lazy=True)
        info = replayer.get_repro_info()
        assert info == {
            "op_name": "aten::mm",
            "replay_ir": {
                "list_pos_args": [
                    {
                        "arg_name": name,
                        "arg_type": "Tensor",
                        "value": {"shape": shape, "dtype": "float", "strides": [shape[1], 1], "init": "normal"},
                    }
                    for name, shape in (("self", [20, 2048]), ("mat2", [2048, 64]))
                ],
                "list_kwargs": [],
            },
        }
        info["replay_ir"]["list_pos_args"][0]["value"]["shape"].append(7)
        again = replayer.get_repro_info()
        assert again == replayer.get_repro_info() and json.loads(json.dumps(again)) == again
        assert again["replay_ir"]["list_pos_args"][0]["value"]["shape"] == [20, 2048]
        assert evreplay.read_records(json.dumps([again]))[0].op == "aten::mm"

    def test_verbose_tells_silent_does_not(self, capsys):
        EventReplayer(mm_event(), device="cpu").replay()
        assert capsys.readouterr().out == ""
        EventReplayer(mm_event(), device="cpu", verbose=True)
        told = capsys.readouterr().out
        assert "Preparing aten::mm" in told and "Matched aten::mm(Tensor self, Tensor mat2)" in told

    def test_what_cannot_be_replayed(self):
        with pytest.raises(evreplay.Error) as caught:
            EventReplayer(event("aten::mm", [[4, 8]], ["float"], [[8, 1]]), device="cpu")
        assert caught.value.code is evreplay.Status.NOT_REPLAYABLE and caught.value.op == "aten::mm" and caught.value.hint
        with pytest.raises(evreplay.Error):
            EventReplayer(event("CatBackward0", [], []), lazy=True)
        with pytest.raises(TypeError, match="no profiler writes"):
            EventReplayer({"name": "aten::mm", "args": {"Input Dims": object()}}, lazy=True)

    def test_bfloat16_and_strides(self):
        one = event("aten::mm", [[4, 8], [8, 16]], ["c10::BFloat16", "c10::BFloat16"], [[8, 1], [1, 8]])
        replayer = EventReplayer(one, device="cpu")
        assert str(replayer.replay().dtype) == "torch.bfloat16" and replayer.args[1].stride() == (1, 8)


@needs_torch
class TestInits:
    def test_initializer_changes_args_in_place(self, capsys):
        class Ones(EventReplay.CustomInit):
            op_patterns = ["aten::mm"]

            def initialize(self, replayer, **kwargs):
                names = [one["arg_name"] for one in replayer.event_replay_IR["list_pos_args"]]
                replayer.args[names.index("mat2")].fill_(kwargs["fill"])
                replayer.args[names.index("self")].fill_(1)
                return "[custom init] ones"

        EventReplayer.register_custom_init(Ones())
        for lazy in (False, True):
            replayer = EventReplayer(mm_event(), device="cpu", lazy=lazy, init_kwargs={"fill": 2})
            assert replayer.replay().eq(16).all()
            assert capsys.readouterr().out == "[custom init] ones\n"
            replayer.replay()
            assert capsys.readouterr().out == "", "once"
        assert not EventReplayer(mm_event(), device="cpu", auto_init=False).replay().eq(16).all()

    def test_first_match_wins_exact_names_only(self):
        asked = []

        def make(label, *names):
            class One(EventReplay.CustomInit):
                op_patterns = list(names)

                def initialize(self, replayer, **kwargs):
                    asked.append(label)

            return One()

        for label, name in (("part", "mm"), ("first", "aten::mm"), ("second", "aten::mm")):
            EventReplayer.register_custom_init(make(label, name))
        EventReplayer(mm_event(), device="cpu").replay()
        assert asked == ["first"]

    def test_failure_is_a_warning(self):
        class Broken(EventReplay.CustomInit):
            op_patterns = ["aten::mm"]

            def initialize(self, replayer, **kwargs):
                raise ValueError("no heads")

        EventReplayer.register_custom_init(Broken())
        with pytest.warns(RuntimeWarning, match="Broken failed: no heads"):
            assert EventReplayer(mm_event(), device="cpu").replay() is not None

    def test_listed_with_the_librarys_own_last(self):
        class Mine(EventReplay.CustomInit):
            op_patterns = ["ns::op"]

            def initialize(self, replayer, **kwargs):
                return None

        EventReplayer.register_custom_init(Mine())
        names = [name for name, _ in EventReplayer.list_custom_inits()]
        assert names == ["Mine", "PagedAttentionInit", "MoeRoutingInit"] and EventReplayer.list_custom_inits()[0][1] == ["ns::op"]

    def test_namespaces(self):
        EventReplayer.register_namespace("evr_tracelens", ["evr_tracelens.ops"])
        assert evreplay.default_context().namespace_sources("evr_tracelens") == ["evr_tracelens.ops"]

    def test_the_librarys_initializers_get_init_kwargs(self, monkeypatch):
        import os

        if not os.path.exists(os.environ.get("EVREPLAY_TEST_OPS", "")):
            pytest.skip("the custom operators of tests/replay/ops were not built")
        EventReplayer.register_namespace("evrtest", [os.environ["EVREPLAY_TEST_OPS"]])
        dims = [[64, 8], [4, 8, 8], [64, 1], [64, 1], [256], [64], [1], []]
        types = ["float", "float", "float", "int", "int", "int", "int", "Scalar"]
        one = event("evrtest::moe", dims, types, None, [""] * 7 + ["4"])

        def experts(**kwargs):
            replayer = EventReplayer(one, device="cpu", **kwargs)
            replayer.replay()  # raises when the routing does not fit
            assert replayer.initializer == "MoeRoutingInit"
            return replayer.args[3].flatten().bincount(minlength=4).max().item()

        uniform, zipf = experts(), experts(init_kwargs={"moe_distribution": "zipf", "moe_zipf_s": 3.0})
        assert zipf > uniform + 16
        assert evreplay.default_context().init_option("moe_distribution") is None, "set for one replayer only"

    def test_library_inits_can_be_registered_too(self):
        class Native(evreplay.CustomInit):
            op_names = ["aten::bmm"]

            def init(self, view):
                view.write("self", [[[1.0, 1.0]]])

        EventReplayer.register_custom_init(Native())
        one = event("aten::bmm", [[1, 1, 2], [1, 2, 1]], ["float", "float"], [[2, 2, 1], [2, 1, 1]])
        replayer = EventReplayer(one, device="cpu")
        assert replayer.initializer == "Native" and replayer.args[0].eq(1).all()


def annotation(name="execute_context_2(18)_generation_5(5)", ts=0, dur=100):
    return {"ph": "X", "cat": "user_annotation", "name": name, "pid": 1, "tid": 1, "ts": ts, "dur": dur}


class TestBatchContext:
    def attention(self, ts):
        return event("_rocm_C::paged_attention", [[4, 4]], ["float"], ts=ts)

    def analyzer(self, tmp_path, *events):
        path = tmp_path / "trace.json"
        path.write_bytes(trace_text(*events))
        return TreePerfAnalyzer.from_file(path)

    def test_attached_by_time(self, tmp_path):
        outside, bare = self.attention(500), event("_rocm_C::paged_attention", [], [], ts=12)
        analyzer = self.analyzer(tmp_path, annotation(), self.attention(10), outside, bare, mm_event(), annotation("other", 0, 900))
        assert extract_batch_context(analyzer) == 1
        attached = {"n_prefill": 2, "prefill_tokens": 18, "n_decode": 5, "decode_tokens": 5}
        assert [one.get("batch_context") for one in analyzer.tree.events] == [None, attached, None, None, None, None]

    def test_nothing_to_attach(self, tmp_path):
        assert extract_batch_context(self.analyzer(tmp_path, self.attention(10))) == 0

    def test_any_object_with_events(self):
        tree = type("Tree", (), {"events": [annotation(), self.attention(10)]})
        assert extract_batch_context(type("Analyzer", (), {"tree": tree})) == 1

    @needs_torch
    def test_reaches_the_record(self):
        one = mm_event()
        one["batch_context"] = {"n_prefill": 2, "prefill_tokens": 18, "n_decode": 5, "decode_tokens": 5}
        assert EventReplayer(one, lazy=True).record.batch == evreplay.Batch(2, 18, 0, 5, 5, 0)


# Quoted from docs/EventReplay.md, docs/how-to/event-replay.md and examples/event_replayer_example.ipynb of TraceLens (MIT License, Advanced Micro
# Devices, Inc.). `TraceLens` in an import becomes `evreplay`;
# paths, the uid and the device are those of the test.
SNIPPETS = {
    "replay a single event": """
        from TraceLens import TreePerfAnalyzer, EventReplayer

        # Load profile and get event
        perf_analyzer = TreePerfAnalyzer.from_file('/path/to/profile.json')
        uid = 12345  # Replace with actual UID of interest
        event = perf_analyzer.tree.get_UID2event(uid)

        # Initialize and replay
        replayer = EventReplayer(event, device='cuda')
        replayer.replay()
        """,
    "replay a single event, from the sub-package": """
        from TraceLens import TreePerfAnalyzer
        from TraceLens.EventReplay import EventReplayer

        perf_analyzer = TreePerfAnalyzer.from_file('/path/to/profile.json')
        uid = 12345
        event = perf_analyzer.tree.get_UID2event(uid)

        replayer = EventReplayer(event, device='cuda')
        replayer.replay()
        """,
    "inspect the IR": """
        replayer = EventReplayer(event, lazy=True)
        ir = replayer.get_repro_info()
        """,
    "extract IR for several events": """
        import json
        from TraceLens import EventReplayer

        repro_data = [
            EventReplayer(event, lazy=True).get_repro_info()
            for event in events_of_interest
        ]
        with open("event_replay_ir.json", "w") as f:
            json.dump(repro_data, f, indent=4)
        """,
    "package artifacts": """
        import zipfile
        import os
        from TraceLens.EventReplay import utils as tl_utils
        from TraceLens.EventReplay import batched_replay

        files = [
            OUTPUT_REPRO_FILE,
            tl_utils.__file__,
            batched_replay.__file__,
            batched_replay.__file__.replace('batched_replay.py', 'batched_replay_readme.md')
        ]

        zip_file_path = '/path/to/replay_code.zip'
        with zipfile.ZipFile(zip_file_path, 'w') as zipf:
            for file in files:
                zipf.write(file, arcname=os.path.basename(file))

        print(f"Created zip file: {zip_file_path}")
        """,
    "options of initializers": """
        # Default: uniform random assignment across experts
        replayer = EventReplayer(event, device='cuda')

        # Zipf: skewed distribution (few experts get most tokens, closer to real routing)
        replayer = EventReplayer(event, device='cuda',
                                 init_kwargs={"moe_distribution": "zipf", "moe_zipf_s": 1.5})
        """,
    "an initializer of one's own": """
        from TraceLens.EventReplay import EventReplayer, CustomInit

        class IndexAddInit(CustomInit):
            op_patterns = ["aten::index_add_"]

            def initialize(self, replayer, **kwargs):
                import torch

                ir = replayer.event_replay_IR
                arg_names = [a["arg_name"] for a in ir["list_pos_args"]]

                self_tensor = replayer.args[arg_names.index("self")]
                dim = replayer.args[arg_names.index("dim")]
                index = replayer.args[arg_names.index("index")]

                dim_size = self_tensor.shape[dim]
                index.copy_(torch.randint(0, dim_size, index.shape,
                                          device=index.device))

                return (f"[custom init] index_add — index randint(0, {dim_size}), "
                        f"shape={list(index.shape)}")

        EventReplayer.register_custom_init(IndexAddInit())
        EventReplayer.list_custom_inits()
        """,
    "another namespace": """
        EventReplayer.register_namespace("my_lib", ["my_lib.ops"])
        """,
    "batch context": """
        from TraceLens import TreePerfAnalyzer
        from TraceLens.EventReplay import EventReplayer, extract_batch_context

        analyzer = TreePerfAnalyzer.from_file("vllm_trace.json")

        # Annotate paged attention events with prefill/decode split
        num_annotated = extract_batch_context(analyzer)
        print(f"Annotated {num_annotated} paged_attention events")

        # Now replay — PagedAttentionInit reads event["batch_context"] automatically
        event = analyzer.tree.get_UID2event(some_uid)
        replayer = EventReplayer(event, device='cuda')
        replayer.replay()  # query_start_loc reflects the real prefill/decode split
        """,
    "notebook: look for an operator's events": """
        import time
        from TraceLens import TreePerfAnalyzer, EventReplayer

        perf_analyzer = TreePerfAnalyzer.from_file(profile_path)
        evt_to_replay = perf_analyzer.tree.get_UID2event(uid)
        my_replayer = EventReplayer(evt_to_replay, device=device, verbose=True)
        my_replayer.replay()
        my_replayer.get_repro_info()
        replay_evts = [
            e
            for e in perf_analyzer.tree.events
            if e.get("name") == my_replayer.event.get("name")
        ]
        replay_evt = replay_evts[0]
        replay_kernels = [
            perf_analyzer.tree.get_UID2event(uid)
            for uid in replay_evt.get("gpu_events", [])
        ]
        replay_kernels_names = [e.get("name") for e in replay_kernels]
        """,
    "notebook: from a report's row": """
        import ast

        def row_to_evt(row):
            event = {
                "name": row["name"],
                "args": {
                    "Input Dims": ast.literal_eval(row["Input Dims"]),
                    "Input Strides": ast.literal_eval(row["Input Strides"]),
                    "Input type": ast.literal_eval(row["Input type"]),
                    "Concrete Inputs": ast.literal_eval(row["Concrete Inputs"]),
                },
            }
            return event

        repro_data_list = []
        processed_count = 0
        for index, row in rows:
            event = row_to_evt(row)
            # Initialize EventReplayer similar to above
            replayer = EventReplayer(event, lazy=True, verbose=False)
            # Extract the serializable info
            repro_info = replayer.get_repro_info()
            repro_data_list.append(repro_info)
            processed_count += 1
        print(f"Processed {processed_count} events.")
        """,
}


def adapt(text: str, tmp_path: pathlib.Path) -> str:
    """The change that a user makes, and this test's stand-ins for what the user has."""
    text = textwrap.dedent(text).replace("from TraceLens", "from evreplay")
    text = text.replace("/path/to/", f"{tmp_path}/").replace("vllm_trace.json", f"{tmp_path}/vllm_trace.json")
    return text.replace("device='cuda'", "device='cpu'").replace("12345", "0").replace('"event_replay_ir.json"', f"'{tmp_path}/event_replay_ir.json'")


@needs_torch
@pytest.mark.parametrize("name", SNIPPETS)
def test_snippet(name, tmp_path):
    (tmp_path / "profile.json").write_bytes(trace_text(mm_event(), add_event()))
    attention = event("aten::mm", [[4, 8], [8, 16]], ["float", "float"], [[8, 1], [16, 1]])
    (tmp_path / "vllm_trace.json").write_bytes(trace_text(annotation(), attention))
    (tmp_path / "ir.json").write_text("[]")
    one = mm_event()
    row = {"name": "aten::mm", **{key: repr(value) for key, value in one["args"].items()}}
    names = {
        "EventReplayer": EventReplayer, "TreePerfAnalyzer": TreePerfAnalyzer, "event": one, "events_of_interest": [one, add_event()],
        "OUTPUT_REPRO_FILE": str(tmp_path / "ir.json"), "some_uid": 1, "uid": 0, "device": "cpu", "profile_path": str(tmp_path / "profile.json"),
        "rows": [(0, row)],
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exec(compile(adapt(SNIPPETS[name], tmp_path), name, "exec"), names)
    check = CHECKS.get(name)
    if check:
        check(names, tmp_path)


def replayed(names, tmp_path):
    assert names["replayer"].replay().shape == (4, 16)


def written(names, tmp_path):
    assert [one.op for one in evreplay.load_records(tmp_path / "event_replay_ir.json")] == ["aten::mm", "aten::add"]


def zipped(names, tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "replay_code.zip") as archive:
        assert sorted(archive.namelist()) == ["batched_replay.py", "batched_replay_readme.md", "ir.json", "utils.py"]


def registered(names, tmp_path):
    one = event("aten::index_add_", [[5, 2], [], [3], [3, 2], []], ["float", "Scalar", "long int", "float", "Scalar"],
                [[2, 1], [], [1], [2, 1], []], ["", "0", "", "", "1"])  # fmt: skip
    replayer = EventReplayer(one, device="cpu")
    replayer.args[2].fill_(-1)
    replayer.replay()  # raises unless the initializer has filled the index
    assert 0 <= replayer.args[2].min() and replayer.args[2].max() < 5


def from_row(names, tmp_path):
    assert names["repro_data_list"] == [EventReplayer(mm_event(), lazy=True).get_repro_info()]


CHECKS = {
    "replay a single event": replayed,
    "extract IR for several events": written,
    "package artifacts": zipped,
    "an initializer of one's own": registered,
    "notebook: from a report's row": from_row,
    "inspect the IR": lambda names, tmp_path: names["ir"]["replay_ir"]["list_pos_args"][0]["arg_name"] == "self" or pytest.fail(),
}


@needs_torch
class TestBatchedReplay:
    def run(self, *arguments):
        import subprocess
        import sys

        from evreplay.EventReplay import batched_replay

        return subprocess.run([sys.executable, batched_replay.__file__, *map(str, arguments)], capture_output=True, text=True, timeout=120)

    @pytest.fixture
    def file(self, tmp_path):
        path = tmp_path / "ir.json"
        bad = mm_event()
        bad["args"]["Input Dims"][1] = [9, 16]
        path.write_text(json.dumps([EventReplayer(one, lazy=True).get_repro_info() for one in (mm_event(), bad, add_event())]))
        return path

    def test_all(self, file):
        result = self.run(file, "--device", "cpu", "-v")
        assert result.returncode == 1, result.stderr
        assert "[1/3] Replaying: aten::mm" in result.stdout and "self Tensor: {'shape': [4, 8]" in result.stdout
        assert "Average time taken:" in result.stdout and "Result: Tensor(shape=torch.Size([4, 16]), dtype=torch.float32, device=cpu)" in result.stdout
        assert "Attempted replays: 3\nSuccessful replays: 2\nErrors encountered: 1" in result.stdout

    def test_filter_and_limit(self, file):
        result = self.run(file, "--device", "cpu", "--op-filter", "mm", "--op-limit", 1)
        assert result.returncode == 0 and "Attempted replays: 1" in result.stdout and "aten::add" not in result.stdout

    def test_stop_on_error(self, file):
        result = self.run(file, "--device", "cpu", "--stop-on-error")
        assert result.returncode == 1 and "aten::add" not in result.stdout

    def test_no_such_file(self):
        result = self.run("/no/such.json", "--device", "cpu")
        assert result.returncode == 1 and "/no/such.json" in result.stderr and "Traceback" not in result.stderr
