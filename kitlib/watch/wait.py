"""Wait for an object, driven by its watch, and say why when the time is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from kitlib.api import status
from kitlib.api.patches import get_or_none
from kitlib.api.status import has_condition
from kitlib.api.transport import Connection, Resource
from kitlib.api.verbs import find
from kitlib.errors import UsageError, WaitTimeout
from kitlib.progress import Progress, duration
from kitlib.watch.recorder import Recorder


def wait(
    connection: Connection,
    ref: str,
    namespace: str,
    *,
    rolled_out: bool = False,
    settled: bool = False,
    deleted: bool = False,
    observed: bool = False,
    condition: str | None = None,
    until: Callable[[dict[str, Any]], Any] | None = None,
    what: str | None = None,
    timeout: float = 60,
    recorder: Recorder | None = None,
) -> float:
    """Wait for an object, driven by its watch, and say why when the time is over.

    Name one of `rolled_out`, `settled`, `deleted`, `observed`, `condition` and `until`.

    Parameters
    ----------
    connection : Connection
        Reading suffices.
    ref : str
        "deployment/web".
    namespace : str
        Where it lives.
    rolled_out : bool
        As `kubectl rollout status`: all replicas updated and available, none of the old left.
    settled : bool
        Rolled out, and no Pod of it is terminating any more.
    deleted : bool
        It exists no longer.
    observed : bool
        Its controller has seen the newest spec: status.observedGeneration is metadata.generation.
    condition : str
        "Available", "Progressing=False", "Progressing=False:ProgressDeadlineExceeded" (type=status:reason).
    until : callable
        A function of the object, true when done; `what` says it in words.
    timeout : float
        Seconds.
    recorder : Recorder, optional
        One that records its kind, Pods and ReplicaSets already; an own one is used if None.

    Returns
    -------
    float
        Seconds that it took.

    Raises
    ------
    WaitTimeout
        When the time is over, or the rollout has failed for good; the message names what is missing, Pod by Pod.
    """
    resource, name = find(connection, ref)
    goals: dict[str | None, Any] = {
        "rolled out": rolled_out,
        "settled": settled,
        "gone": deleted,
        "observed": observed,
        condition: condition,
    }
    goals[what] = until
    chosen = [words for words, wanted in goals.items() if wanted]
    if len(chosen) != 1:
        raise UsageError(
            f"{len(chosen)} goals named", step="wait", object=ref, next="name one: rolled_out=True, deleted=True, …"
        )
    if recorder is None:
        kinds = dict.fromkeys((resource.plural, "replicasets", "pods"))
        with Recorder(connection, kinds, namespace=namespace) as own:
            return wait(
                connection, ref, namespace, rolled_out=rolled_out, settled=settled, deleted=deleted,
                observed=observed, condition=condition, until=until, what=what, timeout=timeout, recorder=own,
            )  # fmt: skip
    goal = chosen[0] or "as asked"
    started = time.monotonic()
    now = get_or_none(connection, resource.path(namespace, name))
    if now is None and not deleted:
        raise UsageError("there is no such object", step="wait", object=ref, next="check its name, or apply it first")
    failure = ""

    def reached() -> bool:
        nonlocal failure
        seen = _seen(recorder, resource, name)
        progress.update(status.standing(seen))
        if deleted:
            return seen is None and (now is None or recorder.seen(resource.plural, *_version(now)))
        assert now is not None
        if not recorder.seen(resource.plural, *_version(now)):
            return False
        if seen is None:
            failure = "it was deleted meanwhile"
            return True
        if until is not None:
            return bool(until(seen))
        if condition is not None:
            return has_condition(seen, condition)
        if observed:
            return status.observed(seen)
        failure = status.failed(seen)
        return bool(failure) or (status.rolled_out(seen) and not (settled and _terminating(recorder, seen)))

    with Progress(f"wait for {ref}: {goal}") as progress:
        done = recorder.wait_for(reached, timeout)
    seen = _seen(recorder, resource, name)
    took = time.monotonic() - started
    if failure or not done:
        reason = explain(recorder, seen) if seen is not None else "it does not exist"
        raise WaitTimeout(
            f"{failure or f'not {goal} within {duration(timeout)}'}: {reason}",
            step="wait",
            object=ref,
            next=f"kubectl describe {resource.singular} {name}; mend the cause, or name a longer timeout",
        )
    return took


def explain(recorder: Recorder, seen: dict[str, Any]) -> str:
    """Say how far an object is and what holds it up: "3 of 10 updated; web-7d… Pending: 0/3 nodes are available"."""
    told = [status.standing(seen)] if status.standing(seen) else []
    pods = [pod for pod in recorder.latest("pods") if _selects(seen, pod)]
    for pod in pods:
        cause = _cause(pod)
        if cause:
            told.append(f"{pod['metadata']['name']} {cause}")
    left = len(told) - 4
    return "; ".join(told[:4]) + (f"; and {left} more" if left > 0 else "") if told else "nothing says why"


def _seen(recorder: Recorder, resource: Resource, name: str) -> dict[str, Any] | None:
    return next((item for item in recorder.latest(resource.plural) if item["metadata"]["name"] == name), None)


def _version(item: dict[str, Any]) -> tuple[str, str]:
    return item["metadata"]["uid"], item["metadata"]["resourceVersion"]


def _selects(owner: dict[str, Any], pod: dict[str, Any]) -> bool:
    selector = owner["spec"].get("selector") or {}
    wanted = selector.get("matchLabels", selector)
    labels = pod["metadata"].get("labels") or {}
    return bool(wanted) and all(labels.get(key) == value for key, value in wanted.items())


def _terminating(recorder: Recorder, owner: dict[str, Any]) -> bool:
    return any(pod["metadata"].get("deletionTimestamp") for pod in recorder.latest("pods") if _selects(owner, pod))


def _cause(pod: dict[str, Any]) -> str:
    """Say why a Pod is not ready; empty if it is."""
    status = pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp"):
        return "is terminating"
    conditions = {item["type"]: item for item in status.get("conditions") or ()}
    scheduled = conditions.get("PodScheduled")
    if scheduled and scheduled["status"] == "False":
        return f"{status.get('phase')}: {scheduled.get('message') or scheduled.get('reason')}"
    for container in status.get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting")
        if waiting and waiting.get("reason"):
            return f"{status.get('phase')}: {waiting['reason']} {waiting.get('message', '')}".strip()
    ready = conditions.get("Ready")
    if ready is None or ready["status"] != "True":
        return f"{status.get('phase')}: not ready"
    return ""


__all__ = ["explain", "wait"]
