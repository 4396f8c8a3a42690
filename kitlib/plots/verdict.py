"""The verdict of `kitlib.rollout` in words: whether the promise was kept, and how long it took."""

from __future__ import annotations

from kitlib.plots.style import amount, plain
from kitlib.plots.timeaxis import Clock
from kitlib.rollout.verdict import Change, Verdict, counted

CHANGES = {"created": "Created", "template": "Template changed", "revision": "New revision", "scaled": "Scaled"}
"""What may change, in words."""


def what(change: Change) -> str:
    """Return what changed, in a few words."""
    if change.what == "scaled":
        return f"scaled {change.before} → {change.after}"
    if change.what == "created" or not change.before or change.before == change.after:
        return f"revision {change.after}" if change.after else "a rollout"
    return f"revision {change.before} → {change.after}"


def done(change: Change) -> str:
    """Return what it is when it is done."""
    return "scaled" if change.what == "scaled" else "rolled out"


def lasting(change: Change, clock: Clock) -> str:
    """Return how long it took, or has taken when the recording ends."""
    took = clock.lasting((clock.end if change.end is None else change.end) - change.begin)
    return f"{change.loose} {took}" if change.loose else took


def headline(verdict: Verdict, clock: Clock) -> tuple[bool | None, str]:
    """Return the answer in one line, and whether it is good (None: neither)."""
    good, words = _answer(verdict, clock)
    return good, words if verdict.deleted is None else f"{words} · deleted at {clock.at(verdict.deleted)}"


def _answer(verdict: Verdict, clock: Clock) -> tuple[bool | None, str]:
    good = verdict.kept
    if good is None:
        first = "No promise broken in what was recorded"
    elif not good:
        first = _broken(verdict)
    elif verdict.bounds.strategy == "Recreate" and verdict.unavailable_ns:
        first = f"Old gone before new came · no Pod available for {clock.lasting(verdict.unavailable_ns)}"
    else:
        first = "Promise kept"
    told = counted(verdict.changes)
    if not told:
        return good, first
    if told[-1].end is None and not told[-1].overtaken:
        late = f"Not finished after {lasting(told[-1], clock)}"
        if verdict.broken:
            return False, f"{first} · {late[:1].lower()}{late[1:]}"
        return None, f"{late} · {first[:1].lower()}{first[1:]}"
    took = [lasting(change, clock) for change in told if change.end is not None]
    overtaken = len(told) - len(took)
    parts = [first]
    if len(took) == 1:
        parts.append(f"{done(told[-1])} in {took[0]}")
    elif took:
        often = f"{done(told[-1])} {len(took)} times"
        parts.append(f"{often}: {', '.join(took)}" if len(took) <= 4 else f"{often}, at last in {took[-1]}")
    if overtaken:
        parts.append(f"{amount(overtaken, 'change')} overtaken")
    return good, " · ".join(parts)


def _broken(verdict: Verdict) -> str:
    if verdict.mixed:
        return "Promise broken: old and new Pods at once"
    worst = max(verdict.breaches, key=lambda breach: abs(breach.value - breach.bound))
    if worst.over:
        return f"Promise broken: {amount(worst.value)}, {worst.bound} allowed"
    return f"Promise broken: {worst.value} available, {worst.bound} promised"


def subject(verdict: Verdict) -> str:
    """Return what the figure is about, in one line."""
    name = f"deployment/{plain(verdict.deployment.name)}"
    if verdict.several:
        name += f" of {plain(verdict.deployment.namespace)}"
    rolled = counted(verdict.changes)
    if len(rolled) == 1:
        name += f", {what(rolled[0])}"
    elif rolled and all(change.after for change in rolled):
        numbers = [rolled[0].before, *(change.after for change in rolled)]
        kind = "replicas" if rolled[0].what == "scaled" else "revision"
        if len(numbers) <= 6:
            name += f", {kind} {' → '.join(str(number) for number in dict.fromkeys(numbers) if number)}"
    bounds = verdict.bounds
    if bounds.strategy == "Recreate":
        return f"{name} · {amount(bounds.desired, 'replica')}, Recreate"
    surge, unavailable = (written or "0" for written in verdict.written)
    return f"{name} · {amount(bounds.desired, 'replica')}, maxSurge {surge}, maxUnavailable {unavailable}"


def in_words(verdict: Verdict, clock: Clock) -> list[str]:
    """Return the verdict as sentences."""
    bounds = verdict.bounds
    surge, unavailable = verdict.written
    if bounds.strategy == "Recreate":
        lines = [
            f"Promise (Recreate, {amount(bounds.desired, 'replica')}): the old Pods are gone before a new one is made,"
            f" at most {bounds.upper} that are not terminating; no minimum of available Pods."
        ]
    else:
        lines = [
            f"Promise ({bounds.strategy}, {amount(bounds.desired, 'replica')}, maxSurge {surge or 0},"
            f" maxUnavailable {unavailable or 0}): at most {bounds.upper} Pods that are not terminating,"
            f" at least {bounds.lower} available."
        ]
    kept = "no" if verdict.broken else "as far as it was recorded" if verdict.gaps else "yes"
    lines.append(
        f"Kept: {kept}. Its ReplicaSets asked for at most {amount(verdict.most)} of {verdict.upper} allowed;"
        f" at most {verdict.seen} were seen at once."
    )
    if verdict.crowded_ns:
        lines.append(
            f"For {clock.lasting(verdict.crowded_ns)} there were more than allowed: Pods are made and deleted a little"
            " after the ReplicaSets ask for it."
        )
    if verdict.mixed:
        lines.append("Pods of two ReplicaSets existed at once.")
    if bounds.strategy != "Recreate":
        lines.append(
            f"The fewest available were {verdict.least} of {verdict.lower} promised."
            if verdict.armed
            else f"It never came to {bounds.lower} available Pods."
        )
    for breach in verdict.breaches:
        kind = "wanted instead of at most" if breach.over else "available instead of at least"
        number = f"{amount(breach.value)} {kind}"
        lines.append(f"Broken from {clock.at(breach.begin)} to {clock.at(breach.end)}: {number} {breach.bound}.")
    if verdict.unavailable_ns:
        lines.append(f"No Pod was available for {clock.lasting(verdict.unavailable_ns)}.")
    for change in verdict.changes:
        told = f"{CHANGES[change.what]} ({what(change)}) at {clock.at(change.begin)}: "
        if change.end is not None:
            told += f"finished at {clock.at(change.end)}, after {lasting(change, clock)}."
        elif change.overtaken and change is verdict.changes[-1]:
            told += "the Deployment was deleted before it was finished."
        elif change.overtaken:
            told += "overtaken by the next change."
        else:
            told += f"not finished when the recording ends, after {lasting(change, clock)}."
        lines.append(told)
    if verdict.deleted is not None:
        lines.append(f"It was deleted at {clock.at(verdict.deleted)}; what came then is not judged.")
    if verdict.earlier:
        others = "Another Deployment" if verdict.earlier == 1 else f"{verdict.earlier} other Deployments"
        lines.append(f"{others} had its name before; this is about the last one.")
    return lines
