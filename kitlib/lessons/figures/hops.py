"""The hops figure: how long a change takes from one place to the next, such as from a probe to the answer of DNS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from kitlib.errors import UsageError
from kitlib.frames.covered import Covered
from kitlib.frames.origin import joined
from kitlib.plots.canvas import attach, bare, new_axes, new_figure, write
from kitlib.plots.style import INK, PALETTE, SMALL, TEXT, Tone, amount, drawn, plain
from kitlib.rollout.window import need, need_columns

STAGES = ("probe", "Pod", "EndpointSlice", "answer")
"""Where the readiness of a Pod is to be seen, one after the other."""
TONES = (
    Tone("", 1.0, 1.0),
    Tone("", 1.0, 0.3, edge=0.9),
    Tone("", 1.0, 0.0, "/////", 0.9),
    Tone("", 1.0, 0.0, edge=1.4),
)
"""How the hops look: each differs from its neighbours without its colour, too."""
LINE, HEAD, FOOT = 0.3, 0.75, 0.55
BAR = 0.62
"""Inches, but for the bar's share of its line."""
SECOND = 1e9


def readiness(
    pod: str, probes: pd.DataFrame, pods: pd.DataFrame, endpoints: pd.DataFrame, lookups: pd.DataFrame
) -> pd.DataFrame:
    """Return when each change of a Pod's readiness was to be seen where: what `hops` draws.

    Parameters
    ----------
    pod : str
        Its name.
    probes, pods, endpoints : DataFrame
        The frames of these names; `endpoints` of one Service.
    lookups : DataFrame
        What `kitlib.frames.lookups` returned, of one name whose answer has the addresses of ready Pods.

    Returns
    -------
    DataFrame
        One row for each change that the Pod's condition Ready has made: `change` (str: "ready" or "not ready"),
        `probe` (Int64, ns on the monotonic clock: when a probe first said so), `Pod`, `EndpointSlice` (Int64, ns: when
        it was received), `answer` (Int64, ns: when a client first asked and was answered so); NA where that isn't
        recorded. `podVersion`, `sliceVersion` (Int64): the resourceVersions of the Pod and of the EndpointSlice.

    Raises
    ------
    UsageError
        If a column is missing.
    """
    need(probes, ("monotonic_ns", "name", "probe", "outcome", "source"), "probes", "hops")
    need(pods, ("monotonic_ns", "name", "ready", "podIP", "resourceVersion"), "pods", "hops")
    need(endpoints, ("monotonic_ns", "pod", "ready", "resourceVersion"), "endpoints", "hops")
    need(lookups, ("monotonic_ns", "answers", "error"), "lookups", "hops")
    mine = pods[pods["name"] == pod]
    changed = mine[mine["ready"] != mine["ready"].shift()].iloc[1:]
    asked = probes[(probes["name"] == pod) & (probes["probe"] == "readiness") & (probes["source"] == "container")]
    listed = endpoints[endpoints["pod"] == pod]
    answered = lookups[lookups["error"] == ""]
    found, since = [], int(mine["monotonic_ns"].min()) if len(mine) else 0
    for row in changed.to_dict("records"):
        outcome = "Success" if row["ready"] else "Failure"
        probe = _first(asked[(asked["outcome"] == outcome) & (asked["monotonic_ns"] > since)])
        slices = listed[(listed["ready"].fillna(False) == row["ready"]) & (listed["monotonic_ns"] > since)]
        there = answered["answers"].str.split(",").map(lambda each, ip=row["podIP"]: ip in each) == row["ready"]
        answers = answered[there & (answered["monotonic_ns"] > (since if probe is None else probe))]
        version = slices["resourceVersion"].iloc[0] if len(slices) else None
        times = (probe, row["monotonic_ns"], _first(slices), _first(answers))
        found.append(("ready" if row["ready"] else "not ready", *times, row["resourceVersion"], version))
        since = int(row["monotonic_ns"])
    columns = ("change", *STAGES, "podVersion", "sliceVersion")
    made = pd.DataFrame(found, columns=list(columns), dtype=object).astype(dict.fromkeys(columns[1:], "Int64"))
    table = Covered(made, copy=False)
    table.attrs = joined([each.attrs for each in (probes, pods, endpoints, lookups)])
    return table


def _first(rows: pd.DataFrame) -> int | None:
    return int(rows["monotonic_ns"].iloc[0]) if len(rows) else None


