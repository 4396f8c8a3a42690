"""How a lab shows what it did: HTML in a notebook, text elsewhere; figures with their twins."""

from __future__ import annotations

import html
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kitlib import claims
from kitlib.api.diff import Change, short


class Changes(list[Change]):
    """What a word of the lab did; shown when it was done, so a cell that ends with it doesn't show it twice."""

    def _ipython_display_(self) -> None:
        pass

    def __str__(self) -> str:
        return "\n".join(map(str, self))


class Refusal(str):
    """Why something was refused, in the server's words; shown when it was said."""

    def _ipython_display_(self) -> None:
        pass


class Shown:
    """A ledger that a cell has shown already."""

    def __init__(self, ledger: claims.Ledger) -> None:
        self._ledger = ledger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def _ipython_display_(self) -> None:
        pass


_seen: list[list[tuple[str, str]]] = []


@contextmanager
def capturing() -> Iterator[list[tuple[str, str]]]:
    """Note what is shown in a `with` block, as (text, HTML); it is shown all the same."""
    seen: list[tuple[str, str]] = []
    _seen.append(seen)
    try:
        yield seen
    finally:
        _seen[:] = [each for each in _seen if each is not seen]


def display(text: str, markup: str) -> None:
    """Show something: HTML in a notebook, text elsewhere."""
    for seen in _seen:
        seen.append((text, markup))
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        print(text)
        return
    if get_ipython() is None:
        print(text)
    else:
        display({"text/plain": text, "text/html": markup}, raw=True)


def change_html(change: Change) -> str:
    """Return a change as a table of its fields, with the kubectl command that does the same."""
    esc = html.escape
    rows = "".join(
        f"<tr><td><code>{esc(path)}</code></td><td><code>{esc(short(old))}</code></td><td>→</td>"
        f"<td><code>{esc(short(new))}</code></td></tr>"
        for path, old, new in change.diff
    )
    table = f"<table class='kitlib-diff'>{rows}</table>" if rows else ""
    kubectl = f"<pre class='kitlib-kubectl'>$ {esc(change.kubectl)}</pre>" if change.kubectl else ""
    return f"<div class='kitlib-change'><strong>{esc(change.object)}</strong> {esc(change.verb)}{table}{kubectl}</div>"


def show_wait(text: str) -> None:
    """Show what was waited for, and how long it took."""
    display(text, f"<div class='kitlib-wait'>{html.escape(text)}</div>")


def show_lab(text: str) -> None:
    """Show which lab was opened, or why it wasn't."""
    display(text, f"<div class='kitlib-lab'>{html.escape(text)}</div>")


def show_claim(made: claims.Claim) -> None:
    """Show a claim where it was made."""
    display(str(made), claims.claim_html(made))


def show_figure(figure: Any) -> None:
    """Show a figure of kitlib's as a sharp, transparent PNG, its text twin below it; any other one as Jupyter does."""
    from IPython.display import display as show
    from PIL import Image

    from kitlib import plots

    words = plots.twin(figure).strip()
    if not words:  # one of the reader's own
        _show_as_jupyter(figure)
        return
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=192, transparent=True, bbox_inches="tight", pad_inches=0.05)
    drawn = Image.open(buffer).convert("RGBA")
    width, height = (side // 2 for side in drawn.size)
    data = io.BytesIO()
    drawn.quantize(256, method=Image.Quantize.FASTOCTREE).save(data, format="png", optimize=True)  # a third of the size
    first = words.splitlines()[0]
    show(
        {"image/png": data.getvalue(), "text/plain": first},
        metadata={"image/png": {"width": width, "height": height, "alt": first}},
        raw=True,
    )
    body = f"<summary>The figure in words</summary><pre>{html.escape(words)}</pre>"
    show({"text/plain": words, "text/html": f"<details class='kitlib-twin'>{body}</details>"}, raw=True)


def _show_as_jupyter(figure: Any) -> None:
    """Leave a figure to Jupyter; where none of its formats is set up for figures yet, take the one it begins with."""
    from IPython import get_ipython
    from IPython.core.pylabtools import print_figure
    from IPython.display import display as show

    formatters = get_ipython().display_formatter.formatters
    if any(_formats(formatter, figure) for name, formatter in formatters.items() if name != "text/plain"):
        raise NotImplementedError  # IPython then asks the next formatter
    show({"image/png": print_figure(figure), "text/plain": repr(figure)}, raw=True)


def _formats(formatter: Any, figure: Any) -> bool:
    try:
        formatter.lookup(figure)
    except KeyError:
        return False
    return True


def show_axes(axes: Any) -> None:
    """Show axes of kitlib's by their figure; any other ones are left to Jupyter."""
    from kitlib import plots

    if not plots.twin(axes):
        raise NotImplementedError  # IPython then asks the next formatter
    show_figure(axes.figure)


STYLE = """<style>
.kitlib-claim{border-left:4px solid #7a828e;padding:.3em .7em;margin:.4em 0}
.kitlib-claim .kitlib-verdict{font-weight:700;margin-right:.3em}
.kitlib-holds{border-color:#009e73}.kitlib-fails{border-color:#d55e00}.kitlib-changed{border-color:#0072b2}
.kitlib-unknown{border-color:#7a828e;border-left-style:dotted}
.kitlib-claim .kitlib-source,.kitlib-claim .kitlib-versions{opacity:.75;font-size:85%}
.kitlib-scroll{overflow-x:auto;max-height:24em}
.kitlib-kubectl{opacity:.8;margin:.2em 0 .6em}
.kitlib-diff td{text-align:left!important}
.kitlib-twin pre{white-space:pre-wrap}
.kitlib-exercise{border-left:4px solid #0072b2;padding:.3em .7em;margin:.4em 0}
</style>"""
"""The styles of all that kitlib shows in a notebook."""
