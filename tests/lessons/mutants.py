"""Every claim can fail: lessons replayed on changed recordings; which change turns which claim's verdict.

    python -m tests.lessons.mutants [--missing] [--quick | --all] [LESSON …]

A claim is *turned* where its verdict becomes holds, fails or changed and was another of these; *shaken* where a change
leaves it unknown, or its check can't be made. A claim that no change turns can hardly fail: its check is mended.

For each claim it looks for one change that turns it, and writes them to tests/data/mutants.json, which a test holds:
lesson by lesson, the changes that are known first; with --missing only for claims that have none yet. With --quick
it tries those changes that turn much, and no others. With --all it tries every change on every claim, which takes a
quarter of an hour a lesson; build/mutants.json says what each turns.
"""

from __future__ import annotations

import ast
import json
import multiprocessing
import random
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest import mock

from kitlib.lessons import recordings
from kitlib.recording import Recording, WatchEvent
from tests.conftest import CHECKOUT
from tests.lessons.answeredits import REPLIES
from tests.lessons.answers import ANSWERS, Answers
from tests.lessons.changes import changes
from tests.lessons.foremost import FIRST
from tests.lessons.replay import Replay, expectations, parsed
from tests.lessons.slices import text_of, wanted_for

DATA = CHECKOUT / "recordings"
KNOWN = CHECKOUT / "tests" / "data" / "mutants.json"
SEED = 20
ANOTHER_ANSWER = "another answer of the server"
"""What turns claims that stand on an answer that the recording doesn't hold; see `tests.lessons.answers`."""


class Claims(Replay):
    """A replay that draws nothing, and in which what can't be done any more costs a statement and no more.

    Parameters
    ----------
    recorded : Path or Recording
        What is replayed.
    only : collection of str, optional
        The sentences of the claims that are made; all by default.
    answers : mapping, optional
        What the cluster answers, see `tests.lessons.answers`; what is recorded by default.
    beside : mapping, optional
        As of `Replay`.
    """

    def __init__(
        self,
        recorded: Path | Recording,
        only: Collection[str] | None = None,
        answers: Answers | None = None,
        beside: Mapping[str, Recording] | None = None,
    ) -> None:
        super().__init__(recorded, beside=beside)
        self._only = only
        self._answers = answers or {}
        vars(self.lab).update({name[4:]: each for name, each in self._answers.items() if name.startswith("lab.")})
        kept, given = self.lab.answer_of, list(self._answers.values())
        vars(self.lab)["answer_of"] = lambda ask, *args: (ask if ask in given else partial(kept, ask))(*args)

    def run(self) -> Claims:
        with mock.patch("kitlib.claims.ledger._evidence", lambda frame: []):  # a quarter of the time, and not looked at
            super().run()
        return self

    def _cells(self) -> Iterable[list[ast.stmt]]:
        cells = [cell.body for cell in parsed(self.lab.notebook)]
        return cells if self._only is None else [wanted_for([each for cell in cells for each in cell], self._only)]

    def _one(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.Expr) and ast.unparse(statement).startswith(("plots.", "figures.")):
            return
        if self._only is not None and text_of(statement) and text_of(statement) not in self._only:
            return
        if isinstance(statement, ast.FunctionDef) and statement.name in self._answers:
            self._names[statement.name] = self._answers[statement.name]
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


def verdicts(
    recorded: Path | Recording,
    only: Collection[str] | None = None,
    answers: Answers | None = None,
    beside: Mapping[str, Recording] | None = None,
) -> dict[str, str]:
    """Return the verdict of each claim that a recording gives."""
    return {claim.text: claim.verdict for claim in Claims(recorded, only, answers, beside).run().claims}


@cache
def rows_of(name: str) -> tuple[WatchEvent, ...]:
    """Return what was recorded of a lesson; beside it on another version, where a folder of that name is there."""
    return tuple(Recording.open(DATA / name).rows)


def of(name: str, rows: Sequence[WatchEvent]) -> Recording:
    """Return such a recording with other rows; nothing is written."""
    recording = Recording.open(DATA / name)
    recording._parts, recording._stored, recording._tail = [], 0, list(rows)
    return recording


def changed(lesson: str, name: str) -> dict[str, Recording] | None:
    """Return a lesson's recordings with a change, by folder; None where there is nothing that it changes."""
    change = next(each for each in changes() if each.name == name)
    folders = [lesson, *(path.name for path in recordings.beside(DATA / lesson))]
    rows = {each: change.apply(list(rows_of(each)), random.Random(f"{SEED} {change.name}")) for each in folders}
    if not rows[lesson] or all(rows[each] == list(rows_of(each)) for each in folders):
        return None
    return {each: of(each, rows[each]) for each in folders}


def keeps_answers(lesson: str) -> bool:
    """Say whether a lesson's recording holds what it was answered."""
    return bool(Recording.open(DATA / lesson).info.get("answers"))


def answered(lesson: str, so: bool = True) -> Answers | None:
    """Return what the cluster answered to a lesson, as far as its recording doesn't hold that; or something else."""
    found = ANSWERS[lesson](so) if lesson in ANSWERS else None
    if found and so and keeps_answers(lesson):
        return {name: each for name, each in found.items() if not name.startswith("lab.")}
    return found


def as_recorded(lesson: str) -> dict[str, str]:
    """Return the verdict of each claim on the recording as it is."""
    return verdicts(of(lesson, rows_of(lesson)), answers=answered(lesson))