def hops(table: pd.DataFrame, stages: Sequence[str] = STAGES, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw for each change how long it took from one stage to the next.

    When something was seen is never before it happened: what was seen earlier at a later stage had been at the stages
    before by then, too, and is drawn so.

    Parameters
    ----------
    table : DataFrame
        A row for each change: `change` (str) and a column for each stage, ns on the monotonic clock; see `readiness`.
    stages : sequence of str
        The columns, in order; up to five.
    title : str
        The answer in a sentence; how long the changes took otherwise.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        With the drawing. `twin(axes)` says the same in words.

    Raises
    ------
    UsageError
        If a column is missing, or there are fewer than two stages or more than five.
    """
    seconds = _seconds(table, stages)
    if ax is None:
        height = LINE * max(len(seconds), 1)
        ax = new_axes(new_figure(HEAD + height + FOOT), bottom=FOOT, height=height)
    attach(ax, hops_text(table, stages, title))
    bare(ax)
    ax.set_ylim(max(len(seconds), 1), 0)
    ax.set_yticks([])
    rows: list[list[float]] = seconds.to_numpy().tolist()
    last = max((each for row in rows for each in row if each == each), default=0.0)
    ax.set_xlim(0, last * 1.02 if last > 0 else 1)
    ax.set_xlabel(f"seconds after {drawn(stages[0])}", color=INK, fontsize=TEXT)
    for number, (change, row) in enumerate(zip(table["change"], rows, strict=True)):
        middle = number + 0.5
        how: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "va": "center", "color": INK, "fontsize": TEXT}
        write(ax, -0.015, middle, drawn(change, 16), ha="right", gid="change", **how)
        write(ax, 1.02, middle, drawn(_whole(row)), ha="left", gid="whole", **how)
        for hop in range(len(stages) - 1):
            if row[hop] == row[hop] and row[hop + 1] == row[hop + 1]:
                box = (row[hop], middle - BAR / 2), row[hop + 1] - row[hop], BAR
                ax.add_patch(_bar(*box, hop))
    _legend(ax, stages)
    words = drawn(title, 90) if title else _answer(seconds, stages)
    ax.set_title(words, color=INK, fontsize=TEXT + 2, loc="left", pad=28, gid="headline")
    return ax


def _bar(corner: tuple[float, float], width: float, height: float, hop: int, **how: Any) -> Rectangle:
    colour, tone = PALETTE[hop], TONES[hop]
    bar = Rectangle(corner, width, height, edgecolor=colour, linewidth=max(tone.edge, 0.9), gid=f"hop {hop}", **how)
    bar.set_facecolor(to_rgba(colour, tone.fill))
    if tone.hatch:
        bar.set_hatch(tone.hatch)
    return bar


def _legend(ax: Axes, stages: Sequence[str]) -> None:
    """Write above the axes which bar is which hop."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    box = ax.get_window_extent()
    point, x = figure.dpi / 72, 0.0
    for hop in range(len(stages) - 1):
        size = 14 * point / box.width, 8 * point / box.height
        bottom = 1 + 9 * point / box.height
        ax.add_patch(_bar((x, bottom), *size, hop, transform=ax.transAxes, clip_on=False))
        words = f"{drawn(stages[hop], 20)} → {drawn(stages[hop + 1], 20)}"
        where: dict[str, Any] = {
            "transform": ax.transAxes,
            "va": "center",
            "color": INK,
            "fontsize": SMALL,
            "gid": "legend",
        }
        said = write(ax, x + size[0] * 1.4, bottom + size[1] / 2, words, **where)
        x += size[0] * 1.4 + (said.get_window_extent().width + 16 * point) / box.width


def hops_text(table: pd.DataFrame, stages: Sequence[str] = STAGES, title: str = "") -> str:
    """Say in words what `hops` draws.

    Parameters
    ----------
    table, stages, title
        As for `hops`.

    Returns
    -------
    str
        How long the changes took, then each, hop by hop.
    """
    seconds = _seconds(table, stages)
    lines = [f"{plain(title, 200) or _answer(seconds, stages)}."]
    for change, row in zip(table["change"], seconds.to_numpy().tolist(), strict=True):
        told = [f"{plain(stages[0])} at 0" if row[0] == row[0] else f"{plain(stages[0])} not recorded"]
        for hop in range(1, len(stages)):
            took = row[hop] - row[hop - 1]
            how = f"{took:.3f} s later" if took == took else f"at {row[hop]:.3f} s" if row[hop] == row[hop] else ""
            told.append(f"{plain(stages[hop])} {how or 'not recorded'}")
        lines.append(f"{plain(change)}: {', '.join(told)}; {_whole(row)} in all.")
    return "\n".join(lines)


def _seconds(table: pd.DataFrame, stages: Sequence[str]) -> pd.DataFrame:
    """Return each change's stages in seconds after its first one; NaN where that isn't known."""
    if not 2 <= len(stages) <= len(TONES) + 1:
        raise UsageError(
            f"{len(stages)} stages can't be drawn", step="hops", next=f"name two to {len(TONES) + 1} columns"
        )
    need_columns(table, ("change", *stages), "hops", "name the columns that hold the stages")
    times = table[list(stages)].astype("Float64").astype("float64")
    begin = times.min(axis=1)
    after = times.sub(times[stages[0]].fillna(begin), axis=0) / SECOND
    capped = after.iloc[:, ::-1].cummin(axis=1).iloc[:, ::-1].where(times.notna())
    return capped.clip(lower=0).set_axis(list(stages), axis=1)


def _whole(row: Sequence[float]) -> str:
    end = row[-1]
    return f"{end:.2f} s" if end == end else "no end"


def _answer(seconds: pd.DataFrame, stages: Sequence[str]) -> str:
    ended = seconds[stages[-1]].dropna()
    if not len(ended):
        return f"Nothing got from {plain(stages[0])} to {plain(stages[-1])}"
    took = f"{ended.min():.2f} to " * (len(ended) > 1) + f"{ended.max():.2f} s"
    return f"{amount(len(ended), 'change')} from {plain(stages[0])} to {plain(stages[-1])}: {took}"


__all__ = ["STAGES", "hops", "hops_text", "readiness"]
