"""The page of the note: for each of its sections what came of what it says, from the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from kitlib.errors import UsageError
from kitlib.site import ledger
from kitlib.site.ledger import Row

UNTESTED = "untested"
"""What a sentence is that no claim of this walk tests."""
STATES = (*ledger.VERDICTS, UNTESTED)
"""What may come of a sentence, in the order in which it is counted."""
ABSENT = "not in this walk"
"""Why a claim that a lesson makes has no verdict."""
OPPOSITE = {"holds": "fails", "fails": "holds"}
"""What the verdict of a claim that speaks against a sentence says of that."""


@dataclass(frozen=True)
class Sentence:
    """What the note says in one place, in our words.

    Parameters
    ----------
    says : str
    lesson : str
        The notebook whose claims test it; "" where there is none yet.
    claims, contrary : tuple of str
        The claims that must hold for it, and those that must fail.
    untested : str
        Why no claim tests it.
    """

    says: str
    lesson: str = ""
    claims: tuple[str, ...] = ()
    contrary: tuple[str, ...] = ()
    untested: str = ""


@dataclass(frozen=True)
class Section:
    """A section of the note: its name, and its sentences."""

    name: str
    sentences: tuple[Sentence, ...]


def read(folder: Path) -> list[Section]:
    """Return the note's sections, in its order: a document each, in the files of `folder` in the order of their names.

    Raises
    ------
    UsageError
        If a file isn't of that form.
    """
    import yaml

    found = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                sentences = tuple(_sentence(each, document.get("lesson", "")) for each in document["sentences"])
                found.append(Section(document["section"], sentences))
        except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise UsageError(
                f"not sections of the note: {error}",
                step="site",
                object=str(path),
                next="write them as docs/contributing.md says",
            ) from error
    return found


def _sentence(entry: Mapping[str, Any], lesson: str) -> Sentence:
    texts = {key: tuple(entry.get(key, ())) for key in ("claims", "contrary")}
    rest = {key: value for key, value in entry.items() if key not in texts}
    return Sentence(**{"lesson": lesson, **rest, **texts})


def rows(sections: Iterable[Section], claims: Iterable[Row]) -> list[Row]:
    """Return a row for each section: its lessons, how many of its sentences are tested, and what came of each.

    Parameters
    ----------
    sections : iterable of Section
    claims : iterable of dict
        The ledger's lines, as `kitlib.site.ledger.gather` returns them; the newest version's count.

    Returns
    -------
    list of dict
        `section`, `lessons`, `tested`, `counts` (by state), and `sentences`: for each `says`, its `state` (one of
        STATES), the `reason` if it is untested, and `answers`: the claims that test it, with what each says of it.
    """
    newest = {(line.get("notebook"), line.get("text")): line for *_, line in ledger.grouped(claims)}
    found = []
    for section in sections:
        sentences = [_judged(sentence, newest) for sentence in section.sentences]
        counts = Counter(each["state"] for each in sentences)
        lessons = dict.fromkeys(each.lesson for each in section.sentences if each.lesson)
        tested = counts["holds"] + counts["fails"] + counts["changed"]
        found.append(
            {
                "section": section.name,
                "lessons": list(lessons),
                "tested": tested,
                "counts": counts,
                "sentences": sentences,
            }
        )
    return found


def _judged(sentence: Sentence, newest: Mapping[Any, Row]) -> Row:
    """Say what came of a sentence: it holds only if all its claims are there, and speak for it."""
    answers = [_answer(text, newest.get((sentence.lesson, text)), False) for text in sentence.claims]
    answers += [_answer(text, newest.get((sentence.lesson, text)), True) for text in sentence.contrary]
    states = {answer["state"] for answer in answers} or {UNTESTED}
    state = next((each for each in ("fails", "changed", UNTESTED, "unknown") if each in states), "holds")
    return {"says": sentence.says, "state": state, "reason": sentence.untested or ABSENT, "answers": answers}


def _answer(text: str, line: Row | None, contrary: bool) -> Row:
    """Say what a claim's newest line says of a sentence that it speaks for, or against."""
    if line is None:
        return {"text": text, "state": UNTESTED, "contrary": contrary, "line": None}
    verdict = str(line.get("verdict"))
    verdict = verdict if verdict in ledger.VERDICTS else "unknown"
    state = OPPOSITE.get(verdict, verdict) if contrary else verdict
    return {"text": text, "state": state, "contrary": contrary, "line": line}


def html(sections: Iterable[Section], notebooks: list[Row], pages: Mapping[str, tuple[str, str]]) -> str:
    """Return the table of the note's sections.

    Parameters
    ----------
    sections : iterable of Section
        What `read` returned.
    notebooks : list of dict
        What `kitlib.site.ledger.read` returned.
    pages : mapping
        Notebook → title and address of its page, relative to the note's.
    """
    found = rows(sections, ledger.gather(notebooks))
    ran = {str(notebook["notebook"]): notebook for notebook in notebooks}
    heads = ("Section", "Lesson", "Tested", "Verdicts", "What is wrong, out of date or open")
    head = "".join(f'<th role="columnheader" scope="col">{each}</th>' for each in heads)
    body = "".join(_row(row, ran, pages, heads) for row in found)
    return (
        f'<div class="note">{_summary(found)}<table class="note-sections" role="table">'
        "<caption>The note's sections, in its order; of each how many of its sentences got a verdict</caption>"
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead><tbody role="rowgroup">{body}</tbody></table></div>'
    )


