"""Pictures of a notebook: files beside its page, with words for who can't see them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
from collections import Counter
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import quote

from kitlib.site import svg

SUFFIXES = {"image/svg+xml": "svg", "image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}
"""Types of pictures that become files, the first one in an output before the others."""

EMBEDDED = re.compile(r"data:(image/[a-z+]+)(?:;charset=[\w-]+)?;base64,([A-Za-z0-9+/=\s]+)")


@dataclass(frozen=True)
class Figure:
    """A figure of a notebook: a file beside the page, and the words for who can't see it."""

    file: str
    content: bytes
    words: str
    width: int | None = None
    height: int | None = None

    def html(self, folder: str, longest: int | None = None) -> str:
        """Return the figure as an element; `folder` is where its file lies, seen from the page."""
        size = f' width="{self.width}" height="{self.height}"' if self.width and self.height else ""
        short, rest = first_sentence(self.words)
        target = escape(quote(folder + self.file))
        return (
            f'<figure class="recorded" data-search-exclude="1"><a href="{target}" title="The figure alone, full size">'
            f'<img src="{target}"{size} alt="{escape(short)}"></a>'
            f"{self._caption(folder, longest) if rest else ''}</figure>"
        )

    def _caption(self, folder: str, longest: int | None) -> str:
        """Return the figure's words, folded; what is longer than `longest` characters is left to a file."""
        said, more = self.words.strip(), ""
        if longest is not None and len(said) > longest:
            said = said[:longest].rsplit("\n", 1)[0]
            more = f'<p><a href="{escape(quote(folder + self.words_file))}">Each Pod and Event, in words</a></p>'
        words = f"<div>{escape(said, quote=False)}</div>{more}"
        return f"<figcaption><details><summary>The figure in words</summary>{words}</details></figcaption>"

    @property
    def words_file(self) -> str:
        """The name of the file that holds all of the figure's words."""
        return f"{self.file.rsplit('.', 1)[0]}.txt"


@dataclass
class Album:
    """The pictures of one notebook, numbered as they come.

    Parameters
    ----------
    notebook : str
        Its name, without `.ipynb`; the files lie in a folder of that name.
    kind : str
        What the files' names begin with.
    """

    notebook: str
    kind: str = "figure"
    figures: list[Figure] = field(default_factory=list)

    def add(self, content: bytes | str, mime: str, words: str, metadata: Any = None) -> tuple[Figure, Counter[str]]:
        """Take in a picture: bytes, or text in base64 (for SVG: its source); return it, and what was left out of it.

        Raises
        ------
        ValueError
            It can't be read as what it says it is.
        """
        left_out: Counter[str] = Counter()
        if mime == "image/svg+xml":
            content, left_out = svg.sanitise(content if isinstance(content, bytes) else content.encode())
        elif isinstance(content, str):
            content = decoded(content)
        digest = hashlib.sha256(content).hexdigest()[:8]
        number = len(self.figures) + 1
        said = metadata if isinstance(metadata, dict) else {}
        size = (said.get("width"), said.get("height"))
        known = all(isinstance(side, int) and side > 0 for side in size)
        width, height = size if known else (png_size(content) or (None, None))
        words = words or f"Figure {number} of the notebook {self.notebook}."
        figure = Figure(f"{self.kind}-{number}-{digest}.{SUFFIXES[mime]}", content, words, width, height)
        self.figures.append(figure)
        return figure, left_out

    def embedded(self, source: str, words: str) -> tuple[Figure, Counter[str]] | None:
        """Take in a picture that stands in an address itself (`data:image/…`); None if it is no such address.

        Raises
        ------
        ValueError
            It can't be read as what it says it is.
        """
        match = EMBEDDED.fullmatch(source)
        if not match or match.group(1) not in SUFFIXES:
            return None
        return self.add(decoded(match.group(2)), match.group(1), words)


def decoded(text: str) -> bytes:
    """Return what is written in base64; a ValueError says what is wrong with it."""
    try:
        return base64.b64decode(re.sub(r"\s", "", text), validate=True)
    except binascii.Error as error:
        raise ValueError(f"not a picture: {error}") from error


def first_sentence(text: str) -> tuple[str, str]:
    """Split words into what an `alt` holds and what follows it."""
    flat = " ".join(text.split())
    match = re.match(r"(.{20,160}?[.!?])\s+(\S.*)", flat)
    return (match.group(1), match.group(2)) if match else (flat[:160], flat[160:])


def png_size(content: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG, from its header."""
    if content[:8] != b"\x89PNG\r\n\x1a\n" or len(content) < 24:
        return None
    return struct.unpack(">II", content[16:24])
