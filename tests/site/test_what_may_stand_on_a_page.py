"""What an output may put on a page, and what is said of the rest: by nh3, with lists of what is allowed."""

from __future__ import annotations

import base64

import pytest
import site_sample

from kitlib.site import pages, svg
from kitlib.site.clean import clean, sanitise

SVG = "http://www.w3.org/2000/svg"
TEX = '<annotation encoding="application/x-tex">x_1 &lt; 2</annotation>'
SCRIPT = "<script>document.documentElement.dataset.pwned = 1</script>"


def page(*cells: dict) -> pages.NotebookPage:
    return pages.Renderer("deployment").page(site_sample.notebook(*cells))


def shown(data: dict) -> str:
    return page(site_sample.cell("x", site_sample.shown(data))).html


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<b class='a'>web</b>", '<b class="a">web</b>'),
        ("<a href='https://kubernetes.io'>x</a>", '<a href="https://kubernetes.io">x</a>'),
        ("<style>/* td{color:red} */</style><p>1", "<p>1</p>"),
        ("</div></div>web", "web"),
        ("<div><b>web", "<div><b>web</b></div>"),
        ("&lt;script&gt; &amp;", "&lt;script&gt; &amp;"),
        ("<b title='&quot;><i>'>x</b>", '<b title="&quot;&gt;&lt;i&gt;">x</b>'),
        ("<!-- <script> --><p>x</p>", "<p>x</p>"),
        ("<p style='text-align:left'>x</p>", '<p style="text-align:left">x</p>'),
        ("<style scoped>.dataframe th {\n vertical-align: top;\n}</style>x", "x"),
        ("<style>.kitlib-holds{border-color:#009e73}</style>x", "x"),
        ("<a href='#b'>x</a><b id='b'>y</b>", '<a href="#b">x</a><b id="b">y</b>'),
        (
            "<table id='T_3919c'>\n  <tr>\n    <td> a </td>\n  </tr></table> b",
            "<table><tbody><tr><td> a </td></tr></tbody></table> b",
        ),
        (
            '<table><tr><th id="T_3919c_level0_col1" class="col_heading level0 col1">x</th></tr></table>',
            '<table><tbody><tr><th class="col_heading">x</th></tr></tbody></table>',
        ),
        (
            '<table><tr><td id="T_3919c_row0_col0" class="data row0 col0">x</td><td id="mine">y</td></tr></table>',
            '<table><tbody><tr><td>x</td><td id="mine">y</td></tr></tbody></table>',
        ),
        ('<p class="data">y</p>', '<p class="data">y</p>'),
    ],
)
def test_what_is_allowed_stays_and_nothing_is_said(html, kept):
    assert clean(html) == kept


@pytest.mark.parametrize(
    ("html", "kept", "named"),
    [
        ("<script>alert(1)</script>web", "web", "script"),
        ("<scr<script>ipt>alert(1)</script>", "ipt&gt;alert(1)", ""),
        ("<img src=x onerror=alert(1)>", "", "onerror"),
        ("<b onclick='x()'>web</b>", "<b>web</b>", "onclick"),
        ("<a href='javascript:alert(1)'>x</a>", "<a>x</a>", "a link to javascript:alert(1)"),
        ("<a href='jav&#x09;ascript:x'>x</a>", "<a>x</a>", ""),
        ("<a href='data:text/html,x'>x</a>", "<a>x</a>", "a link to data:text/html,x"),
        ("<a href='#no'>x</a>", "<a>x</a>", "a link to #no"),
        ("<iframe src='//x.example'>a</iframe>b", "b", "iframe"),
        ("<svg><script>1</script></svg>b", "b", "svg"),
        ("<embed src='//x.example'>after", "after", "embed"),
        ("<object data=x><b>in</b></object>out", "<b>in</b>out", "object"),
        ("<form action='javascript:x'><button>go</button></form>", "go", "form"),
        ("<math><mi>x</mi></math>y", '<code class="math">x</code>y', "math"),
        ("<math><mfrac><mi>x</mi><mn>2</mn></mfrac></math>y", '<code class="math">x 2</code>y', "math"),
        (f"<math><mi>x</mi>{TEX}</math>y", '<code class="math">$x_1 &lt; 2$</code>y', "math"),
        ("<math><mi onclick=x>a</mi></math>", '<code class="math">a</code>', "onclick"),
        ("<math><mi title='</math><img src=x onerror=a()>'>x</mi></math>y", '<code class="math">x</code>y', "math"),
        ("<math><mtext><math><mi>x</mi></math></mtext>y</math>z", '<code class="math">x y</code>z', "math"),
        ("<b onbeforetoggle='x()' on-x='y'>web</b>", "<b>web</b>", "onbeforetoggle"),
        ("<div style='position:fixed;width:100%'>x</div>", '<div style="width:100%">x</div>', "style position"),
        ("<base href='//x.example/'><meta http-equiv=refresh content='0;url=//x'>x", "x", "base"),
        ("<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>A", "&lt;p title=''&gt;A", "onerror"),
        ("<a href='&#1;javascript:alert(1)'>x</a>", "<a>x</a>", "a link to \x01javascript:alert(1)"),
        ("<table><a href='javascript:x'>x</a></table>A", "<a>x</a><table></table>A", "a link to javascript:x"),
        ("<b onmadeup='x()'>web</b>", "<b>web</b>", "onmadeup"),
        ("<b style='color:red;text-align:left'>x</b>", '<b style="text-align:left">x</b>', "style color"),
        ("<b style='background:url(//x.example/a.png)'>x</b>", "<b>x</b>", "style background"),
        ("<style>#T_1 td {background-color: #f00}</style>x", "x", "style"),
        ("<style>@import 'x'; .kitlib-a, td {color: red}</style>x", "x", "style"),
    ],
)
def test_what_is_left_out_is_named(html, kept, named):
    cleaned = sanitise(html)
    assert cleaned.html == kept
    assert not named or (named in cleaned.left_out and named in cleaned.note)


