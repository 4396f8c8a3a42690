"""The ledger page: every claim of every notebook, with its verdict and its evidence."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from kitlib.claims import version_order
from kitlib.errors import UsageError
from kitlib.lessons import recordings

Row = dict[str, Any]

VERDICTS = {
    "holds": ("✓", "true on the cluster that was asked"),
    "fails": ("✗", "not true there"),
    "changed": ("↻", "true then, not now, or the other way round"),
    "unknown": ("?", "this cluster can't show it, or the recording has a gap"),
}
"""Verdict → its sign and what it means, in the order in which they are counted."""


LONGEST_ANCHOR = 44
INHERITED = ("notebook", "version", "release", "provider", "date", "recorded")
"""What a claim has of its notebook's, where it says nothing itself."""


def read(build: Path) -> list[Row]:
    """Return what `build/claims/*.json` holds: one row a notebook, in the order of their names."""
    rows = []
    for path in sorted((build / "claims").glob("*.json")):
        try:
            row = json.loads(path.read_text(encoding="utf-8"))
            row.setdefault("notebook", path.stem)
            row["claims"] = [dict(claim) for claim in row["claims"]]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(
                f"not a notebook's claims: {error}",
                step="site",
                object=str(path),
                next="remove the file and run `kitlib walk` again",
            ) from error
        rows.append(row)
    return rows


def gather(notebooks: Iterable[Row]) -> list[Row]:
    """Return the claims of all notebooks, each with the notebook's version, provider and date where it has none."""
    claims = []
    for notebook in notebooks:
        for claim in notebook["claims"]:
            inherited = {key: notebook.get(key) for key in INHERITED}
            claims.append({**inherited, **{key: value for key, value in claim.items() if value is not None}})
    return claims


def grouped(claims: Iterable[Row]) -> list[list[Row]]:
    """Return the lines of each claim: one for each version of Kubernetes that was asked, the newest last."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for claim in claims:
        groups.setdefault((str(claim.get("notebook")), str(claim.get("id"))), []).append(claim)
    return [sorted(group, key=lambda line: version_order(line.get("version"))) for group in groups.values()]


def versions(claims: Iterable[Row]) -> list[str]:
    """Return the versions of Kubernetes that were asked, the newest last."""
    return sorted({str(claim["version"]) for claim in claims if claim.get("version")}, key=version_order)


def asked_on(notebook: Row) -> list[str]:
    """Return on what a notebook's claims were tested, in words: which Kubernetes, which cluster or recording, when."""
    if notebook.get("recorded"):
        return [recordings.described(notebook)]
    asked, provider = releases(notebook), notebook.get("provider")
    parts = (asked and f"Kubernetes {asked}", provider and f"{provider} cluster", notebook.get("date"))
    return [str(part) for part in parts if part]


def releases(notebook: Row) -> str:
    """Return the releases of Kubernetes that a notebook ran on, in words: "v1.17.4 and v1.37.2"."""
    asked = [cluster.get("release") for cluster in notebook.get("clusters") or ()] or [notebook.get("release")]
    return " and ".join(str(release) for release in asked if release)


def unexpected(claim: Row) -> bool:
    """Say whether a claim got another verdict than the one it expects."""
    return claim.get("verdict") != claim.get("expected", "holds")


def anchor(claim: Row) -> str:
    """Return the anchor of a claim: the same on the ledger page and on its notebook's."""
    name, notebook = str(claim.get("id", "")), str(claim.get("notebook", ""))
    address = slug(name if name.startswith(f"{notebook}/") else f"{notebook}-{name}")
    if len(address) > LONGEST_ANCHOR:
        digest = hashlib.sha256(address.encode()).hexdigest()[:4]
        address = f"{address[:LONGEST_ANCHOR].rsplit('-', 1)[0]}-{digest}"
    return "claim-" + address


def slug(text: str) -> str:
    """Return text as a part of an address: words joined by hyphens.

    Examples
    --------
    >>> slug("Roll back: an old template, a new revision")
    'roll-back-an-old-template-a-new-revision'
    """
    return re.sub(r"[\W_]+", "-", text.lower()).strip("-") or "section"


