"""`why`: what is the matter with one object, with its evidence; and the names by which objects are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kitlib.errors import UsageError
from kitlib.rollout.kinds import kind_of
from kitlib.rollout.why import examine
from kitlib.rollout.why.below import NEEDS
from kitlib.rollout.why.cause import CERTAIN, DOCS, LIKELY, UNTOLD, Finding, Row
from kitlib.rollout.why.objects import Object
from kitlib.rollout.why.standing import standing
from kitlib.rollout.why.world import World

FINE, EXPLAINED, UNDER_WAY, UNKNOWN = "fine", "explained", "under way", "unknown"
_STARTING = ("ContainerCreating", "PodInitializing")
_UNMET = ("Ready", "ContainersReady", "Available", "Initialized", "PodReadyToStartContainers")
_USUAL = (".ready", *(f"status.conditions[{each}]" for each in _UNMET))
"""What is so while anything starts."""


@dataclass(eq=False)
class Answer:
    """What is the matter with one object.

    Parameters
    ----------
    subject : Object
        Which.
    now : datetime
        The moment that it is about.
    standing : str
        How far the object is, as it says itself.
    good : bool or None
        Whether it is what it should be; None if its kind doesn't say.
    state : str
        fine: it is what it should be; explained: a cause was found; under way: nothing holds it up that could be seen;
        unknown: no known cause fits, or too little was seen.
    findings : list of Finding
        The causes, the first one first.
    ruled_out : dict
        For each group of causes that can't be it: why.
    odd : list of Row
        What is out of the ordinary; only where nothing explains it.
    unseen : dict
        Of the kinds on which the answer rests, those of which not all was seen, and why.
    """

    subject: Object
    now: datetime
    standing: str
    good: bool | None
    state: str
    findings: list[Finding]
    ruled_out: dict[str, str]
    odd: list[Row]
    unseen: dict[str, str]

    @property
    def first(self) -> Finding | None:
        """The cause that comes first; None if there is none."""
        return self.findings[0] if self.findings else None

    @property
    def certainty(self) -> str:
        """How sure the answer is."""
        if self.state in (FINE, UNDER_WAY):
            return LIKELY if self.state == FINE and self.unseen and self.good else CERTAIN
        return self.first.certainty if self.first else UNTOLD

    @property
    def sentence(self) -> str:
        """The answer in one sentence."""
        called = f"{self.subject.kind} {self.subject.name}"
        if self.state == FINE:
            return f"{called} is what it should be: {self.standing}."
        if self.first is not None:
            lacks = f" What is behind it can't be told: {_lack(self.unseen)}." if self._only_symptoms else ""
            return f"{self.first.sentence}.{lacks}"
        if self.state == UNDER_WAY:
            return f"{called} is under way: {self.standing}; nothing that could be seen holds it up."
        if self.unseen and self.good is None:
            return f"{called}: {self.standing}. Nothing wrong was seen, but {_lack(self.unseen)}."
        if self.unseen:
            return f"{called}: {self.standing}. Why can't be told: {_lack(self.unseen)}."
        return f"{called}: {self.standing}. No known cause fits; below is what is odd."

    @property
    def _only_symptoms(self) -> bool:
        return bool(self.unseen) and all(each.cause.symptom for each in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return it as values that JSON has."""
        return {
            "subject": self.subject.ref,
            "namespace": self.subject.namespace,
            "at": self.now.isoformat(),
            "state": self.state,
            "certainty": self.certainty,
            "sentence": self.sentence,
            "causes": [_finding(each) for each in self.findings],
            "ruled_out": self.ruled_out,
            "odd": [_row(each) for each in self.odd],
            "not_seen": self.unseen,
        }


