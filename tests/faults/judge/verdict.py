"""What the judge found."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Verdict:
    """What the judge found.

    Parameters
    ----------
    changes, recorded, in_gaps : int
        How many changes had to be recorded, were, and were not but lie in a reported gap.
    unreported, duplicates, needless_gaps : list of str
        Lost without a word; recorded twice; gaps where nothing could be missing.
    others : list of str
        Whatever else is wrong: phantoms, wrong types, disorder, broken objects, impatience.
    """

    changes: int = 0
    recorded: int = 0
    in_gaps: int = 0
    gaps: int = 0
    unreported: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    needless_gaps: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.unreported or self.duplicates or self.needless_gaps or self.others)
