"""The site in a real browser whose network is cut off but for the site itself."""

from __future__ import annotations

import json

import pytest

from kitlib.site.ledger import VERDICTS, grouped

pytestmark = pytest.mark.browser


def luminance(page) -> float:
    """Return how light the page's ground is, 0 to 255."""
    red, green, blue = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).slice(0, 3).map(Number)"
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_first_page_shows_a_rollout_at_once(browser, served, scheme):
    page = browser.open(served, scheme)
    page.goto(f"{served}/index.html")
    figure = page.locator(".cover img")
    figure.wait_for()
    assert figure.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    assert figure.bounding_box()["y"] < 450, "the figure is below the first screen"
    assert len(figure.get_attribute("alt")) > 20
    words = page.locator(".cover details")
    words.locator("summary").click()
    assert len(words.locator("div").inner_text()) > 40
    assert "make walk" in page.locator("article").inner_text()
    assert (luminance(page) < 128) == (scheme == "dark")
    assert not browser.strayed and not browser.complaints


def test_toggle_between_light_and_dark_lasts(browser, served):
    page = browser.open(served, "light")
    page.goto(f"{served}/index.html")
    before = luminance(page)
    page.locator("label[title='Switch to dark']").click()
    page.wait_for_function("document.body.dataset.mdColorScheme === 'slate'")
    assert luminance(page) < 128 < before
    page.goto(f"{served}/ledger.html")
    assert luminance(page) < 128
    assert not browser.strayed and not browser.complaints


def test_ledger_shows_each_claim_and_its_evidence(browser, served, built):
    claims = json.loads((built / "ledger.json").read_text(encoding="utf-8"))["claims"]
    page = browser.open(served)
    page.goto(f"{served}/ledger.html")
    assert page.locator(".claim").count() == len({(claim["notebook"], claim["id"]) for claim in claims})
    for verdict in VERDICTS:
        wanted = sum(lines[-1]["verdict"] == verdict for lines in grouped(claims))
        button = page.locator(f".ledger-filter button[data-show={verdict}]")
        assert button.count() == (1 if wanted else 0)
        if wanted:
            button.click()
            assert page.locator(".claim:visible").count() == wanted
    page.locator(".ledger-filter button[data-show=all]").click()
    evidence = page.locator(".claim-evidence").first
    assert not evidence.locator("table").is_visible()
    evidence.locator("summary").click()
    assert evidence.locator("table").is_visible()
    assert page.evaluate("window.pwned") is None
    assert not browser.strayed and not browser.complaints


def test_ledger_without_scripts_shows_every_claim(chromium, served):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{served}/ledger.html")
    assert page.locator(".claim").count() > 0
    assert page.locator(".claim:visible").count() == page.locator(".claim").count()
    assert not page.locator(".ledger-filter").is_visible()
    context.close()


def test_search_finds_a_claim_without_prompts(browser, served):
    page = browser.open(served)
    page.goto(f"{served}/index.html")
    found = search(page, "ReplicaSet")
    assert found.count() > 0
    assert "In [" not in page.locator(".md-search-result").inner_text()
    assert not browser.strayed and not browser.complaints


def test_site_works_as_files(browser, built):
    page = browser.open("file://")
    page.goto((built / "index.html").as_uri())
    assert page.locator(".cover img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    assert search(page, "ReplicaSet").count() > 0
    page.goto((built / "notebooks" / "deployment.html").as_uri())
    assert page.locator("figure.recorded img").count() > 0
    assert not browser.strayed and not browser.complaints


@pytest.mark.parametrize("width", [1280, 400])
def test_no_page_is_wider_than_the_screen(browser, served, built, sample_site, width):
    page = browser.open(served, "dark", width)
    found = sorted(built.rglob("*.html"))
    if built != sample_site:  # the other pages are the sample's
        found = [built / "index.html", built / "ledger.html", *sorted((built / "notebooks").glob("*.html"))]
    for path in found:
        page.goto(f"{served}/{path.relative_to(built).as_posix()}")
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, f"{path.name} is {over} pixels wider than a screen of {width}"
    assert not browser.strayed
    assert not [text for text in browser.complaints if "404.html" not in text]


def test_code_can_be_copied(browser, served):
    page = browser.open(served)
    page.goto(f"{served}/notebooks/deployment.html")
    page.locator(".input .md-code__button, .input .md-clipboard").first.wait_for(state="attached")


def search(page, words: str):
    """Type into the search and return its results."""
    page.locator(".md-search__input").click()
    page.locator(".md-search__input").press_sequentially(words)
    results = page.locator(".md-search-result__item")
    results.first.wait_for()
    return results
