"""The command on every terminal: latin-1, ASCII, no colour, 60 columns, not a terminal."""

from __future__ import annotations

import fcntl
import itertools
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kitlib.cli import app
from kitlib.cli.clusters import _rows

CHECKOUT = Path(__file__).resolve().parents[2]
DOCTOR = [sys.executable, "-m", "kitlib.cli", "doctor"]


def environment(place: Path, **more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    return {**kept, "PYTHONPATH": str(CHECKOUT), "KITLIB_STATE": str(place), "TERM": "xterm", **more}


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8"])
def test_a_sign_that_a_terminal_lacks_is_replaced(tmp_path, encoding):
    done = subprocess.run(
        DOCTOR, capture_output=True, check=False, env=environment(tmp_path, PYTHONIOENCODING=encoding)
    )
    said = done.stdout.decode(encoding)
    assert done.returncode in (0, 3) and b"Traceback" not in done.stderr
    assert re.search(r"^✓ Python" if encoding == "utf-8" else r"^\+ Python", said, re.MULTILINE), said
    assert "\x1b" not in said, "no colour where there is no terminal"


def on_terminal(columns: int, words: list[str], variables: dict[str, str]) -> tuple[str, int]:
    """Run kitlib where both its streams are a terminal; return what it showed, and its exit code."""
    theirs, ours = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    running = subprocess.Popen(
        [sys.executable, "-m", "kitlib.cli", *words], stdout=ours, stderr=ours, stdin=subprocess.DEVNULL, env=variables
    )
    os.close(ours)
    said = b""
    while True:
        try:
            part = os.read(theirs, 65536)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        said += part
    os.close(theirs)
    return said.decode(), running.wait(60)


@pytest.mark.parametrize("more", [{}, {"NO_COLOR": "1"}])
def test_a_terminal_of_60_columns(tmp_path, more):
    said, code = on_terminal(60, ["doctor"], environment(tmp_path, **more))
    assert code in (0, 3)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said)
    assert ("\x1b[" in said) is not bool(more)
    assert "✓ Python" in plain
    assert all(len(line) <= 60 or len(line.split()) == 1 for line in plain.splitlines()), plain


@pytest.mark.parametrize("columns", [60, 80])
def test_a_path_is_broken_by_the_terminal_alone(tmp_path, columns):
    """Then it can be copied; it begins further to the left where it fits there."""
    place = tmp_path / ("a-long-name-" * 4)
    said, _ = on_terminal(columns, ["doctor"], environment(place, NO_COLOR="1"))
    (line,) = [line for line in said.splitlines() if str(place) in line]
    assert line.strip() == str(place)


def test_what_a_cluster_is_like_is_told_in_words():
    assert _rows({"running": True, "whole": False, "parts": {"etcd": "alive"}}) == [
        ("  running:", "yes"),
        ("  whole:", "no"),
        ("  parts:", "etcd alive"),
    ]


def help_of(command: str, columns: int) -> str:
    done = CliRunner().invoke(app, [*command.split(), "--help"], prog_name="kitlib", terminal_width=columns)
    assert done.exit_code == 0
    return done.output


COMMANDS = ["", "up", "down", "status", "doctor", "walk", "lab", "record", "show", "plot", "completion"]
COMMANDS += ["airgap", "airgap build", "airgap status", "airgap clean", "airgap engine"]


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_help_breaks_no_line_within_a_word(command, columns):
    said = help_of(command, columns)
    too_long = [line for line in said.splitlines() if len(line) > columns and len(line.split()) > 1]
    assert not too_long, too_long
    summaries = said.partition("Commands:")[2].partition("\n\n")[0]
    assert columns < 80 or "..." not in summaries, "each command is told whole at 80 columns"
    if "..." not in summaries:  # a word that was broken, at a dash as well, is none of these
        assert sorted(said.split()) == sorted(help_of(command, 1000).split())


@pytest.mark.parametrize("command", COMMANDS)
def test_a_help_says_in_words_of_people_what_is_to_be_put_in(command):
    said = help_of(command, 80).partition("Examples:")[0]
    assert not re.search(r"<(?!text\|json>|story\|)|list\[|range|\{", said), said
    usage, _, _ = said.partition("\n")
    for argument in re.findall(r"[A-Z-]{3,}", usage.partition("[OPTIONS]")[2].replace("[ARGS]", "")):
        assert argument == "COMMAND" or re.search(rf"^  (-- )?{argument}  +[A-Z-]", said, re.MULTILINE), said


@pytest.mark.parametrize("columns", [60, 80, 100])
@pytest.mark.parametrize("command", COMMANDS)
def test_what_an_example_does_is_never_taken_for_a_command(command, columns):
    """It stands beside the example, or whole on the lines below it."""
    examples = help_of(command, columns).partition("Examples:\n")[2].partition("\n\n")[0].splitlines()
    for line, below in itertools.pairwise(examples):
        goes_on = below.startswith(" " * 6) and not below.startswith(" " * 12)
        assert not (goes_on and re.search(r"\S {3,}\S", line)), "\n".join(examples)


WRONG = {
    "walk deploymnt": "did you mean deployment?",
    "up --kubernetes 1.2": "is not one that kitlib can bring up",
    "record --for soon": "Error: Invalid value for '--for': 'soon' is no length of time",
    "record --redact all": "Error: Invalid value for '--redact': 'all' is not one of 'env'",
    "plot a.rec --out a.png --figure pie": "Error: Invalid value for '--figure': 'pie' is not one of 'story'",
    "up --nodes 0": "Error: Invalid value for '--nodes': '0' is no number of nodes: write 1 or more",
    "up --nodes many": "Error: Invalid value for '--nodes': 'many' is no number of nodes: write 1 or more",
    "completion powershell": "Error: Invalid value for 'SHELL': 'powershell' is not one of 'bash', 'zsh', 'fish'",
    "airgap build ottel": "there is no such part",
}


@pytest.mark.parametrize("call", WRONG)
def test_a_wrong_call_is_told_in_lines_that_fit(tmp_path, call):
    said, code = on_terminal(60, call.split(), environment(tmp_path))
    assert code in (2, 8)
    assert WRONG[call] in " ".join(said.split())
    assert all(len(line) <= 60 or len(line.split()) == 1 for line in said.splitlines()), said
