"""Verdicts: which there are, which one a claim expects, and what several versions of Kubernetes make of them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from kitlib.errors import UsageError

VERDICTS = ("holds", "fails", "changed", "unknown")
"""What a claim can get."""
MARKS = {"holds": "✓", "fails": "✗", "changed": "↻", "unknown": "?"}
"""The sign of each verdict."""


def version_order(version: object) -> list[int]:
    """Return what versions are sorted by: 1.9 comes before 1.37."""
    return [int(part) for part in re.findall(r"\d+", str(version or ""))]


def expected_verdicts(
    text: str, expected: str | Mapping[str, str], versions: list[str], instead: str, changed_in: str
) -> dict[str, str]:
    """Return the verdict that each version should give; "changed" means: held before, not on the newest."""
    if isinstance(expected, Mapping):
        wanted = dict(expected)
    else:
        wanted = dict.fromkeys(versions, expected)
        if expected == "changed":
            wanted |= dict.fromkeys(versions[:-1], "holds")
    if set(wanted) != set(versions):
        raise UsageError(
            f"expected names {', '.join(wanted)}, but {', '.join(versions)} were asked",
            step="claim",
            object=text,
            next="name a verdict for each version, or one for all",
        )
    for verdict in wanted.values():
        if verdict not in VERDICTS:
            raise UsageError(f"no verdict {verdict!r}", step="claim", object=text, next=f"one of {VERDICTS}")
    surprising = next((verdict for verdict in wanted.values() if verdict in ("fails", "changed")), None)
    if surprising and not instead:
        raise UsageError(
            f"a claim that expects {surprising} must say what is true instead",
            step="claim",
            object=text,
            next='add instead="…"',
        )
    if "changed" in wanted.values() and not changed_in:
        raise UsageError(
            "a claim that expects changed must say in which version",
            step="claim",
            object=text,
            next='add changed_in="VERSION, SOURCE"',
        )
    return wanted


def compared(
    found: Mapping[str, tuple[str, str]], versions: list[str], wanted: Mapping[str, str], changed_in: str
) -> tuple[str, str]:
    """Return the newest version's verdict: "changed" if an older one gives another, or if none can tell and it is said.

    What was measured counts: a change that is only declared (`changed_in`) never overrules an older version's answer.
    """
    verdict, why = found[versions[-1]]
    if verdict not in ("holds", "fails"):
        return verdict, why
    told = [version for version in versions[:-1] if found[version][0] in ("holds", "fails")]
    differs = [version for version in told if found[version][0] != verdict]
    if differs:
        then = differs[-1]
        return "changed", f"{why}; it {'held' if found[then][0] == 'holds' else 'failed'} on {then}"
    before = {wanted[version] for version in versions[:-1]} or {"holds"}
    if changed_in and not told and verdict not in before:
        return "changed", f"{why} (changed in {changed_in})"
    return verdict, why


__all__ = ["MARKS", "VERDICTS", "compared", "expected_verdicts", "version_order"]
