"""The lanes figure: the life of each Pod, one lane a Pod, folded when there are many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from kitlib.plots.canvas import box_of, pixels, size_of, write
from kitlib.plots.lane import HEADER, LaneFigure, Sheet, fit_lane_name, name_lane, show
from kitlib.plots.lane import Group as Lanes
from kitlib.plots.style import FOLDED as FOLDED_TONES
from kitlib.plots.style import INK, SMALL, TONES, Colours, amount, drawn, plain
from kitlib.plots.timeaxis import Clock
from kitlib.rollout.window import need

NEEDS = (*("monotonic_ns", "seq", "namespace", "name", "uid", "state", "owner.name", "owner.uid", "reason", "message"),)
ROW = 0.155
"""Inches of a Pod's lane."""

ROOMY, TIGHT = 14, 0.12
"""Above so many Pods their lanes get lower, down to so many inches."""

FOLDED = 2.9
"""Inches that all lanes take together when they are folded."""

GROUPS = 8
"""More groups than this get no heading of their own when lanes are folded."""


@dataclass
class Pod:
    """A Pod's life as far as it was recorded.

    Parameters
    ----------
    name, owner, uid : str
        Its own name, its controller's, and its controller's uid.
    spans : list of (str, int, int)
        State, begin and end in monotonic ns, in order.
    gone : int or None
        When it was deleted.
    why : str
        The last message about why it isn't further.
    """

    name: str
    owner: str
    uid: str
    spans: list[tuple[str, int, int]] = field(default_factory=list)
    gone: int | None = None
    why: str = ""

    @property
    def last(self) -> str:
        """The last state."""
        return "Gone" if self.gone is not None or not self.spans else self.spans[-1][0]

    def first(self, *states: str) -> int | None:
        """Return when it first came into one of the states."""
        return next((begin for state, begin, _ in self.spans if state in states), None)


@dataclass
class Group:
    """The Pods of one owner.

    Parameters
    ----------
    owner, uid : str
        Its name and uid; empty for Pods that have none.
    pods : list of Pod
        In the order of their lanes.
    space : str
        Its namespace, where another one has an owner of that name.
    """

    owner: str
    uid: str
    pods: list[Pod]
    space: str = ""


def lanes(
    pods: pd.DataFrame,
    workloads: pd.DataFrame | None = None,
    zero: int | str | None = None,
    ax: Axes | None = None,
    fold: int = 24,
) -> Axes:
    """Draw the life of each Pod: pending, creating, running, ready, terminating.

    A lane's colour is its revision's; its state is told by height and pattern. Above `fold` Pods the lanes get thin
    and lose their names: each revision is one band, in which the Pods follow each other in the order they came.

    Parameters
    ----------
    pods : DataFrame
        The frame of that name.
    workloads : DataFrame, optional
        The frame of that name, for the revisions' numbers and colours.
    zero : int or str, optional
        Time zero: monotonic ns or a step's name. Default is the start of the last step.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    fold : int, optional
        Up to so many Pods each have a name.

    Returns
    -------
    Axes
        With the drawing. `twin(axes)` says the same in words.

    Raises
    ------
    UsageError
        If a column is missing, or the step isn't there.
    """
    need(pods, NEEDS, "pods", "lanes")
    clock = Clock.of([pods], zero, "lanes")
    return show(figure_of(pods, Colours(workloads, pods), clock, fold), clock, ax)


def lanes_text(
    pods: pd.DataFrame, workloads: pd.DataFrame | None = None, zero: int | str | None = None, fold: int = 24
) -> str:
    """Say in words what `lanes` draws: a line for each Pod, or for each revision if there are more than `fold`.

    Parameters
    ----------
    pods : DataFrame
        The frame of that name.
    workloads : DataFrame, optional
        The frame of that name, for the revisions' numbers.
    zero : int or str, optional
        Time zero, as for `lanes`.
    fold : int, optional
        Up to so many Pods get a line each.

    Returns
    -------
    str
        When each Pod was created, ready, terminating and gone.
    """
    need(pods, NEEDS, "pods", "lanes")
    clock = Clock.of([pods], zero, "lanes")
    return "\n".join(figure_of(pods, Colours(workloads, pods), clock, fold).text)


