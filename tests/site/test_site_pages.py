"""Notebooks, claims and outputs as pages: what is kept, what is dropped, what is escaped."""

from __future__ import annotations

import base64
import json

import pytest
import site_sample

from kitlib.errors import UsageError
from kitlib.site import ledger, pages, reference

HOSTILE = site_sample.HOSTILE


def page(*cells: dict) -> pages.NotebookPage:
    return pages.Renderer("deployment").page(site_sample.notebook(*cells))


def test_text_outputs_are_escaped_and_lose_their_escape_codes():
    html = page(site_sample.cell("x", site_sample.printed(f"\x1b[31m{HOSTILE}\x1b[0m"))).html
    assert "<script" not in html and "<img" not in html
    assert "&lt;script&gt;" in html and "\x1b" not in html


def test_a_line_that_was_rewritten_shows_its_last_state():
    html = page(site_sample.cell("x", site_sample.printed("10 %\r90 %\rdone\nnext\r\n"))).html
    assert "done\nnext" in html and "90 %" not in html


def test_no_prompt_and_no_empty_output():
    html = page(
        site_sample.cell("x = 1", site_sample.printed("\n"), site_sample.shown({"text/html": "<style>a{}</style>"}))
    ).html
    assert "In [" not in html and "Out[" not in html and "outputs" not in html


def test_a_very_long_output_is_cut_and_says_so():
    html = page(site_sample.cell("x", site_sample.printed("a" * 50_000))).html
    assert len(html) < 25_000 and "30,000 more characters" in html


def test_figures_become_files_with_words():
    image = base64.b64encode(site_sample.png()).decode()
    size = {"image/png": {"width": 320, "height": 200, "alt": "Deployment web"}}
    twin = site_sample.shown(
        {"text/html": "<details class='kitlib-twin'><pre>x</pre></details>", "text/plain": site_sample.WORDS}
    )
    made = page(site_sample.cell("x", site_sample.shown({"image/png": image, "text/plain": "<Figure>"}, size), twin))
    (figure,) = made.figures
    assert figure.content == site_sample.png() and figure.words == site_sample.WORDS
    assert image[:40] not in made.html
    assert f'src="deployment/{figure.file}" width="320" height="200" alt="Deployment web' in made.html
    assert made.html.count("gone 8.2 seconds") == 1 and "kitlib-twin" not in made.html


def test_a_figure_without_words_says_what_it_is():
    made = page(
        site_sample.cell("x", site_sample.shown({"image/png": "iVBORw0KGgo=", "text/plain": "<Figure size 1x1>"}))
    )
    assert made.figures[0].words == "Figure 1 of the notebook deployment."


def test_images_within_html_become_files_and_others_go():
    made = page(
        site_sample.cell(
            "x", site_sample.shown({"text/html": "<img alt='lanes' src='data:image/png;base64,aGk='><img src='//h/x'>"})
        )
    )
    assert [figure.content for figure in made.figures] == [b"hi"]
    assert made.html.count("<img") == 1 and 'alt="lanes"' in made.html


def test_the_cover_is_the_tagged_cell_else_the_first_figure():
    def drawn(data: str) -> dict:
        return site_sample.shown({"image/png": data})

    first, second = site_sample.cell("a", drawn("YQ==")), site_sample.cell("b", drawn("Yg=="), tags=("cover",))
    assert page(first, second).cover.content == b"b"
    assert page(first).cover.content == b"a"
    assert page(site_sample.prose("# A")).cover is None


def test_headings_have_one_anchor_each_and_nest():
    made = page(site_sample.prose("# Roll out\n\n## Why `x`\n\n### A\n\n## Why `x`"))
    assert made.title == "Roll out"
    assert [token["id"] for token in made.toc[0]["children"]] == ["why-x", "why-x-2"]
    assert made.toc[0]["children"][0]["children"][0]["id"] == "a"
    assert 'id="why-x-2"' in made.html


def test_a_manifest_is_coloured_like_code_and_escaped():
    text = f"name: web\nnote: {HOSTILE}\n"
    html = f"<pre class='kitlib-manifest'><code>{text}</code></pre>"
    made = page(site_sample.cell("x", site_sample.shown({"text/html": html, "text/plain": text})))
    assert "<span class=nt>name</span>" in made.html and "<script" not in made.html and "<img" not in made.html


def test_a_claim_can_be_linked_to_from_the_ledger():
    shown = site_sample.claim_output("deployment/owner-chain", "text")
    made = page(site_sample.cell("x", shown), site_sample.cell("x", shown))
    assert made.claims == ["claim-deployment-owner-chain"]
    assert made.html.count('id="claim-deployment-owner-chain"') == 1
    assert made.claims[0] == ledger.anchor({"id": "deployment/owner-chain", "notebook": "deployment"})


@pytest.mark.parametrize(("rows", "kept"), [(None, 3), (3, 3), (2, 2), (0, 0)])
def test_evidence_beyond_the_budget_is_left_to_the_ledger(rows, kept):
    cells = site_sample.cell("x", site_sample.claim_output("deployment/owner-chain", "text"))
    evidence = {"claim-deployment-owner-chain": "../ledger.html#claim-deployment-owner-chain"}
    made = pages.Renderer("deployment", evidence=evidence, rows=rows).page(site_sample.notebook(cells))
    assert made.html.count("<td>4711</td>") == kept
    assert ('href="../ledger.html#claim-deployment-owner-chain"' in made.html) == (kept < 3)
    assert "The highest count was 8." in made.html


