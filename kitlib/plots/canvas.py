"""Figures that show themselves once in a notebook, sharp, with their text beside the picture."""

from __future__ import annotations

import base64
import io
from typing import Any, cast

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from kitlib.errors import UsageError
from kitlib.plots.fonts import family_for
from kitlib.plots.style import INK, SMALL, TEXT

WIDTH = 9.0
LEFT, RIGHT = 1.5, 1.6
"""Inches: of a figure, and of its margins."""

SHOWN = 800
"""CSS pixels that a figure takes in a notebook, if there is room."""

SHARP = 200
"""Dots per inch of the picture: two for each CSS pixel and some."""

ALTERNATIVE = 900
"""Characters of the text that a notebook keeps as the picture's alternative."""

_TWIN = "kitlib_twin"


def _picture(figure: Figure) -> tuple[dict[str, str], dict[str, Any]]:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=SHARP, transparent=True, metadata={"Software": None})
    text = getattr(figure, _TWIN, "") or "\n".join(getattr(axes, _TWIN, "") for axes in figure.axes).strip()
    width, height = figure.get_size_inches()
    shown = round(min(SHOWN, SHOWN * width / WIDTH))
    about = {"width": shown, "height": round(shown * height / width), "alt": _short(text)}
    data = {"image/png": base64.b64encode(buffer.getvalue()).decode(), "text/plain": text}
    return data, {"image/png": about}


def _short(text: str) -> str:
    """Return the text's beginning: an alternative of a picture is read aloud in one go."""
    if len(text) <= ALTERNATIVE:
        return text
    return text[: text.rfind("\n", 0, ALTERNATIVE) if "\n" in text[:ALTERNATIVE] else ALTERNATIVE].rstrip()


class KitFigure(Figure):
    """A figure that a notebook shows once, when it is the cell's value, with its text twin as alternative."""

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict, dict]:
        return _picture(self)


class KitAxes(Axes):
    """Axes alone in a figure: a notebook shows the figure when they are the cell's value."""

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict, dict]:
        return _picture(cast(Figure, self.get_figure(root=True)))


def new_figure(height: float) -> KitFigure:
    """Return an empty transparent figure, `WIDTH` wide."""
    figure = KitFigure(figsize=(WIDTH, height), facecolor="none", dpi=100)
    FigureCanvasAgg(figure)
    return figure


def new_axes(figure: Figure, bottom: float, height: float, **how: Any) -> KitAxes:
    """Return axes between the margins.

    Parameters
    ----------
    figure : Figure
        Where.
    bottom, height : float
        In inches from the figure's lower edge.
    **how
        Passed on to matplotlib.
    """
    width, tall = figure.get_size_inches()
    box = (LEFT / width, bottom / tall, (width - LEFT - RIGHT) / width, height / tall)
    axes = KitAxes(figure, box, **how)
    figure.add_axes(axes)
    return axes


def bare(axes: Axes, left: bool = False) -> None:
    """Leave of the axes' frame just what is needed, in ink."""
    axes.patch.set_alpha(0)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom" or (left and side == "left"))
        spine.set_color(INK)
        spine.set_linewidth(0.8)
    axes.tick_params(colors=INK, labelcolor=INK, labelsize=SMALL, length=3, width=0.8)


def attach(thing: Axes | Figure, text: str) -> None:
    """Keep the text that says the same as the drawing."""
    setattr(thing, _TWIN, text)


def twin(thing: Axes | Figure) -> str:
    """Return the text that says in words what a figure of kitlib's shows.

    Parameters
    ----------
    thing : Axes or Figure
        What `rollout`, `lanes`, `events` or `story` returned, or the figure around it.

    Returns
    -------
    str
        Empty if kitlib did not draw it.

    Raises
    ------
    UsageError
        If it is no figure.
    """
    if not isinstance(thing, Axes | Figure | SubFigure):
        raise UsageError(
            f"no text belongs to {type(thing).__name__}",
            step="twin",
            next="give it what a function of kitlib.plots returned",
        )
    axes = thing.axes if isinstance(thing, Figure | SubFigure) else []
    return str(getattr(thing, _TWIN, "") or "\n\n".join(getattr(each, _TWIN) for each in axes if hasattr(each, _TWIN)))


def write(axes: Axes, x: float, y: float, words: str, **how: Any) -> Text:
    """Write words into axes, in a font that has them."""
    return axes.text(x, y, words, **{**how, **family_for(words, how.get("family"))})


def head(axes: Axes, title: str, legend: str) -> None:
    """Write a title above axes, and between them what their marks mean."""
    below: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "bottom"}
    axes.annotate(legend, (0, 1), xytext=(0, 6), fontsize=SMALL, color=INK, **below)
    axes.set_title(title, color=INK, fontsize=TEXT + 2, loc="left", pad=24)


def extent(text: Text) -> Bbox:
    """Return a text's box in pixels."""
    return text.get_window_extent()


def size_of(axes: Axes, words: str, size: float, **how: Any) -> tuple[float, float]:
    """Return width and height in pixels that words would take."""
    probe = write(axes, 0, 0, words, fontsize=size, transform=None, **how)
    box = extent(probe)
    probe.remove()
    return box.width, box.height


def box_of(axes: Axes) -> Bbox:
    """Return the axes' own box in pixels."""
    return axes.get_window_extent()


def pixels(axes: Axes) -> float:
    """Return pixels in a point."""
    return cast(Figure, axes.get_figure(root=True)).dpi / 72


def put_apart(wanted: list[tuple[float, float]], low: float, high: float, gap: float = 0.0) -> list[float]:
    """Move intervals until none overlaps, as little as needed.

    Parameters
    ----------
    wanted : list of (float, float)
        Centre and length of each, in any order.
    low, high : float
        Where they have to stay.
    gap : float
        Least distance between two.

    Returns
    -------
    list of float
        The new centres, in the order given.
    """
    order = sorted(range(len(wanted)), key=lambda index: wanted[index][0])
    centres = [0.0] * len(wanted)
    blocks: list[tuple[float, float, list[int]]] = []  # (begin, length, members) of intervals pushed together
    for index in order:
        centre, length = wanted[index]
        block = (min(max(centre - length / 2, low), high - length), length, [index])
        while blocks and blocks[-1][0] + blocks[-1][1] + gap > block[0]:
            begin, size, members = blocks.pop()
            together, total = members + block[2], size + gap + block[1]
            offset, ideal = 0.0, []
            for member in together:
                ideal.append(wanted[member][0] - wanted[member][1] / 2 - offset)
                offset += wanted[member][1] + gap
            begin = min(max(sum(ideal) / len(ideal), low), max(high - total, low))
            block = (begin, total, together)
        blocks.append(block)
    for begin, _, members in blocks:
        for member in members:
            centres[member] = begin + wanted[member][1] / 2
            begin += wanted[member][1] + gap
    return centres


def clear(artists: list[Artist]) -> None:
    """Take artists out of their axes."""
    for artist in artists:
        artist.remove()
