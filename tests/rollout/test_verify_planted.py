"""Violations planted in real recordings, one at a time: each is found, by the promise that it breaks."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import pytest

from kitlib.recording import WatchEvent
from kitlib.rollout import Verified, verify
from tests.rollout.planted import (
    ROOM,
    Object,
    Rows,
    body,
    edit,
    of,
    read,
    ready,
    told,
    with_budget,
    with_object,
)
from tests.rollout.test_controllers import BROKEN, DATA
from tests.rollout.test_controllers import told as told_of_workloads

GUARDED = {"app": "free"}
GONE = "free-546669cc84-c5dlp"
"""A Pod of three that the lesson deletes by hand when all are Ready."""


def twin(rows: Rows, which: int, at: int, name: str) -> Rows:
    """Return the rows and another object like one of them, that comes right behind another row."""
    obj = body(rows[which])
    obj["metadata"].update(name=name, uid="another")
    fields = {"name": name, "uid": "another", "monotonic_ns": rows[at].monotonic_ns}
    version = str(int(rows[at].resourceVersion) + 1)
    return [*rows[: at + 1], with_object(rows[which], obj, resourceVersion=version, **fields), *rows[at + 1 :]]


def a_pod_too_many(rows: Rows) -> Rows:
    made = of(rows, "Pod", "crew-74874d586", "ADDED")
    settled = next(n for n in of(rows, "Pod", "crew-74874d586") if n > made[1] and ready(rows[n]))
    return twin(rows, made[0], settled, "crew-74874d586-more")


def a_pod_too_few(rows: Rows) -> Rows:
    """One of the two Pods is never seen, though the status counts it."""
    uid = rows[of(rows, "Pod", "crew-74874d586", "ADDED")[0]].uid
    return [row for row in rows if row.uid != uid]


def a_replicaset_asks_for_too_many(rows: Rows) -> Rows:
    first = of(rows, "ReplicaSet", "free-546669cc84")[-2]
    return edit(rows, lambda row: row is rows[first], lambda obj: obj["spec"].update(replicas=6))


def two_pods_go_at_once(rows: Rows) -> Rows:
    """When one old Pod is given up, a Ready one of the others isn't Ready any more."""
    given_up = of(rows, "Pod", "free-84d56fb5fb", having='"deletionTimestamp"')[0]
    name = next(
        rows[n].name for n in of(rows, "Pod", "free-84d56fb5fb") if n < given_up and rows[n].name != rows[given_up].name
    )

    def unready(obj: Object) -> None:
        for each in obj["status"].get("conditions", ()):
            each["status"] = "False" if each["type"] == "Ready" else each["status"]

    last = [n for n in of(rows, "Pod", name) if n < given_up][-1]
    obj = body(rows[last])
    unready(obj)
    fields = {"monotonic_ns": rows[given_up].monotonic_ns, "type": "MODIFIED", "origin": "watch"}
    more = with_object(rows[last], obj, resourceVersion=str(int(rows[given_up].resourceVersion) + 1), **fields)
    return [*rows[: given_up + 1], more, *rows[given_up + 1 :]]


def old_and_new_under_recreate(rows: Rows) -> Rows:
    return edit(
        rows,
        lambda row: row.kind == "Deployment" and row.name == "free",
        lambda obj: obj["spec"].update(strategy={"type": "Recreate"}),
    )


def counts(kind: str, name: str, by: int, *fields: str) -> Callable[[Rows], Rows]:
    def change(obj: Object) -> None:
        for field in fields:
            obj["status"][field] = max(obj["status"].get(field) or 0, 0) + by

    return lambda rows: edit(
        rows, lambda row: row.kind == kind and row.name == name and '"status"' in text(row), change
    )


def text(row: WatchEvent) -> str:
    return row.object.decode()


def served(rows: Rows, start: str = "store-") -> tuple[str, list[int]]:
    """Return a Pod of a slice, and where the slice's rows stand."""
    places = of(rows, "EndpointSlice", start)
    for number in reversed(places):
        for each in body(rows[number]).get("endpoints") or ():
            if each["conditions"].get("ready") and each.get("targetRef"):
                return str(each["targetRef"]["name"]), places
    raise AssertionError(start)


