"""Installs the package into a folder of its own, builds the examples against it as a stranger would, runs each, and looks at what it says.

usage: run.py cmake|make|notebook shared|static --build FOLDER --source FOLDER [--cc CC] [--cxx CXX] [--python PYTHON]
Exit code: 77 when something is missing that is no part of the package.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

NO_TORCH = 5  # what the examples return where no bridge can be loaded


class Failed(Exception):
    pass


def run(*command, code=0, env=None, cwd=None):
    """Runs a program that must return `code`, or one of them; gives its code and what it wrote to stdout."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env={**os.environ, **(env or {})}, cwd=cwd, timeout=500)
    if done.returncode not in (code if isinstance(code, tuple) else (code,)):
        raise Failed(f"{' '.join(map(str, command))}\nreturned {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
    return done.returncode, done.stdout


def need(text, *patterns):
    for pattern in patterns:
        if not re.search(pattern, text, re.M):
            raise Failed(f"nothing like {pattern!r} in\n{text}")


class Package:
    """The installed package, found by nothing but its prefix."""

    def __init__(self, options, work):
        self.prefix, self.source, self.work, self.options = work / "usr", options.source, work, options
        run("cmake", "--install", options.build, "--prefix", self.prefix)
        self.lib = next(self.prefix.rglob("libevreplay.so")).parent
        for clue in ("EVREPLAY_LIBRARY", "EVREPLAY_BRIDGE", "EVREPLAY_BACKEND_PATH", "EVREPLAY_WORKER"):
            os.environ.pop(clue, None)  # what the build folder has must not help

    def environment(self, library):
        return {"LD_LIBRARY_PATH": str(self.lib)} if library == "shared" else {}

    def build(self, way, library):
        out = self.work / "out"
        if way == "make":
            run("make", "-C", self.source / "examples", f"OUT={out}", f"CC={self.options.cc}", *(["STATIC=1"] if library == "static" else []),
                env={"PKG_CONFIG_PATH": str(self.lib / "pkgconfig")})  # fmt: skip
        else:
            run("cmake", "-S", self.source / "examples", "-B", out, f"-DCMAKE_PREFIX_PATH={self.prefix}", f"-DCMAKE_C_COMPILER={self.options.cc}",
                f"-DCMAKE_CXX_COMPILER={self.options.cxx}", f"-DEXAMPLES_STATIC={'ON' if library == 'static' else 'OFF'}")  # fmt: skip
            run("cmake", "--build", out)
        return out

    @property
    def bridge(self):
        """The bridge that was installed; a program with the archive inside of it looks beside itself, so it is told."""
        return next(iter(self.prefix.rglob("libevreplay_torch.so")), None)


def check_linkage(out, library):
    """The library is inside of the program, or it is not."""
    if tool := shutil.which("ldd"):
        text = subprocess.run([tool, out / "profiler"], capture_output=True, text=True).stdout
        if ("libevreplay.so" in text) != (library == "shared"):
            raise Failed(f"not linked as {library}:\n{text}")


def check_profiler(package, out, env):
    _, text = run(out / "profiler", env=env)
    if text != "aten::addmm(float32[32], float32[8,16], float32[16,32], beta=1, alpha=1): ok, 3 calls, 21000 ns in sgemm_32x32\n":
        raise Failed(f"profiler wrote\n{text}")


def slower_base(results):
    """Results ten times as fast: against them anything is slower."""
    for row in results["results"]:
        row["samples"] = [sample / 10 for sample in row["samples"]]
        for field in ("median", "median_low", "median_high", "mad", "iqr", "q1", "q3", "min", "max", "mean", "std"):
            row["statistics"][field] /= 10
    return json.dumps(results)


def check_first(package, out, env):
    code, text = run(out / "first", package.source / "tests/data/small_kineto.json", *([package.bridge] if package.bridge else []), env=env,
                     code=0 if package.bridge else (0, NO_TORCH))  # fmt: skip
    need(text, r"^\d+ events$")
    if code == NO_TORCH:
        return "first: no bridge to torch was built"
    need(text, r"^aten::\w+$")
    return None


def check_harness(package, out, env):
    folder = package.work / "reports"
    folder.mkdir()
    command = [out / "harness", package.source / "examples/harness/records.json", folder, *([package.bridge] if package.bridge else [])]
    env = {**env, **({"EVREPLAY_WORKER": str(next(package.prefix.rglob("evreplay-worker")))} if not env else {})}
    code, text = run(*command, env=env, code=(0, NO_TORCH) if not package.bridge else 0)
    if code == NO_TORCH:
        return "harness: no bridge to torch was built"
    need(text, r"^aten::add: ok, timed, isolated$", r"^aten::mm: ok, timed, isolated$")
    results = json.loads((folder / "results.json").read_text())
    need((folder / "results.xml").read_text(), r'tests="2"', r'failures="0"')
    need((folder / "results.html").read_text(), r"aten::mm")
    (folder / "base.json").write_text(slower_base(results))
    _, text = run(*command, env=env, code=3)
    need(text, r"^compared: 2 matched, [12] slower$")
    need((folder / "comment.md").read_text(), r"aten::(add|mm)")  # which one a busy machine lets through
    return None


def check_custom_init(package, out, env):
    command = [out / "custom_init", *([package.bridge] if package.bridge else [])]
    code, text = run(*command, env=env, code=(0, NO_TORCH) if not package.bridge else 0)
    need(text, r"^first asked: OneBagInit$", r"^destroyed 1 time\(s\)$")
    if code == NO_TORCH:
        return "custom_init: no bridge to torch was built"
    need(text, r"^filled 1 time\(s\); bags: full empty empty$")
    return None


def check_backend(package, out, env):
    said = r"^processor time by CLOCK_THREAD_CPUTIME_ID: 50 samples, took time$"
    for where in (out, out / "libevreplay_cputime.so"):  # as a folder and as a file
        need(run(out / "measure", where, env=env)[1], said)
    need(run(out / "measure", env={**env, "EVREPLAY_BACKEND_PATH": str(out)})[1], said)
    need(run(out / "measure", env=env)[1], said)  # beside the program, or beside the library when that is shared
    return None


def check_command_with_backend(package, out):
    """The installed command measures by the backend as well."""
    if not package.bridge:
        return "evreplay bench --backend: no bridge to torch was built"
    folder = package.work / "as_cpu"
    folder.mkdir()
    shutil.copy(out / "libevreplay_cputime.so", folder / "libevreplay_cpu.so")
    report = folder / "r.json"
    run(package.prefix / "bin/evreplay", "bench", package.source / "examples/harness/records.json", "--backend", folder, "--json", report)
    need(report.read_text(), r"cputime 1|processor time")
    return None


def check_notebook(package, python):
    if subprocess.run([python, "-c", "import torch, numpy"], capture_output=True).returncode:
        return f"notebook: {python} has no torch"
    if not package.bridge:
        return "notebook: no bridge to torch was built"
    _, text = run(python, package.source / "examples/notebook/notebook.py",
                  env={"PYTHONPATH": str(package.source / "bindings/python"), "EVREPLAY_LIBRARY": str(package.lib)})  # fmt: skip
    need(text, r"^aten::gelu +1 OK$", r"^the replay gives what torch gives: True$", r"^records read back: \['aten::gelu'\]$")
    return None


def check(options, work):
    package = Package(options, work)
    if options.way == "notebook":
        return [check_notebook(package, options.python)]
    if options.way == "make" and not (shutil.which("make") and shutil.which("pkg-config")):
        return ["make or pkg-config is missing"]
    if options.library == "static" and not (package.lib / "libevreplay.a").exists():
        return ["the archive was not built"]
    out, env = package.build(options.way, options.library), package.environment(options.library)
    check_linkage(out, options.library)
    check_profiler(package, out, env)
    if options.library == "shared":  # found beside the library, as a package of backends would be installed
        shutil.copy(out / "libevreplay_cputime.so", package.lib / "evreplay")
    return [check_first(package, out, env), check_harness(package, out, env), check_custom_init(package, out, env), check_backend(package, out, env),
            check_command_with_backend(package, out)]  # fmt: skip


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=("cmake", "make", "notebook"))
    parser.add_argument("library", choices=("shared", "static"))
    for name in ("build", "source"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--cc", default="cc")
    parser.add_argument("--cxx", default="c++")
    parser.add_argument("--python", default=sys.executable)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        try:
            missing = [reason for reason in check(options, pathlib.Path(work)) if reason]
        except Failed as failure:
            print(failure)
            return 1
    for reason in missing:
        print(f"skipped: {reason}")
    return 77 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
