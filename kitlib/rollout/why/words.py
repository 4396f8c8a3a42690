"""An answer as text: the sentence, the chain, the rows, the next command, what is ruled out and what wasn't seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kitlib.rollout.why.answer import Answer
from kitlib.rollout.why.cause import DOCS, Finding, Row

MOST = 160
"""How many characters of a value are shown."""


def words(answer: Answer) -> str:
    """Return an answer as a person reads it."""
    lines = [answer.sentence]
    if answer.findings or answer.odd or (answer.good and answer.unseen):
        lines[0] += f" ({answer.certainty})"
    for number, each in enumerate(answer.findings):
        lines += ["", f"{'Also' if number else 'Cause'}: {each.cause.name}, {each.certainty}"]
        lines += [f"  {each.sentence}."] if number else []
        lines += _told(each)
    if answer.odd:
        lines += ["", "What is odd:", *_rows(answer.odd)]
    if answer.ruled_out:
        lines += ["", "Ruled out:", *(f"  {group}: {said}" for group, said in answer.ruled_out.items())]
    if answer.unseen:
        lines += ["", "Not seen:", *(f"  {kind}: {reason}" for kind, reason in answer.unseen.items())]
    return "\n".join(lines)


def _told(found: Finding) -> Iterator[str]:
    yield f"  Chain: {' → '.join([*found.chain, *found.below])}"
    if found.others:
        more = f", and {len(found.others) - 5} more" if len(found.others) > 5 else ""
        yield f"  The same on: {', '.join(found.others[:5])}{more}"
    yield "  Rows:"
    yield from (f"  {line}" for line in _rows(found.rows))
    yield f"  Next: {found.command}"
    yield f"  Kubernetes' page: {DOCS}{found.cause.page}"


def _rows(rows: Iterable[Row]) -> Iterator[str]:
    for each in rows:
        value = each.value if len(each.value) <= MOST else each.value[: MOST - 1] + "…"
        yield f"  {each.object} {each.field}: {value}"


__all__ = ["words"]
