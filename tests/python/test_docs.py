"""The code of docs/python.md, run in its order."""
import pathlib
import re

import pytest
from conftest import event, has, mm_event, needs_numpy, needs_torch, trace_text
from test_rows import put
from test_trace_set import write as write_ranks

PAGE = pathlib.Path(__file__).parent.parent.parent / "docs" / "python.md"


@needs_torch
@needs_numpy
@pytest.mark.skipif(not (has("pandas") and has("pyarrow")), reason="pandas and pyarrow are not installed; requirements/tools.txt pins them")
def test_docs__every_block_runs(tmp_path, monkeypatch, capsys):
    import gzip

    import evreplay
    from evreplay import context

    monkeypatch.setattr(context, "_default", evreplay.Context())  # what the page registers stays in the page
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trace.json.gz").write_bytes(gzip.compress(trace_text(mm_event(), event("CatBackward0", [], []))))
    (tmp_path / "traces").mkdir()
    write_ranks(tmp_path / "traces", (0, 30, 10), (0, 777, -123456))
    (tmp_path / "database").mkdir()
    put(tmp_path / "database", "MatMulV2", ["dynamic", "AI_CORE", "16,8;8,4", "FLOAT;FLOAT", "ND;ND", "16,4", "FLOAT", "ND", "", ""])
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.S | re.M)
    assert len(blocks) == 16
    names = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert names["result"].shape == (4, 16) and names["info"]["op_name"] == "aten::mm"
    assert len(names["frame"]) == 2 and names["comparison"].exit_code == 0 and names["measurement"].statistics.count >= 10
    told = capsys.readouterr().out
    assert "CatBackward0 skipped autograd-node" in told and "aten::mm" in told
    assert names["worst"].slowest_rank == 1 and len(names["skews"]) == 12 and names["run"].status == "success" and names["run"].duration_us > 0

    one = event("aten::index_add_", [[5, 2], [], [3], [3, 2], []], ["float", "Scalar", "long int", "float", "Scalar"],
                [[2, 1], [], [1], [2, 1], []], ["", "0", "", "", "1"])  # fmt: skip
    replayer = names["EventReplayer"](one, device="cpu")
    replayer.replay()
    assert replayer.initializer == "IndexAddInit"


def test_docs__every_public_name_has_a_sentence():
    import inspect

    import evreplay

    bare = []
    for name in evreplay.__all__:
        one = getattr(evreplay, name)
        if inspect.isclass(one) or inspect.isfunction(one):
            bare += [] if one.__doc__ else [name]
            bare += [
                f"{name}.{member}"
                for member, what in vars(one).items()
                if not member.startswith("_") and (inspect.isfunction(what) or isinstance(what, (property, classmethod, staticmethod)))
                and not inspect.getdoc(getattr(one, member))
            ]  # fmt: skip
    assert not bare
