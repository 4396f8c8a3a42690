"""Read a built site as a browser would, and name what does not work.

MkDocs' strict mode checks the links of Markdown pages; it knows neither those of notebooks, nor anchors in HTML, nor
what a page asks of other hosts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from kitlib.site.speed import side_by_side

PAGE_BUDGET = 200_000
"""Bytes that a notebook's page may have, figures and the shared style sheets aside; how claims are tested is in it."""

FETCHED = {
    "audio": ("src",),
    "embed": ("src",),
    "form": ("action",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
"""Element → attributes that make a browser fetch something by itself."""

IN_STYLES = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")


@dataclass(frozen=True)
class Problem:
    """Something on a page that would not work: which page (from the site's root), what it names, and why."""

    page: str
    target: str
    reason: str

    def __str__(self) -> str:
        return f"{self.page}: {self.target}: {self.reason}"


@dataclass
class _Found:
    """A page's anchors, its links and what it fetches."""

    anchors: set[str] = field(default_factory=set)
    twice: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    unlabelled: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)


class _Page(HTMLParser):
    """Collect what is found on a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found = _Found()
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = self.found
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            (found.twice if values["id"] in found.anchors else found.anchors).add(values["id"])
        if tag == "a":
            if "name" in values:
                found.anchors.add(values["name"])
            if "href" in values:
                found.links.append(values["href"])
        for name in FETCHED.get(tag, ()):
            if values.get(name):
                if name == "srcset":
                    found.fetched += [part.split()[0] for part in values[name].split(",") if part.strip()]
                elif tag == "link" and values.get("rel") in {"canonical", "prev", "next", "alternate"}:
                    found.links.append(values[name])
                else:
                    found.fetched.append(values[name])
        if tag == "img" and not values.get("alt", "").strip():
            found.unlabelled.append(values.get("src", "")[:80])
        if "style" in values:
            found.styles.append(values["style"])
        self._in_style = tag == "style"

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.found.styles.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False


def _read(path: Path) -> _Found:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    return page.found


def check_links(site: Path) -> list[Problem]:
    """Return every problem of a built site.

    A link or a fetched address must name a file of the site, and its fragment an anchor of that page; nothing may be
    fetched from another host (a plain link to one is fine); an image needs words; an `id` stands once on a page; a
    notebook's page keeps to `PAGE_BUDGET`.

    Parameters
    ----------
    site : Path
        The folder that holds index.html.

    Returns
    -------
    list of Problem
        In the order of the pages' names; empty when all is well.
    """
    root = site.resolve()
    paths = sorted(root.rglob("*.html"))
    parsed = dict(zip(paths, side_by_side(_read, paths), strict=True))
    problems: list[Problem] = []
    for path, page in parsed.items():
        name = path.relative_to(root).as_posix()
        for target in dict.fromkeys(page.links):
            problems += _follow(root, path, target, parsed, fetched=False)
        for target in dict.fromkeys(page.fetched + [found for text in page.styles for found in _in_styles(text)]):
            problems += _follow(root, path, target, parsed, fetched=True)
        problems += [Problem(name, f"#{anchor}", "this id stands on the page twice") for anchor in sorted(page.twice)]
        problems += [Problem(name, source, "an image without alt text") for source in page.unlabelled]
        size = path.stat().st_size
        if (path.with_suffix(".ipynb")).exists() and size > PAGE_BUDGET:
            problems.append(Problem(name, f"{size:,} bytes", f"a notebook's page may have {PAGE_BUDGET:,}"))
    for path in sorted(root.rglob("*.css")):
        for target in dict.fromkeys(_in_styles(path.read_text(encoding="utf-8"))):
            problems += _follow(root, path, target, parsed, fetched=True)
    return problems


def _in_styles(text: str) -> Iterator[str]:
    for match in IN_STYLES.finditer(re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)):
        yield (match.group(1) or match.group(2)).strip()


def _follow(root: Path, path: Path, target: str, parsed: dict[Path, _Found], fetched: bool) -> Iterator[Problem]:
    """Yield what is wrong with one address on one page."""
    name = path.relative_to(root).as_posix()
    try:
        parts = urlsplit(target.strip())
    except ValueError as error:
        yield Problem(name, target, f"not an address: {error}")
        return
    if parts.scheme == "data":
        return
    if parts.scheme == "javascript":
        yield Problem(name, target[:80], "a script in an address")
        return
    if parts.scheme or parts.netloc:
        if fetched:
            yield Problem(name, target, "a browser would ask another host")
        elif parts.scheme not in {"http", "https", "mailto"}:
            yield Problem(name, target, f"a link of scheme {parts.scheme or 'none'}")
        return
    if parts.path.startswith("/"):
        if name != "404.html":
            yield Problem(name, target, "starts at the host's root, so it fails when the site lies in a folder")
            return
        place = root / unquote(parts.path).lstrip("/")
    else:
        place = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if place.is_dir():
        place = place / "index.html"
    if not place.is_file() or not place.is_relative_to(root):
        yield Problem(name, target, "no such file on the site")
    elif parts.fragment and not fetched and place in parsed:
        known = parsed[place].anchors
        if unquote(parts.fragment) not in known and parts.fragment not in known:
            yield Problem(name, target, "no such anchor on that page")
