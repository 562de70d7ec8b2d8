#!/usr/bin/env python3
"""Makes lib/schema/snapshot_data.c: the operator schemas of several PyTorch versions, each text once.

    python make_schema_snapshot.py dump > torch-2.13.0.txt        with each version's own python
    python make_schema_snapshot.py merge torch-*.txt -o lib/schema/snapshot_data.c

A dump is the version, then one schema a line. The merged text is, for each different schema in byte order, a hexadecimal mask
of the versions that have it, a space, the schema and a line break; it is stored zstd-compressed (needs the zstd command).
"""
import argparse
import pathlib
import re
import subprocess
import sys


def dump() -> None:
    import torch

    print(re.match(r"\d+\.\d+\.\d+", torch.__version__).group())
    print("\n".join(sorted({str(schema) for schema in torch._C._jit_get_all_schemas()})))


def merge(paths: list[str], output: str) -> None:
    dumps = sorted((pathlib.Path(p).read_text().splitlines() for p in paths), key=lambda d: tuple(map(int, d[0].split("."))))
    versions = [d[0] for d in dumps]
    masks: dict[str, int] = {}
    for bit, lines in enumerate(dumps):
        for schema in lines[1:]:
            masks[schema] = masks.get(schema, 0) | 1 << bit
    text = "".join(f"{mask:x} {schema}\n" for schema, mask in sorted(masks.items(), key=lambda item: item[0].encode())).encode()
    packed = subprocess.run(["zstd", "--ultra", "-22", "-c"], input=text, stdout=subprocess.PIPE, check=True).stdout
    rows = "\n".join("    " + "".join(f"{byte}," for byte in packed[i : i + 40]) for i in range(0, len(packed), 40))
    names = "".join(f'    "{version}",\n' for version in versions)
    pathlib.Path(output).write_text(
        "/* Made by tools/make_schema_snapshot.py: operator schemas of the PyTorch versions below, compressed. */\n"
        '#include "schema/snapshot.h"\n\n'
        f"const char *const evr_snapshot_versions[] = {{\n{names}}};\n\n"
        f"const size_t evr_snapshot_version_count = {len(versions)};\n"
        f"const size_t evr_snapshot_text_size = {len(text)};\n"
        f"const size_t evr_snapshot_size = {len(packed)};\n"
        f"const unsigned char evr_snapshot_data[] = {{\n{rows}\n}};\n"
    )
    print(f"{len(masks)} schemas of {', '.join(versions)}: {len(text)} bytes, {len(packed)} packed", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("dump")
    merging = commands.add_parser("merge")
    merging.add_argument("dumps", nargs="+")
    merging.add_argument("-o", "--output", required=True)
    arguments = parser.parse_args()
    if arguments.command == "dump":
        dump()
    else:
        merge(arguments.dumps, arguments.output)


if __name__ == "__main__":
    main()
