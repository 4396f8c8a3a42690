"""A notebook's words: its Markdown cells as HTML, their headings and anchors, and the pictures pasted into them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape
from typing import Any
from urllib.parse import quote, unquote

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.dollarmath.index import math_inline_dollar

from kitlib.site.clean import note, sanitise, shape
from kitlib.site.figures import SUFFIXES, Album, decoded
from kitlib.site.ledger import slug
from kitlib.site.source import Notebook, code, joined

HTML_ANCHOR = re.compile(r"<[a-zA-Z][^<>]*?\s(?:id|name)\s*=\s*[\"']?([^\"'\s<>]+)")
ELSEWHERE = re.compile(r"(?:https?:)?//", re.IGNORECASE)
"""A picture's address on another host: a page asks nobody else, so that it becomes a link."""


def jupyter_anchor(text: str) -> str:
    """Return the anchor that JupyterLab gives to a heading."""
    return text.strip().replace(" ", "-")


def github_anchor(text: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def picture_elsewhere(source: str, words: str) -> str:
    """Return a link in place of a picture that lies on another host."""
    return f'<a href="{escape(source)}" title="A picture on another host">{escape(words.strip() or source)}</a>'


class Prose:
    """The Markdown cells of one notebook.

    Parameters
    ----------
    name : str
        The notebook's name, without `.ipynb`; its pictures lie in a folder of that name.
    notebook : dict
        As nbformat 4 holds it.
    """

    def __init__(self, name: str, notebook: Notebook) -> None:
        self.name = name
        self.album = Album(name, "attached")
        self.headings: list[tuple[int, str, str]] = []
        self.ids: set[str] = set()
        self._known: dict[str, str] = {}
        self._markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
        self._markdown.use(dollarmath_plugin, allow_space=False, allow_digits=False).use(amsmath_plugin)
        self._markdown.inline.ruler.at("math_inline", _formula)
        for rule, render in (("fence", _fence), ("math_inline", _math), ("math_block", _math), ("amsmath", _math)):
            self._markdown.add_render_rule(rule, render)
        cells = [cell for cell in notebook["cells"] if cell.get("cell_type") == "markdown"]
        sources = [joined(cell.get("source")) for cell in cells]
        self._anchors = {found for source in sources for found in HTML_ANCHOR.findall(source)}
        self._tokens = [(cell, self._markdown.parse(source)) for cell, source in zip(cells, sources, strict=True)]
        for _, tokens in self._tokens:
            for place, token in enumerate(tokens):
                if token.type == "heading_open":
                    self._heading(token, tokens[place + 1])

    def anchor(self, fragment: str) -> str:
        """Return the page's anchor that a link means: an HTML anchor, or a heading in one of three ways to write it."""
        named = unquote(fragment)
        if named in self._anchors:
            return named
        for form in (named, named.lower()):
            if form in self._known:
                return self._known[form]
        return slug(named)

    def render(self, resolve: Callable[[str], str]) -> list[str]:
        """Return each Markdown cell as HTML; `resolve` turns a link's target into an address on the site."""
        self.album.figures.clear()
        self.ids = {address for _, address, _ in self.headings}
        return [self._cell(cell, tokens, resolve) for cell, tokens in self._tokens]

    def _cell(self, cell: Notebook, tokens: list[Token], resolve: Callable[[str], str]) -> str:
        html = str(self._markdown.renderer.render(tokens, self._markdown.options, {}))
        left_out: list[str] = []

        def image(values: dict[str, str]) -> str | None:
            return self._picture(values, cell.get("attachments") or {}, resolve, left_out)

        def link(target: str) -> str:
            return f"#{self.anchor(target[1:])}" if target.startswith("#") else resolve(target)

        headings = {address for _, address, _ in self.headings}
        cleaned = sanitise(html, image, link=link, taken=self.ids, own=headings)
        return cleaned.html + note([*cleaned.left_out.elements(), *left_out])

    def _picture(
        self, values: dict[str, str], attachments: dict[str, Any], resolve: Callable[[str], str], left_out: list[str]
    ) -> str | None:
        """Return a picture: one that was pasted in becomes a file, one beside the notebook an address."""
        source, words = values.get("src", ""), values.get("alt", "").strip()
        try:
            if source.startswith("attachment:"):
                file = unquote(source.removeprefix("attachment:"))
                found = attachments.get(file) or attachments.get(source.removeprefix("attachment:")) or {}
                mime = next((mime for mime in SUFFIXES if mime in found), None)
                if mime is None:
                    return None
                data = joined(found[mime])
                words = words or file
                figure, lost = self.album.add(_picture_bytes(data, mime), mime, words)
            elif (embedded := self.album.embedded(source, words)) is not None:
                figure, lost = embedded
            elif ELSEWHERE.match(source):
                return picture_elsewhere(source, words)
            elif not source or ":" in source.split("/")[0]:
                return None
            else:
                words = words or unquote(source).rsplit("/", 1)[-1]
                return _image(resolve(source), words, values)
        except ValueError:
            return None
        left_out += lost.elements()
        return _image(resolve(f"{quote(self.name)}/{figure.file}"), words or figure.words, values)

    def _heading(self, token: Token, inline: Token) -> None:
        text = "".join(child.content for child in inline.children or () if child.type in ("text", "code_inline"))
        base = address = slug(text)
        count = 1
        while address in self._anchors or any(address == known for _, known, _ in self.headings):
            count += 1
            address = f"{base}-{count}"
        self.headings.append((int(token.tag[1]), address, text))
        for form in (jupyter_anchor, github_anchor, slug):
            for end in ("", f"-{count - 1}") if count > 1 else ("",):
                self._known.setdefault(form(text) + end, address)
                self._known.setdefault((form(text) + end).lower(), address)
        token.attrSet("id", address)
        link = Token("html_inline", "", 0)
        link.content = f'<a class="headerlink" href="#{address}" title="Permanent link">&para;</a>'
        inline.children = [*(inline.children or []), link]


def _picture_bytes(data: str, mime: str) -> bytes | str:
    """Return an attachment's content: JupyterLab writes SVG in base64, too, other programs as it is."""
    if mime == "image/svg+xml" and data.lstrip().startswith("<"):
        return data
    return decoded(data)


def _image(address: str, words: str, values: dict[str, str]) -> str:
    values = {**values, "style": shape(values.get("style", ""))}
    kept = [name for name in ("width", "height", "align", "title", "style") if values.get(name)]
    size = "".join(f' {name}="{escape(values[name])}"' for name in kept)
    return f'<img src="{escape(address)}" alt="{escape(words)}"{size}>'


_dollars = math_inline_dollar(allow_space=False, allow_digits=False)


def _formula(state: StateInline, silent: bool) -> bool:
    """Take what stands between two dollar signs for a formula, unless code begins or ends in it."""
    start = state.pos
    found = _dollars(state, True)
    end, state.pos = state.pos, start
    return bool(found and "`" not in state.src[start:end] and _dollars(state, silent))


def _fence(_renderer: Any, tokens: Sequence[Token], place: int, _options: Any, _env: Any) -> str:
    return code(tokens[place].content, (tokens[place].info.split() or ["text"])[0])


def _math(_renderer: Any, tokens: Sequence[Token], place: int, _options: Any, _env: Any) -> str:
    """Return a formula as it was written: what draws formulas is a script of another host."""
    text = escape(tokens[place].content.strip(), quote=False)
    if tokens[place].type == "math_inline":
        return f'<code class="math">${text}$</code>'
    if tokens[place].type == "amsmath":  # \\begin{align} … brings its own marks
        return f'<pre class="math"><code>{text}</code></pre>'
    return f'<pre class="math"><code>$$\n{text}\n$$</code></pre>'
