"""The command on every terminal: latin-1, ASCII, no colour, 60 columns, not a terminal."""

from __future__ import annotations

import fcntl
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
    assert "✓ Python" in plain and max(map(len, plain.splitlines())) <= 60, plain


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("command", ["", "up", "walk", "lab", "record", "show", "plot", "airgap", "airgap build"])
def test_a_help_breaks_no_line_within_a_word(command, columns):
    done = CliRunner().invoke(app, [*command.split(), "--help"], prog_name="kitlib", terminal_width=columns)
    assert done.exit_code == 0
    too_long = [line for line in done.output.splitlines() if len(line) > columns and len(line.split()) > 1]
    assert not too_long, too_long
    summaries = done.output.partition("Commands:")[2].partition("\n\n")[0]
    assert columns < 80 or "..." not in summaries, "each command is told whole at 80 columns"


WRONG = {
    "walk deploymnt": "did you mean deployment?",
    "up --kubernetes 1.2": "is not one that kitlib can bring up",
    "record --for soon": "is no length of time",
    "airgap build ottel": "there is no such part",
}


@pytest.mark.parametrize("call", WRONG)
def test_a_wrong_call_is_told_in_lines_that_fit(tmp_path, call):
    said, code = on_terminal(60, call.split(), environment(tmp_path))
    assert code in (2, 8)
    assert WRONG[call] in " ".join(said.split())
    assert all(len(line) <= 60 or len(line.split()) == 1 for line in said.splitlines()), said
