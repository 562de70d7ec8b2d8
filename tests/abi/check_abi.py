"""Compares the library with the recorded baseline by abidiff, so that a change that breaks a compiled user is seen before it is released.

usage: check_abi.py LIBRARY INCLUDE BASELINE [--refresh | --sees]
--sees checks the check: breaks made on purpose in a copy of what the library is must be told. --refresh writes the baseline anew: at a release, or before 1.0 with the break named in CHANGELOG.md. A library without debug information, or without
abigail-tools, skips (77). A difference that only adds is told and is no failure.
"""
import argparse
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as tree

CHANGED = 4  # bit of abidiff's exit code


def opaque_types(include):
    """Structures whose insides no header shows: handles."""
    text = "\n".join(path.read_text() for path in sorted(include.rglob("*.h")))
    named = set(re.findall(r"^typedef struct (\w+) \1;", text, re.M))
    return named - set(re.findall(r"^(?:typedef )?struct (\w+) \{", text, re.M))


def strip(corpus, opaque):
    """Keeps what users see, as one unit: insides of handles go, with them every type nothing else refers to, and which file a type was seen in."""
    units = corpus.findall("abi-instr")
    unit = units[0]
    for other in units[1:]:
        unit.extend(other)
        corpus.remove(other)
    for name in ("comp-dir-path", "language"):
        unit.attrib.pop(name, None)
    unit.set("path", "evreplay")
    for one in unit.iter("class-decl"):
        if one.get("name") in opaque:
            for inside in list(one):
                one.remove(inside)
            one.attrib.pop("size-in-bits", None)
            one.set("is-declaration-only", "yes")
    while True:
        used = {node.get(key) for node in corpus.iter() for key in ("type-id", "naming-typedef-id") if node.get(key)}
        unused = [one for one in unit if one.get("id") and one.get("id") not in used]
        if not unused:
            return
        for one in unused:
            unit.remove(one)


def describe(library, include, out):
    """Writes the interface of a library as libabigail sees it."""
    command = ["abidw", "--exported-interfaces-only", "--no-elf-needed", "--no-corpus-path", "--no-show-locs", "--type-id-style", "hash", "--headers-dir", include,
               "--drop-private-types", "--out-file", out, library]  # fmt: skip
    subprocess.run([str(part) for part in command], check=True)
    corpus = tree.parse(out)
    opaque = opaque_types(include)
    strip(corpus.getroot(), opaque)
    corpus.write(out, encoding="unicode")
    out.write_text(out.read_text().rstrip("\n") + "\n")
    return corpus.getroot()


# Handed out in arrays, so that a compiled user steps by the size it knows: these never grow.
FIXED = {"evr_call", "evr_check"}


def forgive_growth(was, now):
    """A structure that tells its size may get members behind those it had: such members are dropped before the two are compared."""
    before = {one.get("name"): one for one in was.iter("class-decl") if one.find("data-member") is not None}
    for one in now.iter("class-decl"):
        old, new = [[tree.tostring(member) for member in side.findall("data-member")] for side in (before.get(one.get("name"), one), one)]
        versioned = one.get("name") not in FIXED and new and b'"struct_size"' in new[0]
        if versioned and len(new) > len(old) > 0 and new[: len(old)] == old:
            for member in one.findall("data-member")[len(old) :]:
                one.remove(member)
            one.set("size-in-bits", before[one.get("name")].get("size-in-bits"))


def differ(baseline, now, work):
    """What abidiff says, and whether a compiled user may break: anything but functions that came."""
    was, corpus = tree.parse(baseline), tree.parse(now)
    forgive_growth(was.getroot(), corpus.getroot())
    forgiven = pathlib.Path(work) / "forgiven.abi"
    corpus.write(forgiven, encoding="unicode")
    done = subprocess.run(["abidiff", baseline, forgiven], capture_output=True, text=True)
    clean = done.returncode == 0 or (done.returncode == CHANGED and re.search(r"^Functions changes summary: 0 Removed, 0 Changed", done.stdout)
                                     and re.search(r"^Variables changes summary: 0 Removed, 0 Changed", done.stdout, re.M))  # fmt: skip
    return done.stdout + done.stderr, not clean


def lose_function(root):
    symbols, unit = root.find("elf-function-symbols"), root.find("abi-instr")
    unit.remove(next(one for one in unit.iter("function-decl") if one.get("name") == "evr_ir_op"))
    symbols.remove(next(one for one in symbols if one.get("name") == "evr_ir_op"))


def move_member(root):
    members = next(one for one in root.iter("class-decl") if one.get("name") == "evr_event_desc").findall("data-member")
    for member in members[3:]:
        member.set("layout-offset-in-bits", str(int(member.get("layout-offset-in-bits")) + 64))


def drop_parameter(root):
    function = next(one for one in root.iter("function-decl") if one.get("name") == "evr_trace_open_file")
    function.remove(function.findall("parameter")[2])


def grow(root, name, size_type):
    one = next(one for one in root.iter("class-decl") if one.get("name") == name)
    size = int(one.get("size-in-bits"))
    one.set("size-in-bits", str(size + 64))
    member = tree.SubElement(one, "data-member", {"access": "public", "layout-offset-in-bits": str(size)})
    tree.SubElement(member, "var-decl", {"name": "added", "type-id": size_type, "visibility": "default"})


def check_sight(now, work):
    """Every break made on purpose is told, and what may be done is let pass."""
    number = next(one for one in tree.parse(now).iter("var-decl") if one.get("name") == "struct_size").get("type-id")
    cases = [("nothing", lambda root: None, False), ("a function went", lose_function, True), ("members moved", move_member, True),
             ("a parameter went", drop_parameter, True), ("an options structure grew", lambda root: grow(root, "evr_trace_options", number), False),
             ("a structure without a size grew", lambda root: grow(root, "evr_complex", number), True),
             ("a structure of arrays grew", lambda root: grow(root, "evr_call", number), True)]  # fmt: skip
    wrong = 0
    for what, change, breaks in cases:
        corpus = tree.parse(now)
        change(corpus.getroot())
        changed = pathlib.Path(work) / "changed.abi"
        corpus.write(changed, encoding="unicode")
        text, broken = differ(now, changed, work)
        if broken != breaks:
            print(f"{what}: {'told' if broken else 'not told'}\n{text}")
            wrong += 1
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser()
    for name in ("library", "include", "baseline"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--refresh", action="store_true")
    parser.add_argument("--sees", action="store_true")
    options = parser.parse_args()
    if not (shutil.which("abidw") and shutil.which("abidiff")):
        print("skipped: abidw and abidiff are not installed (Debian: abigail-tools)")
        return 77
    with tempfile.TemporaryDirectory() as work:
        now = pathlib.Path(work) / "now.abi"
        corpus = describe(options.library, options.include, now)
        if corpus.find(".//function-decl") is None:
            print(f"skipped: {options.library} has no debug information")
            return 77
        if options.sees:
            return check_sight(now, work)
        if options.refresh:
            options.baseline.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(now, options.baseline)
            print(f"{options.baseline}: {len(corpus.findall('.//function-decl'))} functions")
            return 0
        was = tree.parse(options.baseline).getroot()
        if was.get("architecture") != corpus.get("architecture"):
            print(f"skipped: the baseline is of {was.get('architecture')}, this machine is {platform.machine()}")
            return 77
        text, broken = differ(options.baseline, now, work)
    print(text, end="")
    if broken:
        print("a compiled user of the baseline may break: see docs/abi.md")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
