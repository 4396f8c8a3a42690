"""Manifests → the API server: apply, patch, scale, roll back, delete, and waits that end with a reason.

Every write is a server-side operation under one field manager and returns a `Change`: what it did, as a person would
say it, and the kubectl command that does the same.
"""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from kitlib.api.transport import Connection, Resource
from kitlib.errors import ServerError, UsageError, WaitTimeout
from kitlib.frames.columns import HASH, REVISION
from kitlib.progress import Progress, duration
from kitlib.watch import Recorder

MANAGER = "kitlib"
"""The field manager of all that kitlib writes."""
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
_NOISE = ("status", "managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")


@dataclass(frozen=True)
class Change:
    """What a write did to one object.

    Parameters
    ----------
    object : str
        "deployment.apps/web".
    verb : str
        created, configured, unchanged, patched, scaled, deleted …
    diff : list of tuple
        (path, old, new) of each field that changed; None where there was, or is, nothing.
    kubectl : str
        The command that does the same.
    result : dict
        The object as the server answered.
    """

    object: str
    verb: str
    diff: list[tuple[str, Any, Any]] = field(default_factory=list)
    kubectl: str = ""
    result: dict[str, Any] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        lines = [f"{self.object} {self.verb}"]
        lines += [f"  {path}: {_short(old)} → {_short(new)}" for path, old, new in self.diff]
        if self.kubectl:
            lines.append(f"  $ {self.kubectl}")
        return "\n".join(lines)


def load(source: str | Path | dict | Iterable[dict], base: Path | None = None) -> list[dict[str, Any]]:
    """Read manifests: a path, YAML text, one object or several.

    Parameters
    ----------
    source : str, Path, dict or iterable of dict
        A string with a line break, or with a colon and a space, is YAML text; any other a path.
    base : Path, optional
        Folder that a relative path is meant from; the current one if None.

    Raises
    ------
    UsageError
        If there is no such file, it is no YAML, or an object lacks apiVersion, kind or metadata.name.
    """
    name = "manifest"
    if isinstance(source, dict):
        documents: list[Any] = [source]
    elif isinstance(source, str | Path):
        text = str(source)
        if _is_path(source):
            name = text
            try:
                text = ((base or Path()) / text).read_text(encoding="utf-8")
            except OSError as error:
                raise UsageError(
                    f"can't be read: {error.strerror}",
                    step="load",
                    object=name,
                    next=f"check the path; it is meant from {base or Path.cwd()}",
                ) from error
        try:
            documents = [document for document in yaml.safe_load_all(text) if document is not None]
        except yaml.YAMLError as error:
            raise UsageError(f"this is no YAML: {error}", step="load", object=name, next="mend that line") from error
    else:
        documents = list(source)
    for number, document in enumerate(documents, 1):
        metadata = document.get("metadata") if isinstance(document, dict) else None
        missing = [key for key in ("apiVersion", "kind") if not (isinstance(document, dict) and document.get(key))]
        if not isinstance(metadata, dict) or not metadata.get("name"):
            missing.append("metadata.name")
        if missing:
            raise UsageError(
                f"document {number} has no {', '.join(missing)}",
                step="load",
                object=name,
                next="every object needs apiVersion, kind and metadata.name",
            )
    if not documents:
        raise UsageError("there is no object in it", step="load", object=name, next="check the file")
    return documents


