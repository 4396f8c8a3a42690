"""A notebook as a page: its words, its code and its outputs, with figures as files beside it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from html import escape, unescape
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.filter import Filter
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import Token as TokenType
from pygments.util import ClassNotFound

from kitlib.errors import UsageError
from kitlib.site.clean import clean
from kitlib.site.ledger import anchor, slug

LONGEST_TEXT = 20_000
"""Characters of one output's text that reach the page; the notebook itself holds the rest."""

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")

MARKED = (TokenType.Comment, TokenType.Keyword, TokenType.Literal.String, TokenType.Name.Tag)
"""What is coloured in code: comments, keywords, strings, and the keys of a manifest."""

Notebook = dict[str, Any]


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
        target = escape(f"{folder}{self.file}")
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
            more = f'<p><a href="{escape(folder + self.words_file)}">Each Pod and Event, in words</a></p>'
        words = f"<div>{escape(said, quote=False)}</div>{more}"
        return f"<figcaption><details><summary>The figure in words</summary>{words}</details></figcaption>"

    @property
    def words_file(self) -> str:
        """The name of the file that holds all of the figure's words."""
        return f"{self.file.rsplit('.', 1)[0]}.txt"


@dataclass
class NotebookPage:
    """What a notebook gives to the site."""

    title: str
    html: str
    toc: list[dict[str, Any]]
    figures: list[Figure] = field(default_factory=list)
    cover: Figure | None = None
    claims: list[str] = field(default_factory=list)


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


def first_sentence(text: str) -> tuple[str, str]:
    """Split words into what an `alt` holds and what follows it."""
    flat = " ".join(text.split())
    match = re.match(r"(.{20,160}?[.!?])\s+(\S.*)", flat)
    return (match.group(1), match.group(2)) if match else (flat[:160], flat[160:])


def joined(text: Any) -> str:
    """Return a notebook's text: a string, or a list of lines."""
    return "".join(text) if isinstance(text, list) else str(text or "")


def code(source: str, language: str) -> str:
    """Return source as a code block like those of every other page."""
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        lexer = get_lexer_by_name("text")
    lexer.add_filter(_Plain())
    html = highlight(source.rstrip("\n"), lexer, HtmlFormatter(cssclass="highlight", wrapcode=True))
    html = html.replace("<pre><span></span><code>", "<pre><code>")
    return html.replace("&quot;", '"').replace("&#39;", "'")  # in text a quote needs no escape


class _Plain(Filter):
    """Leave what is coloured like the rest unmarked: that is half of a code block's bytes."""

    def filter(self, lexer: Any, stream: Any) -> Iterator[tuple[Any, str]]:
        for kind, text in stream:
            yield next((marked for marked in MARKED if kind in marked), TokenType.Text), text


