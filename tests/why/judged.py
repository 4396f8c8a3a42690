"""Asks `why` about every case of the corpus, and says what came out."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kitlib.recording import Interval, Recording, WatchEvent
from kitlib.rollout import why
from kitlib.rollout.why import Answer, World

DATA = Path(__file__).resolve().parent.parent / "data" / "causes"


@dataclass(frozen=True)
class Judged:
    """One case, and the answer.

    Parameters
    ----------
    corpus, case, cause, subject : str
        Which one, and what is right; a cause of "" means that nothing is the matter.
    accepted : tuple of str
        What is as right.
    answer : Answer
        What `why` says.
    """

    corpus: str
    case: str
    cause: str
    subject: str
    accepted: tuple[str, ...]
    answer: Answer

    @property
    def named(self) -> str:
        """The cause that comes first; "" where nothing is said to be the matter, "?" where it can't be told."""
        first = self.answer.first
        return first.cause.name if first else ("" if self.answer.state == why.FINE else "?")

    @property
    def right(self) -> bool:
        """Whether the right cause comes first."""
        return self.named in (self.cause, *self.accepted)

    @property
    def wrong_as_certain(self) -> bool:
        """Whether a wrong cause is named as certain."""
        return not self.right and self.named != "?" and self.answer.certainty == why.CERTAIN


def corpora() -> list[str]:
    """Return the names of the recordings that there are."""
    return sorted(path.parent.name for path in DATA.glob("*/cases.json"))


@cache
def recording(corpus: str) -> Recording:
    """Return one of them."""
    return Recording.open(DATA / corpus)


@cache
def rows(corpus: str) -> tuple[dict[str, list[WatchEvent]], list[Interval]]:
    """Return its rows, by namespace, and its coverage."""
    found: dict[str, list[WatchEvent]] = defaultdict(list)
    for row in recording(corpus).rows:
        found[row.namespace].append(row)
    return found, recording(corpus).coverage()


@cache
def cases(corpus: str) -> list[dict]:  # type: ignore[type-arg]
    """Return its cases."""
    return json.loads((DATA / corpus / "cases.json").read_text())  # type: ignore[no-any-return]


@cache
def answers(corpus: str) -> dict[str, Judged]:
    """Return what `why` says of each of its cases, by the case's name."""
    return {str(found["case"]): judge(corpus, found) for found in cases(corpus)}


def judge(corpus: str, found: dict, blind: Iterable[str] = ()) -> Judged:  # type: ignore[type-arg]
    """Ask about one case; of some kinds nothing was seen."""
    by_namespace, coverage = rows(corpus)
    mine = sorted([*by_namespace[""], *by_namespace[found["case"]]], key=lambda row: row.seq)
    world = World.at(mine, coverage, found["at_ns"], found["case"])
    for kind in blind:
        world = _without(world, kind)
    kind, name = why.parse(found["subject"])
    namespaced = kind not in ("Node", "Namespace", "PersistentVolume")
    answer = why.why(world, kind, name, found["case"] if namespaced else "")
    about = found["case"], found["cause"], found["subject"], tuple(found["accepted"])
    return Judged(corpus, *about, answer)


def _without(world: World, kind: str) -> World:
    there = [each for other in why.KINDS for each in world.all(other) if other != kind]
    return World(there, {**world.unseen, kind: "403: forbidden"}, world.now)
