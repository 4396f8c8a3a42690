"""Colours, tones and text of kitlib's figures: one rendering that is right on a white and on a dark page.

A figure has no background of its own. So everything that stands on the page is drawn in one ink whose contrast is the
same on both pages, and each revision has a colour that stands out from both, also for readers who see no red or green.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from kitlib.plots.fonts import drawable

PAGES = {"light": "#ffffff", "dark": "#1e2129"}
"""The pages a figure is seen on: white, and mkdocs-material's slate."""

INK = "#75808d"
"""Text and lines on the page: 4 : 1 on either page, and no colour has more on both."""

PALETTE = ("#0072b2", "#d55e00", "#008466", "#a233ee", "#8a7040")
"""A revision's colour: blue and vermilion of Okabe and Ito, and three that keep their distance from both pages."""

ON_DARK, ON_LIGHT = "#ffffff", "#101318"
SMALL, TEXT, HEADLINE = 8.5, 9.5, 14.0
"""Sizes of text in points."""

LONGEST = 28
"""Names are cut to so many characters, in the middle."""


@dataclass(frozen=True)
class Tone:
    """How a Pod's state looks, in whatever colour its revision has.

    Parameters
    ----------
    label : str
        The state in plain words.
    height : float
        Of the bar, as a share of its lane: a Pod grows with its state, so that no state is told by colour alone.
    fill : float
        Opacity of the bar; 0 leaves it empty.
    hatch : str
        Pattern, or empty.
    edge : float
        Width of the outline in points.
    """

    label: str
    height: float
    fill: float
    hatch: str = ""
    edge: float = 0.0


TONES = {
    "Pending": Tone("pending, no node", 0.16, 1.0),
    "Scheduled": Tone("creating", 0.44, 0.0, edge=0.9),
    "Running": Tone("running, not ready", 0.78, 0.32, edge=0.9),
    "Ready": Tone("ready", 0.78, 1.0),
    "Terminating": Tone("terminating", 0.78, 0.0, "/////", 0.6),
    "Succeeded": Tone("succeeded", 0.44, 1.0),
    "Failed": Tone("failed", 0.78, 0.0, "xxxxx", 0.9),
}
"""How each state of a Pod looks in a lane; Gone is no bar."""

FOLDED = {
    "Pending": Tone("pending, no node", 1.0, 0.0, "....", 0.0),
    "Scheduled": Tone("creating", 1.0, 0.2),
    "Running": Tone("running, not ready", 1.0, 0.5),
    "Ready": Tone("ready", 1.0, 1.0),
    "Terminating": Tone("terminating", 1.0, 0.0, "/////"),
    "Succeeded": Tone("succeeded", 1.0, 0.75),
    "Failed": Tone("failed", 1.0, 0.0, "xxxxx"),
}
"""The same where lanes are so thin that they tell nothing by their height."""

