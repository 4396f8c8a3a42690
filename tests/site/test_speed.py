"""What makes a build of the site short changes nothing of it."""

from __future__ import annotations

import os
import threading

import jinja2
import pytest
from material.plugins.search.plugin import Parser

from kitlib.machine import paths, resources
from kitlib.site import speed

PAGE = """<h1 id="a">A</h1><p>said</p>
<section class="outputs" data-search-exclude="1"><h2>not</h2><details><p>this</p></details></section>
<p>and <em>this</em></p><h2 id="b">B</h2>
<article><details class="claim-evidence" data-search-exclude="1"><summary>3 rows</summary>
<table><tr><td>1</td></tr></table>
</details><p class="claim-source" data-search-exclude="1">Source</p></article><p>last</p>"""


def found(html: str) -> list[tuple[str, str, str]]:
    parser = Parser()
    parser.feed(html)
    parser.close()
    sections = [section for section in parser.data if not section.is_excluded()]
    return [(section.id or "", "".join(section.title), "".join(section.text).split()) for section in sections]


def test_the_search_finds_the_same_in_what_is_left():
    left = speed.UNSEARCHED.sub("", PAGE)
    assert len(left) < len(PAGE) / 2 and "not" not in left and "<td>" not in left
    assert found(left) == found(PAGE)
    assert "last" in str(found(left))


def test_a_heading_in_an_output_takes_no_prose_for_itself():
    page = PAGE.replace("<h2>not", '<h2 id="x">not')
    assert [name for name, _, _ in found(page)] == ["", "x", "b"]
    assert found(speed.UNSEARCHED.sub("", page)) == found(PAGE)


def pid(item: int) -> tuple[int, int]:
    if item < 0:
        raise ValueError(item)
    return item, os.getpid()


@pytest.fixture
def alone(monkeypatch):
    """As in a build, whose process has one thread on two processors."""
    monkeypatch.setattr(resources, "processors", lambda: 2)
    monkeypatch.setattr(threading, "active_count", lambda: 1)


def test_what_is_made_side_by_side_comes_in_its_order(alone):
    made = speed.side_by_side(pid, list(range(20)))
    assert [item for item, _ in made] == list(range(20))
    assert os.getpid() not in {process for _, process in made}


def test_where_other_threads_run_all_is_made_here(alone, monkeypatch):
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert {process for _, process in speed.side_by_side(pid, [1, 2, 3])} == {os.getpid()}
    assert speed.side_by_side(pid, []) == []


def test_what_fails_in_another_process_fails_here(alone):
    with pytest.raises(ValueError):
        speed.side_by_side(pid, [1, -1, 2])


def test_templates_are_compiled_once(tmp_path, monkeypatch):
    monkeypatch.setenv("KITLIB_CACHE", str(tmp_path))
    compiled = []

    class Counting(jinja2.Environment):
        def compile(self, source, *args, **more):
            compiled.append(source)
            return super().compile(source, *args, **more)

    for text in ("one {{ a }}", "one {{ a }}", "two {{ a }}"):
        env = Counting(loader=jinja2.DictLoader({"page": text}))
        speed.compile_once(env)
        assert env.get_template("page").render(a=1) == text.replace("{{ a }}", "1")
    assert compiled == ["one {{ a }}", "two {{ a }}"]
    assert (paths.cache() / "templates").stat().st_mode & 0o777 == 0o700