def badge(verdict: str) -> str:
    """Return a verdict as a label that can be read without its colour."""
    known = verdict if verdict in VERDICTS else "unknown"
    sign, meaning = VERDICTS[known]
    return (
        f'<span class="verdict verdict--{known}" title="{escape(meaning)}">'
        f'<span aria-hidden="true">{sign}</span> {escape(str(verdict))}</span>'
    )


def table(rows: list[dict[str, Any]]) -> str:
    """Return evidence rows as a table; every cell is escaped."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    head = "".join(f'<th scope="col">{escape(str(column))}</th>' for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_cell(row.get(column)))}</td>" for column in columns) + "</tr>" for row in rows
    )
    return (
        f'<div class="scroll"><table class="evidence"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return "–"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def counts(claims: list[Row]) -> Counter[str]:
    """Return how many claims got each verdict (of the newest version asked), how many an unexpected one, and all."""
    groups = grouped(claims)
    counted = Counter(str(group[-1].get("verdict")) for group in groups)
    counted["unexpected"] = sum(any(map(unexpected, group)) for group in groups)
    counted["all"] = len(groups)
    return counted


def html(notebooks: list[Row], pages: dict[str, tuple[str, str]], tested: dict[str, str] | None = None) -> str:
    """Return the body of the ledger page.

    Parameters
    ----------
    notebooks : list of dict
        What `read` returned.
    pages : dict
        Notebook → title and address of its page, relative to the ledger's.
    tested : dict, optional
        Anchor of a claim → address of the place in a notebook where it is tested.
    """
    claims = gather(notebooks)
    if not claims:
        return (
            '<div class="admonition warning"><p class="admonition-title">No claims in this build</p>'
            "<p>No notebook was run. <code>make walk</code> runs them on a cluster and fills this page.</p></div>"
        )
    parts = [_summary(claims), _filter(claims)]
    order = list(pages)
    for notebook in sorted(notebooks, key=lambda row: _place(order, str(row["notebook"]))):
        name = str(notebook["notebook"])
        title, address = pages.get(name, (name, ""))
        own = gather([notebook])
        heading = f'<a href="{escape(address)}">{escape(title)}</a>' if address else escape(title)
        parts.append(f'<section class="ledger-notebook"><h2 id="{slug(name)}">{heading}</h2>')
        seen = " · ".join(escape(str(part)) for part in (f"{len(grouped(own))} claims", *asked_on(notebook)) if part)
        parts.append(f'<p class="ledger-seen">{seen}</p>')
        if notebook.get("complete") is False:
            parts.append(
                '<div class="admonition warning"><p class="admonition-title">Not run to its end</p>'
                "<p>The notebook stopped before it had tested every claim.</p></div>"
            )
        parts.extend(_article(group, tested or {}) for group in grouped(own))
        parts.append("</section>")
    return f'<div class="ledger">{"".join(parts)}</div>'


def _place(order: list[str], name: str) -> tuple[int, str]:
    return (order.index(name) if name in order else len(order), name)


def _summary(claims: list[Row]) -> str:
    counted = counts(claims)
    cells = [
        f'<div class="count count--{verdict}"><dt>{badge(verdict)}</dt><dd>{counted[verdict]}</dd></div>'
        for verdict in VERDICTS
    ]
    surprise = counted["unexpected"]
    text = (
        "Each claim got the verdict that it expects."
        if not surprise
        else f"<strong>{surprise} of them got a verdict that was not expected.</strong>"
    )
    mark = "ledger-verdict--bad" if surprise else "ledger-verdict--good"
    return (
        f'<p class="ledger-verdict {mark}"><strong>{counted["all"]} claims.</strong> {text}</p>'
        f'<dl class="counts">{"".join(cells)}</dl>'
    )


def _filter(claims: list[Row]) -> str:
    counted = counts(claims)
    choices = [("all", f"All {counted['all']}")]
    choices += [(verdict, f"{VERDICTS[verdict][0]} {verdict} {counted[verdict]}") for verdict in VERDICTS]
    if counted["unexpected"]:
        choices.append(("unexpected", f"unexpected {counted['unexpected']}"))
    buttons = "".join(
        f'<button type="button" data-show="{name}" aria-pressed="{str(name == "all").lower()}">{text}</button>'
        for name, text in choices
        if name == "all" or counted[name]
    )
    return (
        '<div class="ledger-filter" role="group" aria-label="Show claims by verdict" data-search-exclude="1" hidden>'
        f'{buttons}<input type="search" placeholder="Words in a claim" aria-label="Words in a claim">'
        '<span class="ledger-shown" role="status"></span></div>'
    )


def _article(group: list[Row], tested: dict[str, str]) -> str:
    """One claim: its sentence, and a block for each version of Kubernetes that answered, side by side."""
    first = group[-1]
    surprise = any(unexpected(claim) for claim in group)
    mark, flag = (" claim--unexpected", ' data-unexpected=""') if surprise else ("", "")
    parts = [
        f'<article class="claim{mark}" data-verdict="{escape(str(first.get("verdict")))}"{flag}>',
        f'<h3 id="{anchor(first)}"><a href="#{anchor(first)}">{escape(str(first.get("text", "")))}</a></h3>',
    ]
    if len(group) == 1:
        parts.append(_answer(first))
    else:
        columns = "".join(f'<div class="claim-version">{_answer(claim, heading=True)}</div>' for claim in group)
        parts.append(f'<div class="claim-versions">{columns}</div>')
    if first.get("changed_in"):
        parts.append(f'<p class="claim-changed">Changed in {linked(str(first["changed_in"]))}</p>')
    place = tested.get(anchor(first))
    source = linked(str(first.get("source") or "not named"))
    test = f' · <a href="{escape(place)}">see it tested</a>' if place else ""
    parts.append(f'<p class="claim-source" data-search-exclude="1">Source: {source}{test}</p></article>')
    return "".join(parts)


def linked(text: str) -> str:
    """Return text as HTML in which addresses of the web are links."""
    pieces = re.split(r"(https?://[^\s<>\"']*[^\s<>\"'.,;:)])", text)
    return "".join(
        f'<a href="{escape(piece)}">{escape(piece)}</a>' if place % 2 else escape(piece)
        for place, piece in enumerate(pieces)
    )


def _answer(claim: Row, heading: bool = False) -> str:
    """Return what one version says of a claim; as a column of several it is headed by the version."""
    verdict, expected = str(claim.get("verdict")), str(claim.get("expected", "holds"))
    if unexpected(claim):
        note = f'<strong class="claim-surprise">unexpected: {escape(expected)} was expected</strong>'
    elif expected == "holds":
        note = ""
    else:
        note = '<span class="claim-expected">as expected</span>'
    where = " · ".join(
        escape(str(part))
        for part in (
            claim.get("version") and not heading and f"Kubernetes {claim['version']}",
            claim.get("recorded") and "recording",
            claim.get("provider"),
            claim.get("date"),
        )
        if part
    )
    where = f'<span class="claim-where" data-search-exclude="1">{where}</span>'
    version = f"<strong>Kubernetes {escape(str(claim.get('version')))}</strong> " if heading else ""
    parts = [f'<p class="claim-answer">{version}{badge(verdict)} {note}{where}</p>']
    if claim.get("instead"):
        parts.append(f'<p class="claim-instead"><strong>Instead:</strong> {escape(str(claim["instead"]))}</p>')
    if claim.get("why"):
        parts.append(f'<p class="claim-why">{escape(str(claim["why"]))}</p>')
    evidence = [row for row in claim.get("evidence") or [] if isinstance(row, dict)]
    if evidence:
        total = int(claim.get("evidence_rows") or len(evidence))
        label = f"Evidence: {total} row{'s' if total != 1 else ''}"
        if total > len(evidence):
            label += f", {len(evidence)} shown"
        parts.append(
            f'<details class="claim-evidence" data-search-exclude="1"><summary>{label}</summary>'
            f"{table(evidence)}</details>"
        )
    return "".join(parts)
