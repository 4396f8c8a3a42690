"""A small site built once, a server for it, and a browser that may ask nobody else."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import site_sample

from kitlib.site import build

CHECKOUT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def sample_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of this checkout with the sample's two notebooks."""
    place = tmp_path_factory.mktemp("site")
    build(CHECKOUT, site_sample.write(place / "build"), place / "out")
    return place / "out"


@pytest.fixture(scope="session", params=["sample", pytest.param("walk", marks=[pytest.mark.live, pytest.mark.slow])])
def built(request: pytest.FixtureRequest) -> Path:
    """Each site there is to look at: the sample's, and that of the walk over all notebooks which the tests make."""
    return request.getfixturevalue({"sample": "sample_site", "walk": "walked_site"}[request.param])


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def served(built: Path) -> Iterator[str]:
    """The address at which a site is served."""
    handler = functools.partial(_Quiet, directory=str(built))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def missing(what: str) -> None:
    """Skip, and say what to install; in CI nothing may be skipped."""
    if os.environ.get("CI", "").lower() in {"true", "1"}:
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    """A headless Chromium, whichever of its names is on PATH; one a file: asyncio.run can't run beside it."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        missing("no browser: install chromium (apt-get install chromium) to test the site in one")
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install -e '.[dev]'")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def browser(chromium: object) -> Iterator[SimpleNamespace]:
    """`open(scheme, width, allowed)` gives a page; what it asked of others and its complaints are collected.

    The browser is offline but for the address allowed: every other request is refused, and counted as strayed.
    """
    contexts = []
    strayed: list[str] = []
    complaints: list[str] = []

    def new(allowed: str, scheme: str = "light", width: int = 1280) -> object:
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[attr-defined]
        contexts.append(context)

        def judge(route: object) -> None:
            url = route.request.url  # type: ignore[attr-defined]
            if url.startswith((allowed, "data:", "blob:", "about:")):
                route.continue_()  # type: ignore[attr-defined]
            else:
                strayed.append(url)
                route.abort()  # type: ignore[attr-defined]

        context.route("**/*", judge)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("response", lambda got: complaints.append(f"{got.status} {got.url}") if got.status >= 400 else None)
        return page

    yield SimpleNamespace(open=new, strayed=strayed, complaints=complaints)
    for context in contexts:
        context.close()
