"""The command that says what differs between two recordings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kitlib.cli.app import FOUND, app
from kitlib.cli.output import AsJson, Output, say, show_json
from kitlib.errors import UsageError
from kitlib.progress import printable

if TYPE_CHECKING:
    from kitlib.rollout.diff import Difference, Finding

NAMED = 3
"""So many objects are named where more have the same in common."""
LINES = 12
"""So many lines tell of what may be noise, unless all are wanted."""


@app.command(
    epilog="""\
\b
Examples:
  kitlib diff monday.rec tuesday.rec                     one of each: the spread isn't known
  kitlib diff a1.rec a2.rec --with b1.rec --with b2.rec  several of each tell how much it varies
  kitlib diff a.rec b.rec --noise                        also all that may be noise
  kitlib diff a.rec b.rec -o json                        for a program

Exit code 1 where something differs that can't be noise, 0 where nothing does."""
)
def diff(
    recordings: Annotated[
        list[Path], typer.Argument(metavar="A B", help="Two folders of recordings; only A's where --with names B's.")
    ],
    against: Annotated[
        list[Path] | None, typer.Option("--with", metavar="B", help="A recording of the other side; may be repeated.")
    ] = None,
    noise: Annotated[bool, typer.Option("--noise", help="Also show all that differs and may be noise.")] = False,
    output: AsJson = Output.text,
) -> None:
    """Say what differs between recordings of one exercise.

    First what was given otherwise: the cluster, objects, their settings. Then what came of it: verdicts of rollouts,
    numbers of Pods and Events, the order in which things happened, how long they took. Names that a cluster makes up,
    uids, addresses and the nodes that Pods came to are no difference. Several recordings of a side tell how much it
    varies; with one of each, durations count only where one is ten times the other.
    """
    from kitlib.recording import Recording
    from kitlib.rollout import diff as compare

    one, other = _sides(recordings, against or [])
    found = compare([Recording.open(each) for each in one], [Recording.open(each) for each in other])
    if output is Output.json:
        show_json({"a": [str(each) for each in one], "b": [str(each) for each in other], **found.as_dict()})
    else:
        say("\n".join(_lines(found, noise)))
    if found.differs:
        raise typer.Exit(FOUND)


def _sides(recordings: list[Path], against: list[Path]) -> tuple[list[Path], list[Path]]:
    if against:
        return recordings, against
    if len(recordings) != 2:
        raise UsageError(
            f"{len(recordings)} recording{'' if len(recordings) == 1 else 's'}, and no --with",
            step="diff",
            next="name two, A and B; or several of A, and each of B by --with",
        )
    return recordings[:1], recordings[1:]


def _lines(found: Difference, noise: bool) -> Iterator[str]:
    """Yield the result in words: what was given otherwise, then what came of it, then what may be noise."""
    yield _first(found)
    yield from _groups(found.findings)
    if found.noise:
        yield f"May be noise ({len(found.noise)}):"
        shown = list(_groups(found.noise, "~"))
        yield from (shown if noise else shown[:LINES])
        if not noise and len(shown) > LINES:
            yield f"  and {len(shown) - LINES} more; --noise shows all"
    if not found.spread:
        yield "One recording of each side: how much it varies isn't known; give several, those of B by --with."
    for kind, why in found.unseen.items():
        yield f"Not compared, or not wholly: {kind}: {printable(why)}"


def _first(found: Difference) -> str:
    compared = ", ".join(f"{number} {name}" for name, number in found.compared.items() if number)
    if not found.differs:
        return f"Nothing differs beyond noise; compared: {compared or 'nothing'}"
    first = found.findings[0]
    more = f"; {len(found.findings) - 1} more" if len(found.findings) > 1 else ""
    return f"First: {_said(first, [first])}{more}"


def _groups(findings: list[Finding], sign: str = "≠") -> Iterator[str]:
    """Yield a line for each finding; what several objects have in common is told once."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for each in findings:
        groups.setdefault((each.what, each.field, each.a, each.b), []).append(each)
    before = ""
    for (what, *_), group in groups.items():
        if what != before:
            before = what
            yield f"{what}:"
        yield f"  {sign} {_said(group[0], group)}"


def _said(first: Finding, group: list[Finding]) -> str:
    names = list(dict.fromkeys(printable(each.object) for each in group))
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    why = f"  ({printable(first.why)})" if first.why else ""
    values = f"{printable(first.a) or '—'} → {printable(first.b) or '—'}"
    return f"{', '.join(names[:NAMED])}{more}  {printable(first.field)}: {values}{why}"


__all__ = ["diff"]