def why(world: World, kind: str, name: str, namespace: str = "") -> Answer:
    """Say what is the matter with an object.

    Parameters
    ----------
    world : World
        What was there.
    kind, name : str
        Which object; the kind as Kubernetes writes it: "Deployment".
    namespace : str
        Where; empty for what lives in none.

    Raises
    ------
    UsageError
        If it isn't there; it names those of its kind that are.
    """
    subject = world.get(kind, namespace, name)
    if subject is None:
        there = [each.name for each in world.all(kind, namespace)]
        reason = world.why_unseen(kind)
        raise UsageError(
            f"there is no {kind} {name} here" + (f", as far as is known: {reason}" if reason else ""),
            step="why",
            object=namespace,
            next=f"name one of: {', '.join(there[:20])}" if there else f"there is no {kind} at all; name another kind",
        )
    how = standing(world, subject)
    if how.good:
        rests = {"Pod": world.why_unseen("Pod")} if "Pod" in NEEDS.get(kind, ()) and not world.sees("Pod") else {}
        return Answer(subject, world.now, how.words, True, FINE, [], {}, [], rests)
    examined = examine.examine(world, subject)
    kinds = sorted(examined.kinds | set(NEEDS.get(kind, ())))
    unseen = {each: world.why_unseen(each) for each in kinds if world.why_unseen(each)}
    strange = examine.odd(world, examined) if not examined.findings else []
    state = EXPLAINED if examined.findings else _unexplained(how.good, strange, unseen)
    ruled_out = examine.ruled_out(world, examined) if state != FINE else {}
    return Answer(subject, world.now, how.words, how.good, state, examined.findings, ruled_out, strange, unseen)


def _unexplained(good: bool | None, strange: list[Row], unseen: dict[str, str]) -> str:
    """Return the state where no cause was found."""
    if set(unseen) - {"Node", "StorageClass", "PersistentVolumeClaim"}:
        return UNKNOWN
    if good is None and not strange:
        return FINE
    telling = [each for each in strange if not each.field.endswith(_USUAL) and not each.value.startswith(_STARTING)]
    return UNKNOWN if telling else UNDER_WAY


def parse(ref: str) -> tuple[str, str]:
    """Read what kubectl would take: "deploy/web", "pods/web-1", "Deployment/web".

    Returns
    -------
    tuple of str
        The kind, as Kubernetes writes it where it is one of those that `why` knows, and the name.

    Raises
    ------
    UsageError
        If it has another form.
    """
    kind, name = asked(ref)
    if not name:
        raise UsageError(f"{ref!r} names no object", step="why", next="name it as kubectl does: deployment/web")
    return kind, name


def asked(words: str) -> tuple[str, str]:
    """Read what kubectl would take for one object, or for all of a kind: "deploy/web", "deployments".

    Returns
    -------
    tuple of str
        As of `parse`; the name is empty where none is given.

    Raises
    ------
    UsageError
        If it has another form.
    """
    word, slash, name = words.partition("/")
    if not word or "/" in name or bool(slash) != bool(name):
        raise UsageError(f"{words!r} names no object", step="why", next="name it as kubectl does: deployment/web")
    return kind_of(word), name


def _lack(unseen: dict[str, str]) -> str:
    reasons: dict[str, list[str]] = {}
    for kind, reason in unseen.items():
        reasons.setdefault(reason, []).append(f"{kind}s")
    return "; ".join(f"{', '.join(kinds)} weren't seen ({reason})" for reason, kinds in reasons.items())


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "cause": found.cause.name,
        "certainty": found.certainty,
        "sentence": found.sentence,
        "object": found.about.ref,
        "others": found.others,
        "chain": [*found.chain, *found.below],
        "rows": [_row(each) for each in found.rows],
        "next": found.command,
        "page": DOCS + found.cause.page,
    }


def _row(row: Row) -> dict[str, str]:
    return {"object": row.object, "field": row.field, "value": row.value, "resourceVersion": row.version}


__all__ = ["EXPLAINED", "FINE", "UNDER_WAY", "UNKNOWN", "Answer", "asked", "parse", "why"]
