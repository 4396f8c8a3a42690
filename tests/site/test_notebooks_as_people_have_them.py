"""Notebooks as people have them: pasted and neighbouring pictures, anchors in each form, formulas, odd names."""

from __future__ import annotations

import base64
import json

import pytest
import site_sample
from site_sample import cell, prose, shown

from kitlib.site import build, pages
from kitlib.site.places import Places
from kitlib.site.prose import Prose

PIXEL = base64.b64encode(site_sample.png(2, 2)).decode()


def page(*cells: dict) -> pages.NotebookPage:
    return pages.Renderer("my notes").page(site_sample.notebook(*cells))


def pasted(source: str, name: str = "image.png", mime: str = "image/png", data: str = PIXEL) -> dict:
    return {**prose(source), "attachments": {name: {mime: data}}}


# --- pictures


@pytest.mark.parametrize(
    ("source", "name", "words"),
    [
        ("![two Pods](attachment:image.png)", "image.png", "two Pods"),
        ("![](attachment:image.png)", "image.png", "image.png"),
        ("![x](attachment:my%20shot.png)", "my shot.png", "x"),
        ("<img src='attachment:image.png' width='300'>", "image.png", "image.png"),
    ],
)
def test_a_pasted_picture_is_a_file_beside_the_page_with_words(source, name, words):
    made = page(pasted(source, name))
    (figure,) = made.attached
    assert figure.content == site_sample.png(2, 2)
    assert f'src="my%20notes/{figure.file}" alt="{words}"' in made.html.replace("my notes", "my%20notes")
    assert ('width="300"' in made.html) == ("300" in source)


def test_a_pasted_svg_runs_nothing():
    source = "<svg xmlns='http://www.w3.org/2000/svg'><script>1</script><circle r='1'/></svg>"
    for data in (source, base64.b64encode(source.encode()).decode()):
        made = page(pasted("![x](attachment:a.svg)", "a.svg", "image/svg+xml", data))
        assert b"script" not in made.attached[0].content and "<code>script</code>" in made.html


@pytest.mark.parametrize("source", ["![lost](attachment:other.png)", "![lost](data:image/png;base64,AAA)"])
def test_a_picture_that_is_not_there_is_named(source):
    made = page(pasted(source))
    assert "<img" not in made.html and "a picture, lost" in made.html and not made.attached


def test_a_picture_in_the_address_itself_is_a_file_too():
    assert page(prose(f"![dot](data:image/png;base64,{PIXEL})")).attached[0].words == "dot"


def test_a_picture_of_another_host_is_a_link_so_that_the_page_asks_nobody():
    for cells in ([prose("![logo](https://x.example/a.png)")], [cell("x", shown({"text/html": "<img src='//x/a'>"}))]):
        html = page(*cells).html
        assert "<img" not in html and "A picture on another host" in html


@pytest.mark.parametrize("target", ["pictures/two%20pods.png", "pictures/two pods.png", "./pictures/two%20pods.png"])
def test_pictures_and_data_beside_the_notebook_go_along(tmp_path, target):
    (tmp_path / "notebooks" / "pictures").mkdir(parents=True)
    (tmp_path / "notebooks" / "pictures" / "two pods.png").write_bytes(b"x")
    places = Places(tmp_path)
    assert places.resolve(target) == "pictures/two%20pods.png"
    assert list(places.beside) == ["notebooks/pictures/two pods.png"]


def test_nothing_hidden_and_nothing_outside_the_checkout_goes_along(tmp_path):
    root = tmp_path / "root"
    (root / "notebooks" / ".secret").mkdir(parents=True)
    for path in (root / "notebooks" / ".secret" / "a.png", tmp_path / "out.png", root / "notebooks" / "page.html"):
        path.write_bytes(b"x")
    (root / "notebooks" / "link.png").symlink_to(tmp_path / "out.png")
    places = Places(root)
    for target in (".secret/a.png", "../../out.png", "link.png", "page.html", "/etc/hosts.txt"):
        places.resolve(target)
        assert not places.known(target)
    assert not places.beside


# --- anchors


@pytest.mark.parametrize(
    ("fragment", "anchor"),
    [
        ("Change-the-image:-what's-up?", "change-the-image-what-s-up"),  # JupyterLab
        ("change-the-image-whats-up", "change-the-image-what-s-up"),  # GitHub
        ("change-the-image-what-s-up", "change-the-image-what-s-up"),  # the site's own
        ("Change-the-image:-what%27s-up%3F", "change-the-image-what-s-up"),
        ("my_Anchor", "my_Anchor"),  # HTML
        ("old", "old"),
        ("%C3%9Cbung", "übung"),
        ("again-1", "again-2"),  # GitHub counts from 1
        ("again-2", "again-2"),
        ("setup", "setup"),
    ],
)
def test_a_link_finds_an_anchor_in_each_form(fragment, anchor):
    cells = (
        prose("# Change the image: what's up?"),
        prose("<a id='my_Anchor'></a><a name=\"old\"></a>\n\n## Übung\n\n## Again"),
        prose("## Again\n\n<a id='setup'></a>\n\n## Setup"),
        prose(f"[go](#{fragment})"),
    )
    html = page(*cells).html
    assert f'href="#{anchor}"' in html and f'id="{anchor}"' in html
    assert html.count('id="setup"') == 1
    places = Places(anchors={"b": Prose("b", site_sample.notebook(*cells)).anchor})
    assert places.resolve(f"b.ipynb#{fragment}").replace("%C3%BC", "ü") == f"b.html#{anchor}"


