"""What a guard is: a text in kitlib, and the scenarios that rely on it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.faults.scenarios import COUNT, scenario

AT_MOST = 7
"""So many scenarios of each family are tried, before a guard counts as one that nobody misses."""

REFLECTOR, LIFE, RECORDER, CHANGES = (f"watch/{name}.py" for name in ("reflector", "life", "recorder", "changes"))
LATENESS, LOGS, HISTORY, COVERAGE = "watch/lateness.py", "watch/logs.py", "watch/history.py", "recording/coverage.py"
ANSWERS, DISCOVERY = "api/answers.py", "api/discovery.py"


@dataclass(frozen=True)
class Guard:
    """One guard.

    Parameters
    ----------
    what : str
        What it keeps from passing unnoticed.
    file : str
        Where it stands, below kitlib/.
    old, new : str
        Its text, which stands there once, and what is left when it is taken out.
    families : tuple of str
        Of scenarios that rely on it.
    first : tuple of int
        Numbers of such scenarios that are known to meet it: they are tried before others.
    """

    what: str
    file: str
    old: str
    new: str
    families: tuple[str, ...]
    first: tuple[int, ...] = ()

    def taken_out(self, text: str) -> str:
        """Return a file's text without it.

        Raises
        ------
        ValueError
            If it doesn't stand there once: then the table has to follow the code.
        """
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file}: {self.what!r} stands there {text.count(self.old)} times: {self.old!r}")
        return text.replace(self.old, self.new)

    def numbers(self) -> list[int]:
        """Return the scenarios that are to notice, of each family in turn."""
        each = [[n for n in range(COUNT) if scenario(n).family == family][:AT_MOST] for family in self.families]
        others = [mine[turn] for turn in range(AT_MOST) for mine in each if turn < len(mine)]
        return [*self.first, *(number for number in others if number not in self.first)]