def one(task: tuple[str, str, Collection[str] | None]) -> dict[str, str] | None:
    """Return what one change makes of a lesson's claims; None if it changes nothing."""
    lesson, name, only = task
    if name == ANOTHER_ANSWER:
        return verdicts(of(lesson, rows_of(lesson)), only, answered(lesson, so=False))
    made = changed(lesson, name)
    return None if made is None else verdicts(made[lesson], only, answered(lesson), made)


def turned(plain: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Return the sentences whose verdict is another one."""
    return [
        text for text, verdict in found.items() if "unknown" not in (verdict, plain[text]) and verdict != plain[text]
    ]


def search(
    lesson: str,
    known: Mapping[str, str],
    keep: Callable[[dict[str, str]], None],
    quick: bool = False,
    trusted: bool = False,
) -> dict[str, str]:
    """Look for a change that turns each claim of a lesson.

    Parameters
    ----------
    lesson : str
        One whose recording is in recordings/.
    known : mapping of str to str
        What turned a claim the last time: sentence to the change's name; it is tried first.
    keep : callable
        Called with what is found so far: a search takes long.
    quick : bool
        Whether only those changes are tried that turn much.
    trusted : bool
        Whether what is known is taken for granted.

    Returns
    -------
    dict
        Each sentence that a change turns, and the change's name.
    """
    plain = as_recorded(lesson)
    found = {text: name for text, name in known.items() if text in plain and trusted}
    left = plain.keys() - found.keys()
    every = [each.name for each in changes()]
    rest = sorted([name for name in every if name not in FIRST], key=lambda name: "half" in name)
    names = dict.fromkeys([*(f"answers: {name}" for name in REPLIES), *FIRST, *([] if quick else rest)])
    other = [(ANOTHER_ANSWER, left)]
    again = [(name, {text for text in known if known[text] == name}) for name in dict.fromkeys(known.values())]
    tasks = [*(each for each in again if each[0] in every), *((name, left) for name in names)]
    tasks = [*tasks, *other] if keeps_answers(lesson) else [*other, *tasks]
    for name, texts in tasks:
        mine = texts & left
        if not left:
            break
        for text in turned(plain, one((lesson, name, mine)) or {}) if mine else ():
            found[text] = name
            left.remove(text)
        keep(found)
        print(
            f"  {name}: {len(left)} left",
            *(sorted(left) if len(left) < 9 else ()),
            sep="\n    ",
            file=sys.stderr,
            flush=True,
        )
    return found


def score(lesson: str, processes: int = 2) -> dict[str, Any]:
    """Try every change on every claim of a lesson.

    Returns
    -------
    dict
        "turned", "claims" (how many), "score" (the share), "changes" (how many changed something), and "by_claim": for
        each sentence the changes that turn it, and those that shake it. Claims that a replay doesn't make are named in
        "not_replayed".
    """
    plain = as_recorded(lesson)
    by_claim: dict[str, dict[str, list[str]]] = {text: {"turned": [], "shaken": []} for text in plain}
    names = [ANOTHER_ANSWER, *(each.name for each in changes())]
    made = 0
    with multiprocessing.get_context("forkserver").Pool(processes) as pool:
        for name, found in zip(names, pool.imap(one, [(lesson, name, None) for name in names]), strict=True):
            if found is None:
                continue
            made += 1
            for text in turned(plain, found):
                by_claim[text]["turned"].append(name)
            for text in plain:
                if found.get(text, "unknown") == "unknown" != plain[text]:
                    by_claim[text]["shaken"].append(name)
    count = sum(bool(each["turned"]) for each in by_claim.values())
    return {
        "lesson": lesson,
        "claims": len(plain),
        "turned": count,
        "score": round(count / len(plain), 3) if plain else 0.0,
        "changes": made,
        "not_replayed": sorted(set(expectations(lesson)) - set(plain)),
        "by_claim": by_claim,
    }


def write(lesson: str, found: Mapping[str, str]) -> None:
    """Write what turns the claims of a lesson beside those of the others."""
    known = json.loads(KNOWN.read_text()) if KNOWN.exists() else {}
    known[lesson] = dict(sorted(found.items()))
    KNOWN.write_text(json.dumps(dict(sorted(known.items())), indent=1, ensure_ascii=False) + "\n")


def main(arguments: Sequence[str]) -> int:
    """Find what turns the claims of lessons, of those that are known by default; say what no change turns."""
    known: dict[str, dict[str, str]] = json.loads(KNOWN.read_text()) if KNOWN.exists() else {}
    lessons = [each for each in arguments if not each.startswith("-")] or sorted(known)
    results = []
    for lesson in lessons:
        began = time.monotonic()
        if "--all" in arguments:
            results.append(score(lesson))
            found = {text: each["turned"][0] for text, each in results[-1]["by_claim"].items() if each["turned"]}
            (CHECKOUT / "build").mkdir(exist_ok=True)
            told = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
            (CHECKOUT / "build" / "mutants.json").write_text(told)
        else:
            quick, trusted = "--quick" in arguments, "--missing" in arguments
            found = search(lesson, known.get(lesson, {}), partial(write, lesson), quick, trusted)
        write(lesson, found)
        wanted = expectations(lesson)
        share = len(found) / len(wanted)
        seconds = time.monotonic() - began
        print(f"{lesson}: {len(found)} of {len(wanted)} claims turned ({share:.0%}), {seconds:.0f} s", flush=True)
        for text in wanted:
            if text not in found:
                print(f"  not turned: {text}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
