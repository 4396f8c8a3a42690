"""The command on every terminal: latin-1, ASCII, no colour, 60 columns, not a terminal."""

from __future__ import annotations

import os
import pty
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("more", [{}, {"NO_COLOR": "1"}])
def test_a_terminal_of_60_columns(tmp_path, more):
    import fcntl
    import termios

    theirs, ours = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    running = subprocess.Popen(DOCTOR, stdout=ours, stderr=subprocess.DEVNULL, env=environment(tmp_path, **more))
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
    assert running.wait(60) in (0, 3)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said.decode())
    assert ("\x1b[" in said.decode()) is not bool(more)
    assert "✓ Python" in plain and max(map(len, plain.splitlines())) <= 60, plain
