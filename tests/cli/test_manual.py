"""The manual page and the completions: written from the same tables as --help, so they name what --help names, and the shells take them."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from conftest import EVREPLAY
from test_command import COMMANDS

DB = ["update", "add", "merge", "import", "export", "history", "nearest", "check", "missing", "fill", "report"]
ALL = [(command,) for command in COMMANDS if command != "db"] + [("db", sub) for sub in DB]


@pytest.fixture
def page(evreplay):
    return evreplay("help", "--man").stdout


def options_of(evreplay, command):
    """What --help says of a command: its long options and those that take a value."""
    text = evreplay(*command, "--help").stdout
    return re.findall(r"^ +(?:-\w, )?--([\w-]+)", text.split("\noptions:\n")[-1], re.M)


def need(tool):
    if not shutil.which(tool):
        pytest.skip(f"{tool} is not installed")
    return tool


def test_the_page_has_every_command_and_option(evreplay, page):
    for command in ALL:
        section = page.split(f'.SS "evreplay {" ".join(command)}"\n')[1].split("\n.SS ")[0]
        for option in options_of(evreplay, command):
            if option != "help":
                assert "--" + option in section.replace("\\", ""), (command, option)
    assert [int(code) for code in re.findall(r"^\.TP\n(\d)$", page.split(".SH EXIT STATUS")[1], re.M)] == [0, 1, 2, 3, 4, 5]


def test_the_page_has_no_fault(page, tmp_path):
    (tmp_path / "evreplay.1").write_text(page)
    done = subprocess.run([need("mandoc"), "-Tlint", "-Wwarning", tmp_path / "evreplay.1"], capture_output=True, text=True)
    # a page that a program writes has no date: the same program writes the same page
    assert [line for line in done.stdout.splitlines() if "missing date" not in line] == []


def test_the_page_reads_as_text(page, tmp_path):
    (tmp_path / "evreplay.1").write_text(page)
    text = subprocess.run([need("mandoc"), "-Tutf8", tmp_path / "evreplay.1"], capture_output=True, text=True, check=True).stdout
    text = re.sub(".\b", "", text)
    assert "-v, --verbose" in text and "--uid N…" in text and "`" not in text.replace("``", "")
    assert "3      regression found" in text


def test_help_of_a_command_by_its_name(evreplay):
    assert evreplay("help", "bench").stdout == evreplay("bench", "--help").stdout
    assert evreplay("help", "db", "fill").stdout == evreplay("db", "fill", "--help").stdout
    assert evreplay("help", "db").stdout == evreplay("db", "--help").stdout
    wrong = evreplay("help", "benhc")
    assert wrong.returncode == 2 and "did you mean bench" in wrong.stderr


def test_columns_of_the_help_stand_in_line(evreplay):
    text = evreplay("bench", "--help").stdout.split("\noptions:\n")[1].split("\n\n")[0]
    assert {len(re.match(r"( +(-\w, )?--[\w-]+( \S+)?) +", line)[0]) for line in text.split("\n")} == {31}


def test_unknown_shell_is_usage(evreplay):
    for args in ([], ["tcsh"], ["bash", "zsh"]):
        done = evreplay("completion", *args)
        assert done.returncode == 2 and done.stdout == "" and "bash|zsh|fish" in done.stderr


class Bash:
    """Completes a line as bash does when the tabulator is pressed behind it."""

    def __init__(self, folder):
        self.folder = folder
        self.script = subprocess.run([EVREPLAY, "completion", "bash"], capture_output=True, text=True, check=True).stdout

    def __call__(self, line):
        words = line.split(" ")
        quoted = " ".join(f"'{word}'" for word in words)
        program = f"{self.script}\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _evreplay; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        done = subprocess.run([need("bash"), "-c", program], capture_output=True, text=True, cwd=self.folder)
        assert done.returncode == 0 and done.stderr == ""
        return sorted(done.stdout.split())


@pytest.fixture
def bash(tmp_path):
    (tmp_path / "trace.json").write_text("{}")
    (tmp_path / "folder").mkdir()
    return Bash(tmp_path)


def test_bash_completes_commands(bash):
    assert set(COMMANDS) < set(bash("evreplay "))
    assert bash("evreplay ex") == ["extract"]
    assert bash("evreplay completion ") == ["bash", "fish", "zsh"]
    assert set(bash("evreplay db ")) == {*DB, "--help"}
    assert bash("evreplay db mi") == ["missing"]


def test_bash_completes_every_option(bash, evreplay):
    for command in ALL:
        assert set(bash(f"evreplay {' '.join(command)} --")) == {"--" + option for option in options_of(evreplay, command)}, command


def test_bash_completes_files_where_files_go(bash):
    assert bash("evreplay info ") == ["folder", "trace.json"]
    assert bash("evreplay bench trace.json --json ") == ["folder", "trace.json"]
    assert bash("evreplay extract x -o tr") == ["trace.json"]
    assert bash("evreplay bench trace.json --top ") == []  # a number: nothing to offer
    assert bash("evreplay doctor ") == sorted(bash("evreplay doctor --"))


def test_bash_finds_it_where_it_is_installed(evreplay, tmp_path):
    """bash-completion loads it by the command's name."""
    loader = pathlib.Path("/usr/share/bash-completion/bash_completion")
    if not loader.exists():
        pytest.skip("bash-completion is not installed")
    folder = tmp_path / "bash-completion" / "completions"
    folder.mkdir(parents=True)
    (folder / "evreplay").write_text(evreplay("completion", "bash").stdout)
    done = subprocess.run([need("bash"), "-c", f". {loader}; _completion_loader evreplay; complete -p evreplay"], capture_output=True, text=True,
                          env={**os.environ, "BASH_COMPLETION_USER_DIR": str(tmp_path / "bash-completion")})  # fmt: skip
    assert done.stdout == "complete -F _evreplay evreplay\n"


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_take_their_script(evreplay, shell, tmp_path):
    script = tmp_path / "script"
    script.write_text(evreplay("completion", shell).stdout)
    done = subprocess.run([need(shell), "-n", script], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
    text = script.read_text()
    for command in ALL:
        assert command[-1] in text
        for option in options_of(evreplay, command):
            assert option == "help" or f"--{option}" in text or f"-l {option}" in text


def test_zsh_offers_commands_and_options(evreplay, tmp_path):
    """The function is run with stand-ins for what zsh's own completion offers."""
    program = evreplay("completion", "zsh").stdout.rsplit("if [[ $funcstack", 1)[0]
    stubs = "_describe() { print -l -- ${(P)2}; }\n_arguments() { print -l -- $@; }\n"

    def offered(*words):
        line = " ".join(f"'{word}'" for word in words)
        done = subprocess.run([need("zsh"), "-fc", f"{program}\n{stubs}words=({line}); CURRENT={len(words)}; _evreplay"], capture_output=True, text=True)
        assert done.returncode == 0 and done.stderr == ""
        return done.stdout

    assert "extract:" in offered("evreplay", "")
    assert "missing:" in offered("evreplay", "db", "")
    assert "--precision=[" in offered("evreplay", "bench", "--")
    assert "--prune[" in offered("evreplay", "db", "update", "--")


class Fish:
    """Completes a line as fish does when the tabulator is pressed behind it."""

    def __init__(self, folder):
        self.folder = folder
        self.script = folder / "evreplay.fish"
        self.script.write_text(subprocess.run([EVREPLAY, "completion", "fish"], capture_output=True, text=True, check=True).stdout)

    def __call__(self, line):
        done = subprocess.run([need("fish"), "--no-config", "-c", f"source {self.script}; cd x; complete -C '{line}'"],
                              capture_output=True, text=True, cwd=self.folder, env={**os.environ, "HOME": str(self.folder)})  # fmt: skip
        assert done.returncode == 0 and done.stderr == ""
        return sorted(offer.split("\t")[0] for offer in done.stdout.splitlines())


@pytest.fixture
def fish(tmp_path):
    (tmp_path / "x" / "folder").mkdir(parents=True)
    (tmp_path / "x" / "trace.json").write_text("{}")
    return Fish(tmp_path)


def test_fish_completes_commands(fish):
    assert set(COMMANDS) < set(fish("evreplay "))
    assert fish("evreplay ext") == ["extract"]
    assert fish("evreplay completion ") == ["bash", "fish", "zsh"]
    assert set(DB) == set(fish("evreplay db "))
    assert fish("evreplay db mi") == ["missing"]
    assert not set(DB) & set(fish("evreplay db missing "))


def test_fish_completes_every_option(fish, evreplay):
    for command in ALL:
        wanted = {"--" + option for option in options_of(evreplay, command)} - {"--help"}
        offered = {offer for offer in fish(f"evreplay {' '.join(command)} --") if offer.startswith("--")}
        assert offered == wanted, command


def test_fish_completes_files_where_files_go(fish):
    assert fish("evreplay info tr") == ["trace.json"]
    assert fish("evreplay bench trace.json --json tr") == ["trace.json"]
    assert fish("evreplay bench trace.json --top tr") == []
    assert "trace.json" not in fish("evreplay doctor ")
