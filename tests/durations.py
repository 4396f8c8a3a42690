"""Where the minutes of a test run went: a table at its end, and build/durations.json.

A room is a folder below tests/, or a lesson that nbval checks. Setup is what fixtures take, the shared clusters with
the first test that asks for them; waiting for a lesson that is executed in the background counts as setup, too. How
long each lesson itself took is told apart. Where tests run in several processes, the seconds of all are added up: they
are more than the clock's.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

SLOWEST = 20


def room(nodeid: str) -> str:
    """Return the room that a test is of: "machine/airgap", "notebooks", or "tests" for files in no folder."""
    path = Path(nodeid.split("::")[0])
    parts = path.parts
    if parts[:1] == ("notebooks",):
        return "notebooks"
    return "/".join(parts[1:-1]) or "tests"


class Durations:
    """Adds up how long tests took; registered with pytest once, where the results of all processes come together."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.began = time.monotonic()
        self.rooms: dict[str, dict[str, float]] = defaultdict(lambda: {"count": 0, "setup": 0.0, "call": 0.0})
        self.files: dict[str, float] = defaultdict(float)
        self.lessons: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in one phase of one test."""
        nodeid = report.nodeid
        entry = self.rooms[room(nodeid)]
        entry["count"] += report.when == "setup"
        entry["call" if report.when == "call" else "setup"] += report.duration
        self.files[nodeid.split("::")[0]] += report.duration
        for name, value in report.user_properties:
            if name == "lesson":
                self.lessons[str(value[0])] = float(value[1])

    def document(self) -> dict[str, Any]:
        """Return what goes into the file."""
        rounded = {
            name: {
                "count": int(entry["count"]),
                "setup": round(entry["setup"], 1),
                "call": round(entry["call"], 1),
            }
            for name, entry in sorted(self.rooms.items(), key=lambda item: -item[1]["setup"] - item[1]["call"])
        }
        files = sorted(self.files.items(), key=lambda item: -item[1])[:SLOWEST]
        return {
            "seconds": round(time.monotonic() - self.began, 1),
            "rooms": rounded,
            "lessons": {name: round(value, 1) for name, value in sorted(self.lessons.items())},
            "slowest files": {name: round(value, 1) for name, value in files},
        }

    def lines(self) -> list[str]:
        """Return the table."""
        document = self.document()
        lines = [f"{'room':<24}{'tests':>7}{'setup, s':>10}{'call, s':>9}"]
        for name, entry in document["rooms"].items():
            lines.append(f"{name:<24}{entry['count']:>7}{entry['setup']:>10.1f}{entry['call']:>9.1f}")
        if document["lessons"]:
            lines.append("")
            lines.append(f"{'lesson, executed once':<41}{'s':>9}")
            lines += [f"{name:<41}{value:>9.1f}" for name, value in document["lessons"].items()]
        lines.append("")
        lines.append(f"{'file, the slowest':<41}{'s':>9}")
        lines += [f"{name:<41}{value:>9.1f}" for name, value in list(document["slowest files"].items())[:10]]
        return lines

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the table before pytest's closing line, and write the file."""
        if not self.rooms:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.document(), indent=1) + "\n")
        terminalreporter.section("where the time went")
        for line in self.lines():
            terminalreporter.write_line(line)
