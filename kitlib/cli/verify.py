"""The command that says which promises were kept in a recording."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from kitlib.cli.app import FOUND, app
from kitlib.cli.durations import lasting
from kitlib.cli.output import echo, say, show_json
from kitlib.cli.recordings import RecordingFolder
from kitlib.progress import printable

if TYPE_CHECKING:
    import pandas as pd

    from kitlib.rollout import Verified

NAMED = 4
"""So many objects are named where more have the same in common."""
LINES = 40
"""So many lines tell of what was kept."""


class Form(StrEnum):
    """How the result is written."""

    text = "text"
    json = "json"
    junit = "junit"


@app.command(
    epilog="""\
\b
Examples:
  kitlib verify shop.rec                               every promise of every controller in it
  kitlib verify shop.rec --for deployment/web          of this one, and of what it owns
  kitlib verify shop.rec --for sts/db --for svc/db     of several; of a Service's EndpointSlices
  kitlib verify shop.rec -o junit > verify.xml         for a CI

Exit code 1: a promise was broken, or a status contradicts what is there. What can't be told is no failure."""
)
def verify(
    recording: RecordingFolder,
    only: Annotated[
        list[str] | None,
        typer.Option("--for", metavar="KIND/NAME", help="Only this one, and what it owns; KIND/NAMESPACE/NAME, too."),
    ] = None,
    moment: Annotated[
        float,
        typer.Option("--moment", metavar="DURATION", parser=lasting, help="How long a status may lag behind."),
    ] = 10,
    output: Annotated[Form, typer.Option("--output", "-o", help="How the result is written.")] = Form.text,
) -> None:
    """Say which promises were kept, at every resourceVersion.

    Those of Deployments, StatefulSets, DaemonSets, ReplicaSets, Jobs, CronJobs, PodDisruptionBudgets and
    EndpointSlices: kept, broken (when, by how much, by whom), or not to be told: nothing has put it to the test, a kind
    was not recorded, or the recording has a gap. A status that contradicts the Pods for longer than a moment is a
    finding, too.
    """
    from kitlib.recording import Recording
    from kitlib.rollout import verify as judge

    found = judge(Recording.open(recording).frames, *(only or ()), moment_ns=round(moment * 1e9))
    if output is Form.json:
        show_json({"recording": str(recording), **found.as_dict()})
    elif output is Form.junit:
        from kitlib.cli.junit import document

        echo(document(str(recording), found))
    else:
        say("\n".join(_lines(str(recording), found)))
    if found.kept is False:
        raise typer.Exit(FOUND)


def _lines(recording: str, found: Verified) -> Iterator[str]:
    """Yield the result in words: what is wrong first, then what can't be told, then what was kept."""
    counts = found.as_dict()["counts"]
    told = [f"{counts['kept']} promises kept", f"{counts['broken']} broken", f"{counts['unknown']} can't be told"]
    if counts["contradictions"]:
        told.append(f"{counts['contradictions']} times a status contradicts what is there")
    yield f"{recording}: {', '.join(told)}"
    many = len({each.answer.controller.namespace for each in found.findings}) > 1
    yield from _broken(found, many)
    yield from _unknown(found.table, many)
    yield from _kept(found.table, many)
    if found.unrecorded:
        yield f"Not recorded, so nothing is known of them: {', '.join(found.unrecorded)}"


def _broken(found: Verified, many: bool) -> Iterator[str]:
    table, broken = found.table, found.breaches
    for row in table[table["breaches"] > 0].to_dict("records"):
        yield f"✗ {_name(row, many)}  broken: {row['text']}"
        for each in broken[(broken["uid"] == row["uid"]) & (broken["promise"] == row["promise"])].to_dict("records"):
            by = f"; by {printable(each['by'])}" if each["by"] else ""
            yield f"    {_when(each)}: {printable(each['object'])}: {printable(each['text'])}{by}"
    for each in found.contradictions.to_dict("records"):
        yield f"✗ {_name(each, many)}  contradicted {_when(each)}: {printable(each['text'])}"


def _unknown(table: pd.DataFrame, many: bool) -> Iterator[str]:
    open_ = table[table["kept"].isna()]
    for (_, why), rows in open_.groupby(["kind", "why"], sort=False):
        names = [_name(row, many) for row in rows.drop_duplicates("uid").to_dict("records")]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        count = f"{len(rows)} promise{'' if len(rows) == 1 else 's'} of {', '.join(names[:NAMED])}{more}"
        yield f"? {count}: {printable(str(why))}"


def _kept(table: pd.DataFrame, many: bool) -> Iterator[str]:
    kept = table[table["kept"].fillna(False)]
    groups = list(kept.groupby("uid", sort=False))
    for _, rows in groups[:LINES]:
        tested = [f"{row.promise} ({row.tested}×)" for row in rows.itertuples()]
        yield f"✓ {_name(rows.iloc[0], many)}  {', '.join(tested)}"
    if len(groups) > LINES:
        yield f"✓ and {len(groups) - LINES} more; `-o json` tells of all"


def _name(row: pd.Series | dict, many: bool) -> str:
    space = f"{row['namespace']}/" if many else ""
    return printable(f"{str(row['kind']).lower()}/{space}{row['name']}")


def _when(row: dict) -> str:
    return f"at {row['seconds']:.1f} s ({row['at']:%Y-%m-%dT%H:%M:%SZ}, resourceVersion {row['resourceVersion']})"


__all__ = ["Form", "verify"]