@pytest.mark.parametrize(
    "html",
    [
        *("<svg width=9><p>AFTER</p>", "<svg/><p>AFTER</p>", "<math><svg></math><p>AFTER</p>", "<select><p>AFTER</p>"),
        *("<textarea></textarea>AFTER", "<title>x</title>AFTER", "<object>AFTER", "<marquee>AFTER", "<form>AFTER"),
    ],
)
def test_nothing_after_an_element_that_goes_is_lost(html):
    assert "AFTER" in clean(f"<p>BEFORE</p>{html}")


def test_an_output_cannot_take_an_anchor_of_the_page_nor_one_twice():
    assert sanitise("<p id='web'>x</p>", prefix="cell-1-").html == '<p id="cell-1-web">x</p>'
    assert clean("<p id='a'>x</p><p id='a'>y</p>") == '<p id="a">x</p><p>y</p>'
    same = site_sample.shown({"text/html": "<p id='a'>x</p>"})
    assert page(site_sample.cell("x", same, same)).html.count("id=") == 1


def test_a_table_whose_text_names_a_class_of_ours_stays_after_a_figure():
    image = site_sample.shown({"image/png": base64.b64encode(site_sample.png()).decode(), "text/plain": "A dot."})
    table = site_sample.shown({"text/html": "<table><tr><td>kitlib-twin kitlib-manifest</td></tr></table>"})
    assert "kitlib-twin" in page(site_sample.cell("x", image, table)).html


# --- outputs that need what a page doesn't have


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"text/html": f"<div id=p></div>{SCRIPT}", "text/plain": "FIGURE(1)"}, "<code>script</code>"),
        ({"text/html": "<iframe src='x'></iframe>", "text/plain": "FIGURE(1)"}, "<code>iframe</code>"),
        ({"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "FIGURE(1)"}, "A widget"),
        ({"application/javascript": "alert(1)", "text/plain": "FIGURE(1)"}, "application/javascript"),
        ({"application/vnd.plotly.v1+json": {}, "text/plain": "FIGURE(1)"}, "application/vnd.plotly.v1+json"),
        ({"text/latex": "$FIGURE(1)$"}, "LaTeX"),
        ({"text/latex": "$x$", "text/plain": "FIGURE(1)"}, "LaTeX"),
        ({"image/png": "no base64!", "text/plain": "FIGURE(1)"}, "image/png"),
        ({"image/svg+xml": "<svg><p>", "text/plain": "FIGURE(1)"}, "image/svg+xml"),
    ],
)
def test_what_a_page_cannot_show_is_said_and_shown_as_its_text(data, said):
    html = shown(data)
    assert "FIGURE(1)" in html and said in html
    assert "alert(1)" not in html and "pwned" not in html


def test_a_picture_stands_in_for_html_that_needs_a_script():
    image = base64.b64encode(site_sample.png()).decode()
    html = shown({"text/html": f"<div></div>{SCRIPT}", "image/png": image, "text/plain": "Figure()"})
    assert "figure-1-" in html


