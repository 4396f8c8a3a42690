"""The answer about a StatefulSet, DaemonSet, Job or CronJob: what it promises, whether that was kept, and the breaches.

A promise that no gap could have hidden a breach of, and that was put to the test at least once, is kept or broken. What
was not put to the test, or may have been broken while nothing was recorded, is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from kitlib.errors import UsageError
from kitlib.rollout.model import versioned
from kitlib.rollout.rows import Rows
from kitlib.rollout.window import Gap, Window, life

BREACHES = {
    "promise": "str",
    "monotonic_ns": "int64",
    "resourceVersion": "int64",
    "object": "str",
    "value": "Int64",
    "bound": "Int64",
    "text": "str",
}
"""The columns of `Answer.breaches`, with their dtypes."""


@dataclass(frozen=True)
class Controller:
    """One controller of Pods or Jobs, from its creation to its deletion.

    Parameters
    ----------
    kind : str
        StatefulSet, DaemonSet, Job or CronJob.
    namespace, name, uid : str
        Its metadata's.
    """

    kind: str
    namespace: str
    name: str
    uid: str


@dataclass(eq=False)
class Answer:
    """What a controller promised, and whether it kept it at every resourceVersion.

    Parameters
    ----------
    controller : Controller
        Whose it is.
    promises : dict
        Each promise's short name, and its sentence.
    window : Window
        The time that is judged, and what was not recorded of it.
    gaps : list of Gap
        What was not recorded of the kinds that it rests on.
    tested : dict
        How many times each promise was put to the test.
    rows : list of tuple
        The breaches, in the order of `BREACHES`.
    deleted : int or None
        Monotonic ns at which its deletion, or the wish for it, was received: from then on it promises nothing.
    """

    controller: Controller
    promises: dict[str, str]
    window: Window
    gaps: list[Gap]
    tested: dict[str, int] = field(default_factory=dict)
    rows: list[tuple] = field(default_factory=list)
    deleted: int | None = None

    @property
    def breaches(self) -> pd.DataFrame:
        """One row for each breach of a promise.

        Its columns: promise (str), monotonic_ns (int64, ns), resourceVersion (int64), object (str: name of the Pod or
        Job), value and bound (Int64: what was counted, and what was promised; NA where it isn't a number), text (str).
        """
        return pd.DataFrame(self.rows, columns=list(BREACHES)).astype(BREACHES)

    @property
    def kept(self) -> bool | None:
        """True, False if one was seen broken, None if that could have been missed or nothing was put to the test."""
        if self.rows:
            return False
        return None if self.gaps or not any(self.tested.values()) else True

    def of(self, promise: str) -> bool | None:
        """Return whether one of its promises was kept: True, False or None, as `kept`.

        Raises
        ------
        UsageError
            If it makes no promise of that name; it names those that it makes.
        """
        if promise not in self.promises:
            raise UsageError(
                f"a {self.controller.kind} makes no promise {promise!r}",
                step="rollout",
                next="one of: " + ", ".join(self.promises),
            )
        if any(row[0] == promise for row in self.rows):
            return False
        return None if self.gaps or not self.tested.get(promise) else True

    @property
    def table(self) -> pd.DataFrame:
        """One row for each promise: promise, text (str), kept (boolean; NA: unknown), tested and breaches (int64)."""
        dtypes = {"promise": "str", "text": "str", "kept": "boolean", "tested": "int64", "breaches": "int64"}
        return pd.DataFrame(self.lines(), columns=list(dtypes)).astype(dtypes)

    def lines(self) -> Iterator[tuple[str, str, bool | None, int, int]]:
        """Yield the rows of `table`; None stands for unknown."""
        broken = [row[0] for row in self.rows]
        for name, text in self.promises.items():
            yield name, text, self.of(name), self.tested.get(name, 0), broken.count(name)

    def test(
        self, promise: str, write: Write, ok: bool, text: str, value: int | None = None, bound: int | None = None
    ) -> None:
        """Note that a promise was put to the test by a write, and whether it was kept.

        Parameters
        ----------
        promise : str
            Its short name.
        write : Write
            What was written; one that isn't judged is not noted.
        ok : bool
            Whether it was kept.
        text : str
            What is wrong, if it wasn't.
        value, bound : int, optional
            What was counted, and what was promised.
        """
        if not write.judged or self.deleted is not None:
            return
        self.tested[promise] = self.tested.get(promise, 0) + 1
        if not ok:
            row = write.row
            self.rows.append((promise, int(row["monotonic_ns"]), write.version, str(row["name"]), value, bound, text))


@dataclass(frozen=True)
class Write:
    """One observed version of an object, in its place in the server's order.

    Parameters
    ----------
    version : int
        That place: a resourceVersion.
    frame : str
        The frame that the row is of.
    row : dict
        The row.
    judged : bool
        It was seen as it came, in the window and outside of gaps: so what was there before it is known.
    """

    version: int
    frame: str
    row: dict[Any, Any]
    judged: bool

    @property
    def gone(self) -> bool:
        """Whether it is a deletion."""
        return bool(self.row["type"] == "DELETED")

    @property
    def created(self) -> bool:
        """Whether it is a creation."""
        return bool(self.row["type"] == "ADDED")


def writes(window: Window, gaps: list[Gap], **frames: Rows) -> Iterator[Write]:
    """Yield rows in the order in which the server wrote them; of one version, in the frames' order.

    Parameters
    ----------
    window : Window
        The time that is judged.
    gaps : list of Gap
        Of that time; what lies in them is not judged.
    **frames : Rows
        By the names of their frames.
    """
    keyed = [
        (version, number, name, row)
        for number, (name, frame) in enumerate(frames.items())
        for version, row in versioned(frame, *frames.values())
    ]
    keyed.sort(key=lambda item: item[:2])
    for version, _, name, row in keyed:
        at = int(row["monotonic_ns"])
        hidden = any(gap.after <= at <= gap.until for gap in gaps)
        yield Write(version, name, row, row["origin"] == "watch" and at >= window.begin and not hidden)


class Known:
    """What a controller may know of its object: the versions of its spec since the one that its status has seen."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[Any, Any]] = {}

    def see(self, row: dict[Any, Any]) -> None:
        """Take in a version."""
        self.rows[int(row["generation"])] = row
        seen = int(row["observedGeneration"])
        self.rows = {generation: each for generation, each in self.rows.items() if generation >= seen}

    def __iter__(self) -> Iterator[dict[Any, Any]]:
        return reversed(list(self.rows.values()))

    def __len__(self) -> int:
        return len(self.rows)


def find(frame: pd.DataFrame | Rows, kind: str, name: str | Controller | None = None) -> Controller:
    """Return which object of a kind is meant.

    Parameters
    ----------
    frame : DataFrame or Rows
        The frame of that kind: statefulsets, daemonsets, jobs or cronjobs.
    kind : str
        StatefulSet, DaemonSet, Job or CronJob.
    name : str or Controller, optional
        `db`, `shop/db`, or with kubectl's `statefulset/` before it, or what this returned; may be left out if there is
        one only.

    Returns
    -------
    Controller
        Of several that had the name one after the other, the last.

    Raises
    ------
    UsageError
        If there is none of that name, or if more than one is meant; it names those that there are.
    """
    if isinstance(name, Controller):
        return name
    there = list(dict.fromkeys(zip(map(str, frame["namespace"]), map(str, frame["name"]), strict=True)))
    wanted = None if name is None else str(name)
    for prefix in (f"{kind.lower()}/", f"{kind.lower()}s/"):
        wanted = wanted.removeprefix(prefix) if wanted is not None else None
    found = [one for one in there if wanted is None or wanted in ("/".join(one), one[1])]
    if len(found) != 1:
        names = ", ".join(["/".join(one) for one in (found or there)][:20])
        count = "no" if not found else str(len(found))
        called = "" if wanted is None else f" {wanted!r}"
        raise UsageError(
            f"{count} {kind}{'' if len(found) == 1 else 's'}{called} in these frames",
            step="rollout",
            next=f"name one of: {names or '(none was recorded)'}",
        )
    ((namespace, own),) = found
    columns = ("namespace", "name", "resourceVersion", "type", "uid")
    named = [each for each in zip(*(frame[one] for one in columns), strict=True) if each[:2] == (namespace, own)]
    named.sort(key=lambda each: int(each[2]))
    alive = [each for each in named if each[3] != "DELETED"]
    return Controller(kind, namespace, own, str((alive or named)[-1][4]))


def begin(meant: Controller, promises: dict[str, str], kinds: tuple[str, ...], *frames: Rows) -> Answer:
    """Return an answer in which nothing is put to the test yet.

    Parameters
    ----------
    meant : Controller
        Whose it is.
    promises : dict
        Each promise's short name and sentence.
    kinds : tuple of str
        Kinds whose gaps concern it.
    *frames : Rows
        What it rests on; the first one has the controller's own rows.
    """
    window, own = Window.of(*frames), frames[0].where("uid", {meant.uid})
    gaps = window.missing(*kinds, namespace=meant.namespace, life=life(own, window))
    return Answer(meant, promises, window, gaps, dict.fromkeys(promises, 0))


def ends(answer: Answer, row: dict[Any, Any]) -> bool:
    """Note the deletion of the controller itself, if a version of it is that.

    Parameters
    ----------
    answer : Answer
        Where it is noted.
    row : dict
        A version of the controller.
    """
    if answer.deleted is None and (row["type"] == "DELETED" or not pd.isna(row["deletionTimestamp"])):
        answer.deleted = int(row["monotonic_ns"])
    return answer.deleted is not None


__all__ = ["BREACHES", "Answer", "Controller", "Known", "Write", "begin", "ends", "find", "writes"]
