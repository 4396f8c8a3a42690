"""The lanes figure: the life of each Pod, one lane a Pod, folded when there are many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from kitlib.plots.canvas import LEFT, attach, bare, box_of, new_axes, new_figure, pixels, size_of
from kitlib.plots.style import FOLDED as FOLDED_TONES
from kitlib.plots.style import INK, SMALL, TONES, Colours, Tone, amount, drawn, plain
from kitlib.plots.timeaxis import STEP_ROW, Clock, draw_axis, draw_gaps, draw_steps, draw_zero, nothing, step_rows
from kitlib.rollout.window import need

NEEDS = ("monotonic_ns", "seq", "name", "uid", "state", "owner.name", "reason", "message")
ROW, HEADER, KEY = 0.155, 0.2, 0.24
"""Inches: of a Pod's lane, of a group's heading, of the key to the states."""

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
    name, owner : str
        Its own, and its controller's.
    spans : list of (str, int, int)
        State, begin and end in monotonic ns, in order.
    gone : int or None
        When it was deleted.
    why : str
        The last message about why it isn't further.
    """

    name: str
    owner: str
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
    owner : str
        Its name; empty for Pods that have none.
    pods : list of Pod
        In the order of their lanes.
    """

    owner: str
    pods: list[Pod]


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
        Time zero: monotonic ns or a step's name. Default is the begin of the last step.
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
    colours = Colours(workloads, pods)
    groups = lives(pods, colours, clock)
    if ax is None:
        height, above = height_of(groups, fold), step_rows(clock) * STEP_ROW / 72
        ax = new_axes(new_figure(height + above + 0.65), bottom=0.55, height=height)
    first, *rest = tell(groups, colours, clock, fold)
    attach(ax, "\n".join([first, *clock.in_words(), *rest]))
    draw(ax, groups, colours, clock, fold)
    draw_steps(ax, clock)
    return ax


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
    colours = Colours(workloads, pods)
    first, *rest = tell(lives(pods, colours, clock), colours, clock, fold)
    return "\n".join([first, *clock.in_words(), *rest])


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
    columns = [pods[name] for name in ("uid", "name", "owner.name", "state", "monotonic_ns", "message", "reason")]
    for uid, name, owner, state, now, message, reason in zip(*columns, strict=True):
        pod = found.setdefault(uid, Pod(str(name), str(owner or "")))
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
            groups.setdefault(pod.owner, Group(pod.owner, [])).pods.append(pod)
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
        revision = colours.revision(group.owner, group.pods[0].spans[0][1])
        return revision or 2**31, order.get(group.owner, len(order))

    return sorted(groups.values(), key=place)


def height_of(groups: list[Group], fold: int) -> float:
    """Return the inches that the lanes need."""
    count = sum(len(group.pods) for group in groups)
    if not count:
        return 0.6
    row = ROW if count <= ROOMY else max(ROW * ROOMY / count, TIGHT)
    heads = HEADER * (len(groups) if count <= fold or len(groups) <= GROUPS else 0)
    return KEY + heads + (row * count if count <= fold else FOLDED)


def title(group: Group, colours: Colours, clock: Clock, longest: int) -> str:
    """Return a group's heading: revision, owner, how many Pods, and what holds them up."""
    known = colours.label(group.owner)
    name = plain(group.owner, 40) or "Pods without a controller"
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


