"""The injected figure: an object as it was sent and as it was stored, by one server or by several."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from kitlib.errors import UsageError
from kitlib.plots.canvas import WIDTH, KitAxes, attach, new_figure, write
from kitlib.plots.style import HEADLINE, INK, PALETTE, SMALL, TEXT, amount, drawn, plain

ROW, HEAD, COLUMN = 0.19, 0.62, 0.5
"""Inches: of a line, of headline and column heads, of a column of marks."""

WIDEST = 88
"""Characters of a line."""

BLOCK = ("spec", "metadata", "containers", "initContainers", "template", "annotations")
"""What is written over several lines; everything else that is the same for all stands on one."""

MARKS = {"sent": "·", "kept": "·", "written": "+", "lost": "−"}
NEWS = {"written": PALETTE[0], "lost": PALETTE[1]}
"""What a server did to a line, and the colour of it; the sign tells the same."""
LEGEND = "· as it was sent    + written into it    − lost"


@dataclass(frozen=True)
class Line:
    """One line of the object, as YAML.

    Parameters
    ----------
    text : str
        With its indentation.
    owners : frozenset of str
        Who has it: "sent", and the names of servers.
    """

    text: str
    owners: frozenset[str]

    def mark(self, owner: str) -> str:
        """Return what this line is for a server: kept, written, lost, or nothing to it; "sent" for whoever sent it."""
        if owner == "sent":
            return "sent" if "sent" in self.owners else ""
        if owner in self.owners:
            return "kept" if "sent" in self.owners else "written"
        return "lost" if "sent" in self.owners else ""


def injected(sent: Mapping[str, Any], stored: Mapping[str, Mapping[str, Any]], title: str = "") -> Axes:
    """Draw an object line by line, and mark what each server wrote into it.

    Parameters
    ----------
    sent : mapping
        The object as it was sent.
    stored : mapping
        Name of a server (a version) to what it stored, as `kitlib.admission.stored` returns it.
    title : str
        What the figure is about; the object's kind and name otherwise.

    Returns
    -------
    Axes
        With the drawing. `twin(axes)` is the same as a diff.

    Raises
    ------
    UsageError
        If nothing was stored.
    """
    lines, servers = _lines(sent, stored), list(stored)
    ax = _axes(len(lines))
    attach(ax, injected_text(sent, stored, title))
    _write(ax, 0, 0.12, drawn(_answer(lines, servers), 90), "headline", fontsize=HEADLINE - 1, weight="bold")
    _write(ax, 0, 0.36, drawn(title or _named(sent), 90), "subject")
    heads = ["sent", *servers]
    for column, head in enumerate(heads):
        _write(ax, (column + 0.5) * COLUMN, HEAD, drawn(head, 8), "head", ha="center", weight="bold")
    for number, line in enumerate(lines):
        y = HEAD + (number + 1) * ROW + 0.04
        for column, head in enumerate(heads):
            if what := line.mark(head):
                _mark(ax, column, y, what)
        weight = "bold" if any(line.mark(server) in NEWS for server in servers) else "normal"
        text = line.text.replace("$", r"\$")
        _write(ax, len(heads) * COLUMN + 0.12, y, text, "line", fontsize=TEXT, family="monospace", weight=weight)
    _write(ax, 0, HEAD + (len(lines) + 2) * ROW + 0.04, LEGEND, "legend")
    return ax


def _mark(ax: Axes, column: int, y: float, what: str) -> None:
    """Draw a server's mark at a line; what was written or lost has a bar of colour beside it, too."""
    if what in NEWS:
        corner = (column * COLUMN + 0.08, y - ROW * 0.5)
        ax.add_artist(Rectangle(corner, 0.07, ROW, facecolor=NEWS[what], linewidth=0, gid=what))
    how = {"fontsize": SMALL + 1, "weight": "bold"} if what in NEWS else {}
    _write(ax, (column + 0.5) * COLUMN, y, MARKS[what], "mark", ha="center", **how)


def _write(ax: Axes, x: float, y: float, words: str, gid: str, **how: Any) -> None:
    write(ax, x, y, words, gid=gid, color=INK, va="center", **{"fontsize": SMALL, **how})


