#!/usr/bin/env python3
"""Reads the reports that write_forms writes as other programs would, and checks that no text in them left the place it was put in.

usage: check_forms.py WRITE_FORMS [--refresh]      (--refresh: writes the golden files of tests/data/report anew)
"""
import csv
import html.parser
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

HERE = pathlib.Path(__file__).parent
GOLDEN = HERE.parent / "data" / "report"
VOID = {"meta", "link", "input", "br"}
TAGS = {"html", "head", "title", "style", "body", "main", "h1", "h2", "div", "b", "span", "dl", "dt", "dd", "p", "code", "section", "table", "thead", "tbody",
        "tr", "th", "td", "details", "summary", "select", "option", "output", "script", "svg", "path", "circle", "rect", "text"} | VOID
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "rel", "href", "class", "id", "scope", "data-sort", "data-k", "data-v", "type", "aria-label",
              "placeholder", "value", "role", "width", "height", "viewbox", "d", "r", "cx", "cy", "x", "y", "text-anchor", "style"}
problems = []


def need(good, text):
    if not good:
        problems.append(text)


class Page(html.parser.HTMLParser):
    """Tags open and close in order, and there are none but those the writer knows."""

    def __init__(self, name):
        super().__init__()
        self.name, self.open, self.rows, self.title = name, [], 0, ""
        self.scripts = 0

    def handle_starttag(self, tag, attrs):
        need(tag in TAGS, f"{self.name}: a tag <{tag}>")
        for key, value in attrs:
            need(key in ATTRIBUTES, f"{self.name}: an attribute {key} of <{tag}>")
            need(key != "href" or value == "data:,", f"{self.name}: a link to {value}")
            need(key != "style" or re.fullmatch(r"width:\d+px", value), f"{self.name}: style {value}")
        self.scripts += tag == "script"
        self.rows += tag == "tr" and any(k == "data-k" for k, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        need(self.open and self.open[-1] == tag, f"{self.name}: </{tag}> closes {self.open[-1:]}")
        if self.open:
            self.open.pop()


def check_page(path, rows):
    page = Page(path.name)
    text = path.read_text(encoding="utf-8", errors="strict")
    page.feed(text)
    page.close()
    need(not page.open, f"{path.name}: not closed: {page.open}")
    need(page.scripts == 1, f"{path.name}: {page.scripts} scripts")
    need(page.rows == rows, f"{path.name}: {page.rows} rows, not {rows}")
    need(not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text), f"{path.name}: control characters")
    need("http://" not in re.sub("&#[0-9]+;", "", text).replace("http://127.0.0.1:9/x", ""), f"{path.name}: an address")


def check_hostile(folder, results):
    rows = list(csv.DictReader((folder / "hostile.csv").open(newline="", encoding="utf-8")))
    need(len(rows) == len(results), f"hostile.csv: {len(rows)} rows, not {len(results)}")
    for row, result in zip(rows, results):
        for field in ("op", "overload", "arguments", "detail", "initializer", "device", "protocol"):
            text = row[field][1:] if row[field][:1] == "'" and row[field][1:2] in set("=+-@\t\r") else row[field]
            need(text == result[field], f"hostile.csv: {field} is {row[field]!r}, not {result[field]!r}")
            need(row[field][:1] not in tuple("=+-@"), f"hostile.csv: a formula {row[field]!r}")
    suite = ET.parse(folder / "hostile.xml").getroot().find("testsuite")
    cases = suite.findall("testcase")
    need(len(cases) == len(results) == int(suite.get("tests")), "hostile.xml: cases")
    need(len(suite.findall("testcase/failure")) == int(suite.get("failures")) > 0, "hostile.xml: failures")
    need(len(suite.findall("testcase/skipped")) == int(suite.get("skipped")) > 0, "hostile.xml: skipped")
    need(len({(c.get("classname"), c.get("name")) for c in cases}) == len(cases), "hostile.xml: two cases with one name")
    for case, result in zip(cases, results):
        want = re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]", "\ufffd", result["op"])
        need(case.get("classname") == want, f"hostile.xml: {case.get('classname')!r} is not {want!r}")
    check_page(folder / "hostile.html", len(results))
    lines = (folder / "hostile.md").read_text(encoding="utf-8").splitlines()
    table = [line for line in lines if line.startswith("| ") and line.endswith(" |")]
    need(sum(line.count(" | ") >= 8 for line in table) == len(results) + 2, "hostile.md: rows")
    for line in table:
        need(line.replace("|  |", "| |").count("|") in (3, 4, 10), f"hostile.md: {line.count('|')} bars in {line}")
        bare = re.sub(r"<code>[^<>]*</code>|`[^`|]*`", "", line)
        need(not re.search(r"[<>`\[\]@*]", bare), f"hostile.md: {bare}")
    text = (folder / "hostile.txt").read_text(encoding="utf-8")
    need(not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text), "hostile.txt: control characters")


