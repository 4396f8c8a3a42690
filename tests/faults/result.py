"""What came of a scenario."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Result:
    """What came of a scenario.

    Parameters
    ----------
    number, seed, family, kinds
        As planned.
    hurts : dict of str to int
        How often each kind of fault really befell the recorder.
    clock : str
        How the clock was stepped, if it was: by libfaketime, or injected.
    starved : float
        Seconds for which the threads of a recorder that was killed had been kept from running by a busy machine, all
        together; it is granted so much more time to flush.
    problems : list of str
        What is wrong, in words.
    turn : int
        How often it had to be made anew, since its faults did not strike.
    error : str
        Why it could not be run or judged; empty if it was.
    """

    number: int
    seed: int
    family: str
    kinds: list[str]
    changes: int = 0
    recorded: int = 0
    in_gaps: int = 0
    unreported: int = 0
    needless_gaps: int = 0
    duplicates: int = 0
    others: int = 0
    gaps: int = 0
    rows: int = 0
    requests: int = 0
    hurts: dict[str, int] = field(default_factory=dict)
    clock: str = ""
    starved: float = 0
    seconds: float = 0
    recovery: float = 0
    problems: list[str] = field(default_factory=list)
    turn: int = 0
    error: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.error or self.problems)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            **asdict(self),
            "starved": round(self.starved, 2),
            "seconds": round(self.seconds, 2),
            "recovery": round(self.recovery, 2),
        }