def apply(
    connection: Connection,
    source: str | Path | dict | Iterable[dict],
    namespace: str,
    base: Path | None = None,
    dry_run: bool = False,
) -> list[Change]:
    """Apply manifests on the server's side, and say what changed.

    Unknown fields and wrong types are refused (fieldValidation=Strict). A field that kitlib itself changed by a patch
    or by scaling is taken back; a field that anybody else owns is a conflict.

    Parameters
    ----------
    connection : Connection
        A writable one.
    source : str, Path, dict or iterable of dict
        As `load` takes it.
    namespace : str
        For objects that live in one and don't name it.
    dry_run : bool
        Ask the server what would change, and change nothing.

    Raises
    ------
    UsageError, ServerError, RefusedError
        For a manifest that can't be read, that the server refuses, or a cluster that may not be written to.
    """
    file = str(source) if _is_path(source) else "-"
    changes = []
    for manifest in load(source, base):
        resource = connection.discover(manifest["kind"], manifest["apiVersion"])
        metadata = manifest["metadata"]
        own = metadata.get("namespace") or namespace
        path = resource.path(own, metadata["name"])
        before = _get(connection, path)
        query: dict[str, Any] = {"fieldManager": MANAGER, "fieldValidation": "Strict"}
        if dry_run:
            query["dryRun"] = "All"
        body = json.dumps(manifest)
        try:
            answer = connection.request("PATCH", path, query, body, content_type=APPLY)
        except ServerError as error:
            if error.status.get("code") != 409 or not _only_own(error.status):
                raise _named(error, "apply", resource, metadata["name"]) from None
            answer = connection.request("PATCH", path, {**query, "force": "true"}, body, content_type=APPLY)
        after = json.loads(answer)
        kubectl = f"kubectl apply --server-side -f {file}" + (" --dry-run=server" if dry_run else "")
        diff = [] if before is None else difference(before, after)
        verb = "created" if before is None else ("configured" if diff else "unchanged")
        changes.append(
            Change(_named_object(resource, metadata["name"]), verb + " (dry run)" * dry_run, diff, kubectl, after)
        )
    return changes


def patch(
    connection: Connection, ref: str, body: dict[str, Any], namespace: str, content_type: str = STRATEGIC
) -> Change:
    """Change some fields of an object, as `kubectl patch` does.

    Parameters
    ----------
    connection : Connection
        A writable one.
    ref : str
        "deployment/web".
    body : dict
        Just the fields that change.
    namespace : str
        Where it lives.
    content_type : str
        STRATEGIC (lists are merged by key, kubectl's default) or MERGE.
    """
    resource, name = find(connection, ref)
    kind = "" if content_type == STRATEGIC else " --type=merge"
    kubectl = f"kubectl patch {resource.singular} {name}{kind} -p {shlex.quote(json.dumps(body))}"
    return _patch(connection, resource, name, namespace, body, content_type, "patched", kubectl)


def scale(connection: Connection, ref: str, replicas: int, namespace: str) -> Change:
    """Set spec.replicas, as `kubectl scale` does."""
    resource, name = find(connection, ref)
    kubectl = f"kubectl scale {resource.singular} {name} --replicas={replicas}"
    body = {"spec": {"replicas": replicas}}
    return _patch(connection, resource, name, namespace, body, MERGE, "scaled", kubectl)


def set_image(connection: Connection, ref: str, image: str, namespace: str, container: str | None = None) -> Change:
    """Change a container's image in the Pod template, as `kubectl set image` does.

    Parameters
    ----------
    container : str, optional
        Its name; may be left out if there is one only.
    """
    resource, name = find(connection, ref)
    containers = _containers(connection, resource, name, namespace)
    if container is None and len(containers) == 1:
        container = containers[0]
    if container not in containers:
        raise UsageError(
            f"no container {container!r}" if container else "it has several containers",
            step="set image",
            object=ref,
            next="name one of: " + ", ".join(containers),
        )
    body = {"spec": {"template": {"spec": {"containers": [{"name": container, "image": image}]}}}}
    kubectl = f"kubectl set image {resource.singular}/{name} {container}={image}"
    return _patch(connection, resource, name, namespace, body, STRATEGIC, "image updated", kubectl)


def pause(connection: Connection, ref: str, namespace: str, paused: bool = True) -> Change:
    """Pause a rollout, or resume it with `paused=False`, as `kubectl rollout pause` and `resume` do."""
    resource, name = find(connection, ref)
    word = "pause" if paused else "resume"
    kubectl = f"kubectl rollout {word} {resource.singular}/{name}"
    body = {"spec": {"paused": paused or None}}
    return _patch(connection, resource, name, namespace, body, MERGE, f"{word}d", kubectl)


