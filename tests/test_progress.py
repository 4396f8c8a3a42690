"""Progress on every terminal: one line that moves and never wraps; plain lines where nothing can move."""

from __future__ import annotations

import codecs
import fcntl
import io
import os
import pty
import re
import select
import struct
import termios
from collections.abc import Callable, Iterator
from typing import TextIO

import pytest
from rich.cells import cell_len

from kitlib import progress
from kitlib.cli.output import _plain
from kitlib.progress import Progress, cells, folded, printable, width

END = "<end>"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], tuple[TextIO, Callable[[], str]]]]:
    """Make a terminal of some columns: a stream, and what is on the other side."""
    monkeypatch.setenv("TERM", "xterm")
    opened = []

    def make(columns: int) -> tuple[TextIO, Callable[[], str]]:
        theirs, ours = pty.openpty()
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        opened.append(theirs)
        stream = os.fdopen(ours, "w", encoding="utf-8")
        opened.append(stream)

        def written() -> str:
            stream.write(END)
            stream.flush()
            said = b""
            while not said.endswith(END.encode()):  # the kernel hands it over in pieces
                assert select.select([theirs], [], [], 30)[0], said
                said += os.read(theirs, 100_000)
            return said.decode().removesuffix(END)

        return stream, written

    yield make
    for each in opened:
        each.close() if not isinstance(each, int) else os.close(each)


def lines(written: str) -> list[str]:
    return [line for line in re.split(r"\r\x1b\[2K", written) if line]


@pytest.mark.parametrize("columns", [40, 60, 80, 500])
@pytest.mark.parametrize("text", ["a long text " * 40, "容器正在启动" * 40, "🚀" * 100])
def test_no_line_wraps(terminal, columns, text):
    stream, written = terminal(columns)
    with Progress("up", stream=stream) as bar:
        bar.update(text)
        bar._show()
        shown = lines(written())
    assert all(cell_len(line) < min(columns, 161) for line in shown), shown
    assert any(text[:10] in line for line in shown)


def test_the_line_that_stays_says_how_it_ended(terminal):
    stream, written = terminal(80)
    with pytest.raises(OSError), Progress("up", stream=stream):
        raise OSError
    assert lines(written())[-1].rstrip().endswith("stopped")


def test_what_a_terminal_would_obey_is_shown_as_a_sign_of_its_own():
    assert printable("Pod web: \x1b[31mred\x07\u202e\n容器 café") == "Pod web: �[31mred���容器 café"


def test_what_comes_from_a_cluster_moves_no_cursor(terminal):
    stream, written = terminal(80)
    with Progress("up", stream=stream) as bar:
        bar.update("\x1b[31mred\n\x9b2Jgone\x07")
        bar._show()
        (shown,) = [line for line in lines(written()) if "red" in line]
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", shown.rstrip("\r\n"))


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_where_nothing_moves_lines_are_plain(monkeypatch, term):
    monkeypatch.setenv("TERM", term)
    stream = io.StringIO()
    if term == "dumb":
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0)
    with Progress("up", stream=stream, every=0) as bar:
        bar.update("one")
    assert "\x1b" not in stream.getvalue() and "\r" not in stream.getvalue()
    assert [line.split(" (")[0] for line in stream.getvalue().splitlines()] == ["up · one", "up"]


@pytest.mark.parametrize(("seconds", "left"), [(10, "90 s"), (60, "9 min"), (400, "60 min")])
def test_a_forecast_is_no_more_exact_than_it_can_be(monkeypatch, seconds, left):
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with Progress("build", total=10, stream=io.StringIO()) as bar:
        now += seconds
        bar.update(done=1)
        assert f" · about {left} left" in bar.line()


def test_quiet_says_nothing():
    stream = io.StringIO()
    with Progress("up", stream=stream, quiet=True) as bar:
        bar.update("one")
    assert stream.getvalue() == ""


