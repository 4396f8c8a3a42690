"""One thing that the doctor looked at."""

from __future__ import annotations

from dataclasses import asdict, dataclass

OK, WARN, MISSING = "ok", "warn", "missing"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Parameters
    ----------
    name : str
        What was looked at.
    state : str
        "ok"; "warn": kitlib runs, but something is not as good as it could be; "missing": something can't be done.
    detail : str
        What was found.
    needed_for : str
        What it is for.
    todo : str
        What to do about it; empty if nothing.
    """

    name: str
    state: str
    detail: str
    needed_for: str
    todo: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return the finding as plain values, for programs."""
        return asdict(self)
