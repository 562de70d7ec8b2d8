#!/usr/bin/env python3
"""Opens the pages of write_forms in chromium, headless, over its debugging pipe: tables sort and filter, nothing is logged, nothing is loaded, hostile
texts run nothing, and without the script everything can still be read.

usage: check_browser.py WRITE_FORMS      (77 when there is no chromium)
"""
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time


class Browser:
    """Messages end with a NUL byte; chromium reads them from descriptor 3 and writes to 4."""

    def __init__(self, program, profile):
        to_read, self.to = os.pipe()
        self.back, back_write = os.pipe()
        shell = f'exec "$0" "$@" 3<&{to_read} 4>&{back_write}'
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run", "--disable-extensions",
                   "--disable-background-networking", "--disable-dev-shm-usage", f"--user-data-dir={profile}", "about:blank"]
        self.process = subprocess.Popen(["sh", "-c", shell, program, *options], pass_fds=(to_read, back_write), start_new_session=True,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(back_write)
        self.buffer, self.next, self.events = b"", 0, []

    def receive(self, seconds):
        end = time.monotonic() + seconds
        while b"\0" not in self.buffer:
            if not select.select([self.back], [], [], max(0, end - time.monotonic()))[0]:
                return None
            part = os.read(self.back, 1 << 20)
            if not part:
                raise RuntimeError("chromium ended")
            self.buffer += part
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=None, seconds=120, **params):
        self.next += 1
        message = {"id": self.next, "method": method, "params": params, **({"sessionId": session} if session else {})}
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data):]
        while True:
            answer = self.receive(seconds)
            if answer is None:
                raise RuntimeError(f"no answer to {method}")
            if answer.get("id") == self.next:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def close(self):
        os.close(self.to)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.back)


