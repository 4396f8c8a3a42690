"""What MkDocs calls while it builds: notebooks become pages, the ledger and the cover are filled in.

`mkdocs.yml` names docs/theme/hooks.py under `hooks`, which hands all of this on. How a notebook's page looks is our own
(`kitlib.site.pages`): nbconvert's pages carry a style sheet of 300 KB each and ask other hosts for scripts.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from html import escape
from pathlib import Path
from types import MethodType
from typing import Any, cast
from urllib.parse import quote

from jinja2 import Environment
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import CombinedEvent, event_priority, get_plugin_logger
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from mkdocs.structure.toc import AnchorLink, get_toc
from mkdocs.utils.templates import TemplateContext

from kitlib.site import ledger, note, pages, reference, speed, svg
from kitlib.site.links import PAGE_BUDGET
from kitlib.site.places import Places
from kitlib.site.prose import Prose

log = get_plugin_logger("kitlib.site")

COVER_NOTEBOOK = "deployment"
SHARES: tuple[tuple[int | None, int | None], ...] = (
    (None, None),
    (8, None),
    (3, None),
    (3, 600),
    (1, 600),
    (0, 600),
    (0, 240),
    (0, 0),
)
"""Rows of each claim's evidence and characters of each figure's words that a notebook's page shows, until it fits.

The ledger shows all rows; a file beside the figure holds all its words."""
FRAME = 30_000
"""Bytes of a page around the notebook: header, navigation, footer."""
NOT_EXECUTED = (
    '<div class="admonition warning not-executed"><p class="admonition-title">Not executed in this build</p>'
    "<p>These are the notebook's committed outputs. <code>make walk</code> runs it on a cluster of yours and "
    "writes this page anew.</p></div>"
)


GENERATED: dict[str, Callable[[], str]] = {"<!-- kitlib:columns -->": reference.columns}
"""Marks on pages, and what writes that which stands there instead; docs/theme/hooks.py adds the command's own."""


class NotebookFile(File):
    """A notebook, which MkDocs takes for a page's source."""

    def is_documentation_page(self) -> bool:
        """Whether it becomes a page: always."""
        return True


class _Site:
    """What one build of the site knows about its notebooks; filled by `on_files`."""

    def __init__(self) -> None:
        self.places = Places()
        self.found: dict[str, tuple[pages.Notebook, Prose]] = {}
        self.pages: dict[str, pages.NotebookPage] = {}
        self.executed: dict[str, bool] = {}
        self.claims: list[ledger.Row] = []
        self.content: dict[str, str] = {}
        self.files: Files | None = None


site = _Site()


def build_folder(config: MkDocsConfig) -> Path:
    """Return where the walk left executed notebooks and claims: KITLIB_BUILD, else `extra.kitlib.build`."""
    named = os.environ.get("KITLIB_BUILD") or config.extra.get("kitlib", {}).get("build", "build")
    return checkout(config) / named


def checkout(config: MkDocsConfig) -> Path:
    """Return the folder that holds mkdocs.yml."""
    return Path(config.config_file_path).resolve().parent


def nav_notebooks(nav: Any) -> list[str]:
    """Return the names of the notebooks in the navigation, in reading order."""
    if isinstance(nav, str):
        return [nav.removeprefix("notebooks/").removesuffix(".ipynb")] if nav.endswith(".ipynb") else []
    below = nav.values() if isinstance(nav, dict) else nav or []
    return [name for entry in below for name in nav_notebooks(entry)]


