"""Colours that are right on both pages and for readers who see no red or green; names that can't do harm."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from kitlib.plots import style
from tests.plots.cases import invented

# Machado, Oliveira and Fernandes 2009, severity 1: what linear RGB becomes.
SEEN_BY = {
    "most readers": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def lab(colour: str, seen: np.ndarray) -> np.ndarray:
    channels = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(seen @ linear, 0, 1) / [0.95047, 1, 1.08883]
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def test_contrast_is_that_of_wcag() -> None:
    assert style.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert style.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("page", style.PAGES.values(), ids=style.PAGES)
def test_ink_and_palette_stand_out_from_both_pages(page: str) -> None:
    assert style.contrast(style.INK, page) >= 4
    assert min(style.contrast(colour, page) for colour in style.PALETTE) >= 3


def test_no_grey_has_more_contrast_on_both_pages_than_the_ink() -> None:
    def least(colour: str) -> float:
        return min(style.contrast(colour, page) for page in style.PAGES.values())

    assert least(style.INK) >= max(least(f"#{grey:02x}{grey:02x}{grey:02x}") for grey in range(256)) - 0.02


@pytest.mark.parametrize("colour", style.PALETTE)
def test_text_in_a_bar_has_its_own_contrast(colour: str) -> None:
    assert style.contrast(style.text_on(colour), colour) >= 4.5
    assert style.contrast(style.ON_DARK, colour) >= 3  # the bounds' lines across a bar


@pytest.mark.parametrize("seen", SEEN_BY.values(), ids=SEEN_BY)
def test_colours_differ_for_every_reader(seen: np.ndarray) -> None:
    labs = [lab(colour, seen) for colour in style.PALETTE]
    assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(labs, 2)) >= 18
    following = [np.linalg.norm(labs[at] - labs[(at + 1) % len(labs)]) for at in range(len(labs))]
    assert min(following) >= 40  # revisions that follow each other share a picture


def test_states_are_told_without_colour() -> None:
    for tones in (style.TONES, style.FOLDED):
        looks = [(tone.height, tone.fill, tone.hatch, bool(tone.edge)) for tone in tones.values()]
        assert len(set(looks)) == len(looks)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("web-6f9c", "web-6f9c"),
        ("a\nb\tc", "a b c"),
        ("a\x1b[31mred\x00", "a[31mred"),
        ("ab\u202edc", "abdc"),
        ("a\ud800b", "ab"),
        (None, ""),
        (pd.NA, ""),
        (float("nan"), ""),
        ("x" * 20 + "y" * 20, "x" * 14 + "…" + "y" * 13),
    ],
)
def test_names_are_made_plain(given: object, wanted: str) -> None:
    assert style.plain(given) == wanted
    assert len(style.plain(given)) <= style.LONGEST


def test_a_dollar_stays_a_dollar() -> None:
    assert style.drawn("$a^2$") == r"\$a^2\$"


def test_a_revision_has_one_colour_whatever_window_is_drawn() -> None:
    frames = invented("rollback")
    colours = style.Colours(frames.workloads, frames.pods)
    first = colours.owners[0]
    assert colours.revisions(first) == [1, 4]
    begin, end = frames.pods.attrs["window"]
    assert colours.at(first, begin) == style.PALETTE[0]
    assert colours.at(first, end) == style.PALETTE[3]
    late = style.Colours(frames.workloads[frames.workloads["monotonic_ns"] > end - 4_000_000_000])
    assert late.at(first, end) == style.PALETTE[3]


def test_owners_without_revisions_get_colours_too() -> None:
    frames = invented("six")
    colours = style.Colours(None, frames.pods)
    assert len(set(colours.others.values())) == 2
    assert colours.at("nobody", 0) == style.INK
