"""Text in any script: drawn in a font that has it, or visibly replaced; whole in the words beside the figure."""

from __future__ import annotations

import warnings

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kitlib import plots
from kitlib.plots import canvas, fonts, style

SCRIPTS = ["镜像拉取失败", "이미지를 가져올 수 없음", "فشل سحب الصورة", "🚀🔥 rolled 👩‍👩‍👧", "e\u0301\u0323\u0330" * 8]
UNKNOWN = "\U000e0fff\ufdd0"


@pytest.mark.parametrize("words", [*SCRIPTS, UNKNOWN])
def test_no_text_makes_matplotlib_warn(words: str) -> None:
    figure = canvas.new_figure(1)
    axes = canvas.new_axes(figure, 0.1, 0.8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for family in (None, "monospace"):
            canvas.size_of(axes, style.drawn(words), 9, family=family)
        canvas.write(axes, 0, 0, style.drawn(words), family="monospace")
        figure.canvas.draw()


def test_what_no_font_has_is_replaced_where_it_is_seen_and_kept_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_installed", tuple)
    fonts._owner.cache_clear()
    try:
        assert style.drawn("pull 镜 failed") == "pull \N{REPLACEMENT CHARACTER} failed"
        assert style.plain("pull 镜 failed") == "pull 镜 failed"
        assert fonts.family_for("plain") == {}
    finally:
        fonts._owner.cache_clear()


def test_an_installed_font_that_has_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_installed", lambda: (("Some Sans CJK", frozenset(map(ord, "镜像"))),))
    fonts._owner.cache_clear()
    try:
        assert style.drawn("镜像") == "镜像"
        assert fonts.family_for("镜像", "monospace") == {"family": ["monospace", "DejaVu Sans", "Some Sans CJK"]}
    finally:
        fonts._owner.cache_clear()


def test_a_figure_of_ones_own_has_no_words_and_makes_no_error() -> None:
    own = Figure()
    own.add_subplot().plot([1, 2])
    assert isinstance(own.axes[0], Axes)
    assert plots.twin(own) == plots.twin(own.axes[0]) == ""