def png_size(content: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG, from its header."""
    if content[:8] != b"\x89PNG\r\n\x1a\n" or len(content) < 24:
        return None
    return struct.unpack(">II", content[16:24])


class Renderer:
    """Turn one notebook into a page.

    Parameters
    ----------
    name : str
        The notebook's name, without `.ipynb`; its figures lie in a folder of that name.
    resolve : callable
        Turns the target of a link in the notebook into an address on the site.
    evidence : dict, optional
        Anchor of a claim → where all its evidence is shown.
    rows : int, optional
        How many rows of a claim's evidence are shown here; all by default.
    words : int, optional
        How many characters of a figure's words are shown here; all by default.
    """

    def __init__(
        self,
        name: str,
        resolve: Callable[[str], str] = str,
        evidence: dict[str, str] | None = None,
        rows: int | None = None,
        words: int | None = None,
    ) -> None:
        self.name = name
        self.resolve = resolve
        self.evidence = evidence or {}
        self.rows = rows
        self.words = words
        self.figures: list[Figure] = []
        self.headings: list[tuple[int, str, str]] = []
        self.claims: list[str] = []
        self.cell = 0
        self.language = "python"
        self.markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
        self.markdown.add_render_rule("fence", _fence)
        self.quoted = MarkdownIt("commonmark", {"html": False}).enable("table")

    def page(self, notebook: Notebook) -> NotebookPage:
        """Return the page of a notebook as nbformat 4 holds it."""
        language = notebook.get("metadata", {}).get("kernelspec", {}).get("language")
        self.language = "ipython3" if language in (None, "python") else str(language)
        parts = []
        cover: Figure | None = None
        for self.cell, cell in enumerate(notebook["cells"]):
            metadata = cell.get("metadata", {})
            tags = set(metadata.get("tags", []))
            if "remove-cell" in tags:
                continue
            before = len(self.figures)
            if cell["cell_type"] == "markdown":
                parts.append(self._prose(joined(cell["source"])))
            elif cell["cell_type"] == "code":
                parts.append(self._code_cell(cell, tags, bool(metadata.get("jupyter", {}).get("source_hidden"))))
            if "cover" in tags and cover is None and len(self.figures) > before:
                cover = self.figures[before]
        title = next((text for level, _, text in self.headings if level == 1), self.name)
        html = f'<div class="notebook">{"".join(parts)}</div>'
        fallback = self.figures[0] if self.figures else None
        return NotebookPage(title, html, _nested(self.headings), self.figures, cover or fallback, self.claims)

    # --- words

    def _prose(self, source: str) -> str:
        tokens = self.markdown.parse(source)
        for place, token in enumerate(tokens):
            if token.type == "heading_open":
                self._heading(token, tokens[place + 1])
            for child in token.children or ():
                if child.type == "link_open":
                    child.attrSet("href", self._target(str(child.attrGet("href"))))
                elif child.type == "image":
                    child.attrSet("src", self.resolve(str(child.attrGet("src"))))
        return str(self.markdown.renderer.render(tokens, self.markdown.options, {}))

    def _heading(self, token: Token, inline: Token) -> None:
        text = "".join(child.content for child in inline.children or () if child.type in ("text", "code_inline"))
        base = address = slug(text)
        count = 1
        while any(address == known for _, known, _ in self.headings):
            count += 1
            address = f"{base}-{count}"
        self.headings.append((int(token.tag[1]), address, text))
        token.attrSet("id", address)
        link = Token("html_inline", "", 0)
        link.content = f'<a class="headerlink" href="#{address}" title="Permanent link">&para;</a>'
        inline.children = [*(inline.children or []), link]

    def _target(self, target: str) -> str:
        if target.startswith("#"):
            return "#" + slug(target[1:])
        return self.resolve(target)

    # --- code and outputs

    def _code_cell(self, cell: Notebook, tags: set[str], folded: bool) -> str:
        source = joined(cell["source"]).strip("\n")
        parts = []
        if source and not tags & {"hide-input", "remove-input"}:
            block = code(source, self.language)
            if folded or "solution" in tags:
                block = f"<details><summary>{'Solution' if 'solution' in tags else 'Code'}</summary>{block}</details>"
            parts.append(f'<div class="input">{block}</div>')
        if not tags & {"hide-output", "remove-output"}:
            outputs = "".join(self._output(output) for output in _joined_outputs(cell.get("outputs", [])))
            if outputs:
                # The search's parser ends an exclusion at the next end tag of that name; no output brings a section.
                parts.append(f'<section class="outputs" data-search-exclude="1">{outputs}</section>')
        return "".join(parts)

    def _output(self, output: Notebook) -> str:
        kind = output.get("output_type")
        if kind == "stream":
            return self._text(joined(output.get("text")), "stderr" if output.get("name") == "stderr" else "stdout")
        if kind == "error":
            message = f"{output.get('ename', 'Error')}: {output.get('evalue', '')}"
            return self._text("\n".join(output.get("traceback") or [message]), "error")
        data, metadata = output.get("data", {}), output.get("metadata", {})
        words = _words(data, metadata)
        if "text/html" in data:
            return self._markup(joined(data["text/html"]), joined(data.get("text/plain")), words)
        for mime, suffix in (("image/svg+xml", "svg"), ("image/png", "png"), ("image/jpeg", "jpg")):
            if mime in data:
                text = joined(data[mime])
                content = text.encode() if suffix == "svg" else base64.b64decode(text)
                return self._figure(content, suffix, words, metadata.get(mime, {})).html(f"{self.name}/", self.words)
        if "text/markdown" in data:
            return f'<div class="html">{self.quoted.render(joined(data["text/markdown"]))}</div>'
        if "application/json" in data:
            return self._text(json.dumps(data["application/json"], indent=2, ensure_ascii=False), "result")
        return self._text(joined(data.get("text/plain")), "result")

    def _markup(self, html: str, plain: str, words: str) -> str:
        """Return an output that brings HTML; a manifest is coloured like code, a claim gets an anchor."""
        if "kitlib-manifest" in html[:80] and plain:
            return f'<div class="manifest">{code(plain, "yaml")}</div>'
        html = clean(html, partial(self._inline_image, words=words), prefix=f"cell-{self.cell}-")
        claim = re.match(r'<div class="(kitlib-claim[^"]*)" data-claim="([^"]*)"', html)
        if claim:
            address = anchor({"id": unescape(claim.group(2)), "notebook": self.name})
            first = address not in self.claims
            if first:
                self.claims.append(address)
            mark = f' id="{address}"' if first else ""
            html = f'<div class="{claim.group(1)}"{mark}' + self._shortened(html[claim.end() :], address)
        return f'<div class="html">{html}</div>' if html.strip() else ""

    def _shortened(self, html: str, address: str) -> str:
        """Keep the first rows of a claim's evidence, and say where the others are."""
        if self.rows is None:
            return html
        body = re.search(r"<tbody>(.*?)</tbody>", html, re.DOTALL)
        found = re.findall(r"<tr>.*?</tr>", body.group(1), re.DOTALL) if body else []
        if not body or len(found) <= self.rows:
            return html
        place = self.evidence.get(address)
        words = f'<a href="{escape(place)}">in the ledger</a>' if place else "in the notebook itself"
        if self.rows:
            html = html[: body.start(1)] + "".join(found[: self.rows]) + html[body.end(1) :]
            return html.replace("</details>", f"<p>More rows {words}.</p></details>")
        html = re.sub(r'<div class="kitlib-scroll">.*?</table></div>', "", html, flags=re.DOTALL)
        return html.replace("</details>", f"<p>The rows are {words}.</p></details>")

    def _figure(self, content: bytes, suffix: str, words: str, metadata: Notebook) -> Figure:
        digest = hashlib.sha256(content).hexdigest()[:8]
        size = (metadata.get("width"), metadata.get("height"))
        width, height = size if all(size) else (png_size(content) or (None, None))
        words = words or f"Figure {len(self.figures) + 1} of the notebook {self.name}."
        figure = Figure(f"figure-{len(self.figures) + 1}-{digest}.{suffix}", content, words, width, height)
        self.figures.append(figure)
        return figure

    def _inline_image(self, source: str, alt: str, words: str) -> str | None:
        match = re.fullmatch(r"data:image/(png|jpeg|svg\+xml);base64,([A-Za-z0-9+/=\s]+)", source)
        if not match:
            return None
        suffix = {"png": "png", "jpeg": "jpg", "svg+xml": "svg"}[match.group(1)]
        return self._figure(base64.b64decode(match.group(2)), suffix, alt or words, {}).html(
            f"{self.name}/", self.words
        )

    def _text(self, text: str, kind: str) -> str:
        text = "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in ESCAPES.sub("", text).split("\n"))
        text = text.strip("\n")
        if not text.strip():
            return ""
        if len(text) > LONGEST_TEXT:
            rest = len(text) - LONGEST_TEXT
            text = f"{text[:LONGEST_TEXT]}\n… {rest:,} more characters are in the notebook itself"
        return f'<pre class="{kind}"><samp>{escape(text, quote=False)}</samp></pre>'


def _fence(_renderer: Any, tokens: Sequence[Token], place: int, _options: Any, _env: Any) -> str:
    return code(tokens[place].content, (tokens[place].info.split() or ["text"])[0])


def _joined_outputs(outputs: list[Notebook]) -> list[Notebook]:
    """Join stream outputs of one name that follow each other, and a figure with its text twin."""
    merged: list[Notebook] = []
    for output in outputs:
        last = merged[-1] if merged else {}
        data = output.get("data", {})
        if output.get("output_type") == "stream" == last.get("output_type") and output.get("name") == last.get("name"):
            merged[-1] = {**last, "text": joined(last.get("text")) + joined(output.get("text"))}
        elif "kitlib-twin" in joined(data.get("text/html")) and "image/png" in last.get("data", {}):
            merged[-1] = {**last, "metadata": {**last.get("metadata", {}), "twin": joined(data.get("text/plain"))}}
        else:
            merged.append(output)
    return merged


def _words(data: Notebook, metadata: Notebook) -> str:
    """Return a figure's text twin: said in the output's metadata, or its plain text where that isn't a Python repr."""
    for holder in (metadata, metadata.get("image/png", {}), metadata.get("image/svg+xml", {})):
        for key in ("twin", "alt"):
            if holder.get(key):
                return str(holder[key])
    plain = joined(data.get("text/plain")).strip()
    return "" if plain.startswith("<") else plain


def _nested(headings: list[tuple[int, str, str]]) -> list[dict[str, Any]]:
    """Return headings as the nested tokens that MkDocs' table of contents is made of."""
    top: list[dict[str, Any]] = []
    branch: list[dict[str, Any]] = []
    for level, address, text in headings:
        token = {"level": level, "id": address, "name": escape(text, quote=False), "children": []}
        while branch and branch[-1]["level"] >= level:
            branch.pop()
        (branch[-1]["children"] if branch else top).append(token)
        branch.append(token)
    return top
