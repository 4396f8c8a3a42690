"""Wait for an object, driven by its watch, and say why when the time is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from kitlib.api import status
from kitlib.api.patches import get_or_none
from kitlib.api.status import condition as status_of
from kitlib.api.status import condition_words, has_condition
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
    uid: str | None = None,
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
        As `kubectl rollout status`: all replicas updated and available, none of the old left. Also for Jobs
        (complete), ReplicaSets, and kinds of your own that have a condition Ready or Available.
    settled : bool
        Rolled out, and no Pod of it is terminating any more.
    deleted : bool
        It exists no longer; another object under its name, as a StatefulSet makes one, is not it.
    observed : bool
        Its controller has seen the newest spec: status.observedGeneration is metadata.generation.
    condition : str
        "Available", "Progressing=False", "Progressing=False:ProgressDeadlineExceeded" (type=status:reason); one that
        is about an older spec doesn't count.
    until : callable
        A function of the object, true when done; `what` says it in words. While it asks for a field that isn't there,
        it is not done.
    timeout : float
        Seconds.
    recorder : Recorder, optional
        One that records its kind already, and Pods; an own one is used if None.
    uid : str, optional
        Of the object that is to be deleted, where another may have its name by now; `delete` answers with it.

    Returns
    -------
    float
        Seconds that it took.

    Raises
    ------
    WaitTimeout
        When the time is over, or the rollout has failed for good; the message names what is missing, Pod by Pod.
    UsageError
        If there is no such object, or nothing in it rolls out (a Pod, a ConfigMap, update strategy OnDelete).
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
    goal = chosen[0] or "as asked"
    started = time.monotonic()
    now = get_or_none(connection, resource.path(namespace, name))
    if now is None and not deleted:
        raise UsageError("there is no such object", step="wait", object=ref, next="check its name, or apply it first")
    known = None if now is None else now["metadata"]["uid"]
    meant = (uid or known) if deleted else known
    if recorder is None and (now is None or meant != known):  # only for a deletion: there is nothing to watch
        return time.monotonic() - started
    kind = _kind(resource)
    if now is not None and (rolled_out or settled):
        status.standing(now, kind)  # of some kinds nobody can say

    failure = missing = ""
    fresh = recorder is None

    def reached(recorder: Recorder, progress: Progress) -> bool:
        nonlocal failure, missing
        seen = _seen(recorder, resource, namespace, name)
        listed = fresh and recorder.listed(resource.plural)  # what a later list doesn't have has gone since
        if now is not None and meant == known and not (listed or recorder.seen(resource.plural, *_version(now))):
            return False
        if deleted:
            return seen is None or meant not in (None, seen["metadata"]["uid"])
        if seen is None:
            failure = "it was deleted meanwhile"
            return True
        if until is not None:
            try:
                missing = ""
                return bool(until(seen))
            except (LookupError, TypeError, AttributeError) as error:  # a status may have less in it, or not be there
                missing = f"`until` asks for what isn't there ({type(error).__name__}: {error})"
                return False
        if condition is not None:
            progress.update(condition_words(seen, condition.partition("=")[0]))
            return has_condition(seen, condition) and status.up_to_date(seen, condition.partition("=")[0])
        if observed:
            return status.observed(seen)
        standing = status.standing(seen, kind)
        progress.update(standing.words)
        failure = standing.failure
        return bool(failure) or (standing.done and not (settled and _terminating(recorder, seen)))

    with ExitStack() as stack:
        watched = recorder or stack.enter_context(
            Recorder(connection, _kinds(resource, now or {}), namespace=namespace)
        )
        with Progress(f"wait for {ref}: {goal}") as progress:
            done = watched.wait_for(lambda: reached(watched, progress), timeout)
        if failure or not done:
            seen = _seen(watched, resource, namespace, name)
            why = _reason(watched, resource, seen, condition.partition("=")[0] if condition else "")
            if deleted and seen is not None and not seen["metadata"].get("deletionTimestamp"):
                why = f"nobody has deleted it; {why}"
            raise WaitTimeout(
                f"{failure or f'not {goal} within {duration(timeout)}'}: {f'{missing}; ' if missing else ''}{why}",
                step="wait",
                object=ref,
                next=f"kubectl describe {resource.singular} {name}; mend the cause, or name a longer timeout",
            )
    return time.monotonic() - started


def explain(recorder: Recorder, seen: dict[str, Any], kind: str | None = None, condition: str = "") -> str:
    """Say how far an object is and what holds it up.

    "3 out of 10 new replicas have been updated; web-7d… Pending: 0/3 nodes are available".

    Parameters
    ----------
    recorder : Recorder
        Where its Pods are recorded, if it has any.
    seen : dict
        The object.
    kind : str, optional
        Its kind; what it says itself if None.
    condition : str
        The type of a condition that is waited for.
    """
    told = [_going(seen)] if seen["metadata"].get("deletionTimestamp") else []
    told += [condition_words(seen, condition)] if condition else []
    try:
        told += [] if condition else [status.standing(seen, kind).words]
    except UsageError:
        told += [condition_words(seen) or _phase(seen, kind)]
    mine = [seen] if _is_pod(seen, kind) else _pods(recorder, seen)
    for pod in mine:
        if cause := _cause(pod):
            told.append(f"{pod['metadata']['name']} {cause}")
    told = [words for words in told if words]
    left = len(told) - 4
    return "; ".join(told[:4]) + (f"; and {left} more" if left > 0 else "") if told else "nothing says why"


def _going(item: dict[str, Any]) -> str:
    """Say what holds up a deletion."""
    held = ", ".join(map(str, item["metadata"].get("finalizers") or ()))
    return "it is being deleted" + (f", and held by its finalizers: {held}" if held else "")


def _phase(item: dict[str, Any], kind: str | None) -> str:
    """Say in which phase an object without conditions is, if it says so; of a Pod more is told."""
    found = (item.get("status") or {}).get("phase")
    return f"its phase is {found}" if isinstance(found, str) and not _is_pod(item, kind) else ""


def _reason(recorder: Recorder, resource: Resource, seen: dict[str, Any] | None, condition: str) -> str:
    """Say why a wait ended without its goal."""
    if problem := recorder.problems.get(resource.plural):
        return f"{resource.plural} can't be watched: {problem}"
    return "it does not exist" if seen is None else explain(recorder, seen, _kind(resource), condition)


def _kind(resource: Resource) -> str:
    """Return a kind's name; that of a foreign one with its group, so that nobody takes it for Kubernetes' own."""
    group = resource.group_version.rpartition("/")[0]
    return resource.kind if "." not in group or group.endswith(".k8s.io") else f"{resource.kind}.{group}"


def _kinds(resource: Resource, item: dict[str, Any]) -> list[str]:
    """Return what must be watched for an object: its kind, and Pods where it has some."""
    group = resource.group_version.rpartition("/")[0]
    own = f"{resource.plural}.{group}" if group else resource.plural
    return [own, *(["pods"] if own != "pods" and _selector(item) else [])]


def _is_pod(item: dict[str, Any], kind: str | None) -> bool:
    return (kind or item.get("kind")) == "Pod"


def _seen(recorder: Recorder, resource: Resource, namespace: str, name: str) -> dict[str, Any] | None:
    for item in recorder.latest(resource.plural):
        metadata = item["metadata"]
        here = not resource.namespaced or not namespace or metadata.get("namespace", namespace) == namespace
        if metadata["name"] == name and here:
            return item
    return None


def _version(item: dict[str, Any]) -> tuple[str, str]:
    return item["metadata"]["uid"], item["metadata"]["resourceVersion"]


def _pods(recorder: Recorder, owner: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the Pods that an object selects, as far as they are recorded."""
    if "pods" not in recorder.plurals:
        return []
    space = owner["metadata"].get("namespace")
    pods = [pod for pod in recorder.latest("pods") if pod["metadata"].get("namespace") == space]
    return [pod for pod in pods if _selects(owner, pod)]