def test_words_beyond_the_budget_are_left_to_a_file():
    words = "A rollout that kept its promise. It took 3.2 s.\n" + "web-1: ready at 1 s.\n" * 100
    figure = pages.Figure("figure-1-ab.png", b"", words)
    assert figure.html("deployment/").count("web-1: ready") == 100
    short = figure.html("deployment/", 200)
    assert short.count("web-1: ready") < 10 and 'href="deployment/figure-1-ab.txt"' in short
    assert 'alt="A rollout that kept its promise."' in short


def test_long_anchors_are_cut_and_stay_apart():
    texts = [f"deployment/{'a-very-long-sentence-about-pods-' * 3}{end}" for end in ("one", "two")]
    first, second = (ledger.anchor({"id": text, "notebook": "deployment"}) for text in texts)
    assert first != second and len(first) < 60


def test_the_reference_tells_every_column():
    from kitlib.frames import COLUMNS

    table = reference.columns()
    for frame, described in COLUMNS.items():
        assert f"## The frame `{frame}`" in table
        assert all(f"| `{name}` |" in table for name in described)


def test_hidden_and_folded_cells():
    tagged = [site_sample.cell(name, tags=(tag,)) for name, tag in (("a1", "remove-cell"), ("b2", "hide-input"))]
    html = page(*tagged, site_sample.cell("c3", tags=("solution",))).html
    assert "a1" not in html and "b2" not in html and "<summary>Solution</summary>" in html


def test_a_checks_verdict_stands_before_how_it_was_found():
    made = {"output_type": "stream", "name": "stdout", "text": "the verdict"}
    html = page(site_sample.cell("claim('…')", made, tags=("check",))).html
    assert html.index("the verdict") < html.index("<details><summary>How this is tested</summary>")


def test_a_broken_notebook_is_named(tmp_path):
    path = tmp_path / "start.ipynb"
    for text in ("{", "[]", '{"cells": 3}'):
        path.write_text(text)
        with pytest.raises(UsageError, match=r"start\.ipynb") as caught:
            pages.load(path)
        assert caught.value.next


# --- the ledger


def test_the_ledger_shows_hostile_text_as_text():
    html = ledger.html([site_sample.claims()], {})
    assert "<script" not in html and "<img" not in html
    assert html.count("&lt;script&gt;") >= 4  # sentence, source, a column's name, a cell


def test_the_ledger_counts_and_points_out_what_was_not_expected():
    rows = site_sample.claims()
    html = ledger.html([rows], {"deployment": ("Roll out", "notebooks/deployment.html")}, {})
    assert "7 claims." in html and "1 of them got a verdict that was not expected" in html
    assert html.count("claim--unexpected") == 1 and "unexpected: holds was expected" in html
    assert "Instead:" in html and "Evidence: 117 rows, 1 shown" in html
    for verdict, (sign, _) in ledger.VERDICTS.items():
        assert f">{sign}</span> {verdict}</span>" in html


def test_verdicts_and_signs_are_those_of_the_claims():
    from kitlib import claims

    assert {verdict: sign for verdict, (sign, _) in ledger.VERDICTS.items()} == claims.MARKS


def test_versions_that_answered_stand_in_one_article():
    rows = site_sample.claims()
    now = {**rows["claims"][0], "verdict": "changed", "expected": "changed", "changed_in": "1.25, https://k8s.io/x"}
    clusters = [{"version": "1.17", "release": "v1.17.4"}, {"version": "1.37", "release": "v1.37.2"}]
    both = {**rows, "clusters": clusters, "claims": [now, {**rows["claims"][0], "version": "1.17"}]}
    html = ledger.html([both], {})
    assert html.count("<article") == 1 and html.count('class="claim-answer"') == 2
    assert html.index("Kubernetes 1.17</strong>") < html.index("Kubernetes 1.37</strong>")
    assert 'data-verdict="changed"' in html and "1 claims." in html and "Kubernetes v1.17.4 and v1.37.2" in html
    assert 'Changed in 1.25, <a href="https://k8s.io/x">' in html
    assert ledger.versions(ledger.gather([both])) == ["1.17", "1.37"]
    counted = ledger.counts(ledger.gather([both]))
    assert (counted["all"], counted["changed"], counted["holds"], counted["unexpected"]) == (1, 1, 0, 0)


def test_a_notebook_that_was_stopped_says_so():
    assert "Not run to its end" in ledger.html([{**site_sample.claims(), "complete": False}], {})


def test_without_claims_the_page_says_what_to_do():
    assert "make walk" in ledger.html([], {})


def test_addresses_in_a_source_are_links_and_nothing_else_is():
    rows = site_sample.claims()
    source = 'Kubernetes: https://kubernetes.io/docs/"onclick=x <b>.'
    html = ledger.html([{**rows, "claims": [{**rows["claims"][0], "source": source}]}], {})
    assert '<a href="https://kubernetes.io/docs/">' in html and "<b>" not in html and "&quot;onclick" in html


@pytest.mark.parametrize("text", ["{", "[]", '{"claims": 3}', '{"claims": [3]}', "null"])
def test_a_broken_claims_file_is_named(tmp_path, text):
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "start.json").write_text(text)
    with pytest.raises(UsageError, match=r"start\.json") as caught:
        ledger.read(tmp_path)
    assert caught.value.next


def test_the_json_has_every_claim_with_version_provider_and_date(tmp_path):
    site_sample.write(tmp_path)
    rows = ledger.gather(ledger.read(tmp_path))
    assert len(rows) == 7
    keys = {"id", "notebook", "text", "source", "verdict", "expected", "evidence", "version", "provider", "date"}
    assert all(keys <= set(row) for row in rows)
    json.dumps(rows)
