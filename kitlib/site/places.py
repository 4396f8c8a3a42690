"""Where on the site a link of a notebook leads: what is right in the checkout becomes right on the site."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

from kitlib.site.ledger import slug

BESIDE = frozenset({
    *(".gif", ".jpeg", ".jpg", ".pdf", ".png", ".svg", ".webp"),
    *(".cfg", ".conf", ".csv", ".ini", ".json", ".jsonl", ".log", ".parquet", ".toml", ".tsv", ".txt", ".xlsx"),
    *(".gz", ".py", ".sh", ".yaml", ".yml", ".zip"),
})  # fmt: skip
"""What a notebook may show or offer of the files beside it; a page of HTML or a script for browsers is none of them."""


@dataclass
class Places:
    """The checkout and what of it lies on the site.

    Parameters
    ----------
    checkout : Path, optional
        The folder that holds mkdocs.yml, notebooks/ and docs/.
    build : Path, optional
        Where executed copies lie; what a notebook wrote beside its copy is found there.
    anchors : mapping, optional
        Notebook → what turns a fragment into the anchor that it means.
    beside : dict
        Place on the site → file: what notebooks name of the files beside them; filled by `resolve`.
    """

    checkout: Path | None = None
    build: Path | None = None
    anchors: Mapping[str, Callable[[str], str]] = field(default_factory=dict)
    beside: dict[str, Path] = field(default_factory=dict)

    def resolve(self, target: str) -> str:
        """Turn a link of a notebook into an address as its page on the site has it."""
        path, mark, fragment = target.partition("#")
        if not path or ":" in path.split("/")[0]:
            return target
        place = self._place(path)
        if place.endswith(".ipynb") and fragment:
            fragment = self.anchors.get(_notebook(place), slug)(unquote(fragment))
        elif file := self._file(place):
            self.beside[place] = file
        for suffix in (".ipynb", ".md"):
            if place.endswith(suffix):
                place = place.removesuffix(suffix) + ".html"
        if place == "README.html":
            place = "index.html"
        address = posixpath.relpath(place, "notebooks")
        return quote(address) + mark + quote(unquote(fragment), safe="/?:@!$&'()*+,;=-._~")

    def known(self, target: str) -> bool:
        """Say whether a link leads to something that is on the site, or will be."""
        path = target.partition("#")[0]
        if not path:
            return False
        place = self._place(path)
        if place.endswith(".ipynb"):
            return _notebook(place) in self.anchors
        if self.checkout and (self.checkout / "docs" / place).is_file():
            return True
        return self._file(place) is not None

    def _place(self, path: str) -> str:
        """Return where a path lies, seen from the checkout; what docs/ holds lies at the site's root."""
        return posixpath.normpath(posixpath.join("notebooks", unquote(path.partition("?")[0]))).removeprefix("docs/")

    def _file(self, place: str) -> Path | None:
        """Return the file at a place in the checkout, or beside an executed copy, if a page may name it."""
        if posixpath.splitext(place)[1].lower() not in BESIDE or place.startswith(("../", "/")):
            return None
        if any(part.startswith(".") for part in place.split("/")):
            return None
        for root in (self.build, self.checkout):
            if root is None:
                continue
            file = root / place
            if file.is_file() and file.resolve().is_relative_to(root.resolve()):
                return file
        return None


def _notebook(place: str) -> str:
    return place.removeprefix("notebooks/").removesuffix(".ipynb")
