"""What a notebook's code cells brought forth, as HTML: printed text, tables, figures, claims.

What a page can't show, since it needs a script or a running notebook, is said, and shown as its plain text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import escape, unescape
from typing import Any

from markdown_it import MarkdownIt

from kitlib.site.clean import Cleaned, note, sanitise
from kitlib.site.figures import Album
from kitlib.site.ledger import anchor
from kitlib.site.prose import ELSEWHERE, picture_elsewhere
from kitlib.site.source import Notebook, code, joined

LONGEST_TEXT = 20_000
"""Characters of one output's text that reach the page; the notebook itself holds the rest."""

ESCAPES = re.compile(
    r"\x1b\[[0-9;:?]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)
"""What a terminal takes as an order: colours, links (ended by a bell, or by ESC and a backslash), character sets."""

PICTURES = ("image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp")
SHOWN = frozenset({"text/html", *PICTURES, "text/markdown", "text/latex", "application/json", "text/plain"})
"""Types of outputs that a page shows; what is of another type alone needs a running notebook."""

WIDGET = "application/vnd.jupyter.widget-view+json"
TWIN = re.compile(r"\s*<details class=[\"']kitlib-twin[\"']")
MANIFEST = re.compile(r"\s*<pre class=[\"']kitlib-manifest[\"']")


class Outputs:
    """Turn the outputs of one notebook into HTML.

    Parameters
    ----------
    name : str
        The notebook's name.
    folder : str
        The address of the folder that holds its figures, seen from its page.
    album : Album
        Takes the figures.
    evidence : dict
        Anchor of a claim → where all its evidence is shown.
    rows, words : int, optional
        How many rows of a claim's evidence, and how many characters of a figure's words are shown; all by default.
    link : callable, optional
        Turns a link's target into an address on the site; None where it leads nowhere.
    """

    def __init__(
        self,
        name: str,
        folder: str,
        album: Album,
        evidence: dict[str, str],
        rows: int | None = None,
        words: int | None = None,
        link: Callable[[str], str | None] | None = None,
    ) -> None:
        self.name = name
        self.folder = folder
        self.album = album
        self.evidence = evidence
        self.rows = rows
        self.words = words
        self.link = link
        self.claims: list[str] = []
        self.ids: set[str] = set()
        self._quoted = MarkdownIt("commonmark", {"html": False}).enable("table")

    def html(self, outputs: list[Notebook], prefix: str) -> str:
        """Return a cell's outputs; `prefix` stands before each id that they bring."""
        return "".join(self._output(output, prefix) for output in merged(outputs))

    def _output(self, output: Notebook, prefix: str) -> str:
        kind = output.get("output_type")
        if kind == "stream":
            return text(joined(output.get("text")), "stderr" if output.get("name") == "stderr" else "stdout")
        if kind == "error":
            message = f"{output.get('ename') or 'Error'}: {output.get('evalue') or ''}"
            return text("\n".join(output.get("traceback") or [message]), "error")
        data, metadata = output.get("data", {}), output.get("metadata", {})
        words = twin(data, metadata)
        plain = joined(data.get("text/plain"))
        markup, said = joined(data.get("text/html")), ""
        if markup and MANIFEST.match(markup) and plain:
            return f'<div class="manifest">{code(plain, "yaml")}</div>'
        if markup:
            cleaned = self._cleaned(markup, words, prefix)
            if cleaned.shows_something:
                return self._claim(cleaned)
            if not cleaned.left_out and not set(PICTURES) & set(data):
                return ""  # a style sheet: nothing is to be seen of it
            said = note(cleaned.left_out, "This output needs what a page of this site doesn't have")
        for mime in PICTURES:
            if mime in data:
                try:
                    figure, left_out = self.album.add(joined(data[mime]), mime, words, metadata.get(mime))
                except ValueError as error:
                    said = note([f"{mime}, {error}"[:120]])
                    continue
                return figure.html(self.folder, self.words) + note(left_out)
        return self._as_words(data, plain, said, prefix)

    def _as_words(self, data: Notebook, plain: str, said: str, prefix: str) -> str:
        """Return an output that is no picture and no table."""
        if "text/markdown" in data:
            cleaned = self._cleaned(self._quoted.render(joined(data["text/markdown"])), "", prefix)
            return f'<div class="html">{cleaned.html}</div>{cleaned.note}'
        if "text/latex" in data:
            formula = joined(data["text/latex"])
            shown = formula if not plain or plain.startswith("<") else plain
            return remark("A formula in LaTeX, as text:") + text(shown, "result")
        if "application/json" in data:
            return text(json.dumps(data["application/json"], indent=2, ensure_ascii=False), "result")
        more = sorted(set(data) - SHOWN)
        if said:
            return said + text(plain, "result")
        if more:
            what = "A widget" if WIDGET in data else f"An output of type {', '.join(more)}"
            return remark(f"{what}: it needs a running notebook. Its text:") + text(plain or "(none)", "result")
        return text(plain, "result")

    def _cleaned(self, html: str, words: str, prefix: str) -> Cleaned:
        lost: list[str] = []

        def image(values: dict[str, str]) -> str | None:
            source, alt = values.get("src", ""), values.get("alt", "")
            if ELSEWHERE.match(source):
                return picture_elsewhere(source, alt)
            try:
                found = self.album.embedded(source, alt or words)
            except ValueError:
                return None
            if found is None:
                return None
            lost.extend(found[1].elements())
            return found[0].html(self.folder, self.words)

        cleaned = sanitise(html, image, prefix, link=self._link, taken=self.ids)
        cleaned.left_out.update(lost)
        return cleaned

    def _link(self, target: str) -> str | None:
        return self.link(target) if self.link and not target.startswith("#") else None

    def _claim(self, cleaned: Cleaned) -> str:
        """Return an output that brings HTML; a claim gets an anchor."""
        html = cleaned.html
        claim = re.match(r'<div class="(kitlib-claim[^"]*)" data-claim="([^"]*)"', html)
        if claim:
            address = anchor({"id": unescape(claim.group(2)), "notebook": self.name})
            first = address not in self.claims
            if first:
                self.claims.append(address)
            mark = f' id="{address}"' if first else ""
            html = f'<div class="{claim.group(1)}"{mark}' + self._shortened(html[claim.end() :], address)
        return f'<div class="html">{html}</div>{cleaned.note}'

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


def text(said: str, kind: str) -> str:
    """Return text as an element: without escape codes, a line that was rewritten in its last state, not endless."""
    said = "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in ESCAPES.sub("", said).split("\n"))
    said = said.strip("\n")
    if not said.strip():
        return ""
    if len(said) > LONGEST_TEXT:
        rest = len(said) - LONGEST_TEXT
        said = f"{said[:LONGEST_TEXT]}\n… {rest:,} more characters are in the notebook itself"
    return f'<pre class="{kind}"><samp>{escape(said, quote=False)}</samp></pre>'


def remark(words: str) -> str:
    """Return a word of the page's own about an output."""
    return f'<p class="left-out">{escape(words, quote=False)}</p>'


def merged(outputs: list[Notebook]) -> list[Notebook]:
    """Join stream outputs of one name that follow each other, and a figure with its text twin."""
    found: list[Notebook] = []
    for output in outputs:
        last = found[-1] if found else {}
        data = output.get("data", {})
        if output.get("output_type") == "stream" == last.get("output_type") and output.get("name") == last.get("name"):
            found[-1] = {**last, "text": joined(last.get("text")) + joined(output.get("text"))}
        elif TWIN.match(joined(data.get("text/html"))) and "image/png" in last.get("data", {}):
            found[-1] = {**last, "metadata": {**last.get("metadata", {}), "twin": joined(data.get("text/plain"))}}
        else:
            found.append(output)
    return found


def twin(data: Notebook, metadata: Any) -> str:
    """Return a figure's text twin: said in the output's metadata, or its plain text where that isn't a Python repr."""
    for holder in (metadata, *(metadata.get(mime, {}) for mime in PICTURES)):
        for key in ("twin", "alt"):
            if isinstance(holder, dict) and holder.get(key):
                return str(holder[key])
    plain = joined(data.get("text/plain")).strip()
    return "" if plain.startswith("<") else plain
