"""A notebook as a page: its words, its code and its outputs, with figures as files beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import Any

from kitlib.site.figures import Album, Figure
from kitlib.site.outputs import Outputs, text
from kitlib.site.prose import Prose
from kitlib.site.source import Notebook, code, joined, load

__all__ = ["Figure", "NotebookPage", "Renderer", "load"]


@dataclass
class NotebookPage:
    """What a notebook gives to the site."""

    title: str
    html: str
    toc: list[dict[str, Any]]
    figures: list[Figure] = field(default_factory=list)
    cover: Figure | None = None
    claims: list[str] = field(default_factory=list)
    attached: list[Figure] = field(default_factory=list)


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
    known : callable, optional
        Says whether a link's target is on the site; an output's links to others don't stay.
    """

    def __init__(
        self,
        name: str,
        resolve: Callable[[str], str] = str,
        evidence: dict[str, str] | None = None,
        rows: int | None = None,
        words: int | None = None,
        known: Callable[[str], bool] | None = None,
    ) -> None:
        self.name = name
        self.resolve = resolve
        self.evidence = evidence or {}
        self.rows = rows
        self.words = words
        self.known = known

    def page(self, notebook: Notebook, prose: Prose | None = None) -> NotebookPage:
        """Return the page of a notebook as nbformat 4 holds it; `prose` are its words, where they were read before."""
        language = notebook.get("metadata", {}).get("kernelspec", {}).get("language")
        language = "ipython3" if language in (None, "python") else str(language)
        album = Album(self.name)
        outputs = Outputs(
            self.name, f"{self.name}/", album, self.evidence, self.rows, self.words, link=self._output_link
        )
        prose = prose or Prose(self.name, notebook)
        words = iter(prose.render(self.resolve))
        outputs.ids = prose.ids
        parts = []
        cover: Figure | None = None
        for number, cell in enumerate(notebook["cells"]):
            metadata = cell.get("metadata", {})
            tags = set(metadata.get("tags", []))
            said = next(words) if cell["cell_type"] == "markdown" else ""
            if "remove-cell" in tags:
                continue
            before = len(album.figures)
            if cell["cell_type"] == "markdown":
                parts.append(said)
            elif cell["cell_type"] == "code":
                folded = bool(metadata.get("jupyter", {}).get("source_hidden"))
                shown = [_input(cell, tags, folded, language)]
                if not tags & {"hide-output", "remove-output"}:
                    shown.append(_section(outputs.html(cell.get("outputs", []), f"cell-{number}-")))
                parts += reversed(shown) if "check" in tags else shown  # the verdict first, then how it was found
            else:  # a raw cell is meant for another program: its text is shown as it is
                parts.append(text(joined(cell["source"]), "raw"))
            if "cover" in tags and cover is None and len(album.figures) > before:
                cover = album.figures[before]
        title = next((text for level, _, text in prose.headings if level == 1), self.name)
        html = f'<div class="notebook">{"".join(parts)}</div>'
        fallback = album.figures[0] if album.figures else None
        toc = _nested(prose.headings)
        attached = list(prose.album.figures)
        return NotebookPage(title, html, toc, album.figures, cover or fallback, outputs.claims, attached)

    def _output_link(self, target: str) -> str | None:
        return None if self.known and not self.known(target) else self.resolve(target)


FOLDED = {"check": "How this is tested", "solution": "Solution"}
"""Tags of cells whose code is folded, and what it is folded behind."""


def _input(cell: Notebook, tags: set[str], folded: bool, language: str) -> str:
    source = joined(cell["source"]).strip("\n")
    if not source or tags & {"hide-input", "remove-input"}:
        return ""
    block = code(source, language)
    summary = next((FOLDED[tag] for tag in FOLDED if tag in tags), "Code" if folded else "")
    if summary:
        block = f"<details><summary>{summary}</summary>{block}</details>"
    return f'<div class="input">{block}</div>'


def _section(outputs: str) -> str:
    """Return a cell's outputs; the search's parser ends an exclusion at the next such end tag: no output brings one."""
    return f'<section class="outputs" data-search-exclude="1">{outputs}</section>' if outputs else ""


def _nested(headings: list[tuple[int, str, str]]) -> list[dict[str, Any]]:
    """Return headings as the nested tokens that MkDocs' table of contents is made of."""
    top: list[dict[str, Any]] = []
    branch: list[dict[str, Any]] = []
    for level, address, words in headings:
        token = {"level": level, "id": address, "name": escape(words, quote=False), "children": []}
        while branch and branch[-1]["level"] >= level:
            branch.pop()
        (branch[-1]["children"] if branch else top).append(token)
        branch.append(token)
    return top