def test_something_moves_before_the_line(terminal, monkeypatch):
    stream, written = terminal(60)
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with Progress("up", stream=stream) as bar:
        for _ in range(12):
            now += 0.25
            bar.update("one")
        shown = [line for line in lines(written()) if line.strip()]
    assert len({line[0] for line in shown}) > 3
    assert lines(written())[-1].strip() == "up (3.0 s)"


def test_a_terminal_that_knows_ascii_alone_gets_it(terminal):
    stream, written = terminal(60)
    stream.reconfigure(encoding="ascii", errors="replace")
    with Progress("up", stream=stream) as bar:
        bar.update("one")
        assert written().encode("ascii")


def test_no_line_wraps_where_three_dots_stand_for_one_sign(terminal):
    stream, written = terminal(40)
    codecs.register_error("kitlib-plain", _plain)
    stream.reconfigure(encoding="ascii", errors="kitlib-plain")
    with Progress("up", stream=stream) as bar:
        bar.update("one " * 40)
        bar._show()
        shown = [line for line in lines(written()) if "..." in line]
    assert shown and all(len(line) < 40 for line in shown), shown


@pytest.mark.parametrize("name", ["x" * 60, "x" * 300, "商店" * 30, "商" * 19], ids=len)
def test_nothing_of_a_long_line_that_stays_is_lost(terminal, name):
    stream, written = terminal(40)
    with Progress("up " + name, stream=stream):
        pass
    assert lines(written())[-1].startswith("up " + name + " (")


def test_what_is_said_next_begins_on_a_line_of_its_own(terminal):
    stream, written = terminal(80)
    with Progress("up", stream=stream) as bar:
        bar.update("one")
    assert written().endswith("s)\r\n")


FOLDED = [
    ("kitlib: one two three four", 20, "kitlib: one two\n  three four"),
    ("  Next: one two three four", 20, "  Next: one two\n        three four"),
    ("  up      brings a cluster up", 20, "  up      brings a\n          cluster up"),
    ("  ✓ holds    Pods are Ready", 26, "  ✓ holds    Pods are\n             Ready"),
    ("use `kitlib up --nodes 3`, now", 24, "use\n  `kitlib up --nodes 3`,\n  now"),
    ("see /a/long/path/of/a/file there", 16, "see\n  /a/long/path/of/a/file\n  there"),
    ("容器 容器 容器 容器", 10, "容器 容器\n  容器\n  容器"),
    ("fits", 4, "fits"),
    ("  logs:  /a/very/long/path/of/a/file", 28, "  logs:\n    /a/very/long/path/of/a/file"),
    ("ready between −93.2 s and −5.7 s.", 18, "ready between\n  −93.2 s and\n  −5.7 s."),
    ("it took (12 min 05 s)", 15, "it took\n  (12 min 05 s)"),
    ("in 15 steps of them", 12, "in 15 steps\n  of them"),
    ("  up --nodes 3   with three", 24, "  up --nodes 3\n    with three"),
    ("  up --nodes 3   with three and more", 20, "  up --nodes 3\n    with three and\n    more"),
    ("  up -n 3   with three and more", 22, "  up -n 3   with three\n            and more"),
    ("  容器    Pods run for real", 20, "  容器    Pods run\n          for real"),
    ("two\nlines, the second too long", 16, "two\nlines, the\n  second too\n  long"),
]


@pytest.mark.parametrize(("text", "columns", "shown"), FOLDED)
def test_a_message_is_broken_between_words(text, columns, shown):
    assert folded(text, columns) == shown
    assert folded(shown, columns) == shown


def test_a_message_loses_nothing():
    text = "  Next: choose `kitlib up --provider kind`; or  /a/path/that/is/long, 容器正在启动 and more"
    for columns in range(1, 100):
        assert folded(text, columns).split() == text.split()
        if columns > 40:
            assert all(cells(line) <= columns for line in folded(text, columns).splitlines())


def test_what_is_no_terminal_has_room_for_any_line(terminal, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert width(terminal(60)[0]) == 60
    assert width(io.StringIO()) > 10**6
