"""What tests look for in a figure."""

from __future__ import annotations

import io
import itertools
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.text import Text
from matplotlib.transforms import Bbox


def texts(thing: Axes | Figure, gid: str | None = None) -> list[Text]:
    """Return the texts that are seen, or those of one kind."""
    found = [text for text in thing.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return [text for text in found if gid is None or text.get_gid() == gid]


def words(thing: Axes | Figure, gid: str | None = None) -> list[str]:
    return [text.get_text() for text in texts(thing, gid)]


def boxes(figure: Figure) -> list[tuple[str, Bbox]]:
    """Return each text's words and box; ticks outside the axis' limits are not drawn."""
    figure.canvas.draw()
    hidden: set[int] = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if not low <= tick.get_loc() <= high or not tick.label1.get_visible():
                    hidden |= {id(tick.label1)}
                hidden |= {id(tick.label2)}
    return [(text.get_text(), text.get_window_extent()) for text in texts(figure) if id(text) not in hidden]


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Return the pairs of texts that share more than a hair's breadth."""
    found = []
    for (one, box), (other, beside) in itertools.combinations(boxes(figure), 2):
        width = min(box.x1, beside.x1) - max(box.x0, beside.x0)
        height = min(box.y1, beside.y1) - max(box.y0, beside.y0)
        if width > 1 and height > 1.5:
            found.append((one, other))
    return found


def outside(figure: Figure) -> list[str]:
    """Return the texts that the figure's edge cuts."""
    page = figure.bbox
    return [
        text for text, box in boxes(figure)
        if box.x0 < -1 or box.y0 < -1 or box.x1 > page.x1 + 1 or box.y1 > page.y1 + 1
    ]  # fmt: skip


def patches(thing: Axes | Figure, gid: str) -> list[PathPatch]:
    return [patch for patch in thing.findobj(PathPatch) if patch.get_gid() == gid]


def rectangles(patch: PathPatch) -> list[tuple[float, float, float, float]]:
    """Return x0, x1, y0, y1 of each closed piece of a patch."""
    found = []
    for polygon in patch.get_path().to_polygons(closed_only=False):
        corners = np.asarray(polygon)
        found.append((corners[:, 0].min(), corners[:, 0].max(), corners[:, 1].min(), corners[:, 1].max()))
    return found


def line(axes: Axes, gid: str) -> Any:
    return next(line for line in axes.lines if line.get_gid() == gid)


def picture(figure: Figure, dpi: int = 100) -> np.ndarray:
    """Return the figure's pixels, RGBA from 0 to 255, first row on top."""
    import matplotlib.image

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, transparent=True)
    buffer.seek(0)
    return np.round(matplotlib.image.imread(buffer) * 255).astype(int)
