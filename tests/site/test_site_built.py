"""The built site, read as files: the sample's, and the one of a walk where there is one."""

from __future__ import annotations

import json
import re

import pytest
import site_sample

from kitlib.site import build, check_links
from kitlib.site.links import PAGE_BUDGET

pytestmark = pytest.mark.slow


def test_every_link_leads_somewhere_and_no_other_host_is_asked(built):
    assert check_links(built) == []


def test_no_address_of_another_host_is_in_a_page_but_in_plain_links(built):
    for path in built.rglob("*.html"):
        text = re.sub(r'<a\b[^>]*href="https?://[^"]*"', "", path.read_text(encoding="utf-8"))
        assert not re.findall(r"""(?:src|href|action|data)=["'](?:https?:)?//[^"']+""", text), path.name


def test_notebook_pages_are_small_and_their_figures_are_files(built):
    found = sorted((built / "notebooks").glob("*.html"))
    assert {"start.html", "deployment.html"} <= {path.name for path in found}
    for path in found:
        text = path.read_text(encoding="utf-8")
        assert len(text.encode()) <= PAGE_BUDGET
        assert "base64," not in text and "<style" not in text
        assert path.with_suffix(".ipynb").is_file()
    assert list((built / "notebooks" / "deployment").glob("figure-1-*.png"))


def test_the_search_holds_words_and_no_prompts_or_outputs(built):
    docs = json.loads((built / "search" / "search_index.json").read_text(encoding="utf-8"))["docs"]
    text = "\n".join(f"{doc['title']} {doc['text']}" for doc in docs)
    assert not re.search(r"\b(?:In|Out) ?\[\d", text)
    assert any(doc["location"].startswith("notebooks/deployment.html") for doc in docs)
    assert any(doc["location"].startswith("ledger.html#claim-") for doc in docs)


def test_the_searchs_text_leaves_out_what_cells_printed(sample_site):
    text = (sample_site / "search" / "search_index.json").read_text(encoding="utf-8")
    for printed in ("rolled out (8.2 s)", "web-7d4bf8c9d5-kxfnb", "ZeroDivisionError: division"):
        assert printed not in text
    assert "Predict: how many Pods" in text


def test_ledger_json_has_every_claim(built):
    claims = json.loads((built / "ledger.json").read_text(encoding="utf-8"))["claims"]
    assert claims
    keys = {"id", "notebook", "text", "source", "verdict", "expected", "evidence", "version", "provider", "date"}
    assert all(keys <= set(claim) for claim in claims)


def test_the_notes_page_has_a_row_for_each_of_its_sections(built):
    text = (built / "note.html").read_text(encoding="utf-8")
    assert "kitlib:note" not in text and text.count('scope="row"') == 20
    assert "untested: no lesson yet" not in text, "each section of the note has a lesson"


def test_hostile_text_stays_text_on_every_page(sample_site):
    for path in sample_site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "<script>window.pwned" not in text and "onerror='" not in re.sub(r"&[^;]+;[^<]*", "", text)


def test_notebooks_that_were_not_run_are_shown_with_a_notice(tmp_path, sample_site, request):
    checkout = request.config.rootpath
    folder = site_sample.write(tmp_path / "build")
    (folder / "notebooks" / "start.ipynb").unlink()
    build(checkout, folder, tmp_path / "site")
    notice = "Not executed in this build"
    assert notice in (tmp_path / "site" / "notebooks" / "start.html").read_text(encoding="utf-8")
    assert notice not in (tmp_path / "site" / "notebooks" / "deployment.html").read_text(encoding="utf-8")