def an_unready_address_is_served(rows: Rows) -> Rows:
    """The Pod is never Ready, and its slice says that it is."""
    name, _ = served(rows)

    def unready(obj: Object) -> None:
        for each in obj["status"].get("conditions", ()):
            each["status"] = "False" if each["type"] == "Ready" else each["status"]

    return edit(rows, lambda row: row.kind == "Pod" and row.name == name, unready)


def an_address_is_never_withdrawn(rows: Rows) -> Rows:
    """The slice is never written again, though its Pods go."""
    places = of(rows, "EndpointSlice", "store-")
    going = {row.name: n for n, row in enumerate(rows) if row.kind == "Pod" and '"deletionTimestamp"' in text(row)}
    last = max(
        n
        for n in places
        for each in body(rows[n])["endpoints"] or ()
        if each["conditions"].get("ready") and going.get(each["targetRef"]["name"], 0) > n
    )
    return [row for number, row in enumerate(rows) if number <= last or number not in places]


PLANTED: list[tuple[str, str, str, str, Callable[[Rows], Rows]]] = [
    ("statefulset", "deployment/crew", "ReplicaSet", "replicas", a_pod_too_many),
    ("statefulset", "deployment/crew", "ReplicaSet", "≠ readyReplicas", a_pod_too_few),
    ("statefulset", "deployment/crew", "Deployment", "≠ readyReplicas", a_pod_too_few),
    ("statefulset", "deployment/free", "Deployment", "most", a_replicaset_asks_for_too_many),
    ("statefulset", "deployment/free", "Deployment", "least", two_pods_go_at_once),
    ("statefulset", "deployment/free", "Deployment", "recreate", old_and_new_under_recreate),
    ("statefulset", "deployment/crew", "Deployment", "≠ status.replicas", counts("Deployment", "crew", 1, "replicas")),
    ("statefulset", "sts/guard", "StatefulSet", "≠ availableReplicas",
     counts("StatefulSet", "guard", 1, "availableReplicas")),
    ("statefulset", "sts/guard", "StatefulSet", "≠ status.replicas", counts("StatefulSet", "guard", 1, "replicas")),
    ("daemonset", "ds/everywhere", "DaemonSet", "≠ numberReady", counts("DaemonSet", "everywhere", 2, "numberReady")),
    ("daemonset", "ds/monitor", "DaemonSet", "nodes", counts("DaemonSet", "monitor", 2, "currentNumberScheduled")),
    ("cronjob", "cj/forbid", "CronJob", "≠ active",
     lambda rows: edit(rows, lambda row: row.kind == "CronJob" and row.name == "forbid",
                       lambda obj: obj["status"].update(active=[{}, {}, {}]))),
    ("job", "job/one", "Job", "≠ active", counts("Job", "one", 1, "active")),
    ("traefik", "svc/store", "EndpointSlice", "ready", an_unready_address_is_served),
    ("traefik", "svc/store", "EndpointSlice", "withdrawn", an_address_is_never_withdrawn),
]  # fmt: skip
"""Recording, what is asked for, the kind at fault, its promise (or ≠ and the field of its status), the change."""


def faults(result: Verified) -> set[tuple[str, str]]:
    broken = set(zip(result.breaches["kind"], result.breaches["promise"], strict=True))
    against = result.contradictions
    return broken | {(kind, f"≠ {field}") for kind, field in zip(against["kind"], against["field"], strict=True)}


@pytest.mark.parametrize(("name", "words", "kind", "fault", "change"), PLANTED, ids=[f"{p[2]} {p[3]}" for p in PLANTED])
def test_what_is_planted_is_found(name: str, words: str, kind: str, fault: str, change: Callable[[Rows], Rows]) -> None:
    rows = read(name)
    result = verify(told(change(rows)), words)
    assert (kind, fault) in faults(result), (faults(result), result.table.to_string())
    assert result.kept is False
    for row in [*result.breaches.to_dict("records"), *result.contradictions.to_dict("records")]:
        assert row["text"] and row["resourceVersion"] > 0 and row["seconds"] >= 0