def test_a_style_sheet_alone_is_nothing_to_see():
    assert "outputs" not in shown({"text/html": "<style>a{}</style>", "text/plain": "kitlib is ready"})


def test_an_outputs_link_to_nowhere_does_not_stay():
    renderer = pages.Renderer("deployment", known=lambda target: target == "data.csv")
    html = "<a href='data.csv'>one</a> <a href='no.csv'>two</a>"
    made = renderer.page(site_sample.notebook(site_sample.cell("x", site_sample.shown({"text/html": html})))).html
    assert '<a href="data.csv">one</a> <a>two</a>' in made and "a link to no.csv" in made


# --- SVG: a picture that is opened alone is a document


@pytest.mark.parametrize(
    ("inner", "gone", "named"),
    [
        (SCRIPT, "script", "script"),
        ("<g onclick='x()'/>", "onclick", "onclick"),
        ("<foreignObject><body xmlns='http://www.w3.org/1999/xhtml'>x</body></foreignObject>", "body", "foreignObject"),
        ("<a href='javascript:x'><text>x</text></a>", "javascript", "href"),
        ("<image href='https://x.example/a.png'/>", "x.example", "href"),
        ("<use href='other.svg#a'/>", "other.svg", "href"),
        ("<style>@import 'https://x.example/a.css'</style>", "x.example", "style"),
        ("<rect fill='url(https://x.example/a)'/>", "x.example", "fill"),
        ("<rect style='mask-image:image-set(\"//x.example/a\" 1x)'/>", "x.example", "style"),
        ("<style>svg{background:-webkit-image-set('//x.example/a' 1x)}</style>", "x.example", "style"),
        ("<style>svg{background:cross-fade('//x.example/a', red)}</style>", "x.example", "style"),
        ("<set attributeName='href' to='javascript:x'/>", "javascript", "set"),
        ("<filter id='f'><feImage href='https://x.example/a'/></filter>", "x.example", "feImage"),
        ("<animate attributeName='href' values='javascript:x'/>", "javascript", "animate"),
        ("<script xmlns='http://www.w3.org/1999/xhtml'>x</script>", "script", ""),
    ],
)
def test_an_svg_runs_and_fetches_nothing(inner, gone, named):
    made, left_out = svg.sanitise(f"<svg xmlns='{SVG}'>{inner}<circle r='2'/>AFTER</svg>".encode())
    assert gone.encode() not in made
    assert b"circle" in made and b"AFTER" in made
    assert not named or named in left_out


def test_an_svg_of_matplotlib_stays_as_it_is():
    picture = (
        f"<svg xmlns='{SVG}' xmlns:xlink='http://www.w3.org/1999/xlink' viewBox='0 0 4 4'><defs><path id='a' d='M 0'/>"
        "<style type='text/css'>*{stroke-linecap: butt}</style><clipPath id='c'><rect width='4'/></clipPath></defs>"
        "<g clip-path='url(#c)' style='fill: #ffffff'><use xlink:href='#a' x='1'/><text>a &lt; b</text></g></svg>"
    )
    made, left_out = svg.sanitise(picture.encode())
    assert not left_out
    for kept in ("viewBox", "clipPath", "url(#c)", 'xlink:href="#a"', "a &lt; b", "stroke-linecap", "fill: #ffffff"):
        assert kept.encode() in made


@pytest.mark.parametrize("source", [b"", b"<svg>", b"<html/>", b'<!DOCTYPE svg [<!ENTITY a "b">]><svg>&a;</svg>'])
def test_what_is_no_svg_is_refused(source):
    with pytest.raises(ValueError, match="not an SVG"):
        svg.sanitise(source)


@pytest.mark.parametrize("form", ["image/svg+xml", "text/html"])
def test_the_file_of_an_svg_output_has_no_script_and_that_is_said(form):
    picture = f"<svg xmlns='{SVG}' width='9'>{SCRIPT}<circle r='2'/></svg>"
    embedded = f"<img alt='a dot' src='data:image/svg+xml;base64,{base64.b64encode(picture.encode()).decode()}'>"
    data = {form: picture if form == "image/svg+xml" else embedded, "text/plain": "a dot"}
    made = page(site_sample.cell("x", site_sample.shown(data)))
    (figure,) = made.figures
    assert b"<script" not in figure.content and b"circle" in figure.content
    assert "<code>script</code>" in made.html
