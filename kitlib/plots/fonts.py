"""Fonts for text in any script: what Matplotlib's own font lacks is drawn in an installed one, or visibly replaced."""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from typing import Any

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

INSTEAD = "\N{REPLACEMENT CHARACTER}"
"""What is drawn for a character that no font has."""

LAST = "DejaVu Sans"
"""The font that comes with Matplotlib; it has `INSTEAD`."""


def drawable(text: str) -> str:
    """Replace what no installed font has. Text twins keep it."""
    if text.isascii():
        return text
    kept = (char if char.isascii() or _owner(char) is not None else _instead(char) for char in text)
    return "".join(kept)


def family_for(words: str, family: str | None = None) -> dict[str, Any]:
    """Return the families to draw words in, as an argument of Matplotlib's; nothing where its default has them all."""
    if words.isascii():
        return {}
    others = list(dict.fromkeys(name for char in words if (name := _owner(char)) not in (None, LAST)))
    if not others and (family is None or all(ord(char) in _default(family) for char in words if not char.isspace())):
        return {}
    return {"family": [family or "sans-serif", LAST, *others]}


def _instead(char: str) -> str:
    """Return what stands for a character: nothing for a mark that joins another one."""
    return "" if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Mn", "Me") else INSTEAD


@cache
def _default(family: str | None = None) -> frozenset[int]:
    """Return the characters of the font that Matplotlib takes."""
    found = font_manager.findfont(font_manager.FontProperties(family=family) if family else LAST)
    return frozenset(FT2Font(found).get_charmap())


@lru_cache(100_000)
def _owner(char: str) -> str | None:
    """Return the family that has a character: `LAST` if it has, another one that is installed, or None."""
    if char.isspace() or ord(char) in _default():
        return LAST
    return next((name for name, known in _installed() if ord(char) in known), None)


@cache
def _installed() -> tuple[tuple[str, frozenset[int]], ...]:
    """Return the other families with their characters; bitmaps (most emoji) can't be drawn at every size."""
    found: dict[str, frozenset[int]] = {}
    for entry in sorted(
        font_manager.fontManager.ttflist,
        key=lambda entry: (entry.name, abs(int(entry.weight) - 400) if str(entry.weight).isdigit() else 0),
    ):
        if (
            entry.name in found
            or entry.name.startswith(("DejaVu", "STIX", "cm", "Last Resort"))
            or entry.style != "normal"
        ):
            continue
        try:
            font = FT2Font(entry.fname)
        except (OSError, RuntimeError):
            continue
        if font.scalable:
            found[entry.name] = frozenset(font.get_charmap())
    return tuple(found.items())