@pytest.mark.parametrize(("name", "words"), sorted({(p[0], p[1]) for p in PLANTED}))
def test_nothing_of_that_is_found_where_nothing_is_planted(name: str, words: str) -> None:
    on_purpose = {"deployment/crew": {("Deployment", "least")}, "deployment/free": {("Deployment", "least")}}
    assert faults(verify(told(read(name)), words)) == on_purpose.get(words, set())


@pytest.mark.parametrize(("ref", "promise", "change"), BROKEN, ids=[each[2].__name__ for each in BROKEN])
def test_what_breaks_a_controllers_promise_is_in_the_whole_answer(
    workloads: Rows, ref: str, promise: str, change
) -> None:  # type: ignore[no-untyped-def]
    result = verify(told_of_workloads(change(workloads)), ref)
    own = result.breaches[result.breaches["name"] == ref.partition("/")[2]]
    assert promise in set(own["promise"]), result.breaches.to_string()


@pytest.fixture(scope="module")
def workloads() -> Rows:
    from kitlib.recording import Recording

    return list(Recording.open(DATA).rows)


def test_the_real_controllers_of_those_keep_all(workloads: Rows) -> None:
    result = verify(told_of_workloads(workloads))
    assert result.kept is True and faults(result) == set()


def budget(evicted: tuple[str, ...] = (GONE,), least: int = 2) -> Rows:
    return with_budget(read("statefulset"), GUARDED, least, evicted)


def test_a_budget_that_is_kept() -> None:
    result = verify(told(budget()), "pdb/guarded")
    assert result.kept is True and faults(result) == set()
    assert list(result.table["promise"][result.table["kept"].fillna(False)]) == ["allowed", "healthy", "status"]


def not_asked(rows: Rows) -> Rows:
    """The Pod is evicted, and nothing was taken off its budget."""
    return edit(
        rows,
        lambda row: row.kind == "PodDisruptionBudget",
        lambda obj: obj["status"].update(disruptedPods={}),
    )


def allows_more(rows: Rows) -> Rows:
    return edit(
        rows,
        lambda row: row.kind == "PodDisruptionBudget",
        lambda obj: obj["status"].update(disruptionsAllowed=obj["status"]["disruptionsAllowed"] + 2),
    )


def counts_more(rows: Rows) -> Rows:
    return edit(
        rows,
        lambda row: row.kind == "PodDisruptionBudget",
        lambda obj: obj["status"].update(currentHealthy=obj["status"]["currentHealthy"] + 1),
    )


@pytest.mark.parametrize(("least", "change", "wanted"), [
    (3, list, {"allowed", "healthy"}), (2, not_asked, {"allowed"}), (2, allows_more, {"status"}),
    (2, counts_more, {"≠ currentHealthy"}),
])  # fmt: skip
def test_a_budget_that_is_exceeded(least: int, change: Callable[[Rows], Rows], wanted: set[str]) -> None:
    result = verify(told(change(budget(least=least))), "pdb/guarded")
    assert faults(result) >= {("PodDisruptionBudget", each) for each in wanted}, faults(result)
    for row in result.breaches.query("promise == 'healthy'").to_dict("records"):
        assert (row["object"], row["value"], row["bound"], row["by"]) == (GONE, 2, 3, "EvictionByEvictionAPI")


def test_who_deletes_a_pod_without_an_eviction_breaks_no_budget() -> None:
    assert faults(verify(told(budget(evicted=(), least=3)), "pdb/guarded")) == set()


def test_a_contradiction_of_a_moment_is_none(workloads: Rows) -> None:
    """The same status, wrong for as long as it is: what counts as a moment decides."""
    changed = counts("StatefulSet", "guard", 1, "readyReplicas")(read("statefulset"))
    frames = told(changed)
    found = verify(frames, "sts/guard").contradictions.query("field == 'readyReplicas'")
    longest = int((found["end_ns"] - found["begin_ns"]).max())
    assert not len(verify(frames, "sts/guard", moment_ns=longest).contradictions)
    assert len(verify(frames, "sts/guard", moment_ns=longest - 1).contradictions) == 1


def test_versions_have_room() -> None:
    numbers = [int(row.resourceVersion) for row in read("pod") if row.resourceVersion.isdecimal()]
    assert all(number % ROOM == 0 for number in numbers)
    assert json.dumps(numbers[:1]) and isinstance(read("pod")[0], msgspec.Struct)