@event_priority(100)
def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the notebooks, their pictures, manifests and other files beside them, and ledger.json."""
    site.__init__()  # type: ignore[misc]
    if mkdocstrings := config.plugins.get("mkdocstrings"):
        speed.compile_once(cast(Any, mkdocstrings).handlers.get_handler("python").env)
    site.files = files
    build = build_folder(config)
    site.claims = ledger.read(build)
    site.places = Places(checkout(config), build, anchors={})
    committed = {path.stem: path for path in (checkout(config) / "notebooks").glob("*.ipynb")}
    found: dict[str, tuple[pages.Notebook, Prose]] = {}
    for name in dict.fromkeys([*nav_notebooks(config.nav), *sorted(committed)]):
        executed = build / "notebooks" / f"{name}.ipynb"
        path = executed if executed.is_file() else committed.get(name)
        if path is None:
            continue  # MkDocs itself says that the navigation names a page that isn't there
        site.executed[name] = path == executed
        address = f"notebooks/{name}.ipynb"
        folder = str(path.parent.parent)
        files.append(NotebookFile(address, folder, config.site_dir, config.use_directory_urls))
        files.append(_beside(config, address, f"{address}.download", abs_src_path=str(path)))
        notebook = pages.load(path)
        found[name] = notebook, Prose(name, notebook)
    site.places.anchors = {name: prose.anchor for name, (_, prose) in found.items()}
    site.found = found
    for name, (page, beside) in zip(found, speed.side_by_side(_page, list(found)), strict=True):
        site.pages[name] = page
        site.places.beside.update(beside)
        for figure in page.figures:
            words = figure.words.encode("utf-8-sig")  # the mark tells a browser how to read it
            files.append(_beside(config, f"notebooks/{name}/{figure.file}", content=figure.content))
            files.append(_beside(config, f"notebooks/{name}/{figure.words_file}", content=words))
        for figure in page.attached:
            files.append(_beside(config, f"notebooks/{name}/{figure.file}", content=figure.content))
    manifests = checkout(config) / "notebooks" / "manifests"
    shown = {path.relative_to(manifests.parents[1]).as_posix(): path for path in sorted(manifests.rglob("*.yaml"))}
    for address, path in (shown | site.places.beside).items():
        if files.get_file_from_path(address) is None:
            files.append(_beside(config, address, **_content(path)))
    claims = ledger.gather(site.claims)
    rows = {"versions": ledger.versions(claims), "claims": claims}
    files.append(File.generated(config, "ledger.json", content=json.dumps(rows, indent=1, ensure_ascii=False)))
    return files


def _beside(config: MkDocsConfig, address: str, name: str = "", **content: Any) -> File:
    """Return a file that is put on the site as it is, under another name among MkDocs' sources where that is taken."""
    file = File.generated(config, name or address, **content)
    file.dest_uri = address
    return file


def _content(path: Path) -> dict[str, Any]:
    """Return what is put on the site of a file beside a notebook: a picture of SVG without what could run."""
    if path.suffix.lower() != ".svg":
        return {"abs_src_path": str(path)}
    try:
        return {"content": svg.sanitise(path.read_bytes())[0]}
    except ValueError as error:
        log.warning("%s: %s", path, error)
        return {"content": b"<svg xmlns='http://www.w3.org/2000/svg'/>"}


def _page(name: str) -> tuple[pages.NotebookPage, dict[str, Path]]:
    """Return a notebook's page, with as much of its evidence and its figures' words as a page's budget allows.

    Beside it which files it names of those beside the notebooks.
    """
    notebook, prose = site.found[name]
    places = replace(site.places, beside={})
    anchors = [ledger.anchor(claim) for claim in ledger.gather(site.claims)]
    evidence = {anchor: f"../ledger.html#{anchor}" for anchor in anchors}
    for rows, words in SHARES:
        page = pages.Renderer(name, places.resolve, evidence, rows, words, places.known).page(notebook, prose)
        if len(page.html.encode()) + FRAME <= PAGE_BUDGET:
            break
    return page, places.beside


def on_page_read_source(page: Page, config: MkDocsConfig) -> str | None:
    """Keep MkDocs from taking a notebook's JSON for Markdown."""
    return "" if page.file.src_uri.endswith(".ipynb") else None


@event_priority(-100)
def on_pre_page(page: Page, config: MkDocsConfig, files: Files) -> Page:
    """Give a notebook's page kitlib's own rendering."""
    name = _notebook(page)
    if name in site.pages:
        rendered = site.pages[name]
        html = rendered.html
        heading = html.find("</h1>")
        start = heading + len("</h1>") if heading >= 0 else 0
        html = html[:start] + _about(name) + html[start:]

        def render(self: Page, config: MkDocsConfig, files: Files) -> None:
            self.content = html
            self.toc = get_toc(cast(Any, rendered.toc))
            self.title = rendered.title

        page.render = MethodType(render, page)  # type: ignore[method-assign]
    return page


def _notebook(page: Page) -> str:
    uri = page.file.src_uri
    return uri.removeprefix("notebooks/").removesuffix(".ipynb") if uri.endswith(".ipynb") else ""