def draw(ax: Axes, groups: list[Group], colours: Colours, clock: Clock, fold: int, labelled: bool = True) -> None:
    """Draw lanes into axes whose size is final."""
    bare(ax)
    count = sum(len(group.pods) for group in groups)
    box, inch = box_of(ax), pixels(ax) * 72
    draw_axis(ax, clock, labelled)
    if not count:
        nothing(ax, clock, "Pod")
        return
    folded = count > fold
    headed = not folded or len(groups) <= GROUPS
    height = box.height / inch
    ax.set_ylim(height, 0)
    ax.set_yticks([])
    row = max(height - KEY - HEADER * len(groups) * headed, 0.2) / count
    y = KEY
    shapes: dict[tuple[str, str], list[Path]] = {}
    bands = []
    for group in groups:
        if headed:
            _heading(ax, group, colours, clock, y, 0)
            y += HEADER
        middle = y + row * len(group.pods) / 2
        for pod in group.pods:
            for state, colour, path in _bars(pod, clock, colours, y, row, folded):
                shapes.setdefault((state, colour), []).append(path)
            if not folded:
                _name(ax, pod, y + row / 2, row)
            y += row
        bands.append((1 - y / height, 1 - (y - row * len(group.pods)) / height))
        if folded and row * len(group.pods) > 0.13:
            known = colours.label(group.owner) if not headed else ""
            words = f"{known} · {len(group.pods)}" if known else amount(len(group.pods))
            name_lane(ax, drawn(words, 20), middle, SMALL)
    tones = FOLDED_TONES if folded else TONES
    for (state, colour), paths in shapes.items():
        add_bars(ax, paths, colour, state, tones[state])
    draw_key(ax, {state: tones[state] for state in tones if any(state == one for one, _ in shapes)})
    if not headed:
        bands = [(0.0, 1 - KEY / height)]
    draw_zero(ax, clock, bands)
    draw_gaps(ax, clock, bands, "Pod")


def _bars(
    pod: Pod, clock: Clock, colours: Colours, y: float, row: float, folded: bool
) -> Iterator[tuple[str, str, Path]]:
    """Yield state, colour and outline of each piece of a Pod's lane."""
    gaps = clock.gaps_of("Pod")
    for state, begin, end in pod.spans:
        tall = row * (FOLDED_TONES if folded else TONES)[state].height
        low, high = y + (row - tall) / 2, y + (row + tall) / 2
        for since, until, colour in colours.spans(pod.owner, begin, end):
            for left, right in clock.known(since, until, gaps):
                yield state, colour, bar(clock, left, right, low, high)


def lane_axes(height: float, clock: Clock) -> Axes:
    """Return new axes of so many inches, with room for the steps above and the time below."""
    return new_axes(new_figure(height + step_rows(clock) * STEP_ROW / 72 + 0.65), bottom=0.55, height=height)


def bar(clock: Clock, begin: int, end: int, low: float, high: float) -> Path:
    """Return the outline of a piece of a lane."""
    x0, x1 = float(clock.x(begin)), float(clock.x(end))
    return Path([(x0, low), (x1, low), (x1, high), (x0, high), (x0, low)], closed=True)


def add_bars(ax: Axes, paths: list[Path], colour: str, state: str, tone: Tone) -> None:
    """Draw pieces of lanes in a tone."""
    area = Path.make_compound_path(*paths)
    if tone.fill:
        face = PathPatch(area, facecolor=colour, alpha=tone.fill, linewidth=0, zorder=2, gid=state)
        ax.add_artist(face)
    if tone.edge or tone.hatch:
        line = PathPatch(area, facecolor="none", edgecolor=colour, linewidth=tone.edge, zorder=2.1, gid=state)
        if tone.hatch:
            line.set_hatch(tone.hatch)
            line.set_hatch_linewidth(0.9)
        ax.add_artist(line)


def name_lane(ax: Axes, words: str, y: float, size: float, **how: Any) -> None:
    """Write a lane's name to the left of it."""
    box, point = box_of(ax), pixels(ax)
    ax.text(
        -6 * point / box.width,
        y,
        words,
        transform=ax.get_yaxis_transform(),
        ha="right",
        va="center",
        color=INK,
        fontsize=size,
        gid="lane",
        **how,
    )


def fit_lane_name(ax: Axes, name: Any, y: float, most: int = 21) -> None:
    """Write a lane's name to the left of it, so small that it has room."""
    words, size = drawn(name, most), SMALL - 0.5
    while size > 6.5 and size_of(ax, words, size, family="monospace")[0] > (LEFT * 72 - 12) * pixels(ax):
        size -= 0.5
    name_lane(ax, words, y, size, family="monospace")