def taint(connection: Connection, node: str, taint: str) -> Change:
    """Add a taint to a node, or remove it, as `kubectl taint` does.

    Parameters
    ----------
    connection : Connection
        A writable one.
    node : str
        Its name.
    taint : str
        "key=value:effect"; with a dash at its end it is removed.

    Raises
    ------
    UsageError
        If the taint is not of that form.
    ServerError
        If there is no such node, or others change it all the time.
    """
    words, removed = taint.removesuffix("-"), taint.endswith("-")
    name, _, effect = words.rpartition(":")
    key, _, value = name.partition("=")
    if not key or not effect:
        raise UsageError(f"{taint!r} is no taint", step="taint", object=node, next='write "key=value:NoExecute"')
    resource = connection.discover("nodes")
    kubectl = f"kubectl taint node {node} {shlex.quote(taint)}"
    tries = 5
    while True:
        known = get(connection, f"node/{node}", "")
        others = [each for each in known["spec"].get("taints") or () if (each["key"], each["effect"]) != (key, effect)]
        wanted = others if removed else [*others, {"key": key, "value": value, "effect": effect}]
        body = {"metadata": {"resourceVersion": known["metadata"]["resourceVersion"]}, "spec": {"taints": wanted}}
        try:
            verb = "untainted" if removed else "tainted"
            return _patch(connection, resource, node, "", body, MERGE, verb, kubectl)
        except ServerError as error:
            tries -= 1
            if error.status.get("code") != 409 or not tries:  # another writer came first
                raise


def undo(connection: Connection, ref: str, namespace: str, to_revision: int | None = None) -> Change:
    """Roll a Deployment back, as `kubectl rollout undo` does: put an old ReplicaSet's template into the Deployment.

    Parameters
    ----------
    to_revision : int, optional
        The revision; the one before the current if None.

    Raises
    ------
    UsageError
        If no ReplicaSet holds that revision any more.
    """
    resource, name = find(connection, ref)
    sets_path = connection.discover("ReplicaSet", "apps/v1").path(namespace)
    owner = connection.get(resource.path(namespace, name))
    uid = owner["metadata"]["uid"]
    old: dict[int, dict[str, Any]] = {}
    for item in connection.get(sets_path)["items"]:
        references = item["metadata"].get("ownerReferences") or ()
        number = (item["metadata"].get("annotations") or {}).get(REVISION, "")
        if any(reference["uid"] == uid for reference in references) and number.isdigit():
            old[int(number)] = item["spec"]["template"]
    current = int((owner["metadata"].get("annotations") or {}).get(REVISION, 0))
    wanted = to_revision or max((number for number in old if number != current), default=0)
    kubectl = f"kubectl rollout undo {resource.singular}/{name}" + (
        f" --to-revision={to_revision}" if to_revision else ""
    )
    if wanted not in old or (wanted == current and not to_revision):
        raise UsageError(
            f"no ReplicaSet holds revision {to_revision}" if to_revision else "no old ReplicaSet is left to go back to",
            step="rollout undo",
            object=ref,
            next=f"revisions that are there: {sorted(old) or 'none'}; revisionHistoryLimit decides how many are kept",
        )
    template = json.loads(json.dumps(old[wanted]))
    (template["metadata"].get("labels") or {}).pop(HASH, None)
    body = [{"op": "replace", "path": "/spec/template", "value": template}]
    after = json.loads(
        connection.request(
            "PATCH",
            resource.path(namespace, name),
            {"fieldManager": MANAGER},
            body,
            content_type="application/json-patch+json",
        )
    )
    return Change(_named_object(resource, name), "rolled back", difference(owner, after), kubectl, after)