# --- formulas


def test_a_formula_is_shown_as_it_was_written():
    html = page(prose("It is $a_1 + b_1 < c^2$ and\n\n$$\nx_1 * y * z\n$$\n\n$5 and $6, `$(POD_IP)`")).html
    assert '<code class="math">$a_1 + b_1 &lt; c^2$</code>' in html
    assert "x_1 * y * z" in html and "<em>" not in html
    assert "$5 and $6" in html


def test_an_environment_of_latex_is_shown_as_it_was_written():
    html = page(prose("Let\n\n\\begin{align}\nx_1 &= 1 \\\\\ny_1 &= 2\n\\end{align}\n\nbe so.")).html
    assert '<pre class="math"><code>\\begin{align}\nx_1 &amp;= 1 \\\\\ny_1 &amp;= 2\n\\end{align}</code></pre>' in html
    assert "<p>be so.</p>" in html and "<em>" not in html


# --- outputs and cells of any origin


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("\x1b]8;;http://x.example\x1b\\link\x1b]8;;\x1b\\ and \x1b[31mred\x1b[0m", "link and red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b(B\x1b[mplain\x1b[38:5:208mnew", "plainnew"),
        ("a\x07b\x00c\x08d", "abcd"),
        ("\x1b]8;;never ended", "]8;;never ended"),
    ],
)
def test_what_is_an_order_to_a_terminal_goes_and_no_word_beside_it(written, kept):
    stream = {"output_type": "stream", "name": "stdout", "text": written}
    assert f"<samp>{kept}</samp>" in page(cell("x", stream)).html


def test_an_error_without_words_has_its_name_alone():
    error = {"output_type": "error", "ename": "KeyboardInterrupt", "evalue": None, "traceback": []}
    assert "None" not in page(cell("x", error)).html


def test_a_raw_cell_is_shown_as_its_text():
    raw = {"cell_type": "raw", "metadata": {}, "source": "for <b>another</b> program"}
    assert '<pre class="raw"><samp>for &lt;b&gt;another&lt;/b&gt; program</samp></pre>' in page(prose("# A"), raw).html


@pytest.mark.parametrize("encoded", ["\n".join(PIXEL[at : at + 20] for at in range(0, len(PIXEL), 20)) + "\n", PIXEL])
def test_a_picture_whose_text_has_line_breaks_is_one(encoded):
    assert len(page(cell("x", shown({"image/png": encoded, "text/plain": "A dot."}))).figures) == 1


# --- Markdown as JupyterLab shows it


def test_a_markdown_cell_brings_no_script_and_that_is_said():
    html = page(
        prose("# One\n\n<script>x()</script><b onclick='x()'>web</b>\n\n<details><summary>s</summary>t</details>")
    )
    assert "x()" not in html.html and "<code>script</code>" in html.html and "<code>onclick</code>" in html.html
    assert "<details><summary>s</summary>t</details>" in html.html


# --- the site of such a notebook


@pytest.mark.slow
def test_a_site_of_such_notebooks_is_built(tmp_path, request):
    name = "lesson #2 – ünïcode (50%)"
    folder = site_sample.write(tmp_path / "build")
    (folder / "notebooks" / "shot.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>")
    document = site_sample.notebook(
        pasted("# Odd\n\n![two Pods](attachment:image.png) ![shot](shot.svg) [me](#Odd)"),
        cell("x", shown({"image/png": PIXEL, "text/plain": "A dot."}), shown({"text/html": "<a href='no.csv'>no</a>"})),
    )
    (folder / "notebooks" / "start.ipynb").write_text(json.dumps(document))
    checkout = tmp_path / "root"
    (checkout / "docs").mkdir(parents=True)
    for part in ("docs/theme", "docs/assets", "kitlib"):
        (checkout / part).symlink_to(request.config.rootpath / part)
    (checkout / "docs" / "index.md").write_text("# One\n\n<!-- kitlib:counts -->\n")
    (checkout / "docs" / "ledger.md").write_text("# The ledger\n\n<!-- kitlib:ledger -->\n")
    (checkout / "notebooks").mkdir()
    (checkout / "notebooks" / f"{name}.ipynb").write_text(json.dumps(document).replace("shot.svg", "start.ipynb"))
    text = (request.config.rootpath / "mkdocs.yml").read_text()
    nav = f"nav:\n  - index.md\n  - notebooks/start.ipynb\n  - 'notebooks/{name}.ipynb'\n  - ledger.md\n"
    (checkout / "mkdocs.yml").write_text(text[: text.index("nav:")] + nav + text[text.index("\ntheme:") :])
    build(checkout, folder, tmp_path / "site")  # it reads every link as a browser would
    assert b"<script" not in (tmp_path / "site" / "notebooks" / "shot.svg").read_bytes()
    assert (tmp_path / "site" / "notebooks" / f"{name}.ipynb").is_file()