COUNTED = {
    "available": Tone("available", 1.0, 1.0),
    "unavailable": Tone("not yet available", 1.0, 0.32, edge=0.9),
    "terminating": Tone("terminating, not counted", 1.0, 0.0, "/////", 0.5),
}
"""How Pods look in the rollout's stack."""


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour `#rrggbb`, from 0 to 1, as WCAG defines it."""
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours `#rrggbb`, from 1 (none) to 21, as WCAG defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def text_on(colour: str) -> str:
    """Return the colour of text inside a bar of that colour: near white or near black, whichever reads better."""
    return max((ON_DARK, ON_LIGHT), key=lambda text: contrast(text, colour))


def plain(text: object, longest: int = LONGEST) -> str:
    """Make a name from a cluster fit to be printed: one line, no control characters, cut in the middle.

    Parameters
    ----------
    text : object
        The name or message. Missing values become an empty string.
    longest : int
        Characters to keep.
    """
    if text is None or text is pd.NA or (isinstance(text, float) and text != text):
        return ""
    kept = (
        " " if char.isspace() else char
        for char in str(text)[:10_000]
        if char.isspace() or unicodedata.category(char)[0] != "C"
    )
    short = " ".join("".join(kept).split())
    if len(short) > longest:
        tail = (longest - 1) // 2
        short = f"{short[: longest - 1 - tail]}…{short[len(short) - tail :]}"
    return short


def drawn(text: object, longest: int = LONGEST) -> str:
    """Make a name from a cluster fit to be drawn: like `plain`, with a mark for what no font has."""
    return drawable(plain(text, longest)).replace("$", r"\$")


def amount(count: int, thing: str = "Pod") -> str:
    """Return a number with its noun: 1 Pod, 2 Pods, 3 retries."""
    several = f"{thing[:-1]}ies" if thing.endswith("ry") else f"{thing}s"
    return f"{count} {thing if count == 1 else several}"


class Colours:
    """One colour for each revision, the same in all panels and in all figures.

    A revision's number alone decides. A rollback gives an old ReplicaSet a new number: from then on its Pods have the
    new revision's colour. Owners that have no revisions (a StatefulSet, a Job) get colours in the order they came.

    Parameters
    ----------
    workloads, pods : DataFrame, optional
        The frames of those names; either may be missing.
    """

    def __init__(self, workloads: pd.DataFrame | None = None, pods: pd.DataFrame | None = None) -> None:
        self.since: dict[str, list[tuple[int, int]]] = {}  # owner's uid → (monotonic ns, revision), in order of time
        self.named: dict[tuple[str, str], list[str]] = {}  # namespace and name → uids that had it, in order of time
        if workloads is not None and len(workloads):
            sets = workloads[(workloads["kind"] == "ReplicaSet") & workloads["revision"].notna()]
            columns = [sets[name] for name in ("namespace", "name", "uid", "monotonic_ns", "revision")]
            for namespace, name, uid, now, number in zip(*columns, strict=True):
                known = self.since.setdefault(str(uid), [])
                if not known:
                    self.named.setdefault((str(namespace), str(name)), []).append(str(uid))
                if not known or known[-1][1] != number:
                    known.append((int(now), int(number)))
        self.owners = sorted(self.since, key=lambda uid: self.since[uid][0][1])
        self.others: dict[str, str] = {}
        if pods is not None and len(pods):
            owners = pods[["namespace", "owner.name", "owner.uid"]].drop_duplicates()
            for namespace, name, uid in owners.itertuples(index=False, name=None):
                if name and uid not in self.since:
                    self.named.setdefault((str(namespace), str(name)), []).append(str(uid))
                    self.others[str(uid)] = PALETTE[len(self.others) % len(PALETTE)]
        self.owners += self.others

    @staticmethod
    def of(revision: int) -> str:
        """Return a revision's colour."""
        return PALETTE[(revision - 1) % len(PALETTE)] if revision > 0 else INK

    def at(self, owner: str, ns: int) -> str:
        """Return the colour of an owner's Pods at a time; ink if it is not known."""
        return next(colour for begin, end, colour in self.spans(owner, ns, ns + 1) if begin <= ns < end)

    def spans(self, owner: str, begin: int, end: int) -> Iterator[tuple[int, int, str]]:
        """Cut a time where the owner's revision changes; yield begin, end and colour of each piece."""
        known = self.since.get(owner)
        if not known:
            yield begin, end, self.others.get(owner, INK)
            return
        for index, (since, number) in enumerate(known):
            left = begin if index == 0 else max(begin, since)
            right = min(end, known[index + 1][0]) if index + 1 < len(known) else end
            if left < right:
                yield left, right, self.of(number)

    def about(self, event: Mapping[str, Any], ns: int) -> str:
        """Return the colour of what an Event is about: a ReplicaSet, a Pod of one, or one that its message names."""
        space, name = str(event["namespace"]), str(event["involvedObject.name"])
        if event["involvedObject.kind"] in ("Pod", "ReplicaSet"):
            names = [name, name.rpartition("-")[0]]
        else:
            names = str(event["message"]).split()
        uids = next((self.named[space, each] for each in names if (space, each) in self.named), [""])
        then = [uid for uid in uids if uid in self.since and self.since[uid][0][0] <= ns]
        return self.at((then or uids)[-1], ns)

    def revisions(self, owner: str) -> list[int]:
        """Return the revisions that an owner had, in order."""
        return [number for _, number in self.since.get(owner, ())]

    def label(self, owner: str) -> str:
        """Return what an owner is called in a figure: its revision or revisions, else an empty string."""
        numbers = self.revisions(owner)
        return "revision " + " → ".join(map(str, numbers)) if numbers else ""

    def revision(self, owner: str, ns: int) -> int:
        """Return the revision that an owner had at a time; 0 if it has none."""
        known = self.since.get(owner, [])
        return next((number for since, number in reversed(known) if since <= ns), known[0][1] if known else 0)


def apply() -> None:
    """Make your own matplotlib figures look like kitlib's: ink, transparent background, palette.

    kitlib's own figures look right without it.
    """
    import matplotlib
    from cycler import cycler

    matplotlib.rcParams.update(
        {
            "figure.facecolor": "none",
            "axes.facecolor": "none",
            "savefig.facecolor": "none",
            "text.color": INK,
            "axes.labelcolor": INK,
            "axes.edgecolor": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "font.size": TEXT,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": cycler(color=PALETTE),
        }
    )