def _summary(found: list[Row]) -> str:
    counts: Counter[str] = sum((row["counts"] for row in found), Counter())
    cells = "".join(
        f'<div class="count count--{state}"><dt>{_badge(state)}</dt><dd>{counts[state]}</dd></div>' for state in STATES
    )
    tested = sum(row["tested"] for row in found)
    return (
        f"<p><strong>{tested} of {counts.total()} sentences</strong> in {len(found)} sections got a verdict.</p>"
        f'<dl class="counts">{cells}</dl>'
    )


def _badge(state: str) -> str:
    if state != UNTESTED:
        return ledger.badge(state)
    return (
        '<span class="verdict verdict--untested" title="no claim of this walk tests it">'
        f'<span aria-hidden="true">–</span> {UNTESTED}</span>'
    )


def _row(row: Row, ran: Mapping[str, Row], pages: Mapping[str, tuple[str, str]], heads: tuple[str, ...]) -> str:
    section = escape(row["section"])
    lessons = "".join(_lesson(name, ran.get(name, {}), pages) for name in row["lessons"]) or "<p>none yet</p>"
    tested = f"{row['tested']} of {len(row['sentences'])}"
    counted = "".join(
        f"<span>{_badge(state)} {row['counts'][state]}</span> " for state in STATES if row["counts"][state]
    )
    cells = zip(heads[1:], (lessons, tested, counted, _found(row["sentences"])), strict=True)
    return (
        f'<tr role="row"><th role="rowheader" scope="row" id="note-{ledger.slug(row["section"])}">{section}</th>'
        + "".join(f'<td role="cell" data-label="{label}"><div>{cell}</div></td>' for label, cell in cells)
        + "</tr>"
    )


def _lesson(name: str, notebook: Row, pages: Mapping[str, tuple[str, str]]) -> str:
    title, address = pages.get(name, (name, ""))
    link = f'<a href="{escape(address)}">{escape(title)}</a>' if address else escape(title)
    asked = " · ".join(escape(part) for part in ledger.asked_on(notebook))
    return f"<p>{link}</p>" + (f'<p class="ledger-seen">{asked}</p>' if asked else "")


def _found(sentences: list[Row]) -> str:
    """Return what a section's sentences came to: in sight what doesn't hold, folded what does or is untested."""
    wrong = [each for each in sentences if each["state"] in ("fails", "changed", "unknown")]
    parts = ["".join(_wrong(each) for each in wrong)]
    untested = sorted((each for each in sentences if each["state"] == UNTESTED), key=lambda each: str(each["reason"]))
    for reason, group in groupby(untested, key=lambda each: str(each["reason"])):
        parts.append(_folded(list(group), f"untested: {reason}"))
    if good := [each for each in sentences if each["state"] == "holds"]:
        parts.append(_folded(good, "as the note says" if wrong or untested else "as the note says: nothing is wrong"))
    return "".join(parts)


def _wrong(sentence: Row) -> str:
    """Return a sentence that doesn't hold, with each of its claims that says so, and what is true instead."""
    parts = [f"<p>{_badge(sentence['state'])} <strong>{escape(sentence['says'])}</strong></p>"]
    for answer in sentence["answers"]:
        line = answer["line"] or {}
        if answer["state"] == "holds":
            continue
        if answer["contrary"] and answer["state"] == "fails":
            parts.append(f"<p><strong>Instead:</strong> {_claim(answer)}</p>")
            continue
        parts.append(f"<p>Tested by: {_claim(answer)}</p>")
        if line.get("instead"):
            parts.append(f"<p><strong>Instead:</strong> {escape(str(line['instead']))}</p>")
        if line.get("changed_in"):
            parts.append(f"<p>Changed in {ledger.linked(str(line['changed_in']))}</p>")
        if len(asked := line.get("answers") or {}) > 1:
            said = " · ".join(f"{version}: {verdict}" for version, verdict in asked.items())
            parts.append(f'<p class="ledger-seen">Kubernetes {escape(said)}</p>')
        if answer["state"] == "unknown" and line.get("why"):
            parts.append(f"<p>{escape(str(line['why']))}</p>")
    return f'<div class="note-wrong">{"".join(parts)}</div>'


def _folded(sentences: list[Row], label: str) -> str:
    items = "".join(
        f"<li>{escape(each['says'])}"
        + ("<ul>" + "".join(f"<li>{_claim(answer)}</li>" for answer in each["answers"]) + "</ul>")
        * bool(each["answers"])
        + "</li>"
        for each in sentences
    )
    return (
        f'<details data-search-exclude="1"><summary>{len(sentences)} {escape(label)}</summary>'
        f"<ul>{items}</ul></details>"
    )


def _claim(answer: Row) -> str:
    """Return a claim's text as a link to its line of the ledger; one that isn't there says so."""
    text = escape(answer["text"])
    if answer["line"] is None:
        return f"{text} ({ABSENT})"
    verdict = f" ({answer['line'].get('verdict')})" if answer["contrary"] and answer["state"] == "holds" else ""
    return f'<a href="ledger.html#{ledger.anchor(answer["line"])}">{text}</a>{escape(verdict)}'
