"""What the public headers declare: exported functions and structures. Shared by the checks of this folder."""
import pathlib
import re

# Vtables and other structures are found by their `struct [name] {` … `} name;` shape, which all headers keep to.
FUNCTION = re.compile(r"\bEVR_API\b[^;{]*?\b(evr_\w+)\s*\(")
STRUCT = re.compile(r"\b(?:typedef\s+)?struct\s+(evr_\w+)\s*\{(.*?)\n\}\s*(?:\w+\s*)?;", re.S)


def strip_comments(text):
    return re.sub(r"//[^\n]*", "", re.sub(r"/\*.*?\*/", " ", text, flags=re.S))


def headers(include):
    return sorted(pathlib.Path(include, "evreplay").glob("*.h"))


def functions(include):
    """Name → header."""
    found = {}
    for header in headers(include):
        for name in FUNCTION.findall(strip_comments(header.read_text())):
            found[name] = header.name
    return found


def members(body):
    """Names of the top-level members of a structure."""
    body = re.sub(r"\{.*?\}", "", body, flags=re.S)  # of a nested union only its own name counts
    names = []
    for declaration in body.split(";"):
        declaration = declaration.strip()
        if not declaration:
            continue
        pointer = re.search(r"\(\s*\*\s*(\w+)\s*\)\s*\(", declaration)
        name = pointer or re.search(r"(\w+)\s*(?:\[[^\]]*\])?\s*$", declaration)
        names.append(name.group(1))
    return names


def structs(include):
    """[(structure, [member, …], header)] in order of the headers."""
    found = []
    for header in headers(include):
        for name, body in STRUCT.findall(strip_comments(header.read_text())):
            found.append((name, members(body), header.name))
    return found