def _selector(owner: dict[str, Any]) -> dict[str, Any]:
    selector = (owner.get("spec") or {}).get("selector")
    return selector if isinstance(selector, dict) else {}


def _selects(owner: dict[str, Any], pod: dict[str, Any]) -> bool:
    selector = _selector(owner)
    labels = pod["metadata"].get("labels") or {}
    by_label = "matchLabels" in selector or "matchExpressions" in selector
    wanted = (selector.get("matchLabels") or {}) if by_label else selector
    asked = selector.get("matchExpressions") or [] if by_label else []
    return (
        bool(wanted or asked)
        and all(labels.get(key) == value for key, value in wanted.items())
        and all(_fits(expression, labels) for expression in asked)
    )


def _fits(expression: dict[str, Any], labels: dict[str, str]) -> bool:
    key, values = str(expression.get("key")), expression.get("values") or ()
    return {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }.get(str(expression.get("operator")), False)


def _terminating(recorder: Recorder, owner: dict[str, Any]) -> bool:
    return any(pod["metadata"].get("deletionTimestamp") for pod in _pods(recorder, owner))


def _cause(pod: dict[str, Any]) -> str:
    """Say why a Pod is not ready; empty if it is."""
    status = pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp"):
        return "is terminating"
    phase = status.get("phase")
    if phase in ("Succeeded", "Failed"):
        said = ": ".join(str(status[key]) for key in ("reason", "message") if status.get(key))
        return "" if phase == "Succeeded" else f"Failed: {said}".rstrip(": ")
    scheduled = status_of(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        return f"{phase}: {scheduled.get('message') or scheduled.get('reason')}"
    for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        waiting = (container.get("state") or {}).get("waiting")
        if waiting and waiting.get("reason"):
            return f"{phase}: {waiting['reason']} {waiting.get('message', '')}".strip()
    return "" if has_condition(pod, "Ready") else f"{phase}: not ready"


__all__ = ["explain", "wait"]