def _about(name: str) -> str:
    """Say on what a notebook ran and when, and offer it for download."""
    row = next((row for row in site.claims if row["notebook"] == name), {}) if site.executed[name] else {}
    claims = row.get("claims", [])
    parts = [escape(fact) for fact in ledger.asked_on(row)]
    if claims:
        counted = ledger.counts(claims)
        extra = f", {counted['unexpected']} unexpected" if counted["unexpected"] else ""
        parts.append(f'<a href="../ledger.html#{ledger.slug(name)}">{counted["all"]} claims{extra}</a>')
    parts.append(f'<a href="{escape(quote(name))}.ipynb" download>the notebook</a>')
    line = f'<p class="ran" data-search-exclude="1">{" · ".join(parts)}</p>'
    return line if site.executed[name] else line + NOT_EXECUTED


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in what the reference takes from the program itself."""
    for mark, write in GENERATED.items():
        if mark in markdown:
            markdown = markdown.replace(mark, write())
    return markdown


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill the ledger, the note and the cover in where a page asks for them."""
    titles = {name: (rendered.title, f"notebooks/{quote(name)}.html") for name, rendered in site.pages.items()}
    if "<!-- kitlib:note -->" in html:
        sections = note.read(checkout(config) / "notebooks" / "note")
        html = html.replace("<!-- kitlib:note -->", note.html(sections, site.claims, titles))
    if "<!-- kitlib:ledger -->" in html:
        tested = {
            anchor: f"notebooks/{quote(name)}.html#{anchor}"
            for name, page in site.pages.items()
            for anchor in page.claims
        }
        html = html.replace("<!-- kitlib:ledger -->", ledger.html(site.claims, titles, tested))
        below = page.toc.items[0].children if page.toc.items else page.toc.items
        shown = {str(row["notebook"]) for row in site.claims}
        for name in [name for name in titles if name in shown] + sorted(shown - set(titles)):
            title = titles.get(name, (name, ""))[0]
            below.append(AnchorLink(escape(title), ledger.slug(name), 2))
    if "<!-- kitlib:cover -->" in html:
        html = html.replace("<!-- kitlib:cover -->", _cover())
    if "<!-- kitlib:counts -->" in html:
        html = html.replace("<!-- kitlib:counts -->", _counts())
    return html


def on_env(env: Environment, config: MkDocsConfig, files: Files) -> Environment:
    """Keep the theme's templates compiled."""
    speed.compile_once(env)
    return env


@event_priority(100)
def _before_search(context: TemplateContext, page: Page, config: MkDocsConfig, nav: Navigation) -> None:
    """Give the search a page without what it leaves out."""
    site.content[page.file.src_uri] = page.content or ""
    page.content = speed.UNSEARCHED.sub("", page.content or "")


@event_priority(-100)
def _after_search(context: TemplateContext, page: Page, config: MkDocsConfig, nav: Navigation) -> None:
    """Bring back the whole page, without what is said to the search alone."""
    page.content = speed.MARKS.sub("", site.content.pop(page.file.src_uri))


on_page_context: CombinedEvent[..., None] = CombinedEvent(_before_search, _after_search)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Take the templates' indentation out of a page: a third of what surrounds its content."""
    kept = re.split(r"(<(pre|script|textarea)\b.*?</\2>)", output, flags=re.DOTALL)
    return "".join(
        part if place % 3 == 1 else re.sub(r"\s*\n\s*", "\n", part) for place, part in enumerate(kept) if place % 3 < 2
    )


def _cover() -> str:
    """Return the index's figure: a rollout that was recorded, in pixels and in words."""
    page = site.pages.get(COVER_NOTEBOOK)
    if page is None or page.cover is None:
        return (
            '<div class="admonition note"><p class="admonition-title">No recording yet</p>'
            "<p><code>make walk</code> records a rollout on a cluster of yours and shows it here.</p></div>"
        )
    return f'<div class="cover">{page.cover.html(f"notebooks/{COVER_NOTEBOOK}/")}</div>'


def _counts() -> str:
    """Return the index's line about the ledger."""
    claims = ledger.gather(site.claims)
    if not claims:
        return ""
    counted = ledger.counts(claims)
    badges = " ".join(
        f"<span>{ledger.badge(verdict)} {counted[verdict]}</span>" for verdict in ledger.VERDICTS if counted[verdict]
    )
    return f'<p class="cover-counts"><a href="ledger.html">{counted["all"]} claims tested</a> {badges}</p>'
