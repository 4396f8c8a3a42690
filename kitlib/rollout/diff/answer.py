"""`Difference`: the answer to what differs between two sides, each of one recording or of several."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

FINDINGS = {
    "what": "str",
    "object": "str",
    "field": "str",
    "a": "str",
    "b": "str",
    "certain": "bool",
    "why": "str",
}
"""The columns of `Difference.table`, with their dtypes."""
ORDER = ("cluster", "setting", "verdict", "count", "Event", "order", "duration")
"""What may differ: first what was given, then what came of it."""


@dataclass(frozen=True)
class Finding:
    """One thing that differs.

    Parameters
    ----------
    what : str
        cluster, setting, verdict, count, Event, order or duration.
    object : str
        What it is about, by the name that both runs have for it: deployment/web.
    field : str
        Which of its fields, numbers or times.
    a, b : str
        What each side has; empty if it has none.
    certain : bool
        It can't be noise. What may be noise is no difference.
    why : str
        Why it is certain, or may be noise.
    """

    what: str
    object: str
    field: str
    a: str
    b: str
    certain: bool = True
    why: str = ""


@dataclass
class Difference:
    """What differs between two sides.

    Parameters
    ----------
    findings : list of Finding
        What can't be noise, what was given before what came of it.
    noise : list of Finding
        What differs, and may be noise.
    recordings : tuple of (int, int)
        How many recordings each side has.
    compared : dict
        How many things of each sort were compared.
    unseen : dict
        Kinds that can't be compared, or not wholly: why.
    """

    findings: list[Finding] = field(default_factory=list)
    noise: list[Finding] = field(default_factory=list)
    recordings: tuple[int, int] = (1, 1)
    compared: dict[str, int] = field(default_factory=dict)
    unseen: dict[str, str] = field(default_factory=dict)

    @property
    def differs(self) -> bool:
        """Whether there is anything that can't be noise."""
        return bool(self.findings)

    @property
    def spread(self) -> bool:
        """Whether the spread is known: at least one side has several recordings."""
        return max(self.recordings) > 1

    @property
    def table(self) -> pd.DataFrame:
        """One row for each finding, those that may be noise last.

        Its columns: what, object, field, a, b (str), certain (bool), why (str); see `Finding`.
        """
        rows = [asdict(each) for each in (*self.findings, *self.noise)]
        return pd.DataFrame(rows, columns=list(FINDINGS)).astype(FINDINGS)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for a program."""
        return {"differs": self.differs, "spread_known": self.spread, **asdict(self)}


__all__ = ["FINDINGS", "ORDER", "Difference", "Finding"]