def figure_of(pods: pd.DataFrame, colours: Colours, clock: Clock, fold: int) -> LaneFigure:
    """Return the figure of Pods' lives."""
    groups = lives(pods, colours, clock)
    count = sum(len(group.pods) for group in groups)
    folded = count > fold
    headed = not folded or len(groups) <= GROUPS
    tones = FOLDED_TONES if folded else TONES

    def draw(sheet: Sheet, one: tuple[Group, Pod], top: float, row: float) -> None:
        group, pod = one
        for state, begin, end in pod.spans:
            for since, until, colour in colours.spans(pod.uid, begin, end):
                tall = row * tones[state].height
                sheet.bar(state, colour, since, until, top + (row - tall) / 2, top + (row + tall) / 2)
        if not folded:
            _name(sheet.ax, pod, top + row / 2, row)
        elif pod is group.pods[0] and row * len(group.pods) > 0.13:
            known = colours.label(group.uid) if not headed else ""
            words = f"{known} · {len(group.pods)}" if known else amount(len(group.pods))
            name_lane(sheet.ax, drawn(words, 20), top + row * len(group.pods) / 2, SMALL)

    first, *rest = tell(groups, colours, clock, fold)
    rows = [
        Lanes([(group, pod) for pod in group.pods], _head(group, colours, clock) if headed else None)
        for group in groups
    ]
    row = FOLDED / count if folded else ROW if count <= ROOMY else max(ROW * ROOMY / count, TIGHT)
    figure = LaneFigure("Pod", rows, row, draw, [first, *clock.in_words(), *rest], tones=tones)
    figure.whole = not headed
    return figure


def tell(groups: list[Group], colours: Colours, clock: Clock, fold: int) -> list[str]:
    """Return the text's lines."""
    count = sum(len(group.pods) for group in groups)
    if not count:
        return ["Nothing recorded: no Pod in this time."]
    lines = [f"{amount(count)} of {amount(len(groups), 'group')}."]
    for group in groups:
        lines.append(f"{title(group, colours, clock, 200).rstrip('.')}.")
        if count > fold:
            lines.append("  " + _together(group, clock))
        else:
            lines += [f"  {plain(pod.name, 60)}: {_life(pod, clock)}." for pod in group.pods]
    return lines


def lives(pods: pd.DataFrame, colours: Colours, clock: Clock) -> list[Group]:
    """Return the Pods in the window, by owner, in the order of their lanes."""
    found: dict[str, Pod] = {}
    columns = [
        pods[name]
        for name in (
            "uid",
            "name",
            "owner.name",
            "owner.uid",
            "namespace",
            "state",
            "monotonic_ns",
            "message",
            "reason",
        )
    ]
    spaces: dict[str, str] = {}  # owner's uid → its namespace
    for uid, name, owner, of, namespace, state, now, message, reason in zip(*columns, strict=True):
        pod = found.setdefault(uid, Pod(str(name), str(owner or ""), str(of) if owner else ""))
        spaces[pod.uid] = str(namespace)
        now = int(now)
        if pod.spans:
            last, begin, _ = pod.spans[-1]
            pod.spans[-1] = (last, begin, max(now, begin))
        pod.why = plain(message, 300) or plain(reason, 60) if state not in ("Ready", "Gone") else ""
        if state == "Gone":
            pod.gone = now
        elif pod.gone is None and (not pod.spans or pod.spans[-1][0] != state):
            pod.spans.append((str(state), now if now > clock.begin else min(now, clock.left), now))
    for pod in found.values():
        if pod.gone is None and pod.spans:
            last, begin, _ = pod.spans[-1]
            pod.spans[-1] = (last, begin, max(clock.end, begin))
    groups: dict[str, Group] = {}
    for pod in found.values():
        if pod.spans and pod.spans[-1][2] > clock.begin:
            groups.setdefault(pod.uid, Group(pod.owner, pod.uid, [])).pods.append(pod)
    for group in groups.values():  # one name in two namespaces: then both are told
        if len({spaces[one.uid] for one in groups.values() if one.owner == group.owner}) > 1:
            group.space = spaces[group.uid]
    forever = 2**62
    for group in groups.values():
        group.pods.sort(
            key=lambda pod: (
                max(pod.spans[0][1], clock.begin),
                pod.first("Terminating", "Succeeded", "Failed") or pod.gone or forever,
                pod.name,
            )
        )
    order = {name: index for index, name in enumerate(colours.owners)}

    def place(group: Group) -> tuple[int, int]:
        """By the revision that its first Pod had; owners without revisions come last."""
        revision = colours.revision(group.uid, group.pods[0].spans[0][1])
        return revision or 2**31, order.get(group.uid, len(order))

    return sorted(groups.values(), key=place)


