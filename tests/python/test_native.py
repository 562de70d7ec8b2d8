"""The declarations of _native.py, held against the headers by a C compiler."""
import ctypes
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "abi"))
import public_api  # noqa: E402

from evreplay import _native as native  # noqa: E402

PLUGIN_SIDE = {"evreplay.h", "plugin.h", "bridge.h", "backend.h"}  # the rest is what programs call
HEADERS = {header.name for header in public_api.headers(ROOT / "include")} - PLUGIN_SIDE
HANDED_OUT = {"evr_device_desc", "evr_device_state", "evr_kernel_run"}  # of backend.h, but answers of measure.h
STRUCTS = [(name, members) for name, members, header in public_api.structs(ROOT / "include") if header in HEADERS or name in HANDED_OUT]


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Size and offsets of every public structure, as the compiler has them."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        pytest.skip("there is no C compiler")
    folder = tmp_path_factory.mktemp("layout")
    lines = [f"#include <evreplay/{header}>" for header in sorted(HEADERS)] + ["#include <stdio.h>", "#include <stddef.h>", "int main(void) {"]
    for name, members in STRUCTS:
        lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
        lines += [
            f'printf("{name}.{member} %zu %zu\\n", offsetof({name}, {member}), sizeof((({name} *)0)->{member}));'
            for member in members
        ]
    source, program = folder / "layout.c", folder / "layout"
    source.write_text("\n".join([*lines, "return 0; }"]))
    subprocess.run([compiler, "-std=c11", "-I", ROOT / "include", source, "-o", program], check=True)
    output = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return {line.split()[0]: tuple(map(int, line.split()[1:])) for line in output.splitlines()}


def test_structures__all_are_declared():
    assert {name for name, _ in STRUCTS} - {"evr_error", "evr_context"} == set(native.STRUCTURES)


@pytest.mark.parametrize("name, members", STRUCTS, ids=[name for name, _ in STRUCTS])
def test_structures__laid_out_as_c_has_them(measured, name, members):
    structure = native.STRUCTURES[name]
    assert ctypes.sizeof(structure) == measured[name][0]
    for member in members:
        field = getattr(structure, member)
        assert (field.offset, field.size) == measured[f"{name}.{member}"], member


def test_structures__fill_in_their_size():
    for structure in native.STRUCTURES.values():
        if issubclass(structure, native.Versioned):
            assert structure().struct_size == ctypes.sizeof(structure)


def declared_functions():
    """Name → number of parameters, from the text of the headers."""
    found = {}
    for header in HEADERS:
        text = public_api.strip_comments((ROOT / "include" / "evreplay" / header).read_text())
        for name, parameters in re.findall(r"\bEVR_API\b[^;{]*?\b(evr_\w+)\s*\((.*?)\)\s*;", text, re.S):
            parameters = re.sub(r"\(\*\w+\)\s*\([^)]*\)", "callback", parameters)
            found[name] = 0 if parameters.strip() == "void" else parameters.count(",") + 1
    return found


def test_functions__all_are_declared():
    assert set(declared_functions()) == set(native.FUNCTIONS)


def test_functions__take_as_many_arguments():
    for name, count in declared_functions().items():
        assert len(native.FUNCTIONS[name][1]) == count, name


def test_codes__are_those_of_the_header():
    from evreplay import Status

    text = (ROOT / "include" / "evreplay" / "base.h").read_text()
    codes = {name.removeprefix("E_"): int(code) for name, code in re.findall(r"#define EVR_(OK|E_\w+) \(?(-?\d+)\)?", text)}
    assert codes == {status.name: status.value for status in Status}


@pytest.mark.parametrize(
    "prefix, members", [("EVR_KIND_", "EventKind"), ("EVR_STATUS_", "Outcome"), ("EVR_FORMAT_", "Format"), ("EVR_VALUE_", "Kind")]
)
def test_constants__are_those_of_the_headers(prefix, members):
    import evreplay
    from evreplay import values

    enum = getattr(evreplay, members, None) or getattr(values, members)
    text = "".join((ROOT / "include" / "evreplay" / header).read_text() for header in sorted(HEADERS))
    found = {name: int(number) for name, number in re.findall(rf"#define {prefix}(\w+) (\d+)", text)}
    assert found == {member.name: member.value for member in enum}


def test_library__refused_when_it_lacks_functions(monkeypatch):
    class Old:
        _name = "libold.so"

        def __getattr__(self, name):
            if name == "evr_replayer_run":
                raise AttributeError(name)
            return type("Function", (), {})()

    with pytest.raises(ImportError, match="older than this package: it lacks evr_replayer_run"):
        native.declare(Old())


def test_library__refused_when_it_speaks_another_abi(monkeypatch):
    monkeypatch.setattr(native, "ABI_VERSION", 999)
    with pytest.raises(ImportError, match="does not fit this package: .*999"):
        native.check(native.lib)


def test_library__not_found_says_where_it_looked():
    from conftest import run_python

    result = run_python("import evreplay", check=False, EVREPLAY_LIBRARY="/nowhere/libevreplay.so")
    assert result.returncode == 1
    assert "ImportError" in result.stderr and "/nowhere/libevreplay.so" in result.stderr and "EVREPLAY_LIBRARY" in result.stderr
