"""Exercises: the reader works on the cluster, and what was recorded of it says what is still missing."""

from __future__ import annotations

import html
import runpy
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kitlib.claims import MARKS, Check, judge
from kitlib.errors import UsageError
from kitlib.frames import Frames
from kitlib.lab.display import display

if TYPE_CHECKING:
    from kitlib.lab.lab import Lab
    from kitlib.lab.step import Step

FOLDER = "exercises"
"""Where exercises lie, beside the notebooks: a file for each of these."""


@dataclass(frozen=True)
class Exercise:
    """A task, and how what came of it is judged.

    Parameters
    ----------
    name : str
        As in `lab.exercise(name)`.
    task : str
        What is to be done, in Markdown's plain text; what stands between backticks is code.
    check : callable
        Takes the frames of the reader's step; returns a check for each sentence that should be true in the end.
    hints : sequence of str
        Shown one at a time.
    solution : str
        Python that solves it; `lab` is the lab.
    wrong : str
        Python that doesn't, although it may look so: a test runs it.
    told : str
        The sentence that is not true then.
    before : str
        Python that sets the stage.
    containers : bool
        Whether it needs containers that really run.
    """

    name: str
    task: str
    check: Callable[[Frames], Mapping[str, Check]]
    hints: Sequence[str]
    solution: str
    wrong: str
    told: str
    before: str = ""
    containers: bool = False


@dataclass(frozen=True, repr=False)
class Answer:
    """What an exercise's check says: each sentence with its verdict, and why.

    Attributes
    ----------
    lines : tuple of (str, str, str)
        Sentence, verdict ("holds", "fails", "unknown"), why.
    """

    lines: tuple[tuple[str, str, str], ...]

    @property
    def solved(self) -> bool:
        """Whether each sentence is true."""
        return bool(self.lines) and all(verdict == "holds" for _, verdict, _ in self.lines)

    def __str__(self) -> str:
        held = sum(verdict == "holds" for _, verdict, _ in self.lines)
        head = "Solved." if self.solved else f"Not yet: {held} of {len(self.lines)} so far."
        said = [
            f"{MARKS[verdict]} {sentence}" + ("" if verdict == "holds" else f": {why}")
            for sentence, verdict, why in self.lines
        ]
        return "\n".join([head, *said])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head, *said = str(self).splitlines()
        items = "".join(f"<li>{html.escape(line)}</li>" for line in said)
        return f"<div class='kitlib-exercise'><strong>{html.escape(head)}</strong><ul>{items}</ul></div>"


class Attempt(AbstractContextManager["Step"]):
    """An exercise that a reader works at: `with exercise: …`, then `exercise.check()`; made by `Lab.exercise`.

    Attributes
    ----------
    exercise : Exercise
    solved : bool
        What the last check said.
    """

    def __init__(self, lab: Lab, exercise: Exercise) -> None:
        self.exercise = exercise
        self.solved = False
        self._lab = lab
        self._entered: AbstractContextManager[Step] | None = None
        self._step: Step | None = None

    def __enter__(self) -> Step:
        self._entered = self._lab.step(f"exercise: {self.exercise.name}")
        self._step = self._entered.__enter__()
        return self._step

    def __exit__(self, *error: Any) -> bool | None:
        entered, self._entered = self._entered, None
        return entered.__exit__(*error) if entered else None

    def check(self) -> Answer:
        """Say what is right, what is still missing, and why; what counts is the last `with exercise:`.

        Raises
        ------
        UsageError
            If nothing was tried yet.
        """
        if self._step is None:
            raise UsageError(
                "nothing was tried yet",
                step="check",
                object=f"exercise {self.exercise.name}",
                next="work in `with exercise:`, then check",
            )
        asked = self.exercise.check(self._step.frames)
        answer = Answer(tuple((sentence, *judge(check)) for sentence, check in asked.items()))
        self.solved = answer.solved
        return answer

    def __repr__(self) -> str:
        return f"<Exercise {self.exercise.name!r}: {'solved' if self.solved else 'not solved'}>"

    def _ipython_display_(self) -> None:
        """Show nothing: it was shown when it was begun."""


def begin(lab: Lab, name: str) -> Attempt:
    """Show an exercise, and set its stage; see `Lab.exercise`."""
    known = load(lab.notebook, lab.base)
    if name not in known:
        raise UsageError(
            "there is no such exercise", step="exercise", object=name, next=f"choose from: {', '.join(known)}"
        )
    show(known[name])
    exec(known[name].before, {"lab": lab})  # written beside the notebook, as its cells are
    return Attempt(lab, known[name])


def show(exercise: Exercise) -> None:
    """Show a task, its hints one at a time, and last the solution: each of them is folded."""
    hints = [_folded(f"Hint {number}", _marked(hint)) for number, hint in enumerate(exercise.hints, 1)]
    code = f"<pre><code class='language-python'>{html.escape(exercise.solution.strip())}</code></pre>"
    inner = _folded("Solution", code)
    for hint in reversed(hints):
        inner = hint.replace("</details>", f"{inner}</details>")
    display(exercise.task, f"<div class='kitlib-exercise'><p>{_marked(exercise.task)}</p>{inner}</div>")


def tell(attempts: Collection[Attempt]) -> None:
    """Show how many exercises were solved, where there were any."""
    if attempts:
        text = f"Exercises: {sum(each.solved for each in attempts)} of {len(attempts)} solved"
        display(text, f"<div class='kitlib-exercise'>{text}</div>")


def _folded(summary: str, body: str) -> str:
    return f"<details><summary>{summary}</summary>{body}</details>"


def _marked(text: str) -> str:
    """Write text as HTML; what stands between backticks is code."""
    parts = html.escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))


def load(notebook: str, base: Path) -> dict[str, Exercise]:
    """Return a notebook's exercises by name.

    Parameters
    ----------
    notebook : str
    base : Path
        The folder of the notebooks.

    Raises
    ------
    UsageError
        If it has none.
    """
    path = base / FOLDER / f"{notebook}.py"
    if not path.is_file():
        raise UsageError("this notebook has no exercises", step="exercise", object=str(path), next="see notebooks/")
    return {each.name: each for each in runpy.run_path(str(path))["EXERCISES"]}  # leaves no __pycache__ there


__all__ = ["FOLDER", "Answer", "Attempt", "Exercise", "begin", "load", "show", "tell"]