def name_group(ax: Axes, words: str, y: float) -> None:
    """Write the heading of lanes that belong together; `y` is its middle."""
    trans = ax.get_yaxis_transform()
    ax.text(0, y, words, transform=trans, va="center_baseline", color=INK, fontsize=SMALL, gid="group")


def _name(ax: Axes, pod: Pod, y: float, row: float) -> None:
    short = pod.name.removeprefix(f"{pod.owner}-") if pod.owner else pod.name
    words = drawn(f"…{short}" if short != pod.name else short, 21)
    size = min(SMALL - 0.5, row * 72 * 0.85)
    while size > 5 and size_of(ax, words, size, family="monospace")[0] > (LEFT * 72 - 12) * pixels(ax):
        size -= 0.5
    name_lane(ax, words, y, size, family="monospace")


def _heading(ax: Axes, group: Group, colours: Colours, clock: Clock, y: float, left: float) -> None:
    box, point = box_of(ax), pixels(ax)
    side = 7 * point
    base = y + HEADER * 0.56
    tall = side / box.height * abs(ax.get_ylim()[0] - ax.get_ylim()[1])
    trans = ax.get_yaxis_transform()
    shown = [(pod.spans[0][1], pod.spans[-1][2]) for pod in group.pods]
    swatches = list(dict.fromkeys(hue for span in sorted(shown) for _, _, hue in colours.spans(group.owner, *span)))
    for index, colour in enumerate(swatches):
        corner = (left + index * (side + 2 * point) / box.width, base - tall / 2)
        ax.add_artist(
            Rectangle(corner, side / box.width, tall, transform=trans, facecolor=colour, linewidth=0, zorder=4)
        )
    left += (len(swatches) - 1) * (side + 2 * point) / box.width
    longest = 120
    width = box.width * (1 - left) - 12 * point
    words = drawn(title(group, colours, clock, longest), longest)
    while longest > 20 and size_of(ax, words, SMALL)[0] > width:
        longest -= 4
        words = drawn(title(group, colours, clock, longest), longest)
    ax.text(
        left + 11 * point / box.width,
        base,
        words,
        transform=trans,
        va="center_baseline",
        color=INK,
        fontsize=SMALL,
        zorder=4,
        gid="group",
    )


def draw_key(ax: Axes, states: dict[str, Tone]) -> None:
    """Name the states that occur, each beside a piece of lane."""
    box, point = box_of(ax), pixels(ax)
    units = abs(ax.get_ylim()[0] - ax.get_ylim()[1]) / box.height
    middle, wide, gap = KEY * 0.45, 20 * point, 12 * point
    size, room = SMALL, box.width + 0.5 * 72 * point

    def width(size: float) -> float:
        return sum(wide + 4 * point + size_of(ax, tone.label, size)[0] + gap for tone in states.values()) - gap

    while size > 5 and width(size) > room:
        size, wide, gap = size - 0.5, wide * 0.9, gap * 0.9
    x = 0.0
    trans = ax.get_yaxis_transform()
    for tone in states.values():
        tall = 9 * point * units * min(tone.height / 0.78, 1)
        corner = (x / box.width, middle - tall / 2)
        if tone.fill:
            ax.add_artist(
                Rectangle(
                    corner,
                    wide / box.width,
                    tall,
                    transform=trans,
                    clip_on=False,
                    facecolor=INK,
                    alpha=tone.fill,
                    linewidth=0,
                    zorder=2,
                )
            )
        if tone.edge or tone.hatch:
            frame = Rectangle(
                corner,
                wide / box.width,
                tall,
                transform=trans,
                clip_on=False,
                facecolor="none",
                edgecolor=INK,
                linewidth=tone.edge or 0.5,
                hatch=tone.hatch or None,
                zorder=2.1,
            )
            frame.set_hatch_linewidth(0.8)
            ax.add_artist(frame)
        ax.text(
            (x + wide + 4 * point) / box.width,
            middle,
            tone.label,
            transform=trans,
            clip_on=False,
            va="center_baseline",
            color=INK,
            fontsize=size,
            gid="key",
        )
        x += wide + 4 * point + size_of(ax, tone.label, size)[0] + gap


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
