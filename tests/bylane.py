"""Deals tests out to processes by lanes: those of one lane go to one process, in their order.

pytest-xdist's own way, --dist=loadgroup, tells the groups by a suffix of each test's name, which pytest 9.2 no longer
takes. Here the processes that run the tests write their lanes down, and the one that deals them out reads that.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

FILE = "KITLIB_TEST_LANES"
"""The variable that tells all processes of a test run where their lanes are written down."""


def write_lanes(lanes: dict[str, str]) -> None:
    """Write down each test's lane; all processes write the same."""
    path = Path(os.environ[FILE])
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(lanes))
    part.replace(path)


class ByLane(LoadScopeScheduling):
    """A lane is a scope: one process runs all of it."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        self.lanes: dict[str, str] = {}

    def schedule(self) -> None:
        """Read the lanes once all processes have collected, and deal the tests out."""
        if not self.lanes:
            path = Path(os.environ[FILE])
            self.lanes = json.loads(path.read_text())
            path.unlink()
        super().schedule()

    def _split_scope(self, nodeid: str) -> str:
        return self.lanes[nodeid]