def title(group: Group, colours: Colours, clock: Clock, longest: int) -> str:
    """Return a group's heading: revision, owner, how many Pods, and what holds them up."""
    known = colours.label(group.uid)
    name = plain(group.owner, 40) or "Pods without a controller"
    name = f"{plain(group.space, 40)}/{name}" if group.space else name
    text = f"{known} · {name}" if known else name
    text += f" · {amount(len(group.pods))}"
    stuck: dict[tuple[str, str], int] = {}
    for pod in group.pods:
        if pod.last in ("Pending", "Scheduled", "Running", "Failed") and pod.spans[-1][2] >= clock.end:
            key = TONES[pod.last].label.partition(",")[0], pod.why
            stuck[key] = stuck.get(key, 0) + 1
    if stuck:
        (label, why), count = max(stuck.items(), key=lambda item: item[1])
        text += f", {count} {label}{f': {why}' if why else ' at the end'}"
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _name(ax: Axes, pod: Pod, y: float, row: float) -> None:
    short = pod.name.removeprefix(f"{pod.owner}-") if pod.owner else pod.name
    words = f"…{short}" if short != pod.name else short
    fit_lane_name(ax, words, y, size=min(SMALL - 0.5, row * 72 * 0.85), least=5)


def _head(group: Group, colours: Colours, clock: Clock) -> Callable[[Sheet, float], None]:
    """Return what writes a group's heading, beside the colours that its Pods have."""

    def head(sheet: Sheet, y: float) -> None:
        ax, box, point = sheet.ax, box_of(sheet.ax), pixels(sheet.ax)
        side, trans, base = 7 * point / box.width, ax.get_yaxis_transform(), y + HEADER * 0.56
        tall, step = 7 / 72, 9 * point / box.width
        shown = sorted((pod.spans[0][1], pod.spans[-1][2]) for pod in group.pods)
        swatches = list(dict.fromkeys(hue for span in shown for _, _, hue in colours.spans(group.uid, *span)))
        for index, colour in enumerate(swatches):
            corner = (index * step, base - tall / 2)
            ax.add_artist(Rectangle(corner, side, tall, transform=trans, facecolor=colour, linewidth=0, zorder=4))
        left, longest = (len(swatches) - 1) * step, 120
        words = drawn(title(group, colours, clock, longest), longest)
        while longest > 20 and size_of(ax, words, SMALL)[0] > box.width * (1 - left) - 12 * point:
            longest -= 4
            words = drawn(title(group, colours, clock, longest), longest)
        how: dict[str, Any] = {"va": "center_baseline", "color": INK, "fontsize": SMALL, "zorder": 4, "gid": "group"}
        write(ax, left + 11 * point / box.width, base, words, transform=trans, **how)

    return head


def _life(pod: Pod, clock: Clock) -> str:
    begin = pod.spans[0][1]
    parts = []
    if begin <= clock.begin:
        parts.append(f"{TONES[pod.spans[0][0]].label} from the beginning")
        rest = pod.spans[1:]
    else:
        rest = pod.spans
    for index, (state, since, _) in enumerate(rest):
        label = "seen first " if not index and len(rest) == len(pod.spans) else ""
        parts.append(f"{label}{TONES[state].label} at {clock.at(since)}")
    if pod.gone is not None:
        parts.append(f"gone at {clock.at(pod.gone)}")
    elif pod.why and pod.last != "Ready":
        parts.append(f"because: {pod.why.rstrip('.')}")
    return ", ".join(parts)


def _together(group: Group, clock: Clock) -> str:
    parts = []
    there = sum(pod.spans[0][1] <= clock.begin for pod in group.pods)
    if there:
        parts.append(f"{amount(there)} there from the beginning")
    made = [pod.spans[0][1] for pod in group.pods if pod.spans[0][1] > clock.begin]
    if made:
        parts.append(f"{amount(len(made))} first seen {_between(made, clock)}")
    ready = [at for pod in group.pods if (at := pod.first("Ready")) is not None and at > clock.begin]
    if ready:
        parts.append(f"{len(ready)} ready {_between(ready, clock)}")
        took = sorted(
            at - pod.spans[0][1]
            for pod in group.pods
            if (at := pod.first("Ready")) is not None and pod.spans[0][1] > clock.begin
        )
        if took:
            parts.append(
                f"from first seen to ready {clock.lasting(took[len(took) // 2])} in the middle,"
                f" {clock.lasting(took[-1])} at most"
            )
    ending = [at for pod in group.pods if (at := pod.first("Terminating")) is not None]
    if ending:
        parts.append(f"{len(ending)} terminating {_between(ending, clock)}")
    gone = [pod.gone for pod in group.pods if pod.gone is not None]
    if gone:
        parts.append(f"{len(gone)} gone {_between(gone, clock)}")
    return "; ".join(parts) + "."


def _between(times: list[int], clock: Clock) -> str:
    first, last = clock.at(min(times)), clock.at(max(times))
    return f"at {first}" if first == last else f"between {first} and {last}"
