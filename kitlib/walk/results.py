"""What came of a walk: of each notebook, and of all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kitlib.errors import ClaimError

WHY = 300
"""So many characters of a verdict's reason are told with the problem."""


def shortened(why: str) -> str:
    """Return a verdict's reason on one line."""
    line = " ".join(why.split())
    return line if len(line) <= WHY else line[: WHY - 1] + "…"


@dataclass
class NotebookResult:
    """What came of one notebook.

    Parameters
    ----------
    name : str
        "deployment" for notebooks/deployment.ipynb.
    path : Path
        The executed copy, as far as it got.
    cells, cells_run : int
        Code cells that it has, and that were run to their end.
    seconds : float
        How long it took.
    claims : list of dict
        The rows of its ledger, as in build/claims/NAME.json.
    complete : bool
        Whether it came to its ledger, its last word.
    error : str, optional
        Why it stopped early.
    output_problems : list of str
        What went wrong without an error.
    skipped : str
        Why it was not run at all; empty if it was.
    recorded : str
        Of what the recording is on which it was walked, in words; empty if a cluster was asked.
    """

    name: str
    path: Path
    cells: int = 0
    cells_run: int = 0
    seconds: float = 0.0
    claims: list[dict[str, Any]] = field(default_factory=list)
    complete: bool = False
    error: str | None = None
    output_problems: list[str] = field(default_factory=list)
    skipped: str = ""
    recorded: str = ""

    @property
    def unexpected(self) -> list[dict[str, Any]]:
        """The claims whose verdict is not the expected one."""
        return [row for row in self.claims if row.get("verdict") != row.get("expected", "holds")]

    @property
    def problems(self) -> list[str]:
        """Why this notebook fails the walk, in plain words; empty if it doesn't."""
        if self.skipped:
            return []
        found = [self.error] if self.error else []
        found += [
            f"claim {row.get('id') or row.get('text')!r}: {row.get('verdict')}, expected {row.get('expected', 'holds')}"
            + (f"; {shortened(row['why'])}" if row.get("why") else "")
            for row in self.unexpected
        ]
        found += self.output_problems
        if not self.complete and not self.error:
            found.append("it ended before its ledger was complete: fewer claims were tested than it makes")
        return found

    @property
    def ok(self) -> bool:
        """Whether everything went as the notebook says."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return all of this as JSON-like values, the evidence left to the claims' files."""
        return {
            "name": self.name,
            "path": str(self.path),
            "ok": self.ok,
            "cells": self.cells,
            "cellsRun": self.cells_run,
            "seconds": round(self.seconds, 2),
            "complete": self.complete,
            "problems": self.problems,
            "skipped": self.skipped,
            "recorded": self.recorded,
            "claims": [{key: value for key, value in row.items() if key != "evidence"} for row in self.claims],
        }


@dataclass
class WalkResult:
    """What came of a walk: a result for each notebook, and the cluster that they ran on."""

    notebooks: list[NotebookResult] = field(default_factory=list)
    cluster: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether every notebook went as it says."""
        return all(notebook.ok for notebook in self.notebooks)

    @property
    def exit_code(self) -> int:
        """What a program that walks should exit with: 0, or that of `ClaimError`."""
        return 0 if self.ok else ClaimError.exit_code

    @property
    def claims(self) -> list[dict[str, Any]]:
        """The rows of all ledgers, in reading order."""
        return [row for notebook in self.notebooks for row in notebook.claims]

    def to_dict(self) -> dict[str, Any]:
        """Return all of this as JSON-like values."""
        return {
            "ok": self.ok,
            "seconds": round(self.seconds, 2),
            "cluster": self.cluster,
            "notebooks": [notebook.to_dict() for notebook in self.notebooks],
        }
