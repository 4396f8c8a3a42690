"""What a cause is (a row of the table), what a finding is (a cause, met on an object), and what shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from kitlib.rollout.fields import at, text
from kitlib.rollout.why.objects import Event, Object
from kitlib.rollout.why.world import World

CERTAIN = "certain"
"""The component in charge said so."""
LIKELY = "likely"
"""Signs speak for it."""
UNTOLD = "can't be told"
"""Too little was seen."""
CERTAINTIES = (CERTAIN, LIKELY, UNTOLD)
"""How sure a cause is, the surest first."""
DOCS = "https://kubernetes.io/docs/"
"""Where Kubernetes' pages are."""


@dataclass(frozen=True)
class Cause:
    """A row of the table.

    Parameters
    ----------
    name : str
        Its short name, unique in the table.
    signs : str
        By what it is known.
    sentence : str
        What is said of it; names in braces are the finding's values.
    command : str
        What to type next; `{ns}` is the namespace, `{name}` the object on which it was met.
    page : str
        Kubernetes' page, below `DOCS`.
    symptom : bool
        Whether it only follows from others: it comes first only where none of them is met.
    """

    name: str
    signs: str
    sentence: str
    command: str
    page: str
    symptom: bool = False


@dataclass(frozen=True)
class Row:
    """What shows a finding: one field of one version of one object.

    Parameters
    ----------
    object : str
        As kubectl names it: "pod/web-1"; for an Event the object that it is about.
    field : str
        Where in it: "status.phase"; for an Event its reason.
    value : str
        What stands there.
    version : str
        The resourceVersion of the object, or of the Event.
    """

    object: str
    field: str
    value: str
    version: str

    @classmethod
    def field_of(cls, found: Object, path: str, value: Any = None) -> Row:
        """Return a row that shows a field of an object."""
        shown = at(found.body, *path.split(".")) if value is None else value
        return cls(found.ref, path, "(absent)" if shown is None else text(str(shown)), found.version)

    @classmethod
    def condition_of(cls, found: Object, kind: str) -> Row:
        """Return a row that shows a condition."""
        condition = found.condition(kind)
        said = [text(condition, key) for key in ("status", "reason", "message")]
        shown = ": ".join(each for each in said if each) or "(absent)"
        return cls(found.ref, f"status.conditions[{kind}]", shown, found.version)

    @classmethod
    def event_of(cls, event: Event) -> Row:
        """Return a row that shows an Event."""
        times = f" ({event.count} times)" if event.count > 1 else ""
        about = f"{event.kind.lower()}/{event.name}"
        return cls(about, f"Event {event.reason}{times}", event.message, event.source.version)


@dataclass
class Finding:
    """A cause, met on an object.

    Parameters
    ----------
    cause : Cause
        Which.
    about : Object
        On which object it was met.
    certainty : str
        One of `CERTAINTIES`.
    values : dict
        What its sentence names.
    rows : list of Row
        What shows it.
    below : list of str
        How the chain goes on below the object: "container main", "node node-1".
    weight : int
        Of two findings of one certainty and kind, the one with more comes first.
    chain : list of str
        From what was asked for down to where it was met.
    others : list of str
        Further objects on which the same was met.
    """

    cause: Cause
    about: Object
    certainty: str
    values: dict[str, Any]
    rows: list[Row]
    below: list[str] = field(default_factory=list)
    weight: int = 0
    chain: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """What is said of it."""
        return self.cause.sentence.format_map(_Values(self.values, who=self.who, ns=self.about.namespace))

    @property
    def who(self) -> str:
        """On which object it was met, or on how many."""
        more = f" (and {len(self.others)} more like it)" if self.others else ""
        return f"{self.about.kind} {self.about.name}{more}"

    @property
    def command(self) -> str:
        """What to type next."""
        named = _Values(self.values, ns=self.about.namespace, name=self.about.name, kind=self.about.kind.lower())
        return self.cause.command.format_map(named)

    @property
    def key(self) -> tuple[str, ...]:
        """What of two findings is the same where they are one cause on two objects alike."""
        same = sorted((key, str(each)) for key, each in self.values.items() if key not in ("said", "times"))
        return self.about.kind, self.cause.name, self.certainty, *(f"{key}={each}" for key, each in same)


class _Values(dict[str, Any]):
    def __init__(self, values: dict[str, Any], **more: Any) -> None:
        super().__init__({**values, **more})

    def __missing__(self, key: str) -> str:
        return ""


Find = Callable[[World, Object], Iterable[Finding]]
"""Looks for causes on one object."""


@dataclass(frozen=True)
class Group:
    """Causes of one sort, and who looks for them.

    Parameters
    ----------
    name : str
        Such as "scheduling".
    causes : tuple of Cause
        Its rows of the table.
    find : dict
        For each kind of object that it looks at: who looks.
    clear : callable
        What it rules out if nothing was found on these objects; empty if it can't.
    """

    name: str
    causes: tuple[Cause, ...]
    find: dict[str, Find]
    clear: Callable[[World, list[Object]], str] = lambda world, objects: ""

    def look(self, world: World, found: Object) -> Iterator[Finding]:
        """Look for its causes on an object."""
        if found.kind in self.find:
            yield from self.find[found.kind](world, found)


def the(causes: Iterable[Cause]) -> dict[str, Cause]:
    """Return causes by their names."""
    return {each.name: each for each in causes}


__all__ = ["CERTAIN", "CERTAINTIES", "DOCS", "LIKELY", "UNTOLD", "Cause", "Finding", "Group", "Row", "the"]
