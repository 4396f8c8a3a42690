"""Figures after `%load_ext kitlib`: kitlib's own with their words, the reader's own as Jupyter shows them."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from PIL import Image

from kitlib import claims, plots
from kitlib.recording import Recording

OWN = "from matplotlib.figure import Figure\nfigure = Figure(figsize=(2, 1))\naxes = figure.subplots()\n"


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[InteractiveShell]:
    """Give an IPython of its own, with the extension loaded; the process has none afterwards."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setattr(claims.ledger, "_listeners", [], raising=False)
    InteractiveShell.clear_instance()
    made = InteractiveShell.instance()
    made.display_formatter.active_types = list(made.display_formatter.format_types)
    shown(made, "%load_ext kitlib")
    yield made
    made.history_manager.end_session()
    InteractiveShell.clear_instance()


def shown(shell: InteractiveShell, code: str) -> list[dict[str, Any]]:
    """Run a cell and return the data of its outputs."""
    with capture_output() as kept:
        result = shell.run_cell(code)
    result.raise_error()
    return [output.data for output in kept.outputs]


def corner(data: dict[str, Any]) -> tuple[int, ...]:
    png = data["image/png"]
    return (
        Image.open(io.BytesIO(base64.b64decode(png) if isinstance(png, str) else png)).convert("RGBA").getpixel((0, 0))
    )


def test_a_figure_of_ones_own_has_the_background_that_it_was_given(shell: InteractiveShell) -> None:
    (data,) = shown(shell, OWN + "display(figure)")
    assert corner(data) == (255, 255, 255, 255)
    assert data["text/plain"].startswith("<Figure size")
    (data,) = shown(shell, OWN + "figure.set_facecolor('#ff0000'); display(figure)")
    assert corner(data) == (255, 0, 0, 255)


def test_a_figure_of_ones_own_has_the_format_that_was_chosen_for_figures(shell: InteractiveShell) -> None:
    from IPython.core.pylabtools import select_figure_formats

    select_figure_formats(shell, {"svg"})
    (data,) = shown(shell, OWN + "display(figure)")
    assert set(data) == {"image/svg+xml", "text/plain"}


def test_what_matplotlib_returns_of_ones_own_is_left_to_jupyter(shell: InteractiveShell) -> None:
    (data,) = shown(shell, OWN + "display(axes)")
    assert set(data) == {"text/plain"} and "Axes" in data["text/plain"]
    (data,) = shown(shell, OWN + "display(axes.plot([1, 2]))")
    assert "Line2D" in data["text/plain"]


@pytest.mark.parametrize("value", ["axes", "figure"])
def test_what_kitlib_draws_into_a_figure_of_ones_own_has_its_words(shell: InteractiveShell, value: str) -> None:
    frames = Recording.open(Path(__file__).parents[1] / "data" / "rollout").frames
    shell.push({"frames": frames, "plots": plots})
    picture, words = shown(shell, f"{OWN}plots.lanes(frames.pods, frames.workloads, ax=axes)\ndisplay({value})")
    assert corner(picture)[3] == 0
    assert "The figure in words" in words["text/html"] and "Pods" in words["text/plain"]
