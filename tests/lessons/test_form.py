"""How a lesson reads: what acts and what looks is open and short, how a claim is checked is folded."""

from __future__ import annotations

import json
import re
import statistics

import pytest

from tests.executed import NOTEBOOKS, lessons

OLDER = {"controllers", "deployment", "hooks", "lifecycle", "pod", "preset", "security", "start", "static-pods"}
"""Written before this form; they get it by and by, and leave this list then."""
NEWER = sorted(set(lessons()) - OLDER)
MEDIAN, MOST = 3, 10
"""Lines of an open cell."""
MOST_FOLDED = 30
TEXT = re.compile(r"<table[^>]*class=\"dataframe.*?</table>|<[^<>]*>", re.DOTALL)
"""What is no text of kitlib's: tags, and tables of pandas, which escapes no quotes."""


def cells(name: str) -> list[dict]:
    found = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text())["cells"]
    return [{**cell, "source": "".join(cell["source"])} for cell in found]


def folded(cell: dict) -> bool:
    return "check" in cell["metadata"].get("tags", ())


def test_each_lesson_is_older_or_newer():
    assert set(lessons()) >= OLDER


@pytest.mark.parametrize("name", NEWER)
def test_what_acts_and_looks_is_open_and_short(name):
    open_ones = [cell for cell in cells(name) if cell["cell_type"] == "code" and not folded(cell)]
    lines = [len(cell["source"].splitlines()) for cell in open_ones]
    assert [cell["source"] for cell, count in zip(open_ones, lines, strict=True) if count > MOST] == []
    assert statistics.median(lines) <= MEDIAN


@pytest.mark.parametrize("name", NEWER)
def test_how_a_claim_is_checked_is_folded(name):
    for cell in cells(name):
        claims = cell["cell_type"] == "code" and re.search(r"^\s*(?:\w+ = )?claim\(", cell["source"], re.MULTILINE)
        assert not claims or folded(cell), f"this cell has a claim and no tag `check`:\n{cell['source']}"
        if folded(cell):
            assert cell["metadata"].get("jupyter", {}).get("source_hidden") is True, cell["source"]
            assert len(cell["source"].splitlines()) <= MOST_FOLDED, cell["source"]
        else:
            assert not cell["metadata"].get("jupyter", {}).get("source_hidden"), "only checks are folded"


@pytest.mark.parametrize("name", NEWER)
def test_a_lesson_says_what_is_done_learned_and_needed_and_asks_before_it_shows(name):
    text = "\n".join(cell["source"] for cell in cells(name) if cell["cell_type"] == "markdown")
    for word in (
        "**What you'll do.**",
        "**What you'll learn.**",
        "**What you need.**",
        "**Predict.**",
        "**Explain.**",
        "## Exercises",
    ):
        assert word in text, word


@pytest.mark.parametrize("name", sorted(lessons()))
def test_what_is_committed_is_escaped_as_kitlib_writes_it(name):
    """An output mended by hand shows the same on a page, and differs where a walk's is compared with it."""
    outputs = [output for cell in cells(name) for output in cell.get("outputs", ())]
    shown = ["".join(output.get("data", {}).get("text/html", "")) for output in outputs]
    texts = [text for html in shown if "kitlib-" in html and "<style" not in html for text in TEXT.split(html)]
    assert texts
    assert not [text for text in texts if "'" in text]
