"""Every claim can fail: lessons replayed on changed recordings; which change turns which claim's verdict.

    python -m tests.lessons.mutants [LESSON …]

writes build/mutants.json: the score, by lesson, by claim. A claim is *turned* where its verdict becomes holds or fails
and was the other; *shaken* where a change leaves it unknown, or its check can't be made. A claim that no change turns
can hardly fail: its check is mended, or it is a direct answer of the server, which no recording holds.
"""

from __future__ import annotations

import ast
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kitlib.recording import Recording
from kitlib.recording.store import write_flush
from tests.conftest import CHECKOUT
from tests.lessons.changes import Change, changes
from tests.lessons.replay import Replay, expectations

DATA = CHECKOUT / "tests" / "data" / "notebooks"
SEED = 20


class Claims(Replay):
    """A replay that draws nothing, and in which what can't be done any more costs a statement and no more."""

    def _one(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.Expr) and ast.unparse(statement).startswith(("plots.", "figures.")):
            return
        try:
            super()._one(statement)
        except Exception as error:  # whatever a check can't cope with: a walk would end with it
            self.left_out.append(f"{type(error).__name__}: {ast.unparse(statement)}")

    def _with(self, statement: ast.With) -> None:
        try:
            super()._with(statement)
        except Exception as error:
            self.left_out.append(f"{type(error).__name__}: {ast.unparse(statement.items[0])}")


def verdicts(path: Path) -> dict[str, str]:
    """Return the verdict of each claim that a recording gives."""
    with tempfile.TemporaryDirectory() as place:
        replay = Claims(path, Path(place) / "claims.json").run()
    return {claim.text: claim.verdict for claim in replay.claims}


def changed(path: Path, change: Change, place: Path) -> Path | None:
    """Write a changed recording; return None where there is nothing that it changes."""
    before = list(Recording.open(path).rows)
    after = change.apply(list(before), random.Random(f"{SEED} {change.name}"))
    if after == before or not after:
        return None
    (place / "recording.json").write_bytes((path / "recording.json").read_bytes())
    write_flush(place, after)
    return place


def one(task: tuple[str, str]) -> tuple[str, dict[str, str] | None]:
    """Return what one change makes of a lesson's claims."""
    lesson, name = task
    change = next(each for each in changes() if each.name == name)
    with tempfile.TemporaryDirectory() as place:
        path = changed(DATA / lesson, change, Path(place))
        return name, verdicts(path) if path else None


def score(lesson: str, names: Sequence[str] | None = None, processes: int = 2) -> dict[str, Any]:
    """Put a lesson's claims to the test.

    Parameters
    ----------
    lesson : str
        One whose recording is in tests/data/notebooks.
    names : sequence of str, optional
        The names of changes; all by default.
    processes : int
        How many work side by side.

    Returns
    -------
    dict
        "turned", "claims" (how many), "score" (the share), "changes" (how many changed something), and "by_claim": for
        each sentence the changes that turn it, and those that shake it. Claims that a replay doesn't make are named in
        "not_replayed".
    """
    plain = verdicts(DATA / lesson)
    by_claim: dict[str, dict[str, list[str]]] = {text: {"turned": [], "shaken": []} for text in plain}
    tasks = [(lesson, each.name) for each in changes() if names is None or each.name in names]
    made = 0
    with multiprocessing.get_context("forkserver").Pool(processes) as pool:
        for name, found in pool.imap_unordered(one, tasks):
            if found is None:
                continue
            made += 1
            for text, before in plain.items():
                after = found.get(text, "not made")
                if after != before:
                    by_claim[text]["shaken" if after in ("unknown", "not made") else "turned"].append(name)
    turned = sum(bool(each["turned"]) for each in by_claim.values())
    return {
        "lesson": lesson,
        "claims": len(plain),
        "turned": turned,
        "score": round(turned / len(plain), 3) if plain else 0.0,
        "changes": made,
        "not_replayed": sorted(set(expectations(lesson)) - set(plain)),
        "by_claim": {text: {key: sorted(names) for key, names in each.items()} for text, each in by_claim.items()},
    }


def main(lessons: Sequence[str]) -> int:
    """Score lessons, all by default; write build/mutants.json, and say what no change turns."""
    results = []
    for lesson in lessons or sorted(path.name for path in DATA.iterdir()):
        began = time.monotonic()
        results.append(score(lesson))
        last = results[-1]
        said = f"{last['turned']} of {last['claims']} claims turned ({last['score']:.0%}) by {last['changes']} changes"
        print(f"{lesson}: {said}, {time.monotonic() - began:.0f} s", flush=True)
        for text, each in last["by_claim"].items():
            if not each["turned"]:
                print(f"  not turned ({len(each['shaken'])} shake it): {text}")
        for text in last["not_replayed"]:
            print(f"  not replayed: {text}")
    (CHECKOUT / "build").mkdir(exist_ok=True)
    (CHECKOUT / "build" / "mutants.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
