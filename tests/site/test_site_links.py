"""The check of a finished site: it finds what is planted, and nothing on the real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from kitlib.errors import KitlibError, UsageError
from kitlib.site import build, builder, check_links, hooks
from kitlib.site.links import PAGE_BUDGET
from kitlib.site.places import Places


def write(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path = path.with_name(path.name.replace("_", "."))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ("<a href='no.html'>x</a>", "no such file"),
        ("<a href='b.html#no'>x</a>", "no such anchor"),
        ("<a href='#no'>x</a>", "no such anchor"),
        ("<a href='../outside.html'>x</a>", "no such file"),
        ("<a href='/b.html'>x</a>", "host's root"),
        ("<a href='javascript:x()'>x</a>", "script in an address"),
        ("<a href='file:///etc/passwd'>x</a>", "link of scheme file"),
        ("<img src='no.png' alt='x'>", "no such file"),
        ("<img src='b.html'>", "without alt"),
        ("<script src='https://cdn.example/x.js'></script>", "another host"),
        ("<script src='//cdn.example/x.js'></script>", "another host"),
        ("<link rel='stylesheet' href='https://fonts.example/x.css'>", "another host"),
        ("<link rel='preconnect' href='https://fonts.example'>", "another host"),
        ("<iframe src='https://x.example'></iframe>", "another host"),
        ("<img srcset='b.html 1x, https://x.example/a.png 2x' src='b.html' alt='x'>", "another host"),
        ("<p style='background: url(https://x.example/a.png)'>x</p>", "another host"),
        ("<style>@import 'https://x.example/a.css';</style>", "another host"),
        ('<style>a { src: url( "https://x.example/a.woff2" ) }</style>', "another host"),
        ("<p id='a'>x</p><p id='a'>y</p>", "twice"),
    ],
)
def test_a_planted_problem_is_found(tmp_path, html, reason):
    write(tmp_path, a_html=html, b_html="<p id='yes'>x</p>")
    problems = check_links(tmp_path)
    assert [problem.page for problem in problems] == ["a.html"]
    assert reason in str(problems[0])


@pytest.mark.parametrize(
    "html",
    [
        "<a href='b.html#yes'>x</a>",
        "<a href='b.html?q=1#yes'>x</a>",
        "<a href='https://kubernetes.io/docs/'>x</a>",
        "<a href='mailto:a@b.example'>x</a>",
        "<a href='sub/'>x</a><a href='.'>x</a>",
        "<a href='#me' id='me'>x</a>",
        "<a href='b.html#%79es'>x</a>",
        "<img src='data:image/png;base64,aGk=' alt='x'>",
        "<link rel='canonical' href='https://x.example/'>",
        "<p>&lt;a href='no.html'&gt;</p>",
    ],
)
def test_what_is_well_is_not_reported(tmp_path, html):
    write(tmp_path, index_html=html, b_html="<p id='yes'>x</p>", sub__index_html="<a href='../b.html'>x</a>")
    assert check_links(tmp_path) == []


def test_style_sheets_are_read_too(tmp_path):
    write(
        tmp_path, index_html="", sub__a_css="a{background:url(../b.png)} /* url(no.png) */ @font-face{src:url(//x/y)}"
    )
    assert sorted(problem.target for problem in check_links(tmp_path)) == ["../b.png", "//x/y"]


def test_a_notebook_page_has_a_budget(tmp_path):
    write(tmp_path, a_html="x" * (PAGE_BUDGET + 1), a_ipynb="{}", b_html="x" * (PAGE_BUDGET + 1))
    (problem,) = check_links(tmp_path)
    assert problem.page == "a.html" and "200,000" in problem.reason


@pytest.mark.parametrize(
    ("target", "resolved"),
    [
        ("start.ipynb", "start.html"),
        ("start.ipynb#The-cluster", "start.html#the-cluster"),
        ("../docs/set-up.md#kind", "../set-up.html#kind"),
        ("../docs/reference/frames.md", "../reference/frames.html"),
        ("manifests/web-v1.yaml", "manifests/web-v1.yaml"),
        ("../README.md", "../index.html"),
        ("https://kubernetes.io/docs/", "https://kubernetes.io/docs/"),
        ("mailto:a@b.example", "mailto:a@b.example"),
    ],
)
def test_links_right_in_the_checkout_are_right_on_the_site(target, resolved):
    assert Places().resolve(target) == resolved


def test_notebooks_are_found_in_the_navigation():
    nav = ["index.md", {"Notebooks": ["notebooks/start.ipynb", {"D": "notebooks/deployment.ipynb"}]}, {"L": "l.md"}]
    assert hooks.nav_notebooks(nav) == ["start", "deployment"]


# --- putting a site in place


def fake(monkeypatch, html: str) -> None:
    def write_site(config: Path, build: Path, out: Path) -> None:
        write(out, index_html=html, ledger_json="{}")

    monkeypatch.setattr(builder, "_mkdocs", write_site)


def checkout(tmp_path: Path) -> tuple[Path, Path, Path]:
    write(tmp_path, mkdocs_yml="site_name: x")
    return tmp_path, tmp_path / "build", tmp_path / "site"


def test_a_new_site_takes_the_old_ones_place(tmp_path, monkeypatch):
    places = checkout(tmp_path)
    for text in ("one", "two"):
        fake(monkeypatch, text)
        assert build(*places).read_text() == text
    assert not list((tmp_path / "build").iterdir())


def test_a_site_with_a_broken_link_leaves_the_old_one(tmp_path, monkeypatch):
    places = checkout(tmp_path)
    fake(monkeypatch, "good")
    first = build(*places)
    fake(monkeypatch, "<a href='no.html'>x</a>")
    with pytest.raises(KitlibError, match=r"index\.html: no\.html: no such file") as caught:
        build(*places)
    assert first.read_text() == "good" and caught.value.next


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, KitlibError("MkDocs stopped")])
def test_an_interrupted_build_leaves_the_old_site(tmp_path, monkeypatch, interruption):
    places = checkout(tmp_path)
    fake(monkeypatch, "good")
    first = build(*places)

    def stop(config: Path, build: Path, out: Path) -> None:
        write(out, index_html="half")
        raise interruption

    monkeypatch.setattr(builder, "_mkdocs", stop)
    with pytest.raises((KeyboardInterrupt, KitlibError)):
        build(*places)
    assert first.read_text() == "good"


def test_a_build_killed_between_its_two_moves_is_put_right(tmp_path, monkeypatch):
    places = checkout(tmp_path)
    write(tmp_path / "build" / "site.old", index_html="old", ledger_json="{}")

    def stop(config: Path, build: Path, out: Path) -> None:
        raise KitlibError("MkDocs stopped")

    monkeypatch.setattr(builder, "_mkdocs", stop)
    with pytest.raises(KitlibError):
        build(*places)
    assert (tmp_path / "site" / "index.html").read_text() == "old"


def test_something_else_at_the_sites_place_stays(tmp_path, monkeypatch):
    places = checkout(tmp_path)
    fake(monkeypatch, "new")
    write(tmp_path, site__thesis_txt="years of work")
    with pytest.raises(UsageError, match="not a site") as caught:
        build(*places)
    assert (tmp_path / "site" / "thesis.txt").read_text() == "years of work" and caught.value.next


def test_no_checkout_is_said(tmp_path):
    with pytest.raises(UsageError, match=r"no mkdocs\.yml"):
        build(tmp_path, tmp_path / "build", tmp_path / "site")


def test_what_mkdocs_says_is_passed_on(tmp_path):
    write(tmp_path, mkdocs_yml="site_name: x\nstrict: true\n", docs__index_md="[x](no.md)")
    with pytest.raises(KitlibError, match=r"no\.md") as caught:
        build(tmp_path, tmp_path / "build", tmp_path / "site")
    assert caught.value.next and not (tmp_path / "site").exists()
