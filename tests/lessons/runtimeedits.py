"""Changes of what nodes' own runtimes say, for changes of a recording: starts, ends, files that are written."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

from kitlib.frames.runtime import MARK
from tests.lessons.edits import Object
from tests.lessons.logedits import Edit, Rows, rewritten

SECOND = 1_000_000_000
OTHER = {"running": "ended", "ended": "running"}


def _marks(changed: Callable[[Object], Iterable[Object]]) -> Edit:
    """Return a change of each thing that a node said: `changed` takes it, and returns what is said instead."""

    def apply(rows: Rows, rng: random.Random) -> Rows:
        made = []
        for row in rows:
            mine = row.type == MARK and row.object
            before = json.loads(row.object) if mine else {}
            made += [rewritten(row, each) for each in changed(before)] if mine else [row]
        return made

    return apply


def _what(what: str, changed: Callable[[Object], Iterable[Object]]) -> Edit:
    return _marks(lambda mark: changed(mark) if mark["said"]["what"] == what else [mark])


def _moved(what: str, seconds: float) -> Edit:
    return _what(what, lambda mark: [{**mark, "at": mark["at"] + round(seconds * SECOND)}])


def _turned(mark: Object) -> Iterable[Object]:
    said = mark["said"]
    return [{**mark, "said": {**said, "what": OTHER.get(said["what"], said["what"])}}]


def _twice(mark: Object) -> Iterable[Object]:
    said = mark["said"]
    return [mark, {**mark, "said": {**said, "containerID": f"{said['containerID']}f"}}]


def _files_start(rows: Rows, rng: random.Random) -> Rows:
    """Let each file that is written start a container, in a Pod that is called as the file is."""
    said = [json.loads(row.object)["said"] for row in rows if row.type == MARK and row.object]
    model = next((each for each in said if each["what"] == "running"), None)

    def started(mark: Object) -> Iterable[Object]:
        name = f"{PurePosixPath(mark['said']['path']).stem}-{mark['said']['node']}"
        spaces = [each["namespace"] for each in said if each.get("name", "").endswith(f"-{mark['said']['node']}")]
        fresh = {"name": name, "namespace": spaces[-1] if spaces else "", "containerID": f"of {name}"}
        return [mark, {**mark, "said": {**(model or {}), "node": mark["said"]["node"], **fresh}}]

    return _what("written", started)(rows, rng) if model else rows


RUNTIME: dict[str, Edit] = {
    "starts and ends are exchanged": _marks(_turned),
    "no end is told of": _what("ended", lambda mark: []),
    "no start is told of": _what("running", lambda mark: []),
    "each container starts twice": _what("running", _twice),
    "ends come five seconds earlier": _moved("ended", -5),
    "ends come five seconds later": _moved("ended", 5),
    "starts come five seconds earlier": _moved("running", -5),
    "each file that is written starts a container": _files_start,
}
"""What a node says otherwise, in words, and how the rows of a recording are changed."""

__all__ = ["RUNTIME"]