class Page:
    def __init__(self, browser, path, script=True, scheme="light"):
        self.browser, self.path = browser, path
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        browser.events.clear()
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        began = time.monotonic()
        self.call("Page.navigate", url=path.as_uri())
        while not any(e.get("method") == "Page.loadEventFired" for e in browser.events):
            event = browser.receive(120)
            if event is None:
                raise RuntimeError(f"{path} does not load")
            browser.events.append(event)
        self.seconds = time.monotonic() - began

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def eval(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def noise(self):
        """What was logged, thrown, or asked for besides the page itself."""
        self.eval("1")
        found = []
        for event in self.browser.events:
            method, params = event.get("method"), event.get("params", {})
            if method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
                found.append(f"{method}: {json.dumps(params)[:300]}")
            if method == "Network.requestWillBeSent" and params["request"]["url"] not in (self.path.as_uri(), "data:,"):
                found.append(f"asks for {params['request']['url'][:200]}")
        return found


problems = []


def need(good, text):
    if not good:
        problems.append(text)


COLUMN = "[...document.querySelector('section.list tbody').rows].map(r => r.cells[%d].dataset.v ?? r.cells[%d].textContent)"
SORT = "document.querySelectorAll('section.list th')[%d].querySelector('button').click()"
FILTER = "(() => { const i = document.querySelector('section.list input'); i.value = %s; i.dispatchEvent(new Event('input')); })()"
SHOWN = "[...document.querySelector('section.list tbody').rows].filter(r => r.offsetParent !== null && !r.hidden).length"


def numbers(values):
    return [float(v) for v in values if v != ""]


def check_sorting(page, column, name):
    before = page.eval(COLUMN % (column, column))
    page.eval(SORT % column)
    down = page.eval(COLUMN % (column, column))
    page.eval(SORT % column)
    up = page.eval(COLUMN % (column, column))
    need(sorted(before) == sorted(down) == sorted(up), f"{name}: sorting loses rows")
    need(numbers(down) == sorted(numbers(before), reverse=True), f"{name}: column {column} does not sort downwards: {down[:9]}")
    need(numbers(up) == sorted(numbers(before)), f"{name}: column {column} does not sort upwards: {up[:9]}")
    missing = [v == "" for v in up]
    need(missing == sorted(missing), f"{name}: cells without a value do not come last")


def check_sample(browser, path):
    for scheme, dark in (("light", False), ("dark", True)):
        page = Page(browser, path, scheme=scheme)
        colour = page.eval("getComputedStyle(document.body).backgroundColor")
        red = int(colour.split("(")[1].split(",")[0])
        need((red < 64) == dark, f"{scheme}: the background is {colour}")
        need(page.eval("document.querySelectorAll('section.list tbody svg path.bar, #shares rect, #scatter circle').length") >= 3, "plots are missing")
        check_sorting(page, 4, "sample")
        check_sorting(page, 0, "sample")
        page.eval(SORT % 1)
        names = page.eval(COLUMN % (1, 1))
        need(names == sorted(names, key=str.lower), f"names do not sort: {names}")
        need(page.noise() == [], f"{scheme}: {page.noise()}")


def check_filter(browser, path):
    page = Page(browser, path)
    page.eval(FILTER % json.dumps("ADD tensor"))
    need(page.eval(SHOWN) == 1, "the filter by words")
    page.eval(FILTER % json.dumps(""))
    page.eval("(() => { const s = document.querySelector('section.list select'); s.value = 'failed'; s.dispatchEvent(new Event('change')); })()")
    need(page.eval(SHOWN) == 1, "the filter by kind")
    need(page.noise() == [], f"filter: {page.noise()}")


def check_without_script(browser, path, rows):
    page = Page(browser, path, script=False)
    # evaluation from outside works even where the page may not run anything
    need(page.eval(SHOWN) == rows, "without the script rows are missing")
    need(page.eval("getComputedStyle(document.querySelector('.tools')).display") == "none", "without the script its controls show")
    need(page.eval("document.querySelectorAll('th button').length") == 0, "the script ran")
    need(page.noise() == [], f"without script: {page.noise()}")


def check_hostile(browser, path):
    page = Page(browser, path)
    need(page.eval("typeof window.broken") == "undefined", "a hostile text ran")
    need(page.eval("document.scripts.length") == 1 and page.eval("document.images.length") == 0, "a hostile text made an element")
    page.eval("document.querySelectorAll('details').forEach(d => d.open = true)")
    need(page.eval("document.querySelector('section.list tbody').rows[0].cells[1].dataset.v").startswith("<script>"), "the name is not shown as it is")
    check_sorting(page, 4, "hostile")
    need(page.noise() == [], f"hostile: {page.noise()}")


def check_many(browser, path):
    page = Page(browser, path)
    check_sorting(page, 7, "many")
    began = time.monotonic()
    page.eval(FILTER % json.dumps("op_17"))
    need(0 < page.eval(SHOWN) < 10000, "many: the filter")
    print(f"10,000 rows: loaded in {page.seconds:.1f} s, filtered in {time.monotonic() - began:.1f} s")
    need(page.noise() == [], f"many: {page.noise()}")


def check_comparison(browser, path):
    page = Page(browser, path)
    check_sorting(page, 5, path.name)
    need(page.eval("typeof window.broken") == "undefined", f"{path.name}: a hostile text ran")
    need(page.noise() == [], f"{path.name}: {page.noise()}")


def main(write_forms):
    program = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
    if not program:
        print("skipped: chromium is not installed; ./dev test --browser installs it")
        return 77
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([write_forms, folder], check=True)
        browser = Browser(program, folder / "profile")
        try:
            check_sample(browser, folder / "sample.html")
            check_filter(browser, folder / "sample.html")
            check_without_script(browser, folder / "sample.html", 4)
            check_hostile(browser, folder / "hostile.html")
            check_many(browser, folder / "many.html")
            for path in sorted(folder.glob("compare*.html")):
                check_comparison(browser, path)
        finally:
            browser.close()
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