def delete(
    connection: Connection, ref: str, namespace: str, propagation: str | None = None, grace: int | None = None
) -> Change:
    """Delete an object.

    Parameters
    ----------
    propagation : str, optional
        Background, Foreground or Orphan; the server's default if None.
    grace : int, optional
        Grace period in seconds; the object's own if None.
    """
    resource, name = find(connection, ref)
    options = {"kind": "DeleteOptions", "apiVersion": "v1"}
    body = {**options, **({"propagationPolicy": propagation} if propagation else {})}
    if grace is not None:
        body["gracePeriodSeconds"] = grace  # type: ignore[assignment]
    kubectl = f"kubectl delete {resource.singular} {name}"
    kubectl += f" --cascade={propagation.lower()}" if propagation else ""
    kubectl += f" --grace-period={grace}" if grace is not None else ""
    try:
        answer = json.loads(connection.request("DELETE", resource.path(namespace, name), body=body))
    except ServerError as error:
        raise _named(error, "delete", resource, name) from None
    return Change(_named_object(resource, name), "deleted", [], kubectl, answer)


def get(connection: Connection, ref: str, namespace: str) -> dict[str, Any]:
    """Read one object as a dict.

    Raises
    ------
    ServerError
        If there is none of that name; `status["code"]` is 404.
    """
    resource, name = find(connection, ref)
    try:
        return connection.get(resource.path(namespace, name))
    except ServerError as error:
        raise _named(error, "get", resource, name) from None


def find(connection: Connection, ref: str) -> tuple[Resource, str]:
    """Take "deployment/web" apart, and find its kind.

    Raises
    ------
    UsageError
        If it isn't of that form, or the server serves no such kind.
    """
    kind, slash, name = ref.partition("/")
    if not slash or not kind or not name:
        raise UsageError(f"{ref!r} names no object", step="find", next='write kind/name, as in "deployment/web"')
    return connection.discover(kind), name


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
    now = _get(connection, resource.path(namespace, name))
    if now is None and not deleted:
        raise UsageError("there is no such object", step="wait", object=ref, next="check its name, or apply it first")
    failure = ""

    def reached() -> bool:
        nonlocal failure
        seen = _seen(recorder, resource, name)
        progress.update(_standing(seen))
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
            return _observed(seen)
        failure = _failed(seen)
        return bool(failure) or (_rolled_out(seen) and not (settled and _terminating(recorder, seen)))

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
    told = [_standing(seen)] if _standing(seen) else []
    pods = [pod for pod in recorder.latest("pods") if _selects(seen, pod)]
    for pod in pods:
        cause = _cause(pod)
        if cause:
            told.append(f"{pod['metadata']['name']} {cause}")
    left = len(told) - 4
    return "; ".join(told[:4]) + (f"; and {left} more" if left > 0 else "") if told else "nothing says why"


