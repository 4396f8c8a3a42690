"""HTML that a notebook's output may put on a page.

A cluster's text is untrusted, and an output is text that a cluster had a hand in. What reaches a page is therefore
written anew from a short list of elements and attributes; everything else is dropped, or shown as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from html.parser import HTMLParser


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ELEMENTS = _words(
    "a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 "
    "hr i img ins kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th "
    "thead time tr u ul var wbr"
)
"""Elements that stay; the text of others stays without them."""

DROPPED = _words("script style iframe object template noscript svg math title textarea select")
"""Elements that go with everything in them."""

VOID = _words("br col hr img wbr")

ATTRIBUTES = _words(
    "class title colspan rowspan scope align lang dir datetime open start alt width height id role style"
)
"""Attributes that stay on any element, besides aria-* and data-*."""

STYLES = re.compile(
    r"(?:text-align|font-weight|font-style|text-decoration|white-space|width|max-width|min-width|height|border-left|"
    r"display|margin|padding|opacity|vertical-align|font-family|font-size)\s*:\s*[\w\s.,%#-]+"
)
"""Declarations that stay in a style attribute: shape only, so that colours are the theme's and nothing is fetched."""

BETWEEN_CELLS = _words("colgroup table tbody tfoot thead tr")
"""Elements whose own text is only the indentation of those in them."""

STYLER_ID = re.compile(r"T_[0-9a-f]+(?:_.*)?")
STYLER_CLASS = re.compile(r"data|(?:row|col|level)\d+")
"""What pandas' Styler writes on each cell for the style sheet that is dropped: most of a table's bytes."""


def safe_href(target: str) -> bool:
    """Say whether a link may stay: within the site, or to a page or a mail address elsewhere."""
    squeezed = re.sub(r"[\x00-\x20]", "", target).lower()
    scheme = re.match(r"([a-z][a-z0-9+.-]*):", squeezed)
    return scheme is None or scheme.group(1) in {"http", "https", "mailto"}


class _Cleaner(HTMLParser):
    """Write the allowed part of what is fed to it; every element that is opened is closed."""

    def __init__(self, image: Callable[[str, str], str | None], prefix: str) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.open: list[str] = []
        self.skipping: list[str] = []
        self.image = image
        self.prefix = prefix

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in DROPPED:
            self.skipping.append(tag)
            return
        if self.skipping or tag not in ELEMENTS:
            return
        values = {name: value or "" for name, value in attrs}
        if tag == "img":
            replaced = self.image(values.get("src", ""), values.get("alt", ""))
            if replaced:
                self.parts.append(replaced)
            return
        kept = []
        for name, value in values.items():
            if name == "href" and tag == "a" and safe_href(value):
                kept.append((name, value))
            elif name == "id":
                if not STYLER_ID.fullmatch(value):
                    kept.append((name, self.prefix + value))
            elif name == "class" and tag in ("td", "th"):
                names = [one for one in value.split() if not STYLER_CLASS.fullmatch(one)]
                if names:
                    kept.append((name, " ".join(names)))
            elif name == "style":
                style = "; ".join(part.strip() for part in value.split(";") if STYLES.fullmatch(part.strip()))
                if style:
                    kept.append((name, style))
            elif name in ATTRIBUTES or re.fullmatch(r"(?:aria|data)-[a-z-]+", name):
                kept.append((name, value))
        written = "".join(f' {name}="{escape(value)}"' for name, value in kept)
        self.parts.append(f"<{tag}{written}>")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.skipping:
            if tag == self.skipping[-1]:
                self.skipping.pop()
            return
        if tag not in self.open:
            return
        while True:
            last = self.open.pop()
            self.parts.append(f"</{last}>")
            if last == tag:
                return

    def handle_data(self, data: str) -> None:
        if self.skipping or (self.open and self.open[-1] in BETWEEN_CELLS and not data.strip()):
            return
        self.parts.append(escape(data, quote=False))

    def finish(self) -> str:
        self.close()
        while self.open:
            self.parts.append(f"</{self.open.pop()}>")
        return "".join(self.parts)


def clean(html: str, image: Callable[[str, str], str | None] | None = None, prefix: str = "") -> str:
    """Return the part of an output's HTML that may stand on a page.

    Parameters
    ----------
    html : str
        What the notebook's output holds.
    image : callable, optional
        Called with an image's `src` and `alt`; returns the element that takes its place, or None to drop it.
        Without it images are dropped.
    prefix : str
        Put before every `id`, so that an output can't take an anchor of the page.

    Returns
    -------
    str
        HTML with only known elements and attributes, each closed.

    Examples
    --------
    >>> clean('<b onclick="x()">web</b><script>alert(1)</script>')
    '<b>web</b>'
    """
    cleaner = _Cleaner(image or (lambda src, alt: None), prefix)
    cleaner.feed(html)
    return cleaner.finish()