def injected_text(sent: Mapping[str, Any], stored: Mapping[str, Mapping[str, Any]], title: str = "") -> str:
    """Say what `injected` draws, as a diff: a column of marks for each server, then the line.

    Parameters
    ----------
    sent, stored, title
        As for `injected`.

    Returns
    -------
    str
        "+" is what was written into the object, "−" what was lost; other lines were sent and kept.
    """
    lines, servers = _lines(sent, stored), list(stored)
    signs = {"kept": " ", "": " ", "written": "+", "lost": "−"}
    wide = [max(len(plain(server)), 1) for server in servers]
    told = [plain(title, 200) or _named(sent), "", f"{_answer(lines, servers)}."]
    told += [f"Columns: {', '.join(map(plain, servers))}. + was written into it, − was lost.", ""]
    for line in lines:
        marks = " ".join(signs[line.mark(server)].center(size) for server, size in zip(servers, wide, strict=True))
        told.append(f"{marks}  {line.text}".rstrip())
    return "\n".join(told)


def _named(sent: Mapping[str, Any]) -> str:
    return f"{plain(sent.get('kind', 'object'))} {plain(sent.get('metadata', {}).get('name', ''))}".strip()


def _answer(lines: list[Line], servers: list[str]) -> str:
    """Return the answer in one line."""
    written = {server: sum(line.mark(server) == "written" for line in lines) for server in servers}
    lost = {server: sum(line.mark(server) == "lost" for line in lines) for server in servers}
    differ = sum(len({line.mark(server) for server in servers}) > 1 for line in lines)
    if differ:
        return f"✗ {' and '.join(map(plain, servers))} differ in {amount(differ, 'line')}"
    said = f"{amount(count, 'line') if (count := written[servers[0]]) else 'nothing'} written into it"
    said += f", {lost[servers[0]]} lost" if lost[servers[0]] else ""
    return f"✓ The same on {' and '.join(map(plain, servers))}: {said}" if len(servers) > 1 else said


def _axes(count: int) -> KitAxes:
    height = HEAD + (count + 2) * ROW + 0.2
    figure = new_figure(height)
    axes = KitAxes(figure, (0, 0, 1, 1))
    figure.add_axes(axes)
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(height, 0)
    axes.axis("off")
    return axes


def _lines(sent: Mapping[str, Any], stored: Mapping[str, Mapping[str, Any]]) -> list[Line]:
    if not stored:
        raise UsageError("nothing was stored", step="injected", next="give it what each server stored, by its name")
    everyone = {"sent": sent, **stored}
    return [Line(_cut(line.text), line.owners) for line in _tell(everyone, "")]


def _tell(values: Mapping[str, Any], indent: str) -> Iterator[Line]:
    """Yield the lines of an object that several have, each in its own way."""
    keys = dict.fromkeys(key for value in values.values() for key in value)
    for key in keys:
        having = {owner: value[key] for owner, value in values.items() if key in value}
        owners = frozenset(having)
        if key in BLOCK and all(isinstance(value, dict) for value in having.values()):
            yield Line(f"{indent}{key}:", owners)
            yield from _tell(having, indent + "  ")
        elif all(isinstance(value, list) for value in having.values()):
            yield Line(f"{indent}{key}:", owners)
            yield from _items(having, indent, key in BLOCK)
        else:
            yield from _one(having, f"{indent}{key}: ")


def _items(lists: Mapping[str, list[Any]], indent: str, block: bool) -> Iterator[Line]:
    """Yield the items of a list: containers over several lines, by their names; everything else on one each."""
    found: dict[str, dict[str, Any]] = {}
    for owner, items in lists.items():
        for item in items:
            key = str(item.get("name", "")) if block else json.dumps(item, sort_keys=True)
            found.setdefault(key, {})[owner] = item
    for key, having in found.items():
        if not block:
            yield from _one(having, f"{indent}- ")
            continue
        yield Line(f"{indent}- name: {plain(key)}", frozenset(having))
        rest = {
            owner: {part: value for part, value in item.items() if part != "name"} for owner, item in having.items()
        }
        yield from _tell(rest, indent + "  ")


def _one(values: Mapping[str, Any], before: str) -> Iterator[Line]:
    """Yield a value on one line, or on several if it isn't the same for all."""
    texts: dict[str, set[str]] = {}
    for owner, value in values.items():
        texts.setdefault(_flow(value), set()).add(owner)
    for text, owners in texts.items():
        yield Line(before + text, frozenset(owners))


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=True, width=10_000, allow_unicode=True)
    return text.removesuffix("...\n").strip()


def _cut(text: str) -> str:
    indent = text[: len(text) - len(text.lstrip(" "))]
    return indent + plain(text, WIDEST - len(indent))
