"""The matrix of answers: legible, told in words, and the same without colour."""

from __future__ import annotations

import pandas as pd
import pytest

from kitlib import plots
from kitlib.errors import UsageError
from kitlib.lessons import figures
from kitlib.lessons.policies import ROWS
from tests.plots import drawing

MEANS = ["PSP 1.17", "baseline", "restricted", "VAP alone", "MAP alone", "VAP + MAP"]


def answers() -> pd.DataFrame:
    """Invented answers of every kind."""
    kinds = ["refused", "admitted", "written"]
    return pd.DataFrame(
        [
            (row, way, kinds[(one + two) % 3], kinds[(one * 2 + two) % 3])
            for one, row in enumerate(ROWS.values())
            for two, way in enumerate(MEANS)
        ],
        columns=["row", "means", "unwanted", "wanted"],
    )


def test_nothing_overlaps_and_nothing_is_cut() -> None:
    figure = figures.matrix(answers(), "What each of the means does, in fifteen rows").get_figure(root=True)
    assert not drawing.outside(figure)
    assert not drawing.overlaps(figure)


def test_each_answer_is_told_by_its_sign_and_fullness() -> None:
    axes = figures.matrix(answers())
    assert len(drawing.texts(axes, "answer")) == 2 * 15 * 6
    assert set(drawing.words(axes, "answer")) == {"✕", "✓", "✎"}
    full = {patch.get_gid(): round(patch.get_facecolor()[3], 2) for patch in axes.patches if patch.get_gid()}
    assert len(set(full.values())) == 3


def test_the_words_say_the_same() -> None:
    frame = pd.DataFrame(
        [("privileged", "VAP", "refused", "admitted"), ("fsGroup", "VAP", "refused", "refused")],
        columns=["row", "means", "unwanted", "wanted"],
    )
    said = plots.twin(figures.matrix(frame, "One of two"))
    assert said == figures.matrix_text(frame, "One of two")
    assert "One of two." in said and "VAP: refuses the one Pod and admits the other in 1 of 2 rows." in said
    assert "fsGroup (the Pod to refuse / the one to admit): VAP refused / refused." in said


def test_nothing_and_a_wrong_frame() -> None:
    assert figures.matrix_text(answers().head(0)) == "Nothing was asked."
    figures.matrix(answers().head(0))
    with pytest.raises(UsageError, match="no column wanted"):
        figures.matrix(answers().drop(columns="wanted"))