def difference(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """List the fields that differ between two versions of an object, without what the server keeps for itself.

    Lists whose items have a name are compared by it, others by position.
    """
    return list(_differ(_plain(before), _plain(after), ""))


def _is_path(source: object) -> bool:
    """Say whether a manifest's source names a file; a string that reads like YAML doesn't."""
    return isinstance(source, Path) or (isinstance(source, str) and "\n" not in source and ": " not in source)


def _differ(old: Any, new: Any, path: str) -> Iterable[tuple[str, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            step = f'["{key}"]' if "." in key or "/" in key else f".{key}"
            yield from _differ(old.get(key), new.get(key), path + step)
    elif isinstance(old, list) and isinstance(new, list):
        before, after = _keyed(old), _keyed(new)
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _differ(before.get(key), after.get(key), f"{path}[{key}]")
    elif old != new:
        yield path.removeprefix("."), old, new


def _keyed(items: list[Any]) -> dict[Any, Any]:
    if items and all(isinstance(item, dict) and "name" in item for item in items):
        return {item["name"]: item for item in items}
    return dict(enumerate(items))


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    kept = {key: item for key, item in value.items() if key not in _NOISE}
    if isinstance(kept.get("metadata"), dict):
        metadata = {key: item for key, item in kept["metadata"].items() if key not in _NOISE}
        annotations = {k: v for k, v in (metadata.get("annotations") or {}).items() if k != REVISION}
        kept["metadata"] = {**metadata, "annotations": annotations}
    return kept


def _short(value: Any) -> str:
    text = "(none)" if value is None else (value if isinstance(value, str) else json.dumps(value))
    return text if len(text) <= 60 else text[:57] + "…"


def _get(connection: Connection, path: str) -> dict[str, Any] | None:
    try:
        return connection.get(path)
    except ServerError as error:
        if error.status.get("code") == 404:
            return None
        raise


def _patch(
    connection: Connection,
    resource: Resource,
    name: str,
    namespace: str,
    body: dict[str, Any],
    content_type: str,
    verb: str,
    kubectl: str,
) -> Change:
    path = resource.path(namespace, name)
    try:
        before = connection.get(path)
        query = {"fieldManager": MANAGER, "fieldValidation": "Strict"}
        after = json.loads(connection.request("PATCH", path, query, body, content_type=content_type))
    except ServerError as error:
        raise _named(error, verb, resource, name) from None
    diff = difference(before, after)
    return Change(_named_object(resource, name), verb if diff else "unchanged", diff, kubectl, after)


def _named_object(resource: Resource, name: str) -> str:
    group = resource.group_version.partition("/")[0] if "/" in resource.group_version else ""
    return f"{resource.singular}{'.' + group if group else ''}/{name}"


def _named(error: ServerError, step: str, resource: Resource, name: str) -> ServerError:
    hint = error.next or f"the message names the field; `kubectl explain {resource.singular}` shows what it takes"
    return ServerError(error.message, step=step, object=_named_object(resource, name), next=hint, status=error.status)


def _only_own(status: dict[str, Any]) -> bool:
    """Say whether all conflicts are with kitlib's own patches."""
    causes = (status.get("details") or {}).get("causes") or ()
    return bool(causes) and all(f'"{MANAGER}"' in cause.get("message", "") for cause in causes)


def _containers(connection: Connection, resource: Resource, name: str, namespace: str) -> list[str]:
    try:
        owner = connection.get(resource.path(namespace, name))
    except ServerError as error:
        raise _named(error, "set image", resource, name) from None
    return [container["name"] for container in owner["spec"]["template"]["spec"]["containers"]]


def _seen(recorder: Recorder, resource: Resource, name: str) -> dict[str, Any] | None:
    return next((item for item in recorder.latest(resource.plural) if item["metadata"]["name"] == name), None)


def _version(item: dict[str, Any]) -> tuple[str, str]:
    return item["metadata"]["uid"], item["metadata"]["resourceVersion"]


def _rolled_out(item: dict[str, Any]) -> bool:
    """As kubectl's rollout status: k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go."""
    status = item.get("status") or {}
    wanted = item["spec"].get("replicas", 1)
    return (
        _observed(item)
        and status.get("updatedReplicas", 0) == wanted
        and status.get("replicas", 0) == wanted
        and status.get("availableReplicas", 0) == wanted
    )


def _observed(item: dict[str, Any]) -> bool:
    return (item.get("status") or {}).get("observedGeneration", 0) >= item["metadata"].get("generation", 0)


def _failed(item: dict[str, Any]) -> str:
    if not _observed(item):
        return ""
    late = has_condition(item, "Progressing=False:ProgressDeadlineExceeded")
    return "it exceeded its progress deadline" if late else ""


def has_condition(item: dict[str, Any], condition: str) -> bool:
    """Say whether an object has a condition: "Ready", "Progressing=False", "Progressing=False:DeadlineExceeded"."""
    kind, _, rest = condition.partition("=")
    status, _, reason = rest.partition(":")
    return any(
        found["type"] == kind
        and found["status"] == (status or "True")
        and (not reason or found.get("reason") == reason)
        for found in (item.get("status") or {}).get("conditions") or ()
    )


def _standing(item: dict[str, Any] | None) -> str:
    if item is None or not isinstance(item["spec"].get("replicas"), int):
        return ""
    status, wanted = item.get("status") or {}, item["spec"]["replicas"]
    updated = status.get("updatedReplicas", status.get("replicas", 0))
    return f"{updated} of {wanted} updated, {status.get('availableReplicas', 0)} available"


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
