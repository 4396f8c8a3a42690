"""Code as the site shows it, and the text of a notebook's cells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from pygments import highlight
from pygments.filter import Filter
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import Token as TokenType
from pygments.util import ClassNotFound

from kitlib.errors import UsageError

MARKED = (TokenType.Comment, TokenType.Keyword, TokenType.Literal.String, TokenType.Name.Tag)
"""What is coloured in code: comments, keywords, strings, and the keys of a manifest."""

Notebook = dict[str, Any]


def load(path: Path) -> Notebook:
    """Return a notebook's document; an unreadable one is named."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(notebook["cells"], list):
            raise TypeError("its cells are no list")
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"not a notebook of format 4: {error}",
            step="site",
            object=str(path),
            next="remove an executed copy and run `kitlib walk` again; restore a committed notebook with git",
        ) from error
    return notebook


def joined(text: Any) -> str:
    """Return a notebook's text: a string, or a list of lines."""
    return "".join(text) if isinstance(text, list) else str(text or "")


@lru_cache(maxsize=4096)  # a page that is too large is made again, with less evidence
def code(source: str, language: str) -> str:
    """Return source as a code block like those of every other page."""
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        lexer = get_lexer_by_name("text")
    lexer.add_filter(_Plain())
    html = highlight(source.rstrip("\n"), lexer, HtmlFormatter(cssclass="highlight", wrapcode=True))
    html = html.replace("<pre><span></span><code>", "<pre><code>")
    html = re.sub(r'<span class="(\w+)">', r"<span class=\1>", html)  # quotes are a hundredth of a long page
    return html.replace("&quot;", '"').replace("&#39;", "'")  # in text a quote needs no escape


class _Plain(Filter):
    """Leave what is coloured like the rest unmarked: that is half of a code block's bytes."""

    def filter(self, lexer: Any, stream: Any) -> Iterator[tuple[Any, str]]:
        for kind, text in stream:
            yield next((marked for marked in MARKED if kind in marked), TokenType.Text), text
