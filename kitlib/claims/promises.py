"""The verb `kept`: what `kitlib.rollout` says of a controller's promise, as a check."""

from __future__ import annotations

from kitlib.claims.checks import Check
from kitlib.rollout import Answer


def kept(answer: Answer, *promises: str) -> Check:
    """Check that a controller kept its promises at every resourceVersion; one that was never tested can't tell.

    Parameters
    ----------
    answer : Answer
        Of `rollout.statefulset`, `rollout.daemonset`, `rollout.job` or `rollout.cronjob`.
    *promises : str
        Their short names, as `answer.promises` has them; all that were put to the test if none is named.

    Raises
    ------
    UsageError
        If it makes no promise of that name; it names those that it makes.
    """
    named = promises or tuple(each for each in answer.promises if answer.tested.get(each))
    found = {each: answer.of(each) for each in named}
    table, broken = answer.table, answer.breaches
    evidence = table[table["promise"].isin(named)]
    if False in found.values():
        rows = broken[broken["promise"].isin(named)]
        first = rows.iloc[0]
        tried = sum(answer.tested.get(each, 0) for each in set(rows["promise"]))
        why = f"tested {_times(tried)}, broken {_times(len(rows))}; {first['object']}: {first['text']}"
        return Check(False, why, rows, fragile=False)
    untested = [each for each in named if not answer.tested.get(each)]
    if untested or not named:
        return Check(None, f"nothing has put it to the test: {', '.join(untested) or 'any promise'}", evidence)
    if None in found.values():
        gap = answer.gaps[0]
        return Check(None, f"the recording has a gap of {gap.kind} here", evidence)
    told = "; ".join(f"tested {_times(answer.tested[each])}, never broken: {answer.promises[each]}" for each in named)
    return Check(True, told, evidence, fragile=False)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


__all__ = ["kept"]
