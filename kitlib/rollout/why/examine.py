"""From what is asked for down to the causes: what is met on the way, what is ruled out, what is odd."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from kitlib.rollout.fields import text
from kitlib.rollout.why import controllers
from kitlib.rollout.why.below import NEEDS, below, stuck
from kitlib.rollout.why.cause import CERTAIN, CERTAINTIES, LIKELY, Finding, Row
from kitlib.rollout.why.containers import containers
from kitlib.rollout.why.objects import Object
from kitlib.rollout.why.standing import standing
from kitlib.rollout.why.table import GROUPS
from kitlib.rollout.why.world import World

_FIRST = {"admission": 40, "jobs": 40, "controllers": 30, "nodes": 20, "crashes": 15}
"""What comes first of several certain causes: nearer to the begin of the chain, or what others follow from."""


@dataclass
class Examined:
    """What was met on the way down from an object.

    Parameters
    ----------
    findings : list of Finding
        The causes, the first one first.
    visited : list of Object
        Which objects were looked at.
    kinds : set of str
        On which kinds of objects it rests.
    """

    findings: list[Finding] = field(default_factory=list)
    visited: list[Object] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)


def examine(world: World, subject: Object) -> Examined:
    """Go down from an object that isn't what it should be, and look for causes on the way."""
    examined = Examined()
    found: list[Finding] = []
    for about, chain, weight, sure in _way(world, subject):
        examined.visited.append(about)
        examined.kinds.update(NEEDS.get(about.kind, ()))
        for each in _met(world, about):
            each.chain = [*chain, *(one for one in each.chain if one not in chain)]
            each.chain += [] if each.about.ref in each.chain else [each.about.ref]
            each.weight += weight
            if not sure and each.certainty == CERTAIN:
                each.certainty = LIKELY
            found.append(each)
    examined.findings = _ordered(found)
    return examined


def _way(world: World, subject: Object) -> Iterator[tuple[Object, list[str], int, bool]]:
    """Yield an object and what stands below it, as far as that isn't what it should be."""
    todo = [(subject, [subject.ref], 0, True)]
    seen = {subject.uid}
    while todo:
        about, chain, weight, sure = todo.pop(0)
        yield about, chain, weight, sure
        for each, more, certain in below(world, about):
            if each.uid not in seen and standing(world, each).good is not True:
                seen.add(each.uid)
                todo.append((each, [*chain, each.ref], weight + more, sure and certain))


def _met(world: World, about: Object) -> Iterator[Finding]:
    yield from controllers.find_deletion(world, about)
    if about.deleting and about.kind == "Pod" and not stuck(world, about):
        return
    for group in GROUPS:
        if about.deleting and group.name != "nodes":
            continue
        for each in group.look(world, about):
            each.weight += _FIRST.get(group.name, 0)
            yield each
    if about.kind == "Node" and about.at("spec", "unschedulable") is True:
        yield from _drain(world, about)


def _drain(world: World, node: Object) -> Iterator[Finding]:
    """Yield the budgets that keep Pods on a node that is being drained."""
    for budget in world.all("PodDisruptionBudget"):
        if budget.number("status", "disruptionsAllowed") or not budget.number("status", "expectedPods"):
            continue
        held = [pod for pod in controllers.protected(world, budget) if pod.text("spec", "nodeName") == node.name]
        if held:
            finding = controllers.blocked(budget, budget)
            finding.rows.append(Row.field_of(held[0], "spec.nodeName"))
            finding.chain = [node.ref, held[0].ref]
            finding.weight = 50
            yield finding


def _ordered(found: list[Finding]) -> list[Finding]:
    """Put the surest and deepest first, and make one of what was met on several objects alike."""
    one: dict[tuple[str, ...], Finding] = {}
    others: dict[tuple[str, ...], dict[str, None]] = defaultdict(dict)
    for each in found:
        key = each.key
        first = one.setdefault(key, each)
        if each.about.ref != first.about.ref:
            others[key][each.about.ref] = None
            first.weight = max(first.weight, each.weight)
    for key, refs in others.items():
        one[key].others += refs
    return sorted(
        one.values(),
        key=lambda each: (each.cause.symptom, CERTAINTIES.index(each.certainty), -each.weight, -len(each.others)),
    )


def ruled_out(world: World, examined: Examined) -> dict[str, str]:
    """Say of each group of causes without a finding what rules it out; what can't be ruled out isn't in it."""
    met = {each.cause.name for each in examined.findings}
    pods = [each for each in examined.visited if each.kind == "Pod" and not each.deleting]
    found = {}
    for group in GROUPS:
        if any(cause.name in met for cause in group.causes):
            continue
        of_pods = group.name not in ("admission", "controllers")
        said = group.clear(world, pods if of_pods else examined.visited)
        if said:
            found[group.name] = said
    return found


def odd(world: World, examined: Examined) -> list[Row]:
    """Return what is out of the ordinary on the objects that were looked at, whatever it means."""
    found: list[Row] = []
    for about in examined.visited[:20]:
        for condition in about.items("status", "conditions"):
            bad = ("True", "False") if text(condition, "type").endswith(("Pressure", "Failure")) else ("False", "True")
            if text(condition, "status") in ("Unknown", bad[0]):
                found.append(Row.condition_of(about, text(condition, "type")))
        for one in containers(about) if about.kind == "Pod" else ():
            if one.waiting:
                found.append(Row.field_of(about, f"{one.path}.state.waiting", f"{one.waiting}: {one.message}"))
            elif one.running and not one.ready:
                found.append(Row.field_of(about, f"{one.path}.ready", one.ready))
        warned = {each.reason: each for each in world.events(about) if each.source.text("type") == "Warning"}
        found += [Row.event_of(each) for each in warned.values()]
    return found[:12]


__all__ = ["Examined", "examine", "odd", "ruled_out"]
