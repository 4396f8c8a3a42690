"""What is in a recording, in short: its streams, what they cover, its rows and its size."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from kitlib.recording.coverage import Interval
from kitlib.recording.recording import Recording

COVERED, MISSING, NOTHING = "█", "░", " "
"""How a timeline shows what is covered, what isn't, and what no stream speaks of."""


def summary(recording: Recording) -> dict[str, Any]:
    """Return what is in a recording, as plain values.

    Returns
    -------
    dict
        "path", "state" (how it ended, in words), "complete", "info" (what it was made on), "rows" (their number),
        "objects" (rows of each kind), "bytes" (on the disk), "begin_ns", "end_ns" (of what the streams tell, monotonic
        clock), "left_out" (reasons), "streams": for each its name, kind, api_version, namespace, its number of rows,
        and "coverage", a list of intervals as `Interval` has them.
    """
    intervals = recording.coverage()
    by_stream: dict[str, list[Interval]] = {}
    for each in intervals:
        by_stream.setdefault(each.stream, []).append(each)
    rows = Counter((row.stream, row.kind) for row in recording.rows if row.origin != "kitlib")
    kinds: Counter[str] = Counter()
    for (_, kind), number in rows.items():
        kinds[kind] += number
    size = sum(path.stat().st_size for path in recording.path.rglob("*") if path.is_file()) if recording.path else 0
    return {
        "path": str(recording.path) if recording.path else None,
        "state": recording.state,
        "complete": recording.complete,
        "info": recording.info,
        "rows": len(recording),
        "objects": dict(kinds.most_common()),
        "bytes": size,
        "begin_ns": min((each.begin_ns for each in intervals), default=0),
        "end_ns": max((each.end_ns for each in intervals), default=0),
        "left_out": [each.reason for each in intervals if each.reason.startswith("left out")],
        "streams": [
            {
                "stream": stream,
                "kind": parts[0].kind,
                "api_version": next((each.api_version for each in parts if each.api_version), ""),
                "namespace": parts[0].namespace,
                "rows": sum(number for (name, _), number in rows.items() if name == stream),
                "coverage": [asdict(each) for each in parts],
            }
            for stream, parts in by_stream.items()
        ],
    }


def timeline(parts: list[dict[str, Any]], begin_ns: int, end_ns: int, width: int = 40) -> str:
    """Draw a stream's coverage in text, a character a slice of time; a slice with any gap in it shows the gap.

    Parameters
    ----------
    parts : list of dict
        Its intervals, as `summary` has them.
    begin_ns, end_ns : int
        What the whole width stands for, ns.
    width : int
        Characters.
    """
    span = max(end_ns - begin_ns, 1)
    drawn = [NOTHING] * width
    for each in sorted(parts, key=lambda part: not part["covered"]):  # what is missing is drawn last, over the rest
        first = (each["begin_ns"] - begin_ns) * width // span
        last = -((begin_ns - each["end_ns"]) * width // span)
        for place in range(max(first, 0), min(max(last, first + 1), width)):
            drawn[place] = COVERED if each["covered"] else MISSING
    return "".join(drawn)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.0f} kB"


def described(about: dict[str, Any], width: int = 40) -> str:
    """Write a summary as text, with a timeline for each stream and the reason of each gap."""
    info = about["info"]
    where = " ".join(str(info[key]) for key in ("cluster", "release") if info.get(key))
    kinds = ", ".join(f"{number} {kind}" for kind, number in about["objects"].items())
    objects = sum(about["objects"].values())
    seconds = (about["end_ns"] - about["begin_ns"]) / 1e9
    lines = [
        f"{about['path'] or 'in memory'}: {about['state']}",
        f"  format {info.get('format')}{f', of {where}' if where else ''}, {_size(about['bytes'])} on the disk",
        f"  {objects} row{'' if objects == 1 else 's'} of objects in {seconds:.1f} s: {kinds or 'none'}"
        f" (and {about['rows'] - objects} of kitlib's own)",
    ]
    longest = max((len(each["stream"]) for each in about["streams"]), default=0)
    for each in about["streams"]:
        drawn = timeline(each["coverage"], about["begin_ns"], about["end_ns"], width)
        lines.append(f"  {each['stream']:{longest}}  |{drawn}| {each['rows']} row{'' if each['rows'] == 1 else 's'}")
        for part in each["coverage"]:
            if not part["covered"]:
                at, until = ((part[key] - about["begin_ns"]) / 1e9 for key in ("begin_ns", "end_ns"))
                digits = 1 if until - at >= 0.1 else 3  # else it would begin and end at the same time
                between = f"{at:.{digits}f}–{until:.{digits}f} s" if until - at >= 0.001 else f"at {at:.3f} s"
                lines.append(f"  {'':{longest}}   not covered {between}: {part['reason']}")
    if not about["streams"]:
        lines.append("  no stream tells what it covers: nothing is known to be complete")
    return "\n".join(lines)


__all__ = ["described", "summary", "timeline"]
