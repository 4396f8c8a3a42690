"""Write docs/causes.md: the table of causes, and how often the corpus' recordings were answered right.

Run it as `python tools/causes.py` after the table or the corpus has changed; a test fails while the page is stale.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))

from kitlib.rollout import why  # noqa: E402 - the checkout's own
from kitlib.rollout.why import CERTAIN, DOCS, FINE, GROUPS  # noqa: E402
from tests.why.judged import Judged, answers, corpora  # noqa: E402

PAGE = CHECKOUT / "docs" / "causes.md"
HEAD = """\
# What holds it up

`kitlib why deployment/web` names a cause of this table, with the rows that show it, the next command, and what was
ruled out. A cause is *certain* where the component in charge said so, *likely* where signs speak for it; where too
little was seen, it says that. `python tools/causes.py` writes this page.

"""


def page() -> str:
    """Return the page."""
    by_cause: dict[str, list[Judged]] = defaultdict(list)
    for corpus in corpora():
        for each in answers(corpus).values():
            by_cause[each.cause].append(each)
    return HEAD + _proof(by_cause) + "".join(_group(group, by_cause) for group in GROUPS)


def _proof(by_cause: dict[str, list[Judged]]) -> str:
    made = [each for cause, all_of in by_cause.items() if cause for each in all_of]
    first = sum(each.right for each in made)
    wrong = sum(each.wrong_as_certain for each in made)
    whole = [each for each in by_cause.get("", ()) if each.answer.state == FINE]
    certain = sum(each.right and each.answer.certainty == CERTAIN for each in made)
    several = sum(len(each) > 2 for cause, each in by_cause.items() if cause)
    causes, healthy = len(by_cause) - ("" in by_cause), len(by_cause.get("", ()))
    return (
        f"Of {len(made)} recorded cases of {causes} causes ({several} of them made at least three ways on a real"
        f" cluster), the right cause comes first in {first}, as certain in {certain}; a wrong one is named as certain"
        f" in {wrong}. Of {healthy} healthy rollouts, nothing is said of {len(whole)}."
        " A cause with – has no recorded case yet, or has it in a lesson's recording.\n\n"
    )


def _group(group: why.Group, by_cause: dict[str, list[Judged]]) -> str:
    lines = [
        f"## {group.name.capitalize()}\n\n",
        "| cause | signs | what is said | next | right, of |\n",
        "| --- " * 5 + "|\n",
    ]
    for cause in group.causes:
        made = by_cause.get(cause.name, [])
        counted = f"{sum(each.right for each in made)}, {len(made)}" if made else "–"
        command = re.sub(r"\{+(\w+)\}+", lambda found: found[1].upper(), cause.command)
        sentence = re.sub(r"\{(\w+)\}", lambda found: _HOLES.get(found[1], "…"), cause.sentence)
        cells = f"[`{cause.name}`]({DOCS}{cause.page})", cause.signs, sentence, f"`{_cell(command)}`", counted
        lines.append("| " + " | ".join(cell if cell.startswith("`") else _cell(cell) for cell in cells) + " |\n")
    return "".join(lines) + "\n"


_HOLES = {"who": "*It*", "named": "", "said": "", "times": "", "meaning": "", "last": "", "counted": "", "limit": ""}


def _cell(text: str) -> str:
    return text.replace("\\|", "|").replace("|", "\\|").replace("{", "&#123;")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
