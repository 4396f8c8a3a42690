"""How claims and a ledger are shown: as HTML in a notebook, as text on a terminal. What a cluster said stays text."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from kitlib.claims.verdicts import MARKS, version_order
from kitlib.progress import printable

if TYPE_CHECKING:
    from kitlib.claims.ledger import Claim, Ledger


def claim_html(claim: Claim, open_evidence: bool = False) -> str:
    """Write a claim as HTML: the verdict, the sentence, and evidence that can be opened. All text is escaped."""
    esc = html.escape
    surprise = "" if claim.as_expected else f" <strong>expected {esc(claim.expected)}</strong>"
    noted = " (as expected)" if claim.as_expected and claim.expected != "holds" else ""
    versions_said = answered(claim.answers) + (f"; changed in {claim.changed_in}" if claim.changed_in else "")
    versions = f" <span class='kitlib-versions'>{esc(versions_said)}</span>" if claim.answers else ""
    instead = f"<div class='kitlib-instead'>Instead: {esc(claim.instead)}</div>" if claim.instead else ""
    lines = [*claim.older, claim]
    evidence = [{"Kubernetes": line.version, **row} if claim.older else row for line in lines for row in line.evidence]
    rows = pd.DataFrame(evidence).astype(str) if evidence else pd.DataFrame()
    table = rows.to_html(index=False, border=0, escape=True, classes="kitlib-evidence") if len(rows) else ""
    total = sum(line.evidence_rows for line in lines)
    count = f" · {len(evidence)} of {total} rows" if total > len(evidence) else ""
    state = " open" if open_evidence else ""
    why = "".join(f"<p>{esc(f'{line.version}: {line.why}' if claim.older else line.why)}</p>" for line in lines)
    return (
        f"<div class='kitlib-claim kitlib-{esc(claim.verdict)}' data-claim='{esc(claim.id)}'>"
        f"<span class='kitlib-verdict'>{MARKS[claim.verdict]} {esc(claim.verdict)}</span>{noted}{surprise} "
        f"<span class='kitlib-text'>{esc(claim.text)}</span>{versions}"
        f"<span class='kitlib-source'> {esc(claim.source)}</span>{instead}"
        f"<details{state}><summary>evidence{count}</summary>{why}"
        f"<div class='kitlib-scroll'>{table}</div></details></div>"
    )


def answered(answers: Mapping[str, str]) -> str:
    """Write what each version answered."""
    return ", ".join(f"{version} {MARKS[verdict]} {verdict}" for version, verdict in answers.items())


def ledger_html(ledger: Ledger) -> str:
    """Write a ledger as an HTML table: a line for each claim, a verdict for each version. All text is escaped."""
    esc = html.escape
    versions = sorted({claim.version for claim in ledger.claims}, key=version_order)
    lines: dict[str, dict[str, Claim]] = {}
    for claim in ledger.claims:
        lines.setdefault(claim.id, {})[claim.version] = claim
    heads = [f"Kubernetes {version}" for version in versions] if len(versions) > 1 else ["verdict"]
    heads = [*heads, "expected", "claim", "source"]
    return (
        f"<div class='kitlib-scroll'><table class='kitlib-ledger'><caption>{esc(ledger.summary())}</caption>"
        f"<thead><tr>{''.join(f'<th>{esc(head)}</th>' for head in heads)}</tr></thead>"
        f"<tbody>{''.join(_ledger_line(line, versions) for line in lines.values())}</tbody></table></div>"
    )


def _ledger_line(line: Mapping[str, Claim], versions: list[str]) -> str:
    """Write a claim's line of a ledger: a verdict for each version, what was expected of the newest, the sentence."""
    newest = max(line.values(), key=lambda claim: version_order(claim.version))
    cells = "".join(
        f"<td class='kitlib-{line[version].verdict}'>{MARKS[line[version].verdict]} {line[version].verdict}</td>"
        if version in line
        else "<td>not asked</td>"
        for version in versions
    )
    instead = f"<br><em>Instead: {html.escape(newest.instead)}</em>" if newest.instead else ""
    return (
        f"<tr>{cells}<td>{html.escape(newest.expected)}</td><td>{html.escape(newest.text)}{instead}</td>"
        f"<td>{html.escape(newest.source)}</td></tr>"
    )


def evidence_text(claim: Claim, rows: int = 5) -> str:
    """Write the first rows of a claim's evidence for a terminal; what a cluster said may not steer it."""
    if not claim.evidence:
        return ""
    table = pd.DataFrame(claim.evidence[:rows]).to_string(index=False, max_colwidth=60)
    left = claim.evidence_rows - rows
    lines = [*table.splitlines(), *([f"… and {left} more"] if left > 0 else [])]
    return "".join("\n    " + printable(line) for line in lines)


__all__ = ["answered", "claim_html", "evidence_text", "ledger_html"]