def check_comparison(folder, name):
    """Every form tells the same number of rows, and hostile texts stay where they are."""
    document = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    changes = document["changes"]
    counts = {kind: sum(c["change"] == kind for c in changes) for kind in ("regression", "improvement", "new", "gone", "unknown")}
    for kind, field in (("regression", "regressions"), ("improvement", "improvements"), ("new", "new"), ("gone", "gone"), ("unknown", "unknown")):
        need(counts[kind] == document["summary"][field], f"{name}.json: {field}")
    rows = list(csv.DictReader((folder / f"{name}.csv").open(newline="", encoding="utf-8")))
    need([r["change"] for r in rows] == [c["change"] for c in changes], f"{name}.csv: rows")
    suite = ET.parse(folder / f"{name}.xml").getroot().find("testsuite")
    need(len(suite.findall("testcase")) == len(changes) == int(suite.get("tests")), f"{name}.xml: cases")
    need(len(suite.findall("testcase/failure")) == counts["regression"] == int(suite.get("failures")), f"{name}.xml: failures")
    need(len(suite.findall("testcase/skipped")) == counts["gone"] + counts["unknown"] == int(suite.get("skipped")), f"{name}.xml: skipped")
    check_page(folder / f"{name}.html", len(changes))
    comment = (folder / f"{name}.md").read_text(encoding="utf-8")
    need(len(comment) < 65536, f"{name}.md: longer than a comment may be")
    for line in comment.splitlines():
        if line.startswith("| "):
            need(line.replace("|  |", "| |").count("|") == 8, f"{name}.md: {line.count('|')} bars in {line}")
            bare = re.sub(r"<code>[^<>]*</code>|`[^`|]*`|< 0\.0001", "", line)
            need(not re.search(r"[<>`\[\]@*]", bare), f"{name}.md: {bare}")
    text = (folder / f"{name}.txt").read_text(encoding="utf-8")
    need(not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text), f"{name}.txt: control characters")


def check_golden(folder, refresh):
    version = json.loads((folder / "sample.json").read_text())["library"]
    for form in ("json", "csv", "md", "xml", "txt"):
        for path in sorted(folder.glob(f"*.{form}")):
            if path.stem.endswith("hostile"):
                continue
            text = path.read_text(encoding="utf-8").replace(f'"library":"{version}"', '"library":"VERSION"')
            if refresh:
                GOLDEN.mkdir(parents=True, exist_ok=True)
                (GOLDEN / path.name).write_text(text)
            want = (GOLDEN / path.name).read_text(encoding="utf-8") if (GOLDEN / path.name).exists() else ""
            need(text == want, f"{path.name} is not tests/data/report/{path.name}; refresh it when that is wanted:\n{text}")


def closed(schema):
    """The same, with every field that it does not name forbidden: readers pass over those, this library writes none."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    more = {"additionalProperties": False} if schema.get("type") == "object" and "properties" in schema else {}
    return {**{name: closed(part) for name, part in schema.items()}, **more}


def check_schema(folder, names, schema):
    try:
        import jsonschema
    except ImportError:
        print("note: without jsonschema the schemas are not checked")
        return
    validator = jsonschema.Draft202012Validator(closed(json.loads((HERE.parent.parent / "docs" / schema).read_text())))
    for name in names:
        document = json.loads((folder / name).read_text())
        for error in validator.iter_errors(document):
            best = jsonschema.exceptions.best_match([error])
            if name.startswith("hostile") and list(best.absolute_path)[-1:] == ["key"]:
                continue
            problems.append(f"{name}: {'/'.join(map(str, best.absolute_path))}: {best.message[:200]}")


def main(program, *options):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([program, folder], check=True)
        results = json.loads((folder / "hostile.json").read_text(encoding="utf-8"))["results"]
        check_hostile(folder, results)
        check_page(folder / "sample.html", 4)
        check_page(folder / "many.html", 10000)
        check_comparison(folder, "compare")
        check_comparison(folder, "compare_hostile")
        check_golden(folder, "--refresh" in options)
        check_schema(folder, ["sample.json", "hostile.json", "before.json", "after.json"], "results.schema.json")
        check_schema(folder, ["compare.json", "compare_hostile.json"], "comparison.schema.json")
    for problem in problems[:20]:
        print(problem)
    print(f"{len(results)} hostile results, {len(problems)} problems")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
