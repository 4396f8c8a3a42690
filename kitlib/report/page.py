"""A report as one HTML file: nothing in it is fetched, nothing runs, and what a cluster said is text."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from html import escape

import pandas as pd

from kitlib.recording import Recording
from kitlib.report.contents import Contents, contents
from kitlib.rollout.why import DOCS, FINE, Answer, Finding, Row

NOTHING = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What the page may load: its own figure."""
STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --page: #ffffff; --line: #c9ced6; --soft: #57606a }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --page: #14171c; --line: #3b424c; --soft: #a0a9b5 } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; line-height: 1.3 } h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100%; display: block; overflow-x: auto }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line) }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: anywhere }
pre { white-space: pre-wrap } img { max-width: 100% } figure { margin: 1rem 0 }
.soft { color: var(--soft) }
@media print { body { margin: 0; max-width: none } details { display: block } }
"""
SIGNS = {True: "✓ kept", False: "✗ broken", None: "? can't be told"}
"""What is said of a promise."""


def report(recording: Recording, kind: str, name: str, namespace: str = "", at_ns: int | None = None) -> str:
    """Return a page about an object: what holds it up, since when, and what shows it.

    Parameters
    ----------
    recording, kind, name, namespace, at_ns
        As for `contents`.

    Returns
    -------
    str
        HTML, whole.

    Raises
    ------
    UsageError
        If the object isn't there.
    """
    return page(contents(recording, kind, name, namespace, at_ns))


def page(told: Contents) -> str:
    """Return a report's page.

    Parameters
    ----------
    told : Contents
        What it tells.
    """
    answer = told.answer
    parts = [
        f"<h1>{escape(answer.sentence)}</h1>",
        f"<p>{escape(_about(told))}</p>",
        *_cause(told),
        *_figure(told),
        *_promises(told),
        *_others(answer),
        *_list("Ruled out", answer.ruled_out.items()),
        *_list("Not seen", answer.unseen.items()),
        *_list("Not recorded", told.missing),
    ]
    title = escape(f"{answer.subject.ref}: {answer.state}")
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{escape(NOTHING)}">'
    head += f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{STYLE}</style>'
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def _about(told: Contents) -> str:
    subject, where = told.answer.subject, told.about
    place = f" in namespace {subject.namespace}" if subject.namespace else ""
    named = [str(where[key]) for key in ("cluster", "release") if where.get(key)]
    on = f" on {', '.join(named)}" if named else ""
    return (
        f"{subject.kind} {subject.name}{place}{on}, as it was at {_time(told.answer.now)}:"
        f" {told.answer.standing}. Recorded by kitlib from {_time(told.begin)} to {_time(told.end)}."
    )


def _cause(told: Contents) -> Iterator[str]:
    answer = told.answer
    if answer.first is not None:
        yield "<h2>Cause</h2>"
        since = "" if told.since is None else f" It could be seen from {escape(_time(told.since))} on."
        yield f"<p><strong>{escape(answer.first.cause.name)}</strong>, {escape(answer.first.certainty)}.{since}</p>"
        yield from _finding(answer.first)
    elif answer.odd:
        yield "<h2>What is odd</h2>"
        yield _rows(answer.odd)
    elif answer.state == FINE:
        yield "<p>Nothing holds it up.</p>"


def _finding(found: Finding) -> Iterator[str]:
    chain = " → ".join(map(escape, [*found.chain, *found.below]))
    yield f"<p>Chain: {chain}</p>"
    if found.others:
        yield f"<p>The same on {len(found.others)} more: {escape(', '.join(found.others[:20]))}</p>"
    yield _rows(found.rows)
    link = escape(DOCS + found.cause.page)
    yield f'<p>Next: <code>{escape(found.command)}</code><br>Kubernetes: <a href="{link}">{link}</a></p>'


def _figure(told: Contents) -> Iterator[str]:
    yield "<h2>What happened</h2>"
    if told.figure is None:
        yield f"<p>{escape(told.told)}</p>"
        return
    source = base64.b64encode(told.figure).decode()
    first = escape(told.told.partition("\n")[0])
    yield f'<figure><img alt="{first}" src="data:image/png;base64,{source}"></figure>'
    yield f"<details><summary>The figure in words</summary><pre>{escape(told.told)}</pre></details>"


def _promises(told: Contents) -> Iterator[str]:
    yield "<h2>Promises</h2>"
    if told.verified is None:
        yield f"<p>A {escape(told.answer.subject.kind)} promises nothing by itself; its controller does.</p>"
        return
    table, broken = told.verified.table, told.verified.breaches
    lines = []
    for row in table.to_dict("records"):
        kept = None if pd.isna(row["kept"]) else bool(row["kept"])
        mine = broken[(broken["uid"] == row["uid"]) & (broken["promise"] == row["promise"])].to_dict("records")
        said = [f"{_time(each['at'])}: {each['object']}: {each['text']}" + (f"; by {each['by']}" if each["by"] else "")
                for each in mine]  # fmt: skip
        tested = f"put to the test {row['tested']} times" if row["tested"] and kept else ""
        lines.append(
            (f"{row['kind']} {row['name']}", row["text"], SIGNS[kept], "\n".join(said) or row["why"] or tested)
        )
    for row in told.verified.contradictions.to_dict("records"):
        lines.append((f"{row['kind']} {row['name']}", "its status says what is there", "✗ contradicted",
                      f"{_time(row['at'])}: {row['text']}"))  # fmt: skip
    yield _table(("whose", "promise", "", "when, by how much, by whom; or why not"), lines)


def _others(answer: Answer) -> Iterator[str]:
    for each in answer.findings[1:]:
        yield f"<h2>Also: {escape(each.cause.name)}, {escape(each.certainty)}</h2>"
        yield f"<p>{escape(each.sentence)}.</p>"
        yield from _finding(each)


def _list(head: str, items: Iterable[tuple[str, str]]) -> Iterator[str]:
    lines = [f"<li>{escape(what)}: {escape(why)}</li>" for what, why in dict.fromkeys(items)]
    if lines:
        yield f"<h2>{head}</h2><ul>{''.join(lines)}</ul>"


def _rows(rows: Iterable[Row]) -> str:
    return _table(
        ("object", "field", "value", "resourceVersion"),
        [(each.object, each.field, each.value, each.version) for each in rows],
    )


def _table(heads: Iterable[str], lines: Iterable[Iterable[object]]) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    cells = ("".join(f"<td>{_broken(str(each))}</td>" for each in line) for line in lines)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{each}</tr>' for each in cells)}</table>"


def _broken(text: str) -> str:
    return "<br>".join(map(escape, text.splitlines()))


def _time(moment: object) -> str:
    return f"{pd.Timestamp(moment):%Y-%m-%d %H:%M:%S} UTC"  # type: ignore[arg-type]


__all__ = ["NOTHING", "page", "report"]
